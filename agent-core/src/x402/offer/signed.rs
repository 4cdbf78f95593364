use crate::voucher::{
    CanonicalSignature, SignatureError, hash_words, recover_signer, typed_digest,
};
use alloy_primitives::{Address, B256, U256, keccak256};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

/// A payload that can be signed, with the typed data that the extension fixes for it.
///
/// # Contract
///
/// `TYPE` is the EIP-712 type of the payload, and `words` its members in that order, each encoded
/// as EIP-712 does it. The digest is made of what stands in the payload and of nothing else.
pub trait Statement: Debug + Clone {
    /// The name of the EIP-712 domain.
    const DOMAIN_NAME: &'static str;
    /// The EIP-712 type.
    const TYPE: &'static str;

    /// The version of the payload.
    fn version(&self) -> u64;

    /// The members, encoded.
    fn words(&self) -> Vec<B256>;

    /// What is signed.
    fn digest(&self) -> B256 {
        let separator = hash_words(&[
            keccak256("EIP712Domain(string name,string version,uint256 chainId)"),
            keccak256(Self::DOMAIN_NAME),
            keccak256("1"),
            B256::from(U256::from(1)),
        ]);
        let mut words = vec![keccak256(Self::TYPE)];
        words.extend(self.words());
        typed_digest(separator, hash_words(&words))
    }
}

/// How an artifact is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignatureFormat {
    /// EIP-712, 65 bytes.
    Eip712,
    /// A compact JWS, which holds the payload as well.
    Jws,
}

/// A signed artifact (§3.1), not checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Signed<T> {
    /// How it is signed.
    pub format: SignatureFormat,
    /// What is signed; absent for a JWS.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub payload: Option<T>,
    /// The signature.
    pub signature: String,
    /// Which entry of `accepts` an offer is for: a hint that is not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_index: Option<u64>,
}

// A derived `default` would ask for `T: Default`.
const fn none<T>() -> Option<T> {
    None
}

impl<T: Statement> Signed<T> {
    /// The payload with a signature that was made over its [`Statement::digest`].
    #[must_use]
    pub fn new(payload: T, signature: CanonicalSignature) -> Self {
        Self {
            format: SignatureFormat::Eip712,
            payload: Some(payload),
            signature: alloy_primitives::hex::encode_prefixed(signature.as_bytes()),
            accept_index: None,
        }
    }

    /// The payload, if `signer` signed it as it stands.
    ///
    /// What this does not show: that `signer` speaks for whoever sells. An account that is paid
    /// speaks for itself; hold `signer` against `payTo` of terms that were checked.
    ///
    /// # Errors
    /// [`ArtifactError`].
    pub fn check(&self, signer: Address) -> Result<&T, ArtifactError> {
        if self.format != SignatureFormat::Eip712 {
            return Err(ArtifactError::Format);
        }
        let payload = self.payload.as_ref().ok_or(ArtifactError::NoPayload)?;
        if payload.version() != super::PAYLOAD_VERSION {
            return Err(ArtifactError::Version);
        }
        let signature: CanonicalSignature = self.signature.parse()?;
        match recover_signer(payload.digest(), &signature) {
            Some(found) if found == signer && signer != Address::ZERO => Ok(payload),
            _ => Err(ArtifactError::WrongSigner),
        }
    }
}

/// Why an offer or a receipt is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// It is not signed in the format that can be checked here.
    #[error("it is signed in another format than eip712")]
    Format,
    /// There is nothing that could be signed.
    #[error("it has no payload")]
    NoPayload,
    /// A version that is not known.
    #[error("its payload is of another version than 1")]
    Version,
    /// The signature is not in canonical form.
    #[error("its signature cannot be used: {0}")]
    Signature(#[from] SignatureError),
    /// Somebody else signed it, or it was changed.
    #[error("it is not signed by the account that is paid")]
    WrongSigner,
    /// It says something else than was agreed.
    #[error("it is for something else: {0}")]
    Differs(&'static str),
    /// It is over.
    #[error("it is over")]
    Over,
}

impl ArtifactError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Format => "artifact_format",
            Self::NoPayload => "artifact_without_payload",
            Self::Version => "artifact_version",
            Self::Signature(_) => "artifact_signature_malformed",
            Self::WrongSigner => "artifact_wrong_signer",
            Self::Differs(_) => "artifact_differs",
            Self::Over => "artifact_over",
        }
    }
}
