//! Locks and vouchers of the z402 escrow, and the EIP-712 digests that bind them to one chain and
//! one contract.
//!
//! A voucher is *cumulative*: it says how much of a lock its payee may claim in all, so the newest
//! one replaces every one before it. A [`Voucher`] starts as [`Received`]; only a signature check
//! makes it [`Checked`], and only a checked one can be admitted.

mod domain;
mod funding;
mod lock;
mod signature;

pub use domain::{EscrowDomain, domain_separator};
pub(crate) use domain::{hash_words, typed_digest};
pub use funding::{Domains, Funding, FundingError};
pub use lock::{ChannelId, Lock, Salt};
pub use signature::{CanonicalSignature, SignatureError, recover_signer};

use crate::money::BaseUnits;
use crate::x402::batch::InChannel;
use alloy_primitives::{Address, B256};
use std::fmt::Debug;
use std::marker::PhantomData;

/// A voucher as it came from a peer; nothing about it is known to be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received;

/// A voucher whose signature was found to be that of its channel's signer, under its channel's
/// domain, in the one form that the contract accepts too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked;

/// "The payee may claim `ceiling` of this lock in all", signed by the lock's signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voucher<State> {
    channel_id: ChannelId,
    ceiling: BaseUnits,
    signature: CanonicalSignature,
    state: PhantomData<State>,
}

impl<State> Voucher<State> {
    /// The lock it draws on.
    #[must_use]
    pub const fn channel_id(&self) -> ChannelId {
        self.channel_id
    }

    /// The most that may be claimed in all while this is the newest voucher.
    #[must_use]
    pub const fn ceiling(&self) -> BaseUnits {
        self.ceiling
    }

    /// The signature, in canonical form.
    #[must_use]
    pub const fn signature(&self) -> CanonicalSignature {
        self.signature
    }
}

impl Voucher<Received> {
    /// The same voucher after a check that is not this module's: that of another scheme whose
    /// vouchers have this form. Its marker keeps it from being taken for a checked one of z402.
    pub(crate) const fn checked_as<State>(self) -> Voucher<State> {
        Voucher {
            channel_id: self.channel_id,
            ceiling: self.ceiling,
            signature: self.signature,
            state: PhantomData,
        }
    }

    /// A voucher as a peer presented it.
    #[must_use]
    pub const fn received(
        channel_id: ChannelId,
        ceiling: BaseUnits,
        signature: CanonicalSignature,
    ) -> Self {
        Self {
            channel_id,
            ceiling,
            signature,
            state: PhantomData,
        }
    }

    /// Checks that the voucher draws on `lock` and was signed by that lock's signer.
    ///
    /// The signer is *recovered*, as the contract does it, and not verified against a cached
    /// public key: plain ECDSA verification ignores the recovery bit, so it would accept a
    /// voucher that the contract refuses.
    ///
    /// What this does not show: that the lock exists, holds money, or has time left. That is the
    /// channel's to decide ([`crate::channel`]).
    ///
    /// # Errors
    /// [`VoucherError`].
    pub fn check(
        self,
        domain: &EscrowDomain,
        lock: &Lock,
    ) -> Result<Voucher<Checked>, VoucherError> {
        if lock.id(domain) != self.channel_id {
            return Err(VoucherError::LockMismatch);
        }
        if self.ceiling > BaseUnits::MAX_LOCKABLE {
            return Err(VoucherError::CeilingTooLarge);
        }
        let digest = domain.voucher_digest(self.channel_id, self.ceiling);
        match recover_signer(digest, &self.signature) {
            Some(signer) if signer == lock.signer && signer != Address::ZERO => Ok(Voucher {
                channel_id: self.channel_id,
                ceiling: self.ceiling,
                signature: self.signature,
                state: PhantomData,
            }),
            _ => Err(VoucherError::WrongSigner),
        }
    }
}

impl Voucher<InChannel> {
    /// The same voucher, for those who no longer care which domain it was checked under.
    pub(crate) const fn funded(self) -> Voucher<Checked> {
        Voucher {
            channel_id: self.channel_id,
            ceiling: self.ceiling,
            signature: self.signature,
            state: PhantomData,
        }
    }
}

impl Voucher<Checked> {
    /// The EIP-712 digest that was signed; commits to this voucher without revealing it.
    #[must_use]
    pub fn digest(&self, domain: &EscrowDomain) -> B256 {
        domain.voucher_digest(self.channel_id, self.ceiling)
    }
}

/// Why a voucher was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VoucherError {
    /// The channel id is not the id of the lock that came with it, on our chain and contract.
    #[error("the channel id is not the id of this lock on this chain and escrow contract")]
    LockMismatch,
    /// The ceiling is larger than a lock can hold.
    #[error("the ceiling is larger than any lock can hold")]
    CeilingTooLarge,
    /// The signature is someone else's, or was made for other values, another chain or contract.
    #[error("the voucher is not signed by the lock's signer for this chain and escrow contract")]
    WrongSigner,
}

impl VoucherError {
    /// A stable code, in the style of x402's error reasons.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::LockMismatch => "invalid_z402_channel_id_mismatch",
            Self::CeilingTooLarge => "invalid_z402_ceiling_too_large",
            Self::WrongSigner => "invalid_z402_voucher_signature",
        }
    }
}
