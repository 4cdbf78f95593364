use crate::{BUYER, FACILITATOR, NETWORK, NOW, SELLER, key, sign, token};
use agent_core::money::BaseUnits;
use agent_core::x402::{
    EXACT_PERMIT2_PROXY, EvmTerms, ExactWitness, Permit2Authorization, Permit2Domain,
    Permit2Payment, PermitError, TokenPermissions, UPTO_PERMIT2_PROXY, Uint256, UptoExtra,
    UptoPayload, UptoWitness, Witness,
};
use alloy_primitives::Address;
use serde_json::json;

fn terms() -> EvmTerms {
    EvmTerms {
        token: token(),
        pay_to: SELLER,
        amount: BaseUnits::new(5_000),
        max_timeout_secs: 300,
    }
}

fn permit<W>(spender: Address, witness: W) -> Permit2Authorization<W> {
    Permit2Authorization {
        from: BUYER,
        permitted: TokenPermissions {
            token: token().address,
            amount: BaseUnits::new(5_000),
        },
        spender,
        nonce: Uint256::of(7),
        deadline: Uint256::of(NOW + 60),
        witness,
    }
}

fn exact() -> Permit2Authorization<ExactWitness> {
    let witness = ExactWitness {
        to: SELLER,
        valid_after: Uint256::of(NOW),
    };
    permit(EXACT_PERMIT2_PROXY, witness)
}

fn upto() -> Permit2Authorization<UptoWitness> {
    let witness = UptoWitness {
        to: SELLER,
        facilitator: FACILITATOR,
        valid_after: Uint256::of(0),
    };
    permit(UPTO_PERMIT2_PROXY, witness)
}

fn signed<W: Witness>(authorization: Permit2Authorization<W>) -> Permit2Payment<W> {
    let digest = authorization.digest(&Permit2Domain::new(NETWORK));
    Permit2Payment {
        signature: sign(digest, &key("buyer")).to_string(),
        permit2_authorization: authorization,
    }
}

fn exact_outcome(authorization: Permit2Authorization<ExactWitness>) -> Result<(), PermitError> {
    signed(authorization).check(&terms(), NOW).map(drop)
}

#[test]
fn an_exact_permit_is_held_against_the_terms() {
    let good = exact();
    assert_eq!(exact_outcome(good), Ok(()));
    let mut spender = good;
    spender.spender = UPTO_PERMIT2_PROXY;
    let mut payee = good;
    payee.witness.to = BUYER;
    let mut late = good;
    late.deadline = Uint256::of(NOW + 5);
    let mut early = good;
    early.witness.valid_after = Uint256::of(NOW + 1);
    let mut amount = good;
    amount.permitted.amount = BaseUnits::new(5_001);
    let mut other = good;
    other.permitted.token = SELLER;
    let mut from = good;
    from.from = SELLER;
    for (changed, error, code) in [
        (
            spender,
            PermitError::WrongSpender,
            "invalid_permit2_spender",
        ),
        (
            payee,
            PermitError::WrongPayee,
            "invalid_permit2_recipient_mismatch",
        ),
        (late, PermitError::Expired, "permit2_deadline_expired"),
        (early, PermitError::NotYet, "permit2_not_yet_valid"),
        (amount, PermitError::WrongAmount, "permit2_amount_mismatch"),
        (other, PermitError::WrongToken, "permit2_token_mismatch"),
        (from, PermitError::WrongSigner, "invalid_permit2_signature"),
    ] {
        assert_eq!(exact_outcome(changed), Err(error));
        assert_eq!(error.code(), code);
    }
}

#[test]
fn what_is_signed_cannot_be_changed_afterwards() {
    let mut payment = signed(exact());
    payment.permit2_authorization.nonce = Uint256::of(8);
    assert_eq!(payment.check(&terms(), NOW), Err(PermitError::WrongSigner));
}

#[test]
fn an_upto_permit_is_bound_to_its_facilitator_and_ceiling() {
    let payment = signed(upto());
    payment.check(&terms(), FACILITATOR, NOW).unwrap();
    assert_eq!(
        payment.check(&terms(), SELLER, NOW),
        Err(PermitError::WrongFacilitator)
    );
    for charge in [0, 1, 5_000] {
        assert_eq!(payment.check_charge(BaseUnits::new(charge)), Ok(()));
    }
    let refused = payment.check_charge(BaseUnits::new(5_001));
    assert_eq!(refused, Err(PermitError::ChargeAbovePermitted));
    let mut changed = payment;
    changed.permit2_authorization.witness.facilitator = SELLER;
    let refused = changed.check(&terms(), SELLER, NOW);
    assert_eq!(refused, Err(PermitError::WrongSigner));
}

/// The example of the scheme's specification, with the nonce in hexadecimal, which is also read.
#[test]
fn the_specifications_upto_payload_is_read() {
    let payload: UptoPayload = serde_json::from_value(json!({
        "signature": "0x00",
        "permit2Authorization": {
            "permitted": {"token": token().address, "amount": "5000000"},
            "from": BUYER,
            "spender": "0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002",
            "nonce": "0xf3746613c2d920b5fdabc0856f2aeb2d4f88ee6037b8cc5d04a71a4462f13480",
            "deadline": "1740672154",
            "witness": {"to": SELLER, "facilitator": FACILITATOR, "validAfter": "1740672089"},
        },
    }))
    .unwrap();
    let permit = payload.permit2_authorization;
    assert_eq!(permit.spender, UPTO_PERMIT2_PROXY);
    let text = serde_json::to_value(&payload).unwrap();
    assert_eq!(
        text["permit2Authorization"]["nonce"],
        "110117680976134290040645500446194905769275902069351365960831693135107775870080"
    );
    let again: UptoPayload = serde_json::from_value(text).unwrap();
    assert_eq!(again.permit2_authorization, permit);
}

#[test]
fn requirements_of_upto_name_a_facilitator() {
    let mut required: agent_core::x402::PaymentRequirements = serde_json::from_value(json!({
        "scheme": "upto", "network": "eip155:84532", "amount": "5000", "payTo": SELLER,
        "asset": token().address, "maxTimeoutSeconds": 300,
        "extra": {"name": "USDC", "version": "2", "facilitatorAddress": FACILITATOR},
    }))
    .unwrap();
    let extra = UptoExtra::read(&required).unwrap();
    assert_eq!(extra.facilitator_address, FACILITATOR);
    required.extra.remove("facilitatorAddress");
    assert!(UptoExtra::read(&required).is_err());
    required.extra.set("facilitatorAddress", "0x12").unwrap();
    assert!(UptoExtra::read(&required).is_err());
}
