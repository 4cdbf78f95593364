use crate::arbitrary::{
    addresses, amounts, numbers, payloads, permits, requirements, settlements, transfers, words,
};
use crate::{BUYER, NETWORK, NOW, SELLER, key, sign, token, usdc, wire};
use agent_core::json::Json;
use agent_core::money::BaseUnits;
use agent_core::voucher::{CanonicalSignature, ChannelId, Voucher};
use agent_core::x402::batch::{
    BatchDomain, BatchError, BatchPayload, BatchReceipt, BatchSettlePayload, BatchTerms,
    ChannelState, Draw,
};
use agent_core::x402::facilitator::{FacilitatorRequest, Supported};
use agent_core::x402::{
    Eip3009Payment, EvmTerms, ExactError, ExactPayload, HeaderObject, HexSalt, Mode,
    PaymentPayload, PaymentRequired, Permit2Payment, ResourceInfo, SettleResponse,
    TransferAuthorization, Uint256, UptoPayload, UptoWitness, v1,
};
use alloy_primitives::B256;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

fn there_and_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    object: &T,
) -> Result<(), TestCaseError> {
    let text = serde_json::to_string(object).unwrap();
    prop_assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), object);
    Ok(())
}

/// Everything that reads what a peer sent.
fn read_everything(bytes: &[u8]) {
    let _ = FacilitatorRequest::read(bytes).map(|request| request.to_v2());
    let _ = Supported::read(bytes);
    let _ = v1::PaymentRequired::read_body(bytes);
    let _ = serde_json::from_slice::<BatchPayload>(bytes);
    let _ = serde_json::from_slice::<BatchSettlePayload>(bytes);
    let _ = serde_json::from_slice::<UptoPayload>(bytes);
    if let Ok(payload) = serde_json::from_slice::<ExactPayload>(bytes)
        && let ExactPayload::Eip3009(paid) = payload
    {
        let _ = paid.check(&terms(), &usdc(), NOW);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = PaymentRequired::from_header(text);
        let _ = PaymentPayload::from_header(text);
        let _ = SettleResponse::from_header(text);
        let _ = v1::PaymentPayload::from_header(text);
        let _ = v1::SettleResponse::from_header(text);
        if let Ok(json) = Json::from_text(text) {
            let _ = BatchReceipt::read(&json);
        }
    }
    let json = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(bytes)
    };
    let _ = PaymentRequired::from_header(&json);
    if let Ok(payment) = PaymentPayload::from_header(&json) {
        let _ = BatchTerms::read(&payment.accepted);
        let _ = EvmTerms::read(&payment.accepted, "exact");
        if let Ok(payload) = payment.payload.parse::<BatchPayload>() {
            let domain = BatchDomain::new(NETWORK);
            if let Ok(voucher) = payload.voucher().receive() {
                let _ = payload.channel().check_voucher(voucher, &domain);
            }
            if let BatchPayload::Deposit { deposit, .. } = &payload {
                let _ = deposit.authorization.collector_data(None);
            }
        }
    }
}

fn terms() -> EvmTerms {
    EvmTerms {
        token: token(),
        pay_to: SELLER,
        amount: BaseUnits::new(1_000),
        max_timeout_secs: 300,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn payloads_read_what_they_write(
        batch in payloads(),
        settle in settlements(),
        transfer in transfers(),
        signature in "0x[0-9a-f]{0,200}",
    ) {
        there_and_back(&batch)?;
        there_and_back(&settle)?;
        there_and_back(&ExactPayload::Eip3009(Eip3009Payment {
            signature,
            authorization: transfer,
        }))?;
    }

    #[test]
    fn permits_and_states_read_what_they_write(
        permit in permits((addresses(), addresses(), numbers()).prop_map(
            |(to, facilitator, valid_after)| UptoWitness { to, facilitator, valid_after },
        )),
        (id, balance, claimed, nonce) in (words(), amounts(), amounts(), numbers()),
        at in any::<u64>(),
        charged in proptest::option::of(amounts()),
    ) {
        there_and_back(&Permit2Payment {
            signature: "0x".to_owned(),
            permit2_authorization: permit,
        })?;
        there_and_back(&ChannelState {
            channel_id: ChannelId(id),
            balance,
            total_claimed: claimed,
            withdraw_requested_at: at,
            refund_nonce: nonce,
            charged_cumulative_amount: charged,
        })?;
    }

    #[test]
    fn headers_carry_what_was_put_in(
        accepts in proptest::collection::vec(requirements(), 0..4),
        error in proptest::option::of(".{0,40}"),
        url in ".{0,60}",
        payload in payloads(),
    ) {
        let offer = PaymentRequired {
            x402_version: 2,
            mode: Mode::X,
            error,
            resource: ResourceInfo { url, ..ResourceInfo::default() },
            accepts: accepts.clone(),
            extensions: Default::default(),
        };
        let header = offer.to_header().unwrap();
        prop_assert!(header.is_ascii());
        prop_assert_eq!(PaymentRequired::from_header(&header).unwrap(), offer);
        if let Some(accepted) = accepts.first() {
            prop_assert!(accepted.is_echoed_by(accepted));
            let payment = PaymentPayload {
                x402_version: 2,
                mode: Mode::X,
                resource: None,
                accepted: accepted.clone(),
                payload: Json::from_value(&payload).unwrap(),
                extensions: Default::default(),
            };
            let header = payment.to_header().unwrap();
            let read = PaymentPayload::from_header(&header).unwrap();
            prop_assert_eq!(read.payload.parse::<BatchPayload>().unwrap(), payload);
            prop_assert_eq!(read, payment);
        }
    }

    /// Genuine objects with some of their text replaced are refused or read; they never panic.
    #[test]
    fn mutated_objects_do_not_panic(
        which in 0usize..6,
        at in any::<prop::sample::Index>(),
        cut in 0usize..40,
        with in proptest::collection::vec(any::<u8>(), 0..12),
        request in any::<bool>(),
    ) {
        let all = wire();
        let payments = all["payments"].as_object().unwrap();
        let captured = &payments.values().nth(which).unwrap()["object"];
        let text = if request {
            serde_json::json!({"x402Version": 2, "paymentPayload": captured,
                "paymentRequirements": captured["accepted"]}).to_string()
        } else {
            captured.to_string()
        };
        let mut bytes = text.into_bytes();
        let start = at.index(bytes.len());
        let end = (start + cut).min(bytes.len());
        bytes.splice(start..end, with.iter().copied());
        read_everything(&bytes);
        let mut inner = captured["payload"].to_string().into_bytes();
        let start = at.index(inner.len());
        let end = (start + cut).min(inner.len());
        inner.splice(start..end, with);
        read_everything(&inner);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read_everything(&bytes);
    }

    /// No change of a good payment's signature or fields is accepted for it.
    #[test]
    fn a_mutated_exact_payment_is_refused(byte in 0usize..65, flip in 1u8..=255) {
        let authorization = TransferAuthorization {
            from: BUYER,
            to: SELLER,
            value: BaseUnits::new(1_000),
            valid_after: Uint256::of(0),
            valid_before: Uint256::of(NOW + 60),
            nonce: B256::repeat_byte(1),
        };
        let digest = authorization.transfer_digest(&usdc());
        let signature = sign(digest, &key("buyer"));
        let good = Eip3009Payment::signed(authorization, signature);
        prop_assert!(good.check(&terms(), &usdc(), NOW).is_ok());
        let mut bytes = *signature.as_bytes();
        bytes[byte] ^= flip;
        if let Ok(signature) = CanonicalSignature::from_slice(&bytes) {
            let bad = Eip3009Payment::signed(authorization, signature);
            let refused = bad.check(&terms(), &usdc(), NOW);
            prop_assert_eq!(refused, Err(ExactError::WrongSigner));
        }
        let mut moved = authorization;
        moved.nonce.0[byte % 32] ^= flip;
        let bad = Eip3009Payment::signed(moved, signature);
        let refused = bad.check(&terms(), &usdc(), NOW);
        prop_assert_eq!(refused, Err(ExactError::WrongSigner));
    }

    #[test]
    fn a_mutated_channel_voucher_is_refused(
        byte in 0usize..65,
        flip in 1u8..=255,
        ceiling in amounts(),
        other in amounts(),
    ) {
        let domain = BatchDomain::new(NETWORK);
        let offer = &wire()["required"]["batch_402"]["accepts"][0];
        let offer = serde_json::from_str(&offer.to_string()).unwrap();
        let config = BatchTerms::read(&offer).unwrap().channel(BUYER, BUYER, B256::ZERO);
        let id = config.id(&domain);
        let signature = sign(domain.voucher_digest(id, ceiling), &key("buyer"));
        let good = Voucher::received(id, ceiling, signature);
        prop_assert!(config.check_voucher(good, &domain).is_ok());
        if other != ceiling {
            let raised = Voucher::received(id, other, signature);
            let refused = config.check_voucher(raised, &domain);
            prop_assert_eq!(refused, Err(BatchError::VoucherSignature));
        }
        let mut bytes = *signature.as_bytes();
        bytes[byte] ^= flip;
        if let Ok(signature) = CanonicalSignature::from_slice(&bytes) {
            let bad = Voucher::received(id, ceiling, signature);
            let refused = config.check_voucher(bad, &domain);
            prop_assert_eq!(refused, Err(BatchError::VoucherSignature));
        }
    }

    /// What a draw asks for it accepts, implies, and accepts nothing else for.
    #[test]
    fn a_draw_agrees_with_itself(charged in amounts(), max in amounts(), other in amounts()) {
        for draw in [Draw::Request { max }, Draw::Refund] {
            match draw.ceiling(charged) {
                Ok(ceiling) => {
                    prop_assert_eq!(draw.check(charged, ceiling), Ok(()));
                    prop_assert_eq!(draw.implied_charged(ceiling), Ok(charged));
                    prop_assert_eq!(draw.check(charged, other).is_ok(), other == ceiling);
                }
                Err(error) => {
                    prop_assert_eq!(error, BatchError::CeilingOverflow);
                    prop_assert!(draw.check(charged, other).is_err());
                }
            }
        }
    }

    #[test]
    fn numbers_are_read_as_they_are_meant(number in numbers(), text in "[0-9a-fA-Fx-]{0,80}") {
        there_and_back(&number)?;
        there_and_back(&HexSalt(number.0))?;
        let hex = format!("\"0x{:x}\"", number.0);
        prop_assert_eq!(serde_json::from_str::<Uint256>(&hex).unwrap(), number);
        prop_assert_eq!(serde_json::from_str::<HexSalt>(&hex).unwrap().0, number.0);
        let quoted = format!("\"{text}\"");
        let salt = serde_json::from_str::<HexSalt>(&quoted);
        prop_assert!(salt.is_err() || text.starts_with("0x"));
        let _ = serde_json::from_str::<Uint256>(&quoted);
    }
}
