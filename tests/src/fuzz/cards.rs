//! Signed cards, key sets, and canonical JSON.

use agent_core::a2a::AgentCard;
use agent_core::a2a::limits::MAX_JSON_DEPTH;
use agent_core::a2a::signing::{
    Algorithm, CardForm, CardSigner, Jwk, JwkSet, ReceivedCard, SigningKey, limits, signed_bytes,
};
use agent_core::jcs;
use agent_core::json::check_depth;
use serde_json::Value;
use std::sync::LazyLock;

const NOW: u64 = 1_800_000_000;

/// Keys that sign nothing but the cards below.
static SIGNERS: LazyLock<Vec<CardSigner>> = LazyLock::new(|| {
    let key = |(algorithm, seed)| SigningKey::from_seed(algorithm, [seed; 32]).unwrap();
    [
        (Algorithm::Es256, 7),
        (Algorithm::EdDsa, 8),
        (Algorithm::Es256k, 9),
    ]
    .map(|which| CardSigner::new(key(which), None).unwrap())
    .to_vec()
});

static KEYS: LazyLock<Vec<Jwk>> =
    LazyLock::new(|| SIGNERS.iter().map(CardSigner::public).collect());

/// All that was ever signed with these keys.
static SIGNED: LazyLock<Vec<AgentCard>> = LazyLock::new(|| {
    let texts = [super::seeds::CARD, super::seeds::SMALL_CARD];
    let cards = texts.map(|text| serde_json::from_str::<AgentCard>(text).unwrap());
    let mut all = Vec::new();
    for (card, signer) in cards
        .iter()
        .flat_map(|c| SIGNERS.iter().map(move |s| (c, s)))
    {
        let mut card = card.clone();
        signer.sign_into(&mut card).unwrap();
        all.push(card);
    }
    all
});

pub(super) fn signed() -> Vec<Vec<u8>> {
    SIGNED
        .iter()
        .map(|card| serde_json::to_vec(card).unwrap())
        .collect()
}

pub(super) fn key_sets() -> Vec<Vec<u8>> {
    let sets = SIGNERS.iter().map(CardSigner::jwks);
    sets.map(|set| serde_json::to_vec(&set).unwrap()).collect()
}

/// A card is verified only if it says what was signed.
pub(super) fn verification(json: &[u8]) {
    let received = match ReceivedCard::read(json) {
        Ok(received) => received,
        Err(error) => return assert!(!error.code().is_empty()),
    };
    assert!(received.headers().count() <= limits::SIGNATURES_MAX);
    let found = received.verify(NOW, |header| {
        assert!(header.kid.len() <= limits::KID_BYTES_MAX);
        KEYS.iter()
    });
    assert_eq!(found.signatures.len(), received.card().signatures.len());
    for form in [CardForm::Received, CardForm::Specified, CardForm::Pruned] {
        assert!(received.uncovered(form).len() <= limits::NAMED_FIELDS_MAX);
    }
    let bytes = |card: &AgentCard| signed_bytes(card, CardForm::Pruned);
    match found.best() {
        None => assert!(found.reasons().len() <= 4_096, "{}", found.reasons()),
        Some(_) => {
            let said = bytes(received.card()).expect("it was canonical to be verified");
            let signed = SIGNED.iter().any(|card| bytes(card).unwrap() == said);
            assert!(signed, "a forgery: {}", String::from_utf8_lossy(&said));
        }
    }
}

/// A set of keys is read the same way twice, and holds public keys alone.
pub(super) fn keys(json: &[u8]) {
    match JwkSet::read(json) {
        Ok(set) => {
            assert!(set.keys.len() <= limits::JWKS_KEYS_MAX);
            let text = serde_json::to_vec(&set).unwrap();
            let written: Value = serde_json::from_slice(&text).unwrap();
            for key in written["keys"].as_array().unwrap() {
                for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                    assert!(key.get(private).is_none());
                }
            }
            if text.len() <= limits::JWKS_BYTES_MAX {
                assert_eq!(JwkSet::read(&text).expect("our own set"), set);
            }
            for key in &set.keys {
                assert_eq!(key.thumbprint().len(), 43);
                assert!(!key.verifies(json, b"") && !key.verifies(b"", &[0; 64]));
                assert!(set.of_kid(key.kid()).len() <= limits::KEYS_PER_SIGNATURE_MAX);
            }
        }
        Err(error) => assert!(!error.code().is_empty() && error.to_string().len() <= 1_024),
    }
    if let Ok(key) = serde_json::from_slice::<Jwk>(json) {
        let text = serde_json::to_vec(&key).unwrap();
        assert_eq!(serde_json::from_slice::<Jwk>(&text).unwrap(), key);
    }
}

/// Canonical JSON is the same for the same value, however it was written; and the depth of a text
/// is what its parser finds.
pub(super) fn canonical(json: &[u8]) {
    let shallow = check_depth(json, MAX_JSON_DEPTH).is_ok();
    let Ok(value) = serde_json::from_slice::<Value>(json) else {
        return;
    };
    assert_eq!(shallow, depth(&value) <= MAX_JSON_DEPTH);
    let Ok(text) = jcs::canonical(&value) else {
        return;
    };
    let again: Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(jcs::canonical(&again).expect("it was canonical"), text);
    let pretty: Value =
        serde_json::from_str(&serde_json::to_string_pretty(&value).unwrap()).unwrap();
    assert_eq!(jcs::canonical(&pretty).unwrap(), text);
    assert_eq!(jcs::to_vec(&value).unwrap(), text.as_bytes());
}

fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    inner.unwrap_or(0) + 1
}
