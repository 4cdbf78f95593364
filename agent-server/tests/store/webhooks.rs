//! The contract of the store of webhooks.

use crate::support::*;
use agent_core::a2a::{TaskPushNotificationConfig, TaskState};
use agent_core::ledger::{Ledger, TaskWrite};
use agent_core::money::BaseUnits;
use agent_server::store::{
    Attempt, PushConfigs, PushStoreError, PushVersion, SqliteStore, TaskStore, Webhook,
    WebhookCaps, WebhookKey,
};
use std::path::Path;

const CAPS: WebhookCaps = WebhookCaps {
    per_task: 3,
    per_owner: 4,
    in_all: 6,
};

fn webhook(id: &str) -> Webhook {
    let config = TaskPushNotificationConfig {
        id: id.to_owned(),
        url: format!("https://example.com/{id}"),
        token: "token".into(),
        ..TaskPushNotificationConfig::default()
    };
    Webhook::new(config, PushVersion::V1_0)
}

fn key(name: &str, id: &str) -> WebhookKey {
    WebhookKey {
        task_id: format!("task-{name}"),
        id: id.to_owned(),
    }
}

async fn attach(
    store: &SqliteStore,
    name: &str,
    owner: &str,
    ids: &[&str],
) -> Result<(), PushStoreError> {
    let webhooks = ids.iter().map(|id| webhook(id)).collect();
    let task_id = format!("task-{name}");
    PushConfigs::put(store, task_id, owner.to_owned(), webhooks, CAPS).await
}

async fn write(store: &SqliteStore, write: TaskWrite) {
    TaskStore::put(store, write).await.unwrap();
}

/// The number of the event that comes next.
async fn next(store: &SqliteStore, name: &str, id: &str) -> Option<u64> {
    let notice = store.next(key(name, id)).await.unwrap();
    notice.map(|notice| notice.seq)
}

async fn settle(store: &SqliteStore, name: &str, seq: u64, attempt: Attempt) -> (u32, bool) {
    let standing = store.settle(key(name, "h"), seq, attempt, 3).await.unwrap();
    let standing = standing.expect("it is there");
    (standing.failures, standing.suspended)
}

#[tokio::test]
async fn a_webhook_is_told_from_its_place_on_and_its_place_outlives_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let path: &Path = &dir.path().join("books.db");
    let store = open(path);
    // One from before the task is stored, and one from after its second event.
    attach(&store, "a", "", &["first"]).await.unwrap();
    write(&store, task("a", TaskState::Working, 1)).await;
    write(&store, task("a", TaskState::Working, 2)).await;
    attach(&store, "a", "", &["h"]).await.unwrap();
    assert_eq!(next(&store, "a", "h").await, None);
    for seq in [3, 5, 6] {
        write(&store, task("a", TaskState::InputRequired, seq)).await;
    }
    assert_eq!(next(&store, "a", "first").await, Some(1));
    assert_eq!(next(&store, "a", "h").await, Some(3));
    assert_eq!(settle(&store, "a", 3, Attempt::Delivered).await, (0, false));
    // What failed is next again; what was refused is not.
    assert_eq!(settle(&store, "a", 5, Attempt::Failed).await, (1, false));
    assert_eq!(next(&store, "a", "h").await, Some(5));
    store.close().await;
    let store = open(path);
    assert_eq!(next(&store, "a", "h").await, Some(5));
    assert_eq!(settle(&store, "a", 5, Attempt::Refused).await, (2, false));
    assert_eq!(next(&store, "a", "h").await, Some(6));
    assert_eq!(settle(&store, "a", 6, Attempt::Failed).await, (3, true));
    assert_eq!(next(&store, "a", "h").await, None);
    // One that is replaced begins where the other stopped, with nothing held against it.
    attach(&store, "a", "", &["h"]).await.unwrap();
    assert_eq!(next(&store, "a", "h").await, Some(6));
    assert_eq!(settle(&store, "a", 6, Attempt::Delivered).await, (0, false));
    assert_eq!(next(&store, "a", "h").await, None);
    assert_eq!(settle(&store, "a", 6, Attempt::Forbidden).await, (1, true));
    store.remove(key("a", "h")).await.unwrap();
    store.remove(key("a", "h")).await.unwrap();
    let gone = store.settle(key("a", "h"), 7, Attempt::Delivered, 3).await;
    assert_eq!(gone.unwrap(), None);
    let pending = store.pending(None).await.unwrap();
    assert_eq!(pending, [key("a", "first")]);
}

#[tokio::test]
async fn there_are_so_many_for_a_task_for_a_caller_and_in_all() {
    let (_dir, store) = fresh();
    let full = |scope| {
        move |error: PushStoreError| match error {
            PushStoreError::TooMany { scope: full, .. } => assert_eq!(full, scope),
            other => panic!("{other:?}"),
        }
    };
    for name in ["a", "b", "c", "d"] {
        write(&store, task(name, TaskState::Working, 1)).await;
    }
    attach(&store, "a", "me", &["1", "2", "3"]).await.unwrap();
    full("the task")(attach(&store, "a", "me", &["1", "4"]).await.unwrap_err());
    attach(&store, "a", "me", &["1", "2"]).await.unwrap();
    full("the caller")(attach(&store, "b", "me", &["1", "2"]).await.unwrap_err());
    attach(&store, "b", "me", &["1"]).await.unwrap();
    attach(&store, "c", "", &["1", "2"]).await.unwrap();
    full("the agent")(attach(&store, "d", "", &["1"]).await.unwrap_err());
    // One that was told everything of a task that has ended makes room; one that was not does not.
    write(&store, task("b", TaskState::Completed, 2)).await;
    full("the agent")(attach(&store, "d", "", &["1"]).await.unwrap_err());
    let told = store.settle(key("b", "1"), 2, Attempt::Delivered, 3).await;
    assert!(told.unwrap().is_some());
    attach(&store, "d", "", &["1"]).await.unwrap();
    assert!(store.find(key("b", "1")).await.unwrap().is_none());
    let left = store.of_task("task-a".to_owned(), "1".to_owned(), 1).await;
    assert_eq!(left.unwrap(), [webhook("2")]);
}

#[tokio::test]
async fn every_way_to_store_an_event_wakes_and_tasks_without_webhooks_wake_nobody() {
    let (_dir, store) = fresh();
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    write(&store, task("other", TaskState::Working, 1)).await;
    for (number, name) in (1..).zip(["posted", "voided", "parked"]) {
        attach(&store, name, "", &["h"]).await.unwrap();
        assert_eq!(store.woken().await, [format!("task-{name}")]);
        let reserved = hold(&store, request(name, &lock, number * 10, 10)).await;
        match name {
            "posted" => store.post(reserved, BaseUnits::new(10), done(name)).await,
            "voided" => store.void(reserved, task(name, TaskState::Failed, 1)).await,
            _ => {
                let parked = task(name, TaskState::InputRequired, 1);
                store.park(reserved, parked).await
            }
        }
        .map_err(|unresolved| unresolved.error)
        .unwrap();
        write(
            &store,
            task(
                "other",
                TaskState::Working,
                1 + u64::try_from(number).unwrap(),
            ),
        )
        .await;
        assert_eq!(store.woken().await, [format!("task-{name}")]);
        assert_eq!(next(&store, name, "h").await, Some(1));
    }
    write(&store, task("parked", TaskState::InputRequired, 2)).await;
    assert_eq!(store.woken().await, ["task-parked"]);
}

#[tokio::test]
async fn a_restart_tells_of_what_it_cut_off_and_forgets_what_never_began() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("books.db");
    let store = open(&path);
    attach(&store, "cut", "", &["h"]).await.unwrap();
    attach(&store, "never", "", &["h"]).await.unwrap();
    write(&store, task("cut", TaskState::Working, 1)).await;
    assert_eq!(
        settle(&store, "cut", 1, Attempt::Delivered).await,
        (0, false)
    );
    store.close().await;
    let store = open(&path);
    assert!(store.find(key("never", "h")).await.unwrap().is_none());
    assert_eq!(store.pending(None).await.unwrap(), [key("cut", "h")]);
    let notice = store.next(key("cut", "h")).await.unwrap().unwrap();
    assert!(notice.event.get().contains("TASK_STATE_FAILED"));
    // And it is woken for what comes, without having been made in this process.
    attach(&store, "new", "", &["h"]).await.unwrap();
    assert_eq!(store.woken().await, ["task-new"]);
}

#[tokio::test]
async fn those_of_tasks_that_ended_long_ago_are_forgotten_once_they_were_told() {
    let (_dir, store) = fresh();
    for (name, state) in [
        ("told", TaskState::Completed),
        ("behind", TaskState::Completed),
        ("working", TaskState::Working),
    ] {
        attach(&store, name, "", &["h"]).await.unwrap();
        write(&store, task(name, state, 1)).await;
    }
    settle(&store, "told", 1, Attempt::Delivered).await;
    settle(&store, "working", 1, Attempt::Delivered).await;
    assert_eq!(store.expire(NOW_MILLIS).await.unwrap(), 0);
    assert_eq!(store.expire(NOW_MILLIS + 1).await.unwrap(), 1);
    assert!(store.find(key("told", "h")).await.unwrap().is_none());
    for name in ["behind", "working"] {
        assert!(store.find(key(name, "h")).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn what_is_secret_of_a_webhook_is_not_in_its_debug_form_and_the_file_is_its_owners() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("books.db");
    let store = open(&path);
    attach(&store, "a", "", &["h"]).await.unwrap();
    let shown = format!("{:?} {:?}", webhook("h"), store.find(key("a", "h")).await);
    assert!(
        !shown.contains("token") && !shown.contains("example.com"),
        "{shown}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let mode = file.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0);
        }
    }
}
