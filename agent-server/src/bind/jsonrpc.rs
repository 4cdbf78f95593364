//! The JSON-RPC binding (A2A §9): jsonrpsee's method registry for the unary operations, our own
//! event stream for the streaming ones, and our own limits around both.

use super::headers::{check_version, echo_extensions};
use super::{App, body, sse};
use crate::service::{Feed, Service};
use agent_core::a2a::{A2aError, ErrorCode, JsonRpcError, decode};
use agent_core::json::Json;
use agent_core::untrusted::shorten;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::server::{MethodCallback, ResponsePayload, RpcModule};
use jsonrpsee::types::{ErrorObjectOwned, Id, Params, Request};
use jsonrpsee::{ConnectionId, Extensions, Methods};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Webhooks, which the card does not offer.
const PUSH_METHODS: [&str; 4] = [
    "CreateTaskPushNotificationConfig",
    "GetTaskPushNotificationConfig",
    "ListTaskPushNotificationConfigs",
    "DeleteTaskPushNotificationConfig",
];

/// The unary operations, by method name.
pub(super) fn methods(service: Service) -> Result<Methods, RegisterMethodError> {
    let mut module = RpcModule::new(service);
    module.register_async_method("SendMessage", |params, service, _| async move {
        answer(async {
            let task = service.send_message(read(&params)?).await?;
            Ok(SendResult { task })
        })
        .await
    })?;
    module.register_async_method("GetTask", |params, service, _| async move {
        answer(async { service.get_task(read(&params)?).await }).await
    })?;
    module.register_async_method("CancelTask", |params, service, _| async move {
        answer(async { service.cancel_task(read(&params)?).await }).await
    })?;
    module.register_async_method("ListTasks", |params, service, _| async move {
        answer(async { object(&service.list_tasks(read(&params)?).await?) }).await
    })?;
    for method in PUSH_METHODS {
        module.register_async_method(method, |_, _, _| async {
            answer(async { Err::<Json, _>(Service::push_notifications()) }).await
        })?;
    }
    module.register_async_method("GetExtendedAgentCard", |_, _, _| async {
        answer(async { Err::<Json, _>(Service::extended_card()) }).await
    })?;
    Ok(module.into())
}

fn object(result: &impl Serialize) -> Result<Json, A2aError> {
    Json::from_value(result).map_err(|error| A2aError::internal(error.to_string()))
}

#[derive(Clone, Serialize)]
struct SendResult {
    task: Json,
}

/// Answers one POST.
pub(super) async fn post(
    State(app): State<App>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    // The room is held until the answer is there: the request lives on in it.
    let (bytes, _room) = match body::read(body, &headers, &app.bodies).await {
        Ok(read) => read,
        Err((status, error)) => return (status, failure(&Id::Null, &error)).into_response(),
    };
    let request: Request<'_> = match serde_json::from_slice(&bytes) {
        Ok(request) => request,
        Err(_) => return failure(&Id::Null, &not_a_request(&bytes)).into_response(),
    };
    let in_query = query.get("A2A-Version").map(String::as_str);
    if let Err(error) = check_version(&headers, in_query) {
        return failure(&request.id, &error).into_response();
    }
    let params = request.params.as_deref().map(RawValue::get);
    let mut response = match request.method.as_ref() {
        "SendStreamingMessage" => {
            let feed = decoded(params, |request| app.service.send_streaming(request)).await;
            stream(feed, &request.id)
        }
        "SubscribeToTask" => {
            let feed = decoded(params, |request| app.service.subscribe(request)).await;
            stream(feed, &request.id)
        }
        _ => call(&app.methods, &request, params).await,
    };
    echo_extensions(&headers, response.headers_mut());
    response
}

async fn call(methods: &Methods, request: &Request<'_>, params: Option<&str>) -> Response {
    let Some(MethodCallback::Async(method)) = methods.method(&request.method) else {
        let error = A2aError::method_not_found(&shorten(&request.method));
        return failure(&request.id, &error).into_response();
    };
    let id = request.id.clone().into_owned();
    let params = Params::new(params).into_owned();
    // What we answer is bounded by what we store; jsonrpsee's own cap would only hide it.
    let answer = method(id, params, ConnectionId(0), usize::MAX, Extensions::new()).await;
    json(answer.into_json().get().to_owned()).into_response()
}

async fn decoded<T, F>(params: Option<&str>, open: impl FnOnce(T) -> F) -> Result<Feed, A2aError>
where
    T: DeserializeOwned,
    F: Future<Output = Result<Feed, A2aError>>,
{
    open(decode(params.unwrap_or("{}").as_bytes())?).await
}

fn stream(feed: Result<Feed, A2aError>, id: &Id<'_>) -> Response {
    match feed {
        Ok(feed) => {
            let id = serde_json::to_string(id).unwrap_or_else(|_| "null".to_owned());
            sse::response(feed, sse::Framing::JsonRpc(id))
        }
        Err(error) => {
            log(&error);
            failure(id, &error).into_response()
        }
    }
}

fn read<T: DeserializeOwned>(params: &Params<'_>) -> Result<T, A2aError> {
    decode(params.as_str().unwrap_or("{}").as_bytes())
}

async fn answer<T: Clone + Serialize + 'static>(
    operation: impl Future<Output = Result<T, A2aError>>,
) -> ResponsePayload<'static, T> {
    match operation.await {
        Ok(result) => ResponsePayload::success(result),
        Err(error) => {
            log(&error);
            ResponsePayload::error(error_object(&error))
        }
    }
}

pub(super) fn log(error: &A2aError) {
    if let Some(log) = error.log() {
        tracing::error!(code = error.code().reason(), log, "an operation failed");
    }
}

fn error_object(error: &A2aError) -> ErrorObjectOwned {
    let wire = JsonRpcError::from(error);
    let code = i32::try_from(wire.code).unwrap_or(-32603);
    ErrorObjectOwned::owned(code, wire.message, Some(wire.data))
}

/// What is wrong with a body that is not one JSON-RPC request.
fn not_a_request(bytes: &[u8]) -> A2aError {
    match serde_json::from_slice::<&RawValue>(bytes) {
        Err(syntax) => A2aError::from(ErrorCode::ParseError)
            .with_metadata("line", syntax.line().to_string())
            .with_metadata("column", syntax.column().to_string()),
        Ok(value) if value.get().starts_with('[') => A2aError::new(
            ErrorCode::InvalidRequest,
            "batches are not taken; send one request",
        )
        .with_detail("batch_refused"),
        Ok(_) => A2aError::new(
            ErrorCode::InvalidRequest,
            "send {\"jsonrpc\": \"2.0\", \"id\": …, \"method\": …, \"params\": …}",
        ),
    }
}

pub(super) fn error_text(id: &str, error: &A2aError) -> String {
    let error = Json::from_value(&JsonRpcError::from(error)).unwrap_or_default();
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{}}}"#, error.get())
}

fn failure(id: &Id<'_>, error: &A2aError) -> impl IntoResponse + use<> {
    let id = serde_json::to_string(id).unwrap_or_else(|_| "null".to_owned());
    json(error_text(&id, error))
}

fn json(text: String) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, HeaderValue::from_static("application/json"))],
        text,
    )
}
