//! Channels of `batch-settlement`: what was charged is booked and paid, whatever the payer does.

use crate::buyer::{SELLER, WAIT, World, address, key};
use crate::line::Line;
use crate::seller::{Seller, Wish, patient, request, until, wish};
use agent_client::chain::outbox::{TxOutbox, TxOutcome, TxRequest};
use agent_client::chain::x402_bindings::IX402BatchSettlement as Contract;
use agent_client::clock::SystemClock;
use agent_client::settings::ChainSettings;
use agent_core::channel::Refusal;
use agent_core::clock::Clock;
use agent_core::ledger::{Ledger, Proof, Reserve};
use agent_core::money::BaseUnits;
use agent_core::voucher::{ChannelId, Domains, Funding, Voucher};
use agent_core::x402::batch::{
    BATCH_SETTLEMENT, BatchDomain, ChannelConfig, DepositAuthorization, Erc3009Deposit,
};
use agent_core::x402::{HexSalt, TokenDomain, Uint256};
use agent_devnet::{Devnet, DevnetConfig};
use agent_server::settle::{ChannelMirror, ChannelMirrorConfig, SettleError, SettlePolicy};
use alloy_primitives::aliases::U40;
use alloy_primitives::{B256, U256};
use alloy_sol_types::SolCall;
use std::sync::Arc;
use std::time::Duration;

/// Seconds from a payer's notice to its withdrawal: the shortest that there is.
const DELAY: u64 = 900;
const MOMENT: Duration = Duration::from_millis(500);

pub(crate) fn domain(world: &World) -> BatchDomain {
    BatchDomain::new(world.settings.asset().network)
}

pub(crate) fn id(world: &World, config: &ChannelConfig) -> ChannelId {
    config.id(&domain(world))
}

fn on_chain(config: &ChannelConfig) -> Contract::ChannelConfig {
    Contract::ChannelConfig {
        payer: config.payer,
        payerAuthorizer: config.payer_authorizer,
        receiver: config.receiver,
        receiverAuthorizer: config.receiver_authorizer,
        token: config.token,
        withdrawDelay: U40::from(config.withdraw_delay),
        salt: config.salt,
    }
}

/// Pays into a channel of this buyer's, which the seller then knows.
pub(crate) async fn open(
    world: &World,
    seller: &Seller,
    buyer: usize,
    amount: u128,
) -> ChannelConfig {
    let config = ChannelConfig {
        payer: address(buyer),
        payer_authorizer: address(buyer),
        receiver: address(SELLER),
        receiver_authorizer: address(SELLER),
        token: world.settings.token.address,
        withdraw_delay: DELAY,
        salt: B256::ZERO,
    };
    pay_in(world, &config, buyer, amount).await;
    let state = seller.channels.state(&config).await.unwrap().unwrap();
    assert!(state.balance.get() >= amount);
    config
}

pub(crate) async fn pay_in(world: &World, config: &ChannelConfig, buyer: usize, amount: u128) {
    let salt = SystemClock.now_unix_millis() ^ u64::try_from(amount).unwrap();
    let mut deposit = Erc3009Deposit {
        valid_after: Uint256::default(),
        valid_before: Uint256(U256::from(u64::MAX)),
        salt: HexSalt(U256::from(salt)),
        signature: String::new(),
    };
    let message = deposit.authorization(config.payer, BaseUnits::new(amount), id(world, config));
    let digest = message.receive_digest(&TokenDomain::of(&world.settings.asset()));
    deposit.signature = key(buyer).sign(digest).to_string();
    let authorization = DepositAuthorization::Erc3009Authorization(deposit);
    let call = Contract::depositCall {
        config: on_chain(config),
        amount,
        collector: authorization.collector(),
        collectorData: authorization.collector_data(None).unwrap(),
    };
    world.send_to(BATCH_SETTLEMENT, &call).await;
}

/// Sends a call in the buyer's own name.
async fn as_buyer<C: SolCall>(world: &World, buyer: usize, call: &C) -> TxOutcome {
    let outbox = TxOutbox::open(
        world.dir.path().join(format!("buyer-{buyer}.db")),
        world.chain.clone(),
        key(buyer).to_signer().unwrap(),
        world.settings.outbox(),
        Arc::new(SystemClock),
    );
    let outbox = outbox.await.unwrap();
    let name = SystemClock.now_unix_millis().to_string();
    let request = TxRequest::call(name, BATCH_SETTLEMENT, call);
    let sent = outbox.enqueue(request).await.unwrap();
    let outcome = outbox.wait(sent.id, WAIT).await.unwrap();
    outbox.close().await;
    outcome
}

async fn give_notice(world: &World, buyer: usize, config: &ChannelConfig, amount: u128) {
    let config = on_chain(config);
    let call = Contract::initiateWithdrawCall { config, amount };
    let outcome = as_buyer(world, buyer, &call).await;
    assert!(matches!(outcome, TxOutcome::Mined(_)), "{outcome:?}");
}

async fn withdraw(world: &World, buyer: usize, config: &ChannelConfig) {
    // Blocks that are made within one second are a second apart on chain.
    let ahead = config.withdraw_delay + 120;
    world.devnet.chain().increase_time(ahead).unwrap();
    world.devnet.chain().mine(1).unwrap();
    let config = on_chain(config);
    let outcome = as_buyer(world, buyer, &Contract::finalizeWithdrawCall { config }).await;
    assert!(matches!(outcome, TxOutcome::Mined(_)), "{outcome:?}");
}

pub(crate) fn proof(world: &World, buyer: usize, config: &ChannelConfig, ceiling: u128) -> Proof {
    let id = id(world, config);
    let ceiling = BaseUnits::new(ceiling);
    let signature = key(buyer).sign(domain(world).voucher_digest(id, ceiling));
    let funding = Funding::Batch(*config);
    let domains = Domains::new(world.settings.domain());
    let voucher = Voucher::received(id, ceiling, signature);
    let voucher = funding.check(voucher, &domains).unwrap();
    Proof::Voucher { funding, voucher }
}

/// Earns by calls that may cost `max` and cost `charge`, one after the other.
pub(crate) async fn earn(
    world: &World,
    seller: &Seller,
    buyer: usize,
    config: &ChannelConfig,
    calls: &[(u128, u128)],
) {
    let id = id(world, config);
    for (max, charge) in calls {
        let view = seller.store.channel(id).await.unwrap().unwrap();
        let ceiling = view.channel.charged.get() + max;
        let proof = proof(world, buyer, config, ceiling);
        seller.charge(id, ceiling, proof, *max, *charge).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_and_locks_are_settled_side_by_side_and_the_books_agree() {
    let world = World::new().await;
    let seller = Seller::open(&world, &wish(&world)).await;
    let before = world.tokens(SELLER).await;
    for buyer in 2..5 {
        let channel = open(&world, &seller, buyer, 10_000).await;
        // Less than the voucher allows is charged, and the next one is on top of that.
        earn(
            &world,
            &seller,
            buyer,
            &channel,
            &[(1_000, 700), (500, 500), (900, 0)],
        )
        .await;
    }
    let lock = world.open(5, 10_000).await;
    seller.earn(&world, 5, &lock, &[400]).await;
    let report = seller.settler.settle_now(WAIT).await.unwrap();
    assert_eq!(
        (report.transactions, report.locks, report.channels),
        (2, 1, 3)
    );
    assert_eq!(report.claimed_base_units, BaseUnits::new(4_000));
    assert_eq!(report.paid_out_base_units, BaseUnits::new(3_600));
    seller.assert_paid(&world, 4_000, before).await;
    let again = seller.settler.settle_now(WAIT).await.unwrap();
    assert_eq!(again.transactions, 0, "there is nothing left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payer_that_gives_notice_is_claimed_from_at_once_and_nothing_is_lost() {
    let world = World::new().await;
    // Nothing else is ever due.
    let seller = Seller::open(&world, &wish(&world)).await;
    let before = [world.tokens(SELLER).await, world.tokens(2).await];
    let channel = open(&world, &seller, 2, 10_000).await;
    earn(&world, &seller, 2, &channel, &[(3_000, 3_000)]).await;
    give_notice(&world, 2, &channel, 10_000).await;
    let id = id(&world, &channel);
    let claimed = async || {
        let view = seller.store.channel(id).await.unwrap().unwrap();
        view.channel.claimed.get()
    };
    until("claimed", async || claimed().await == 3_000).await;
    // Whoever leaves is served no more.
    let proof = proof(&world, 2, &channel, 3_500);
    let refused = seller.store.reserve(request(id, 3_500, proof, 500)).await;
    let why = Refusal::Withdrawing;
    assert!(
        matches!(refused, Ok(Reserve::Refused { why: found, .. }) if found == why),
        "admitted"
    );
    withdraw(&world, 2, &channel).await;
    assert_eq!(before[1] - world.tokens(2).await, 3_000);
    // So little was not worth a payout of its own; it is when all is to be settled.
    assert_eq!(world.tokens(SELLER).await, before[0]);
    let report = seller.settler.settle_now(WAIT).await.unwrap();
    assert_eq!(report.paid_out_base_units, BaseUnits::new(3_000));
    until("the withdrawal is seen", async || {
        let view = seller.store.channel(id).await.unwrap().unwrap();
        view.authorized_on_chain.get() == 3_000
    })
    .await;
    seller.assert_paid(&world, 3_000, before[0]).await;
}

/// T10: everybody leaves at once. A seller that is up loses nothing; one that is down for longer
/// than the delay loses at most what it had let stand unclaimed, and keeps what it had claimed.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_withdrawals_costs_at_most_what_was_unclaimed_while_nobody_was_there() {
    let world = World::new().await;
    let seller = Seller::open(&world, &wish(&world)).await;
    let before = world.tokens(SELLER).await;
    let mut channels = Vec::new();
    for buyer in 2..8 {
        let channel = open(&world, &seller, buyer, 10_000).await;
        earn(&world, &seller, buyer, &channel, &[(1_000, 1_000)]).await;
        channels.push((buyer, channel));
    }
    for (buyer, channel) in &channels {
        give_notice(&world, *buyer, channel, 9_000).await;
    }
    let books = async || seller.store.books().await.unwrap().claimed.get();
    until("all are claimed", async || books().await == 6_000).await;
    for (buyer, channel) in &channels {
        withdraw(&world, *buyer, channel).await;
    }
    seller.settler.settle_now(WAIT).await.unwrap();
    seller.assert_paid(&world, 6_000, before).await;

    // The same with a seller that is down throughout.
    let late = open(&world, &seller, 9, 10_000).await;
    earn(&world, &seller, 9, &late, &[(400, 400)]).await;
    seller.settler.settle_now(WAIT).await.unwrap();
    earn(&world, &seller, 9, &late, &[(250, 250)]).await;
    seller.close().await;
    give_notice(&world, 9, &late, 9_600).await;
    withdraw(&world, 9, &late).await;
    let seller = Seller::open(&world, &wish(&world)).await;
    seller.channels.look(WAIT).await.unwrap();
    seller.settler.settle_now(WAIT).await.unwrap();
    let unclaimed = 250;
    let earned = world.tokens(SELLER).await - before;
    assert_eq!(earned, 6_000 + 650 - unclaimed);
    assert!(
        seller.store.claims(10).await.unwrap().is_empty(),
        "what is gone is not tried for"
    );
    assert!(seller.store.verify().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_above_what_a_channel_holds_is_cut_to_it_and_harms_no_other() {
    let world = World::new().await;
    let seller = Seller::open(&world, &wish(&world)).await;
    let before = world.tokens(SELLER).await;
    let (gone, stays) = (
        open(&world, &seller, 2, 5_000).await,
        open(&world, &seller, 3, 5_000).await,
    );
    earn(&world, &seller, 2, &gone, &[(2_000, 2_000)]).await;
    earn(&world, &seller, 3, &stays, &[(700, 700)]).await;
    // The books are made to believe in money that the chain does not have.
    let state = agent_core::channel::LockState {
        authorized: BaseUnits::new(50_000),
        claimed: BaseUnits::ZERO,
        deadline_unix_secs: agent_core::channel::NO_DEADLINE,
    };
    seller.store.observe(gone.into(), state).await.unwrap();
    earn(&world, &seller, 2, &gone, &[(40_000, 40_000)]).await;
    let report = seller.settler.settle_now(WAIT).await.unwrap();
    // What the channel holds is claimed once the refusal made the seller look.
    assert_eq!(report.claimed_base_units, BaseUnits::new(5_700));
    assert_eq!(world.tokens(SELLER).await - before, 5_700);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_on_a_channel_goes_on_after_a_kill_and_is_sent_once() {
    let world = World::new().await;
    let line = Line::to(world.devnet.address()).await;
    let wish = Wish {
        url: line.url.clone(),
        ..wish(&world)
    };
    let seller = Seller::open(&world, &wish).await;
    let before = world.tokens(SELLER).await;
    let channel = open(&world, &seller, 2, 10_000).await;
    earn(&world, &seller, 2, &channel, &[(1_000, 1_000), (500, 400)]).await;
    // Down before it is handed over, and down between that and the chain.
    for _ in 0..2 {
        line.cut();
        let late = seller.settler.settle_now(MOMENT).await.unwrap_err();
        assert!(
            matches!(
                late,
                SettleError::NotYet(_) | SettleError::Chain(_) | SettleError::Unconfirmed(_)
            ),
            "{late:?}"
        );
        line.mend();
    }
    seller.close().await;
    let seller = Seller::open(&world, &wish).await;
    seller.settler.settle_now(WAIT).await.unwrap();
    seller.assert_paid(&world, 1_400, before).await;
    assert_eq!(world.seller_transactions().await, 1, "not sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_is_taken_back_is_made_again() {
    let world = World::new().await;
    let wish = Wish {
        confirmations: 3,
        ..wish(&world)
    };
    let seller = Seller::open(&world, &wish).await;
    let before = world.tokens(SELLER).await;
    let channel = open(&world, &seller, 2, 10_000).await;
    earn(&world, &seller, 2, &channel, &[(1_000, 1_000)]).await;
    let settling = tokio::spawn({
        let settler = seller.settler.clone();
        async move { settler.settle_now(WAIT).await }
    });
    let claims = async || seller.store.claims(10).await.unwrap().len();
    until("the mirror sees the claim", async || claims().await == 0).await;
    world.devnet.chain().set_automine(false);
    world.devnet.chain().rollback(1).unwrap();
    world.devnet.chain().mine(2).unwrap();
    until("the mirror sees that it is gone", async || {
        claims().await == 1
    })
    .await;
    assert_eq!(world.tokens(SELLER).await, before);
    world.devnet.chain().set_automine(true);
    until("it is mined again", async || {
        world.devnet.chain().mine(1).unwrap();
        settling.is_finished()
    })
    .await;
    settling.await.unwrap().unwrap();
    seller.assert_paid(&world, 1_000, before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_by_value_is_claimed_and_paid_without_being_asked() {
    let world = World::new().await;
    let policy = SettlePolicy {
        value: BaseUnits::new(1_000),
        ..patient()
    };
    let seller = Seller::open(
        &world,
        &Wish {
            policy,
            ..wish(&world)
        },
    )
    .await;
    let before = world.tokens(SELLER).await;
    let channel = open(&world, &seller, 2, 10_000).await;
    earn(&world, &seller, 2, &channel, &[(999, 999)]).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(world.seller_transactions().await, 0, "not worth it yet");
    earn(&world, &seller, 2, &channel, &[(1, 1)]).await;
    until("paid", async || {
        world.tokens(SELLER).await - before == 1_000
    })
    .await;
}

/// A node that tells of money that another node does not have.
#[tokio::test(flavor = "multi_thread")]
async fn one_node_alone_is_not_believed() {
    let world = World::new().await;
    let seller = Seller::open(&world, &wish(&world)).await;
    let channel = open(&world, &seller, 2, 10_000).await;
    let elsewhere = Devnet::start(DevnetConfig::default()).await.unwrap();
    let other = ChainSettings::devnet(elsewhere.url()).chain().unwrap();
    let checked = world.chain.clone().checked_by(other);
    let config = ChannelMirrorConfig {
        receiver: address(SELLER),
        tokens: vec![channel.token],
        poll_interval: Duration::from_secs(3_600),
        head_max_age: None,
    };
    let clock = Arc::new(SystemClock);
    let doubting = ChannelMirror::start(seller.store.clone(), checked, config, clock);
    let told = doubting.state(&channel).await;
    assert!(matches!(told, Err(SettleError::Chain(_))), "{told:?}");
}
