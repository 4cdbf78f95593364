//! The tables of tasks and events.

use super::codec::{Sql, corrupt, json_in, maybe_json_in, number_in, number_out};
use super::limits;
use super::payments;
use super::tasks::{StoreError, StoredTask};
use agent_core::a2a::TaskState;
use agent_core::json::Json;
use agent_core::ledger::TaskWrite;
use rusqlite::{Connection, OptionalExtension};

/// Stores a task that no payment is being resolved with.
pub(super) fn put(conn: &Connection, write: &TaskWrite) -> Sql<Result<(), StoreError>> {
    if write.state.is_terminal() && payments::held_for(conn, &write.id)? {
        return Ok(Err(if has_ended(conn, &write.id)? {
            StoreError::Ended(write.id.clone())
        } else {
            StoreError::MoneyHeld(write.id.clone())
        }));
    }
    Ok(if store(conn, write, false)? {
        Ok(())
    } else {
        Err(StoreError::Ended(write.id.clone()))
    })
}

pub(super) fn has_ended(conn: &Connection, id: &str) -> Sql<bool> {
    let state: Option<String> = conn
        .prepare_cached("SELECT state FROM tasks WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    state.map_or(Ok(false), |name| {
        parse_state(&name).map(TaskState::is_terminal)
    })
}

/// Stores a task; false, and nothing is stored, if it has ended.
///
/// `paid` says that a payment is or was held for it, which it then remains.
pub(super) fn store(conn: &Connection, write: &TaskWrite, paid: bool) -> Sql<bool> {
    // An ended task is never taken up again, so what that would need is not kept.
    let resume = write.resume.as_ref().filter(|_| !write.state.is_terminal());
    let rows = conn
        .prepare_cached(
            "INSERT INTO tasks (id, context_id, state, seq, updated_ms, task, resume, owner, paid)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, seq = excluded.seq,
             updated_ms = excluded.updated_ms, task = excluded.task, resume = excluded.resume,
             paid = tasks.paid OR excluded.paid
         WHERE excluded.seq >= tasks.seq AND tasks.state NOT IN ('TASK_STATE_COMPLETED',
             'TASK_STATE_FAILED', 'TASK_STATE_CANCELED', 'TASK_STATE_REJECTED')",
        )?
        .execute((
            &write.id,
            &write.context_id,
            write.state.as_str(),
            number_out(write.seq),
            number_out(write.updated_unix_millis),
            write.task.get(),
            resume.map(Json::get),
            &write.owner,
            paid,
        ))?;
    if rows == 0 && has_ended(conn, &write.id)? {
        return Ok(false);
    }
    if write.events.is_empty() {
        return Ok(true);
    }
    let mut insert = conn.prepare_cached(
        "INSERT INTO task_events (task_id, seq, event) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    for (seq, event) in &write.events {
        insert.execute((&write.id, number_out(*seq), event.get()))?;
    }
    Ok(true)
}

pub(super) fn get(conn: &Connection, id: &str) -> Sql<Option<StoredTask>> {
    conn.prepare_cached(
        "SELECT id, context_id, state, seq, updated_ms, task, resume, owner FROM tasks WHERE id = ?1",
    )?
    .query_row([id], |row| {
        Ok(StoredTask {
            id: row.get(0)?,
            context_id: row.get(1)?,
            state: parse_state(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?)?,
            seq: number_in(row, 3)?,
            updated_unix_millis: number_in(row, 4)?,
            task: json_in(row, 5)?,
            resume: maybe_json_in(row, 6)?,
            owner: row.get(7)?,
        })
    })
    .optional()
}

pub(super) fn events_after(
    conn: &Connection,
    id: &str,
    seq: u64,
    limit: usize,
) -> Sql<Vec<(u64, Json)>> {
    let limit = i64::try_from(limit.min(limits::EVENTS_READ_MAX)).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(
        "SELECT seq, event FROM task_events WHERE task_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
    )?;
    let rows = statement.query_map((id, number_out(seq), limit), |row| {
        Ok((number_in(row, 0)?, json_in(row, 1)?))
    })?;
    let mut events = Vec::new();
    let mut bytes = 0_usize;
    for row in rows {
        let (number, event): (u64, Json) = row?;
        bytes = bytes.saturating_add(event.get().len());
        events.push((number, event));
        if bytes >= limits::EVENTS_READ_BYTES_MAX {
            break;
        }
    }
    Ok(events)
}

/// The tasks that were worked on, paid or not.
pub(super) fn at_work(conn: &Connection) -> Sql<Vec<String>> {
    let mut statement = conn.prepare(
        "SELECT id FROM tasks WHERE state IN ('TASK_STATE_SUBMITTED', 'TASK_STATE_WORKING')",
    )?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}

fn parse_state(name: &str) -> Sql<TaskState> {
    TaskState::from_name(name).ok_or_else(|| corrupt(2, "not a task state"))
}
