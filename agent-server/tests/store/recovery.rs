//! What a restart resolves, and what it leaves alone.

use crate::support::*;
use agent_client::sqlite::OpenError;
use agent_core::a2a::{
    Artifact, Message, Part, StreamResponse, Task, TaskArtifactUpdateEvent, TaskState,
};
use agent_core::json::Json;
use agent_core::ledger::{Ledger, Reserve, Unparked};
use agent_core::x402::{SettleResponse, Z402Receipt, keys};
use agent_server::store::{SqliteStore, TaskStore};

#[tokio::test]
async fn running_work_is_freed_and_its_buyer_is_told() {
    let (dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    let paid = hold(&store, request("paid", &lock, 10, 10)).await;
    store.post(paid, units(10), done("paid")).await.unwrap();
    drop(hold(&store, request("begun", &lock, 30, 20)).await);
    store
        .put(task("begun", TaskState::Working, 4))
        .await
        .unwrap();
    drop(hold(&store, request("unseen", &lock, 60, 30)).await);
    let parked = hold(&store, request("parked", &lock, 100, 40)).await;
    store
        .park(parked, task("parked", TaskState::InputRequired, 1))
        .await
        .unwrap();
    store
        .put(task("free", TaskState::Submitted, 1))
        .await
        .unwrap();
    store
        .put(task("waiting", TaskState::InputRequired, 1))
        .await
        .unwrap();
    store.close().await;

    let store = open(&dir.path().join("books.db"));
    let report = store.recovery();
    assert_eq!(
        (report.voided, report.parked, report.failed_tasks),
        (2, 1, 3)
    );
    assert_eq!((report.freed, report.broken.len()), (units(50), 0));
    assert_right(&store).await;
    let books = store.books().await.unwrap();
    assert_eq!(
        (books.charged, books.reserved, books.pending),
        (units(10), units(40), 1)
    );
    for (name, state) in [
        ("paid", TaskState::Completed),
        ("begun", TaskState::Failed),
        ("unseen", TaskState::Failed),
        ("free", TaskState::Failed),
        ("parked", TaskState::InputRequired),
        ("waiting", TaskState::InputRequired),
    ] {
        assert_eq!(
            store
                .get(format!("task-{name}"))
                .await
                .unwrap()
                .unwrap()
                .state,
            state,
            "{name}"
        );
    }
    let repeat = store
        .reserve(request("begun", &lock, 30, 20))
        .await
        .unwrap();
    assert!(matches!(repeat, Reserve::Same { task_id } if task_id == "task-begun"));
    let parked = store.unpark("task-parked".to_owned(), NOW_MILLIS).await;
    assert!(matches!(parked, Ok(Unparked::Held(_))));
}

#[tokio::test]
async fn the_interrupted_task_carries_a_receipt_that_nothing_was_paid() {
    let (dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    drop(hold(&store, request("a", &lock, 20, 20)).await);
    store.put(task("a", TaskState::Working, 4)).await.unwrap();
    store
        .put(task("free", TaskState::Working, 1))
        .await
        .unwrap();
    store.close().await;
    let store = open(&dir.path().join("books.db"));

    let stored = store.get("task-a".to_owned()).await.unwrap().unwrap();
    assert_eq!(stored.seq, 5);
    let task: Task = stored.task.parse().unwrap();
    let said = task.status.message.unwrap();
    check_receipt(&said);
    let events = store
        .events_after("task-a".to_owned(), 4, 10)
        .await
        .unwrap();
    let event: StreamResponse = events[0].1.parse().unwrap();
    assert!(event.is_final());
    check_receipt(event.status().unwrap().message.as_ref().unwrap());

    let free: Task = store
        .get("task-free".to_owned())
        .await
        .unwrap()
        .unwrap()
        .task
        .parse()
        .unwrap();
    assert!(
        free.status.message.unwrap().metadata.is_empty(),
        "nobody paid, so no receipt"
    );
}

#[tokio::test]
async fn interrupted_metered_work_keeps_its_pieces_and_its_receipt_says_what_was_charged() {
    let (dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    let mut reserved = hold(&store, request("a", &lock, 20, 20)).await;
    store.slice(&mut reserved, units(12)).await.unwrap();
    let mut write = task("a", TaskState::Working, 1);
    let whole: Task = write.task.parse().unwrap();
    let begun = StreamResponse::Task(whole);
    write.events = vec![(1, Json::from_value(&begun).unwrap())];
    for (seq, text) in [(2, "one"), (3, "two")] {
        let piece = StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
            task_id: write.id.clone(),
            context_id: write.context_id.clone(),
            artifact: Artifact::new("pieces", vec![Part::text(text)]),
            append: seq > 2,
            ..TaskArtifactUpdateEvent::default()
        });
        write.seq = seq;
        write.events.push((seq, Json::from_value(&piece).unwrap()));
    }
    store.put(write).await.unwrap();
    drop(reserved);
    store.close().await;
    let store = open(&dir.path().join("books.db"));
    assert_eq!(store.recovery().freed, units(8));

    let stored = store.get("task-a".to_owned()).await.unwrap().unwrap();
    let task: Task = stored.task.parse().unwrap();
    assert_eq!((stored.seq, task.status.state), (4, TaskState::Failed));
    let texts = task.artifacts[0].parts.iter().map(Part::as_text);
    assert_eq!(texts.collect::<Vec<_>>(), [Some("one"), Some("two")]);
    let said = task.status.message.unwrap();
    assert_eq!(
        said.metadata.get(keys::STATUS).unwrap().get(),
        "\"payment-completed\""
    );
    assert_eq!(
        said.metadata.get(keys::ERROR).unwrap().get(),
        "\"interrupted\""
    );
    let receipts: Vec<SettleResponse> = said.metadata.parse(keys::RECEIPTS).unwrap().unwrap();
    assert!(receipts[0].success && receipts[0].error_reason.is_none());
    let extra: Z402Receipt = receipts[0].extra.parse().unwrap();
    assert_eq!(extra.charged_amount, units(12));
}

fn check_receipt(said: &Message) {
    assert_eq!(said.text(), "interrupted by a restart; nothing was charged");
    assert_eq!(
        said.metadata.get(keys::STATUS).unwrap().get(),
        "\"payment-failed\""
    );
    assert_eq!(
        said.metadata.get(keys::ERROR).unwrap().get(),
        "\"interrupted\""
    );
    let receipts: Vec<SettleResponse> = said.metadata.parse(keys::RECEIPTS).unwrap().unwrap();
    assert_eq!(receipts.len(), 1);
    assert!(!receipts[0].success);
    assert_eq!(receipts[0].error_reason.as_deref(), Some("interrupted"));
    assert_eq!(receipts[0].network, "eip155:84532");
    let extra: Z402Receipt = receipts[0].extra.parse().unwrap();
    assert_eq!(
        (extra.charged_amount, extra.channel_id),
        (units(0), id_of(&lock(1)))
    );
    assert_eq!(extra.payment_id, payment_id("a").as_str());
}

#[tokio::test]
async fn one_file_has_one_owner() {
    let (dir, store) = fresh();
    let path = dir.path().join("books.db");
    let second = SqliteStore::open(&path, config()).unwrap_err();
    assert!(matches!(second, OpenError::InUse { .. }), "{second:?}");
    store.close().await;
    assert_right(&open(&path)).await;
}

#[tokio::test]
async fn a_clean_restart_has_nothing_to_recover() {
    let (dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    let reserved = hold(&store, request("a", &lock, 20, 20)).await;
    store.post(reserved, units(20), done("a")).await.unwrap();
    store.close().await;
    let store = open(&dir.path().join("books.db"));
    assert_eq!(
        *store.recovery(),
        agent_server::store::RecoveryReport::default()
    );
}
