//! The contract of the task store.

use crate::support::*;
use agent_core::a2a::TaskState;
use agent_core::json::Json;
use agent_core::ledger::{Ledger, TaskWrite};
use agent_server::store::limits::{EVENTS_READ_BYTES_MAX, EVENTS_READ_MAX};
use agent_server::store::{StoreError, TaskStore};

const ID: &str = "task-a";

#[tokio::test]
async fn a_task_reads_back_as_it_was_written() {
    let (_dir, store) = fresh();
    assert!(store.get(ID.to_owned()).await.unwrap().is_none());
    let resume = Json::from_text(r#"{"answers":[1.0,1e400]}"#).unwrap();
    let write = TaskWrite {
        resume: Some(resume.clone()),
        ..task("a", TaskState::InputRequired, 3)
    };
    store.put(write.clone()).await.unwrap();
    let read = store.get(ID.to_owned()).await.unwrap().unwrap();
    assert_eq!(
        (read.id.as_str(), read.context_id.as_str()),
        (ID, "context")
    );
    assert_eq!((read.state, read.seq), (TaskState::InputRequired, 3));
    assert_eq!((read.task, read.resume), (write.task, Some(resume)));
    assert_eq!(read.updated_unix_millis, NOW_MILLIS);
}

#[tokio::test]
async fn the_higher_number_stands_and_no_event_is_lost_or_replaced() {
    let (_dir, store) = fresh();
    for seq in [2, 5, 3, 5, 1] {
        store.put(task("a", TaskState::Working, seq)).await.unwrap();
    }
    assert_eq!(store.get(ID.to_owned()).await.unwrap().unwrap().seq, 5);
    let numbers = async |after, limit| {
        let events = store
            .events_after(ID.to_owned(), after, limit)
            .await
            .unwrap();
        events.into_iter().map(|(seq, _)| seq).collect::<Vec<_>>()
    };
    assert_eq!(numbers(0, 10).await, [1, 2, 3, 5]);
    assert_eq!(numbers(2, 1).await, [3]);
    assert!(numbers(5, 10).await.is_empty());
    let mut other = task("a", TaskState::Working, 5);
    other.events = vec![(5, Json::from_text("\"another\"").unwrap())];
    store.put(other).await.unwrap();
    let kept = store.events_after(ID.to_owned(), 4, 1).await.unwrap();
    assert_eq!(kept[0].1.get(), "{\"seq\":5}");
    assert_right(&store).await;
}

#[tokio::test]
async fn a_read_of_events_is_bounded() {
    let (_dir, store) = fresh();
    let last = u64::try_from(EVENTS_READ_MAX).unwrap() + 1;
    let mut write = task("a", TaskState::Working, last);
    write.events = (1..=last).map(|seq| (seq, Json::default())).collect();
    store.put(write).await.unwrap();
    let events = store
        .events_after(ID.to_owned(), 0, usize::MAX)
        .await
        .unwrap();
    assert_eq!(events.len(), EVENTS_READ_MAX);

    // A few large ones are as much as many small ones.
    let large = Json::from_value(&"x".repeat(EVENTS_READ_BYTES_MAX / 2)).unwrap();
    let mut write = task("a", TaskState::Working, last + 5);
    write.events = (last + 1..=last + 5)
        .map(|seq| (seq, large.clone()))
        .collect();
    store.put(write).await.unwrap();
    let mut after = last;
    for read in [2, 2, 1, 0] {
        let events = store.events_after(ID.to_owned(), after, usize::MAX);
        let events = events.await.unwrap();
        assert_eq!(events.len(), read);
        after = events.last().map_or(after, |(number, _)| *number);
    }
}

#[tokio::test]
async fn terminal_is_final() {
    for state in [
        TaskState::Completed,
        TaskState::Failed,
        TaskState::Canceled,
        TaskState::Rejected,
    ] {
        let (_dir, store) = fresh();
        let resume = Some(Json::default());
        store
            .put(TaskWrite {
                resume,
                ..task("a", state, 1)
            })
            .await
            .unwrap();
        let refused = store
            .put(task("a", TaskState::Working, 2))
            .await
            .unwrap_err();
        assert_eq!(refused, StoreError::Ended(ID.to_owned()));
        let read = store.get(ID.to_owned()).await.unwrap().unwrap();
        assert_eq!((read.state, read.seq), (state, 1));
        assert!(read.resume.is_none(), "an ended task is not taken up again");
        assert_eq!(store.events_after(ID.to_owned(), 1, 9).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_task_with_money_held_ends_only_with_its_payment() {
    let (_dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    let reserved = hold(&store, request("a", &lock, 100, 60)).await;
    store.put(task("a", TaskState::Working, 1)).await.unwrap();
    let refused = store
        .put(task("a", TaskState::Completed, 2))
        .await
        .unwrap_err();
    assert_eq!(refused, StoreError::MoneyHeld(ID.to_owned()));
    store
        .void(reserved, task("a", TaskState::Canceled, 2))
        .await
        .unwrap();
    assert_eq!(
        store.get(ID.to_owned()).await.unwrap().unwrap().state,
        TaskState::Canceled
    );
    assert_right(&store).await;
}

#[tokio::test]
async fn nothing_is_charged_for_a_task_that_has_ended_and_its_money_can_be_freed() {
    let (_dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    store.put(task("a", TaskState::Rejected, 1)).await.unwrap();
    let reserved = hold(&store, request("a", &lock, 100, 60)).await;
    let unresolved = store
        .post(reserved, units(60), done("a"))
        .await
        .unwrap_err();
    let parked = task("a", TaskState::InputRequired, 2);
    let unresolved = store.park(unresolved.reserved, parked).await.unwrap_err();
    store
        .void(unresolved.reserved, task("a", TaskState::Failed, 2))
        .await
        .unwrap();
    let read = store.get(ID.to_owned()).await.unwrap().unwrap();
    assert_eq!(read.state, TaskState::Rejected);
    assert_eq!(store.books().await.unwrap().charged, units(0));
    assert_right(&store).await;
}
