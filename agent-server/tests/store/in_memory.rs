//! Tasks in memory answer as those in the file do, as long as they are there; and they are never
//! more than was said.

use crate::support::{NOW_MILLIS, fresh, task};
use agent_core::a2a::TaskState;
use agent_core::json::Json;
use agent_core::ledger::TaskWrite;
use agent_server::store::{MemoryStore, StoreError, TaskPages, TaskQuery, TaskStore};
use proptest::prelude::*;

const STATES: [TaskState; 4] = [
    TaskState::Working,
    TaskState::InputRequired,
    TaskState::Completed,
    TaskState::Canceled,
];

fn write() -> impl Strategy<Value = TaskWrite> {
    let place = (0..6_u8, 0..3_u8, 0..3_u8);
    let content = (0..STATES.len(), 1..5_u64, 0..4_u64, any::<bool>());
    (place, content).prop_map(|((name, context, owner), (state, seq, later, events))| {
        let mut write = task(&name.to_string(), STATES[state], seq);
        write.context_id = format!("context-{context}");
        write.owner = ["", "ann", "bob"][usize::from(owner)].to_owned();
        write.updated_unix_millis += later;
        if write.state == TaskState::InputRequired {
            write.resume = Some(Json::from_text("[1]").unwrap());
        }
        if !events {
            write.events.clear();
        }
        write
    })
}

fn query() -> impl Strategy<Value = TaskQuery> {
    let which = (
        0..3_usize,
        prop::option::of(0..3_u8),
        prop::option::of(0..STATES.len()),
    );
    let place = (
        prop::option::of(0..4_u64),
        prop::option::of((0..4_u64, 0..6_u8)),
    );
    (which, place, 1..4_usize).prop_map(|((owner, context, state), (since, after), limit)| {
        TaskQuery {
            owner: ["", "ann", "bob"][owner].to_owned(),
            context_id: context.map(|context| format!("context-{context}")),
            state: state.map(|state| STATES[state]),
            since_unix_millis: since.map(|since| NOW_MILLIS + since),
            after: after.map(|(time, name)| (NOW_MILLIS + time, format!("task-{name}"))),
            limit,
            bytes_max: 400,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn memory_and_file_answer_alike(
        writes in prop::collection::vec(write(), 1..30),
        queries in prop::collection::vec(query(), 1..10),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (_dir, file) = fresh();
            let memory = MemoryStore::new(100, 1_000_000);
            for write in writes {
                let id = write.id.clone();
                let answers = (file.put(write.clone()).await, memory.put(write).await);
                assert_eq!(answers.0, answers.1);
                let tasks = (file.get(id.clone()).await, memory.get(id.clone()).await);
                assert_eq!(format!("{:?}", tasks.0), format!("{:?}", tasks.1));
                for (after, limit) in [(0, 10), (2, 10), (1, 1)] {
                    let events = file.events_after(id.clone(), after, limit).await;
                    assert_eq!(events, memory.events_after(id.clone(), after, limit).await);
                }
            }
            for query in queries {
                let (kept, held) = (file.page(query.clone()).await, memory.page(query).await);
                assert_eq!(format!("{kept:?}"), format!("{held:?}"));
            }
        });
    }
}

async fn known(store: &MemoryStore, name: &str) -> bool {
    store.get(format!("task-{name}")).await.unwrap().is_some()
}

/// A task whose status is from so many milliseconds after the start.
fn at(name: &str, state: TaskState, millis: u64) -> TaskWrite {
    let mut write = task(name, state, 1);
    write.updated_unix_millis += millis;
    if state == TaskState::InputRequired {
        write.resume = Some(Json::default());
    }
    write
}

#[tokio::test]
async fn the_oldest_ended_task_makes_room_then_one_that_waits_and_never_one_at_work() {
    let store = MemoryStore::new(3, 1_000_000);
    store.put(at("work", TaskState::Working, 0)).await.unwrap();
    store
        .put(at("waits", TaskState::InputRequired, 1))
        .await
        .unwrap();
    store
        .put(at("ended", TaskState::Completed, 2))
        .await
        .unwrap();
    store.put(at("next", TaskState::Working, 3)).await.unwrap();
    assert!(
        !known(&store, "ended").await,
        "what ended goes first, though it is not the oldest"
    );
    assert!(known(&store, "waits").await);
    store.put(at("third", TaskState::Working, 4)).await.unwrap();
    assert!(!known(&store, "waits").await);
    let refused = store.put(at("fourth", TaskState::Working, 5)).await;
    assert!(matches!(refused, Err(StoreError::Failed(_))), "{refused:?}");
    for name in ["work", "next", "third"] {
        assert!(known(&store, name).await, "{name} is worked on");
    }
    let mut end = at("work", TaskState::Completed, 6);
    end.seq = 2;
    store.put(end).await.unwrap();
    store
        .put(at("fourth", TaskState::Working, 7))
        .await
        .unwrap();
    assert!(!known(&store, "work").await && known(&store, "fourth").await);
    assert_eq!(store.len(), 3);
}

#[tokio::test]
async fn bytes_are_bounded_whatever_the_count() {
    let bytes_max = 100_000;
    let store = MemoryStore::new(1_000_000, bytes_max);
    let long = Json::from_value(&"x".repeat(9_000)).unwrap();
    for number in 0..100 {
        let mut write = at(&number.to_string(), TaskState::Completed, number);
        write.events[0].1 = long.clone();
        store.put(write).await.unwrap();
    }
    assert!((5..=11).contains(&store.len()), "{store:?}");
    assert!(known(&store, "99").await && !known(&store, "80").await);
    // A task at work that grows past the bound is stopped, and what is known of it stays.
    let mut refused = None;
    for seq in 1..100 {
        let mut write = task("grows", TaskState::Working, seq);
        write.events[0].1 = long.clone();
        if let Err(error) = store.put(write).await {
            refused = Some((seq, error));
            break;
        }
    }
    let (seq, error) = refused.expect("refused at some point");
    assert!(matches!(error, StoreError::Failed(_)));
    let kept = store.get("task-grows".to_owned()).await.unwrap().unwrap();
    assert_eq!(kept.seq, seq - 1);
}
