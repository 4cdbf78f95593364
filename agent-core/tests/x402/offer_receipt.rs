//! Signed offers and receipts against eth-account's digests and signatures of the same typed data.

use super::{NETWORK, SELLER, address_of, key, sign};
use agent_core::json::{Json, Metadata};
use agent_core::ledger::PaymentId;
use agent_core::money::BaseUnits;
use agent_core::x402::offer::{
    ArtifactError, Offer, QuotedResource, ReceiptResource, SignatureFormat, Signed, SignedOffer,
    Statement, offers_in, put_offers,
};
use agent_core::x402::receipt::{
    Expected, Receipt, SignedReceipt, check_receipt, put_receipt, receipt_in,
};
use agent_core::x402::{Mode, PaymentRequirements, SettleResponse};
use alloy_primitives::{Address, B256};
use proptest::prelude::*;
use secp256k1::SecretKey;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn vectors() -> Value {
    serde_json::from_str(include_str!("offer_receipt.json")).unwrap()
}

fn signer() -> (SecretKey, Address) {
    let bytes: B256 = vectors()["key"].as_str().unwrap().parse().unwrap();
    let key = SecretKey::from_byte_array(bytes.0).unwrap();
    let address = address_of(&key);
    assert_eq!(vectors()["signer"], address.to_string());
    (key, address)
}

fn reproduce<T: Statement + PartialEq + DeserializeOwned>(name: &str) {
    let (key, address) = signer();
    let vectors = vectors();
    let cases = vectors[name].as_array().unwrap();
    assert!(cases.len() >= 3);
    for case in cases {
        let payload: T = serde_json::from_value(case["payload"].clone()).unwrap();
        assert_eq!(case["digest"], payload.digest().to_string());
        let ours = Signed::new(payload.clone(), sign(payload.digest(), &key));
        assert_eq!(case["signature"], ours.signature);
        let wire = json!({
            "format": "eip712", "acceptIndex": 0,
            "payload": case["payload"], "signature": case["signature"],
        });
        let theirs: Signed<T> = serde_json::from_value(wire).unwrap();
        assert_eq!(theirs.check(address).unwrap(), &payload);
        assert_eq!(theirs.check(SELLER), Err(ArtifactError::WrongSigner));
    }
}

#[test]
fn the_digests_and_signatures_are_those_of_eth_account() {
    reproduce::<Offer>("offers");
    reproduce::<Receipt>("receipts");
}

fn entry() -> PaymentRequirements {
    PaymentRequirements {
        scheme: "z402".to_owned(),
        network: NETWORK.to_string(),
        amount: BaseUnits::new(700),
        asset: super::USDC.to_string(),
        pay_to: SELLER.to_string(),
        max_timeout_seconds: 60,
        extra: Metadata::new(),
    }
}

fn signed() -> SignedOffer {
    let offer = Offer::of(&entry(), "a2a:skill/shout".to_owned(), 1_000);
    let digest = offer.digest();
    Signed::new(offer, sign(digest, &key("seller")))
}

#[test]
fn an_offer_that_was_changed_in_any_field_is_nobodys() {
    let honest = serde_json::to_value(signed()).unwrap();
    let fields = honest["payload"].as_object().unwrap();
    assert_eq!(fields.len(), 8);
    for name in fields.keys() {
        let mut changed = honest.clone();
        let value = &mut changed["payload"][name];
        *value = match &*value {
            Value::Number(number) => json!(number.as_u64().unwrap() + 1),
            value => json!(format!("{}0", value.as_str().unwrap())),
        };
        let changed: SignedOffer = serde_json::from_value(changed).unwrap();
        let expected = match name.as_str() {
            "version" => ArtifactError::Version,
            _ => ArtifactError::WrongSigner,
        };
        assert_eq!(changed.check(SELLER), Err(expected), "{name}");
    }
    // The index is a hint: changing it changes nothing.
    let mut hinted = honest;
    hinted["acceptIndex"] = json!(7);
    let hinted: SignedOffer = serde_json::from_value(hinted).unwrap();
    assert!(hinted.check(SELLER).is_ok());
}

#[test]
fn a_jws_and_a_signature_without_payload_are_not_believed() {
    let jws = json!({ "format": "jws", "signature": "eyJhbGciOiJFUzI1NksifQ.e30.sig" });
    let jws: SignedOffer = serde_json::from_value(jws).unwrap();
    assert_eq!(jws.format, SignatureFormat::Jws);
    assert_eq!(jws.check(SELLER), Err(ArtifactError::Format));
    let mut bare = signed();
    bare.payload = None;
    assert_eq!(bare.check(SELLER), Err(ArtifactError::NoPayload));
}

#[test]
fn an_offer_matches_by_its_fields_and_ends() {
    let offer = Offer::of(&entry(), "a2a:skill/shout".to_owned(), 1_000);
    assert!(offer.matches(&entry()));
    let lower = PaymentRequirements {
        asset: entry().asset.to_lowercase(),
        ..entry()
    };
    assert!(offer.matches(&lower));
    let dearer = PaymentRequirements {
        amount: BaseUnits::new(701),
        ..entry()
    };
    assert!(!offer.matches(&dearer));
    assert!(!offer.is_over(1_000));
    assert!(offer.is_over(1_001));
    let endless = Offer {
        valid_until: 0,
        ..offer
    };
    assert!(!endless.is_over(u64::MAX));
}

#[test]
fn offers_come_back_out_of_the_extensions_and_nonsense_is_left_out() {
    let mut extensions = Metadata::new();
    put_offers(&mut extensions, &[signed(), signed()]).unwrap();
    assert_eq!(offers_in(&extensions, 8), [signed(), signed()]);
    assert_eq!(offers_in(&extensions, 1).len(), 1);
    let odd = json!({ "info": { "offers": [7, signed(), { "format": "other" }] } });
    extensions.set("offer-receipt", &odd).unwrap();
    assert_eq!(offers_in(&extensions, 8), [signed()]);
    assert!(offers_in(&Metadata::new(), 8).is_empty());
}

fn resource(charged: u128) -> ReceiptResource {
    ReceiptResource {
        skill: "shout".to_owned(),
        payment_id: PaymentId::parse("0123456789abcdef").unwrap(),
        charged: BaseUnits::new(charged),
    }
}

#[test]
fn a_receipt_holds_for_its_payment_and_no_other() {
    let network = NETWORK.to_string();
    let receipt = Receipt::new(network.clone(), &resource(7), super::BUYER, 1_000);
    let signature = sign(receipt.digest(), &key("seller"));
    let mut response = SettleResponse {
        success: true,
        mode: Mode::Z,
        error_reason: None,
        error_message: None,
        payer: None,
        transaction: String::new(),
        network: network.clone(),
        amount: None,
        extra: Json::default(),
        extensions: Metadata::new(),
    };
    assert_eq!(receipt_in(&response), None);
    put_receipt(&mut response.extensions, &Signed::new(receipt, signature)).unwrap();
    let text = serde_json::to_string(&response).unwrap();
    let response: SettleResponse = serde_json::from_str(&text).unwrap();
    let signed: SignedReceipt = receipt_in(&response).unwrap();
    let (paid, dearer) = (resource(7), resource(8));
    let expected = Expected {
        pay_to: SELLER,
        payer: super::BUYER,
        network: &network,
        resource: &paid,
    };
    assert!(check_receipt(&signed, &expected).is_ok());
    let wrong = [
        Expected {
            pay_to: super::BUYER,
            ..expected
        },
        Expected {
            payer: SELLER,
            ..expected
        },
        Expected {
            network: "eip155:1",
            ..expected
        },
        Expected {
            resource: &dearer,
            ..expected
        },
    ];
    for expected in wrong {
        assert!(check_receipt(&signed, &expected).is_err(), "{expected:?}");
    }
}

proptest! {
    #[test]
    fn a_resource_is_read_as_it_was_written(skill in "\\PC{1,20}", label in "\\PC{1,20}", hash: [u8; 32]) {
        let quoted = QuotedResource { skill, label, input_hash: B256::from(hash) };
        prop_assert_eq!(quoted.to_string().parse(), Ok(quoted));
    }

    #[test]
    fn any_text_is_read_as_one_resource_or_none(text in "a2a:skill/[a-z?&=%0-9+]{0,60}") {
        if let Ok(read) = text.parse::<QuotedResource>() {
            prop_assert_eq!(read.to_string().parse(), Ok(read));
        }
    }

    #[test]
    fn an_input_has_one_hash_however_it_is_written(a in 0_u32.., b in "[a-z]{0,9}") {
        let one = Json::from_text(&format!(r#"{{"a":{a},"b":"{b}"}}"#)).unwrap();
        let other = Json::from_text(&format!(r#"{{ "b" : "{b}", "a": {a} }}"#)).unwrap();
        let hash = |input| QuotedResource::of("s", input, "l").unwrap().input_hash;
        prop_assert_eq!(hash(&one), hash(&other));
        let third = Json::from_text(&format!(r#"{{"a":{a},"b":"{b}","c":0}}"#)).unwrap();
        prop_assert_ne!(hash(&one), hash(&third));
    }
}
