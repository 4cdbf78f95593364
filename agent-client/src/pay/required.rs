//! Reading a 402 and a receipt, and writing a payment, in either version of x402 over HTTP.

use agent_core::{
    json::{Json, Metadata},
    x402::{
        HeaderError, HeaderObject, Mode, PaymentPayload, PaymentRequired, ResourceInfo,
        SettleResponse, X402_VERSION, v1,
    },
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::PayError;
use crate::egress::Response;

/// What a seller asks for, and in which version it wants to be paid.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) required: PaymentRequired,
    pub(super) version: Version,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

fn header<T: HeaderObject>(headers: &HeaderMap) -> Option<Result<T, HeaderError>> {
    let value = headers.get(T::NAME)?;
    Some(match value.to_str() {
        Ok(text) => T::from_header(text),
        Err(_) => Err(HeaderError::Base64),
    })
}

impl Asked {
    /// Reads a 402: the header of v2 if there is one, else the body as v1 writes it.
    pub(super) fn read(response: &Response) -> Result<Self, PayError> {
        if let Some(read) = header::<PaymentRequired>(&response.headers) {
            return Ok(Self {
                required: read.map_err(PayError::Terms)?,
                version: Version::V2,
            });
        }
        let old = v1::PaymentRequired::read_body(&response.bytes).map_err(PayError::Terms)?;
        let first = old.accepts.first();
        let resource = first.map_or_else(ResourceInfo::default, |entry| ResourceInfo {
            url: entry.resource.clone(),
            ..ResourceInfo::default()
        });
        Ok(Self {
            required: PaymentRequired {
                x402_version: X402_VERSION,
                mode: Mode::X,
                error: Some(old.error).filter(|error| !error.is_empty()),
                resource,
                accepts: old
                    .accepts
                    .iter()
                    .filter_map(v1::PaymentRequirements::to_v2)
                    .collect(),
                extensions: Metadata::new(),
            },
            version: Version::V1,
        })
    }
}

/// Puts a payment into the headers of its version, in place of whatever was there.
pub(super) fn attach(
    headers: &mut HeaderMap,
    payload: &PaymentPayload,
    version: Version,
) -> Result<(), PayError> {
    strip(headers);
    let (name, text) = match version {
        Version::V2 => (PaymentPayload::NAME, payload.to_header()),
        Version::V1 => {
            let network = payload.accepted.network.parse().ok();
            let network = network.and_then(v1::network_name);
            let old = v1::PaymentPayload {
                x402_version: v1::X402_VERSION,
                scheme: payload.accepted.scheme.clone(),
                network: network.unwrap_or_default().to_owned(),
                payload: payload.payload.clone(),
            };
            (v1::PaymentPayload::NAME, old.to_header())
        }
    };
    let text = text.map_err(PayError::Header)?;
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| PayError::Header(HeaderError::Base64))?;
    let mut value =
        HeaderValue::from_str(&text).map_err(|_| PayError::Header(HeaderError::Base64))?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}

/// Removes payments that a caller left in the headers: only the wallet pays.
pub(super) fn strip(headers: &mut HeaderMap) {
    headers.remove(PaymentPayload::NAME);
    headers.remove(v1::PaymentPayload::NAME);
}

/// The receipt that came with an answer. One that cannot be read is none.
pub(super) fn receipt(headers: &HeaderMap) -> Option<SettleResponse> {
    if let Some(read) = header::<SettleResponse>(headers) {
        return read.ok();
    }
    let old: v1::SettleResponse = header(headers)?.ok()?;
    let network = v1::network_of(&old.network);
    Some(SettleResponse {
        success: old.success,
        mode: Mode::X,
        error_reason: old.error_reason,
        error_message: None,
        payer: old.payer,
        transaction: old.transaction,
        network: network.map_or(old.network, |network| network.to_string()),
        amount: None,
        extra: Json::default(),
        extensions: Metadata::new(),
    })
}
