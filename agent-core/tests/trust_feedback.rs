//! The feedback file, its canonical bytes and its hash.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use agent_core::money::Network;
use agent_core::trust::{
    A2aReference, AgentId, AgentRegistryId, FeedbackError, FeedbackFile, FeedbackValue,
    GlobalAgentId, MAX_FEEDBACK_READ_BYTES, PaymentCommitment, ProofOfPayment, ValueError,
    data_uri, tags,
};
use alloy_primitives::{Address, B256, b256, keccak256};
use proptest::prelude::*;
use serde_json::{Value, json};
use url::Url;

/// The canonical bytes of [`full`], and their keccak-256, from an independent program.
const GOLDEN: &str = r#"{"a2a":{"contextId":"ctx","skills":["summarize"],"taskId":"task"},"agentId":241,"agentRegistry":"eip155:8453:0x8004a1A1A1A1A1a1a1a1A1A1A1A1A1A1a1A1a1A1","clientAddress":"eip155:8453:0xC1C1c1c1C1C1C1c1c1C1C1C1c1C1C1C1c1C1c1c1","createdAt":"2026-11-22T09:00:00Z","endpoint":"https://agent.example/a2a","paymentCommitment":{"asset":"eip155:8453/erc20:0x8383838383838383838383838383838383838383","channel":"0xE5e5E5E5e5e5E5E5E5E5e5E5e5e5e5E5e5e5e5e5","channelId":"0x1111111111111111111111111111111111111111111111111111111111111111","cumulativeAmount":"125000","scheme":"z402","voucherHash":"0x2222222222222222222222222222222222222222222222222222222222222222"},"proofOfPayment":{"chainId":"8453","fromAddress":"0xC1C1c1c1C1C1C1c1c1C1C1C1c1C1C1C1c1C1c1c1","toAddress":"0x5e5E5e5e5E5e5E5E5e5E5E5e5e5E5E5E5e5E5E5e","txHash":"0x7777777777777777777777777777777777777777777777777777777777777777"},"serviceReceipt":{"signature":"0xabcd","version":1},"tag1":"starred","tag2":"a2a.task","value":92,"valueDecimals":0}"#;
const GOLDEN_HASH: B256 = b256!("68e18da25df8ed6df5536ce54e1adad559429d83837792d502c6dd50f3f8f219");

fn bare(value: FeedbackValue) -> FeedbackFile {
    let registry = "eip155:8453:0x8004a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
    let agent = GlobalAgentId::new(registry.parse().unwrap(), AgentId::from(241));
    FeedbackFile::new(agent, Address::repeat_byte(0xc1), 1_795_338_000, value).unwrap()
}

fn full() -> FeedbackFile {
    let Value::Object(receipt) = json!({"version": 1, "signature": "0xabcd"}) else {
        unreachable!("it is an object")
    };
    bare(FeedbackValue::stars(92).unwrap())
        .with_tags(tags::STARRED, tags::A2A_TASK)
        .with_endpoint(&Url::parse("https://user:pw@agent.example/a2a?key=secret#x").unwrap())
        .with_a2a(A2aReference {
            skills: vec!["summarize".to_owned()],
            context_id: Some("ctx".to_owned()),
            task_id: Some("task".to_owned()),
        })
        .with_payment(ProofOfPayment {
            from_address: Address::repeat_byte(0xc1),
            to_address: Address::repeat_byte(0x5e),
            chain_id: 8_453,
            tx_hash: B256::repeat_byte(0x77),
        })
        .with_commitment(PaymentCommitment {
            scheme: "z402".to_owned(),
            asset: "eip155:8453/erc20:0x8383838383838383838383838383838383838383".to_owned(),
            channel: Address::repeat_byte(0xe5),
            channel_id: B256::repeat_byte(0x11),
            cumulative_amount: 125_000,
            nonce: None,
            voucher_hash: B256::repeat_byte(0x22),
        })
        .with_receipt(receipt)
}

#[test]
fn golden_bytes_and_hash() {
    let file = full();
    assert_eq!(
        String::from_utf8(file.canonical_bytes().unwrap()).unwrap(),
        GOLDEN
    );
    assert_eq!(file.feedback_hash().unwrap(), GOLDEN_HASH);
    assert_eq!(keccak256(GOLDEN), GOLDEN_HASH);
    let uri = file.to_data_uri().unwrap();
    assert_eq!(
        data_uri::decode(&uri, GOLDEN.len()).unwrap(),
        GOLDEN.as_bytes()
    );
}

#[test]
fn reads_back_what_it_writes() {
    let read = FeedbackFile::read(GOLDEN.as_bytes()).unwrap();
    assert_eq!(read, full());
    assert_eq!(read.commitment().unwrap().cumulative_amount, 125_000);
    assert_eq!((read.tag1(), read.tag2()), ("starred", "a2a.task"));
    assert_eq!(read.endpoint(), Some("https://agent.example/a2a"));
}

#[test]
fn the_must_fields_alone_make_a_file() {
    let bytes = bare(FeedbackValue::new(-32, 1).unwrap())
        .canonical_bytes()
        .unwrap();
    let value: Value = serde_json::from_slice(&bytes).unwrap();
    let keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
    let must = [
        "agentId",
        "agentRegistry",
        "clientAddress",
        "createdAt",
        "value",
        "valueDecimals",
    ];
    assert_eq!(keys, must);
}

#[test]
fn a_missing_must_field_is_an_error_and_a_malformed_optional_one_is_not() {
    let whole: Value = serde_json::from_str(GOLDEN).unwrap();
    for key in [
        "agentId",
        "agentRegistry",
        "clientAddress",
        "createdAt",
        "value",
        "valueDecimals",
    ] {
        let mut file = whole.clone();
        file.as_object_mut().unwrap().remove(key);
        let read = FeedbackFile::read(file.to_string().as_bytes());
        assert!(matches!(read, Err(FeedbackError::Malformed(_))), "{key}");
    }
    let mut odd = whole;
    odd["proofOfPayment"]["txHash"] = json!("0x77");
    odd["a2a"] = json!("task");
    odd["agentId"] = json!("241");
    odd["value"] = json!("92");
    odd["reasoning"] = json!({"kept": true});
    let read = FeedbackFile::read(odd.to_string().as_bytes()).unwrap();
    assert!(read.payment().is_none() && read.a2a().is_none());
    assert_eq!(read.value(), FeedbackValue::stars(92).unwrap());
    let again: Value = serde_json::from_slice(&read.canonical_bytes().unwrap()).unwrap();
    assert_eq!(again["reasoning"], json!({"kept": true}));
}

#[test]
fn ambiguous_and_oversized_files_are_refused() {
    let twice = GOLDEN.replace(r#""value":92,"#, r#""value":92,"value":1,"#);
    assert!(FeedbackFile::read(twice.as_bytes()).is_err());
    let huge = vec![b' '; MAX_FEEDBACK_READ_BYTES + 1];
    assert!(matches!(
        FeedbackFile::read(&huge),
        Err(FeedbackError::TooLarge { .. })
    ));
    let wordy = full().with_tags(&"t".repeat(257), "");
    assert!(matches!(
        wordy.canonical_bytes(),
        Err(FeedbackError::TooLarge { what: "tag1", .. })
    ));
    let receipt = json!({"pad": "x".repeat(9_000)})
        .as_object()
        .unwrap()
        .clone();
    assert!(matches!(
        full().with_receipt(receipt).feedback_hash(),
        Err(FeedbackError::TooLarge { what: "file", .. })
    ));
    let registry = AgentRegistryId::new(Network::eip155(1), Address::ZERO);
    let agent = GlobalAgentId::new(registry, AgentId::from(0));
    let stars = FeedbackValue::stars(1).unwrap();
    let late = FeedbackFile::new(agent, Address::ZERO, u64::MAX, stars);
    assert!(matches!(late, Err(FeedbackError::BadTime)));
}

#[test]
fn values_stay_inside_what_the_registry_takes() {
    let limit = 10_i128.pow(38);
    assert!(FeedbackValue::new(limit, 18).is_ok() && FeedbackValue::new(-limit, 0).is_ok());
    for outside in [limit + 1, -limit - 1, i128::MIN, i128::MAX] {
        assert_eq!(FeedbackValue::new(outside, 0), Err(ValueError::TooLarge));
    }
    assert_eq!(
        FeedbackValue::new(1, 19),
        Err(ValueError::TooManyDecimals(19))
    );
    assert_eq!(
        FeedbackValue::stars(101),
        Err(ValueError::TooManyStars(101))
    );
    for (value, decimals, text) in [
        (9_977, 2, "99.77"),
        (-32, 1, "-3.2"),
        (-5, 3, "-0.005"),
        (0, 2, "0.00"),
        (87, 0, "87"),
    ] {
        assert_eq!(
            FeedbackValue::new(value, decimals).unwrap().to_string(),
            text
        );
    }
}

#[test]
fn scales_map_to_parts_per_million() {
    let at = |value, decimals, worst, best| {
        FeedbackValue::new(value, decimals)
            .unwrap()
            .on_scale(worst, best)
    };
    assert_eq!(at(87, 0, 0, 100), Some(870_000));
    assert_eq!(at(9_977, 2, 0, 100), Some(997_700));
    assert_eq!(at(2_500, 0, 10_000, 0), Some(750_000));
    assert_eq!(at(0, 0, -100, 100), Some(500_000));
    assert_eq!(at(101, 0, 0, 100), None);
    assert_eq!(at(-1, 18, 0, 100), None);
    assert_eq!(at(5, 0, 5, 5), None);
    assert_eq!(at(10_i128.pow(38), 0, i32::MIN, i32::MAX), None);
    let end = i128::from(i32::MAX) * 10_i128.pow(18);
    assert_eq!(at(end, 18, i32::MIN, i32::MAX), Some(1_000_000));
    assert_eq!(at(end, 18, i32::MAX, i32::MIN), Some(0));
}

proptest! {
    #[test]
    fn any_value_round_trips_through_a_file(
        value in -(10_i128.pow(38))..=10_i128.pow(38), decimals in 0_u8..=18,
    ) {
        let value = FeedbackValue::new(value, decimals).unwrap();
        let file = bare(value);
        let bytes = file.canonical_bytes().unwrap();
        prop_assert_eq!(FeedbackFile::read(&bytes).unwrap(), file);
    }

    #[test]
    fn no_value_makes_a_scale_overflow(
        value in any::<i128>(), decimals in any::<u8>(), worst in any::<i32>(), best in any::<i32>(),
    ) {
        if let Ok(value) = FeedbackValue::new(value, decimals) {
            prop_assert!(value.on_scale(worst, best).is_none_or(|ppm| ppm <= 1_000_000));
        }
    }
}
