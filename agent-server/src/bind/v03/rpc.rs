//! JSON-RPC of 0.3 (0.3 §7): methods with slashes, on the address that 1.0 has too.

use super::{Answer, Asked, perform};
use crate::bind::App;
use crate::bind::door::{self, echo_extensions};
use crate::bind::jsonrpc::{error_text, failure, json, log, refusal};
use crate::bind::sse::{self, Framing};
use crate::service::{Call, Operation, Version};
use agent_core::a2a::v03::{self, Dialect, request_into_v1};
use agent_core::a2a::{A2aError, ErrorCode};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use jsonrpsee::types::{Id, Request};
use serde_json::value::RawValue;

/// The operation that the method names, if it is one of 0.3.
pub(in crate::bind) fn operation(method: &str) -> Option<Operation> {
    v03::operation(method).and_then(|operation| Operation::of_name(operation.name()))
}

/// Answers one request.
pub(in crate::bind) async fn post(
    app: &App,
    call: Call,
    headers: &HeaderMap,
    version_in_query: Option<&str>,
    operation: Operation,
    request: &Request<'_>,
) -> Response {
    let call = match door::speak(&app.door, call, Version::V0_3, headers, version_in_query) {
        Ok(call) => call,
        Err(error) => return refusal(&request.id, error.into()),
    };
    let params = request.params.as_deref().map_or("{}", RawValue::get);
    let answer = async {
        let params = request_into_v1(operation, params.as_bytes(), Dialect::JsonRpc)?;
        let asked = Asked { operation, params };
        perform(&app.service, &call, &asked, Dialect::JsonRpc).await
    };
    let id = id_text(&request.id);
    let mut response = match answer.await {
        Ok(Answer::Json(result)) => {
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{}}}"#, result.get());
            json(text).into_response()
        }
        Ok(Answer::Stream(feed)) => sse::response(
            feed,
            Framing::V03 {
                id: Some(id),
                ends_when_asking: operation == Operation::SendStreamingMessage,
            },
        ),
        Ok(Answer::Once(event)) => sse::once(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{}}}"#,
            event.get()
        )),
        Err(error) => {
            log(&error);
            refused(operation, &request.id, &error)
        }
    };
    echo_extensions(&call, response.headers_mut());
    response
}

/// Clients of 0.3 that asked for events understand nothing else, an error included. What is wrong
/// with the request itself is told as it is everywhere, since no stream was opened for it.
fn refused(operation: Operation, id: &Id<'_>, error: &A2aError) -> Response {
    let of_request = matches!(
        error.code(),
        ErrorCode::InvalidParams | ErrorCode::InvalidRequest
    );
    if operation.streams() && !of_request {
        sse::once(&error_text(&id_text(id), error))
    } else {
        failure(id, error).into_response()
    }
}

fn id_text(id: &Id<'_>) -> String {
    serde_json::to_string(id).unwrap_or_else(|_| "null".to_owned())
}
