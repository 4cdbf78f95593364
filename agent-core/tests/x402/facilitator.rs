use crate::{read_whole, wire};
use agent_core::x402::facilitator::{
    FacilitatorRequest, RequestError, RequestV1, RequestV2, Supported, VerifyResponse, read_answer,
};
use agent_core::x402::{SettleResponse, v1};
use serde_json::{Value, json};

fn request() -> Value {
    let payment = wire()["payments"]["exact_paid"]["object"].clone();
    let requirements = payment["accepted"].clone();
    json!({"x402Version": 2, "paymentPayload": payment, "paymentRequirements": requirements})
}

fn request_v1() -> Value {
    let payment = &wire()["payments"]["exact_paid"]["object"];
    json!({
        "x402Version": 1,
        "paymentPayload": {"x402Version": 1, "scheme": "exact", "network": "base-sepolia",
            "payload": payment["payload"]},
        "paymentRequirements": {"scheme": "exact", "network": "base-sepolia",
            "maxAmountRequired": "1000", "resource": "https://a.example/b", "description": "b",
            "mimeType": "", "payTo": payment["accepted"]["payTo"], "maxTimeoutSeconds": 300,
            "asset": payment["accepted"]["asset"], "extra": {"name": "USDC", "version": "2"}},
    })
}

fn read(value: &Value) -> Result<FacilitatorRequest, RequestError> {
    FacilitatorRequest::read(value.to_string().as_bytes())
}

#[test]
fn both_versions_are_read_and_are_one_in_v2() {
    let FacilitatorRequest::V2(two) = read(&request()).unwrap() else {
        panic!("v1");
    };
    assert_eq!(*two, read_whole::<RequestV2>(&request()));
    assert!(two.is_consistent());
    let one = read(&request_v1()).unwrap();
    let FacilitatorRequest::V1(inner) = &one else {
        panic!("v2");
    };
    assert_eq!(**inner, read_whole::<RequestV1>(&request_v1()));
    let translated = one.to_v2().unwrap();
    assert_eq!(translated.payment_requirements, two.payment_requirements);
    assert_eq!(
        translated.payment_payload.payload,
        two.payment_payload.payload
    );
    assert!(translated.is_consistent());
}

#[test]
fn the_version_may_be_said_in_the_payment_alone_but_not_twice_differently() {
    for mut value in [request(), request_v1()] {
        let same = read(&value).unwrap();
        value.as_object_mut().unwrap().remove("x402Version");
        match value["paymentPayload"]["x402Version"].as_u64() {
            // The specification of v2 requires it.
            Some(2) => assert_eq!(read(&value), Err(RequestError::Shape)),
            _ => assert_eq!(read(&value).unwrap(), same),
        }
        value["x402Version"] = 7.into();
        assert_eq!(read(&value), Err(RequestError::Version));
    }
    let mut mixed = request();
    mixed["x402Version"] = 1.into();
    assert_eq!(read(&mixed), Err(RequestError::Version));
    assert_eq!(RequestError::Version.code(), "invalid_x402_version");
}

#[test]
fn payment_and_requirements_must_be_of_one_thing() {
    for (member, value) in [
        ("scheme", "upto"),
        ("network", "eip155:1"),
        ("asset", "0x"),
        ("payTo", "0x"),
    ] {
        let mut changed = request();
        changed["paymentRequirements"][member] = value.into();
        assert!(!read(&changed).unwrap().to_v2().unwrap().is_consistent());
    }
    let mut unknown = request_v1();
    unknown["paymentRequirements"]["network"] = "nowhere".into();
    assert_eq!(read(&unknown).unwrap().to_v2(), None);
    let mut mixed = request_v1();
    mixed["paymentRequirements"]["network"] = "base".into();
    assert_eq!(read(&mixed).unwrap().to_v2(), None);
}

#[test]
fn bodies_are_bounded() {
    assert_eq!(
        FacilitatorRequest::read(&vec![b' '; 262_145]),
        Err(RequestError::TooLong(262_145))
    );
    let deep = "[".repeat(33);
    assert_eq!(
        FacilitatorRequest::read(deep.as_bytes()),
        Err(RequestError::TooDeep)
    );
    for text in ["", "null", "[]", "{}", r#"{"x402Version":2}"#] {
        assert_eq!(
            FacilitatorRequest::read(text.as_bytes()),
            Err(RequestError::Shape)
        );
    }
}

/// The examples of specification v2 §7.3 and of `batch-settlement`.
#[test]
fn what_is_supported_is_read_whole() {
    let text = json!({
        "kinds": [
            {"x402Version": 2, "scheme": "exact", "network": "eip155:84532"},
            {"x402Version": 1, "scheme": "exact", "network": "base-sepolia"},
            {"x402Version": 2, "scheme": "batch-settlement", "network": "eip155:8453",
             "extra": {"receiverAuthorizer": "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"}},
        ],
        "extensions": ["payment-identifier"],
        "signers": {"eip155:*": ["0x1234567890abcdef1234567890abcdef12345678"]},
    });
    let supported: Supported = read_whole(&text);
    let kind = supported.kind("batch-settlement", "eip155:8453").unwrap();
    assert!(kind.extra.contains("receiverAuthorizer"));
    assert_eq!(supported.kind("exact", "base-sepolia"), None);
    let bare = Supported::read(br#"{"kinds":[]}"#).unwrap();
    assert_eq!(bare, Supported::default());
    let many = json!({"kinds": vec![text["kinds"][0].clone(); 600]});
    let read = Supported::read(many.to_string().as_bytes()).unwrap();
    assert_eq!(read.kinds.len(), 512);
}

#[test]
fn answers_are_read_with_nulls_and_without() {
    let valid = VerifyResponse::valid("0xabc".to_owned());
    let text = json!({"isValid": true, "payer": "0xabc"});
    assert_eq!(read_whole::<VerifyResponse>(&text), valid);
    let null = br#"{"isValid":true,"payer":"0xabc","invalidReason":null,"extra":null,
        "extensions":null,"extensionResponses":{"x":1}}"#;
    assert_eq!(read_answer::<VerifyResponse>(null).unwrap(), valid);
    let refused = VerifyResponse::invalid("insufficient_funds", None);
    let text = json!({"isValid": false, "invalidReason": "insufficient_funds"});
    assert_eq!(read_whole::<VerifyResponse>(&text), refused);
    let pending = br#"{"success":false,"errorReason":"settlement_pending","transaction":"0x1",
        "network":"eip155:1","extensionResponses":{"x":{}}}"#;
    let pending: SettleResponse = read_answer(pending).unwrap();
    assert_eq!(pending.error_reason.as_deref(), Some("settlement_pending"));
    // What is for the seller alone never reaches a buyer.
    let told = serde_json::to_string(&pending).unwrap();
    assert!(!told.contains("extensionResponses"));
    let one: v1::SettleResponse =
        read_answer(br#"{"success":true,"transaction":"0x1","network":"base","payer":"0x2"}"#)
            .unwrap();
    assert!(one.success);
}
