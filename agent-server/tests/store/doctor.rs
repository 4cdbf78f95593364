//! Each way of cooking the books is found.

use crate::support::*;
use agent_core::a2a::TaskState;
use agent_core::ledger::Ledger;
use rusqlite::Connection;
use std::path::Path;

/// A file with one payment of each kind.
async fn keep_books(path: &Path) {
    let store = open(path);
    let lock = lock(1);
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    let posted = hold(&store, request("posted", &lock, 10, 10)).await;
    store.post(posted, units(8), done("posted")).await.unwrap();
    let voided = hold(&store, request("voided", &lock, 20, 10)).await;
    store
        .void(voided, task("voided", TaskState::Failed, 1))
        .await
        .unwrap();
    let parked = hold(&store, request("parked", &lock, 30, 10)).await;
    store
        .park(parked, task("parked", TaskState::InputRequired, 1))
        .await
        .unwrap();
    store.close().await;
}

#[tokio::test]
async fn every_forgery_is_reported() {
    let amount = |units: u128| format!("x'{units:032x}'");
    let forgeries = [
        (
            "channel_order",
            format!("UPDATE channels SET claimed = {}", amount(1 << 60)),
        ),
        (
            "channel_order",
            format!("UPDATE channels SET authorized = {}", amount(29)),
        ),
        (
            "channel_sums",
            format!("UPDATE channels SET charged = {}", amount(9)),
        ),
        (
            "channel_sums",
            format!(
                "UPDATE payments SET reserved = {} WHERE state = 'parked'",
                amount(9)
            ),
        ),
        (
            "channel_counts",
            "UPDATE channels SET in_flight = 2, in_flight_max = 2".to_owned(),
        ),
        (
            "channel_counts",
            "DELETE FROM payments WHERE state = 'voided'".to_owned(),
        ),
        (
            "channel_in_flight_max",
            "UPDATE channels SET in_flight_max = 0".to_owned(),
        ),
        (
            "channel_id",
            "UPDATE channels SET payer = randomblob(20)".to_owned(),
        ),
        (
            "channel_signed",
            format!("UPDATE channels SET signed = {}", amount(31)),
        ),
        (
            "channel_voucher",
            "UPDATE channels SET signature = NULL".to_owned(),
        ),
        (
            "channel_voucher",
            format!("UPDATE channels SET signed = {}", amount(31)),
        ),
        (
            "channel_unclaimed",
            "UPDATE channels SET unclaimed_since_ms = NULL".to_owned(),
        ),
        (
            "channel_stopped",
            "UPDATE channels SET broken = 'by hand'".to_owned(),
        ),
        (
            "payment_overcharged",
            format!(
                "UPDATE payments SET charged = {} WHERE state = 'posted'",
                amount(11)
            ),
        ),
        (
            "payment_charge",
            format!(
                "UPDATE payments SET charged = {} WHERE state = 'voided'",
                amount(1)
            ),
        ),
        (
            "payment_time",
            "UPDATE payments SET resolved_ms = NULL".to_owned(),
        ),
        (
            "payment_without_task",
            "DELETE FROM task_events; DELETE FROM tasks WHERE id = 'task-posted'".to_owned(),
        ),
        (
            "task_ended_with_money",
            "UPDATE tasks SET state = 'TASK_STATE_FAILED' WHERE id = 'task-parked'".to_owned(),
        ),
        (
            "payment_settlement",
            format!(
                "INSERT INTO payments (payment_id, request_hash, reserved, charged, state, task_id,
                     context_id, skill, created_ms, transfer_id, payer)
                 VALUES ('transfer_without', randomblob(32), {0}, {0}, 'parked', 'task-parked', '',
                     '', 0, randomblob(32), randomblob(20))",
                amount(0)
            ),
        ),
        (
            "channel_signed",
            "UPDATE payments SET spent = NULL WHERE state = 'parked'".to_owned(),
        ),
        (
            "payment_charge",
            format!(
                "UPDATE payments SET sliced = {} WHERE state = 'posted'",
                amount(9)
            ),
        ),
        ("task_event_ahead", "UPDATE tasks SET seq = 0".to_owned()),
        (
            "file_foreign_key",
            "PRAGMA foreign_keys = OFF; UPDATE payments SET channel_id = randomblob(32)".to_owned(),
        ),
    ];
    for (code, forgery) in forgeries {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("books.db");
        keep_books(&path).await;
        Connection::open(&path)
            .unwrap()
            .execute_batch(&forgery)
            .unwrap();
        let found = open(&path).verify().await.unwrap();
        assert!(
            found.iter().any(|violation| violation.code == code),
            "{forgery}: {found:#?}"
        );
    }
}
