use crate::{BUYER, NOW, SELLER, key, sign, token, usdc};
use agent_core::money::{AssetId, BaseUnits, Network};
use agent_core::voucher::SignatureError;
use agent_core::x402::{
    Eip3009Payment, EvmTerms, ExactError, ExactPayload, TermsError, TokenDomain,
    TransferAuthorization, Uint256,
};
use alloy_primitives::{Address, B256, U256};

fn terms() -> EvmTerms {
    EvmTerms {
        token: token(),
        pay_to: SELLER,
        amount: BaseUnits::new(1_000),
        max_timeout_secs: 60,
    }
}

fn authorization() -> TransferAuthorization {
    TransferAuthorization {
        from: BUYER,
        to: SELLER,
        value: BaseUnits::new(1_000),
        valid_after: Uint256::of(NOW - 10),
        valid_before: Uint256::of(NOW + 60),
        nonce: B256::repeat_byte(9),
    }
}

fn signed(authorization: TransferAuthorization) -> Eip3009Payment {
    let digest = authorization.transfer_digest(&usdc());
    Eip3009Payment::signed(authorization, sign(digest, &key("buyer")))
}

fn outcome(authorization: TransferAuthorization, now: u64) -> Result<(), ExactError> {
    signed(authorization)
        .check(&terms(), &usdc(), now)
        .map(drop)
}

#[test]
fn a_good_payment_is_checked_and_has_an_id() {
    let checked = signed(authorization())
        .check(&terms(), &usdc(), NOW)
        .unwrap();
    assert_eq!(checked.id(), (token(), BUYER, B256::repeat_byte(9)));
}

#[test]
fn what_does_not_fit_the_terms_is_refused_with_the_specified_code() {
    let good = authorization();
    let to = Address::repeat_byte(1);
    let more = BaseUnits::new(1_001);
    let less = BaseUnits::new(999);
    for (changed, error, code) in [
        (
            TransferAuthorization { to, ..good },
            ExactError::WrongPayee,
            "invalid_exact_evm_payload_recipient_mismatch",
        ),
        (
            TransferAuthorization {
                value: more,
                ..good
            },
            ExactError::WrongAmount,
            "invalid_exact_evm_payload_authorization_value_mismatch",
        ),
        (
            TransferAuthorization {
                value: less,
                ..good
            },
            ExactError::WrongAmount,
            "invalid_exact_evm_payload_authorization_value_mismatch",
        ),
        (
            TransferAuthorization {
                from: SELLER,
                ..good
            },
            ExactError::WrongSigner,
            "invalid_exact_evm_payload_signature",
        ),
    ] {
        assert_eq!(outcome(changed, NOW), Err(error));
        assert_eq!(error.code(), code);
    }
    assert_eq!(
        ExactError::WrongAmount.code_v1(),
        "invalid_exact_evm_payload_authorization_value"
    );
}

#[test]
fn the_window_has_the_stock_facilitators_edges() {
    let good = authorization();
    assert_eq!(outcome(good, NOW + 54), Ok(()));
    assert_eq!(outcome(good, NOW + 55), Err(ExactError::Expired));
    assert_eq!(outcome(good, NOW - 10), Ok(()));
    assert_eq!(outcome(good, NOW - 11), Err(ExactError::NotYet));
    assert_eq!(outcome(good, u64::MAX), Err(ExactError::Expired));
    let forever = TransferAuthorization {
        valid_before: Uint256(U256::MAX),
        ..good
    };
    assert_eq!(outcome(forever, u64::MAX), Ok(()));
}

#[test]
fn another_token_chain_or_name_is_another_signature() {
    let payment = signed(authorization());
    let elsewhere = AssetId {
        network: Network::eip155(8_453),
        ..token()
    };
    let renamed = TokenDomain::new("USD Coin", "2", token());
    assert_eq!(
        payment.check(&terms(), &renamed, NOW),
        Err(ExactError::WrongSigner)
    );
    let domain = TokenDomain::new("USDC", "2", elsewhere);
    assert_eq!(
        payment.check(&terms(), &domain, NOW),
        Err(ExactError::Terms(TermsError::Domain))
    );
    let there = EvmTerms {
        token: elsewhere,
        ..terms()
    };
    assert_eq!(
        payment.check(&there, &domain, NOW),
        Err(ExactError::WrongSigner)
    );
}

#[test]
fn a_receive_authorization_is_no_transfer() {
    let authorization = authorization();
    let signature = sign(authorization.receive_digest(&usdc()), &key("buyer"));
    let payment = Eip3009Payment::signed(authorization, signature);
    assert_eq!(
        payment.check(&terms(), &usdc(), NOW),
        Err(ExactError::WrongSigner)
    );
}

#[test]
fn a_signature_that_no_token_takes_is_refused_before_anything_is_recovered() {
    let mut payment = signed(authorization());
    let text = payment.signature.clone();
    for (bad, error) in [
        (text[..130].to_owned(), SignatureError::Length(64)),
        (format!("{}00", &text[..130]), SignatureError::RecoveryByte),
        (format!("{text}00"), SignatureError::Length(66)),
        ("0x".to_owned(), SignatureError::Length(0)),
        ("zz".to_owned(), SignatureError::NotHex),
    ] {
        payment.signature = bad;
        let refused = payment.check(&terms(), &usdc(), NOW);
        assert_eq!(refused, Err(ExactError::Signature(error)));
    }
}

#[test]
fn a_payload_is_of_one_kind() {
    let good = serde_json::to_value(signed(authorization())).unwrap();
    let read = |value: &serde_json::Value| serde_json::from_str::<ExactPayload>(&value.to_string());
    assert!(matches!(read(&good), Ok(ExactPayload::Eip3009(_))));
    let mut both = good.clone();
    both["permit2Authorization"] = serde_json::json!({
        "from": BUYER, "permitted": {"token": SELLER, "amount": "1"}, "spender": SELLER,
        "nonce": "1", "deadline": "1", "witness": {"to": SELLER, "validAfter": "0"},
    });
    assert!(read(&both).unwrap_err().to_string().contains("not both"));
    let mut permit = both.clone();
    permit.as_object_mut().unwrap().remove("authorization");
    assert!(matches!(read(&permit), Ok(ExactPayload::Permit2(_))));
    permit
        .as_object_mut()
        .unwrap()
        .remove("permit2Authorization");
    assert!(read(&permit).unwrap_err().to_string().contains("missing"));
    for amount in [
        "-1",
        "1.5",
        "0x10",
        "01",
        "",
        "1e3",
        "340282366920938463463374607431768211456",
    ] {
        let mut bad = good.clone();
        bad["authorization"]["value"] = amount.into();
        assert!(read(&bad).is_err(), "{amount}");
    }
    let mut number = good;
    number["authorization"]["value"] = 1_000.into();
    assert!(read(&number).is_err());
}
