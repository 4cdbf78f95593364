//! Many at once, and a disk that is full.

use crate::support::*;
use agent_core::a2a::TaskState;
use agent_core::channel::Refusal;
use agent_core::ledger::{Ledger, Reserve, ReserveRequest};
use agent_server::store::{SqliteStore, TaskStore};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::Barrier;

const TASKS: usize = 64;

async fn at_once(store: &SqliteStore, request: impl Fn(usize) -> ReserveRequest) -> Vec<Reserve> {
    let barrier = Arc::new(Barrier::new(TASKS));
    let racers: Vec<_> = (0..TASKS)
        .map(|n| {
            let (store, barrier, request) = (store.clone(), Arc::clone(&barrier), request(n));
            tokio::spawn(async move {
                barrier.wait().await;
                store.reserve(request).await.expect("the ledger works")
            })
        })
        .collect();
    let mut answers = Vec::new();
    for racer in racers {
        answers.push(racer.await.expect("joins"));
    }
    answers
}

fn admitted(answers: &[Reserve]) -> usize {
    answers
        .iter()
        .filter(|answer| matches!(answer, Reserve::New(_)))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_payment_id_is_admitted_once() {
    let (_dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(10_000, 0))
        .await
        .unwrap();
    let answers = at_once(&store, |_| request("a", &lock, 100, 10)).await;
    assert_eq!(admitted(&answers), 1);
    let busy = answers
        .iter()
        .filter(|answer| matches!(answer, Reserve::Busy { .. }))
        .count();
    assert_eq!(busy, TASKS - 1);
    assert_eq!(store.books().await.unwrap().reserved, units(10));
    assert_right(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_voucher_is_admitted_once() {
    let (_dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(10_000, 0))
        .await
        .unwrap();
    let answers = at_once(&store, |n| request(&n.to_string(), &lock, 100, 1)).await;
    assert_eq!(admitted(&answers), 1);
    let reused = |answer: &&Reserve| {
        matches!(
            answer,
            Reserve::Refused {
                why: Refusal::VoucherReused,
                ..
            }
        )
    };
    assert_eq!(answers.iter().filter(reused).count(), TASKS - 1);
    assert_right(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_never_hold_more_than_was_signed() {
    let (_dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(10_000, 0))
        .await
        .unwrap();
    // Each ceiling is new, yet together they cover ten calls only.
    let answers = at_once(&store, |n| {
        request(&n.to_string(), &lock, 37 + u128::try_from(n).unwrap(), 10)
    })
    .await;
    assert_eq!(admitted(&answers), 10);
    let channel = store.channel(id_of(&lock)).await.unwrap().unwrap().channel;
    assert!(channel.reserved <= channel.signed);
    assert_right(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_admits_nothing_without_a_row_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("books.db");
    let capped = agent_server::store::StoreConfig {
        max_bytes: Some(160 * 1_024),
        ..config()
    };
    let store = SqliteStore::open(&path, capped).unwrap();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000_000, 0))
        .await
        .unwrap();
    let mut posted = BTreeSet::new();
    let mut failures = 0;
    let mut n = 0_u128;
    let mut refused = Vec::new();
    while failures < 20 {
        n += 1;
        let name = n.to_string();
        match store.reserve(request(&name, &lock, n * 10, 10)).await {
            Ok(Reserve::New(reserved)) => {
                let mut write = done(&name);
                write.events[0].1 = agent_core::json::Json::from_value(&"x".repeat(2_000)).unwrap();
                match store.post(reserved, units(10), write).await {
                    Ok(()) => assert!(posted.insert(name)),
                    Err(unresolved) => {
                        assert_eq!(unresolved.error.code(), "ledger_store");
                        failures += 1;
                    }
                }
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                assert_eq!(error.code(), "ledger_store");
                refused.push((name, n * 10));
                failures += 1;
            }
        }
        assert!(n < 10_000, "the cap is never reached");
    }
    assert_right(&store).await;
    assert!(!posted.is_empty());
    store.close().await;

    let store = open(&path);
    assert_right(&store).await;
    let books = store.books().await.unwrap();
    assert_eq!(books.posted, u64::try_from(posted.len()).unwrap());
    for name in posted {
        let task = store.get(format!("task-{name}")).await.unwrap().unwrap();
        assert_eq!(task.state, TaskState::Completed);
    }
    for (name, ceiling) in refused {
        let reserved = hold(&store, request(&name, &lock, ceiling, 10)).await;
        store.post(reserved, units(10), done(&name)).await.unwrap();
    }
    assert_right(&store).await;
}
