use crate::{BUYER, NETWORK, NOW, digests, key, sign, usdc, wire};
use agent_core::money::BaseUnits;
use agent_core::x402::batch::{
    BatchError, BatchPayload, BatchSettlePayload, BatchTerms, ChannelConfig, Deposit,
    DepositAuthorization, Eip2612Permit, Erc3009Deposit, PERMIT2_DEPOSIT_COLLECTOR, Permit2Deposit,
};
use agent_core::x402::{
    AssetTransferMethod, DepositWitness, HexSalt, Permit2Authorization, Permit2Domain, PermitError,
    TokenPermissions, Uint256,
};
use alloy_primitives::{B256, Bytes, U256};
use alloy_sol_types::SolValue;

const AMOUNT: BaseUnits = BaseUnits::new(10_000);

fn terms() -> BatchTerms {
    let offer = &wire()["required"]["batch_402"]["accepts"][0];
    BatchTerms::read(&serde_json::from_str(&offer.to_string()).unwrap()).unwrap()
}

fn config() -> ChannelConfig {
    terms().channel(BUYER, BUYER, B256::ZERO)
}

fn erc3009() -> Erc3009Deposit {
    let mut deposit = Erc3009Deposit {
        valid_after: Uint256::of(0),
        valid_before: Uint256::of(4_102_444_800),
        salt: HexSalt(U256::from(7)),
        signature: String::new(),
    };
    let id = config().id(&terms().domain());
    let digest = deposit
        .authorization(BUYER, AMOUNT, id)
        .receive_digest(&usdc());
    deposit.signature = sign(digest, &key("buyer")).to_string();
    deposit
}

fn permit2() -> Permit2Deposit {
    let authorization = Permit2Authorization {
        from: BUYER,
        permitted: TokenPermissions {
            token: config().token,
            amount: AMOUNT,
        },
        spender: PERMIT2_DEPOSIT_COLLECTOR,
        nonce: Uint256::of(1),
        deadline: Uint256::of(NOW + 60),
        witness: DepositWitness {
            channel_id: config().id(&terms().domain()),
        },
    };
    signed(authorization)
}

fn signed(authorization: Permit2Authorization<DepositWitness>) -> Permit2Deposit {
    let digest = authorization.digest(&Permit2Domain::new(NETWORK));
    Permit2Deposit {
        authorization,
        signature: sign(digest, &key("buyer")).to_string(),
    }
}

fn check(authorization: &DepositAuthorization, amount: BaseUnits) -> Result<(), BatchError> {
    authorization
        .check(&config(), amount, &terms(), &usdc(), NOW)
        .map(drop)
}

#[test]
fn our_deposit_is_the_measured_one() {
    let all = digests();
    let vectors = all["digests"].as_array().unwrap();
    let deposit = vectors
        .iter()
        .find(|vector| vector["type"] == "ReceiveWithAuthorization")
        .unwrap();
    let ours = erc3009();
    let id = config().id(&terms().domain());
    let authorization = ours.authorization(BUYER, AMOUNT, id);
    assert_eq!(
        serde_json::to_value(authorization).unwrap(),
        deposit["message"]
    );
    assert_eq!(ours.signature, deposit["signature"]);
}

#[test]
fn an_eip3009_deposit_is_for_this_channel_amount_and_time() {
    let good = DepositAuthorization::Erc3009Authorization(erc3009());
    assert_eq!(check(&good, AMOUNT), Ok(()));
    let more = BaseUnits::new(10_001);
    assert_eq!(check(&good, more), Err(BatchError::DepositSignature));
    let other = ChannelConfig {
        salt: B256::repeat_byte(1),
        ..config()
    };
    let refused = good.check(&other, AMOUNT, &terms(), &usdc(), NOW);
    assert_eq!(refused, Err(BatchError::DepositSignature));
    let late = good.check(&config(), AMOUNT, &terms(), &usdc(), 4_102_444_800);
    assert_eq!(late, Err(BatchError::DepositExpired));
    let salted = Erc3009Deposit {
        salt: HexSalt(U256::from(8)),
        ..erc3009()
    };
    let salted = DepositAuthorization::Erc3009Authorization(salted);
    assert_eq!(check(&salted, AMOUNT), Err(BatchError::DepositSignature));
}

#[test]
fn a_permit2_deposit_is_for_this_channel_amount_and_time() {
    let good = permit2();
    let outcome = |authorization| {
        check(
            &DepositAuthorization::Permit2Authorization(signed(authorization)),
            AMOUNT,
        )
    };
    assert_eq!(outcome(good.authorization), Ok(()));
    let mut changed = good.authorization;
    changed.witness.channel_id.0 = B256::ZERO;
    assert_eq!(outcome(changed), Err(BatchError::ChannelIdMismatch));
    let mut changed = good.authorization;
    changed.permitted.amount = BaseUnits::new(1);
    assert_eq!(
        outcome(changed),
        Err(BatchError::Permit(PermitError::WrongAmount))
    );
    let mut changed = good.authorization;
    changed.spender = BUYER;
    assert_eq!(
        outcome(changed),
        Err(BatchError::Permit(PermitError::WrongSpender))
    );
    let mut changed = good.authorization;
    changed.deadline = Uint256::of(NOW + 5);
    assert_eq!(
        outcome(changed),
        Err(BatchError::Permit(PermitError::Expired))
    );
    let mut unsigned = good;
    unsigned.authorization.nonce = Uint256::of(2);
    let unsigned = DepositAuthorization::Permit2Authorization(unsigned);
    let refused = check(&unsigned, AMOUNT);
    assert_eq!(refused, Err(BatchError::Permit(PermitError::WrongSigner)));
}

#[test]
fn the_offers_way_to_deposit_is_insisted_on() {
    let mut terms = terms();
    let token = DepositAuthorization::Erc3009Authorization(erc3009());
    let permit = DepositAuthorization::Permit2Authorization(permit2());
    terms.extra.asset_transfer_method = Some(AssetTransferMethod::Permit2);
    assert_eq!(
        token.check(&config(), AMOUNT, &terms, &usdc(), NOW),
        Err(BatchError::Permit2Required)
    );
    permit
        .check(&config(), AMOUNT, &terms, &usdc(), NOW)
        .unwrap();
    terms.extra.asset_transfer_method = Some(AssetTransferMethod::Eip3009);
    assert_eq!(
        permit.check(&config(), AMOUNT, &terms, &usdc(), NOW),
        Err(BatchError::Erc3009Required)
    );
}

#[test]
fn the_collectors_data_is_abi_encoded() {
    type Token = (U256, U256, U256, Bytes);
    type Permit = (U256, U256, Bytes, Bytes);
    type Approval = (U256, U256, U256, B256, B256);
    let deposit = erc3009();
    let token = DepositAuthorization::Erc3009Authorization(deposit.clone());
    let data = token.collector_data(None).unwrap();
    let (after, before, salt, signature) = Token::abi_decode_params(&data).unwrap();
    assert_eq!((after, salt), (U256::ZERO, U256::from(7)));
    assert_eq!(before, U256::from(4_102_444_800_u64));
    assert_eq!(signature.to_string(), deposit.signature);

    let permit = DepositAuthorization::Permit2Authorization(permit2());
    let data = permit.collector_data(None).unwrap();
    let (nonce, deadline, signature, approval) = Permit::abi_decode_params(&data).unwrap();
    assert_eq!((nonce, deadline), (U256::from(1), U256::from(NOW + 60)));
    assert_eq!(signature.to_string(), permit2().signature);
    assert!(approval.is_empty());

    let signature = sign(B256::repeat_byte(3), &key("buyer"));
    let approval = Eip2612Permit {
        value: U256::from(5),
        deadline: U256::from(6),
        signature,
    };
    let data = permit.collector_data(Some(&approval)).unwrap();
    let (_, _, _, approval) = Permit::abi_decode_params(&data).unwrap();
    let (value, deadline, v, r, s) = Approval::abi_decode_params(&approval).unwrap();
    assert_eq!((value, deadline), (U256::from(5), U256::from(6)));
    let bytes = signature.as_bytes();
    assert_eq!(v, U256::from(bytes[64]));
    assert_eq!([r.as_slice(), s.as_slice()].concat(), bytes[..64]);

    let broken = Erc3009Deposit {
        signature: "0x12".to_owned(),
        ..erc3009()
    };
    let broken = DepositAuthorization::Erc3009Authorization(broken);
    assert_eq!(
        broken.collector_data(None),
        Err(BatchError::DepositSignature)
    );
}

#[test]
fn a_deposit_carries_one_authorization_in_its_own_member() {
    let deposit = Deposit {
        amount: AMOUNT,
        authorization: DepositAuthorization::Permit2Authorization(permit2()),
    };
    let text = serde_json::to_value(&deposit).unwrap();
    let permit = &text["authorization"]["permit2Authorization"];
    assert_eq!(permit["witness"]["channelId"].as_str().unwrap().len(), 66);
    assert_eq!(permit["from"], BUYER.to_string());
    assert_eq!(
        serde_json::from_value::<Deposit>(text.clone()).unwrap(),
        deposit
    );
    let mut both = text;
    both["authorization"]["erc3009Authorization"] = serde_json::to_value(erc3009()).unwrap();
    assert!(serde_json::from_value::<Deposit>(both).is_err());
}

#[test]
fn what_goes_to_the_facilitator_is_told_apart_by_its_type() {
    let captured = &wire()["payments"]["batch_deposit"]["object"]["payload"];
    let settle: BatchSettlePayload = serde_json::from_value(captured.clone()).unwrap();
    assert!(matches!(settle, BatchSettlePayload::Deposit { .. }));
    let row = serde_json::json!({
        "voucher": {"channel": captured["channelConfig"], "maxClaimableAmount": "5000"},
        "signature": "0x00", "totalClaimed": "5000",
    });
    for payload in [
        serde_json::json!({"type": "claim", "claims": [row]}),
        serde_json::json!({"type": "claim", "claims": [row], "claimAuthorizerSignature": "0x01"}),
        serde_json::json!({"type": "settle", "receiver": config().receiver.to_string(),
            "token": config().token.to_string()}),
        serde_json::json!({"type": "refund", "channelConfig": captured["channelConfig"],
            "voucher": captured["voucher"], "amount": "1500", "refundNonce": "1", "claims": [row],
            "refundAuthorizerSignature": "0x02", "claimAuthorizerSignature": "0x01"}),
    ] {
        crate::read_whole::<BatchSettlePayload>(&payload);
    }
    let unknown = serde_json::json!({"type": "withdraw"});
    assert!(serde_json::from_value::<BatchPayload>(unknown.clone()).is_err());
    assert!(serde_json::from_value::<BatchSettlePayload>(unknown).is_err());
}
