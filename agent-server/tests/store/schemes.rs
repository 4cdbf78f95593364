//! Channels of `batch-settlement`, transfers and credit in the same books as locks.

use crate::support::*;
use agent_core::a2a::TaskState;
use agent_core::channel::{NO_DEADLINE, Refusal};
use agent_core::json::Json;
use agent_core::ledger::{
    Extend, ExtendRequest, Ledger, Proof, Reserve, ReserveRequest, Transfer, Unparked,
};
use agent_core::voucher::Funding;
use agent_core::x402::batch::ChannelConfig;
use agent_server::store::SqliteStore;
use alloy_primitives::{Address, B256};

async fn opened(balance: u128, claimed: u128) -> (tempfile::TempDir, SqliteStore, ChannelConfig) {
    let (dir, store) = fresh();
    let channel = channel(1);
    see(&store, &channel, balance, claimed).await;
    (dir, store, channel)
}

async fn see(store: &SqliteStore, channel: &ChannelConfig, balance: u128, claimed: u128) {
    let mut state = on_chain(balance, claimed);
    state.deadline_unix_secs = NO_DEADLINE;
    store.observe((*channel).into(), state).await.unwrap();
}

/// A call that is charged `charge` of its `max`.
async fn buy(store: &SqliteStore, name: &str, channel: &ChannelConfig, max: u128, charge: u128) {
    let charged = counted(store, channel).await;
    let reserved = hold(store, batch_request(name, channel, charged + max, max)).await;
    store
        .post(reserved, units(charge), done(name))
        .await
        .unwrap();
}

async fn counted(store: &SqliteStore, channel: &ChannelConfig) -> u128 {
    let view = store.channel(batch_id(channel)).await.unwrap().unwrap();
    view.channel.charged.get()
}

#[tokio::test]
async fn a_stock_buyer_pays_call_after_call_with_what_was_charged_plus_the_price() {
    let (_dir, store, channel) = opened(10_000, 0).await;
    buy(&store, "a", &channel, 1_000, 1_000).await;
    buy(&store, "b", &channel, 1_000, 400).await;
    buy(&store, "c", &channel, 1_000, 1_000).await;
    let claims = store.claims(10).await.unwrap();
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0].funding, Funding::Batch(channel));
    assert_eq!(
        (claims[0].ceiling, claims[0].charged),
        (units(2_400), units(2_400))
    );
    assert_right(&store).await;
}

#[tokio::test]
async fn one_call_at_a_time_and_no_ceiling_but_the_next() {
    let (_dir, store, channel) = opened(10_000, 0).await;
    let reserved = hold(&store, batch_request("a", &channel, 1_000, 1_000)).await;
    let busy = refusal(&store, batch_request("b", &channel, 2_000, 1_000)).await;
    assert_eq!(busy, Refusal::ChannelBusy);
    store.post(reserved, units(1_000), done("a")).await.unwrap();
    for ceiling in [1_000, 1_999, 2_001, 10_000] {
        let answer = store
            .reserve(batch_request("c", &channel, ceiling, 1_000))
            .await;
        let Ok(Reserve::Refused {
            why,
            channel,
            voucher,
        }) = answer
        else {
            panic!("{answer:?}");
        };
        let required = units(2_000);
        let charged = units(1_000);
        assert_eq!(why, Refusal::CumulativeMismatch { required, charged });
        assert_eq!(channel.unwrap().charged, charged);
        assert_eq!(voucher.unwrap().0, charged, "the proof of what was charged");
    }
    let above = refusal(&store, batch_request("d", &channel, 11_000, 10_000)).await;
    assert!(matches!(above, Refusal::CeilingAboveAuthorized { .. }));
    assert_right(&store).await;
}

#[tokio::test]
async fn a_call_that_was_not_charged_is_paid_for_with_the_same_voucher() {
    let (dir, store, channel) = opened(10_000, 0).await;
    buy(&store, "a", &channel, 1_000, 1_000).await;
    for (n, charge) in [("b", None), ("c", Some(0))] {
        let reserved = hold(&store, batch_request(n, &channel, 2_000, 1_000)).await;
        let claims = store.claims(10).await.unwrap();
        assert_eq!(
            claims[0].ceiling,
            units(1_000),
            "the voucher in flight is no claim yet"
        );
        match charge {
            None => store
                .void(reserved, task(n, TaskState::Failed, 1))
                .await
                .unwrap(),
            Some(charge) => store.post(reserved, units(charge), done(n)).await.unwrap(),
        }
        assert_right(&store).await;
    }
    // The same after a crash in the middle of the call.
    drop(hold(&store, batch_request("d", &channel, 2_000, 1_000)).await);
    store.close().await;
    let store = open(&dir.path().join("books.db"));
    assert_eq!(store.recovery().voided, 1);
    assert_right(&store).await;
    buy(&store, "e", &channel, 1_000, 700).await;
    assert_eq!(store.claims(10).await.unwrap()[0].ceiling, units(2_000));
    assert_right(&store).await;
}

#[tokio::test]
async fn a_voucher_that_claims_may_publish_buys_nothing_more() {
    let (_dir, store, channel) = opened(10_000, 0).await;
    buy(&store, "a", &channel, 1_000, 400).await;
    // 400 + 600 is the ceiling that was charged under: whoever saw it on chain could send it.
    let replayed = refusal(&store, batch_request("b", &channel, 1_000, 600)).await;
    assert_eq!(replayed, Refusal::VoucherReused);
    // Other prices go on, below that ceiling and above.
    buy(&store, "c", &channel, 300, 300).await;
    assert_eq!(store.claims(10).await.unwrap()[0].ceiling, units(1_000));
    buy(&store, "d", &channel, 1_000, 1_000).await;
    assert_eq!(store.claims(10).await.unwrap()[0].ceiling, units(1_700));
    assert_right(&store).await;
}

#[tokio::test]
async fn a_channel_seen_for_the_first_time_is_taken_up_where_its_payer_is() {
    let (_dir, store, channel) = opened(10_000, 500).await;
    // 2,000 were charged by somebody before, of which 500 were claimed.
    let reserved = hold(&store, batch_request("a", &channel, 3_000, 1_000)).await;
    assert_right(&store).await;
    store.post(reserved, units(1_000), done("a")).await.unwrap();
    assert_eq!(counted(&store, &channel).await, 3_000);
    assert_right(&store).await;
    // Once something is known, nothing is taken up any more.
    let jump = refusal(&store, batch_request("b", &channel, 9_000, 1_000)).await;
    assert!(matches!(jump, Refusal::CumulativeMismatch { .. }));
    // A voucher below what was claimed pays for nothing.
    let spent = channel_with(2);
    see(&store, &spent, 10_000, 5_000).await;
    let old = refusal(&store, batch_request("c", &spent, 5_000, 1_000)).await;
    assert!(matches!(old, Refusal::CumulativeMismatch { .. }));
    assert_right(&store).await;
}

fn channel_with(salt: u8) -> ChannelConfig {
    channel(salt)
}

#[tokio::test]
async fn notice_of_withdrawal_and_old_news_admit_nothing() {
    let (_dir, store, channel) = opened(10_000, 0).await;
    let mut later = batch_request("a", &channel, 1_000, 1_000);
    later.now_unix_millis += 301_000;
    assert_eq!(refusal(&store, later).await, Refusal::ChainStateStale);
    let mut withdrawing = on_chain(10_000, 0);
    withdrawing.deadline_unix_secs = NOW + channel.withdraw_delay;
    store.observe(channel.into(), withdrawing).await.unwrap();
    let refused = refusal(&store, batch_request("a", &channel, 1_000, 1_000)).await;
    assert_eq!(refused, Refusal::Withdrawing);
    see(&store, &channel, 10_000, 0).await;
    buy(&store, "a", &channel, 1_000, 1_000).await;
    assert_right(&store).await;
}

fn more(name: &str, proof: Proof, amount: u128) -> ExtendRequest {
    ExtendRequest {
        payment_id: payment_id(name),
        request_hash: B256::ZERO,
        proof,
        more: units(amount),
        now_unix_millis: NOW_MILLIS,
    }
}

#[tokio::test]
async fn work_is_paid_for_while_it_goes_on_and_what_was_delivered_stays_charged() {
    let (dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    let channel = channel(1);
    see(&store, &channel, 1_000, 0).await;
    for (name, first, second) in [
        (
            "lock",
            request("lock", &lock, 100, 100).proof,
            request("", &lock, 250, 0).proof,
        ),
        (
            "batch",
            batch_request("batch", &channel, 100, 100).proof,
            batch_request("", &channel, 200, 0).proof,
        ),
    ] {
        let mut asked = request(name, &lock, 100, 100);
        asked.proof = first;
        let mut reserved = hold(&store, asked).await;
        store.slice(&mut reserved, units(60)).await.unwrap();
        store.slice(&mut reserved, units(60)).await.unwrap();
        assert_eq!(
            (reserved.amount(), reserved.charged()),
            (units(40), units(60))
        );
        let part = format!("{name}2");
        let grown = store
            .extend(&mut reserved, more(&part, second.clone(), 100))
            .await;
        assert!(matches!(grown, Ok(Extend::Held)), "{grown:?}");
        let again = store
            .extend(&mut reserved, more(&part, second.clone(), 100))
            .await;
        assert!(matches!(again, Ok(Extend::Same)), "{again:?}");
        let replay = store
            .extend(&mut reserved, more("replay", second, 100))
            .await;
        assert!(matches!(replay, Ok(Extend::Refused { .. })), "{replay:?}");
        assert_eq!(
            (reserved.amount(), reserved.charged()),
            (units(140), units(60))
        );
        assert!(store.slice(&mut reserved, units(201)).await.is_err());
        assert_right(&store).await;
        store.slice(&mut reserved, units(150)).await.unwrap();
        assert_right(&store).await;
        if name == "lock" {
            store.post(reserved, units(20), done(name)).await.unwrap();
            let charged = store
                .channel(id_of(&lock))
                .await
                .unwrap()
                .unwrap()
                .channel
                .charged;
            assert_eq!(charged, units(170));
        } else {
            drop(reserved);
        }
    }
    store.close().await;
    let store = open(&dir.path().join("books.db"));
    assert_eq!(store.recovery().freed, units(50));
    assert_eq!(
        counted(&store, &channel).await,
        150,
        "slices survive a crash"
    );
    assert_eq!(store.claims(10).await.unwrap().len(), 2);
    assert_right(&store).await;
}

#[tokio::test]
async fn credit_spends_what_was_signed_and_not_charged_and_no_more() {
    let (_dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    let reserved = hold(&store, request("a", &lock, 500, 500)).await;
    store.post(reserved, units(200), done("a")).await.unwrap();
    let by_credit = |name: &str, ceiling, max| ReserveRequest {
        proof: Proof::Credit {
            channel_id: id_of(&lock),
            ceiling: units(ceiling),
        },
        ..request(name, &lock, 1, max)
    };
    for (ceiling, max) in [(500, 301), (400, 201), (900, 301)] {
        let refused = refusal(&store, by_credit("b", ceiling, max)).await;
        assert!(
            matches!(refused, Refusal::CeilingTooLow { .. }),
            "{refused:?}"
        );
    }
    let reserved = hold(&store, by_credit("c", 500, 300)).await;
    let none = refusal(&store, by_credit("d", 500, 1)).await;
    assert!(matches!(none, Refusal::CeilingTooLow { .. }));
    store.post(reserved, units(300), done("c")).await.unwrap();
    assert_eq!(store.claims(10).await.unwrap()[0].charged, units(500));
    assert_right(&store).await;
    let channel = channel(1);
    see(&store, &channel, 1_000, 0).await;
    let mut foreign = by_credit("e", 500, 1);
    foreign.proof = Proof::Credit {
        channel_id: batch_id(&channel),
        ceiling: units(500),
    };
    assert!(matches!(
        store.reserve(foreign).await,
        Ok(Reserve::Refused { .. })
    ));
}

fn transfer(name: &str, id: u8, amount: u128) -> ReserveRequest {
    ReserveRequest {
        proof: Proof::Transfer(Transfer {
            id: B256::repeat_byte(id),
            payer: Address::repeat_byte(0xb1),
            request: Json::from_value(&"asked").unwrap(),
            expires_unix_secs: NOW + 600,
        }),
        ..request(name, &lock(1), 1, amount)
    }
}

/// They may all be signed over the same balance.
#[tokio::test]
async fn a_payer_has_so_many_transfers_under_way_and_no_more() {
    let (dir, store) = fresh();
    let max_in_flight = rules().max_in_flight;
    let bound = u8::try_from(max_in_flight).unwrap();
    let mut held = Vec::new();
    for id in 1..=bound {
        held.push(hold(&store, transfer(&format!("t-{id}"), id, 1)).await);
    }
    let next = || transfer("next", bound + 1, 1);
    let full = Refusal::TooManyInFlight { max_in_flight };
    assert_eq!(refusal(&store, next()).await, full);
    // One that is known is told what it is, and another payer has its own.
    assert!(matches!(
        store.reserve(transfer("t-1", 1, 1)).await,
        Ok(Reserve::Busy { .. })
    ));
    let mut other = transfer("other", bound + 2, 1);
    if let Proof::Transfer(transfer) = &mut other.proof {
        transfer.payer = Address::repeat_byte(0xb2);
    }
    let other = hold(&store, other).await;
    store.post(other, units(1), done("other")).await.unwrap();
    // One that waits for its buyer or its settlement is under way; one that ended makes room.
    let waits = task("t-1", TaskState::InputRequired, 1);
    store.park(held.remove(0), waits).await.unwrap();
    let outcome = Json::from_value(&"result").unwrap();
    store.settling(&held[0], outcome).await.unwrap();
    assert_eq!(refusal(&store, next()).await, full);
    let last = held.pop().unwrap();
    let name = format!("t-{bound}");
    let failed = task(&name, TaskState::Failed, 1);
    store.void(last, failed).await.unwrap();
    let next = hold(&store, next()).await;
    store.post(next, units(1), done("next")).await.unwrap();
    drop(held);
    store.close().await;
    // After a crash the parked one and the one being settled are left.
    let store = open(&dir.path().join("books.db"));
    assert_right(&store).await;
    for id in 0..bound - 2 {
        let name = format!("again-{id}");
        drop(hold(&store, transfer(&name, 0x80 + id, 1)).await);
    }
    assert_eq!(refusal(&store, transfer("over", 0xff, 1)).await, full);
}

#[tokio::test]
async fn a_transfer_buys_once_and_waits_for_its_settlement_across_a_crash() {
    let (dir, store) = fresh();
    let reserved = hold(&store, transfer("a", 1, 70)).await;
    assert_eq!(
        (reserved.channel_id(), reserved.amount()),
        (None, units(70))
    );
    assert!(matches!(
        store.reserve(transfer("a", 1, 70)).await,
        Ok(Reserve::Busy { .. })
    ));
    let reused = refusal(&store, transfer("b", 1, 70)).await;
    assert_eq!(reused, Refusal::TransferReused);
    let outcome = Json::from_value(&"result").unwrap();
    let asked = store.settling(&reserved, outcome.clone()).await.unwrap();
    assert_eq!(asked.get(), "\"asked\"");
    drop(reserved);
    drop(hold(&store, transfer("running", 2, 5)).await);
    let parked = hold(&store, transfer("parked", 3, 6)).await;
    let waits = task("parked", TaskState::InputRequired, 1);
    store.park(parked, waits).await.unwrap();
    store.close().await;

    let store = open(&dir.path().join("books.db"));
    let report = store.recovery();
    assert_eq!((report.settling, report.voided, report.parked), (1, 1, 1));
    assert_right(&store).await;
    let mut left = store.unsettled().await.unwrap();
    assert_eq!(left.len(), 1);
    let left = left.remove(0);
    assert_eq!(
        (left.request.get(), left.outcome.get()),
        ("\"asked\"", "\"result\"")
    );
    store
        .post(left.reserved, units(70), done("a"))
        .await
        .unwrap();
    assert!(store.unsettled().await.unwrap().is_empty());
    assert!(matches!(
        store.reserve(transfer("a", 1, 70)).await,
        Ok(Reserve::Same { .. })
    ));
    let reused = refusal(&store, transfer("c", 2, 5)).await;
    assert_eq!(
        reused,
        Refusal::TransferReused,
        "also when nothing was charged"
    );
    let late = (NOW + 600) * 1_000;
    let unparked = store.unpark("task-parked".to_owned(), late).await.unwrap();
    let Unparked::Expired(parked) = unparked else {
        panic!("{unparked:?}");
    };
    let ended = task("parked", TaskState::Failed, 2);
    store.void(parked, ended).await.unwrap();
    let books = store.books().await.unwrap().direct;
    assert_eq!(
        (books.charged, books.posted, books.voided),
        (units(70), 1, 2)
    );
    assert_eq!(books.pending, 0);
    assert_right(&store).await;
}
