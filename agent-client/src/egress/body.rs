//! Bodies, counted while they arrive.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};

use super::{EgressError, ExchangeLimits, Response};

/// Reads a whole body, giving up as soon as it is known to be too large.
pub(super) async fn collect(
    mut response: reqwest::Response,
    max: usize,
) -> Result<Response, EgressError> {
    let announced = response.content_length().unwrap_or(0);
    if usize::try_from(announced).map_or(true, |announced| announced > max) {
        return Err(EgressError::TooLarge { max });
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(EgressError::from_reqwest)? {
        if chunk.len() > max.saturating_sub(body.len()) {
            return Err(EgressError::TooLarge { max });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response {
        status: response.status(),
        headers: std::mem::take(response.headers_mut()),
        bytes: body.freeze(),
    })
}

/// A response's body as it arrives. Dropping it closes the exchange.
#[derive(Debug)]
pub struct BodyStream {
    response: reqwest::Response,
    idle: Duration,
    max: usize,
    left: usize,
}

impl BodyStream {
    pub(super) const fn new(response: reqwest::Response, limits: ExchangeLimits) -> Self {
        let max = limits.body_bytes_max;
        Self {
            response,
            idle: limits.idle,
            max,
            left: max,
        }
    }

    /// The response's status. A stream can be refused with a status and a small JSON body.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The response's headers, from a stranger.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The next piece, or `None` at the end. Pieces do not end where events end.
    ///
    /// # Errors
    ///
    /// [`EgressError::Idle`] after too long a silence, [`EgressError::TooLarge`], or
    /// [`EgressError::Broken`] when the connection breaks. The stream is over after an error.
    pub async fn next(&mut self) -> Result<Option<Bytes>, EgressError> {
        let chunk = tokio::time::timeout(self.idle, self.response.chunk())
            .await
            .map_err(|_| EgressError::Idle)?
            .map_err(EgressError::from_reqwest)?;
        let Some(chunk) = chunk else { return Ok(None) };
        self.left = self
            .left
            .checked_sub(chunk.len())
            .ok_or(EgressError::TooLarge { max: self.max })?;
        Ok(Some(chunk))
    }

    /// Reads what is left as a whole, for a refusal that is not a stream.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next), and [`EgressError::TooLarge`] beyond `max` bytes.
    pub async fn collect(self, max: usize) -> Result<Response, EgressError> {
        let whole = collect(self.response, max.min(self.left));
        tokio::time::timeout(self.idle, whole)
            .await
            .map_err(|_| EgressError::Idle)?
    }
}
