//! Taking blocks back, and letting go of what makes that possible.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::describe_rows;
use super::number::int;

/// Undoes everything of a registry that came from block `next` on. What was firm cannot be undone;
/// the caller has checked that `next` is not.
pub(super) fn roll_back(tx: &Connection, registry: i64, next: u64) -> Result<()> {
    let next = int(next);
    let touched: Vec<i64> = tx
        .prepare_cached("SELECT DISTINCT agent FROM journal WHERE registry = ?1 AND block >= ?2")?
        .query_map([registry, next], |row| row.get(0))?
        .collect::<Result<_>>()?;
    for agent in touched {
        agent_back(tx, agent, next)?;
    }
    for (table, column) in [
        ("journal", "block"),
        ("mark", "block"),
        ("block", "number"),
        ("gap", "block"),
        ("upgrade", "block"),
    ] {
        tx.prepare_cached(&format!(
            "DELETE FROM {table} WHERE registry = ?1 AND {column} >= ?2"
        ))?
        .execute([registry, next])?;
    }
    tx.prepare_cached("UPDATE registry SET next_block = ?2 WHERE id = ?1")?
        .execute([registry, next])?;
    Ok(())
}

fn agent_back(tx: &Connection, agent: i64, next: i64) -> Result<()> {
    let first: Option<i64> = tx
        .prepare_cached("SELECT first_block FROM agent WHERE id = ?1")?
        .query_row([agent], |row| row.get(0))
        .optional()?;
    if first.is_none_or(|first| first >= next) {
        describe_rows::forget(tx, agent)?;
        tx.prepare_cached("DELETE FROM agent WHERE id = ?1")?
            .execute([agent])?;
        return Ok(());
    }
    for table in ["feedback", "response", "insider"] {
        tx.prepare_cached(&format!(
            "DELETE FROM {table} WHERE agent = ?1 AND block >= ?2"
        ))?
        .execute([agent, next])?;
    }
    tx.prepare_cached(
        "UPDATE feedback SET revoked_block = NULL WHERE agent = ?1 AND revoked_block >= ?2",
    )?
    .execute([agent, next])?;
    metadata_back(tx, agent, next)?;
    let uri = |tx: &Connection| -> Result<String> {
        tx.prepare_cached("SELECT uri FROM agent WHERE id = ?1")?
            .query_row([agent], |row| row.get(0))
    };
    let undone = uri(tx)?;
    tx.prepare_cached(
        "UPDATE agent SET (owner, wallet, uri, items, revoked) =
            (SELECT owner, wallet, uri, items, revoked FROM journal
             WHERE agent = ?1 AND block >= ?2 ORDER BY block LIMIT 1)
         WHERE id = ?1",
    )?
    .execute([agent, next])?;
    if uri(tx)? != undone {
        describe_rows::forget(tx, agent)?;
        tx.prepare_cached("UPDATE agent SET due_ms = 0 WHERE id = ?1")?
            .execute([agent])?;
    }
    Ok(())
}

fn metadata_back(tx: &Connection, agent: i64, next: i64) -> Result<()> {
    type Past = (String, Option<Vec<u8>>, Option<i64>);
    // Newest first, so that what is applied last is what was there before all of them.
    let past: Vec<Past> = tx
        .prepare_cached(
            "SELECT key, value, value_block FROM metadata_past
             WHERE agent = ?1 AND block >= ?2 ORDER BY block DESC",
        )?
        .query_map([agent, next], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<Result<_>>()?;
    for (key, value, block) in past {
        if value.is_none() {
            tx.prepare_cached("DELETE FROM metadata WHERE agent = ?1 AND key = ?2")?
                .execute(params![agent, key])?;
        } else {
            tx.prepare_cached("INSERT OR REPLACE INTO metadata VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![agent, key, value, block])?;
        }
    }
    tx.prepare_cached("DELETE FROM metadata_past WHERE agent = ?1 AND block >= ?2")?
        .execute([agent, next])?;
    Ok(())
}

/// Makes firm what is at or below `firm_block`, as far as there is a mark: rolling back ends at a
/// mark, so what is between two marks is firm only with the upper one.
pub(super) fn settle(tx: &Connection, registry: i64, firm_block: u64) -> Result<()> {
    let mark: Option<i64> = tx
        .prepare_cached("SELECT max(block) FROM mark WHERE registry = ?1 AND block <= ?2")?
        .query_row([registry, int(firm_block)], |row| row.get(0))?;
    let Some(mark) = mark else { return Ok(()) };
    let firm_next = mark.saturating_add(1);
    tx.prepare_cached(
        "DELETE FROM metadata_past WHERE block <= ?2
         AND agent IN (SELECT agent FROM journal WHERE registry = ?1 AND block <= ?2)",
    )?
    .execute([registry, mark])?;
    tx.prepare_cached("DELETE FROM journal WHERE registry = ?1 AND block <= ?2")?
        .execute([registry, mark])?;
    tx.prepare_cached("DELETE FROM mark WHERE registry = ?1 AND block < ?2")?
        .execute([registry, mark])?;
    tx.prepare_cached("UPDATE registry SET firm_next = max(firm_next, ?2) WHERE id = ?1")?
        .execute([registry, firm_next])?;
    Ok(())
}
