//! The life of a channel.

use agent_core::x402::batch::{BATCH_SETTLEMENT, ChannelConfig};
use agent_devnet::GENESIS_USDC;
use agent_tests::world::{Refusal, World, account};
use alloy_primitives::{Address, U256, aliases::U40};
use alloy_sol_types::SolCall;

use crate::bind::IX402BatchSettlement as batch;
use crate::stage::{
    AUTHORIZER, DELAY, PAYER, RECEIVER, STRANGER, USDC, channel, deposit, id, notice, on_chain,
    receiver, refund_nonce, row, send, settle, signed_claim, signed_refund, state,
};

fn money(world: &World, of: usize) -> i128 {
    let has: u64 = world.balance(USDC, account(of)).to();
    i128::from(has) - i128::from(GENESIS_USDC)
}

/// A channel with this much in it.
fn opened(amount: u128) -> (World, ChannelConfig) {
    let mut world = World::new();
    let config = channel(0);
    send(&mut world, STRANGER, &deposit(&config, amount, 1, PAYER)).unwrap();
    (world, config)
}

fn claim(world: &mut World, config: &ChannelConfig, total: u128) {
    let rows = vec![row(config, total, total, PAYER)];
    let call = batch::claimCall {
        voucherClaims: rows,
    };
    send(world, RECEIVER, &call).unwrap();
}

#[test]
fn from_the_first_deposit_to_the_last_refund() {
    let mut world = World::new();
    let config = channel(0);
    let channelId = id(&config).0;

    let done = send(&mut world, STRANGER, &deposit(&config, 1_000, 1, PAYER)).unwrap();
    let created = batch::ChannelCreated {
        channelId,
        config: on_chain(&config),
    };
    assert_eq!(done.events::<batch::ChannelCreated>(), [created]);
    let deposited = |amount, newBalance| batch::Deposited {
        channelId,
        sender: account(STRANGER),
        amount,
        newBalance,
    };
    assert_eq!(done.events::<batch::Deposited>(), [deposited(1_000, 1_000)]);
    let done = send(&mut world, STRANGER, &deposit(&config, 500, 2, PAYER)).unwrap();
    assert!(done.events::<batch::ChannelCreated>().is_empty());
    assert_eq!(done.events::<batch::Deposited>(), [deposited(500, 1_500)]);
    assert_eq!(state(&world, &config), (1_500, 0));
    assert_eq!(money(&world, PAYER), -1_500);

    // A part of the ceiling is claimed, by a stranger with the authorizer's signature.
    let rows = vec![row(&config, 700, 600, PAYER)];
    let call = signed_claim(rows, &[config], AUTHORIZER);
    let done = send(&mut world, STRANGER, &call).unwrap();
    let claimed = batch::Claimed {
        channelId,
        sender: account(STRANGER),
        claimAmount: 600,
        newTotalClaimed: 600,
    };
    assert_eq!(done.events::<batch::Claimed>(), [claimed]);
    assert_eq!(state(&world, &config), (1_500, 600));
    assert_eq!(receiver(&world, config.receiver, USDC), (600, 0));
    assert_eq!(money(&world, RECEIVER), 0, "claiming transfers nothing");

    let done = send(&mut world, STRANGER, &settle(config.receiver, USDC)).unwrap();
    let settled = batch::Settled {
        receiver: config.receiver,
        token: USDC,
        sender: account(STRANGER),
        amount: 600,
    };
    assert_eq!(done.events::<batch::Settled>(), [settled]);
    assert_eq!(money(&world, RECEIVER), 600);
    let done = send(&mut world, STRANGER, &settle(config.receiver, USDC)).unwrap();
    assert!(done.receipt.logs().is_empty(), "nothing is nothing");

    // More is asked back than is left.
    let done = send(
        &mut world,
        STRANGER,
        &signed_refund(&config, 5_000, 0, AUTHORIZER),
    )
    .unwrap();
    assert_eq!(done.events::<batch::Refunded>()[0].amount, 900);
    assert!(done.events::<batch::ChannelClosed>().is_empty());
    assert_eq!(state(&world, &config), (600, 600));
    assert_eq!((money(&world, PAYER), money(&world, RECEIVER)), (-600, 600));
    assert_eq!(world.balance(USDC, BATCH_SETTLEMENT), U256::ZERO);
}

#[test]
fn a_row_that_says_nothing_new_is_skipped() {
    let (mut world, config) = opened(1_000);
    let other = channel(1);
    send(&mut world, STRANGER, &deposit(&other, 100, 1, PAYER)).unwrap();
    let first = row(&config, 300, 300, PAYER);
    let twice = vec![
        first.clone(),
        first.clone(),
        row(&config, 900, 200, PAYER),
        row(&other, 100, 100, PAYER),
    ];
    let call = batch::claimCall {
        voucherClaims: twice.clone(),
    };
    let done = send(&mut world, RECEIVER, &call).unwrap();
    let amounts: Vec<_> = done
        .events::<batch::Claimed>()
        .iter()
        .map(|e| e.claimAmount)
        .collect();
    assert_eq!(amounts, [300, 100]);
    assert_eq!(receiver(&world, config.receiver, USDC), (400, 0));

    // The same call, and the same with the authorizer's signature, again: nothing.
    let done = send(&mut world, AUTHORIZER, &call).unwrap();
    assert!(done.receipt.logs().is_empty());
    let call = signed_claim(twice, &[config, config, config, other], AUTHORIZER);
    let done = send(&mut world, STRANGER, &call).unwrap();
    assert!(done.receipt.logs().is_empty());
    // A row that is skipped is not even looked at for its signature.
    let forged = batch::claimCall {
        voucherClaims: vec![row(&config, 300, 300, STRANGER)],
    };
    send(&mut world, RECEIVER, &forged).unwrap();
    assert_eq!(state(&world, &config), (1_000, 300));
}

#[test]
fn a_withdrawal_that_is_faster_than_the_claim_wins() {
    let (mut world, config) = opened(1_000);
    claim(&mut world, &config, 100);
    let rows = vec![row(&config, 800, 800, PAYER)];
    let late = batch::claimCall {
        voucherClaims: rows,
    };

    let all = batch::initiateWithdrawCall {
        config: on_chain(&config),
        amount: 900,
    };
    let done = send(&mut world, PAYER, &all).unwrap();
    let started = world.now();
    let event = batch::WithdrawInitiated {
        channelId: id(&config).0,
        amount: 900,
        finalizeAfter: U40::from(started + DELAY),
    };
    assert_eq!(done.events::<batch::WithdrawInitiated>(), [event]);
    assert_eq!(notice(&world, &config), (900, started));
    let finalize = batch::finalizeWithdrawCall {
        config: on_chain(&config),
    };
    // The next block is a second too early, and the one after it is not.
    world.wait(DELAY - 3);
    let early = send(&mut world, PAYER, &finalize).unwrap_err();
    assert_eq!(early, Refusal::of(&batch::WithdrawDelayNotElapsed {}));
    assert_eq!(world.now(), started + DELAY - 1);

    let mut claimed_first = world.clone();
    let done = send(&mut world, PAYER, &finalize).unwrap();
    assert_eq!(done.events::<batch::WithdrawFinalized>()[0].amount, 900);
    assert_eq!(state(&world, &config), (100, 100));
    assert_eq!(notice(&world, &config), (0, 0));
    let refused = send(&mut world, RECEIVER, &late).unwrap_err();
    assert_eq!(refused, Refusal::of(&batch::ClaimExceedsBalance {}));

    // In time, the claim takes what it is worth and the withdrawal what is left.
    send(&mut claimed_first, RECEIVER, &late).unwrap();
    let done = send(&mut claimed_first, PAYER, &finalize).unwrap();
    assert_eq!(done.events::<batch::WithdrawFinalized>()[0].amount, 200);
    assert_eq!(state(&claimed_first, &config), (800, 800));
    send(&mut claimed_first, STRANGER, &settle(config.receiver, USDC)).unwrap();
    assert_eq!(money(&claimed_first, PAYER), -800);
    assert_eq!(money(&claimed_first, RECEIVER), 800);
}

#[test]
fn every_refund_uses_up_a_nonce() {
    let (mut world, config) = opened(1_000);
    let first = signed_refund(&config, 100, 0, AUTHORIZER);
    let second = signed_refund(&config, 100, 1, AUTHORIZER);
    let wrong = Refusal::of(&batch::InvalidRefundNonce {});
    assert_eq!(send(&mut world, STRANGER, &second).unwrap_err(), wrong);
    send(&mut world, STRANGER, &first).unwrap();
    assert_eq!(send(&mut world, STRANGER, &first).unwrap_err(), wrong);

    // In person is a refund too, and makes the signature for that turn useless.
    let in_person = batch::refundCall {
        config: on_chain(&config),
        amount: 50,
    };
    for (from, nonce) in [(RECEIVER, 2), (AUTHORIZER, 3)] {
        send(&mut world, from, &in_person).unwrap();
        assert_eq!(refund_nonce(&world, &config), nonce);
    }
    assert_eq!(send(&mut world, STRANGER, &second).unwrap_err(), wrong);

    // With nothing left to give, the nonce goes up and nothing moves.
    claim(&mut world, &config, 800);
    let done = send(
        &mut world,
        STRANGER,
        &signed_refund(&config, 1, 3, AUTHORIZER),
    )
    .unwrap();
    assert!(done.receipt.logs().is_empty());
    assert_eq!(refund_nonce(&world, &config), 4);
    assert_eq!(state(&world, &config), (800, 800));
}

#[test]
fn a_refund_lowers_the_payers_notice() {
    let (mut world, config) = opened(1_000);
    let initiate = batch::initiateWithdrawCall {
        config: on_chain(&config),
        amount: 600,
    };
    send(&mut world, PAYER, &initiate).unwrap();
    let since = world.now();
    send(
        &mut world,
        STRANGER,
        &signed_refund(&config, 200, 0, AUTHORIZER),
    )
    .unwrap();
    assert_eq!(notice(&world, &config), (400, since));
    send(
        &mut world,
        STRANGER,
        &signed_refund(&config, 400, 1, AUTHORIZER),
    )
    .unwrap();
    assert_eq!(notice(&world, &config), (0, 0));
    assert_eq!(state(&world, &config), (400, 0));
}

#[test]
fn a_channel_that_was_emptied_unclaimed_can_begin_again() {
    let (mut world, config) = opened(100);
    let done = send(
        &mut world,
        STRANGER,
        &signed_refund(&config, 100, 0, AUTHORIZER),
    )
    .unwrap();
    assert_eq!(done.events::<batch::ChannelClosed>().len(), 1);
    let done = send(&mut world, STRANGER, &deposit(&config, 10, 2, PAYER)).unwrap();
    assert_eq!(done.events::<batch::ChannelCreated>().len(), 1);
    assert_eq!(
        refund_nonce(&world, &config),
        1,
        "the nonce does not begin again"
    );
}

#[test]
fn a_lent_key_signs_and_withdraws_but_the_money_is_the_payers() {
    let mut world = World::new();
    let config = ChannelConfig {
        payer_authorizer: account(7),
        ..channel(0)
    };
    send(&mut world, STRANGER, &deposit(&config, 1_000, 1, PAYER)).unwrap();
    let by = |signer| batch::claimCall {
        voucherClaims: vec![row(&config, 10, 10, signer)],
    };
    let refused = send(&mut world, RECEIVER, &by(PAYER)).unwrap_err();
    assert_eq!(refused, Refusal::of(&batch::InvalidSignature {}));
    send(&mut world, RECEIVER, &by(7)).unwrap();
    let config = on_chain(&config);
    let initiate = batch::initiateWithdrawCall {
        config: config.clone(),
        amount: 990,
    };
    send(&mut world, 7, &initiate).unwrap();
    world.wait(DELAY);
    send(&mut world, 7, &batch::finalizeWithdrawCall { config }).unwrap();
    assert_eq!((money(&world, PAYER), money(&world, 7)), (-10, 0));
}

#[test]
fn several_calls_go_as_one() {
    let (mut world, config) = opened(1_000);
    let claim = signed_claim(vec![row(&config, 400, 400, PAYER)], &[config], AUTHORIZER);
    let refund = signed_refund(&config, 600, 0, AUTHORIZER);
    let pay = settle(config.receiver, USDC);
    let both = batch::multicallCall {
        data: vec![
            claim.abi_encode().into(),
            refund.abi_encode().into(),
            pay.abi_encode().into(),
        ],
    };
    let done = send(&mut world, STRANGER, &both).unwrap();
    assert_eq!(done.returned.len(), 3);
    // The caller is the caller of each of them.
    assert_eq!(done.events::<batch::Claimed>()[0].sender, account(STRANGER));
    assert_eq!((money(&world, PAYER), money(&world, RECEIVER)), (-400, 400));

    // One that reverts undoes the others and says why.
    let topped = deposit(&config, 10, 9, PAYER);
    let again = batch::multicallCall {
        data: vec![topped.abi_encode().into(), refund.abi_encode().into()],
    };
    let refused = send(&mut world, STRANGER, &again).unwrap_err();
    assert_eq!(refused, Refusal::of(&batch::InvalidRefundNonce {}));
    assert_eq!(state(&world, &config), (400, 400));
    let nonsense = batch::multicallCall {
        data: vec![vec![1, 2, 3, 4].into()],
    };
    let refused = send(&mut world, STRANGER, &nonsense).unwrap_err();
    assert_eq!(refused, Refusal::of(&batch::FailedCall {}));
}

#[test]
fn what_is_booked_adds_up_over_channels_and_stays_apart_by_receiver() {
    let mut world = World::new();
    let mut rows = Vec::new();
    for salt in 0..5_u64 {
        let config = channel(salt);
        send(&mut world, STRANGER, &deposit(&config, 100, salt, PAYER)).unwrap();
        rows.push(row(&config, 100, 10 + u128::from(salt), PAYER));
    }
    let elsewhere = ChannelConfig {
        receiver: account(6),
        ..channel(0)
    };
    send(&mut world, STRANGER, &deposit(&elsewhere, 100, 9, PAYER)).unwrap();
    rows.push(row(&elsewhere, 100, 99, PAYER));
    let call = batch::claimCall {
        voucherClaims: rows,
    };
    send(&mut world, AUTHORIZER, &call).unwrap();
    assert_eq!(receiver(&world, account(RECEIVER), USDC), (60, 0));
    assert_eq!(receiver(&world, account(6), USDC), (99, 0));
    assert_eq!(receiver(&world, account(6), Address::ZERO), (0, 0));
    send(&mut world, STRANGER, &settle(account(6), USDC)).unwrap();
    assert_eq!((money(&world, 6), money(&world, RECEIVER)), (99, 0));
    assert_eq!(world.balance(USDC, BATCH_SETTLEMENT), U256::from(501));
}
