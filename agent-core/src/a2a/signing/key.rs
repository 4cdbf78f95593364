//! The private half: a key that signs cards.

use std::fmt;
use std::sync::Arc;

use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::{
    AlgorithmIdentifierRef, AssociatedOid as _, EncodePrivateKey as _, LineEnding,
    ObjectIdentifier, PrivateKeyInfo, SecretDocument, der::pem::PemLabel as _,
};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use secp256k1::{Message, SECP256K1, SecretKey};

use super::jwk::{Jwk, PublicKey};
use super::{Algorithm, SigningError, limits};

/// id-ecPublicKey (RFC 5480 §2.1.1).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// id-Ed25519 (RFC 8410 §3).
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// What stands before the 32 bytes of an Ed25519 key in PKCS#8 (RFC 8410 §7): an octet string in
/// an octet string.
const ED25519_INNER: [u8; 2] = [0x04, 0x20];

/// A private key that signs cards. Clones share it.
///
/// Its signatures are deterministic (RFC 6979 for the curves of ECDSA, Ed25519 by nature), so that
/// a card which did not change keeps its bytes and its entity tag. `Debug` shows no secret. The key
/// stays in memory for as long as this lives.
#[derive(Clone)]
pub struct SigningKey(Secret);

#[derive(Clone)]
enum Secret {
    P256(p256::SecretKey),
    Secp256k1(SecretKey),
    Ed25519(Arc<Ed25519KeyPair>, [u8; 32]),
}

impl SigningKey {
    /// Reads a key for `algorithm`: PKCS#8 in PEM, or 32 bytes in hexadecimal (with or without
    /// `0x`), which is how keys of a chain are kept.
    ///
    /// # Errors
    /// [`SigningError::NotAKey`]; it never repeats the text.
    pub fn read(algorithm: Algorithm, text: &str) -> Result<Self, SigningError> {
        let text = text.trim();
        if u64::try_from(text.len()).map_or(true, |len| len > limits::KEY_TEXT_BYTES_MAX) {
            return Err(SigningError::NotAKey("it is too long"));
        }
        if text.starts_with("-----BEGIN") {
            return Self::from_pem(algorithm, text);
        }
        let mut seed = [0_u8; 32];
        alloy_primitives::hex::decode_to_slice(text, &mut seed).map_err(|_| {
            SigningError::NotAKey("expected PKCS#8 in PEM, or 64 hexadecimal digits")
        })?;
        Self::from_seed(algorithm, seed)
    }

    /// The key whose secret is these 32 bytes, which must be random.
    ///
    /// # Errors
    /// [`SigningError::NotAKey`] for the few values that are no scalar of the curve, and for RSA.
    pub fn from_seed(algorithm: Algorithm, seed: [u8; 32]) -> Result<Self, SigningError> {
        let out_of_range = "its number is not one of the curve";
        Ok(Self(match algorithm {
            Algorithm::Es256 => Secret::P256(
                p256::SecretKey::from_bytes(&seed.into())
                    .map_err(|_| SigningError::NotAKey(out_of_range))?,
            ),
            Algorithm::Es256k => Secret::Secp256k1(
                SecretKey::from_byte_array(seed)
                    .map_err(|_| SigningError::NotAKey(out_of_range))?,
            ),
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
                    .map_err(|_| SigningError::NotAKey("ed25519"))?;
                Secret::Ed25519(Arc::new(pair), seed)
            }
            Algorithm::Rs256 => {
                return Err(SigningError::NotAKey("RSA is checked here, never made"));
            }
        }))
    }

    fn from_pem(algorithm: Algorithm, text: &str) -> Result<Self, SigningError> {
        let unreadable = SigningError::NotAKey("the PEM is not PKCS#8 (BEGIN PRIVATE KEY)");
        let Ok((PrivateKeyInfo::PEM_LABEL, document)) = SecretDocument::from_pem(text) else {
            return Err(unreadable);
        };
        let Ok(info) = document.decode_msg::<PrivateKeyInfo<'_>>() else {
            return Err(unreadable);
        };
        let curve = info.algorithm.parameters_oid().ok();
        let found = match (info.algorithm.oid, curve) {
            (EC_PUBLIC_KEY, Some(p256::NistP256::OID)) => Algorithm::Es256,
            (ED25519, None) => Algorithm::EdDsa,
            _ => return Err(SigningError::NotAKey("PEM holds P-256 or Ed25519 here")),
        };
        if found != algorithm {
            return Err(SigningError::NotAKey("it is a key of another algorithm"));
        }
        if found == Algorithm::Es256 {
            let key = p256::SecretKey::try_from(info);
            return key
                .map(|key| Self(Secret::P256(key)))
                .map_err(|_| unreadable);
        }
        let seed = info.private_key.strip_prefix(ED25519_INNER.as_slice());
        let seed = seed.and_then(|seed| <[u8; 32]>::try_from(seed).ok());
        Self::from_seed(found, seed.ok_or(unreadable)?)
    }

    /// The key as it is kept in a file: PKCS#8 in PEM, or hexadecimal digits for secp256k1.
    ///
    /// # Errors
    /// [`SigningError::NotAKey`]; not met in practice, since this is a key.
    pub fn to_text(&self) -> Result<String, SigningError> {
        let failed = |_| SigningError::NotAKey("it cannot be written");
        match &self.0 {
            Secret::P256(key) => {
                let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(failed)?;
                Ok(pem.as_str().to_owned())
            }
            Secret::Secp256k1(key) => {
                let digits = alloy_primitives::hex::encode(key.secret_bytes());
                Ok(format!("{digits}\n"))
            }
            Secret::Ed25519(_, seed) => {
                let algorithm = AlgorithmIdentifierRef {
                    oid: ED25519,
                    parameters: None,
                };
                let inner = [ED25519_INNER.as_slice(), seed.as_slice()].concat();
                let info = PrivateKeyInfo::new(algorithm, &inner);
                let document = SecretDocument::try_from(info).map_err(failed)?;
                let pem = document
                    .to_pem(PrivateKeyInfo::PEM_LABEL, LineEnding::LF)
                    .map_err(|_| SigningError::NotAKey("it cannot be written"))?;
                Ok(pem.as_str().to_owned())
            }
        }
    }

    /// What it signs with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match &self.0 {
            Secret::P256(_) => Algorithm::Es256,
            Secret::Secp256k1(_) => Algorithm::Es256k,
            Secret::Ed25519(..) => Algorithm::EdDsa,
        }
    }

    /// The public half, under the name `kid`.
    #[must_use]
    pub fn public(&self, kid: &str) -> Jwk {
        let key = match &self.0 {
            Secret::P256(key) => PublicKey::P256(key.public_key().into()),
            Secret::Secp256k1(key) => {
                PublicKey::Secp256k1(secp256k1::PublicKey::from_secret_key(SECP256K1, key))
            }
            Secret::Ed25519(pair, _) => {
                let mut bytes = [0_u8; 32];
                for (to, from) in bytes.iter_mut().zip(pair.public_key().as_ref()) {
                    *to = *from;
                }
                PublicKey::Ed25519(bytes)
            }
        };
        Jwk::new(kid, key)
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.0 {
            Secret::P256(key) => {
                let key = p256::ecdsa::SigningKey::from(key);
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Secret::Secp256k1(key) => {
                let message = Message::from_digest(sha256(message));
                SECP256K1
                    .sign_ecdsa(message, key)
                    .serialize_compact()
                    .to_vec()
            }
            Secret::Ed25519(pair, _) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    let mut out = [0_u8; 32];
    for (to, from) in out.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    out
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey")
            .field(&self.algorithm())
            .finish()
    }
}
