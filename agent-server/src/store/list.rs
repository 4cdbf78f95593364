//! Pages of tasks, the one with the newest status first.

use super::codec::{Sql, number_in, number_out};
use super::tasks::{StoreError, StoredTask};
use super::{SqliteStore, limits, task_rows};
use agent_core::a2a::TaskState;
use agent_core::ledger::BoxFuture;
use rusqlite::{Connection, ToSql};
use std::fmt::Debug;

/// Which tasks, and from where on.
#[derive(Debug, Clone, Default)]
pub struct TaskQuery {
    /// Only tasks of that owner; those without a name have the empty one.
    pub owner: String,
    /// Only tasks of that context.
    pub context_id: Option<String>,
    /// Only tasks in that state.
    pub state: Option<TaskState>,
    /// Only tasks whose status is from that time or later, in Unix milliseconds.
    pub since_unix_millis: Option<u64>,
    /// Only tasks that come after this one: the time of its status, and its id.
    pub after: Option<(u64, String)>,
    /// At most so many tasks, and
    pub limit: usize,
    /// about so many bytes; one task is always given.
    pub bytes_max: usize,
}

/// Some tasks, the one with the newest status first; of one millisecond, the highest id first.
#[derive(Debug, Clone, Default)]
pub struct TaskPage {
    /// The tasks.
    pub tasks: Vec<StoredTask>,
    /// Whether there are more after them.
    pub more: bool,
    /// How many fit the query without its `after`, on all pages.
    pub total: u64,
}

/// Pages of stored tasks.
///
/// # Contract
///
/// Reads see what was written before they began. Page after page gives every task once, except
/// those whose status changes meanwhile: they move to the front.
pub trait TaskPages: Send + Sync + Debug {
    /// One page.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn page(&self, query: TaskQuery) -> BoxFuture<'_, Result<TaskPage, StoreError>>;
}

impl TaskPages for SqliteStore {
    fn page(&self, query: TaskQuery) -> BoxFuture<'_, Result<TaskPage, StoreError>> {
        Box::pin(async move {
            self.read(move |conn, _| page(conn, &query))
                .await
                .map_err(|failed| StoreError::Failed(format!("{}: {failed}", failed.code())))
        })
    }
}

/// What restricts the tasks; the page's place comes after it. A context is named outright, so that
/// its index is used: a list must not walk everybody's tasks while payments wait for the writer.
const fn filter(in_context: bool, named: bool) -> &'static str {
    match (in_context, named) {
        (true, _) => {
            "context_id = ?1 AND owner = ?4
             AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR updated_ms >= ?3)"
        }
        // Says once more that there is a name: only then is the index of names used.
        (false, true) => {
            "?1 IS NULL AND owner = ?4 AND owner <> ''
             AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR updated_ms >= ?3)"
        }
        (false, false) => {
            "?1 IS NULL AND owner = ?4
             AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR updated_ms >= ?3)"
        }
    }
}

fn page(conn: &Connection, query: &TaskQuery) -> Sql<TaskPage> {
    let state = query.state.map(TaskState::as_str);
    let since = query.since_unix_millis.map(number_out);
    let restricted = filter(query.context_id.is_some(), !query.owner.is_empty());
    let values: [&dyn ToSql; 4] = [&query.context_id, &state, &since, &query.owner];
    let total = conn
        .prepare_cached(&format!("SELECT count(*) FROM tasks WHERE {restricted}"))?
        .query_row(values.as_slice(), |row| number_in(row, 0))?;

    let (time, id) = match &query.after {
        Some((time, id)) => (Some(number_out(*time)), id.as_str()),
        None => (None, ""),
    };
    let limit = query.limit.min(limits::EVENTS_READ_MAX);
    // One more than asked for tells whether there is a next page.
    let read = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(&format!(
        "SELECT id, octet_length(task) FROM tasks WHERE {restricted}
         AND (?5 IS NULL OR updated_ms < ?5 OR (updated_ms = ?5 AND id < ?6))
         ORDER BY updated_ms DESC, id DESC LIMIT ?7"
    ))?;
    let rows: Vec<(String, u64)> = statement
        .query_map(
            (
                &query.context_id,
                state,
                since,
                &query.owner,
                time,
                id,
                read,
            ),
            |row| Ok((row.get(0)?, number_in(row, 1)?)),
        )?
        .collect::<Sql<_>>()?;

    let mut found = TaskPage {
        total,
        ..TaskPage::default()
    };
    let mut room = u64::try_from(query.bytes_max).unwrap_or(u64::MAX);
    for (id, bytes) in rows {
        let fits = found.tasks.is_empty() || bytes <= room;
        if found.tasks.len() >= limit || !fits {
            found.more = true;
            break;
        }
        room = room.saturating_sub(bytes);
        found.tasks.extend(task_rows::get(conn, &id)?);
    }
    Ok(found)
}
