//! The table of transfers that are to be made on chain.

use super::codec::{Sql, json_in, number_out};
use agent_core::json::Json;
use agent_core::ledger::{PaymentId, Transfer};
use rusqlite::{Connection, OptionalExtension};

/// Keeps what a facilitator will be asked, until [`forget`].
pub(super) fn insert(conn: &Connection, id: &PaymentId, transfer: &Transfer) -> Sql<()> {
    conn.prepare_cached(
        "INSERT INTO settlements (payment_id, expires, request) VALUES (?1, ?2, ?3)",
    )?
    .execute((
        id.as_str(),
        number_out(transfer.expires_unix_secs),
        transfer.request.get(),
    ))
    .map(drop)
}

/// Keeps the outcome of the work; what the facilitator is asked, or `None` if there is no transfer.
/// An outcome that is there already stays: it may have been settled for.
pub(super) fn begin(conn: &Connection, id: &PaymentId, outcome: &Json) -> Sql<Option<Json>> {
    conn.prepare_cached(
        "UPDATE settlements SET outcome = coalesce(outcome, ?2) WHERE payment_id = ?1
         RETURNING request",
    )?
    .query_row((id.as_str(), outcome.get()), |row| json_in(row, 0))
    .optional()
}

/// Whether the transfer can still be made at this time; `None` if there is none.
pub(super) fn is_good(conn: &Connection, id: &PaymentId, now_unix_secs: u64) -> Sql<Option<bool>> {
    conn.prepare_cached("SELECT expires > ?2 FROM settlements WHERE payment_id = ?1")?
        .query_row((id.as_str(), number_out(now_unix_secs)), |row| row.get(0))
        .optional()
}

/// Whether the work is done and the transfer is being made.
pub(super) fn has_begun(conn: &Connection, id: &PaymentId) -> Sql<bool> {
    conn.prepare_cached("SELECT 1 FROM settlements WHERE payment_id = ?1 AND outcome IS NOT NULL")?
        .exists([id.as_str()])
}

/// What is being settled: whose, what is asked, the outcome.
pub(super) fn begun(conn: &Connection) -> Sql<Vec<(String, Json, Json)>> {
    let mut statement = conn.prepare(
        "SELECT payment_id, request, outcome FROM settlements WHERE outcome IS NOT NULL
         ORDER BY payment_id",
    )?;
    let rows = statement.query_map([], |row| {
        Ok((row.get(0)?, json_in(row, 1)?, json_in(row, 2)?))
    })?;
    rows.collect()
}

/// Forgets a transfer that was made or will never be: its signature is money.
pub(super) fn forget(conn: &Connection, id: &PaymentId) -> Sql<()> {
    conn.prepare_cached("DELETE FROM settlements WHERE payment_id = ?1")?
        .execute([id.as_str()])
        .map(drop)
}
