//! alloy's transport, through our own door instead of alloy's HTTP client: bounded answers, bounded
//! waits, and errors without the URL in them.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use alloy_json_rpc::{RequestPacket, ResponsePacket};
use alloy_transport::{TransportError, TransportErrorKind, TransportFut};
use bytes::Bytes;
use http::HeaderMap;
use tower::Service;

use crate::egress::{Egress, ExchangeLimits};

#[derive(Clone)]
pub(super) struct EgressTransport {
    pub(super) egress: Egress,
    pub(super) url: Arc<str>,
    pub(super) limits: ExchangeLimits,
}

/// Without the URL, which may carry a key.
impl fmt::Debug for EgressTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EgressTransport").finish_non_exhaustive()
    }
}

impl EgressTransport {
    async fn exchange(self, packet: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let body = packet.serialize().map_err(TransportError::ser_err)?;
        let body = Bytes::from(String::from(Box::<str>::from(body)));
        let response = self
            .egress
            .post_json(&self.url, HeaderMap::new(), body, self.limits)
            .await
            .map_err(TransportErrorKind::custom)?;
        // Some nodes answer errors with a status of 400 and a proper JSON-RPC body.
        serde_json::from_slice(&response.bytes).map_err(|error| {
            if response.status.is_success() {
                TransportError::deser_err(error, String::new())
            } else {
                TransportErrorKind::http_error(response.status.as_u16(), String::new())
            }
        })
    }
}

impl Service<RequestPacket> for EgressTransport {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        Box::pin(self.clone().exchange(packet))
    }
}
