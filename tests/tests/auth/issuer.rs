//! Somebody who issues tokens, with keys of every kind, and serves the public ones.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// A private RSA key that is used for nothing but these tests.
const RSA_DER: &str = "\
    MIIEowIBAAKCAQEArnGHXmZKqiHBD9l+0KNoOlz27W6ksqbJa2Lh9sqMxhRGCAA3OJYpbNR4xGvoBP2XX5cyvH7IGbgq\
    1hvvt2VgMcEwgZc5SAaYWIo/+mesi6nouRG0bYe96Q9BS/P4YIAE65ncUdxMjkctN8VVNZ80hH4CgFYbZ0RMokL/2UVe\
    m8nmXb4uihwLTwUMqZjJYpWU1WzJOzE+WJCVN0RseR88tNstskTSLRPQgAjMUt5ZHIMePm58qcZmh+sJe93JN2ENPHHM\
    F6uuEkaxs953bTvYyaOvrKWi/XoK7TRIFsxukfQXKEKssHfxDT1yCQhWRF82feizJKtPL2sJDz2NAhpgSwIDAQABAoIB\
    AB0Y07cTweWB7tWJdkUv1H1Tr15oQ7GG73bpjf5fx75seEfyXUOjjHJaOHCu/QsED6FCs5RMY20i0oZXL5N8JeD2s/QR\
    uNzCONwf508Jxvae1zIzeVCBwVQkFsSoA6h5AhkYV28SG3Tp+2lfkXh5v0VQTXOBqV1+v3ebTFi94OuEKcSEUiOk8VsC\
    O0vbq94BdVJxp1+KdmnipUUpE1G/in3EvEOfl+crNio/CG9h8K/lz2v4GNYjJWrMuqSpdyaJiTZ+B9XDtuVd12uB6iyh\
    8hBD1lg6VNARqvZ6as97Nm6Y99oHhzWfcbEvHhHQsUEvdPo4A/Te0Eoyb5TgKeRXSEkCgYEA3ZEbSEIRWj5B7TMNJWL8\
    uG2vQrj4pM6Hdw04z+lSYPANb4VpI0i0M73ovsaWb8KexEiCWC3uOcpglS1Lxk5c3+6cBELQzSkDzjf8ZKL4vwq24m1h\
    YLnxRPs+NhjHEuLZq9r4/JUDHIOgpYhOMDw0QZZEyJE4aeFKqPO2r5sl2WMCgYEAyY2maJ5EWSFCL1O5Cz8ov6ZHuP6Z\
    1a5/Nsgc0B8vAwLSivxNlya3MJ/D+oW6BE9IkEv/NbPfrdwiPjlrvPV7ehrD5JIiZSRmOHMy3PkerhvyI3wFn/y6jHL9\
    E89A5uBszozBROq9/oAn5i7QiPpqiMP5V9aDY+3Y9Dj+SxI5BfkCgYAoHc/Mw3mU11Tkd6vXqxaK5gEnmYobfPF2EsTI\
    kDxEJPKp0IP6yX0nKSls8VPnpFtOurou8RIDEKtwFyVzIFkcin1hIB/iJZz0x5pBNmjHXk9Cq/9HniMbFEptTQsuVjiH\
    LzyJrwlDLmn1zropbZ0giu6lSfXm5c24zXe0T+kIdQKBgQCr4oMx4RcEs9pPpiS+tKQ5nMK5v1bN5jxTKaF4078x4CxR\
    nw1EhB3h974YXgbfOgX2GPmSgM2W5Y7GZg29XdRps32v5fgzLTGHnqaX0FQbw3ViUZgyckNdF4tAY5VDz8y68Uq5TT+u\
    VPix0ubAil5kOEziXew7QlGtJRWoS+gZcQKBgFXOwSuwyt7I2uViLcGuL9xhJhmoBq80ziRw5CuGoqNUiRmwz6hW/VeW\
    jvvxOW7IOSkln0Qr7gN1+Rd8D13kIFiBhLqdY3jcKIYNzL8q/ozG35Chts24sPsknzd7BEgZiqttDgr4b8ku1/HXHZhA\
    2OiNRS8WjCQ+H4WgMiJl2IkL\
";

pub enum Key {
    Es256(EcdsaKeyPair),
    Es256k(Box<secp256k1::SecretKey>),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

impl Key {
    pub fn es256() -> Self {
        let (rng, alg) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(alg, &rng).unwrap();
        Self::Es256(EcdsaKeyPair::from_pkcs8(alg, pkcs8.as_ref(), &rng).unwrap())
    }

    pub fn es256k() -> Self {
        Self::Es256k(Box::new(
            secp256k1::SecretKey::from_byte_array([7; 32]).unwrap(),
        ))
    }

    pub fn eddsa() -> Self {
        Self::EdDsa(Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap())
    }

    pub fn rs256() -> Self {
        let der = STANDARD.decode(RSA_DER.trim()).unwrap();
        Self::Rs256(RsaKeyPair::from_der(&der).unwrap())
    }

    pub const fn alg(&self) -> &'static str {
        match self {
            Self::Es256(_) => "ES256",
            Self::Es256k(_) => "ES256K",
            Self::EdDsa(_) => "EdDSA",
            Self::Rs256(_) => "RS256",
        }
    }

    pub fn jwk(&self, kid: &str) -> Value {
        let point = |crv: &str, bytes: &[u8]| {
            json!({
                "kty": "EC", "crv": crv, "kid": kid,
                "x": URL_SAFE_NO_PAD.encode(&bytes[1..33]), "y": URL_SAFE_NO_PAD.encode(&bytes[33..]),
            })
        };
        match self {
            Self::Es256(key) => point("P-256", key.public_key().as_ref()),
            Self::Es256k(key) => point(
                "secp256k1",
                &key.public_key(secp256k1::SECP256K1)
                    .serialize_uncompressed(),
            ),
            Self::EdDsa(key) => json!({
                "kty": "OKP", "crv": "Ed25519", "kid": kid,
                "x": URL_SAFE_NO_PAD.encode(key.public_key()),
            }),
            Self::Rs256(key) => {
                let parts: PublicKeyComponents<Vec<u8>> = key.public().into();
                let (n, e) = (
                    URL_SAFE_NO_PAD.encode(parts.n),
                    URL_SAFE_NO_PAD.encode(parts.e),
                );
                json!({ "kty": "RSA", "kid": kid, "n": n, "e": e, "use": "sig" })
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let rng = SystemRandom::new();
        match self {
            Self::Es256(key) => key.sign(&rng, message).unwrap().as_ref().to_vec(),
            Self::Es256k(key) => {
                let digest = ring::digest::digest(&ring::digest::SHA256, message);
                let message = secp256k1::Message::from_digest(digest.as_ref().try_into().unwrap());
                secp256k1::SECP256K1
                    .sign_ecdsa(message, key)
                    .serialize_compact()
                    .to_vec()
            }
            Self::EdDsa(key) => key.sign(message).as_ref().to_vec(),
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &rng, message, &mut signature)
                    .unwrap();
                signature
            }
        }
    }

    /// A token with the usual header.
    pub fn token(&self, kid: &str, claims: &Value) -> String {
        self.token_with(
            &json!({ "alg": self.alg(), "kid": kid, "typ": "JWT" }),
            claims,
        )
    }

    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

pub fn jwks(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

#[derive(Default)]
struct Served {
    jwks: Option<String>,
    asked: u32,
}

/// Serves a set of keys.
#[derive(Clone)]
pub struct Issuer {
    pub url: String,
    served: Arc<Mutex<Served>>,
}

impl Issuer {
    pub async fn open(jwks: String) -> Self {
        let served = Arc::new(Mutex::new(Served {
            jwks: Some(jwks),
            asked: 0,
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let shared = Arc::clone(&served);
        let answer = move || {
            let mut served = shared.lock().unwrap();
            served.asked += 1;
            let answer = served.jwks.clone().ok_or(StatusCode::INTERNAL_SERVER_ERROR);
            std::future::ready(answer)
        };
        let router = Router::new().route("/jwks.json", get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, served }
    }

    /// From now on these keys, or an error.
    pub fn serve(&self, jwks: Option<String>) {
        self.served.lock().unwrap().jwks = jwks;
    }

    /// How often the keys were asked for.
    pub fn asked(&self) -> u32 {
        self.served.lock().unwrap().asked
    }
}
