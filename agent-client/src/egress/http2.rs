//! HTTP/2 for those who cannot do without: gRPC, whose last word stands after the body.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;

use super::{Egress, EgressError, ExchangeLimits, client, resolve::Guarded};
use crate::limits;

/// A client that speaks HTTP/2 from the first byte: over TLS by ALPN, else without asking. Made
/// when it is first wanted, since most who go out never want it.
#[derive(Debug)]
pub(super) struct Http2 {
    resolver: Arc<Guarded>,
    client: OnceLock<reqwest::Client>,
}

impl Http2 {
    pub(super) const fn new(resolver: Arc<Guarded>) -> Self {
        Self {
            resolver,
            client: OnceLock::new(),
        }
    }

    fn client(&self) -> Result<&reqwest::Client, EgressError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let builder = || {
            client(Arc::clone(&self.resolver))
                .http2_prior_knowledge()
                .http2_initial_stream_window_size(limits::HTTP2_STREAM_WINDOW_BYTES)
                .http2_initial_connection_window_size(limits::HTTP2_CONNECTION_WINDOW_BYTES)
                .http2_max_header_list_size(limits::HTTP2_HEADER_LIST_BYTES_MAX)
                .http2_keep_alive_interval(limits::HTTP2_PING_INTERVAL)
                .http2_keep_alive_timeout(limits::HTTP2_PING_TIMEOUT)
        };
        let made = builder().build().or_else(|_| {
            builder()
                .tls_certs_only([])
                .build()
                .map_err(EgressError::setup)
        })?;
        // Two may make one at once; the first stays.
        Ok(self.client.get_or_init(|| made))
    }
}

impl Egress {
    /// Posts a body over HTTP/2 and hands over what comes back as it arrives. `limits` are those of
    /// a stream: the total ends with the response's head.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), up to the response's head; later failures come from the frames.
    pub async fn post_http2(
        &self,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
        limits: ExchangeLimits,
    ) -> Result<Frames, EgressError> {
        let url = self.policy.vet(url)?;
        let request = self.http2.client()?.post(url).headers(headers).body(body);
        let response = tokio::time::timeout(limits.total, request.send())
            .await
            .map_err(|_| EgressError::Timeout)?
            .map_err(EgressError::from_reqwest)?;
        let (head, body) = http::Response::from(response).into_parts();
        Ok(Frames {
            status: head.status,
            headers: head.headers,
            trailers: None,
            body,
            idle: limits.idle,
            max: limits.body_bytes_max,
            left: limits.body_bytes_max,
        })
    }
}

/// A response of HTTP/2 as it arrives. Dropping it resets the stream and leaves the connection to
/// others.
#[derive(Debug)]
pub struct Frames {
    status: StatusCode,
    headers: HeaderMap,
    trailers: Option<HeaderMap>,
    body: reqwest::Body,
    idle: Duration,
    max: usize,
    left: usize,
}

impl Frames {
    /// The response's status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The response's headers, from a stranger.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// What came after the body, from a stranger; known once [`next`](Self::next) gave `None`.
    #[must_use]
    pub const fn trailers(&self) -> Option<&HeaderMap> {
        self.trailers.as_ref()
    }

    /// The next piece, or `None` at the end. Pieces do not end where messages end. A call that is
    /// given up loses nothing.
    ///
    /// # Errors
    ///
    /// [`EgressError::Idle`] after too long a silence, [`EgressError::TooLarge`], or
    /// [`EgressError::Broken`] when the connection breaks. It is over after an error.
    pub async fn next(&mut self) -> Result<Option<Bytes>, EgressError> {
        loop {
            let frame = tokio::time::timeout(self.idle, self.body.frame())
                .await
                .map_err(|_| EgressError::Idle)?;
            let Some(frame) = frame else { return Ok(None) };
            match frame.map_err(EgressError::from_reqwest)?.into_data() {
                Ok(data) => {
                    self.left = self
                        .left
                        .checked_sub(data.len())
                        .ok_or(EgressError::TooLarge { max: self.max })?;
                    return Ok(Some(data));
                }
                // Trailers are the last frame, so this goes round once.
                Err(frame) => self.trailers = frame.into_trailers().ok(),
            }
        }
    }
}
