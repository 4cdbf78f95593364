//! The HTTP+JSON binding (A2A §11): routes and bodies onto the same service as JSON-RPC.

mod route;

use super::headers::{check_version, echo_extensions};
use super::jsonrpc::log;
use super::sse::{self, Framing};
use super::{App, body};
use crate::service::Service;
use agent_core::a2a::{
    A2aError, CancelTaskRequest, GetTaskRequest, ListTasksRequest, RestError, SendMessageRequest,
    SubscribeToTaskRequest, decode,
};
use agent_core::json::Json;
use agent_core::untrusted::shorten;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use route::{Operation, Route};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::form_urlencoded;

/// Where the routes begin.
pub(super) const BASE: &str = "/rest";

const MEDIA_TYPE: &str = "application/a2a+json";

/// Answers one request.
pub(super) async fn serve(
    State(app): State<App>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let query = form_urlencoded::parse(uri.query().unwrap_or("").as_bytes());
    let query: Vec<(String, String)> = query.into_owned().collect();
    let call = Call {
        app: &app,
        headers: &headers,
        query,
    };
    let path = uri.path().strip_prefix(BASE).unwrap_or_default();
    let mut response = match call.answer(&method, path, body).await {
        Ok(response) => response,
        Err((status, error)) => {
            log(&error);
            failure(status, &error)
        }
    };
    echo_extensions(&headers, response.headers_mut());
    response
}

/// An error, and the HTTP status to tell it with.
type Failure = (StatusCode, A2aError);

struct Call<'a> {
    app: &'a App,
    headers: &'a HeaderMap,
    query: Vec<(String, String)>,
}

impl Call<'_> {
    async fn answer(&self, method: &Method, path: &str, body: Body) -> Result<Response, Failure> {
        self.check_version().map_err(of)?;
        let route = Route::of(method, path).map_err(of)?;
        if let Some(refused) = refused(&route.operation) {
            return Err(of(refused));
        }
        // The room is held until the answer is there: the request lives on in it.
        let (bytes, _room) = body::read(body, self.headers, &self.app.bodies).await?;
        self.check_type(&bytes).map_err(of)?;
        self.call(route, &bytes).await.map_err(of)
    }

    async fn call(&self, route: Route, bytes: &[u8]) -> Result<Response, A2aError> {
        let service = &self.app.service;
        let Route { tenant, operation } = route;
        match operation {
            Operation::SendMessage => {
                let mut request: SendMessageRequest = in_body(bytes)?;
                put("tenant", &mut request.tenant, tenant)?;
                let task = service.send_message(request).await?;
                Ok(json(format!(r#"{{"task":{}}}"#, task.get())))
            }
            Operation::SendStreamingMessage => {
                let mut request: SendMessageRequest = in_body(bytes)?;
                put("tenant", &mut request.tenant, tenant)?;
                let feed = service.send_streaming(request).await?;
                Ok(sse::response(feed, Framing::Bare))
            }
            Operation::GetTask(id) => {
                let mut request: GetTaskRequest = self.in_query()?;
                put("tenant", &mut request.tenant, tenant)?;
                put("id", &mut request.id, Some(id))?;
                written(&service.get_task(request).await?)
            }
            Operation::ListTasks => {
                let mut request: ListTasksRequest = self.in_query()?;
                put("tenant", &mut request.tenant, tenant)?;
                written(&service.list_tasks(request).await?)
            }
            Operation::CancelTask(id) => {
                let mut request: CancelTaskRequest = in_body(bytes)?;
                put("tenant", &mut request.tenant, tenant)?;
                put("id", &mut request.id, Some(id))?;
                written(&service.cancel_task(request).await?)
            }
            Operation::SubscribeToTask(id) => {
                let mut request: SubscribeToTaskRequest = in_body(bytes)?;
                put("tenant", &mut request.tenant, tenant)?;
                put("id", &mut request.id, Some(id))?;
                let feed = service.subscribe(request).await?;
                Ok(sse::response(feed, Framing::Bare))
            }
            Operation::PushNotificationConfig => Err(Service::push_notifications()),
            Operation::GetExtendedAgentCard => Err(Service::extended_card()),
        }
    }

    fn check_version(&self) -> Result<(), A2aError> {
        let mut named = self.query.iter().filter(|(name, _)| name == "A2A-Version");
        check_version(
            self.headers,
            named.next().map(|(_, version)| version.as_str()),
        )
    }

    /// Both media types are taken: clients send `application/json` (A2A §11.1 prefers the other).
    fn check_type(&self, bytes: &[u8]) -> Result<(), A2aError> {
        let Some(declared) = self.headers.get(CONTENT_TYPE).filter(|_| !bytes.is_empty()) else {
            return Ok(());
        };
        let declared = declared.to_str().unwrap_or("?");
        let essence = declared.split(';').next().unwrap_or("").trim();
        if [MEDIA_TYPE, "application/json"]
            .iter()
            .any(|taken| essence.eq_ignore_ascii_case(taken))
        {
            Ok(())
        } else {
            Err(A2aError::content_type_not_supported(&shorten(declared)))
        }
    }

    /// The request in the query: text by the names of its fields, empty as if it were not there.
    fn in_query<T: DeserializeOwned>(&self) -> Result<T, A2aError> {
        let fields = self.query.iter().filter(|(_, value)| !value.is_empty());
        let fields = fields.map(|(name, value)| {
            let value = match (name.as_str(), value.as_str()) {
                ("includeArtifacts", "true") => Value::Bool(true),
                ("includeArtifacts", "false") => Value::Bool(false),
                _ => Value::String(value.clone()),
            };
            (name.clone(), value)
        });
        let object: Map<String, Value> = fields.collect();
        let text = serde_json::to_vec(&object);
        decode(&text.map_err(|error| A2aError::internal(error.to_string()))?)
    }
}

/// What is not offered is refused before anything is read.
fn refused(operation: &Operation) -> Option<A2aError> {
    match operation {
        Operation::PushNotificationConfig => Some(Service::push_notifications()),
        Operation::GetExtendedAgentCard => Some(Service::extended_card()),
        _ => None,
    }
}

fn in_body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, A2aError> {
    decode(if bytes.is_empty() { b"{}" } else { bytes })
}

/// Puts what the path says into the request, which may say the same once more.
fn put(name: &str, field: &mut String, in_path: Option<String>) -> Result<(), A2aError> {
    match in_path {
        Some(text) if field.is_empty() || *field == text => *field = text,
        None => {}
        Some(_) => return Err(A2aError::invalid_field(name, "is not the one of the path")),
    }
    Ok(())
}

fn written(result: &impl Serialize) -> Result<Response, A2aError> {
    let text = Json::from_value(result).map_err(|error| A2aError::internal(error.to_string()))?;
    Ok(json(text.get().to_owned()))
}

fn json(text: String) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))], text).into_response()
}

fn of(error: A2aError) -> Failure {
    let status = StatusCode::from_u16(error.code().http_status());
    (status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), error)
}

fn failure(status: StatusCode, error: &A2aError) -> Response {
    let mut wire = RestError::from(error);
    // Of a body too large or too slow HTTP says more than the table of errors does.
    wire.error.code = status.as_u16();
    let text = Json::from_value(&wire).unwrap_or_default();
    (status, json(text.get().to_owned())).into_response()
}

/// The error with which a stream breaks off.
pub(super) fn error_text(error: &A2aError) -> String {
    let text = Json::from_value(&RestError::from(error)).unwrap_or_default();
    text.get().to_owned()
}
