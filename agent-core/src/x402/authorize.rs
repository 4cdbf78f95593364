//! What is asked of a facilitator for z402 alone: to open a lock for a buyer, and to claim for a
//! seller.

use super::facilitator::{RequestError, read_answer};
use super::uint::checksummed;
use super::{Mode, Uint256, VoucherText, X402_VERSION};
use crate::money::BaseUnits;
use crate::voucher::{ChannelId, Lock, Salt};
use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

/// The body of `/authorize`: a buyer sets money aside for a seller, and the facilitator pays for
/// the transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizeRequest {
    /// 2.
    pub x402_version: u8,
    /// `z`.
    pub mode: Mode,
    /// The chain, CAIP-2.
    pub network: String,
    /// The escrow contract; the facilitator's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Address>,
    /// Whose money it is.
    #[serde(serialize_with = "checksummed::serialize")]
    pub payer: Address,
    /// Whose key will sign the vouchers; the payer's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<Address>,
    /// The seller: the only address that claims can pay.
    #[serde(serialize_with = "checksummed::serialize")]
    pub recipient: Address,
    /// The token.
    #[serde(serialize_with = "checksummed::serialize")]
    pub asset: Address,
    /// How much is added, in base units.
    pub authorized_amount: BaseUnits,
    /// Until when, in Unix seconds; then what is left returns to the payer.
    pub deadline: u64,
    /// Tells apart locks of the same parties.
    #[serde(default)]
    pub salt: Salt,
    /// With what right.
    pub authorization: LockAuthorization,
}

impl AuthorizeRequest {
    /// Whether this is z402 in a version that is spoken.
    #[must_use]
    pub const fn is_spoken(&self) -> bool {
        self.x402_version == X402_VERSION && matches!(self.mode, Mode::Z)
    }

    /// Reads a request's body, which came from a peer.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn read(body: &[u8]) -> Result<Self, RequestError> {
        read_answer(body)
    }

    /// The lock that is asked for.
    #[must_use]
    pub fn lock(&self) -> Lock {
        Lock {
            payer: self.payer,
            signer: self.signer.unwrap_or(self.payer),
            payee: self.recipient,
            token: self.asset,
            salt: self.salt,
        }
    }
}

/// How a lock is funded; exactly one of the two. Both are the payer's signatures, so whoever sends
/// them can change nothing of the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum LockAuthorization {
    /// From the payer's wallet (`open3009`).
    Erc3009Authorization(Erc3009Opening),
    /// From what the payer has in the escrow (`authorizeBySig`).
    VaultAuthorization(VaultOpening),
}

/// The payer's `ReceiveWithAuthorization` to the escrow. Its nonce is
/// `keccak256(abi.encode(lockId, deadline, salt))`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Erc3009Opening {
    /// Not yet good at this Unix second.
    pub valid_after: Uint256,
    /// No longer good at this Unix second.
    pub valid_before: Uint256,
    /// Makes the nonce unique.
    pub salt: B256,
    /// `0x` and hexadecimal digits.
    pub signature: String,
}

/// The payer's `Authorize` under the escrow's domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultOpening {
    /// Used up by the opening.
    pub nonce: Uint256,
    /// `0x` and hexadecimal digits.
    pub signature: String,
}

/// What `/authorize` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizeResponse {
    /// Whether the lock is open with the amount in it.
    pub success: bool,
    /// `z`.
    pub mode: Mode,
    /// The chain, CAIP-2.
    pub network: String,
    /// The escrow contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Address>,
    /// Whose money it is.
    #[serde(serialize_with = "checksummed::serialize")]
    pub payer: Address,
    /// The lock's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_id: Option<ChannelId>,
    /// What the lock holds in all after it, in base units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorized: Option<BaseUnits>,
    /// The lock's deadline after it, in Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<u64>,
    /// The transaction, if there is one.
    #[serde(default)]
    pub transaction: String,
    /// A short code when it was not opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
}

impl AuthorizeResponse {
    /// The lock was not opened.
    #[must_use]
    pub fn refused(code: &str, request: &AuthorizeRequest) -> Self {
        Self {
            success: false,
            mode: Mode::Z,
            network: request.network.clone(),
            contract: request.contract,
            payer: request.payer,
            lock_id: None,
            authorized: None,
            deadline: None,
            transaction: String::new(),
            error_reason: Some(code.to_owned()),
        }
    }
}

/// What a seller sends to `/settle` for z402 (as `PaymentPayload.payload`), beside a single
/// [`super::Z402Payload`], which claims its whole ceiling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Z402SettlePayload {
    /// Pays out what was charged under many locks of the payee and token in the requirements.
    Settle {
        /// One row each.
        claims: Vec<Z402Claim>,
    },
}

/// One row of a settlement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Z402Claim {
    /// The lock, whole.
    pub lock: Lock,
    /// The newest voucher on it.
    pub voucher: VoucherText,
    /// What was charged in all; at most the voucher's ceiling.
    pub total_claimed: BaseUnits,
}
