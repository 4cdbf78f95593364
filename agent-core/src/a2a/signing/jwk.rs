//! The public half: JSON Web Keys (RFC 7517).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use p256::ecdsa::signature::Verifier as _;
use ring::signature::{
    ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use secp256k1::{Message, SECP256K1};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::key::sha256;
use super::{Algorithm, SigningError, limits};
use crate::untrusted::shorten;

/// A public key and its name.
///
/// Read from JSON it is checked: the point is on its curve, RSA has 2048 to 8192 bits, the key is
/// not a private one, and `use`, `key_ops` and `alg` allow it to check signatures.
#[derive(Clone, PartialEq, Eq)]
pub struct Jwk {
    kid: String,
    key: PublicKey,
    not_before_unix_secs: Option<u64>,
    expires_unix_secs: Option<u64>,
    revoked: bool,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum PublicKey {
    P256(p256::ecdsa::VerifyingKey),
    Secp256k1(secp256k1::PublicKey),
    Ed25519([u8; 32]),
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

impl Jwk {
    pub(super) fn new(kid: &str, key: PublicKey) -> Self {
        Self {
            kid: kid.to_owned(),
            key,
            not_before_unix_secs: None,
            expires_unix_secs: None,
            revoked: false,
        }
    }

    /// Its name, empty if it has none.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The algorithm whose signatures it checks. A key has one: were the signature's word taken
    /// for it, an attacker would choose how the key is used.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match &self.key {
            PublicKey::P256(_) => Algorithm::Es256,
            PublicKey::Secp256k1(_) => Algorithm::Es256k,
            PublicKey::Ed25519(_) => Algorithm::EdDsa,
            PublicKey::Rsa { .. } => Algorithm::Rs256,
        }
    }

    /// Whether it may be used at that time: by `nbf`, `exp` and `revoked` of OpenID Federation
    /// 1.0 §8.7, where a key says so. RFC 7517 itself knows no lifetimes.
    #[must_use]
    pub fn is_valid_at(&self, unix_secs: u64) -> bool {
        !self.revoked
            && self
                .not_before_unix_secs
                .is_none_or(|from| from <= unix_secs)
            && self.expires_unix_secs.is_none_or(|until| unix_secs < until)
    }

    /// The thumbprint of RFC 7638 with SHA-256: a name that no other key has.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let members = Value::Object(self.members());
        // The members are a few texts, for which there is a canonical form.
        let text = crate::jcs::canonical(&members).unwrap_or_default();
        BASE64URL.encode(sha256(text.as_bytes()))
    }

    /// The same key under another name.
    #[must_use]
    pub fn with_kid(mut self, kid: &str) -> Self {
        kid.clone_into(&mut self.kid);
        self
    }

    /// Whether `signature` is one of this key over `message`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.key {
            PublicKey::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            PublicKey::Secp256k1(key) => {
                let Ok(mut signature) = secp256k1::ecdsa::Signature::from_compact(signature) else {
                    return false;
                };
                // The library takes low `s` only, the algorithm both.
                signature.normalize_s();
                let message = Message::from_digest(sha256(message));
                SECP256K1.verify_ecdsa(message, &signature, key).is_ok()
            }
            PublicKey::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key)
                .verify(message, signature)
                .is_ok(),
            PublicKey::Rsa { n, e } => RsaPublicKeyComponents { n, e }
                .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
                .is_ok(),
        }
    }

    /// The members that make the key what it is.
    fn members(&self) -> Map<String, Value> {
        let point = |curve: &str, x: &[u8], y: &[u8]| {
            vec![
                ("kty", "EC".to_owned()),
                ("crv", curve.to_owned()),
                ("x", BASE64URL.encode(x)),
                ("y", BASE64URL.encode(y)),
            ]
        };
        let members = match &self.key {
            PublicKey::P256(key) => {
                let encoded = key.to_encoded_point(false);
                let (x, y) = encoded.as_bytes().get(1..).unwrap_or_default().split_at(32);
                point("P-256", x, y)
            }
            PublicKey::Secp256k1(key) => {
                let encoded = key.serialize_uncompressed();
                let (x, y) = encoded.get(1..).unwrap_or_default().split_at(32);
                point("secp256k1", x, y)
            }
            PublicKey::Ed25519(bytes) => vec![
                ("kty", "OKP".to_owned()),
                ("crv", "Ed25519".to_owned()),
                ("x", BASE64URL.encode(bytes)),
            ],
            PublicKey::Rsa { n, e } => vec![
                ("kty", "RSA".to_owned()),
                ("n", BASE64URL.encode(n)),
                ("e", BASE64URL.encode(e)),
            ],
        };
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::String(value)))
            .collect()
    }

    pub(super) fn from_members(members: &Map<String, Value>) -> Result<Self, SigningError> {
        let bad = SigningError::NotAJwk;
        if members.contains_key("d") {
            return Err(bad("it is a private key, which the world can read now"));
        }
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        if text("use").is_some_and(|usage| usage != "sig") {
            return Err(bad("its use is not sig"));
        }
        let operations = members.get("key_ops").and_then(Value::as_array);
        if operations.is_some_and(|all| !all.iter().any(|operation| operation == "verify")) {
            return Err(bad("its key_ops do not hold verify"));
        }
        // A lifetime that cannot be read is not taken for none: the key would be good for ever.
        let seconds = |name: &str| match members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let wrong = bad("its nbf or exp is no whole number of seconds");
                value.as_u64().map(Some).ok_or(wrong)
            }
        };
        let jwk = Self {
            kid: text("kid").unwrap_or_default().to_owned(),
            key: PublicKey::from_members(&text)?,
            not_before_unix_secs: seconds("nbf")?,
            expires_unix_secs: seconds("exp")?,
            revoked: members
                .get("revoked")
                .is_some_and(|revoked| !revoked.is_null()),
        };
        if jwk.kid.len() > limits::KID_BYTES_MAX {
            return Err(SigningError::KeyId);
        }
        if text("alg").is_some_and(|name| Algorithm::of_name(name) != Some(jwk.algorithm())) {
            return Err(bad("its alg is another than its kty and crv say"));
        }
        Ok(jwk)
    }
}

impl PublicKey {
    fn from_members<'a>(text: &impl Fn(&str) -> Option<&'a str>) -> Result<Self, SigningError> {
        let bad = SigningError::NotAJwk;
        let bytes = |name: &str| {
            let text = text(name).filter(|text| text.len() <= limits::SIGNATURE_CHARS_MAX);
            text.and_then(|text| BASE64URL.decode(text).ok())
                .ok_or(bad("a member is missing, or not base64url"))
        };
        let array = |name: &str| {
            <[u8; 32]>::try_from(bytes(name)?).map_err(|_| bad("a coordinate has not 32 bytes"))
        };
        let point = || -> Result<Vec<u8>, SigningError> {
            Ok([[4].as_slice(), &array("x")?, &array("y")?].concat())
        };
        let not_on_curve = bad("the point is not on its curve");
        match (text("kty").unwrap_or_default(), text("crv")) {
            ("EC", Some("P-256")) => p256::ecdsa::VerifyingKey::from_sec1_bytes(&point()?)
                .map(Self::P256)
                .map_err(|_| not_on_curve),
            ("EC", Some("secp256k1")) => secp256k1::PublicKey::from_slice(&point()?)
                .map(Self::Secp256k1)
                .map_err(|_| not_on_curve),
            ("OKP", Some("Ed25519")) => Ok(Self::Ed25519(array("x")?)),
            ("RSA", _) => {
                let (n, e) = (bytes("n")?, bytes("e")?);
                if !(256..=1_024).contains(&n.len()) {
                    return Err(bad("RSA has 2048 to 8192 bits here"));
                }
                Ok(Self::Rsa { n, e })
            }
            _ => Err(bad("its kty and crv are not known here")),
        }
    }
}

/// The public key as JSON, with `alg` and `use`.
impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = self.members();
        let mut set = |name: &str, value: Value| members.insert(name.to_owned(), value);
        set("alg", self.algorithm().name().into());
        set("use", "sig".into());
        if !self.kid.is_empty() {
            set("kid", self.kid.as_str().into());
        }
        if let Some(from) = self.not_before_unix_secs {
            set("nbf", from.into());
        }
        if let Some(until) = self.expires_unix_secs {
            set("exp", until.into());
        }
        if self.revoked {
            // Not when or why, which is not kept, but that it is.
            set("revoked", Value::Object(Map::new()));
        }
        members.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Jwk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = Map::<String, Value>::deserialize(deserializer)?;
        Self::from_members(&members).map_err(serde::de::Error::custom)
    }
}

/// Shows what kind of key it is and its name, escaped.
impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwk")
            .field("kid", &shorten(&self.kid))
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}
