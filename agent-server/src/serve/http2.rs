//! HTTP/2, which gRPC needs: one connection carries many requests, so what HTTP/1 bounds by
//! connections is bounded here by requests too.

use crate::limits::{
    HEADER_READ_TIMEOUT, HTTP2_CONNECTION_WINDOW_BYTES, HTTP2_HEADER_LIST_BYTES_MAX,
    HTTP2_IDLE_TIMEOUT, HTTP2_PENDING_RESETS_MAX, HTTP2_PING_INTERVAL, HTTP2_PING_TIMEOUT,
    HTTP2_SEND_BUFFER_BYTES, HTTP2_STREAM_WINDOW_BYTES, HTTP2_STREAMS_MAX,
};
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse;
use http_body_util::BodyExt;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::{Service, ServiceExt};

/// A server of HTTP/2 within the bounds of [`crate::limits`].
pub(super) fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new()).http2_only();
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .max_header_list_size(HTTP2_HEADER_LIST_BYTES_MAX)
        .initial_stream_window_size(HTTP2_STREAM_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(HTTP2_SEND_BUFFER_BYTES)
        .max_pending_accept_reset_streams(HTTP2_PENDING_RESETS_MAX)
        .max_local_error_reset_streams(HTTP2_PENDING_RESETS_MAX)
        .keep_alive_interval(HTTP2_PING_INTERVAL)
        .keep_alive_timeout(HTTP2_PING_TIMEOUT);
    builder
}

/// The requests of one connection.
#[derive(Clone, Debug)]
pub(super) struct Busy {
    /// How many are being answered.
    now: Arc<watch::Sender<usize>>,
    /// What all connections of HTTP/2 may answer at once.
    places: Arc<Semaphore>,
}

impl Busy {
    pub(super) fn new(places: Arc<Semaphore>) -> Self {
        Self {
            now: Arc::new(watch::Sender::new(0)),
            places,
        }
    }

    fn one_more(&self) -> Option<One> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        self.now.send_modify(|now| *now = now.saturating_add(1));
        Some(One {
            now: Arc::clone(&self.now),
            _place: place,
        })
    }

    /// Waits until the connection has had nothing to answer for too long. Somebody who says
    /// nothing at all, or never ends a head, is not waited for as long as a client that may have
    /// another request.
    pub(super) async fn idle(&self) {
        let mut now = self.now.subscribe();
        let mut wait = HEADER_READ_TIMEOUT;
        loop {
            // We hold the sender, so neither wait fails.
            let _ = now.wait_for(|now| *now == 0).await;
            match tokio::time::timeout(wait, now.wait_for(|now| *now > 0)).await {
                Ok(_) => wait = HTTP2_IDLE_TIMEOUT,
                Err(_) => return,
            }
        }
    }
}

/// A request that is being answered.
struct One {
    now: Arc<watch::Sender<usize>>,
    _place: OwnedSemaphorePermit,
}

impl Drop for One {
    fn drop(&mut self) {
        self.now.send_modify(|now| *now = now.saturating_sub(1));
    }
}

/// Counts each request from its head to the last byte of its answer.
#[derive(Clone, Debug)]
pub(super) struct Counted<S> {
    pub(super) busy: Busy,
    pub(super) inner: S,
}

impl<S, B> Service<Request<B>> for Counted<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Some(one) = self.busy.one_more() else {
            // gRPC's clients read it as UNAVAILABLE.
            return Box::pin(async { Ok(StatusCode::SERVICE_UNAVAILABLE.into_response()) });
        };
        let answer = self.inner.clone().oneshot(request);
        Box::pin(async move {
            let answer = answer.await?;
            Ok(answer.map(|body| {
                // The body is gone when all of it is sent, or nobody reads it any more.
                Body::new(body.map_frame(move |frame| {
                    let _one = &one;
                    frame
                }))
            }))
        })
    }
}
