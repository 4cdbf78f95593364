//! The JSON-RPC binding (A2A §9): jsonrpsee's method registry for the unary operations, our own
//! event stream for the streaming ones, and our own limits around both.

use super::door::{self, Peer, Refused};
use super::{App, body, sse, v03};
use crate::service::{Call, Feed, Operation, Reply, Service, Version};
use agent_core::a2a::{A2aError, ErrorCode, JsonRpcError};
use agent_core::json::Json;
use agent_core::untrusted::shorten;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::server::{MethodCallback, ResponsePayload, RpcModule};
use jsonrpsee::types::{ErrorObjectOwned, Id, Params, Request};
use jsonrpsee::{ConnectionId, Extensions, Methods};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The unary operations, by method name.
pub(super) fn methods(service: Service) -> Result<Methods, RegisterMethodError> {
    let mut module = RpcModule::new(service);
    for operation in Operation::ALL.into_iter().filter(|known| !known.streams()) {
        module.register_async_method(
            operation.name(),
            move |params, service, extensions| async move {
                let call = extensions.get::<Call>().cloned().unwrap_or_default();
                let params = params.as_str().unwrap_or("{}").as_bytes();
                answer(service.perform(&call, operation, params).await)
            },
        )?;
    }
    Ok(module.into())
}

/// Answers one POST.
pub(super) async fn post(
    State(app): State<App>,
    peer: Peer,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    // Whoever is turned away here sends no body first, and so is told without its id.
    let call = match door::enter(&app.door, peer, &headers, uri.query()).await {
        Ok(call) => call,
        Err(refused) => return refusal(&Id::Null, refused),
    };
    // The room is held until the answer is there: the request lives on in it.
    let (bytes, _room) = match body::read(body, &headers, &app.bodies).await {
        Ok(read) => read,
        Err((status, error)) => return (status, failure(&Id::Null, &error)).into_response(),
    };
    let request: Request<'_> = match serde_json::from_slice(&bytes) {
        Ok(request) => request,
        Err(_) => {
            let (id, error) = not_a_request(&bytes);
            return failure(&id, &error).into_response();
        }
    };
    let version = door::version_in_query(uri.query());
    let version = version.as_deref();
    if let Some(operation) = v03::rpc::operation(&request.method) {
        return v03::rpc::post(&app, call, &headers, version, operation, &request).await;
    }
    let call = match door::speak(&app.door, call, Version::V1_0, &headers, version) {
        Ok(call) => call,
        Err(error) => return refusal(&request.id, error.into()),
    };
    let params = request.params.as_deref().map(RawValue::get);
    let streamed = Operation::of_name(&request.method).filter(|known| known.streams());
    let mut response = match streamed {
        Some(operation) => {
            let params = params.unwrap_or("{}").as_bytes();
            stream(
                app.service.perform(&call, operation, params).await,
                &request.id,
            )
        }
        None => unary(&app.methods, &call, &request, params).await,
    };
    door::echo_extensions(&call, response.headers_mut());
    response
}

async fn unary(
    methods: &Methods,
    call: &Call,
    request: &Request<'_>,
    params: Option<&str>,
) -> Response {
    let Some(MethodCallback::Async(method)) = methods.method(&request.method) else {
        let error = A2aError::method_not_found(&shorten(&request.method));
        return failure(&request.id, &error).into_response();
    };
    let id = request.id.clone().into_owned();
    let params = Params::new(params).into_owned();
    let mut extensions = Extensions::new();
    extensions.insert(call.clone());
    // What we answer is bounded by what we store; jsonrpsee's own cap would only hide it.
    let answer = method(id, params, ConnectionId(0), usize::MAX, extensions).await;
    json(answer.into_json().get().to_owned()).into_response()
}

fn stream(reply: Result<Reply, A2aError>, id: &Id<'_>) -> Response {
    match reply.and_then(feed) {
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

fn feed(reply: Reply) -> Result<Feed, A2aError> {
    match reply {
        Reply::Stream(feed) => Ok(feed),
        Reply::Json(_) => Err(A2aError::internal("an answer where a stream was to be")),
    }
}

fn answer(reply: Result<Reply, A2aError>) -> ResponsePayload<'static, Json> {
    let error = match reply {
        Ok(Reply::Json(result)) => return ResponsePayload::success(result),
        Ok(Reply::Stream(_)) => A2aError::internal("a stream where an answer was to be"),
        Err(error) => error,
    };
    log(&error);
    ResponsePayload::error(error_object(&error))
}

pub(super) fn log(error: &A2aError) {
    if let Some(log) = error.log() {
        tracing::error!(code = error.code().reason(), log, "an operation failed");
    }
}

/// A refusal at the door. What the protocol says in its own words goes with HTTP 200 (A2A §9.5);
/// who is asked to say who they are, or to come later, is told by HTTP.
pub(super) fn refusal(id: &Id<'_>, refused: Refused) -> Response {
    log(&refused.error);
    let status = match by_http(&refused) {
        true => refused.status,
        false => StatusCode::OK,
    };
    (status, refused.headers, failure(id, &refused.error)).into_response()
}

fn by_http(refused: &Refused) -> bool {
    matches!(
        refused.status,
        StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::SERVICE_UNAVAILABLE
    )
}

fn error_object(error: &A2aError) -> ErrorObjectOwned {
    let wire = JsonRpcError::from(error);
    let code = i32::try_from(wire.code).unwrap_or(-32603);
    ErrorObjectOwned::owned(code, wire.message, Some(wire.data))
}

/// As much of a request as can be made out of one that is wrong.
#[derive(Deserialize)]
struct Attempt<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<&'a RawValue>,
}

/// What is wrong with a body that is not one JSON-RPC request, and the id to say it under.
fn not_a_request(bytes: &[u8]) -> (Id<'_>, A2aError) {
    let whole = match serde_json::from_slice::<&RawValue>(bytes) {
        Ok(whole) => whole.get(),
        Err(syntax) => {
            let error = A2aError::from(ErrorCode::ParseError)
                .with_metadata("line", syntax.line().to_string())
                .with_metadata("column", syntax.column().to_string());
            return (Id::Null, error);
        }
    };
    let refuse = |text: &str| A2aError::new(ErrorCode::InvalidRequest, text);
    if whole.starts_with('[') {
        let error = refuse("batches are not taken; send one request");
        return (Id::Null, error.with_detail("batch_refused"));
    }
    let Ok(attempt) = serde_json::from_str::<Attempt<'_>>(whole) else {
        let shape = "send {\"jsonrpc\": \"2.0\", \"id\": …, \"method\": …, \"params\": …}";
        return (Id::Null, refuse(shape));
    };
    let read = |member: Option<&RawValue>| serde_json::from_str::<String>(member?.get()).ok();
    let id = attempt
        .id
        .and_then(|id| serde_json::from_str(id.get()).ok());
    let known_id = id.is_some();
    let error = match (read(attempt.jsonrpc).as_deref(), read(attempt.method)) {
        (Some("2.0"), Some(method)) if !is_method(&method) => {
            A2aError::method_not_found(&shorten(&method))
        }
        (Some("2.0"), Some(_)) if attempt.id.is_none() => {
            refuse("send an `id`: without one there is no answer")
        }
        (Some("2.0"), Some(_)) if !known_id => {
            refuse("`id` must be a string, or a whole number from 0 to 18446744073709551615")
        }
        (Some("2.0"), Some(_)) => refuse("there is a member too many, or one twice"),
        (Some("2.0"), None) => refuse("`method` must be a string"),
        _ => refuse("`jsonrpc` must be \"2.0\""),
    };
    (id.unwrap_or(Id::Null), error)
}

fn is_method(name: &str) -> bool {
    Operation::of_name(name).is_some() || v03::rpc::operation(name).is_some()
}

pub(super) fn error_text(id: &str, error: &A2aError) -> String {
    let error = Json::from_value(&JsonRpcError::from(error)).unwrap_or_default();
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{}}}"#, error.get())
}

pub(super) fn failure(id: &Id<'_>, error: &A2aError) -> impl IntoResponse + use<> {
    let id = serde_json::to_string(id).unwrap_or_else(|_| "null".to_owned());
    json(error_text(&id, error))
}

pub(super) fn json(text: String) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, HeaderValue::from_static("application/json"))],
        text,
    )
}
