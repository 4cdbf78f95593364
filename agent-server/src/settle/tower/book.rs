//! What a tower was told, on a file of its own.

use super::export::{ExportError, WatchClaim, WatchExport};
use crate::settle::limits;
use agent_client::sqlite::{GroupCommit, JobError, OpenError, StoreOptions, SubmitError};
use agent_core::ledger::Claim;
use agent_core::money::BaseUnits;
use agent_core::voucher::{ChannelId, EscrowDomain};
use alloy_primitives::Address;
use rusqlite::{OptionalExtension as _, Transaction, params};
use serde::Serialize;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::Path;

const MIGRATIONS: &[&str] = &["
CREATE TABLE claim (
    channel BLOB PRIMARY KEY CHECK (length(channel) = 32),
    amount BLOB NOT NULL CHECK (length(amount) = 16),
    claim TEXT NOT NULL,
    told_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"];

/// What became of an export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Claims that are new or higher than before, and are on disk now.
    pub taken: usize,
    /// Claims that say no more than was known.
    pub known: usize,
    /// Claims that do not hold, are not watched for, or for which there is no room.
    pub refused: usize,
}

/// Why a tower's book could not be used, or an export not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TowerError {
    /// The export is not for this tower.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The file cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] SubmitError<Infallible>),
}

impl TowerError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Export(error) => error.code(),
            Self::Open(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}

/// The highest claim of each channel, checked before it is stored. Cheap to clone.
///
/// A claim only ever rises: an old export, or one that somebody held back, changes nothing.
#[derive(Debug, Clone)]
pub struct TowerBook {
    store: GroupCommit<()>,
    domain: EscrowDomain,
    payees: BTreeSet<Address>,
    tokens: BTreeSet<Address>,
}

impl TowerBook {
    /// Opens (or creates) the file as its only owner, for claims that pay `payees` in `tokens`.
    ///
    /// # Errors
    /// [`TowerError::Open`].
    pub fn open(
        path: impl AsRef<Path>,
        domain: EscrowDomain,
        payees: BTreeSet<Address>,
        tokens: BTreeSet<Address>,
    ) -> Result<Self, TowerError> {
        let options = StoreOptions {
            name: "watch".to_owned(),
            ..StoreOptions::default()
        };
        let store = GroupCommit::open(path, &options, MIGRATIONS, |_| Ok(()))?;
        Ok(Self {
            store,
            domain,
            payees,
            tokens,
        })
    }

    /// The chain and escrow that are watched.
    #[must_use]
    pub const fn domain(&self) -> &EscrowDomain {
        &self.domain
    }

    /// Checks an export and stores what is new in it. On disk when it returns.
    ///
    /// # Errors
    /// [`TowerError::Export`] when the export as a whole is not for this tower; a single claim that
    /// does not hold is only counted.
    pub async fn take(&self, export: &WatchExport, now_ms: u64) -> Result<Taken, TowerError> {
        export.check(&self.domain)?;
        let mut taken = Taken::default();
        let mut rows = Vec::new();
        for claim in &export.claims {
            let vetted = claim.vet(&self.domain, &self.payees, &self.tokens);
            match (vetted, serde_json::to_string(claim)) {
                (Ok(vetted), Ok(text)) => rows.push((vetted.channel_id, vetted.charged, text)),
                _ => taken.refused += 1,
            }
        }
        let stored = self.store.submit(move |tx, ()| store(tx, &rows, now_ms));
        let stored: Taken = stored.await?;
        taken.taken = stored.taken;
        taken.known = stored.known;
        taken.refused += stored.refused;
        Ok(taken)
    }

    /// Everything that was told. What the chain says of it is not filled in.
    ///
    /// # Errors
    /// [`TowerError::Store`].
    pub async fn claims(&self) -> Result<Vec<Claim>, TowerError> {
        let texts = self.store.read(|conn, ()| {
            let mut rows = conn.prepare_cached("SELECT claim FROM claim ORDER BY channel")?;
            let texts = rows.query_map([], |row| row.get::<_, String>("claim"))?;
            Ok(texts.collect::<Result<Vec<_>, _>>()?)
        });
        let texts = texts.await?;
        let read = |text: &String| {
            let claim: WatchClaim = serde_json::from_str(text).ok()?;
            claim.read(&self.domain).ok()
        };
        Ok(texts.iter().filter_map(read).collect())
    }

    /// Forgets a channel, after which nothing can be claimed of it any more.
    pub(super) async fn forget(&self, channels: Vec<ChannelId>) -> Result<(), TowerError> {
        let forgotten = self.store.submit(move |tx, ()| {
            let mut row = tx.prepare_cached("DELETE FROM claim WHERE channel = ?1")?;
            for channel in &channels {
                row.execute([channel.0.0])?;
            }
            Ok(())
        });
        Ok(forgotten.await?)
    }

    /// Finishes what is queued and frees the file.
    pub async fn close(&self) {
        self.store.close().await;
    }
}

fn store(
    tx: &Transaction<'_>,
    rows: &[(ChannelId, BaseUnits, String)],
    now_ms: u64,
) -> Result<Taken, JobError<Infallible>> {
    let mut taken = Taken::default();
    let now_ms = i64::try_from(now_ms).unwrap_or(i64::MAX);
    let count: i64 = tx.query_row("SELECT count(*) FROM claim", [], |row| row.get(0))?;
    let mut room = limits::TOWER_CLAIMS_MAX.saturating_sub(usize::try_from(count).unwrap_or(0));
    for (channel, amount, text) in rows {
        let channel = channel.0.0;
        let found: Option<[u8; 16]> = tx
            .prepare_cached("SELECT amount FROM claim WHERE channel = ?1")?
            .query_row([channel], |row| row.get("amount"))
            .optional()?;
        match found.map(u128::from_be_bytes) {
            Some(known) if known >= amount.get() => {
                taken.known += 1;
                continue;
            }
            Some(_) => {}
            None if room == 0 => {
                taken.refused += 1;
                continue;
            }
            None => room -= 1,
        }
        tx.prepare_cached(
            "INSERT INTO claim VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (channel) DO UPDATE SET amount = ?2, claim = ?3, told_ms = ?4",
        )?
        .execute(params![channel, amount.get().to_be_bytes(), text, now_ms])?;
        taken.taken += 1;
    }
    Ok(taken)
}
