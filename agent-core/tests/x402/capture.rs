//! What stock clients and servers said to each other, understood and said again.

use crate::{AUTHORIZER, BUYER, NETWORK, NOW, SELLER, USDC, read_whole, usdc, wire};
use agent_core::money::BaseUnits;
use agent_core::x402::batch::{
    BatchDomain, BatchPayload, BatchReceipt, BatchTerms, ChannelState, Draw, check_against_chain,
    check_receipt, codes,
};
use agent_core::x402::facilitator::VerifyResponse;
use agent_core::x402::{
    EvmTerms, ExactPayload, HeaderObject, PaymentPayload, PaymentRequired, SCHEME_EXACT,
    SettleResponse,
};
use serde_json::Value;

fn payment(name: &str) -> PaymentPayload {
    read_whole(&wire()["payments"][name]["object"])
}

fn response(name: &str) -> SettleResponse {
    read_whole(&wire()["responses"][name])
}

fn offer(name: &str) -> PaymentRequired {
    read_whole(&wire()["required"][name])
}

fn in_channel(name: &str) -> BatchPayload {
    let object = &wire()["payments"][name]["object"]["payload"];
    let payload: BatchPayload = read_whole(object);
    assert_eq!(
        payment(name).payload.parse::<BatchPayload>().unwrap(),
        payload
    );
    payload
}

#[test]
fn every_captured_object_is_read_and_written_whole() {
    let all = wire();
    for (name, captured) in all["payments"].as_object().unwrap() {
        let object = payment(name);
        let header = object.to_header().unwrap();
        let chars = captured["headerChars"].as_u64().unwrap();
        assert_eq!(u64::try_from(header.len()).unwrap(), chars, "{name}");
        assert_eq!(PaymentPayload::from_header(&header).unwrap(), object);
    }
    for name in all["required"].as_object().unwrap().keys() {
        let object = offer(name);
        let header = object.to_header().unwrap();
        assert_eq!(PaymentRequired::from_header(&header).unwrap(), object);
    }
    for name in all["responses"].as_object().unwrap().keys() {
        let object = response(name);
        let header = object.to_header().unwrap();
        assert_eq!(SettleResponse::from_header(&header).unwrap(), object);
    }
    for call in all["facilitator"].as_array().unwrap() {
        match call["call"].as_str().unwrap() {
            "verify" => {
                let answer: VerifyResponse = read_whole(&call["answer"]);
                assert!(answer.is_valid);
                if call["scheme"] == "batch-settlement" {
                    read_whole::<ChannelState>(&call["answer"]["extra"]);
                }
            }
            _ => assert!(read_whole::<SettleResponse>(&call["answer"]).success),
        }
    }
}

#[test]
fn the_payments_take_what_was_offered() {
    let exact = offer("exact_402");
    assert!(exact.accepts[0].is_echoed_by(&payment("exact_paid").accepted));
    let batch = offer("batch_402");
    for name in [
        "batch_deposit",
        "batch_voucher",
        "batch_voucher_partial",
        "batch_refund",
    ] {
        assert!(batch.accepts[0].is_echoed_by(&payment(name).accepted));
        assert!(!exact.accepts[0].is_echoed_by(&payment(name).accepted));
    }
    let busy = offer("batch_channel_busy");
    assert_eq!(busy.error.as_deref(), Some(codes::CHANNEL_BUSY));
}

#[test]
fn the_exact_payment_is_good_in_its_time() {
    let offered = offer("exact_402").accepts.remove(0);
    let terms = EvmTerms::read(&offered, SCHEME_EXACT).unwrap();
    assert_eq!(terms.claimed_domain(&offered).unwrap(), usdc());
    let ExactPayload::Eip3009(paid) = payment("exact_paid").payload.parse().unwrap() else {
        panic!("a permit");
    };
    let checked = paid.check(&terms, &usdc(), NOW).unwrap();
    assert_eq!(checked.authorization().from, BUYER);
    assert_eq!(checked.authorization().to, SELLER);
    assert_eq!(checked.token().address, USDC);
}

#[test]
fn a_whole_life_of_a_channel_adds_up() {
    let domain = BatchDomain::new(NETWORK);
    let terms = BatchTerms::read(&offer("batch_402").accepts[0]).unwrap();
    assert_eq!(terms.extra.min_deposit, Some(BaseUnits::new(10_000)));
    assert_eq!(terms.extra.receiver_authorizer, AUTHORIZER);
    let max = terms.evm.amount;
    let mut charged = BaseUnits::ZERO;
    for name in ["batch_deposit", "batch_voucher", "batch_voucher_partial"] {
        let payload = in_channel(name);
        let config = payload.channel();
        let text = payload.voucher();
        assert_eq!(
            *config,
            terms.channel(BUYER, BUYER, alloy_primitives::B256::ZERO)
        );
        terms
            .check_channel(config, text.channel_id, &domain)
            .unwrap();
        let voucher = config
            .check_voucher(text.receive().unwrap(), &domain)
            .unwrap();
        Draw::Request { max }
            .check(charged, voucher.ceiling())
            .unwrap();
        let deposited = match &payload {
            BatchPayload::Deposit { deposit, .. } => {
                let authorization = &deposit.authorization;
                authorization
                    .check(config, deposit.amount, &terms, &usdc(), NOW)
                    .unwrap();
                Some(deposit.amount)
            }
            _ => None,
        };
        let receipt = BatchReceipt::read(&response(name).extra).unwrap();
        let mut before = receipt.channel_state.unwrap();
        if let Some(deposited) = deposited {
            before.balance = before.balance.minus(deposited).unwrap();
        }
        let request = Draw::Request { max };
        check_against_chain(request, voucher.ceiling(), &before, deposited).unwrap();
        charged = check_receipt(&receipt, text.channel_id, charged, max).unwrap();
    }
    assert_eq!(charged, BaseUnits::new(2_700));
    let payload = in_channel("batch_refund");
    let text = payload.voucher();
    let config = payload.channel();
    let voucher = config
        .check_voucher(text.receive().unwrap(), &domain)
        .unwrap();
    let at_end = BaseUnits::new(6_760);
    Draw::Refund.check(at_end, voucher.ceiling()).unwrap();
    let receipt = BatchReceipt::read(&response("batch_refund").extra).unwrap();
    assert_eq!(receipt.charged_amount, None);
    let after = receipt.channel_state.unwrap();
    check_against_chain(Draw::Refund, voucher.ceiling(), &after, None).unwrap();
    assert_eq!(response("batch_refund").amount.as_deref(), Some("3240"));
}

#[test]
fn the_facilitator_was_asked_for_every_settle_action() {
    let all = wire();
    let types: Vec<&Value> = all["facilitator"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|call| call["call"] == "settle")
        .map(|call| &call["type"])
        .collect();
    assert_eq!(
        types,
        [
            &Value::Null,
            &"deposit".into(),
            &"claim".into(),
            &"settle".into(),
            &"refund".into()
        ]
    );
}
