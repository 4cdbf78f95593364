//! The table of payments: one row for every payment that was ever admitted.

use super::codec::{Sql, corrupt, maybe_number_in, number_out, units_in, units_out};
use super::memory::Memory;
use agent_core::ledger::{PaymentId, ReserveRequest};
use agent_core::money::BaseUnits;
use agent_core::voucher::ChannelId;
use alloy_primitives::B256;
use rusqlite::{Connection, OptionalExtension, Row};

const COLUMNS: &str = "payment_id, request_hash, channel_id, ceiling, reserved, charged, state, \
     task_id, resolved_ms, context_id, owner";

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PaymentState {
    /// The money is held and the work goes on.
    Running,
    /// The money is held and the work waits for its buyer.
    Parked,
    /// Charged.
    Posted,
    /// Not charged.
    Voided,
}

impl PaymentState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Parked => "parked",
            Self::Posted => "posted",
            Self::Voided => "voided",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Running, Self::Parked, Self::Posted, Self::Voided]
            .into_iter()
            .find(|state| state.as_str() == text)
    }

    /// Whether money is held for it.
    pub(super) const fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Parked)
    }
}

/// One payment as it is stored.
#[derive(Debug, Clone)]
pub(super) struct PaymentRow {
    pub(super) id: PaymentId,
    pub(super) request_hash: B256,
    pub(super) channel_id: ChannelId,
    pub(super) ceiling: BaseUnits,
    pub(super) reserved: BaseUnits,
    pub(super) charged: BaseUnits,
    pub(super) state: PaymentState,
    pub(super) task_id: String,
    pub(super) context_id: String,
    pub(super) owner: String,
    pub(super) resolved: Option<u64>,
}

impl PaymentRow {
    pub(super) const fn held(&self) -> Held {
        Held {
            channel_id: self.channel_id,
            reserved: self.reserved,
        }
    }
}

/// What must be known of a payment to end it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) channel_id: ChannelId,
    pub(super) reserved: BaseUnits,
}

pub(super) fn find(conn: &Connection, id: &PaymentId) -> Sql<Option<PaymentRow>> {
    let sql = format!("SELECT {COLUMNS} FROM payments WHERE payment_id = ?1");
    conn.prepare_cached(&sql)?
        .query_row([id.as_str()], read)
        .optional()
}

/// Whether a voucher with this ceiling has admitted a payment on this channel.
pub(super) fn ceiling_used(conn: &Connection, id: ChannelId, ceiling: BaseUnits) -> Sql<bool> {
    conn.prepare_cached("SELECT 1 FROM payments WHERE channel_id = ?1 AND ceiling = ?2")?
        .exists((id.0.0, units_out(ceiling)))
}

/// The oldest payment of a task that waits for its buyer.
pub(super) fn parked_of(conn: &Connection, task_id: &str) -> Sql<Option<PaymentRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM payments
         WHERE task_id = ?1 AND state IN ('running', 'parked') AND state = 'parked'
         ORDER BY created_ms, payment_id LIMIT 1"
    );
    conn.prepare_cached(&sql)?
        .query_row([task_id], read)
        .optional()
}

/// Whether money is held for a task.
pub(super) fn held_for(conn: &Connection, task_id: &str) -> Sql<bool> {
    conn.prepare_cached(
        "SELECT 1 FROM payments WHERE task_id = ?1 AND state IN ('running', 'parked')",
    )?
    .exists([task_id])
}

/// All payments for which money is held.
pub(super) fn open(conn: &Connection) -> Sql<Vec<PaymentRow>> {
    let sql = format!("SELECT {COLUMNS} FROM payments WHERE state IN ('running', 'parked')");
    let mut statement = conn.prepare(&sql)?;
    let rows = statement.query_map([], read)?;
    rows.collect()
}

/// Calls `each` with every payment.
pub(super) fn each(conn: &Connection, mut each: impl FnMut(PaymentRow)) -> Sql<()> {
    let mut statement = conn.prepare(&format!("SELECT {COLUMNS} FROM payments"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(read(row)?);
    }
    Ok(())
}

/// Stores a payment as running; false, and nothing is stored, if its id was used before or its
/// voucher's ceiling on this channel.
pub(super) fn insert(conn: &Connection, request: &ReserveRequest) -> Sql<bool> {
    conn.prepare_cached(
        "INSERT INTO payments (payment_id, request_hash, channel_id, ceiling, reserved, charged,
             state, task_id, context_id, skill, created_ms, owner)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'running', ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT DO NOTHING",
    )?
    .execute((
        request.payment_id.as_str(),
        request.request_hash.0,
        request.voucher.channel_id().0.0,
        units_out(request.voucher.ceiling()),
        units_out(request.max),
        units_out(BaseUnits::ZERO),
        &request.task_id,
        &request.context_id,
        &request.skill,
        number_out(request.now_unix_millis),
        &request.owner,
    ))
    .map(|rows| rows > 0)
}

/// What is held for a payment, if it is running; from memory if it is there.
pub(super) fn running(conn: &Connection, memory: &Memory, id: &PaymentId) -> Sql<Option<Held>> {
    if let Some(held) = memory.running(id) {
        return Ok(Some(held));
    }
    let found = find(conn, id)?.filter(|payment| payment.state == PaymentState::Running);
    Ok(found.map(|payment| payment.held()))
}

/// Moves a payment between the two states in which money is held.
pub(super) fn set_open(
    conn: &Connection,
    memory: &mut Memory,
    id: &PaymentId,
    state: PaymentState,
) -> Sql<()> {
    memory.rests(id);
    conn.prepare_cached("UPDATE payments SET state = ?2 WHERE payment_id = ?1")?
        .execute((id.as_str(), state.as_str()))
        .map(drop)
}

/// Ends a payment.
pub(super) fn resolve(
    conn: &Connection,
    memory: &mut Memory,
    id: &PaymentId,
    state: PaymentState,
    charged: BaseUnits,
    now_unix_millis: u64,
) -> Sql<()> {
    memory.rests(id);
    conn.prepare_cached(
        "UPDATE payments SET state = ?2, charged = ?3, resolved_ms = ?4 WHERE payment_id = ?1",
    )?
    .execute((
        id.as_str(),
        state.as_str(),
        units_out(charged),
        number_out(now_unix_millis),
    ))
    .map(drop)
}

fn read(row: &Row<'_>) -> Sql<PaymentRow> {
    let id: String = row.get(0)?;
    let state: String = row.get(6)?;
    Ok(PaymentRow {
        id: PaymentId::parse(&id).ok_or_else(|| corrupt(0, "not a payment id"))?,
        request_hash: B256::from(row.get::<_, [u8; 32]>(1)?),
        channel_id: ChannelId(B256::from(row.get::<_, [u8; 32]>(2)?)),
        ceiling: units_in(row, 3)?,
        reserved: units_in(row, 4)?,
        charged: units_in(row, 5)?,
        state: PaymentState::parse(&state).ok_or_else(|| corrupt(6, "not a payment state"))?,
        task_id: row.get(7)?,
        context_id: row.get(9)?,
        owner: row.get(10)?,
        resolved: maybe_number_in(row, 8)?,
    })
}
