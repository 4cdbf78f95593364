//! Cards: the sample of the specification, hybrids, and what each kind of reader makes of them.

use agent_core::a2a::v03::{hybrid_card, read_card};
use agent_core::a2a::*;
use agent_core::json::Json;
use serde_json::{Value, json};

/// The sample of 0.3.0 §5.7, shortened.
fn sample() -> Value {
    json!({
        "protocolVersion": "0.2.9",
        "name": "GeoSpatial Route Planner Agent",
        "description": "Provides advanced route planning.",
        "url": "https://georoute-agent.example.com/a2a/v1",
        "preferredTransport": "JSONRPC",
        "additionalInterfaces": [
            { "url": "https://georoute-agent.example.com/a2a/v1", "transport": "JSONRPC" },
            { "url": "https://georoute-agent.example.com/a2a/grpc", "transport": "GRPC" },
            { "url": "https://georoute-agent.example.com/a2a/json", "transport": "HTTP+JSON" }
        ],
        "provider": { "organization": "Example Geo Services Inc.", "url": "https://www.examplegeoservices.com" },
        "iconUrl": "https://georoute-agent.example.com/icon.png",
        "version": "1.2.0",
        "documentationUrl": "https://docs.examplegeoservices.com/georoute-agent/api",
        "capabilities": { "streaming": true, "pushNotifications": true, "stateTransitionHistory": false },
        "securitySchemes": { "google": {
            "type": "openIdConnect",
            "openIdConnectUrl": "https://accounts.google.com/.well-known/openid-configuration"
        } },
        "security": [{ "google": ["openid", "profile", "email"] }],
        "defaultInputModes": ["application/json", "text/plain"],
        "defaultOutputModes": ["application/json", "image/png"],
        "skills": [{
            "id": "route-optimizer-traffic", "name": "Traffic-Aware Route Optimizer",
            "description": "Calculates the optimal driving route.", "tags": ["maps", "routing"],
            "security": [{ "google": [] }]
        }],
        "supportsAuthenticatedExtendedCard": true,
        "signatures": [{ "protected": "eyJhbGciOiJFUzI1NiJ9", "signature": "QFdk" }]
    })
}

fn read(card: &Value) -> AgentCard {
    read_card(card.to_string().as_bytes()).unwrap()
}

fn hybrid(card: &AgentCard) -> Value {
    hybrid_card(card).unwrap().parse().unwrap()
}

#[test]
fn the_sample_is_read_in_the_words_of_1_0() {
    let card = read(&sample());
    let interfaces: Vec<_> = card
        .supported_interfaces
        .iter()
        .map(|i| (i.protocol_binding.as_str(), i.protocol_version.as_str()))
        .collect();
    assert_eq!(
        interfaces,
        [("JSONRPC", "0.3"), ("GRPC", "0.3"), ("HTTP+JSON", "0.3")]
    );
    assert_eq!(card.capabilities.extended_agent_card, Some(true));
    assert_eq!(
        card.security_requirements[0].schemes["google"].list.len(),
        3
    );
    assert_eq!(card.skills[0].security_requirements.len(), 1);
    assert!(matches!(
        card.security_schemes["google"],
        SecurityScheme::OpenIdConnect(_)
    ));
}

#[test]
fn a_card_that_says_little_is_json_rpc_of_0_3() {
    let card = read(&json!({ "name": "n", "url": "https://a/" }));
    assert_eq!(card.supported_interfaces.len(), 1);
    assert!(card.interface("JSONRPC", "0.3").is_some());
    let card = read(&json!({ "name": "n", "url": "https://a/", "protocolVersion": "0.1.0" }));
    assert!(
        card.interface("JSONRPC", "0.1").is_some(),
        "which nobody speaks"
    );
}

#[test]
fn a_hybrid_says_everything_twice_and_is_read_as_1_0() {
    let mut card = read(&sample());
    let ours = AgentInterface::jsonrpc("https://a/1.0");
    card.supported_interfaces.insert(0, ours.clone());
    card.capabilities.extensions = vec![AgentExtension {
        uri: "urn:x".to_owned(),
        params: serde_json::from_str(r#"{"n":1.0,"big":12345678901234567890123}"#).unwrap(),
        ..Default::default()
    }];
    let text = hybrid_card(&card).unwrap();
    assert!(
        text.get()
            .contains(r#""big":12345678901234567890123,"n":1.0"#),
        "{text}"
    );

    let both = hybrid(&card);
    let legacy = sample();
    for name in [
        "url",
        "preferredTransport",
        "additionalInterfaces",
        "security",
        "supportsAuthenticatedExtendedCard",
        "name",
        "version",
        "iconUrl",
    ] {
        assert_eq!(both[name], legacy[name], "{name}");
    }
    assert_eq!(both["protocolVersion"], "0.3.0");
    assert_eq!(
        both["skills"][0]["security"],
        legacy["skills"][0]["security"]
    );
    assert_eq!(both["securitySchemes"]["google"]["type"], "openIdConnect");
    assert_eq!(both["supportedInterfaces"][0]["url"], "https://a/1.0");

    // A reader of 1.0 that skips what it does not know finds what was signed; so does ours.
    assert_eq!(serde_json::from_str::<AgentCard>(text.get()).unwrap(), card);
    assert_eq!(read_card(text.get().as_bytes()), Ok(card));
}

#[test]
fn a_card_without_an_interface_of_0_3_stays_as_it_is() {
    let card = AgentCard {
        name: "n".to_owned(),
        supported_interfaces: vec![AgentInterface::jsonrpc("https://a/")],
        ..AgentCard::default()
    };
    assert_eq!(hybrid_card(&card), Ok(Json::from_value(&card).unwrap()));
}

/// What the two versions say of one scheme.
#[test]
fn every_kind_of_security_scheme_has_its_twin() {
    let pairs = [
        (
            json!({ "type": "apiKey", "in": "header", "name": "x-key", "description": "d" }),
            json!({ "apiKeySecurityScheme": { "location": "header", "name": "x-key", "description": "d" } }),
        ),
        (
            json!({ "type": "http", "scheme": "bearer", "bearerFormat": "JWT" }),
            json!({ "httpAuthSecurityScheme": { "scheme": "bearer", "bearerFormat": "JWT" } }),
        ),
        (
            json!({ "type": "mutualTLS", "description": "d" }),
            json!({ "mtlsSecurityScheme": { "description": "d" } }),
        ),
        (
            json!({ "type": "oauth2", "oauth2MetadataUrl": "u", "flows": {
                "clientCredentials": { "tokenUrl": "t", "scopes": { "a": "b" } } } }),
            json!({ "oauth2SecurityScheme": { "oauth2MetadataUrl": "u", "flows": {
                "clientCredentials": { "tokenUrl": "t", "scopes": { "a": "b" } } } } }),
        ),
        (
            json!({ "type": "openIdConnect", "openIdConnectUrl": "u" }),
            json!({ "openIdConnectSecurityScheme": { "openIdConnectUrl": "u" } }),
        ),
    ];
    for (old, new) in pairs {
        let of = |scheme: &Value| {
            read(&json!({ "url": "https://a/", "securitySchemes": { "s": scheme } }))
        };
        assert_eq!(of(&old), of(&new), "{old}");
        let both = &hybrid(&of(&old))["securitySchemes"]["s"];
        for part in [old, new] {
            for (name, value) in part.as_object().unwrap() {
                assert_eq!(both[name], *value);
            }
        }
    }
}

#[test]
fn flows_that_0_3_does_not_have_are_left_out_and_of_several_one_is_taken() {
    let device = json!({ "oauth2SecurityScheme": { "flows": { "deviceCode": {
        "deviceAuthorizationUrl": "d", "tokenUrl": "t", "scopes": {} } } } });
    let card = read(&json!({ "url": "https://a/", "securitySchemes": { "s": device } }));
    assert_eq!(hybrid(&card)["securitySchemes"]["s"]["flows"], json!({}));

    let two = json!({ "type": "oauth2", "flows": {
        "password": { "tokenUrl": "t", "scopes": {} },
        "authorizationCode": { "authorizationUrl": "a", "tokenUrl": "t", "scopes": {} } } });
    let card = read(&json!({ "url": "https://a/", "securitySchemes": { "s": two } }));
    let SecurityScheme::OAuth2(scheme) = &card.security_schemes["s"] else {
        panic!("{card:?}");
    };
    assert!(matches!(scheme.flows, OAuthFlows::AuthorizationCode(_)));
}
