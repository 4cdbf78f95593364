//! Tokens that misbehave.

use agent_client::chain::bindings::IToken;
use agent_core::x402::PERMIT2;
use agent_core::x402::batch::{BATCH_SETTLEMENT, ChannelConfig};
use agent_tests::tokens::{Hostile, ITestToken};
use agent_tests::world::{Refusal, World, account};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;

use crate::bind::IX402BatchSettlement as batch;
use crate::stage::{
    AUTHORIZER, PAYER, RECEIVER, STRANGER, channel, deposit_by_permit, row, send, settle,
    signed_refund, state,
};

/// A token of this kind, a payer that has 10,000 of it and has approved Permit2, and a channel.
fn world(kind: Hostile) -> (World, ChannelConfig) {
    let mut world = World::new();
    let token = kind.place(&mut world, account(PAYER), 10_000);
    let approve = IToken::approveCall {
        spender: PERMIT2,
        value: U256::MAX,
    };
    world.send(account(PAYER), token, &approve).unwrap();
    (
        world,
        ChannelConfig {
            token,
            ..channel(0)
        },
    )
}

fn claim(config: &ChannelConfig, total: u128) -> batch::claimCall {
    batch::claimCall {
        voucherClaims: vec![row(config, total, total, PAYER)],
    }
}

fn held(world: &World, token: Address) -> U256 {
    world.balance(token, BATCH_SETTLEMENT)
}

#[test]
fn a_fee_on_the_way_in_is_refused() {
    let (mut world, config) = world(Hostile::Fee);
    let fee = |basis_points: u64| ITestToken::setFeeCall {
        basisPoints: U256::from(basis_points),
    };
    world.send(account(0), config.token, &fee(100)).unwrap();
    let refused = send(
        &mut world,
        STRANGER,
        &deposit_by_permit(&config, 1_000, 1, PAYER),
    );
    assert_eq!(
        refused.unwrap_err(),
        Refusal::of(&batch::DepositCollectionFailed {})
    );
    assert_eq!(
        (state(&world, &config), held(&world, config.token)),
        ((0, 0), U256::ZERO)
    );
    world.send(account(0), config.token, &fee(0)).unwrap();
    send(
        &mut world,
        STRANGER,
        &deposit_by_permit(&config, 1_000, 1, PAYER),
    )
    .unwrap();
    assert_eq!(state(&world, &config), (1_000, 0));
}

#[test]
fn a_token_that_moves_nothing_books_nothing() {
    for (kind, said) in [
        (Hostile::ReturnsFalse, None),
        (
            Hostile::Phantom,
            Some(Refusal::of(&batch::DepositCollectionFailed {})),
        ),
    ] {
        let (mut world, config) = world(kind);
        if kind == Hostile::ReturnsFalse {
            let failing = ITestToken::setFailingCall { on: true };
            world.send(account(0), config.token, &failing).unwrap();
        } else {
            let phantom = ITestToken::setPhantomCall { on: true };
            world.send(account(0), config.token, &phantom).unwrap();
        }
        let refused = send(
            &mut world,
            STRANGER,
            &deposit_by_permit(&config, 1_000, 1, PAYER),
        );
        let said = said.unwrap_or_else(|| Refusal::text("TRANSFER_FROM_FAILED"));
        assert_eq!(refused.unwrap_err(), said, "{kind:?}");
        assert_eq!(state(&world, &config), (0, 0));
    }
}

#[test]
fn a_token_that_returns_nothing_is_taken() {
    let (mut world, config) = world(Hostile::ReturnsNothing);
    send(
        &mut world,
        STRANGER,
        &deposit_by_permit(&config, 1_000, 1, PAYER),
    )
    .unwrap();
    send(&mut world, RECEIVER, &claim(&config, 400)).unwrap();
    send(&mut world, STRANGER, &settle(config.receiver, config.token)).unwrap();
    send(
        &mut world,
        STRANGER,
        &signed_refund(&config, 600, 0, AUTHORIZER),
    )
    .unwrap();
    assert_eq!(held(&world, config.token), U256::ZERO);
    assert_eq!(
        world.balance(config.token, config.receiver),
        U256::from(400)
    );
}

#[test]
fn a_payout_that_fails_leaves_what_is_owed() {
    let (mut world, config) = world(Hostile::Blacklist);
    send(
        &mut world,
        STRANGER,
        &deposit_by_permit(&config, 1_000, 1, PAYER),
    )
    .unwrap();
    send(&mut world, RECEIVER, &claim(&config, 400)).unwrap();
    let block = |on| ITestToken::setBlockedCall {
        account: account(RECEIVER),
        on,
    };
    world.send(account(0), config.token, &block(true)).unwrap();
    let pay = settle(config.receiver, config.token);
    assert!(send(&mut world, STRANGER, &pay).is_err());
    // The payer is not held up by it.
    send(
        &mut world,
        STRANGER,
        &signed_refund(&config, 600, 0, AUTHORIZER),
    )
    .unwrap();
    world.send(account(0), config.token, &block(false)).unwrap();
    send(&mut world, STRANGER, &pay).unwrap();
    assert_eq!(
        world.balance(config.token, config.receiver),
        U256::from(400)
    );
}

#[test]
fn a_token_that_calls_back_finds_the_door_shut() {
    let (mut world, config) = world(Hostile::Reentrant);
    let token = config.token;
    send(
        &mut world,
        STRANGER,
        &deposit_by_permit(&config, 1_000, 1, PAYER),
    )
    .unwrap();
    send(&mut world, RECEIVER, &claim(&config, 400)).unwrap();
    let pay = settle(config.receiver, token);
    let inner = [
        pay.abi_encode(),
        signed_refund(&config, 600, 0, AUTHORIZER).abi_encode(),
        deposit_by_permit(&config, 10, 2, PAYER).abi_encode(),
    ];
    let shut = Refusal::of(&batch::ReentrancyGuardReentrantCall {});
    for (data, after_move) in inner.iter().flat_map(|data| [(data, true), (data, false)]) {
        let mut world = world.clone();
        let arm = ITestToken::setCallCall {
            target: BATCH_SETTLEMENT,
            data: data.clone().into(),
            afterMove: after_move,
        };
        world.send(account(0), token, &arm).unwrap();
        send(&mut world, STRANGER, &pay).unwrap();
        assert!(!world.view(token, &ITestToken::lastOkCall {}));
        let answer = world.view(token, &ITestToken::lastAnswerCall {});
        assert_eq!(Refusal(answer), shut);
        assert_eq!(world.balance(token, config.receiver), U256::from(400));
        assert_eq!(held(&world, token), U256::from(600));
    }
}
