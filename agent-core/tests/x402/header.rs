use crate::wire;
use agent_core::json::Json;
use agent_core::money::BaseUnits;
use agent_core::x402::limits::{MAX_ACCEPTS, MAX_HEADER_CHARS, MAX_JSON_DEPTH};
use agent_core::x402::{
    HeaderError, HeaderObject, PaymentPayload, PaymentRequired, PaymentRequirements,
    SettleResponse, v1,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use serde_json::{Value, json};

fn header(value: &Value) -> String {
    STANDARD.encode(value.to_string())
}

fn offer() -> Value {
    wire()["required"]["batch_402"].clone()
}

#[test]
fn names_are_those_of_the_transports() {
    assert_eq!(PaymentRequired::NAME, "PAYMENT-REQUIRED");
    assert_eq!(PaymentPayload::NAME, "PAYMENT-SIGNATURE");
    assert_eq!(SettleResponse::NAME, "PAYMENT-RESPONSE");
    assert_eq!(v1::PaymentPayload::NAME, "X-PAYMENT");
    assert_eq!(v1::SettleResponse::NAME, "X-PAYMENT-RESPONSE");
}

#[test]
fn padding_may_be_missing_and_the_alphabet_may_not_be_another() {
    // Characters that the two alphabets write differently.
    let mut offer = offer();
    offer["error"] = "ÿÿÿ>>>???~~~".into();
    let json = offer.to_string();
    let plain = PaymentRequired::from_header(&STANDARD.encode(&json)).unwrap();
    let bare = STANDARD_NO_PAD.encode(&json);
    assert_eq!(PaymentRequired::from_header(&bare).unwrap(), plain);
    assert_eq!(
        PaymentRequired::from_header(&format!(" {bare} ")).unwrap(),
        plain
    );
    let url_safe = URL_SAFE.encode(&json);
    assert!(url_safe.contains(['-', '_']));
    assert_eq!(
        PaymentRequired::from_header(&url_safe),
        Err(HeaderError::Base64)
    );
    let written = plain.to_header().unwrap();
    assert_eq!(written.len() % 4, 0);
}

#[test]
fn size_and_depth_are_bounded() {
    let long = "A".repeat(MAX_HEADER_CHARS + 1);
    assert_eq!(
        PaymentPayload::from_header(&long),
        Err(HeaderError::TooLong(MAX_HEADER_CHARS + 1))
    );
    let nested = |levels: usize| {
        let mut offer = offer();
        let text = "[".repeat(levels) + &"]".repeat(levels);
        offer["extensions"] = json!({"x": serde_json::from_str::<Value>(&text).unwrap()});
        PaymentRequired::from_header(&header(&offer))
    };
    assert!(nested(MAX_JSON_DEPTH - 2).is_ok());
    assert_eq!(nested(MAX_JSON_DEPTH - 1), Err(HeaderError::TooDeep));
    let mut offer: PaymentRequired = serde_json::from_str(&offer().to_string()).unwrap();
    offer.error = Some("e".repeat(MAX_HEADER_CHARS));
    assert!(matches!(offer.to_header(), Err(HeaderError::TooLong(_))));
}

#[test]
fn other_versions_and_other_objects_are_refused() {
    for version in [0, 1, 3, 255] {
        let mut offer = offer();
        offer["x402Version"] = version.into();
        let refused = PaymentRequired::from_header(&header(&offer)).unwrap_err();
        assert_eq!(refused, HeaderError::Version { expected: 2 });
        assert_eq!(refused.code(), "invalid_x402_version");
    }
    let mut paid = wire()["payments"]["exact_paid"]["object"].clone();
    paid["x402Version"] = 1.into();
    assert_eq!(
        PaymentPayload::from_header(&header(&paid)),
        Err(HeaderError::Version { expected: 2 })
    );
    for value in [json!(null), json!([]), json!("x"), json!({}), offer()] {
        let refused = PaymentPayload::from_header(&header(&value)).unwrap_err();
        assert_eq!(refused, HeaderError::Shape("PAYMENT-SIGNATURE"));
        assert_eq!(refused.code(), "invalid_payload");
    }
}

/// Sellers offer ways to pay that are not ours; they are passed over, the rest is kept in order.
#[test]
fn unreadable_ways_to_pay_are_passed_over() {
    let mut offer = offer();
    let ours = offer["accepts"][0].clone();
    offer["accepts"] = json!([
        {"scheme": "batch-settlement", "network": "cloudflare:402", "amount": "0.001",
         "asset": "USD", "payTo": "merchant", "maxTimeoutSeconds": 60, "extra": {"version": "1"}},
        ours, null, 7, {"scheme": "exact"}, ours,
    ]);
    let read = PaymentRequired::from_header(&header(&offer)).unwrap();
    assert_eq!(read.accepts.len(), 2);
    assert_eq!(serde_json::to_value(&read.accepts[0]).unwrap(), ours);
    let small = json!({"scheme": "s", "network": "n:1", "amount": "1", "asset": "a",
        "payTo": "p", "maxTimeoutSeconds": 1});
    offer["accepts"] = vec![small; MAX_ACCEPTS + 5].into();
    let read = PaymentRequired::from_header(&header(&offer)).unwrap();
    assert_eq!(read.accepts.len(), MAX_ACCEPTS);
}

#[test]
fn absent_and_null_members_are_the_same() {
    let mut offer = offer();
    for name in ["error", "extensions"] {
        offer[name] = Value::Null;
    }
    offer["resource"]["mimeType"] = Value::Null;
    offer["accepts"][0]["extra"] = Value::Null;
    let read = PaymentRequired::from_header(&header(&offer)).unwrap();
    assert_eq!(read.error, None);
    assert!(read.accepts[0].extra.is_empty());
    let answer = json!({"success": false, "errorReason": "insufficient_funds", "payer": null,
        "transaction": "", "network": "eip155:1", "amount": null, "extra": null});
    let read = SettleResponse::from_header(&header(&answer)).unwrap();
    assert!(read.extra.is_null());
}

#[test]
fn an_echo_may_add_and_never_change() {
    let offered: PaymentRequired = serde_json::from_str(&offer().to_string()).unwrap();
    let offered = &offered.accepts[0];
    let mut echoed = offered.clone();
    assert!(offered.is_echoed_by(&echoed));
    echoed.extra.set("more", &[1, 2]).unwrap();
    assert!(offered.is_echoed_by(&echoed));
    assert!(!echoed.is_echoed_by(offered));
    let mut changed = offered.clone();
    changed.extra.set("withdrawDelay", &901).unwrap();
    assert!(!offered.is_echoed_by(&changed));
    let changes: [fn(&mut PaymentRequirements); 6] = [
        |r| r.scheme.push('x'),
        |r| r.network.push('1'),
        |r| r.amount = BaseUnits::ZERO,
        |r| r.asset = r.asset.to_lowercase(),
        |r| r.pay_to.push('0'),
        |r| r.max_timeout_seconds += 1,
    ];
    for change in changes {
        let mut changed = offered.clone();
        change(&mut changed);
        assert!(!offered.is_echoed_by(&changed));
    }
    let nested = |text: &str| {
        let mut with = offered.clone();
        let json = Json::from_text(text).unwrap();
        with.extra.insert("nested", json);
        with
    };
    let written_anew = nested(r#"{ "b": [1],  "a": 2 }"#);
    assert!(nested(r#"{"a":2,"b":[1]}"#).is_echoed_by(&written_anew));
    assert!(!nested(r#"{"a":2,"b":[2]}"#).is_echoed_by(&written_anew));
}
