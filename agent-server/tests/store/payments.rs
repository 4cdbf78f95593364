//! The contract of the ledger, method by method.

use crate::support::*;
use agent_core::a2a::TaskState;
use agent_core::channel::Refusal;
use agent_core::clock::ManualClock;
use agent_core::ledger::{Books, Ledger, LedgerError, Reserve, Unparked};
use agent_core::money::BaseUnits;
use agent_server::store::{SqliteStore, StoreConfig, TaskStore};
use alloy_primitives::B256;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn a_payment_is_held_then_charged_and_its_task_stored() {
    let (_dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    let reserved = hold(&store, request("a", &lock, 100, 60)).await;
    assert_eq!(
        (reserved.amount(), reserved.task_id()),
        (units(60), "task-a")
    );
    assert_eq!(reserved.channel_id(), Some(id_of(&lock)));
    let channel = store.channel(id_of(&lock)).await.unwrap().unwrap().channel;
    assert_eq!(
        (channel.reserved, channel.signed, channel.in_flight),
        (units(60), units(100), 1)
    );
    store.post(reserved, units(45), done("a")).await.unwrap();
    let view = store.channel(id_of(&lock)).await.unwrap().unwrap();
    assert_eq!(
        (view.channel.charged, view.channel.reserved),
        (units(45), units(0))
    );
    assert_eq!(
        (view.posted, view.voided, view.channel.in_flight),
        (1, 0, 0)
    );
    assert_eq!(
        store.get("task-a".to_owned()).await.unwrap().unwrap().state,
        TaskState::Completed
    );
    assert_right(&store).await;
}

#[tokio::test]
async fn the_same_request_again_buys_nothing_new() {
    let (_dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    let again = || store.reserve(request("a", &lock, 100, 60));
    let reserved = hold(&store, request("a", &lock, 100, 60)).await;
    assert!(matches!(again().await, Ok(Reserve::Busy { task_id }) if task_id == "task-a"));
    store
        .void(reserved, task("a", TaskState::Failed, 1))
        .await
        .unwrap();
    assert!(matches!(again().await, Ok(Reserve::Same { task_id }) if task_id == "task-a"));
    let mut other = request("a", &lock, 200, 60);
    other.request_hash = B256::repeat_byte(1);
    assert_eq!(refusal(&store, other).await, Refusal::PaymentIdConflict);
    assert_eq!(
        refusal(&store, request("b", &lock, 100, 60)).await,
        Refusal::VoucherReused
    );
    assert_right(&store).await;
}

#[tokio::test]
async fn what_a_channel_cannot_bear_is_refused_and_leaves_no_trace() {
    let (_dir, store) = fresh();
    let lock = lock(1);
    assert_eq!(
        refusal(&store, request("a", &lock, 10, 10)).await,
        Refusal::LockUnknown
    );
    let opened = store
        .observe(lock.into(), on_chain(2_000_000, 0))
        .await
        .unwrap();
    let mut late = request("a", &lock, 10, 10);
    late.now_unix_millis = (DEADLINE - 3_599) * 1_000;
    assert!(matches!(
        refusal(&store, late).await,
        Refusal::DeadlineNear { .. }
    ));
    let above = refusal(&store, request("a", &lock, 2_000_001, 10)).await;
    assert_eq!(
        above,
        Refusal::CeilingAboveAuthorized {
            authorized: units(2_000_000)
        }
    );
    let low = refusal(&store, request("a", &lock, 9, 10)).await;
    assert_eq!(
        low,
        Refusal::CeilingTooLow {
            required: units(10),
            signed: units(9)
        }
    );
    let exposed = refusal(&store, request("a", &lock, 2_000_000, 1_000_001)).await;
    assert_eq!(
        exposed,
        Refusal::ExposureExceeded {
            max_unclaimed: units(1_000_000)
        }
    );
    let view = store.channel(id_of(&lock)).await.unwrap().unwrap();
    assert_eq!(view.channel, opened);
    assert_right(&store).await;
}

#[tokio::test]
async fn vouchers_may_arrive_out_of_order() {
    let (_dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    let mut held = Vec::new();
    for (name, ceiling) in [("c", 30), ("a", 10), ("b", 20)] {
        held.push((name, hold(&store, request(name, &lock, ceiling, 10)).await));
    }
    assert!(matches!(
        refusal(&store, request("d", &lock, 29, 10)).await,
        Refusal::CeilingTooLow { required, signed } if (required, signed) == (units(40), units(30))
    ));
    for (name, reserved) in held {
        store.post(reserved, units(10), done(name)).await.unwrap();
    }
    let claims = store.claims(10).await.unwrap();
    assert_eq!(claims.len(), 1);
    assert_eq!(
        (claims[0].ceiling, claims[0].charged),
        (units(30), units(30))
    );
    assert_eq!(claims[0].signature, voucher(&lock, 30).signature());
    assert_right(&store).await;
}

#[tokio::test]
async fn a_charge_above_the_reservation_is_refused_and_the_money_can_still_be_freed() {
    let (_dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    let reserved = hold(&store, request("a", &lock, 100, 60)).await;
    let unresolved = store
        .post(reserved, units(61), done("a"))
        .await
        .unwrap_err();
    assert!(matches!(unresolved.error, LedgerError::Broken(_)));
    store
        .void(unresolved.reserved, task("a", TaskState::Failed, 1))
        .await
        .unwrap();
    let books = store.books().await.unwrap();
    assert_eq!(
        (books.charged, books.reserved, books.voided),
        (BaseUnits::ZERO, units(0), 1)
    );
    assert_right(&store).await;
}

#[tokio::test]
async fn work_is_not_taken_up_again_when_its_lock_cannot_pay_any_more() {
    let (_dir, store) = fresh();
    let (gone, late) = (lock(1), lock(2));
    for (name, lock) in [("gone", gone), ("late", late)] {
        store
            .observe(lock.into(), on_chain(1_000, 0))
            .await
            .unwrap();
        let reserved = hold(&store, request(name, &lock, 100, 60)).await;
        let asked = task(name, TaskState::InputRequired, 1);
        store.park(reserved, asked).await.unwrap();
    }
    store.observe(gone.into(), on_chain(0, 0)).await.unwrap();
    let released = store
        .unpark("task-gone".to_owned(), NOW_MILLIS)
        .await
        .unwrap();
    let expired = store
        .unpark("task-late".to_owned(), DEADLINE * 1_000)
        .await
        .unwrap();
    for (name, unparked) in [("gone", released), ("late", expired)] {
        let Unparked::Expired(reserved) = unparked else {
            panic!("{name}: {unparked:?}");
        };
        let failed = task(name, TaskState::Failed, 2);
        store.void(reserved, failed).await.unwrap();
    }
    assert_eq!(store.books().await.unwrap().pending, 0);
    assert!(store.verify().await.unwrap().is_empty());
}

#[tokio::test]
async fn parked_money_stays_held_until_it_is_taken_up_once() {
    let (_dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    let reserved = hold(&store, request("a", &lock, 100, 60)).await;
    store
        .park(reserved, task("a", TaskState::InputRequired, 1))
        .await
        .unwrap();
    assert!(matches!(
        store.reserve(request("a", &lock, 100, 60)).await,
        Ok(Reserve::Busy { task_id }) if task_id == "task-a"
    ));
    assert_eq!(store.books().await.unwrap().reserved, units(60));
    let Unparked::Held(taken) = store.unpark("task-a".to_owned(), NOW_MILLIS).await.unwrap() else {
        panic!("it is parked");
    };
    assert_eq!(
        (taken.amount(), taken.channel_id()),
        (units(60), Some(id_of(&lock)))
    );
    assert!(matches!(
        store.unpark("task-a".to_owned(), NOW_MILLIS).await,
        Ok(Unparked::NotParked)
    ));
    let ended = task("a", TaskState::Completed, 2);
    store.post(taken, units(60), ended).await.unwrap();
    assert!(matches!(
        store.unpark("task-a".to_owned(), NOW_MILLIS).await,
        Ok(Unparked::NotParked)
    ));
    assert_right(&store).await;
}

#[tokio::test]
async fn claims_come_oldest_first_and_go_when_the_chain_has_paid() {
    let (_dir, store) = fresh();
    let locks = [lock(1), lock(2), lock(3)];
    for (n, lock) in locks.iter().enumerate() {
        store
            .observe((*lock).into(), on_chain(1_000, 0))
            .await
            .unwrap();
        let name = format!("p{n}");
        let reserved = hold(&store, request(&name, lock, 50, 50)).await;
        store.post(reserved, units(50), done(&name)).await.unwrap();
    }
    assert_eq!(store.claims(2).await.unwrap().len(), 2);
    let paid = store
        .observe(locks[1].into(), on_chain(1_000, 50))
        .await
        .unwrap();
    assert_eq!(paid.claimable(), units(0));
    let left: Vec<_> = store
        .claims(10)
        .await
        .unwrap()
        .iter()
        .map(|claim| *claim.funding.lock().unwrap())
        .collect();
    assert_eq!(left.len(), 2);
    assert!(!left.contains(&locks[1]));
    // A reorg takes the claim back, and the money can be claimed again.
    store
        .observe(locks[1].into(), on_chain(1_000, 0))
        .await
        .unwrap();
    assert_eq!(store.claims(10).await.unwrap().len(), 3);
    assert_right(&store).await;
}

#[tokio::test]
async fn a_released_lock_serves_nothing_and_claims_only_what_it_still_holds() {
    let (_dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    let reserved = hold(&store, request("a", &lock, 100, 100)).await;
    store.post(reserved, units(100), done("a")).await.unwrap();
    assert!(
        store
            .observe(lock.into(), on_chain(60, 0))
            .await
            .unwrap()
            .closed
    );
    assert_eq!(
        refusal(&store, request("b", &lock, 200, 10)).await,
        Refusal::ChannelClosed
    );
    assert_eq!(store.claims(10).await.unwrap()[0].charged, units(60));
    store.observe(lock.into(), on_chain(60, 60)).await.unwrap();
    assert!(
        store.claims(10).await.unwrap().is_empty(),
        "nothing is left to claim"
    );
    assert_right(&store).await;
    assert!(
        !store
            .observe(lock.into(), on_chain(500, 60))
            .await
            .unwrap()
            .closed,
        "topped up again"
    );
    assert_eq!(store.claims(10).await.unwrap()[0].charged, units(100));
    assert_right(&store).await;
}

/// Anybody who has read a voucher can have it claimed before it was earned.
#[tokio::test]
async fn more_claimed_than_charged_is_money_in_advance() {
    let (_dir, store) = fresh();
    let lock = lock(1);
    let see = async |claimed| {
        let seen = store.observe(lock.into(), on_chain(1_000, claimed)).await;
        seen.unwrap();
        assert_right(&store).await;
    };
    see(0).await;
    let first = hold(&store, request("a", &lock, 100, 100)).await;
    let second = hold(&store, request("b", &lock, 200, 100)).await;
    store.post(first, units(40), done("a")).await.unwrap();
    see(41).await;
    assert!(store.claims(10).await.unwrap().is_empty());
    // What ran goes on, and what it earned is claimed.
    store.post(second, units(100), done("b")).await.unwrap();
    assert_eq!(store.claims(10).await.unwrap()[0].charged, units(140));
    see(140).await;
    let third = hold(&store, request("c", &lock, 300, 100)).await;
    store.post(third, units(100), done("c")).await.unwrap();
    assert_eq!(store.claims(10).await.unwrap()[0].charged, units(240));
}

#[tokio::test]
async fn a_chain_that_contradicts_itself_stops_the_channel_for_good() {
    let (dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    let reserved = hold(&store, request("a", &lock, 100, 100)).await;
    store.post(reserved, units(40), done("a")).await.unwrap();
    let alarm = store
        .observe(lock.into(), on_chain(1_000, 1_001))
        .await
        .unwrap_err();
    assert_eq!(alarm.code(), "ledger_broken");
    let stopped = async |store: &SqliteStore| {
        let refused = store
            .reserve(request("b", &lock, 200, 10))
            .await
            .unwrap_err();
        assert!(matches!(refused, LedgerError::Broken(_)));
        assert!(store.claims(10).await.unwrap().is_empty());
        assert!(
            store
                .observe(lock.into(), on_chain(1_000, 0))
                .await
                .is_err()
        );
        let codes: Vec<_> = store
            .verify()
            .await
            .unwrap()
            .iter()
            .map(|v| v.code)
            .collect();
        assert_eq!(codes, ["channel_stopped"]);
    };
    stopped(&store).await;
    store.close().await;
    stopped(&open(&dir.path().join("books.db"))).await;
}

#[tokio::test]
async fn a_lock_with_a_past_begins_where_the_chain_says() {
    let (_dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 400))
        .await
        .unwrap();
    assert!(matches!(
        refusal(&store, request("a", &lock, 409, 10)).await,
        Refusal::CeilingTooLow { required, .. } if required == units(410)
    ));
    let reserved = hold(&store, request("a", &lock, 410, 10)).await;
    store.post(reserved, units(10), done("a")).await.unwrap();
    let claim = store.claims(1).await.unwrap()[0];
    assert_eq!((claim.claimed, claim.charged), (units(400), units(410)));
    assert_right(&store).await;
}

#[tokio::test]
async fn a_stale_mirror_admits_nothing_new_and_still_answers_repeats() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config();
    config.chain_max_age = Some(Duration::from_secs(60));
    let store = SqliteStore::open(dir.path().join("books.db"), config).unwrap();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    assert_eq!(
        refusal(&store, request("a", &lock, 10, 10)).await,
        Refusal::ChainStateStale
    );
    store.set_chain_seen(NOW_MILLIS - 60_000);
    store.set_chain_seen(NOW_MILLIS - 90_000);
    let reserved = hold(&store, request("a", &lock, 10, 10)).await;
    let mut later = request("b", &lock, 20, 10);
    later.now_unix_millis += 1;
    assert_eq!(refusal(&store, later).await, Refusal::ChainStateStale);
    let mut repeat = request("a", &lock, 10, 10);
    repeat.now_unix_millis += 1;
    assert!(matches!(
        store.reserve(repeat).await,
        Ok(Reserve::Busy { .. })
    ));
    store
        .void(reserved, task("a", TaskState::Failed, 1))
        .await
        .unwrap();
}

#[tokio::test]
async fn the_books_are_the_same_counted_along_and_counted_anew() {
    let (dir, store) = fresh();
    assert_eq!(store.books().await.unwrap(), Books::default());
    for n in 0..5_u64 {
        let lock = lock(n);
        store
            .observe(lock.into(), on_chain(1_000, 0))
            .await
            .unwrap();
        for p in 0..3_u128 {
            let name = format!("{n}-{p}");
            let reserved = hold(&store, request(&name, &lock, 10 * (p + 1), 10)).await;
            match p {
                0 => store.post(reserved, units(7), done(&name)).await.unwrap(),
                1 => store
                    .void(reserved, task(&name, TaskState::Failed, 1))
                    .await
                    .unwrap(),
                _ => store
                    .park(reserved, task(&name, TaskState::InputRequired, 1))
                    .await
                    .unwrap(),
            }
        }
    }
    let along = store.books().await.unwrap();
    assert_eq!((along.posted, along.voided, along.pending), (5, 5, 5));
    assert_eq!((along.charged, along.reserved), (units(35), units(50)));
    store.close().await;
    let store = open(&dir.path().join("books.db"));
    assert_eq!(store.books().await.unwrap(), along);
    let mut seen = store.channels(None, 3).await.unwrap();
    seen.extend(store.channels(Some(seen[2].id), 3).await.unwrap());
    assert_eq!(seen.len(), 5);
}

#[tokio::test]
async fn what_is_left_after_a_claim_is_as_old_as_the_claim() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at_unix_secs(NOW));
    let config = StoreConfig {
        clock: clock.clone(),
        ..config()
    };
    let store = SqliteStore::open(dir.path().join("books.db"), config).unwrap();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    let since = async || store.claims(1).await.unwrap()[0].unclaimed_since_unix_millis;
    for (name, ceiling) in [("a", 10), ("b", 20)] {
        let reserved = hold(&store, request(name, &lock, ceiling, 10)).await;
        store.post(reserved, units(10), done(name)).await.unwrap();
        assert_eq!(since().await, NOW_MILLIS, "as old as the first charge");
        clock.advance_millis(500);
    }
    store
        .observe(lock.into(), on_chain(1_000, 10))
        .await
        .unwrap();
    assert_eq!(since().await, NOW_MILLIS + 1_000);
}
