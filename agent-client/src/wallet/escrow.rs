//! The wallet's port to the escrow on chain: open, look, release.
//!
//! A port, because a wallet must not care which node, outbox or simulation stands behind it, and
//! because every way in which a chain can fail must be playable in a test.

use std::fmt::Debug;

use agent_core::{
    channel::LockState,
    ledger::BoxFuture,
    money::{Asset, BaseUnits},
    voucher::{CanonicalSignature, ChannelId, EscrowDomain, Lock},
};
use alloy_primitives::{B256, U256, keccak256};
use alloy_sol_types::{Eip712Domain, SolStruct, SolValue};

use super::keys::PayerKey;
use crate::chain::bindings::ReceiveWithAuthorization;

/// The arguments of `open3009`: one signature deposits and opens, or tops up, a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenRequest {
    /// The lock.
    pub lock: Lock,
    /// Its id.
    pub channel_id: ChannelId,
    /// How much is added, in base units of the lock's token.
    pub amount: BaseUnits,
    /// The lock's new deadline, in Unix seconds; never earlier than the one before.
    pub deadline_unix_secs: u64,
    /// The authorisation is good from here, in Unix seconds.
    pub valid_after: u64,
    /// The authorisation is good until here, in Unix seconds.
    pub valid_before: u64,
    /// What makes the nonce unique.
    pub salt: B256,
    /// The authorisation's nonce, [`opening_nonce`]. The token takes it once, so this is the name
    /// under which the request is idempotent.
    pub nonce: B256,
    /// The payer's signature over the authorisation.
    pub signature: CanonicalSignature,
}

/// An `open3009` that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenedLock {
    /// Its transaction, when it is known.
    pub transaction: Option<B256>,
}

/// A `release` that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleasedLock {
    /// Its transaction, when it is known.
    pub transaction: Option<B256>,
}

/// What the wallet needs of the chain.
///
/// # Contract
///
/// - **`open` is idempotent** by [`OpenRequest::nonce`]: asked again after a crash, a time-out or a
///   success, it has one effect. It answers `Ok` only when a receipt shows success.
/// - **Refused means never.** [`EscrowError::Refused`] says that the request had no effect and that
///   it will not be sent again on our behalf, [`EscrowError::NeverSent`] that it was not sent at
///   all; anything less certain is [`EscrowError::Unavailable`].
/// - **Cancellation.** A future dropped half way may or may not take effect.
pub trait EscrowPort: Send + Sync + Debug {
    /// Opens a lock or adds to one, and waits for the receipt.
    fn open(&self, request: OpenRequest) -> BoxFuture<'_, Result<OpenedLock, EscrowError>>;

    /// What the chain says of a lock now; all zero for one it does not know.
    fn state_of(&self, id: ChannelId) -> BoxFuture<'_, Result<LockState, EscrowError>>;

    /// After its deadline, returns what is left of a lock to its payer.
    fn release(&self, lock: Lock) -> BoxFuture<'_, Result<ReleasedLock, EscrowError>>;
}

/// Why the chain did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EscrowError {
    /// It was sent, refused, and had no effect. Whoever saw it could send it again for as long as
    /// its signature is good.
    #[error("the chain refused: {0}")]
    Refused(String),
    /// It was not sent, because it would have been refused, for example for lack of balance.
    #[error("the chain would refuse: {0}")]
    NeverSent(String),
    /// No answer, or none that can be relied on; it may still take effect.
    #[error("the chain did not answer: {0}")]
    Unavailable(String),
}

impl EscrowError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(_) => "escrow_refused",
            Self::NeverSent(_) => "escrow_never_sent",
            Self::Unavailable(_) => "escrow_unavailable",
        }
    }
}

/// The nonce that binds an authorisation to one lock and deadline:
/// `keccak256(abi.encode(lockId, deadline, salt))`.
#[must_use]
pub fn opening_nonce(channel_id: ChannelId, deadline_unix_secs: u64, salt: B256) -> B256 {
    keccak256((channel_id.0, U256::from(deadline_unix_secs), salt).abi_encode())
}

/// The EIP-712 digest of EIP-3009's `ReceiveWithAuthorization`, under the token's own domain as
/// `asset` describes it.
#[must_use]
pub fn receive_digest(asset: &Asset, authorization: &ReceiveWithAuthorization) -> B256 {
    let domain = Eip712Domain::new(
        Some(asset.name.clone().into()),
        Some(asset.version.clone().into()),
        Some(U256::from(asset.network.chain_id)),
        Some(asset.address),
        None,
    );
    authorization.eip712_signing_hash(&domain)
}

/// What is stored of an opening; everything else follows from it, so it can be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Intent {
    pub(super) lock: Lock,
    pub(super) channel_id: ChannelId,
    pub(super) amount: BaseUnits,
    pub(super) deadline: u64,
    pub(super) valid_before: u64,
    pub(super) salt: B256,
    pub(super) nonce: B256,
}

impl Intent {
    pub(super) fn sign(self, key: &PayerKey, escrow: &EscrowDomain, asset: &Asset) -> OpenRequest {
        let authorization = ReceiveWithAuthorization {
            from: self.lock.payer,
            to: escrow.contract(),
            value: U256::from(self.amount.get()),
            validAfter: U256::ZERO,
            validBefore: U256::from(self.valid_before),
            nonce: self.nonce,
        };
        OpenRequest {
            lock: self.lock,
            channel_id: self.channel_id,
            amount: self.amount,
            deadline_unix_secs: self.deadline,
            valid_after: 0,
            valid_before: self.valid_before,
            salt: self.salt,
            nonce: self.nonce,
            signature: key.sign(receive_digest(asset, &authorization)),
        }
    }
}
