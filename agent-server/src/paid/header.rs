//! The payment that comes with a request: one header, or none.

use agent_core::x402::batch::{BatchPayload, SCHEME_BATCH_SETTLEMENT};
use agent_core::x402::{HeaderError, HeaderObject, PaymentPayload, SCHEME_EXACT, v1};
use axum::http::HeaderMap;

/// A payment as it came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Presented {
    /// `PAYMENT-SIGNATURE`.
    V2(Box<PaymentPayload>),
    /// `X-PAYMENT`.
    V1(Box<v1::PaymentPayload>),
}

impl Presented {
    /// Whether it is of x402 version 1, and so is the answer.
    pub(crate) const fn is_v1(&self) -> bool {
        matches!(self, Self::V1(_))
    }

    /// Whether it is a transfer of the whole price.
    pub(crate) fn is_exact(&self) -> bool {
        match self {
            Self::V2(payment) => payment.accepted.scheme == SCHEME_EXACT,
            Self::V1(payment) => payment.scheme == SCHEME_EXACT,
        }
    }

    /// The payment, if it asks to have the rest of a channel back instead of paying.
    pub(crate) fn refund(&self) -> Option<&PaymentPayload> {
        let Self::V2(payment) = self else {
            return None;
        };
        let is_batch = payment.accepted.scheme == SCHEME_BATCH_SETTLEMENT;
        let asks = is_batch
            && matches!(
                payment.payload.parse::<BatchPayload>(),
                Ok(BatchPayload::Refund { .. })
            );
        asks.then_some(payment)
    }
}

/// The headers that carry payments.
pub(crate) const NAMES: [&str; 2] = ["payment-signature", "x-payment"];

/// Reads the payment of a request, if it has one.
///
/// A request with two payments is refused whichever they are, the same twice included: each reader
/// on the way would choose by a rule of its own, and one would check what the other does not charge.
///
/// # Errors
/// [`Malformed`]: HTTP 400. Nothing was reserved.
pub(crate) fn presented(headers: &HeaderMap) -> Result<Option<Presented>, Malformed> {
    let mut values = NAMES.iter().flat_map(|name| {
        headers
            .get_all(*name)
            .iter()
            .map(move |value| (*name, value))
    });
    let Some((name, value)) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Malformed::Several);
    }
    let text = value.to_str().map_err(|_| HeaderError::Base64)?;
    Ok(Some(if name == "x-payment" {
        Presented::V1(Box::new(HeaderObject::from_header(text)?))
    } else {
        Presented::V2(Box::new(HeaderObject::from_header(text)?))
    }))
}

/// Takes the payment out of a request, so that what stands behind the gate cannot log or pass it on.
pub(crate) fn remove(headers: &mut HeaderMap) {
    for name in NAMES {
        headers.remove(name);
    }
}

/// Payment headers that cannot be read as one payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// More than one.
    #[error("a request carries one payment, in PAYMENT-SIGNATURE or in X-PAYMENT, once")]
    Several,
    /// One that cannot be read.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

impl Malformed {
    /// A stable code.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Several => "invalid_payment_headers",
            Self::Header(error) => error.code(),
        }
    }
}
