use crate::{NETWORK, NOW, read_whole, token, usdc, wire};
use agent_core::money::Network;
use agent_core::x402::v1::{
    PaymentPayload, PaymentRequired, PaymentRequirements, SettleResponse, network_name, network_of,
};
use agent_core::x402::{
    EvmTerms, ExactPayload, HeaderError, HeaderObject, ResourceInfo, SCHEME_EXACT,
};
use serde_json::{Value, json};

/// The examples of specification v1 §5.
fn offer() -> Value {
    json!({
        "scheme": "exact", "network": "base-sepolia", "maxAmountRequired": "10000",
        "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
        "payTo": "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
        "resource": "https://api.example.com/premium-data",
        "description": "Access to premium market data", "mimeType": "application/json",
        "maxTimeoutSeconds": 60, "extra": {"name": "USDC", "version": "2"},
    })
}

fn payment() -> Value {
    json!({
        "x402Version": 1, "scheme": "exact", "network": "base-sepolia",
        "payload": {
            "signature": "0x2d6a7588d6acca505cbf0d9a4a227e0c52c6c34008c8e8986a1283259764173608a2ce6496642e377d6da8dbbf5836e9bd15092f9ecab05ded3d6293af148b571c",
            "authorization": {
                "from": "0x857b06519E91e3A54538791bDbb0E22373e36b66",
                "to": "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
                "value": "10000", "validAfter": "1740672089", "validBefore": "1740672154",
                "nonce": "0xf3746613c2d920b5fdabc0856f2aeb2d4f88ee6037b8cc5d04a71a4462f13480",
            },
        },
    })
}

#[test]
fn the_specifications_payment_is_checked_through_v2() {
    let offer = read_whole::<PaymentRequirements>(&offer()).to_v2().unwrap();
    let payment: PaymentPayload = read_whole(&payment());
    let header = payment.to_header().unwrap();
    assert_eq!(PaymentPayload::from_header(&header).unwrap(), payment);
    let translated = payment.to_v2(&offer).unwrap();
    assert_eq!(translated.accepted, offer);
    let ExactPayload::Eip3009(paid) = translated.payload.parse().unwrap() else {
        panic!("a permit");
    };
    let terms = EvmTerms::read(&offer, SCHEME_EXACT).unwrap();
    assert_eq!(terms.token, token());
    let checked = paid.check(&terms, &usdc(), 1_740_672_100).unwrap();
    assert_eq!(checked.authorization().value, offer.amount);
    assert!(paid.check(&terms, &usdc(), NOW).is_err());
}

#[test]
fn a_payment_is_only_for_offers_of_its_scheme_and_chain() {
    let payment: PaymentPayload = serde_json::from_value(payment()).unwrap();
    let offer = serde_json::from_value::<PaymentRequirements>(offer())
        .unwrap()
        .to_v2()
        .unwrap();
    let mut other = offer.clone();
    other.scheme = "upto".to_owned();
    assert_eq!(payment.to_v2(&other), None);
    let mut other = offer;
    other.network = "eip155:8453".to_owned();
    assert_eq!(payment.to_v2(&other), None);
}

#[test]
fn chains_have_one_name_each() {
    assert_eq!(network_of("base-sepolia"), Some(NETWORK));
    assert_eq!(network_of("base"), Some(Network::eip155(8_453)));
    for (name, id) in [
        ("avalanche", 43_114),
        ("polygon", 137),
        ("sei", 1_329),
        ("ethereum", 1),
    ] {
        let network = Network::eip155(id);
        assert_eq!(network_of(name), Some(network));
        assert_eq!(network_name(network), Some(name));
    }
    for unknown in ["", "Base", "eip155:8453", "solana"] {
        assert_eq!(network_of(unknown), None);
    }
    assert_eq!(network_name(Network::eip155(31_337)), None);
}

#[test]
fn offers_go_there_and_back() {
    let v2 = &wire()["required"]["exact_402"]["accepts"][0];
    let v2: agent_core::x402::PaymentRequirements = serde_json::from_value(v2.clone()).unwrap();
    let resource = ResourceInfo {
        url: "https://a.example/b".to_owned(),
        ..ResourceInfo::default()
    };
    let offered = PaymentRequirements::of(&v2, &resource).unwrap();
    assert_eq!(offered.to_v2().unwrap(), v2);
    let text = serde_json::to_value(&offered).unwrap();
    assert_eq!(text["network"], "base-sepolia");
    // Old clients insist on texts here, and refuse a null there.
    assert_eq!(text["description"], "");
    assert_eq!(text["mimeType"], "");
    assert!(text.get("outputSchema").is_none());
    let mut nameless = v2;
    nameless.network = "eip155:31337".to_owned();
    assert_eq!(PaymentRequirements::of(&nameless, &resource), None);
}

#[test]
fn the_body_of_a_402_is_read_with_care() {
    let body = json!({"x402Version": 1, "error": "X-PAYMENT header is required",
        "accepts": [{"scheme": "exact", "network": "solana", "maxAmountRequired": "1.5"}, offer()]});
    let read = PaymentRequired::read_body(body.to_string().as_bytes()).unwrap();
    assert_eq!(read.accepts.len(), 1);
    assert_eq!(read.error, "X-PAYMENT header is required");
    let mut v2 = body;
    v2["x402Version"] = 2.into();
    assert_eq!(
        PaymentRequired::read_body(v2.to_string().as_bytes()),
        Err(HeaderError::Version { expected: 1 })
    );
    let deep = "[".repeat(100);
    assert_eq!(
        PaymentRequired::read_body(deep.as_bytes()),
        Err(HeaderError::TooDeep)
    );
    assert!(PaymentRequired::read_body(b"<html>").is_err());
    assert!(PaymentRequired::read_body(&vec![b' '; 300_000]).is_err());
}

#[test]
fn answers_are_said_in_the_words_of_v1() {
    let answer = &wire()["responses"]["exact_paid"];
    let answer: agent_core::x402::SettleResponse = serde_json::from_value(answer.clone()).unwrap();
    let told = SettleResponse::of(&answer);
    assert_eq!(told.network, "base-sepolia");
    assert_eq!(told.transaction, answer.transaction);
    let header = told.to_header().unwrap();
    assert_eq!(SettleResponse::from_header(&header).unwrap(), told);
    let members = serde_json::to_value(&told).unwrap();
    let names: Vec<&String> = members.as_object().unwrap().keys().collect();
    assert_eq!(names, ["network", "payer", "success", "transaction"]);
}
