//! Whose connection a request came on.

use crate::bind::Peer;
use axum::http::Request;
use std::task::{Context, Poll};
use tower::Service;

/// Says with every request of one connection who is at its other end.
#[derive(Clone, Debug)]
pub(super) struct Known<S> {
    pub(super) peer: Peer,
    pub(super) inner: S,
}

impl<S, B> Service<Request<B>> for Known<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        request.extensions_mut().insert(self.peer);
        self.inner.call(request)
    }
}
