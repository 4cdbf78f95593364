//! The algorithms that are trusted to sign a card.

use serde::Deserialize;
use std::fmt;

/// How a card is signed: the `alg` of RFC 7515 §4.1.1.
///
/// This is a list of what is allowed, not of what exists. `none` and the HMACs are missing because
/// with them whoever can check a signature can also make one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[non_exhaustive]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256 (RFC 7518 §3.4); what most peers can check.
    #[default]
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA with secp256k1 and SHA-256 (RFC 8812 §3.2), for keys that a chain knows too. The
    /// official JavaScript SDK cannot check it.
    #[serde(rename = "ES256K")]
    Es256k,
    /// Ed25519 (RFC 8037 §3.1).
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3). Signatures are checked, never made.
    #[serde(rename = "RS256")]
    Rs256,
}

impl Algorithm {
    /// The name in a protected header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es256k => "ES256K",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }

    /// The algorithm of that name. `Ed25519` is read too: RFC 9864 calls it so.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "ES256" => Some(Self::Es256),
            "ES256K" => Some(Self::Es256k),
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            "RS256" => Some(Self::Rs256),
            _ => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
