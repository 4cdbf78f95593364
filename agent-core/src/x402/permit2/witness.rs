use crate::voucher::{ChannelId, hash_words};
use crate::x402::Uint256;
use crate::x402::uint::checksummed;
use alloy_primitives::{Address, B256, b256};
use serde::{Deserialize, Serialize};

/// What a permit binds its spender to.
///
/// # Contract
/// `PERMIT_TYPE` is the hash of the whole `PermitWitnessTransferFrom` type with this witness in
/// it, and [`Witness::hash`] the EIP-712 struct hash of the witness. Nobody outside implements it:
/// each witness belongs to one deployed contract.
pub trait Witness: sealed::Sealed {
    /// keccak256 of the permit's EIP-712 type.
    const PERMIT_TYPE: B256;

    /// The EIP-712 struct hash.
    fn hash(&self) -> B256;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::ExactWitness {}
    impl Sealed for super::UptoWitness {}
    impl Sealed for super::DepositWitness {}
}

/// Scheme `exact`: all of it to this payee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExactWitness {
    /// Who is paid.
    #[serde(serialize_with = "checksummed::serialize")]
    pub to: Address,
    /// Not before this Unix second.
    pub valid_after: Uint256,
}

impl Witness for ExactWitness {
    /// Of `PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,
    /// uint256 deadline,Witness witness)TokenPermissions(address token,uint256 amount)
    /// Witness(address to,uint256 validAfter)`, without the breaks.
    const PERMIT_TYPE: B256 =
        b256!("ebc156cd23678a74c94df13d772ef5478420637f0c94bd10d509e1dc98f521c7");

    fn hash(&self) -> B256 {
        hash_words(&[
            b256!("d97b3239a7f32295517bd14cb074edfdd188dfe5eb42f802bb26d4fd1eb12c37"),
            self.to.into_word(),
            B256::from(self.valid_after.0),
        ])
    }
}

/// Scheme `upto`: as much as this facilitator says, to this payee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UptoWitness {
    /// Who is paid.
    #[serde(serialize_with = "checksummed::serialize")]
    pub to: Address,
    /// Who alone may settle it, and so name the amount.
    #[serde(serialize_with = "checksummed::serialize")]
    pub facilitator: Address,
    /// Not before this Unix second.
    pub valid_after: Uint256,
}

impl Witness for UptoWitness {
    /// As for [`ExactWitness`], with
    /// `Witness(address to,address facilitator,uint256 validAfter)`.
    const PERMIT_TYPE: B256 =
        b256!("51dff6974ad4388c499e7fcfe838d2bd767162553a144098ce20ea661d70c2ee");

    fn hash(&self) -> B256 {
        hash_words(&[
            b256!("d4171c445a74218b01d4fd8af34ff1106580ea1e36ff837e64484bfaa2253b75"),
            self.to.into_word(),
            self.facilitator.into_word(),
            B256::from(self.valid_after.0),
        ])
    }
}

/// Scheme `batch-settlement`: into this channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DepositWitness {
    /// The channel.
    pub channel_id: ChannelId,
}

impl Witness for DepositWitness {
    /// Of `PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,
    /// uint256 deadline,DepositWitness witness)DepositWitness(bytes32 channelId)
    /// TokenPermissions(address token,uint256 amount)`, without the breaks.
    const PERMIT_TYPE: B256 =
        b256!("436a25c01a21a6ed025816c4c9ea3d6132aa879dd7ef16f6188dd3b0aebccc52");

    fn hash(&self) -> B256 {
        hash_words(&[
            b256!("ba0000097e86dabe64178afe31109221193339a6861598f2133fcbdc92c84479"),
            self.channel_id.0,
        ])
    }
}
