//! The port for x402's own schemes over a real chain.

use std::time::Duration;

use agent_core::{
    ledger::BoxFuture,
    money::{BaseUnits, Network},
    voucher::ChannelId,
    x402::batch::{BATCH_SETTLEMENT, BatchDomain, ChannelConfig},
};
use alloy_primitives::{Address, B256, aliases::U40};

use super::{
    attempts::Sender,
    chain_port::{ChainPort, ChannelOnChain},
    escrow::EscrowError,
};
use crate::chain::{
    Chain, ChainError, bindings::IToken, outbox::TxOutbox, x402_bindings::IX402BatchSettlement,
};

/// [`ChainPort`] over a chain and the payer's transaction outbox.
#[derive(Debug, Clone)]
pub struct ChainX402 {
    chain: Chain,
    sender: Sender,
}

impl ChainX402 {
    /// The port; `outbox` must be of the payer's key or of the channels' `payerAuthorizer`. `wait`
    /// is how long a call waits for its receipt; the transaction goes on after it.
    #[must_use]
    pub const fn new(chain: Chain, outbox: TxOutbox, wait: Duration) -> Self {
        let sender = Sender { outbox, wait };
        Self { chain, sender }
    }

    async fn look(
        &self,
        config: &ChannelConfig,
        id: ChannelId,
        deposit: Option<B256>,
    ) -> Result<ChannelOnChain, EscrowError> {
        let deposit_used = match deposit {
            Some(nonce) => self.used(config.token, config.payer, nonce).await?,
            None => false,
        };
        let channel = IX402BatchSettlement::channelsCall { channelId: id.0 };
        let channel = self.chain.call(BATCH_SETTLEMENT, &channel);
        let channel = channel.await.map_err(unavailable)?;
        let pending = IX402BatchSettlement::pendingWithdrawalsCall { channelId: id.0 };
        let pending = self.chain.call(BATCH_SETTLEMENT, &pending);
        let pending = pending.await.map_err(unavailable)?;
        Ok(ChannelOnChain {
            balance: BaseUnits::new(channel.balance),
            claimed: BaseUnits::new(channel.totalClaimed),
            notice_unix_secs: pending.initiatedAt.to::<u64>(),
            deposit_used,
        })
    }

    async fn used(&self, token: Address, payer: Address, nonce: B256) -> Result<bool, EscrowError> {
        let used = IToken::authorizationStateCall {
            authorizer: payer,
            nonce,
        };
        self.chain.call(token, &used).await.map_err(unavailable)
    }

    fn id(&self, config: &ChannelConfig) -> ChannelId {
        config.id(&BatchDomain::new(Network::eip155(self.chain.chain_id())))
    }

    async fn notice(&self, config: &ChannelConfig, amount: BaseUnits) -> Result<(), EscrowError> {
        let call = IX402BatchSettlement::initiateWithdrawCall {
            config: on_chain(config)?,
            amount: amount.get(),
        };
        let purpose = format!("x402-notice {}", self.id(config));
        let sent = self.sender.attempt(&purpose, BATCH_SETTLEMENT, &call);
        sent.await.map(drop)
    }

    async fn take(&self, config: &ChannelConfig) -> Result<(), EscrowError> {
        let call = IX402BatchSettlement::finalizeWithdrawCall {
            config: on_chain(config)?,
        };
        let purpose = format!("x402-withdraw {}", self.id(config));
        let sent = self.sender.attempt(&purpose, BATCH_SETTLEMENT, &call);
        sent.await.map(drop)
    }
}

impl ChainPort for ChainX402 {
    fn channel<'a>(
        &'a self,
        config: &'a ChannelConfig,
        id: ChannelId,
        deposit: Option<B256>,
    ) -> BoxFuture<'a, Result<ChannelOnChain, EscrowError>> {
        Box::pin(self.look(config, id, deposit))
    }

    fn authorization_used(
        &self,
        token: Address,
        payer: Address,
        nonce: B256,
    ) -> BoxFuture<'_, Result<bool, EscrowError>> {
        Box::pin(self.used(token, payer, nonce))
    }

    fn give_notice<'a>(
        &'a self,
        config: &'a ChannelConfig,
        amount: BaseUnits,
    ) -> BoxFuture<'a, Result<(), EscrowError>> {
        Box::pin(self.notice(config, amount))
    }

    fn withdraw<'a>(&'a self, config: &'a ChannelConfig) -> BoxFuture<'a, Result<(), EscrowError>> {
        Box::pin(self.take(config))
    }
}

fn on_chain(config: &ChannelConfig) -> Result<IX402BatchSettlement::ChannelConfig, EscrowError> {
    Ok(IX402BatchSettlement::ChannelConfig {
        payer: config.payer,
        payerAuthorizer: config.payer_authorizer,
        receiver: config.receiver,
        receiverAuthorizer: config.receiver_authorizer,
        token: config.token,
        withdrawDelay: U40::try_from(config.withdraw_delay)
            .map_err(|_| EscrowError::NeverSent("the channel's delay is too long".to_owned()))?,
        salt: config.salt,
    })
}

fn unavailable(error: ChainError) -> EscrowError {
    EscrowError::Unavailable(error.to_string())
}
