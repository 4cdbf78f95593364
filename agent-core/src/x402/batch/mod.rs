//! The scheme `batch-settlement` on EVM: a channel is paid into once, each payment is a cumulative
//! voucher, and the seller claims many channels in one transaction.
//!
//! Everything here is byte-compatible with the stock packages: the same typed data under the same
//! contract's domain, the same JSON. The voucher has the form of z402's ([`crate::voucher`]) but
//! another domain, and its marker [`InChannel`] keeps the two apart.
//!
//! | module | what it decides |
//! |---|---|
//! | `config` | which channel: its parameters and its id |
//! | `terms` | what an offer of the scheme says, and whether a channel fits it |
//! | `voucher` | whether a voucher is the channel's, and what ceiling it must have |
//! | `deposit` | what is signed to pay into a channel, and what its contract is given |
//! | `claim` | what a seller signs to claim and to give back |
//! | `wire` | payloads, and what answers add |
//! | `codes` | the scheme's error codes |
//!
//! Source: `scheme_batch_settlement_evm.md` of x402, its contract, and version 2.27 of its
//! packages. Where the contract's comments and its code differ (the id is not
//! `keccak256(abi.encode(config))` but the EIP-712 digest), the code and the published vectors
//! decide.

mod claim;
pub mod codes;
mod config;
mod deposit;
mod error;
mod recover;
mod terms;
mod voucher;
mod wire;

pub use claim::{ClaimEntry, ClaimVoucher, VoucherClaim, claim_batch_digest, refund_digest};
pub use config::{BatchDomain, ChannelConfig};
pub use deposit::{
    DepositAuthorization, Eip2612Permit, Erc3009Deposit, Permit2Deposit, deposit_nonce,
};
pub use error::BatchError;
pub use recover::{Adopted, Correction, check_receipt};
pub use terms::{
    AssetTransferMethod, BatchExtra, BatchTerms, MAX_WITHDRAW_DELAY_SECS, MIN_WITHDRAW_DELAY_SECS,
};
pub use voucher::{Draw, InChannel, check_against_chain};
pub use wire::{
    BatchPayload, BatchReceipt, BatchSettlePayload, ChannelState, Deposit, VoucherState,
};

use alloy_primitives::{Address, address};

/// The scheme's name.
pub const SCHEME_BATCH_SETTLEMENT: &str = "batch-settlement";

/// The contract `x402BatchSettlement`, at one address on every chain. Stock clients sign for this
/// one and no other.
pub const BATCH_SETTLEMENT: Address = address!("0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003");

/// The contract that collects EIP-3009 deposits.
pub const ERC3009_DEPOSIT_COLLECTOR: Address =
    address!("0x4020806089470a89826cB9fB1f4059150b550004");

/// The contract that collects Permit2 deposits.
pub const PERMIT2_DEPOSIT_COLLECTOR: Address =
    address!("0x4020425FAf3B746C082C2f942b4E5159887B0005");
