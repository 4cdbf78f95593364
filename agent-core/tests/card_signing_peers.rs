//! What the official SDKs sign: bytes and signatures that a2a-sdk 1.3.0 (Python) and
//! @a2a-js/sdk 1.3.0 made.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use agent_core::a2a::AgentCard;
use agent_core::a2a::signing::{
    Algorithm, CardForm, JwkSet, ReceivedCard, SigningKey, signed_bytes,
};
use serde_json::{Value, json};

/// Emptiness of every kind, at every depth, and numbers and names that are hard to order and write.
fn awkward_card() -> Value {
    json!({
        "name": "Shouter é😀",
        "description": "",
        "supportedInterfaces": [
            {"url": "https://shout.example/a2a", "protocolBinding": "JSONRPC",
             "protocolVersion": "1.0", "tenant": "t"},
            {"url": "https://shout.example/a2a", "protocolBinding": "JSONRPC",
             "protocolVersion": "0.3"},
        ],
        "provider": {"url": "https://p.example", "organization": "P"},
        "version": "1.2.3",
        "documentationUrl": "https://d.example",
        "iconUrl": "",
        "capabilities": {
            "streaming": true, "pushNotifications": false, "extendedAgentCard": true,
            "extensions": [{"uri": "urn:x", "description": "", "required": false, "params": {
                "n": 1.5, "big": 1e21, "small": 1e-7, "i": 42, "b": false, "neg": -0.0,
                "deep": {"a": [1, {"z": "€\u{1}\"\\"}, true]},
                "😀": 1, "\u{fb33}": 2,
                "required": [], "default": null, "e": "", "o": {}, "arr": ["", 1, null],
            }}],
        },
        "securitySchemes": {
            "bearer": {"httpAuthSecurityScheme": {"scheme": "Bearer", "bearerFormat": "JWT"}},
            "oa": {"oauth2SecurityScheme": {"flows": {"authorizationCode": {
                "authorizationUrl": "https://a", "tokenUrl": "https://t",
                "scopes": {"r": "read"},
            }}}},
        },
        "securityRequirements": [{"schemes": {"bearer": {"list": []}}}],
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "skills": [{"id": "s", "name": "S", "description": "d", "tags": [], "examples": ["e"]}],
    })
}

#[test]
fn the_pruned_form_is_what_the_sdks_canonicalise() {
    let theirs = concat!(
        r#"{"capabilities":{"extendedAgentCard":true,"extensions":[{"params":{"arr":[1],"b":false,"#,
        r#""big":1e+21,"deep":{"a":[1,{"z":"€\u0001\"\\"},true]},"i":42,"n":1.5,"neg":0,"#,
        r#""small":1e-7,"😀":1,"#,
        "\"\u{fb33}\":2",
        r#"},"uri":"urn:x"}],"pushNotifications":false,"streaming":true},"#,
        r#""defaultInputModes":["text/plain"],"defaultOutputModes":["text/plain"],"#,
        r#""documentationUrl":"https://d.example","name":"Shouter é😀","#,
        r#""provider":{"organization":"P","url":"https://p.example"},"#,
        r#""securitySchemes":{"bearer":{"httpAuthSecurityScheme":{"bearerFormat":"JWT","#,
        r#""scheme":"Bearer"}},"oa":{"oauth2SecurityScheme":{"flows":{"authorizationCode":{"#,
        r#""authorizationUrl":"https://a","scopes":{"r":"read"},"tokenUrl":"https://t"}}}}},"#,
        r#""skills":[{"description":"d","examples":["e"],"id":"s","name":"S"}],"#,
        r#""supportedInterfaces":[{"protocolBinding":"JSONRPC","protocolVersion":"1.0","#,
        r#""tenant":"t","url":"https://shout.example/a2a"},{"protocolBinding":"JSONRPC","#,
        r#""protocolVersion":"0.3","url":"https://shout.example/a2a"}],"version":"1.2.3"}"#,
    );
    let card: AgentCard = serde_json::from_value(awkward_card()).unwrap();
    let ours = signed_bytes(&card, CardForm::Pruned).unwrap();
    assert_eq!(String::from_utf8(ours).unwrap(), theirs);
}

fn keys() -> JwkSet {
    let set = json!({"keys": [
        {"alg": "ES256", "crv": "P-256", "kty": "EC", "use": "sig",
         "kid": "8WCRfgacL1fiAfrXFI6d9rK9B-DSU0Qaz3RujtGSmY8",
         "x": "5DLu_Uz_1zElB54ePAm2jYhASOgoja5G3jpHU__Ly1Y",
         "y": "dywELMve2p6UGGklqsUyN-Fp3r1W2vqKdjhleFA7tC0"},
        {"alg": "EdDSA", "crv": "Ed25519", "kty": "OKP", "use": "sig",
         "kid": "32S6-6rht9lUz5etZzBVTKngA_qs8XPTiNw8QPK4j5g",
         "x": "xkI42xZWQdzgRtldSQeV5RrWfyLWepRfJYKMJ9a9S3o"},
    ]});
    let set = JwkSet::read(set.to_string().as_bytes()).unwrap();
    for key in &set.keys {
        assert_eq!(key.thumbprint(), key.kid());
    }
    set
}

/// The example of A2A §8.4.1, signed by both.
#[test]
fn signatures_of_the_sdks_hold() {
    let python = json!({
        "protected": "eyJhbGciOiJFUzI1NiIsImprdSI6Imh0dHBzOi8vay5leGFtcGxlL2p3a3MuanNvbiIsImtpZCI6IjhXQ1JmZ2FjTDFmaUFmclhGSTZkOXJLOUItRFNVMFFhejNSdWp0R1NtWTgiLCJ0eXAiOiJKT1NFIn0",
        "signature": "dz_7b8ECjkE6ktO3m2wtXb1LYK4-T0MMO2wRXdp4RhCKIl6l9Izxad_ex-lcqWWoQPG628rlJvata1sjnbMslQ",
    });
    let javascript = json!({
        "protected": "eyJhbGciOiJFZERTQSIsImtpZCI6IjMyUzYtNnJodDlsVXo1ZXRaekJWVEtuZ0FfcXM4WFBUaU53OFFQSzRqNWciLCJ0eXAiOiJKT1NFIn0",
        "signature": "FRLRqp3ZOgBqTiYlI-3NQPx-M8q56pKN9_jNxZ_aJdciPQcV4XSTZ9t18as_LN_05RcPuJyUifYCLx6WVN28Dg",
    });
    let keys = keys();
    let full = json!({
        "name": "Example Agent",
        "description": "",
        "capabilities": {"streaming": false, "pushNotifications": false, "extensions": []},
        "skills": [],
    });
    // As the Python SDK serves it, without what is empty; then the same bytes are signed.
    let bare = json!({
        "name": "Example Agent",
        "capabilities": {"streaming": false, "pushNotifications": false},
    });
    for signature in [python, javascript] {
        for (card, form) in [(&full, CardForm::Pruned), (&bare, CardForm::Received)] {
            let mut card = card.clone();
            card["signatures"] = json!([signature]);
            let check = |card: &Value| {
                let received = ReceivedCard::read(card.to_string().as_bytes()).unwrap();
                let found = received.verify(0, |header| keys.of_kid(&header.kid));
                found.best().map(|best| best.form)
            };
            assert_eq!(check(&card), Some(form));
            card["capabilities"]["streaming"] = json!(true);
            assert_eq!(check(&card), None);
        }
    }
}

/// A document of another version, with fields that nobody here knows, signed as it is.
#[test]
fn a_signature_over_the_whole_document_covers_what_is_not_known() {
    let signature = json!({
        "protected": "eyJhbGciOiAiRWREU0EiLCAia2lkIjogImsifQ",
        "signature": "UkjuG8_zBeLZ-JpqnskYwxSN32thax39Kp4E3VUp5gRnm88wRSo1nU45AOMu6b43bOzbHLFVX_nbv6s1HdH3CA",
    });
    let mut card = json!({
        "name": "old", "url": "https://a.example/", "protocolVersion": "0.3.0", "skills": [],
        "x-new": {"b": [null, ""], "a": 1.0}, "signatures": [signature],
    });
    let key = SigningKey::from_seed(Algorithm::EdDsa, [7; 32]).unwrap();
    let key = key.public("k");
    let check = |card: &Value| {
        let received = ReceivedCard::read(card.to_string().as_bytes()).unwrap();
        let found = received.verify(0, |_| [&key]);
        let best = found.best().map(|best| best.form);
        (best, received.uncovered(CardForm::Received))
    };
    assert_eq!(check(&card), (Some(CardForm::Received), Vec::new()));
    card["x-new"]["b"] = json!([""]);
    assert_eq!(check(&card).0, None);
}
