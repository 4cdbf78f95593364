//! Signed Agent Cards: what holds, what does not, and what peers sign.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use agent_core::a2a::signing::{
    Algorithm, CardForm, CardSigner, Jwk, JwkSet, ReceivedCard, SignatureFault, SigningKey,
    empty_fields, limits, signed_bytes,
};
use agent_core::a2a::{
    AgentCapabilities, AgentCard, AgentExtension, AgentInterface, AgentSkill, SecurityRequirement,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000;
const SIGNING: [Algorithm; 3] = [Algorithm::Es256, Algorithm::Es256k, Algorithm::EdDsa];

fn signer(algorithm: Algorithm, seed: u8, kid: &str) -> CardSigner {
    let key = SigningKey::from_seed(algorithm, [seed; 32]).unwrap();
    CardSigner::new(key, Some(kid)).unwrap()
}

/// Nothing that is required is empty in it, so both forms are the same bytes.
fn full_card() -> AgentCard {
    AgentCard {
        name: "shouter".to_owned(),
        description: "shouts".to_owned(),
        supported_interfaces: vec![AgentInterface::jsonrpc("https://shout.example/a2a")],
        version: "1.2.3".to_owned(),
        capabilities: AgentCapabilities {
            streaming: Some(true),
            push_notifications: Some(false),
            ..Default::default()
        },
        default_input_modes: vec!["text/plain".to_owned()],
        default_output_modes: vec!["text/plain".to_owned()],
        skills: vec![AgentSkill {
            id: "shout".to_owned(),
            name: "Shout".to_owned(),
            description: "Says it louder".to_owned(),
            tags: vec!["text".to_owned()],
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn with_params(mut card: AgentCard, params: Value) -> AgentCard {
    card.capabilities.extensions = vec![AgentExtension {
        uri: "https://ext.example/v1".to_owned(),
        params: serde_json::from_value(params).unwrap(),
        ..Default::default()
    }];
    card
}

fn signed(signer: &CardSigner, card: &AgentCard) -> Value {
    let mut card = card.clone();
    signer.sign_into(&mut card).unwrap();
    serde_json::to_value(card).unwrap()
}

fn check(document: &Value, keys: &JwkSet) -> Result<CardForm, Vec<SignatureFault>> {
    let received = ReceivedCard::read(document.to_string().as_bytes()).unwrap();
    let verification = received.verify(NOW, |header| keys.of_kid(&header.kid));
    match verification.best() {
        Some(signature) => Ok(signature.form),
        None => Err(verification
            .signatures
            .into_iter()
            .filter_map(Result::err)
            .collect()),
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn what_is_signed_holds_and_is_the_same_every_time() {
    for algorithm in SIGNING {
        let signer = signer(algorithm, 3, "k");
        let document = signed(&signer, &full_card());
        assert_eq!(document, signed(&signer, &full_card()));
        assert_eq!(document["signatures"].as_array().unwrap().len(), 1);
        assert_eq!(check(&document, &signer.jwks()), Ok(CardForm::Received));
        // The set as it is served is the same set when it is read.
        let served = serde_json::to_vec(&signer.jwks()).unwrap();
        assert_eq!(JwkSet::read(&served).unwrap(), signer.jwks());
    }
}

/// The example of A2A §8.4.1, in a card that is complete otherwise.
#[test]
fn the_two_forms_of_the_specification_s_example() {
    let card: AgentCard = serde_json::from_value(json!({
        "name": "Example Agent",
        "description": "",
        "capabilities": {"streaming": false, "pushNotifications": false, "extensions": []},
        "skills": []
    }))
    .unwrap();
    let specified = text(signed_bytes(&card, CardForm::Specified).unwrap());
    assert_eq!(
        specified,
        r#"{"capabilities":{"pushNotifications":false,"streaming":false},"defaultInputModes":[],"defaultOutputModes":[],"description":"","name":"Example Agent","skills":[],"supportedInterfaces":[],"version":""}"#
    );
    // What a2a-sdk 1.3.0 and @a2a-js/sdk 1.3.0 both sign for it.
    assert_eq!(
        text(signed_bytes(&card, CardForm::Pruned).unwrap()),
        r#"{"capabilities":{"pushNotifications":false,"streaming":false},"name":"Example Agent"}"#
    );
    let mut empty = empty_fields(&card).unwrap();
    empty.sort();
    let expected = [
        "defaultInputModes",
        "defaultOutputModes",
        "description",
        "skills",
        "supportedInterfaces",
        "version",
    ];
    assert_eq!(empty, expected);
    assert_eq!(empty_fields(&full_card()).unwrap(), [""; 0]);
}

/// A card with empty required fields carries a signature for each of the two schools.
#[test]
fn a_card_that_the_schools_read_differently_is_signed_for_both() {
    let mut card = with_params(
        full_card(),
        json!({"default": "", "required": [], "n": null}),
    );
    card.description = String::new();
    let bearer = json!({"schemes": {"bearer": {"list": []}}});
    card.security_requirements =
        vec![serde_json::from_value::<SecurityRequirement>(bearer).unwrap()];
    let signer = signer(Algorithm::Es256, 3, "k");
    let document = signed(&signer, &card);
    let both = document["signatures"].as_array().unwrap().clone();
    assert_eq!(both.len(), 2);
    for (only, form) in both.iter().zip([CardForm::Received, CardForm::Pruned]) {
        let mut document = document.clone();
        document["signatures"] = json!([only]);
        assert_eq!(check(&document, &signer.jwks()), Ok(form));
    }
    let pruned = text(signed_bytes(&card, CardForm::Pruned).unwrap());
    for gone in ["description\":\"\"", "security", "params", "bearer"] {
        assert!(!pruned.contains(gone), "{gone} in {pruned}");
    }
    // The weak form lets emptiness be changed, the strong one does not.
    let mut changed = document;
    changed["capabilities"]["extensions"][0]["params"]["required"] = json!({});
    assert_eq!(check(&changed, &signer.jwks()), Ok(CardForm::Pruned));
    changed["signatures"] = json!([both[0]]);
    let wrong = Err(vec![SignatureFault::Wrong("k".to_owned())]);
    assert_eq!(check(&changed, &signer.jwks()), wrong);
}

#[test]
fn fields_of_another_version_do_not_disturb_and_are_not_vouched_for() {
    let signer = signer(Algorithm::EdDsa, 3, "k");
    let mut document = signed(&signer, &full_card());
    document["url"] = json!("https://shout.example/v03");
    document["protocolVersion"] = json!("0.3.0");
    document["preferredTransport"] = json!("JSONRPC");
    document["skills"][0]["security"] = json!([{"bearer": []}]);
    document["additionalInterfaces"] = json!([]);
    document["capabilities"]["extensions"] = json!([]);
    assert_eq!(check(&document, &signer.jwks()), Ok(CardForm::Specified));
    let received = ReceivedCard::read(document.to_string().as_bytes()).unwrap();
    let mut uncovered = received.uncovered(CardForm::Specified);
    uncovered.sort();
    let expected = [
        "preferredTransport",
        "protocolVersion",
        "skills[0].security",
        "url",
    ];
    assert_eq!(uncovered, expected);
    assert_eq!(received.uncovered(CardForm::Received), [""; 0]);
}

fn scalar_paths(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                scalar_paths(value, &format!("{path}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                scalar_paths(value, &format!("{path}/{at}"), found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-1_000_000_i64..1_000_000).prop_map(Value::from),
        (-1e9_f64..1e9).prop_map(Value::from),
        "[a-zäß€😀 \"\\\\/\n]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-zé😀]{0,4}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Any value that is changed anywhere breaks every signature.
    #[test]
    fn a_changed_value_breaks_the_signature(
        params in proptest::collection::btree_map("[a-z]{1,4}", json_value(), 0..4),
        name in "[a-zA-Z é😀]{1,12}",
        documentation in proptest::option::of("https://[a-z]{1,8}\\.example"),
        pick in any::<prop::sample::Index>(),
    ) {
        let mut card = full_card();
        card.name = name;
        card.documentation_url = documentation;
        let params: serde_json::Map<String, Value> = params.into_iter().collect();
        let card = with_params(card, Value::Object(params));
        let signer = signer(Algorithm::EdDsa, 5, "k");
        let document = signed(&signer, &card);
        prop_assert!(check(&document, &signer.jwks()).is_ok());
        let mut unsigned = document.clone();
        unsigned.as_object_mut().unwrap().remove("signatures");
        let mut paths = Vec::new();
        scalar_paths(&unsigned, "", &mut paths);
        let path = &paths[pick.index(paths.len())];
        let mut changed = document;
        let value = changed.pointer_mut(path).unwrap();
        *value = match value {
            Value::Bool(b) => json!(!*b),
            Value::Number(_) => json!(2_000_000_000), // more than any that is made
            Value::String(s) => json!(format!("{s}x")),
            _ => json!("was null"),
        };
        prop_assert!(check(&changed, &signer.jwks()).is_err(), "{}", path);
    }
}

#[test]
fn keys_are_for_their_own_algorithm_only() {
    // The same name for a key of each kind: whatever the header says, the key's kind decides.
    for algorithm in SIGNING {
        for other in SIGNING.into_iter().filter(|other| *other != algorithm) {
            let document = signed(&signer(algorithm, 3, "k"), &full_card());
            let faults = check(&document, &signer(other, 3, "k").jwks()).unwrap_err();
            let expected = SignatureFault::KeyMismatch {
                kid: "k".to_owned(),
                algorithm: algorithm.name(),
            };
            assert_eq!(faults, [expected]);
        }
    }
    let document = signed(&signer(Algorithm::Es256, 3, "k"), &full_card());
    let wrong = check(&document, &signer(Algorithm::Es256, 4, "k").jwks());
    assert_eq!(wrong, Err(vec![SignatureFault::Wrong("k".to_owned())]));
    let unknown = check(&document, &signer(Algorithm::Es256, 3, "other").jwks());
    assert_eq!(
        unknown,
        Err(vec![SignatureFault::UnknownKey("k".to_owned())])
    );
}

#[test]
fn headers_that_ask_for_trust_are_refused() {
    let signer = signer(Algorithm::Es256, 3, "k");
    let mut document = signed(&signer, &full_card());
    let mut fault = |header: Value| {
        let protected = BASE64URL.encode(header.to_string());
        document["signatures"][0]["protected"] = json!(protected);
        check(&document, &signer.jwks()).unwrap_err().remove(0)
    };
    for name in ["none", "HS256", "HS512", "PS256", "es256", ""] {
        let refused = fault(json!({"alg": name, "kid": "k", "typ": "JOSE"}));
        assert_eq!(refused, SignatureFault::Algorithm(name.to_owned()));
    }
    for header in [
        json!({"alg": "ES256", "typ": "JOSE"}),
        json!({"alg": "ES256", "kid": ""}),
        json!({"alg": "ES256", "kid": 7}),
        json!({"alg": "ES256", "kid": "k", "crit": ["exp"], "exp": 1}),
        json!({"alg": "ES256", "kid": "k", "b64": false}),
        json!({"alg": "ES256", "kid": "k".repeat(limits::KID_BYTES_MAX + 1)}),
        json!({"alg": ["ES256"], "kid": "k"}),
        json!(["ES256"]),
    ] {
        let refused = fault(header.clone());
        assert!(matches!(refused, SignatureFault::Malformed(_)), "{header}");
    }
    // A valid header that was not signed.
    let refused = fault(json!({"alg": "ES256", "kid": "k", "typ": "JOSE", "jku": "https://a"}));
    assert_eq!(refused, SignatureFault::Wrong("k".to_owned()));
}

#[test]
fn any_signature_of_a_trusted_key_is_enough_and_each_is_reported() {
    let (ours, theirs) = (
        signer(Algorithm::Es256, 3, "ours"),
        signer(Algorithm::EdDsa, 4, "theirs"),
    );
    let mut card = full_card();
    let mut signatures = theirs.sign(&card).unwrap();
    signatures.extend(ours.sign(&card).unwrap());
    card.signatures = signatures;
    let json = serde_json::to_vec(&card).unwrap();
    let received = ReceivedCard::read(&json).unwrap();
    let keys = ours.jwks();
    let found = received.verify(NOW, |header| keys.of_kid(&header.kid));
    assert_eq!(
        found.signatures[0],
        Err(SignatureFault::UnknownKey("theirs".to_owned()))
    );
    assert_eq!(found.best().unwrap().kid, "ours");
    assert_eq!(found.reasons(), "");

    // Behind many that say nothing it is not looked for.
    let flood = card.signatures[0].clone();
    let flood = std::iter::repeat_n(flood, limits::SIGNATURES_MAX);
    card.signatures.splice(0..0, flood);
    let received = ReceivedCard::read(&serde_json::to_vec(&card).unwrap()).unwrap();
    let found = received.verify(NOW, |header| keys.of_kid(&header.kid));
    assert_eq!(found.signatures.last(), Some(&Err(SignatureFault::TooMany)));
    assert!(found.best().is_none() && found.reasons().contains("theirs"));
}

#[test]
fn keys_that_have_ended_do_not_count() {
    let signer = signer(Algorithm::Es256, 3, "k");
    let document = signed(&signer, &full_card());
    let with = |member: &str, value: Value| {
        let mut key = serde_json::to_value(signer.public()).unwrap();
        key[member] = value;
        JwkSet::read(json!({"keys": [key]}).to_string().as_bytes()).unwrap()
    };
    let expired = Err(vec![SignatureFault::KeyExpired("k".to_owned())]);
    assert_eq!(check(&document, &with("exp", json!(NOW))), expired);
    assert_eq!(check(&document, &with("nbf", json!(NOW + 1))), expired);
    assert_eq!(
        check(&document, &with("revoked", json!({"revoked_at": 1}))),
        expired
    );
    assert!(check(&document, &with("exp", json!(NOW + 1))).is_ok());
    assert!(check(&document, &with("nbf", json!(NOW))).is_ok());
}

#[test]
fn key_sets_are_bounded_and_leave_out_what_may_not_be_used() {
    let good = serde_json::to_value(signer(Algorithm::Es256, 3, "k").public()).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut key = good.clone();
        change(&mut key);
        key
    };
    let bad = [
        with(&|key| key["d"] = json!("AQ")),
        with(&|key| key["use"] = json!("enc")),
        with(&|key| key["key_ops"] = json!(["sign"])),
        with(&|key| key["alg"] = json!("EdDSA")),
        with(&|key| key["alg"] = json!("HS256")),
        with(&|key| key["crv"] = json!("P-521")),
        with(&|key| key["crv"] = json!("secp256k1")),
        with(&|key| key["kty"] = json!("OKP")),
        with(&|key| key["x"] = json!("AQ")),
        with(&|key| key["x"] = key["y"].clone()),
        with(&|key| key["y"] = json!(7)),
        json!({"kty": "oct", "k": "c2VjcmV0", "kid": "k"}),
        json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "k"}),
        json!({}),
    ];
    for key in &bad {
        let set = json!({"keys": [key]}).to_string();
        assert_eq!(JwkSet::read(set.as_bytes()).unwrap().keys, [], "{key}");
        assert!(serde_json::from_value::<Jwk>(key.clone()).is_err(), "{key}");
    }
    let mixed = json!({"keys": bad.iter().chain([&good]).collect::<Vec<_>>()}).to_string();
    assert_eq!(JwkSet::read(mixed.as_bytes()).unwrap().keys.len(), 1);

    let many = json!({"keys": vec![&good; limits::JWKS_KEYS_MAX + 1]}).to_string();
    assert!(JwkSet::read(many.as_bytes()).is_err());
    let large = format!("{{\"keys\":[]{}}}", " ".repeat(limits::JWKS_BYTES_MAX));
    assert!(JwkSet::read(large.as_bytes()).is_err());
    for junk in ["", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[1]}"] {
        assert!(JwkSet::read(junk.as_bytes()).is_err(), "{junk}");
    }
}

#[test]
fn private_keys_are_read_as_they_are_written() {
    for algorithm in SIGNING {
        let key = SigningKey::from_seed(algorithm, [7; 32]).unwrap();
        let text = key.to_text().unwrap();
        let again = SigningKey::read(algorithm, &text).unwrap();
        assert_eq!(again.public("k"), key.public("k"));
        let others = SIGNING.into_iter().filter(|other| *other != algorithm);
        for other in others.filter(|_| text.starts_with("-----")) {
            assert!(SigningKey::read(other, &text).is_err());
        }
        assert!(!format!("{key:?}").contains("07"));
    }
    let zero = "00".repeat(32);
    for bad in [
        "",
        "0x12",
        &zero,
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    ] {
        assert!(SigningKey::read(Algorithm::Es256, bad).is_err(), "{bad}");
    }
    assert!(SigningKey::from_seed(Algorithm::Rs256, [1; 32]).is_err());
}

/// Keys as `openssl genpkey` writes them.
#[test]
fn keys_of_other_programs_are_read() {
    // The private key of RFC 8410 §10.3, whose public half is in §10.1.
    let ed25519 = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----";
    let key = SigningKey::read(Algorithm::EdDsa, ed25519).unwrap();
    let jwk = serde_json::to_value(key.public("k")).unwrap();
    assert_eq!(jwk["x"], "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE");
}
