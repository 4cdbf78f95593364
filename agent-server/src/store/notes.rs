//! What settlement must remember beside the books, and the queries only it needs.

use super::channel_row::ChannelView;
use super::channels::{self, ClaimOrder};
use super::codec::{Sql, json_in};
use super::{SqliteStore, ledger_failed, limits};
use agent_core::json::Json;
use agent_core::ledger::{Claim, LedgerError};
use agent_core::voucher::ChannelId;
use rusqlite::{Connection, OptionalExtension};

impl SqliteStore {
    /// What was noted under `name`.
    pub(crate) async fn note(&self, name: impl Into<String>) -> Result<Option<Json>, LedgerError> {
        let name = name.into();
        self.read(move |conn, _| get(conn, &name))
            .await
            .map_err(ledger_failed)
    }

    /// Notes `value` under `name`, or forgets what was noted.
    pub(crate) async fn set_note(
        &self,
        name: impl Into<String>,
        value: Option<Json>,
    ) -> Result<(), LedgerError> {
        let name = name.into();
        self.write(move |tx, _| set(tx, &name, value.as_ref()))
            .await
            .map_err(ledger_failed)
    }

    /// Up to `limit` claims, those whose deadline is nearest first.
    pub(crate) async fn claims_by_deadline(&self, limit: usize) -> Result<Vec<Claim>, LedgerError> {
        let limit = limit.min(limits::CLAIMS_READ_MAX);
        self.read(move |conn, _| channels::claims(conn, ClaimOrder::Deadline, limit))
            .await
            .map_err(ledger_failed)
    }

    /// Admits nothing on this channel any more; `None`, and no change, when the channel is not known
    /// or calls are in flight on it.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub async fn close_channel(&self, id: ChannelId) -> Result<Option<ChannelView>, LedgerError> {
        let row = self
            .write(move |tx, memory| channels::close(tx, memory, id))
            .await;
        row.map(|row| row.map(ChannelView::from))
            .map_err(ledger_failed)
    }

    /// Whether there ever was a channel of `batch-settlement`.
    pub(crate) async fn has_batch_channels(&self) -> Result<bool, LedgerError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM channels WHERE receiver_authorizer IS NOT NULL)";
        self.read(move |conn, _| conn.query_row(sql, [], |row| row.get(0)))
            .await
            .map_err(ledger_failed)
    }

    /// Admits payments again on a channel that was closed; nothing, if it is not known.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub(crate) async fn reopen_channel(&self, id: ChannelId) -> Result<(), LedgerError> {
        self.write(move |tx, memory| channels::reopen(tx, memory, id))
            .await
            .map_err(ledger_failed)
    }
}

pub(super) fn get(conn: &Connection, name: &str) -> Sql<Option<Json>> {
    conn.prepare_cached("SELECT value FROM notes WHERE name = ?1")?
        .query_row([name], |row| json_in(row, 0))
        .optional()
}

pub(super) fn set(conn: &Connection, name: &str, value: Option<&Json>) -> Sql<()> {
    match value {
        Some(value) => conn
            .prepare_cached(
                "INSERT INTO notes (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            )?
            .execute((name, value.get())),
        None => conn
            .prepare_cached("DELETE FROM notes WHERE name = ?1")?
            .execute([name]),
    }
    .map(drop)
}
