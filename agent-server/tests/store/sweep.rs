//! What is forgotten, and what is kept.

use crate::support::{done, fresh, hold, id_of, lock, on_chain, request, task, units};
use agent_core::a2a::TaskState;
use agent_core::ledger::{Ledger, TaskWrite};
use agent_server::store::TaskStore;

#[tokio::test]
async fn free_tasks_that_ended_long_ago_are_forgotten_and_paid_ones_are_kept() {
    let (_dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    let at = |name: &str, state, updated_unix_millis| TaskWrite {
        updated_unix_millis,
        ..task(name, state, 1)
    };
    // Named so that their order is that of their ids.
    store
        .put(at("a", TaskState::Completed, 1_000))
        .await
        .unwrap();
    let paid = hold(&store, request("b", &lock, 100, 100)).await;
    store.put(at("b", TaskState::Working, 1_000)).await.unwrap();
    let ended = TaskWrite {
        seq: 2,
        updated_unix_millis: 1_000,
        ..done("b")
    };
    store.post(paid, units(100), ended).await.unwrap();
    store
        .put(at("c", TaskState::InputRequired, 1_000))
        .await
        .unwrap();
    store.put(at("d", TaskState::Failed, 2_000)).await.unwrap();
    store
        .put(at("e", TaskState::Canceled, 9_000))
        .await
        .unwrap();
    store
        .put(at("f", TaskState::Rejected, 1_000))
        .await
        .unwrap();

    let known = async || {
        let mut known = String::new();
        for name in ["a", "b", "c", "d", "e", "f"] {
            let found = store.get(format!("task-{name}")).await.unwrap();
            known.extend(found.map(|_| name));
        }
        known
    };
    // In steps as small as they come; what ended too lately holds up what is after it.
    while store.forget_ended(5_000, 1).await.unwrap() {}
    assert_eq!(known().await, "bcef");
    assert!(
        store
            .events_after("task-a".to_owned(), 0, 9)
            .await
            .unwrap()
            .is_empty()
    );
    while store.forget_ended(10_000, 100).await.unwrap() {}
    assert_eq!(known().await, "bc");

    // What waits when it is looked at is looked at again once it has ended.
    store
        .put(at("g", TaskState::InputRequired, 20_000))
        .await
        .unwrap();
    while store.forget_ended(15_000, 100).await.unwrap() {}
    let g = TaskWrite {
        seq: 2,
        ..at("g", TaskState::Failed, 21_000)
    };
    store.put(g).await.unwrap();
    while store.forget_ended(30_000, 100).await.unwrap() {}
    assert!(store.get("task-g".to_owned()).await.unwrap().is_none());

    assert_eq!(store.waiting_since(1_000, 9).await.unwrap().len(), 0);
    let waiting = store.waiting_since(1_001, 9).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].id, "task-c");
    assert!(store.channel(id_of(&lock)).await.unwrap().is_some());
    assert!(store.verify().await.unwrap().is_empty());
}
