use agent_core::ledger::BoxFuture;
use agent_core::voucher::ChannelId;
use agent_core::x402::batch::{ChannelConfig, ChannelState};
use agent_core::x402::facilitator::{Facilitator, FacilitatorError, RequestV2};
use agent_core::x402::{SettleResponse, batch::codes};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

/// Tells when a lock has been seen on chain.
///
/// # Contract
///
/// Returns `true` once the ledger knows the lock and how fresh that is, `false` when it does not
/// within `wait`. It asks the chain once at least: it is called for locks that the ledger has never
/// seen, for payments above what it knows to be in a lock, and while what it knows is too old.
pub trait LockSource: Send + Sync + Debug {
    /// Waits for a lock to become known to the ledger.
    fn await_lock(&self, id: ChannelId, wait: Duration) -> BoxFuture<'_, bool>;
}

/// Tells what the chain says of a `batch-settlement` channel, and gives back what is left of one.
///
/// # Contract
///
/// `state` answers what the newest block says, `None` for a channel that was never paid into;
/// payments are admitted on it for some minutes. It is called for channels that the ledger has
/// never seen, and while what it knows is too old. `payment` is the payment that asks, for those
/// who can only pass it on. `refund` moves nothing before it is told what was charged.
pub trait ChannelSource: Send + Sync + Debug {
    /// What the chain says of the channel.
    fn state<'a>(
        &'a self,
        channel: &'a ChannelConfig,
        payment: &'a RequestV2,
    ) -> BoxFuture<'a, Result<Option<ChannelState>, FacilitatorError>>;

    /// Claims what was charged and gives the rest back, at the buyer's request. Who cannot says so.
    fn refund<'a>(
        &'a self,
        _channel: &'a ChannelConfig,
        payment: &'a RequestV2,
    ) -> BoxFuture<'a, Result<SettleResponse, FacilitatorError>> {
        let refused = SettleResponse {
            success: false,
            mode: payment.mode,
            error_reason: Some(codes::REFUND_PAYLOAD.to_owned()),
            error_message: Some("this seller gives nothing back early; withdraw".to_owned()),
            payer: None,
            transaction: String::new(),
            network: payment.payment_requirements.network.clone(),
            amount: None,
            extra: agent_core::json::Json::default(),
            extensions: agent_core::json::Metadata::new(),
        };
        Box::pin(std::future::ready(Ok(refused)))
    }
}

/// Asks a facilitator's `/verify`, whose answer carries the channel's state (x402's
/// `batch-settlement`, verification).
#[derive(Debug, Clone)]
pub(super) struct ViaFacilitator(pub(super) Arc<dyn Facilitator>);

impl ChannelSource for ViaFacilitator {
    fn state<'a>(
        &'a self,
        _channel: &'a ChannelConfig,
        payment: &'a RequestV2,
    ) -> BoxFuture<'a, Result<Option<ChannelState>, FacilitatorError>> {
        Box::pin(async move {
            let answer = self.0.verify(payment.clone()).await?;
            if answer.extra.is_null() {
                return Ok(None);
            }
            // A refusal may carry the state too: ours to judge, from the state itself.
            Ok(answer.extra.parse().ok())
        })
    }
}
