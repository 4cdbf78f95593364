//! The gRPC binding (A2A §10): one route per operation onto the same service as the others.
//!
//! A message is carried from Protocol Buffers to the JSON that the service takes, and its answer
//! back, by the table in [`agent_core::a2a::proto`]; tonic frames both. There is nothing else here
//! in which gRPC could differ from the other bindings.

mod codec;
mod deadline;
mod status;
mod stream;

use super::door::{self, Peer, Refused};
use super::jsonrpc::log;
use super::{App, body};
use crate::service::{Call, Operation, Reply};
use agent_core::a2a::proto::{ProtoError, SERVICE, Schema, request_of, response_of};
use agent_core::a2a::{A2aError, ErrorCode};
use agent_core::json::Json;
use agent_core::untrusted::shorten;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Request, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use codec::Framed;
use deadline::Deadline;
use http_body_util::Full;
use status::{of_error, of_refusal};
use tonic::Status;
use tonic::server::Grpc;
use tower::service_fn;

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new().route(&format!("/{SERVICE}/{{method}}"), post(serve))
}

/// Answers one request.
async fn serve(
    State(app): State<App>,
    Path(method): Path<String>,
    peer: Peer,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let declared = parts.headers.get(CONTENT_TYPE);
    let is_grpc = declared.is_some_and(|kind| is_grpc(kind.as_bytes()));
    if parts.version < Version::HTTP_2 || !is_grpc {
        let text = "this is gRPC: send application/grpc over HTTP/2\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, text).into_response();
    }
    let asked = Asked {
        app: &app,
        peer,
        headers: &parts.headers,
    };
    let answer = match asked.answer(&method, body).await {
        Ok(answer) => answer,
        Err(refused) => {
            log(&refused.error);
            of_refusal(refused).into_http()
        }
    };
    answer.map(Body::new)
}

/// Other encodings of messages than Protocol Buffers have a name of their own after the plus.
fn is_grpc(content_type: &[u8]) -> bool {
    let rest = content_type.strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| {
        matches!(rest.first(), None | Some(b';' | b' ')) || rest.starts_with(b"+proto")
    })
}

struct Asked<'a> {
    app: &'a App,
    peer: Peer,
    headers: &'a HeaderMap,
}

impl Asked<'_> {
    async fn answer(
        &self,
        method: &str,
        body: Body,
    ) -> Result<http::Response<tonic::body::Body>, Refused> {
        let call = door::open(&self.app.door, self.peer, self.headers, None).await?;
        let Some(operation) = Operation::of_name(method) else {
            return Err(A2aError::method_not_found(&shorten(method)).into());
        };
        let deadline = Deadline::of(self.headers)?;
        // The room is held until the answer is there: the request lives on in it.
        let (bytes, _room) = body::collect(body, self.headers, &self.app.bodies)
            .await
            .map_err(|(status, error)| Refused {
                status,
                ..Refused::from(error)
            })?;
        let asked = Operated {
            app: self.app,
            call: &call,
            operation,
            request: request_of(operation),
            response: response_of(operation),
            deadline,
        };
        let mut answer = asked.framed(self.headers, bytes).await;
        door::echo_extensions(&call, answer.headers_mut());
        Ok(answer)
    }
}

/// An operation, and what it takes and gives.
struct Operated<'a> {
    app: &'a App,
    call: &'a Call,
    operation: Operation,
    request: &'static Schema,
    response: &'static Schema,
    deadline: Deadline,
}

impl Operated<'_> {
    /// The body has been read, so tonic only takes the message out of its frame and puts what it is
    /// answered with into others. It takes no compressed ones.
    async fn framed(&self, headers: &HeaderMap, bytes: Bytes) -> http::Response<tonic::body::Body> {
        // A body is bounded, and so is what it holds.
        let mut grpc = Grpc::new(Framed).max_decoding_message_size(usize::MAX);
        let mut request = Request::new(Full::new(bytes));
        *request.headers_mut() = headers.clone();
        if self.operation.streams() {
            let answer = service_fn(|request: tonic::Request<Bytes>| async move {
                match self.perform(request.get_ref()).await? {
                    Reply::Stream(feed) => Ok(tonic::Response::new(stream::events(
                        feed,
                        self.response,
                        self.deadline,
                    ))),
                    Reply::Json(_) => Err(Status::internal("not a stream")),
                }
            });
            grpc.server_streaming(answer, request).await
        } else {
            let answer = service_fn(|request: tonic::Request<Bytes>| async move {
                match self.perform(request.get_ref()).await? {
                    Reply::Json(json) => {
                        let written = written(self.response, &json);
                        written.map(tonic::Response::new).map_err(told)
                    }
                    Reply::Stream(_) => Err(Status::internal("a stream")),
                }
            });
            grpc.unary(answer, request).await
        }
    }

    async fn perform(&self, message: &[u8]) -> Result<Reply, Status> {
        let params = self.request.decode(message).map_err(unreadable);
        let params = params.map_err(told)?;
        let service = &self.app.service;
        // An operation's future is large, and this one is carried through tonic's.
        let answer = Box::pin(service.perform(self.call, self.operation, &params));
        self.deadline.within(answer).await?.map_err(told)
    }
}

/// An error as it is told, once its log has been written.
fn told(error: A2aError) -> Status {
    log(&error);
    of_error(&error)
}

fn unreadable(error: ProtoError) -> A2aError {
    A2aError::new(
        ErrorCode::ParseError,
        format!("the message cannot be read: {error}"),
    )
    .with_detail(error.code())
}

/// An answer of the service in Protocol Buffers.
fn written(schema: &Schema, json: &Json) -> Result<Bytes, A2aError> {
    schema.encode(json.get()).map(Bytes::from).map_err(|error| {
        // A number beyond what a double holds is the only thing that JSON has and this has not.
        A2aError::new(
            ErrorCode::Internal,
            "the answer holds what gRPC cannot carry; ask over JSON-RPC or HTTP+JSON",
        )
        .with_detail(error.code())
        .with_log(error.to_string())
    })
}
