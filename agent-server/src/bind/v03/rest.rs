//! HTTP+JSON of 0.3 (0.3 §3.5.3): the routes of 1.0 under `/v1`, and bodies in the JSON of the
//! Protocol Buffers of 0.3.

use super::{Answer, Asked, perform};
use crate::bind::door::{self, Peer, Refused};
use crate::bind::jsonrpc::log;
use crate::bind::rest::route::Route;
use crate::bind::sse::{self, Framing};
use crate::bind::{App, body};
use crate::service::{Operation, Version};
use agent_core::a2a::A2aError;
use agent_core::a2a::v03::{Dialect, MEDIA_TYPE, RestError, request_into_v1};
use agent_core::json::Json;
use agent_core::untrusted::shorten;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::{IntoResponse, Response};

/// The path of 0.3 in that of a request. A request that says that it is of 1.0 has none: in 1.0
/// `v1` is as good a tenant as any.
pub(in crate::bind) fn path<'a>(
    path: &'a str,
    headers: &HeaderMap,
    version_in_query: Option<&str>,
) -> Option<&'a str> {
    let rest = path.strip_prefix("/v1")?;
    let legacy = !door::names_version(Version::V1_0, headers, version_in_query);
    (rest.starts_with('/') && legacy).then_some(rest)
}

/// A request as HTTP has it.
pub(in crate::bind) struct Sent<'a> {
    pub(in crate::bind) method: &'a Method,
    /// After `/v1`.
    pub(in crate::bind) path: &'a str,
    pub(in crate::bind) peer: Peer,
    pub(in crate::bind) raw_query: Option<&'a str>,
    pub(in crate::bind) query: &'a [(String, String)],
    pub(in crate::bind) headers: &'a HeaderMap,
}

/// Answers one request.
pub(in crate::bind) async fn serve(app: &App, sent: Sent<'_>, body: Body) -> Response {
    match answer(app, &sent, body).await {
        Ok(response) => response,
        Err(refused) => {
            log(&refused.error);
            failure(refused)
        }
    }
}

async fn answer(app: &App, sent: &Sent<'_>, body: Body) -> Result<Response, Refused> {
    let call = door::enter(&app.door, sent.peer, sent.headers, sent.raw_query).await?;
    let version = sent.named("A2A-Version");
    let call = door::speak(&app.door, call, Version::V0_3, sent.headers, version)?;
    let route = sent.route()?;
    // The room is held until the answer is there: the request lives on in it.
    let (bytes, _room) =
        body::read(body, sent.headers, &app.bodies)
            .await
            .map_err(|(status, error)| Refused {
                status,
                ..Refused::from(error)
            })?;
    let operation = route.operation;
    let params = sent.params(&route, &bytes)?;
    let asked = Asked { operation, params };
    let answer = perform(&app.service, &call, &asked, Dialect::Rest).await?;
    let mut response = match answer {
        Answer::Json(result) => json(result.get().to_owned()),
        Answer::Once(event) => sse::once(event.get()),
        Answer::Stream(feed) => sse::response(
            feed,
            Framing::V03 {
                id: None,
                ends_when_asking: operation == Operation::SendStreamingMessage,
            },
        ),
    };
    door::echo_extensions(&call, response.headers_mut());
    Ok(response)
}

impl Sent<'_> {
    fn named(&self, name: &str) -> Option<&str> {
        let mut named = self.query.iter().filter(|(known, _)| known == name);
        named.next().map(|(_, value)| value.as_str())
    }

    /// The routes of 1.0, without tenants and the list, and with another one for the card.
    fn route(&self) -> Result<Route, A2aError> {
        let unknown = || {
            let asked = format!("{} /v1{}", self.method, self.path);
            A2aError::method_not_found(&shorten(&asked))
        };
        if self.path == "/card" && self.method == Method::GET {
            return Ok(Route {
                operation: Operation::GetExtendedAgentCard,
                fields: Vec::new(),
            });
        }
        let route = Route::of(self.method, self.path).map_err(|_| unknown())?;
        let with_tenant = route.fields.iter().any(|(name, _)| *name == "tenant");
        let absent = matches!(
            route.operation,
            Operation::ListTasks | Operation::GetExtendedAgentCard
        );
        if with_tenant || absent {
            return Err(unknown());
        }
        Ok(route)
    }

    /// The request of 1.0. Only a message and a webhook come in a body: what a body says of a task
    /// is in the path too, as the name of a resource.
    fn params(&self, route: &Route, bytes: &[u8]) -> Result<Json, A2aError> {
        let in_body = matches!(
            route.operation,
            Operation::SendMessage
                | Operation::SendStreamingMessage
                | Operation::CreateTaskPushNotificationConfig
        );
        let request = if in_body {
            let bytes = if bytes.is_empty() { b"{}" } else { bytes };
            request_into_v1(route.operation, bytes, Dialect::Rest)?
        } else {
            self.in_query()?
        };
        let params = route.put_into(request.get().as_bytes())?;
        serde_json::from_slice(&params).map_err(|error| A2aError::internal(error.to_string()))
    }

    /// The one thing that a query says, under both of its names.
    fn in_query(&self) -> Result<Json, A2aError> {
        let length = self.named("historyLength");
        let length = length.or_else(|| self.named("history_length"));
        let length = length.filter(|length| !length.is_empty());
        let fields = length.map(|length| ("historyLength", length));
        let fields: std::collections::BTreeMap<_, _> = fields.into_iter().collect();
        Json::from_value(&fields).map_err(|error| A2aError::internal(error.to_string()))
    }
}

fn json(text: String) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))], text).into_response()
}

fn failure(refused: Refused) -> Response {
    let Refused {
        status,
        error,
        headers,
    } = refused;
    (status, headers, json(error_text(&error))).into_response()
}

/// An error as HTTP+JSON of 0.3 tells it.
pub(in crate::bind) fn error_text(error: &A2aError) -> String {
    let text = Json::from_value(&RestError::from(error)).unwrap_or_default();
    text.get().to_owned()
}
