//! The table of webhooks.

use super::codec::{Sql, corrupt, json_in, maybe_json_in, number_in, number_out};
use super::push::{
    Attempt, Notice, PushStoreError, PushVersion, Standing, Webhook, WebhookCaps, WebhookKey,
};
use agent_core::a2a::{AuthenticationInfo, Secret};
use rusqlite::{Connection, OptionalExtension, Row};
use std::collections::HashSet;

/// The states in which nothing happens to a task any more.
const ENDED: &str = "('TASK_STATE_COMPLETED', 'TASK_STATE_FAILED', 'TASK_STATE_CANCELED', \
                     'TASK_STATE_REJECTED')";

/// Whether there is an event that the webhook `w` was not told.
const BEHIND: &str = "EXISTS (SELECT 1 FROM task_events e
                      WHERE e.task_id = w.task_id AND e.seq > w.delivered)";

/// What a webhook is read from.
const COLUMNS: &str = "w.id, w.version, w.url, w.token, w.scheme, w.credentials";

/// Webhooks to store.
pub(super) struct New {
    pub(super) task_id: String,
    pub(super) owner: String,
    pub(super) webhooks: Vec<Webhook>,
    pub(super) caps: WebhookCaps,
    pub(super) now_unix_millis: u64,
}

pub(super) fn put(conn: &Connection, new: &New) -> Sql<Result<(), PushStoreError>> {
    if let Err(full) = room(conn, new)? {
        return Ok(Err(full));
    }
    let mut insert = conn.prepare_cached(
        "INSERT INTO webhooks (task_id, id, owner, version, url, token, scheme, credentials,
             created_ms, delivered)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,
             coalesce((SELECT seq FROM tasks WHERE id = ?1), 0))
         ON CONFLICT (task_id, id) DO UPDATE SET version = excluded.version, url = excluded.url,
             token = excluded.token, scheme = excluded.scheme,
             credentials = excluded.credentials, failures = 0, suspended = 0",
    )?;
    for webhook in &new.webhooks {
        let authentication = webhook.authentication.as_ref();
        insert.execute((
            &new.task_id,
            &webhook.id,
            &new.owner,
            webhook.version.as_str(),
            &webhook.url,
            webhook.token.expose(),
            authentication.map(|a| a.scheme.as_str()),
            authentication.map(|a| a.credentials.expose()),
            number_out(new.now_unix_millis),
        ))?;
    }
    Ok(Ok(()))
}

/// Makes sure that there is room for those that are new.
fn room(conn: &Connection, new: &New) -> Sql<Result<(), PushStoreError>> {
    let mut known = conn.prepare_cached("SELECT 1 FROM webhooks WHERE task_id = ?1 AND id = ?2")?;
    let mut fresh = HashSet::new();
    for webhook in &new.webhooks {
        if !known.exists((&new.task_id, &webhook.id))? {
            fresh.insert(webhook.id.as_str());
        }
    }
    if fresh.is_empty() {
        return Ok(Ok(()));
    }
    let caps = &new.caps;
    let full = |count: u64, max: usize| {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        count.saturating_add(fresh.len()) > max
    };
    let count = |filter: &str, value: &str| -> Sql<u64> {
        conn.prepare_cached(&format!("SELECT count(*) FROM webhooks WHERE {filter}"))?
            .query_row([value], |row| number_in(row, 0))
    };
    let refused = |scope, max| Ok(Err(PushStoreError::TooMany { scope, max }));
    if full(count("task_id = ?1", &new.task_id)?, caps.per_task) {
        return refused("the task", caps.per_task);
    }
    if !new.owner.is_empty() && full(count("owner = ?1", &new.owner)?, caps.per_owner) {
        return refused("the caller", caps.per_owner);
    }
    if full(count("?1 = ''", "")?, caps.in_all) {
        make_room(conn, fresh.len())?;
    }
    if full(count("?1 = ''", "")?, caps.in_all) {
        return refused("the agent", caps.in_all);
    }
    Ok(Ok(()))
}

/// Forgets the oldest webhooks that nothing can be told any more.
fn make_room(conn: &Connection, count: usize) -> Sql<usize> {
    conn.prepare_cached(&format!(
        "DELETE FROM webhooks WHERE rowid IN (
             SELECT w.rowid FROM webhooks w JOIN tasks t ON t.id = w.task_id
             WHERE t.state IN {ENDED} AND (w.suspended = 1 OR NOT {BEHIND})
             ORDER BY t.updated_ms LIMIT ?1)"
    ))?
    .execute([i64::try_from(count).unwrap_or(i64::MAX)])
}

pub(super) fn find(conn: &Connection, key: &WebhookKey) -> Sql<Option<Webhook>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM webhooks w WHERE w.task_id = ?1 AND w.id = ?2"
    ))?
    .query_row((&key.task_id, &key.id), webhook)
    .optional()
}

pub(super) fn of_task(
    conn: &Connection,
    task_id: &str,
    after: &str,
    limit: usize,
) -> Sql<Vec<Webhook>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM webhooks w WHERE w.task_id = ?1 AND w.id > ?2
         ORDER BY w.id LIMIT ?3"
    ))?
    .query_map((task_id, after, limit), webhook)?
    .collect()
}

pub(super) fn remove(conn: &Connection, key: &WebhookKey) -> Sql<()> {
    conn.prepare_cached("DELETE FROM webhooks WHERE task_id = ?1 AND id = ?2")?
        .execute((&key.task_id, &key.id))
        .map(drop)
}

pub(super) fn pending(conn: &Connection, task_id: Option<&String>) -> Sql<Vec<WebhookKey>> {
    let read = |row: &Row<'_>| {
        Ok(WebhookKey {
            task_id: row.get(0)?,
            id: row.get(1)?,
        })
    };
    let all = format!("SELECT task_id, id FROM webhooks w WHERE suspended = 0 AND {BEHIND}");
    match task_id {
        None => conn.prepare_cached(&all)?.query_map([], read)?.collect(),
        Some(id) => conn
            .prepare_cached(&format!("{all} AND task_id = ?1"))?
            .query_map([id], read)?
            .collect(),
    }
}

pub(super) fn next(conn: &Connection, key: &WebhookKey) -> Sql<Option<Notice>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS}, e.seq, e.event,
             CASE w.version WHEN '0.3' THEN (SELECT task FROM tasks WHERE id = ?1) END
         FROM webhooks w JOIN task_events e ON e.task_id = w.task_id AND e.seq > w.delivered
         WHERE w.task_id = ?1 AND w.id = ?2 AND w.suspended = 0
         ORDER BY e.seq LIMIT 1"
    ))?
    .query_row((&key.task_id, &key.id), |row| {
        Ok(Notice {
            webhook: webhook(row)?,
            seq: number_in(row, 6)?,
            event: json_in(row, 7)?,
            task: maybe_json_in(row, 8)?,
        })
    })
    .optional()
}

pub(super) fn settle(
    conn: &Connection,
    key: &WebhookKey,
    seq: u64,
    attempt: Attempt,
    failures_max: u32,
) -> Sql<Option<Standing>> {
    let (done, failed, forbidden) = match attempt {
        Attempt::Delivered => (true, false, false),
        Attempt::Refused => (true, true, false),
        Attempt::Failed => (false, true, false),
        Attempt::Forbidden => (false, true, true),
    };
    conn.prepare_cached(
        "UPDATE webhooks SET
             delivered = CASE WHEN ?4 THEN max(delivered, ?3) ELSE delivered END,
             failures = CASE WHEN ?5 THEN failures + 1 ELSE 0 END,
             suspended = ?6 OR (?5 AND failures + 1 >= ?7)
         WHERE task_id = ?1 AND id = ?2
         RETURNING failures, suspended",
    )?
    .query_row(
        (
            &key.task_id,
            &key.id,
            number_out(seq),
            done,
            failed,
            forbidden,
            failures_max,
        ),
        |row| {
            Ok(Standing {
                failures: row.get(0)?,
                suspended: row.get(1)?,
            })
        },
    )
    .optional()
}

/// Forgets those of tasks that ended long ago, and have nothing to be told.
pub(super) fn expire(conn: &Connection, ended_before_unix_millis: u64) -> Sql<usize> {
    conn.prepare_cached(&format!(
        "DELETE FROM webhooks WHERE rowid IN (
             SELECT w.rowid FROM webhooks w JOIN tasks t ON t.id = w.task_id
             WHERE t.state IN {ENDED} AND t.updated_ms < ?1
                 AND (w.suspended = 1 OR NOT {BEHIND}))"
    ))?
    .execute([number_out(ended_before_unix_millis)])
}

/// Forgets those whose task was never stored: its start was cut off.
pub(super) fn forget_orphans(conn: &Connection) -> Sql<usize> {
    conn.execute(
        "DELETE FROM webhooks WHERE task_id NOT IN (SELECT id FROM tasks)",
        [],
    )
}

/// The tasks that have webhooks.
pub(super) fn tasks(conn: &Connection) -> Sql<HashSet<String>> {
    conn.prepare_cached("SELECT DISTINCT task_id FROM webhooks")?
        .query_map([], |row| row.get(0))?
        .collect()
}

fn webhook(row: &Row<'_>) -> Sql<Webhook> {
    let version: String = row.get(1)?;
    let scheme: Option<String> = row.get(4)?;
    let credentials: Option<String> = row.get(5)?;
    Ok(Webhook {
        id: row.get(0)?,
        version: PushVersion::from_name(&version)
            .ok_or_else(|| corrupt(1, "not a version of the protocol"))?,
        url: row.get(2)?,
        token: Secret::new(row.get::<_, String>(3)?),
        authentication: scheme.map(|scheme| AuthenticationInfo {
            scheme,
            credentials: Secret::new(credentials.unwrap_or_default()),
        }),
    })
}
