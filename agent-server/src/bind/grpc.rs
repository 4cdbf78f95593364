//! The gRPC binding (A2A §10): one route per operation onto the same service as the others.
//!
//! A message is carried from Protocol Buffers to the JSON that the service takes, and its answer
//! back, by the table in [`agent_core::a2a::proto`]; tonic frames both. There is nothing else here
//! in which gRPC could differ from the other bindings.

mod codec;
mod deadline;
mod speech;
mod status;
mod stream;

use super::door::{self, Peer, Refused};
use super::jsonrpc::log;
use super::{App, body};
use crate::service::{Call, Version as A2aVersion};
use agent_core::a2a::proto::{ProtoError, SERVICE, Schema, v03};
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
use speech::{Answer, Speech};
use status::{of_error, of_refusal};
use stream::Source;
use tonic::Status;
use tonic::server::Grpc;
use tower::service_fn;

/// The routes: the package names the version.
pub(super) fn routes() -> Router<App> {
    let of = |version| {
        post(
            move |State(app): State<App>, Path(method): Path<String>, peer: Peer, request| async move {
                serve(app, version, method, peer, request).await
            },
        )
    };
    Router::new()
        .route(&format!("/{SERVICE}/{{method}}"), of(A2aVersion::V1_0))
        .route(
            &format!("/{}/{{method}}", v03::SERVICE),
            of(A2aVersion::V0_3),
        )
}

/// Answers one request.
async fn serve(
    app: App,
    version: A2aVersion,
    method: String,
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
        version,
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
    version: A2aVersion,
    peer: Peer,
    headers: &'a HeaderMap,
}

impl Asked<'_> {
    async fn answer(
        &self,
        method: &str,
        body: Body,
    ) -> Result<http::Response<tonic::body::Body>, Refused> {
        let call = door::enter(&self.app.door, self.peer, self.headers, None).await?;
        let call = door::speak(&self.app.door, call, self.version, self.headers, None)?;
        let Some(speech) = Speech::of(self.version, method) else {
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
            speech,
            deadline,
        };
        let mut answer = asked.framed(self.headers, bytes).await;
        door::echo_extensions(&call, answer.headers_mut());
        Ok(answer)
    }
}

/// An operation that is asked for.
struct Operated<'a> {
    app: &'a App,
    call: &'a Call,
    speech: Speech,
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
        if self.speech.operation.streams() {
            let answer = service_fn(|request: tonic::Request<Bytes>| async move {
                let source = match self.perform(request.get_ref()).await? {
                    Answer::Stream(feed) => Source::Feed(feed),
                    Answer::Once(event) => Source::Once(event),
                    Answer::Json(_) => return Err(Status::internal("not a stream")),
                };
                let events = stream::events(source, self.speech, self.deadline);
                Ok(tonic::Response::new(events))
            });
            grpc.server_streaming(answer, request).await
        } else {
            let answer = service_fn(|request: tonic::Request<Bytes>| async move {
                match self.perform(request.get_ref()).await? {
                    Answer::Json(json) => {
                        let written = written(self.speech.response, &json);
                        written.map(tonic::Response::new).map_err(told)
                    }
                    Answer::Stream(_) | Answer::Once(_) => Err(Status::internal("a stream")),
                }
            });
            grpc.unary(answer, request).await
        }
    }

    async fn perform(&self, message: &[u8]) -> Result<Answer, Status> {
        let service = &self.app.service;
        // An operation's future is large, and this one is carried through tonic's.
        let answer = Box::pin(self.speech.perform(service, self.call, message));
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
