use super::limits::MIN_TIME_LEFT_SECS;
use super::uint::checksummed;
use super::{TokenDomain, Uint256};
use crate::money::BaseUnits;
use alloy_primitives::{Address, B256, U256, b256};
use serde::{Deserialize, Serialize};

/// keccak256 of `TransferWithAuthorization(address from,address to,uint256 value,
/// uint256 validAfter,uint256 validBefore,bytes32 nonce)`.
const TRANSFER_TYPE: B256 =
    b256!("7c7c6cdb67a18743f49ec6fa9b35f50d52ed05cbed4cc592e13b44501c1a2267");

/// The same of `ReceiveWithAuthorization(…)`.
const RECEIVE_TYPE: B256 =
    b256!("d099cc98ef71107a616c4f0f941f04c322d8e254fe26b3c6668db87aae413de8");

/// "`from` lets `value` go to `to` in this time, once": an EIP-3009 authorization.
///
/// Times are Unix seconds. The token takes it strictly after `valid_after` and strictly before
/// `valid_before`, and each nonce of `from` once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransferAuthorization {
    /// Who pays, and whose signature it takes.
    #[serde(serialize_with = "checksummed::serialize")]
    pub from: Address,
    /// Who is paid.
    #[serde(serialize_with = "checksummed::serialize")]
    pub to: Address,
    /// How much, in base units of the token.
    pub value: BaseUnits,
    /// Not yet good at this second.
    pub valid_after: Uint256,
    /// No longer good at this second.
    pub valid_before: Uint256,
    /// Random, and used up by the transfer.
    pub nonce: B256,
}

impl TransferAuthorization {
    /// What is signed for `transferWithAuthorization`, which anybody may submit.
    #[must_use]
    pub fn transfer_digest(&self, domain: &TokenDomain) -> B256 {
        self.digest(TRANSFER_TYPE, domain)
    }

    /// What is signed for `receiveWithAuthorization`, which only `to` may submit.
    #[must_use]
    pub fn receive_digest(&self, domain: &TokenDomain) -> B256 {
        self.digest(RECEIVE_TYPE, domain)
    }

    fn digest(&self, struct_type: B256, domain: &TokenDomain) -> B256 {
        domain.digest(&[
            struct_type,
            self.from.into_word(),
            self.to.into_word(),
            B256::from(U256::from(self.value.get())),
            B256::from(self.valid_after.0),
            B256::from(self.valid_before.0),
            self.nonce,
        ])
    }
}

/// What is wrong with the time of an authorization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutOfTime {
    /// It is over, or too nearly so to be mined.
    Expired,
    /// It has not begun.
    NotYet,
}

/// Whether an authorization for the time between these two seconds is good now and for some
/// seconds more ([`MIN_TIME_LEFT_SECS`]).
///
/// The bounds are the stock facilitator's. At the very second `valid_after` the token itself still
/// refuses; a block later it does not.
///
/// # Errors
/// [`OutOfTime`].
pub fn check_window(
    valid_after: Uint256,
    valid_before: Uint256,
    now_unix_secs: u64,
) -> Result<(), OutOfTime> {
    let soonest_end = U256::from(now_unix_secs).saturating_add(U256::from(MIN_TIME_LEFT_SECS));
    if valid_before.0 < soonest_end {
        return Err(OutOfTime::Expired);
    }
    if valid_after.0 > U256::from(now_unix_secs) {
        return Err(OutOfTime::NotYet);
    }
    Ok(())
}
