//! The facilitator of an agent: for its own gate, and for others if it is open to them.

use super::config::{FacilitatorChoice, MountConfig};
use super::local::{LocalFacilitator, SetupError};
use super::{RemoteFacilitator, RemoteOptions, router};
use crate::config::{AgentConfig, PayScheme, PaymentConfig};
use agent_client::chain::Chain;
use agent_client::chain::outbox::TxOutbox;
use agent_client::egress::{Egress, EgressPolicy};
use agent_core::clock::Clock;
use agent_core::x402::facilitator::Facilitator;
use axum::Router;
use std::sync::Arc;

/// Under which the agent's facilitator is open.
pub(crate) const MOUNTED_AT: &str = "/facilitator";

/// What an agent's configuration makes of facilitators.
#[derive(Debug, Default)]
pub(crate) struct Ours {
    /// Whom the gate asks, if it takes anything that needs one.
    pub(crate) for_gate: Option<Arc<dyn Facilitator>>,
    /// What others are offered.
    pub(crate) for_others: Option<Router>,
}

impl Ours {
    /// Over the agent's own chain and outbox: one key sends all, so one queue must.
    ///
    /// # Errors
    /// [`SetupError`].
    pub(crate) async fn open(
        config: &AgentConfig,
        payment: &PaymentConfig,
        (chain, outbox): (Chain, TxOutbox),
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        let asks = payment.schemes.iter().any(|scheme| scheme.is_settled());
        let is_local = payment.facilitator == FacilitatorChoice::Local;
        let mut ours = Self::default();
        if config.facilitator.is_some() || (asks && is_local) {
            let usual = MountConfig::default();
            let mount = config.facilitator.as_ref().unwrap_or(&usual);
            // Each transaction is counted once, so both are one facilitator.
            let offer = mount.offer(&payment.chain, chain, outbox)?;
            let needs = |scheme| is_local && payment.schemes.contains(&scheme);
            if needs(PayScheme::Exact) && !offer.schemes.exact {
                return Err(SetupError::NotOffered("exact"));
            }
            if needs(PayScheme::BatchSettlement) && !offer.schemes.batch_settlement {
                return Err(SetupError::NotOffered("batch-settlement"));
            }
            let local = LocalFacilitator::open(vec![offer], Arc::clone(clock)).await?;
            let local: Arc<dyn Facilitator> = Arc::new(local);
            if let Some(mount) = &config.facilitator {
                ours.for_others = Some(router(Arc::clone(&local), mount.options(clock)?));
            }
            ours.for_gate = (asks && is_local).then_some(local);
        }
        if let (true, FacilitatorChoice::Remote(url)) = (asks, &payment.facilitator) {
            // Whoever configures it names it, so it may be a neighbour.
            let policy = EgressPolicy::strict().allow_loopback().allow_private();
            let egress = Egress::new(policy)?;
            let remote = RemoteFacilitator::new(egress, url.as_str(), RemoteOptions::default())?;
            ours.for_gate = Some(Arc::new(remote));
        }
        Ok(ours)
    }
}
