use super::{
    BatchError, BatchTerms, ChannelConfig, ERC3009_DEPOSIT_COLLECTOR, PERMIT2_DEPOSIT_COLLECTOR,
};
use crate::money::BaseUnits;
use crate::voucher::{CanonicalSignature, ChannelId, hash_words, recover_signer};
use crate::x402::{
    AssetTransferMethod, DepositWitness, HexSalt, Permit2Authorization, Permit2Domain, PermitError,
    TokenDomain, TransferAuthorization, Uint256, check_window,
};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolValue;
use serde::{Deserialize, Serialize};

/// The nonce of a channel's EIP-3009 deposit: it binds the token's authorization, which knows no
/// channels, to one.
#[must_use]
pub fn deposit_nonce(channel_id: ChannelId, salt: HexSalt) -> B256 {
    hash_words(&[channel_id.0, B256::from(salt.0)])
}

/// How a deposit is authorized; exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum DepositAuthorization {
    /// By the token.
    Erc3009Authorization(Erc3009Deposit),
    /// By Permit2.
    Permit2Authorization(Permit2Deposit),
}

impl DepositAuthorization {
    /// Which way this is.
    #[must_use]
    pub const fn method(&self) -> AssetTransferMethod {
        match self {
            Self::Erc3009Authorization(_) => AssetTransferMethod::Eip3009,
            Self::Permit2Authorization(_) => AssetTransferMethod::Permit2,
        }
    }

    /// The contract that collects it.
    #[must_use]
    pub const fn collector(&self) -> Address {
        match self {
            Self::Erc3009Authorization(_) => ERC3009_DEPOSIT_COLLECTOR,
            Self::Permit2Authorization(_) => PERMIT2_DEPOSIT_COLLECTOR,
        }
    }

    /// Checks that the payer authorizes `amount` for this channel, now, in the way that the offer
    /// asks for.
    ///
    /// What this does not show: that the payer has the money, that the nonce is unused, or, for
    /// Permit2, that the payer approved it.
    ///
    /// # Errors
    /// [`BatchError`].
    pub fn check(
        &self,
        config: &ChannelConfig,
        amount: BaseUnits,
        terms: &BatchTerms,
        token: &TokenDomain,
        now_unix_secs: u64,
    ) -> Result<CanonicalSignature, BatchError> {
        let domain = terms.domain();
        let channel_id = config.id(&domain);
        let wanted = terms.extra.asset_transfer_method;
        match self {
            // Without a hint the payload decides, as with the stock facilitator.
            _ if wanted.is_some_and(|wanted| wanted != self.method()) => {
                Err(match wanted.unwrap_or_default() {
                    AssetTransferMethod::Eip3009 => BatchError::Erc3009Required,
                    AssetTransferMethod::Permit2 => BatchError::Permit2Required,
                })
            }
            Self::Erc3009Authorization(deposit) => {
                if token.token() != config.token_on(&domain) {
                    return Err(BatchError::TokenMismatch);
                }
                check_window(deposit.valid_after, deposit.valid_before, now_unix_secs)?;
                let signed = deposit.authorization(config.payer, amount, channel_id);
                let signature: CanonicalSignature = deposit
                    .signature
                    .parse()
                    .map_err(|_| BatchError::DepositSignature)?;
                match recover_signer(signed.receive_digest(token), &signature) {
                    Some(signer) if signer == config.payer && signer != Address::ZERO => {
                        Ok(signature)
                    }
                    _ => Err(BatchError::DepositSignature),
                }
            }
            Self::Permit2Authorization(deposit) => deposit
                .check(config, amount, channel_id, &domain, now_unix_secs)
                .map_err(|error| match error {
                    // The collector is given the channel's id, so another one is a mismatch of it.
                    PermitError::WrongPayee => BatchError::ChannelIdMismatch,
                    other => BatchError::Permit(other),
                }),
        }
    }

    /// The `collectorData` that the contract's `deposit` hands to the collector. `permit` is a
    /// token approval that goes with a Permit2 deposit.
    ///
    /// # Errors
    /// [`BatchError::DepositSignature`] when the signature is not one.
    pub fn collector_data(&self, permit: Option<&Eip2612Permit>) -> Result<Bytes, BatchError> {
        let bytes = |text: &str| -> Result<Bytes, BatchError> {
            let signature: CanonicalSignature =
                text.parse().map_err(|_| BatchError::DepositSignature)?;
            Ok(Bytes::copy_from_slice(signature.as_bytes()))
        };
        Ok(match self {
            Self::Erc3009Authorization(deposit) => (
                deposit.valid_after.0,
                deposit.valid_before.0,
                deposit.salt.0,
                bytes(&deposit.signature)?,
            )
                .abi_encode_params()
                .into(),
            Self::Permit2Authorization(deposit) => (
                deposit.authorization.nonce.0,
                deposit.authorization.deadline.0,
                bytes(&deposit.signature)?,
                permit.map(Eip2612Permit::encode).unwrap_or_default(),
            )
                .abi_encode_params()
                .into(),
        })
    }
}

/// A deposit that the token itself checks (`receiveWithAuthorization`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Erc3009Deposit {
    /// Not yet good at this Unix second.
    pub valid_after: Uint256,
    /// No longer good at this Unix second.
    pub valid_before: Uint256,
    /// Makes the nonce, together with the channel: [`deposit_nonce`].
    pub salt: HexSalt,
    /// The payer's, `0x` and hexadecimal digits.
    pub signature: String,
}

impl Erc3009Deposit {
    /// What the payer signs: that the collector may receive `amount`, for this channel.
    #[must_use]
    pub fn authorization(
        &self,
        payer: Address,
        amount: BaseUnits,
        channel_id: ChannelId,
    ) -> TransferAuthorization {
        TransferAuthorization {
            from: payer,
            to: ERC3009_DEPOSIT_COLLECTOR,
            value: amount,
            valid_after: self.valid_after,
            valid_before: self.valid_before,
            nonce: deposit_nonce(channel_id, self.salt),
        }
    }
}

/// A deposit through Permit2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permit2Deposit {
    /// What is signed.
    #[serde(flatten)]
    pub authorization: Permit2Authorization<DepositWitness>,
    /// The payer's, `0x` and hexadecimal digits.
    pub signature: String,
}

impl Permit2Deposit {
    fn check(
        &self,
        config: &ChannelConfig,
        amount: BaseUnits,
        channel_id: ChannelId,
        domain: &super::BatchDomain,
        now_unix_secs: u64,
    ) -> Result<CanonicalSignature, PermitError> {
        let permit = &self.authorization;
        if permit.from != config.payer {
            return Err(PermitError::WrongSigner);
        }
        if permit.spender != PERMIT2_DEPOSIT_COLLECTOR {
            return Err(PermitError::WrongSpender);
        }
        if permit.permitted.token != config.token {
            return Err(PermitError::WrongToken);
        }
        if permit.permitted.amount != amount {
            return Err(PermitError::WrongAmount);
        }
        if permit.witness.channel_id != channel_id {
            return Err(PermitError::WrongPayee);
        }
        permit.check_deadline(now_unix_secs)?;
        permit.check_signature(&Permit2Domain::new(domain.network()), &self.signature)
    }
}

/// An EIP-2612 approval of Permit2, for a payer that has not approved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Eip2612Permit {
    /// How much is approved, in base units.
    pub value: U256,
    /// The last Unix second at which it is good.
    pub deadline: U256,
    /// The owner's signature.
    pub signature: CanonicalSignature,
}

impl Eip2612Permit {
    /// `abi.encode(value, deadline, v, r, s)`.
    fn encode(&self) -> Bytes {
        let (rs, v) = self.signature.as_bytes().split_at(64);
        let (r, s) = rs.split_at(32);
        let words = [
            B256::from(self.value),
            B256::from(self.deadline),
            B256::left_padding_from(v),
            B256::from_slice(r),
            B256::from_slice(s),
        ];
        words.concat().into()
    }
}
