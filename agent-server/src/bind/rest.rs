//! The HTTP+JSON binding (A2A §11): routes and bodies onto the same service as JSON-RPC.

pub(super) mod route;

use super::door::{self, Peer, Refused};
use super::jsonrpc::log;
use super::sse::{self, Framing};
use super::{App, body, v03};
use crate::service::{Operation, Reply};
use agent_core::a2a::{A2aError, RestError, decode};
use agent_core::json::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use route::Route;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use url::form_urlencoded;

/// Where the routes begin.
pub(super) const BASE: &str = "/rest";

const MEDIA_TYPE: &str = "application/a2a+json";

/// Answers one request.
pub(super) async fn serve(
    State(app): State<App>,
    peer: Peer,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let query = form_urlencoded::parse(uri.query().unwrap_or("").as_bytes());
    let query: Vec<(String, String)> = query.into_owned().collect();
    let path = uri.path().strip_prefix(BASE).unwrap_or_default();
    let version = door::version_in_query(uri.query());
    if let Some(path) = v03::rest::path(path, &headers, version.as_deref()) {
        let sent = v03::rest::Sent {
            method: &method,
            path,
            peer,
            raw_query: uri.query(),
            query: &query,
            headers: &headers,
        };
        return v03::rest::serve(&app, sent, body).await;
    }
    let asked = Asked {
        app: &app,
        peer,
        headers: &headers,
        raw_query: uri.query(),
        query,
    };
    match asked.answer(&method, path, body).await {
        Ok(response) => response,
        Err(refused) => {
            log(&refused.error);
            failure(refused.challenged(&app.door))
        }
    }
}

struct Asked<'a> {
    app: &'a App,
    peer: Peer,
    headers: &'a HeaderMap,
    raw_query: Option<&'a str>,
    query: Vec<(String, String)>,
}

impl Asked<'_> {
    async fn answer(&self, method: &Method, path: &str, body: Body) -> Result<Response, Refused> {
        let call = door::open(&self.app.door, self.peer, self.headers, self.raw_query).await?;
        let route = Route::of(method, path).map_err(|error| other_verb(path, error))?;
        // The room is held until the answer is there: the request lives on in it.
        let (bytes, _room) = body::read(body, self.headers, &self.app.bodies)
            .await
            .map_err(|(status, error)| Refused {
                status,
                ..Refused::from(error)
            })?;
        let operation = route.operation;
        let params = if *method == Method::POST {
            route.put_into(&bytes)?
        } else {
            Cow::Owned(route.put_into(&self.in_query()?)?.into_owned())
        };
        let reply = self.app.service.perform(&call, operation, &params).await?;
        let mut response = match reply {
            Reply::Json(result) => json(result.get().to_owned()),
            Reply::Stream(feed) => sse::response(feed, Framing::Bare),
        };
        door::echo_extensions(&call, response.headers_mut());
        if operation == Operation::GetExtendedAgentCard {
            // It is for this caller only, whatever stands between.
            let private = HeaderValue::from_static("private, max-age=60");
            response.headers_mut().insert(CACHE_CONTROL, private);
            let vary = HeaderValue::from_static("Authorization, Cookie");
            response.headers_mut().insert(VARY, vary);
        }
        Ok(response)
    }

    /// The request in the query: text by the names of its fields, empty as if it were not there.
    fn in_query(&self) -> Result<Vec<u8>, A2aError> {
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
        serde_json::to_vec(&object).map_err(|error| A2aError::internal(error.to_string()))
    }
}

/// What is said of a route that is not there: if it is with another verb, which.
fn other_verb(path: &str, error: A2aError) -> Refused {
    let verbs = [Method::GET, Method::POST, Method::DELETE];
    let verbs = verbs.iter().filter(|verb| Route::of(verb, path).is_ok());
    let verbs: Vec<&str> = verbs.map(Method::as_str).collect();
    let mut refused = Refused::from(error);
    if let Ok(allowed) = HeaderValue::from_str(&verbs.join(", "))
        && !verbs.is_empty()
    {
        refused.status = StatusCode::METHOD_NOT_ALLOWED;
        refused.headers.insert(ALLOW, allowed);
    }
    refused
}

impl Route {
    /// Puts what the path says into the request, which may say the same once more.
    pub(super) fn put_into<'a>(&self, request: &'a [u8]) -> Result<Cow<'a, [u8]>, A2aError> {
        let request = if request.is_empty() { b"{}" } else { request };
        if self.fields.is_empty() {
            return Ok(Cow::Borrowed(request));
        }
        let mut object: BTreeMap<String, Json> = decode(request)?;
        for (name, value) in &self.fields {
            for spelling in [*name, route::snake_case(name)] {
                let said = object.remove(spelling).map(|said| said.parse::<String>());
                match said {
                    Some(Ok(said)) if said.is_empty() || said == *value => {}
                    Some(_) => {
                        return Err(A2aError::invalid_field(*name, "is not the one of the path"));
                    }
                    None => {}
                }
            }
            let value = Json::from_value(value);
            let value = value.map_err(|error| A2aError::internal(error.to_string()))?;
            object.insert((*name).to_owned(), value);
        }
        serde_json::to_vec(&object)
            .map(Cow::Owned)
            .map_err(|error| A2aError::internal(error.to_string()))
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
    let mut wire = RestError::from(&error);
    // Of a body too large or too slow HTTP says more than the table of errors does.
    wire.error.code = status.as_u16();
    let text = Json::from_value(&wire).unwrap_or_default();
    (status, headers, json(text.get().to_owned())).into_response()
}

/// The error with which a stream breaks off.
pub(super) fn error_text(error: &A2aError) -> String {
    let text = Json::from_value(&RestError::from(error)).unwrap_or_default();
    text.get().to_owned()
}
