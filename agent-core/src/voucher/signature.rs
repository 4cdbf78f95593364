use alloy_primitives::{Address, B256, hex, keccak256};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, SECP256K1};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Half the order of secp256k1, rounded down: the largest `s` that the escrow accepts.
const HALF_ORDER: [u8; 32] =
    hex!("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");

/// A signature in the one form that the escrow contract accepts: 65 bytes, low `s`, `v` 27 or 28.
///
/// Libraries accept more (high `s`, `v` of 0 or 1, EIP-2098). A voucher in such a form would be
/// honoured by us and refused by the contract, which is theft of service; so no other form can be
/// turned into this type.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CanonicalSignature([u8; 65]);

impl CanonicalSignature {
    /// Reads `r | s | v`.
    ///
    /// # Errors
    /// [`SignatureError`] says which rule the bytes break.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, SignatureError> {
        let bytes: [u8; 65] = bytes
            .try_into()
            .map_err(|_| SignatureError::Length(bytes.len()))?;
        let (rs, v) = bytes.split_at(64);
        let (r, s) = rs.split_at(32);
        match v {
            [27 | 28] => {}
            _ => return Err(SignatureError::RecoveryByte),
        }
        if s > HALF_ORDER.as_slice() {
            return Err(SignatureError::HighS);
        }
        if is_zero(r) || is_zero(s) {
            return Err(SignatureError::OutOfRange);
        }
        Ok(Self(bytes))
    }

    /// Makes the canonical form of a fresh recoverable signature.
    #[must_use]
    pub fn from_recoverable(signature: &RecoverableSignature) -> Self {
        let (id, rs) = signature.serialize_compact();
        let mut bytes = [0u8; 65];
        let (head, tail) = bytes.split_at_mut(64);
        head.copy_from_slice(&rs);
        // libsecp256k1 signs with low s; ids 2 and 3 need an r above the order, which no one meets.
        tail.copy_from_slice(&[match id {
            RecoveryId::One | RecoveryId::Three => 28,
            _ => 27,
        }]);
        Self(bytes)
    }

    /// The 65 bytes `r | s | v`.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 65] {
        &self.0
    }

    /// The 64-byte EIP-2098 form `r | vs` that settlement rows carry.
    #[must_use]
    pub fn to_compact(&self) -> [u8; 64] {
        let mut compact = [0u8; 64];
        let (rs, v) = self.0.split_at(64);
        compact.copy_from_slice(rs);
        if let ([28], Some(top)) = (v, compact.get_mut(32)) {
            *top |= 0x80;
        }
        compact
    }
}

/// The address whose key made `signature` over `digest`; `None` when no key did.
#[must_use]
pub fn recover_signer(digest: B256, signature: &CanonicalSignature) -> Option<Address> {
    let (rs, v) = signature.0.split_at(64);
    let id = if v == [28] {
        RecoveryId::One
    } else {
        RecoveryId::Zero
    };
    let signature = RecoverableSignature::from_compact(rs, id).ok()?;
    let key = SECP256K1
        .recover_ecdsa(Message::from_digest(digest.0), &signature)
        .ok()?;
    let hash = keccak256(key.serialize_uncompressed().get(1..)?);
    Some(Address::from_slice(hash.get(12..)?))
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// Why bytes are not a canonical signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// Not 65 bytes.
    #[error("a signature is 65 bytes r | s | v, not {0}")]
    Length(usize),
    /// `v` is not 27 or 28.
    #[error("the last byte of a signature is 27 or 28")]
    RecoveryByte,
    /// `s` is in the upper half of the order (EIP-2 form is required).
    #[error("the signature's s is in the upper half of the curve order; send the low form")]
    HighS,
    /// `r` or `s` is zero.
    #[error("the signature's r or s is zero")]
    OutOfRange,
    /// Not `0x` and hexadecimal digits.
    #[error("a signature is written as 0x and hexadecimal digits")]
    NotHex,
}

impl SignatureError {
    /// A stable code, in the style of x402's error reasons.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Length(_) => "invalid_z402_signature_length",
            Self::RecoveryByte => "invalid_z402_signature_v",
            Self::HighS => "invalid_z402_signature_high_s",
            Self::OutOfRange => "invalid_z402_signature_range",
            Self::NotHex => "invalid_z402_signature_hex",
        }
    }
}

impl FromStr for CanonicalSignature {
    type Err = SignatureError;

    fn from_str(text: &str) -> Result<Self, SignatureError> {
        // Longer text cannot be 65 bytes; refusing it here keeps the decoder's work bounded.
        if text.len() > 512 {
            return Err(SignatureError::Length(text.len() / 2));
        }
        let digits = text.strip_prefix("0x").ok_or(SignatureError::NotHex)?;
        Self::from_slice(&hex::decode(digits).map_err(|_| SignatureError::NotHex)?)
    }
}

impl fmt::Display for CanonicalSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_prefixed(self.0))
    }
}

impl fmt::Debug for CanonicalSignature {
    /// Shortened: a voucher's signature is money to its payee and does not belong in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}…",
            hex::encode_prefixed(self.0.get(..4).unwrap_or_default())
        )
    }
}

impl Serialize for CanonicalSignature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CanonicalSignature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
