//! A file from before there were other schemes than z402 opens, and its books go on.

use crate::support::*;
use agent_core::a2a::TaskState;
use agent_core::channel::Refusal;
use agent_core::ledger::{Ledger, Reserve, Unparked};
use rusqlite::Connection;

/// What makes a file of the fifth version out of one of the sixth.
const BACK: &str = "
PRAGMA foreign_keys = OFF;
DROP TABLE settlements;
CREATE TABLE payments_old (
    payment_id   TEXT PRIMARY KEY,
    request_hash BLOB NOT NULL CHECK (length(request_hash) = 32),
    channel_id   BLOB NOT NULL REFERENCES channels (channel_id),
    ceiling      BLOB NOT NULL CHECK (length(ceiling) = 16),
    reserved     BLOB NOT NULL CHECK (length(reserved) = 16),
    charged      BLOB NOT NULL CHECK (length(charged) = 16),
    state        TEXT NOT NULL CHECK (state = 'running' OR state = 'parked'
                     OR state = 'posted' OR state = 'voided'),
    task_id      TEXT NOT NULL,
    context_id   TEXT NOT NULL,
    skill        TEXT NOT NULL,
    created_ms   INTEGER NOT NULL,
    resolved_ms  INTEGER,
    owner        TEXT NOT NULL DEFAULT '',
    UNIQUE (channel_id, ceiling)
) STRICT;
INSERT INTO payments_old SELECT payment_id, request_hash, channel_id, ceiling, reserved, charged,
    state, task_id, context_id, skill, created_ms, resolved_ms, owner FROM payments;
DROP TABLE payments;
ALTER TABLE payments_old RENAME TO payments;
CREATE INDEX payments_open ON payments (task_id) WHERE state IN ('running', 'parked');
ALTER TABLE channels DROP COLUMN receiver_authorizer;
ALTER TABLE channels DROP COLUMN withdraw_delay;
ALTER TABLE channels DROP COLUMN batch_salt;
ALTER TABLE channels DROP COLUMN proven;
ALTER TABLE channels DROP COLUMN held_signature;
ALTER TABLE channels DROP COLUMN observed_ms;
PRAGMA user_version = 5;
";

#[tokio::test]
async fn books_of_the_fifth_version_go_on() {
    let (dir, store) = fresh();
    let path = dir.path().join("books.db");
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    let posted = hold(&store, request("posted", &lock, 10, 10)).await;
    store.post(posted, units(8), done("posted")).await.unwrap();
    let voided = hold(&store, request("voided", &lock, 20, 10)).await;
    let failed = task("voided", TaskState::Failed, 1);
    store.void(voided, failed).await.unwrap();
    let parked = hold(&store, request("parked", &lock, 30, 10)).await;
    let waits = task("parked", TaskState::InputRequired, 1);
    store.park(parked, waits).await.unwrap();
    drop(hold(&store, request("running", &lock, 50, 20)).await);
    store.close().await;
    Connection::open(&path)
        .unwrap()
        .execute_batch(BACK)
        .unwrap();

    let store = open(&path);
    assert_right(&store).await;
    let report = store.recovery();
    assert_eq!((report.voided, report.parked), (1, 1));
    let same = store.reserve(request("posted", &lock, 10, 10)).await;
    assert!(matches!(same, Ok(Reserve::Same { .. })), "{same:?}");
    let reused = refusal(&store, request("thief", &lock, 20, 1)).await;
    assert_eq!(reused, Refusal::VoucherReused);
    let parked = store.unpark("task-parked".to_owned(), NOW_MILLIS).await;
    let Ok(Unparked::Held(parked)) = parked else {
        panic!("{parked:?}");
    };
    store.post(parked, units(10), done("parked")).await.unwrap();
    let next = hold(&store, request("next", &lock, 60, 10)).await;
    store.post(next, units(10), done("next")).await.unwrap();
    assert_eq!(store.claims(10).await.unwrap()[0].charged, units(28));
    assert_right(&store).await;
}
