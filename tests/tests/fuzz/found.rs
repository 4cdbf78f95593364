//! Inputs that something did not bear once, and what was learnt from them.

use agent_core::a2a::signing::{Jwk, JwkSet};
use serde_json::{Value, json};

fn key(member: &str, value: Value) -> Value {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let mut key = json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
    key[member] = value;
    key
}

#[test]
fn a_revoked_key_is_passed_on_as_revoked() {
    let revoked: Jwk = serde_json::from_value(key("revoked", json!({ "revoked_at": 1 }))).unwrap();
    let again: Jwk = serde_json::from_value(serde_json::to_value(&revoked).unwrap()).unwrap();
    assert!(!again.is_valid_at(0));
    assert_eq!(again, revoked);
}

#[test]
fn a_lifetime_that_cannot_be_read_is_not_for_ever() {
    for value in [
        json!(1.5),
        json!(-1),
        json!("1"),
        json!(1e300),
        json!([1]),
        json!(true),
    ] {
        for member in ["exp", "nbf"] {
            let set = json!({ "keys": [key(member, value.clone())] }).to_string();
            assert_eq!(JwkSet::read(set.as_bytes()).unwrap().keys, [], "{set}");
        }
    }
    let plain = json!({ "keys": [key("exp", Value::Null)] }).to_string();
    assert!(JwkSet::read(plain.as_bytes()).unwrap().keys[0].is_valid_at(u64::MAX));
}
