//! What comes back.

use agent_core::{
    ledger::PaymentId,
    money::{AssetId, BaseUnits},
};
use alloy_primitives::Address;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::wallet::{Payment, Scheme};

/// An answer, and what was paid for it.
#[derive(Debug, Clone)]
pub struct PaidResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers, from a stranger.
    pub headers: HeaderMap,
    /// The body, from a stranger.
    pub bytes: Bytes,
    /// What was paid; `None` for a route that asked for nothing.
    pub payment: Option<HttpPayment>,
    /// Requests that were sent for it.
    pub requests: u32,
}

/// One payment over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpPayment {
    /// Its id; the wallet's books know it by this.
    pub id: PaymentId,
    /// How it was made.
    pub scheme: Scheme,
    /// In which token.
    pub asset: AssetId,
    /// To whom.
    pub pay_to: Address,
    /// The most that could be charged, in base units.
    pub max: BaseUnits,
    /// What the receipt charges, in base units; `None` when there was no receipt, and then the
    /// maximum counts as spent.
    pub charged: Option<BaseUnits>,
    /// The transaction that the receipt names, if it names one; from a stranger.
    pub transaction: Option<String>,
}

impl HttpPayment {
    pub(super) fn of(payment: &Payment, asset: AssetId, pay_to: Address) -> Self {
        Self {
            id: payment.id.clone(),
            scheme: payment.scheme,
            asset,
            pay_to,
            max: payment.max,
            charged: None,
            transaction: None,
        }
    }
}
