//! The wallet's port to the chain for what x402's own schemes need: batch-settlement channels, and
//! whether a token's authorization was used.

use std::fmt::Debug;

use agent_core::{
    ledger::BoxFuture, money::BaseUnits, voucher::ChannelId, x402::batch::ChannelConfig,
};
use alloy_primitives::{Address, B256};

use super::escrow::EscrowError;

/// A batch-settlement channel as the chain shows it; all zero for one that it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChannelOnChain {
    /// Paid in, less what was taken out again, in base units.
    pub balance: BaseUnits,
    /// Claimed of it.
    pub claimed: BaseUnits,
    /// When its payer gave notice of withdrawal, in Unix seconds; 0 if it did not.
    pub notice_unix_secs: u64,
    /// Whether the deposit that was asked about was made.
    pub deposit_used: bool,
}

/// What the wallet needs of the chain to pay with `batch-settlement` and `exact`.
///
/// # Contract
///
/// - `channel` looks whether `deposit`, a nonce of the payer's, was used *before* it reads the
///   balance, so that a deposit shown as used is in the balance shown.
/// - [`EscrowError::Refused`] and [`EscrowError::NeverSent`] say that nothing happened; anything
///   less certain is [`EscrowError::Unavailable`], and the same call again does no harm.
/// - A future dropped half way may or may not take effect.
pub trait ChainPort: Send + Sync + Debug {
    /// The channel, and whether this deposit into it was made.
    fn channel<'a>(
        &'a self,
        config: &'a ChannelConfig,
        id: ChannelId,
        deposit: Option<B256>,
    ) -> BoxFuture<'a, Result<ChannelOnChain, EscrowError>>;

    /// Whether the token took an EIP-3009 authorization of `payer`, or will not take it any more
    /// because the payer cancelled it.
    fn authorization_used(
        &self,
        token: Address,
        payer: Address,
        nonce: B256,
    ) -> BoxFuture<'_, Result<bool, EscrowError>>;

    /// Gives notice that the payer takes `amount` out of a channel.
    fn give_notice<'a>(
        &'a self,
        config: &'a ChannelConfig,
        amount: BaseUnits,
    ) -> BoxFuture<'a, Result<(), EscrowError>>;

    /// Takes out what notice was given of, once the channel's delay is over.
    fn withdraw<'a>(&'a self, config: &'a ChannelConfig) -> BoxFuture<'a, Result<(), EscrowError>>;
}
