//! One step of reading, as one transaction: what is undone, what is new, and where to go on.

use agent_core::trust::AgentRegistryId;
use alloy_primitives::B256;
use rusqlite::{Connection, OptionalExtension, params};

use super::error::IndexError;
use super::index::{IndexStore, registry_row};
use super::limits;
use super::number::{int, read_hash, read_uint};
use super::rows::{self, Gap, Writer};
use super::undo;
use super::vet::Block;
use crate::sqlite::{JobError, SubmitError};

/// Where reading stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) from_block: u64,
    pub(super) next: u64,
    pub(super) firm_next: u64,
    /// Ends of windows, newest first.
    pub(super) marks: Vec<Mark>,
}

/// A block that was on the chain when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) block: u64,
    pub(super) hash: B256,
}

/// A block with events, as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) number: u64,
    pub(super) hash: B256,
    pub(super) logs: usize,
}

/// What a window brought.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// The first block that is taken back, or read for the first time.
    pub(super) from: u64,
    /// The last block.
    pub(super) end: Mark,
    /// Events of these blocks; those below `from` are left alone.
    pub(super) blocks: Vec<Block>,
    /// Whether these blocks may be taken back later.
    pub(super) undoable: bool,
    /// Whether missing events are put up with.
    pub(super) with_gaps: bool,
}

/// What the node says of itself, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    pub(super) head: u64,
    pub(super) head_time: u64,
    /// Set when nothing is left to read.
    pub(super) read_ms: Option<u64>,
}

enum Refusal {
    Elsewhere,
    Firm,
    Unknown,
    Gaps,
}

impl IndexStore {
    pub(super) async fn position(&self, id: AgentRegistryId) -> Result<Position, IndexError> {
        let found = self.read(move |conn| position(conn, id)).await?;
        found.ok_or(IndexError::Registry("it is not in the index"))
    }

    /// The blocks from `from` on that had events.
    pub(super) async fn kept(
        &self,
        id: AgentRegistryId,
        from: u64,
    ) -> Result<Vec<Kept>, IndexError> {
        self.read(move |conn| {
            conn.prepare_cached(
                "SELECT number, b.hash, logs FROM block b JOIN registry r ON r.id = b.registry
                 WHERE r.chain_id = ?1 AND r.identity = ?2 AND number >= ?3 ORDER BY number",
            )?
            .query_map(
                params![
                    int(id.network().chain_id),
                    id.address().as_slice(),
                    int(from)
                ],
                |row| {
                    Ok(Kept {
                        number: read_uint(row, 0)?,
                        hash: read_hash(row, 1)?,
                        logs: usize::try_from(read_uint(row, 2)?).unwrap_or(usize::MAX),
                    })
                },
            )?
            .collect()
        })
        .await
    }

    /// Takes back everything from block `next` on.
    pub(super) async fn take_back(
        &self,
        id: AgentRegistryId,
        seen: &Position,
        next: u64,
    ) -> Result<(), IndexError> {
        let seen = seen.clone();
        let done = self.store.submit_undoable(move |tx, ()| {
            let registry = same(tx, id, &seen)?;
            if next < seen.firm_next {
                return Err(JobError::Refused(Refusal::Firm));
            }
            undo::roll_back(tx, registry, next)?;
            Ok(())
        });
        done.await.map_err(|error| refused(error, next))
    }

    /// Takes a window over, unless the registry was worked on since `seen` was read. `false` if
    /// events are missing from it and that is not put up with.
    pub(super) async fn take(
        &self,
        id: AgentRegistryId,
        seen: &Position,
        window: Window,
        sighting: Sighting,
    ) -> Result<bool, IndexError> {
        let (seen, from) = (seen.clone(), window.from);
        let done = self.store.submit_undoable(move |tx, ()| {
            let registry = same(tx, id, &seen)?;
            if window.from < seen.firm_next {
                return Err(JobError::Refused(Refusal::Firm));
            }
            take(tx, registry, &seen, &window, sighting)
        });
        match done.await {
            Ok(()) => Ok(true),
            Err(SubmitError::Refused(Refusal::Gaps)) => Ok(false),
            Err(error) => Err(refused(error, from)),
        }
    }

    /// Notes that there was nothing new.
    pub(super) async fn sighted(
        &self,
        id: AgentRegistryId,
        sighting: Sighting,
    ) -> Result<(), IndexError> {
        self.write(move |tx| match registry_row(tx, id)? {
            Some(registry) => note(tx, registry, sighting),
            None => Ok(()),
        })
        .await
    }
}

fn refused(error: SubmitError<Refusal>, block: u64) -> IndexError {
    match error.into_refusal() {
        Ok(Refusal::Elsewhere | Refusal::Gaps) => IndexError::Elsewhere,
        Ok(Refusal::Firm) => IndexError::OtherChain { block },
        Ok(Refusal::Unknown) => IndexError::Registry("it is not in the index"),
        Err(error) => IndexError::Store(error),
    }
}

fn position(conn: &Connection, id: AgentRegistryId) -> rusqlite::Result<Option<Position>> {
    let Some(registry) = registry_row(conn, id)? else {
        return Ok(None);
    };
    let marks = conn
        .prepare_cached(
            "SELECT block, hash FROM mark WHERE registry = ?1 ORDER BY block DESC LIMIT ?2",
        )?
        .query_map(
            params![
                registry,
                i64::try_from(limits::MARKS_MAX).unwrap_or(i64::MAX)
            ],
            |row| {
                Ok(Mark {
                    block: read_uint(row, 0)?,
                    hash: read_hash(row, 1)?,
                })
            },
        )?
        .collect::<rusqlite::Result<_>>()?;
    conn.prepare_cached("SELECT from_block, next_block, firm_next FROM registry WHERE id = ?1")?
        .query_row([registry], |row| {
            Ok(Position {
                from_block: read_uint(row, 0)?,
                next: read_uint(row, 1)?,
                firm_next: read_uint(row, 2)?,
                marks,
            })
        })
        .optional()
}

fn same(tx: &Connection, id: AgentRegistryId, seen: &Position) -> Result<i64, JobError<Refusal>> {
    let registry = registry_row(tx, id)?.ok_or(JobError::Refused(Refusal::Unknown))?;
    match position(tx, id)? {
        Some(now) if now == *seen => Ok(registry),
        _ => Err(JobError::Refused(Refusal::Elsewhere)),
    }
}

fn take(
    tx: &Connection,
    registry: i64,
    seen: &Position,
    window: &Window,
    sighting: Sighting,
) -> Result<(), JobError<Refusal>> {
    if window.from < seen.next {
        undo::roll_back(tx, registry, window.from)?;
    }
    let mut writer = Writer::new(tx, registry, window.undoable);
    for block in &window.blocks {
        if block.number >= window.from {
            writer.block(block)?;
        }
    }
    let gaps: Vec<Gap> = writer.into_gaps();
    if !gaps.is_empty() {
        if !window.with_gaps {
            return Err(JobError::Refused(Refusal::Gaps));
        }
        rows::keep_gaps(tx, registry, &gaps)?;
    }
    tx.prepare_cached("INSERT OR REPLACE INTO mark VALUES (?1, ?2, ?3)")?
        .execute(params![
            registry,
            int(window.end.block),
            window.end.hash.as_slice()
        ])?;
    tx.prepare_cached("UPDATE registry SET next_block = ?2 WHERE id = ?1")?
        .execute([registry, int(window.end.block.saturating_add(1))])?;
    if let Some(firm) = sighting.head.checked_sub(limits::UNDO_BLOCKS) {
        undo::settle(tx, registry, firm)?;
    }
    note(tx, registry, sighting)?;
    Ok(())
}

fn note(tx: &Connection, registry: i64, sighting: Sighting) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE registry SET head = ?2, head_time = ?3, read_ms = coalesce(?4, read_ms)
         WHERE id = ?1",
    )?
    .execute(params![
        registry,
        int(sighting.head),
        int(sighting.head_time),
        sighting.read_ms.map(int)
    ])?;
    Ok(())
}
