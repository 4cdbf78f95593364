//! Answers that wait to be read.
//!
//! A small task can have a large result, and asking for it again and again without reading costs the
//! asker nothing. What a connection buffers is bounded; what of an answer does not fit there yet is
//! counted here, for all connections together, and given up when nobody reads it for too long.

use crate::limits::{
    ANSWER_BYTES_UNCOUNTED, ANSWER_PIECE_BYTES, ANSWER_READ_TIMEOUT, ANSWERS_KIB_MAX,
};
use axum::body::{Body, HttpBody};
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tower::{Service, ServiceExt};

/// Room for the large answers of all connections.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Semaphore>);

impl Room {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(ANSWERS_KIB_MAX)))
    }
}

/// The large answers of one connection.
#[derive(Clone, Debug)]
pub(super) struct Unread {
    room: Room,
    wait: Duration,
    tired: Arc<Notify>,
}

impl Unread {
    pub(super) fn new(room: Room) -> Self {
        Self {
            room,
            wait: ANSWER_READ_TIMEOUT,
            tired: Arc::default(),
        }
    }

    /// Waits until one of them has not been read for too long.
    pub(super) async fn tired(&self) {
        self.tired.notified().await;
    }

    /// Room for so many bytes, for a bounded time; `None` when there is none.
    fn hold(&self, bytes: usize) -> Option<Held> {
        let kib = u32::try_from(bytes.div_ceil(1_024)).ok()?;
        let room = Arc::clone(&self.room.0).try_acquire_many_owned(kib).ok()?;
        let (tired, wait) = (Arc::clone(&self.tired), self.wait);
        let late = tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            tired.notify_one();
        });
        Some(Held {
            late: late.abort_handle(),
            _room: room,
        })
    }
}

/// Room that is taken.
struct Held {
    late: AbortHandle,
    _room: OwnedSemaphorePermit,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.late.abort();
    }
}

/// Counts what is answered and large.
#[derive(Clone, Debug)]
pub(super) struct Bounded<S> {
    pub(super) unread: Unread,
    pub(super) inner: S,
}

impl<S, B> Service<Request<B>> for Bounded<S>
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
        let unread = self.unread.clone();
        let answer = self.inner.clone().oneshot(request);
        Box::pin(async move {
            let answer = answer.await?;
            let held = match HttpBody::size_hint(answer.body()).exact() {
                Some(small) if small <= ANSWER_BYTES_UNCOUNTED => return Ok(answer),
                None => None,
                Some(large) => {
                    let bytes = usize::try_from(large).unwrap_or(usize::MAX);
                    let Some(held) = unread.hold(bytes) else {
                        return Ok(StatusCode::SERVICE_UNAVAILABLE.into_response());
                    };
                    Some(held)
                }
            };
            Ok(answer.map(|body| {
                Body::new(Pieces {
                    body,
                    held,
                    rest: Bytes::new(),
                    unread,
                })
            }))
        })
    }
}

/// A body that is handed out no faster than it is sent.
struct Pieces {
    body: Body,
    /// Room for what is left of a large piece, or for all of the body.
    held: Option<Held>,
    /// What is left of it.
    rest: Bytes,
    unread: Unread,
}

/// More is waiting to be read than there is room for.
#[derive(Debug, thiserror::Error)]
#[error("too much is waiting to be read")]
struct TooMuch;

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                end => return Poll::Ready(end),
            };
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(frame) => return Poll::Ready(Some(Ok(frame))),
            }
            let large = u64::try_from(self.rest.len()).unwrap_or(u64::MAX) > ANSWER_BYTES_UNCOUNTED;
            if !large {
                return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.rest)))));
            }
            if self.held.is_none() {
                self.held = self.unread.hold(self.rest.len());
            }
            if self.held.is_none() {
                self.rest.clear();
                return Poll::Ready(Some(Err(axum::Error::new(TooMuch))));
            }
        }
        // Copied, because a slice would keep all of it until the slice is sent.
        let length = self.rest.len().min(ANSWER_PIECE_BYTES);
        let piece = Bytes::copy_from_slice(&self.rest.split_to(length));
        if self.rest.is_empty() {
            self.rest = Bytes::new();
            self.held = None;
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        let body = self.body.size_hint();
        let mut all = SizeHint::new();
        all.set_lower(body.lower().saturating_add(rest));
        if let Some(upper) = body.upper() {
            all.set_upper(upper.saturating_add(rest));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use http_body_util::BodyExt;

    fn unread(kib: usize) -> Unread {
        let mut unread = Unread::new(Room(Arc::new(Semaphore::new(kib))));
        unread.wait = Duration::from_millis(1);
        unread
    }

    async fn answer(unread: &Unread, body: fn() -> Body) -> Response<Body> {
        let answer = move |_: Request<Body>| async move { Ok(Response::new(body())) };
        let unread = unread.clone();
        let inner = tower::service_fn(answer);
        let bounded = Bounded { unread, inner };
        bounded.oneshot(Request::default()).await.unwrap()
    }

    fn large() -> Body {
        Body::from(vec![7; 600 * 1_024])
    }

    fn streamed() -> Body {
        let pieces = [vec![7; 10], vec![7; 600 * 1_024], vec![7; 10]];
        let pieces = pieces.map(|piece| Ok::<_, Infallible>(Bytes::from(piece)));
        Body::from_stream(futures_util::stream::iter(pieces))
    }

    #[tokio::test]
    async fn what_is_large_comes_whole_and_gives_its_room_back() {
        let unread = unread(1_024);
        for body in [large, streamed] {
            let first = answer(&unread, body).await;
            let announced = first.body().size_hint().exact();
            let bytes = to_bytes(first.into_body(), usize::MAX).await.unwrap();
            assert!(bytes.iter().all(|byte| *byte == 7));
            let length = u64::try_from(bytes.len()).unwrap();
            assert!(announced.is_none_or(|announced| announced == length));
            assert_eq!(unread.room.0.available_permits(), 1_024);
        }
    }

    #[tokio::test]
    async fn what_there_is_no_room_for_is_refused_or_cut() {
        let unread = unread(1_024);
        let first = answer(&unread, large).await;
        let second = answer(&unread, large).await;
        assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
        let third = answer(&unread, streamed).await;
        assert!(third.into_body().collect().await.is_err());
        let small = answer(&unread, || Body::from("small")).await;
        assert_eq!(small.status(), StatusCode::OK);
        drop(first);
        assert_eq!(answer(&unread, large).await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn what_is_not_read_is_waited_for_so_long() {
        let unread = unread(1_024);
        let unused = answer(&unread, large).await;
        unread.tired().await;
        drop(unused);
    }
}
