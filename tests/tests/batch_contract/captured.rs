//! Signatures that the stock packages made, against the contract.

use agent_core::x402::batch::{BATCH_SETTLEMENT, ERC3009_DEPOSIT_COLLECTOR};
use agent_tests::world::{World, account};
use alloy_primitives::{Bytes, U256};
use alloy_sol_types::SolValue;
use serde_json::Value;

use crate::bind::IX402BatchSettlement as batch;
use crate::stage::{
    AUTHORIZER, PAYER, RECEIVER, STRANGER, USDC, channel, on_chain, row, send, settle, state,
};

fn signature(name: &str) -> Bytes {
    let all: Value =
        serde_json::from_str(include_str!("../../../agent-core/tests/x402/digests.json")).unwrap();
    let found = all["digests"].as_array().unwrap().iter();
    let found = found.filter(|vector| vector["name"].as_str().unwrap().starts_with(name));
    let found: Vec<_> = found.collect();
    let [vector] = found[..] else {
        panic!("{} vectors are called {name}", found.len())
    };
    vector["signature"].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_captured_channel_lives_from_deposit_to_refund() {
    let mut world = World::new();
    let config = channel(0);
    let (after, before, salt) = (U256::ZERO, U256::from(4_102_444_800_u64), U256::from(7));
    let data = (after, before, salt, signature("lab deposit"));
    let deposit = batch::depositCall {
        config: on_chain(&config),
        amount: 10_000,
        collector: ERC3009_DEPOSIT_COLLECTOR,
        collectorData: data.abi_encode_params().into(),
    };
    send(&mut world, STRANGER, &deposit).unwrap();

    for (voucher, ceiling) in [("lab voucher 1000", 1_000), ("lab voucher 2000", 2_000)] {
        assert_eq!(
            row(&config, ceiling, 0, PAYER).signature,
            signature(voucher)
        );
    }
    let claim = batch::claimWithSignatureCall {
        voucherClaims: vec![batch::VoucherClaim {
            signature: signature("lab voucher 2000"),
            ..row(&config, 2_000, 1_700, AUTHORIZER)
        }],
        authorizerSignature: signature("lab claim batch"),
    };
    send(&mut world, STRANGER, &claim).unwrap();
    let refund = batch::refundWithSignatureCall {
        config: on_chain(&config),
        amount: 500,
        nonce: U256::ZERO,
        receiverAuthorizerSignature: signature("lab refund"),
    };
    send(&mut world, STRANGER, &refund).unwrap();
    assert_eq!(state(&world, &config), (9_500, 1_700));
    send(&mut world, STRANGER, &settle(account(RECEIVER), USDC)).unwrap();
    assert_eq!(
        world.balance(USDC, BATCH_SETTLEMENT),
        U256::from(9_500 - 1_700)
    );
}
