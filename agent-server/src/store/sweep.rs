//! What nobody comes back for: tasks that wait for an answer, and free ones that ended long ago.

use super::codec::{Sql, number_out};
use super::tasks::{StoreError, StoredTask};
use super::{Failed, SqliteStore, notes, task_rows};
use agent_core::a2a::TaskState;
use agent_core::json::Json;
use rusqlite::Connection;

/// How far the tasks that ended were looked through.
const NOTE: &str = "tasks.swept";

impl SqliteStore {
    /// Up to `limit` tasks that have waited for their caller, or for a consent, since before that
    /// time, those that have waited longest first.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    pub async fn waiting_since(
        &self,
        before_unix_millis: u64,
        limit: usize,
    ) -> Result<Vec<StoredTask>, StoreError> {
        self.read(move |conn, _| waiting_since(conn, before_unix_millis, limit))
            .await
            .map_err(failed)
    }

    /// Forgets free tasks that ended before that time, with their events and webhooks, and looks at
    /// no more than `limit` tasks for it; `false` when there are none left to look at.
    ///
    /// A paid task is kept: it is the answer that its payment bought.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    pub async fn forget_ended(
        &self,
        before_unix_millis: u64,
        limit: usize,
    ) -> Result<bool, StoreError> {
        self.write(move |tx, _| forget_ended(tx, before_unix_millis, limit))
            .await
            .map_err(failed)
    }
}

fn failed(failed: Failed) -> StoreError {
    StoreError::Failed(format!("{}: {failed}", failed.code()))
}

fn waiting_since(conn: &Connection, before: u64, limit: usize) -> Sql<Vec<StoredTask>> {
    // As the index of those that wait has it, or it is not used.
    let mut statement = conn.prepare_cached(
        "SELECT id FROM tasks
         WHERE (state = 'TASK_STATE_INPUT_REQUIRED' OR state = 'TASK_STATE_AUTH_REQUIRED')
             AND updated_ms < ?1 ORDER BY updated_ms LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let ids = statement.query_map((number_out(before), limit), |row| row.get::<_, String>(0))?;
    let mut found = Vec::new();
    for id in ids {
        found.extend(task_rows::get(conn, &id?)?);
    }
    Ok(found)
}

struct Row {
    id: String,
    state: String,
    updated_ms: i64,
    paid: bool,
}

fn forget_ended(conn: &Connection, before: u64, limit: usize) -> Sql<bool> {
    let from = notes::get(conn, NOTE)?.and_then(|note| note.parse::<String>().ok());
    let mut statement = conn.prepare_cached(
        "SELECT id, state, updated_ms, paid FROM tasks WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let rows = statement
        .query_map(
            (
                from.unwrap_or_default(),
                i64::try_from(limit).unwrap_or(i64::MAX),
            ),
            |row| {
                Ok(Row {
                    id: row.get(0)?,
                    state: row.get(1)?,
                    updated_ms: row.get(2)?,
                    paid: row.get(3)?,
                })
            },
        )?
        .collect::<Sql<Vec<_>>>()?;
    let full = rows.len() >= limit;
    let (mut swept, mut stopped) = (None, false);
    for row in rows {
        if !row.paid && row.updated_ms >= number_out(before) {
            // Whether it has ended or will: its time is not yet. Ids grow with time, so those after
            // it are hardly older.
            stopped = true;
            break;
        }
        let ended = TaskState::from_name(&row.state).is_some_and(TaskState::is_terminal);
        if ended && !row.paid {
            for sql in [
                "DELETE FROM webhooks WHERE task_id = ?1",
                "DELETE FROM task_events WHERE task_id = ?1",
                "DELETE FROM tasks WHERE id = ?1",
            ] {
                conn.prepare_cached(sql)?.execute([&row.id])?;
            }
        }
        swept = Some(row.id);
    }
    if let Some(id) = swept {
        let note = Json::from_value(&id).unwrap_or_default();
        notes::set(conn, NOTE, Some(&note))?;
    }
    Ok(full && !stopped)
}
