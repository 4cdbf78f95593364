//! The table of payments: one row for every payment that was ever admitted.

use super::codec::{Sql, corrupt, maybe_number_in, number_out, units_in, units_out};
use super::memory::Memory;
use agent_core::ledger::{
    DirectBooks, ExtendRequest, Holding, PaymentId, Proof, ReserveRequest, Source,
};
use agent_core::money::{BaseUnits, MoneyError};
use agent_core::voucher::{ChannelId, Funding};
use alloy_primitives::{Address, B256};
use rusqlite::{Connection, OptionalExtension, Row};

const COLUMNS: &str = "payment_id, request_hash, channel_id, ceiling, reserved, charged, state, \
     task_id, resolved_ms, context_id, owner, sliced, spent, part_of, transfer_id, payer";

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
    pub(super) by: PaidBy,
    pub(super) ceiling: Option<BaseUnits>,
    /// The most that it may cost in all.
    pub(super) reserved: BaseUnits,
    pub(super) charged: BaseUnits,
    /// Of what was charged, what was charged before its end.
    pub(super) sliced: BaseUnits,
    /// Whether its voucher buys nothing more, is held, or bought nothing; see the schema.
    pub(super) spent: Option<bool>,
    /// The running payment that this added to.
    pub(super) part_of: Option<String>,
    pub(super) state: PaymentState,
    pub(super) task_id: String,
    pub(super) context_id: String,
    pub(super) owner: String,
    pub(super) resolved: Option<u64>,
}

/// What pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PaidBy {
    Channel(ChannelId),
    Transfer { id: B256, payer: Address },
}

impl PaidBy {
    pub(super) const fn channel(self) -> Option<ChannelId> {
        match self {
            Self::Channel(id) => Some(id),
            Self::Transfer { .. } => None,
        }
    }
}

impl PaymentRow {
    pub(super) fn held(&self) -> Held {
        Held {
            by: self.by,
            // What was charged is never more than what was reserved; `verify` looks for it.
            reserved: self.reserved.minus(self.charged).unwrap_or_default(),
            charged: self.charged,
            // Its row does not say.
            has_slack: true,
        }
    }

    /// For the caller of the ledger; `funding` is the channel's, if there is one.
    pub(super) fn holding(self, funding: Option<Funding>) -> Holding {
        let held = self.held();
        held.holding(self.id, self.task_id, funding)
    }
}

/// What must be known of a payment to end it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) by: PaidBy,
    /// What is held still.
    pub(super) reserved: BaseUnits,
    /// What was charged in slices.
    pub(super) charged: BaseUnits,
    /// Whether more may have been signed than is charged and held.
    pub(super) has_slack: bool,
}

impl Held {
    pub(super) fn holding(
        self,
        payment_id: PaymentId,
        task_id: String,
        funding: Option<Funding>,
    ) -> Holding {
        let (source, payer) = match (self.by, funding) {
            (PaidBy::Transfer { id, payer }, _) => (Source::Transfer(id), payer),
            (PaidBy::Channel(id), Some(Funding::Batch(config))) => {
                (Source::Batch(id), config.payer)
            }
            (PaidBy::Channel(id), funding) => (
                Source::Lock(id),
                funding.map(|funding| funding.payer()).unwrap_or_default(),
            ),
        };
        Holding {
            payment_id,
            source,
            payer,
            amount: self.reserved,
            charged: self.charged,
            has_slack: self.has_slack,
            task_id,
        }
    }
}

pub(super) fn find(conn: &Connection, id: &PaymentId) -> Sql<Option<PaymentRow>> {
    let sql = format!("SELECT {COLUMNS} FROM payments WHERE payment_id = ?1");
    conn.prepare_cached(&sql)?
        .query_row([id.as_str()], read)
        .optional()
}

/// Whether a voucher with this ceiling buys nothing more on this channel.
pub(super) fn ceiling_used(conn: &Connection, id: ChannelId, ceiling: BaseUnits) -> Sql<bool> {
    conn.prepare_cached(
        "SELECT 1 FROM payments WHERE channel_id = ?1 AND ceiling = ?2 AND spent = 1",
    )?
    .exists((id.0.0, units_out(ceiling)))
}

/// Whether a transfer has admitted a payment.
pub(super) fn transfer_used(conn: &Connection, id: B256) -> Sql<bool> {
    conn.prepare_cached("SELECT 1 FROM payments WHERE transfer_id = ?1")?
        .exists([id.0])
}

/// How many transfers of a payer are neither made nor given up.
pub(super) fn transfers_open(conn: &Connection, payer: Address) -> Sql<u32> {
    conn.prepare_cached(
        "SELECT count(*) FROM payments WHERE payer = ?1 AND state IN ('running', 'parked')",
    )?
    .query_row([payer.into_array()], |row| row.get(0))
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

/// Stores a payment as running; false, and nothing is stored, if its id was used before, its
/// voucher's ceiling on this channel or its transfer.
pub(super) fn insert(conn: &Connection, request: &ReserveRequest) -> Sql<bool> {
    let (transfer_id, payer) = match &request.proof {
        Proof::Transfer(transfer) => (Some(transfer.id.0), Some(transfer.payer.into_array())),
        _ => (None, None),
    };
    conn.prepare_cached(
        "INSERT INTO payments (payment_id, request_hash, channel_id, ceiling, reserved, charged,
             state, task_id, context_id, skill, created_ms, owner, spent, transfer_id, payer)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'running', ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
         ON CONFLICT DO NOTHING",
    )?
    .execute((
        request.payment_id.as_str(),
        request.request_hash.0,
        request.proof.channel_id().map(|id| id.0.0),
        request.proof.ceiling().map(units_out),
        units_out(request.max),
        units_out(BaseUnits::ZERO),
        &request.task_id,
        &request.context_id,
        &request.skill,
        number_out(request.now_unix_millis),
        &request.owner,
        is_spent_at_once(&request.proof),
        transfer_id,
        payer,
    ))
    .map(|rows| rows > 0)
}

/// Whether a voucher buys nothing more from the moment it is admitted.
const fn is_spent_at_once(proof: &Proof) -> bool {
    !matches!(
        proof,
        Proof::Voucher {
            funding: Funding::Batch(_),
            ..
        }
    )
}

/// Stores a part that is added to a running payment, as resolved: its money is counted with that
/// payment. False, and nothing is stored, if its id or its voucher was used before.
pub(super) fn insert_part(
    conn: &Connection,
    whole: &PaymentRow,
    request: &ExtendRequest,
) -> Sql<bool> {
    conn.prepare_cached(
        "INSERT INTO payments (payment_id, request_hash, channel_id, ceiling, reserved, charged,
             state, task_id, context_id, skill, created_ms, resolved_ms, owner, spent, part_of)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5, 'posted', ?6, ?7, '', ?8, ?8, ?9, ?10, ?11)
         ON CONFLICT DO NOTHING",
    )?
    .execute((
        request.payment_id.as_str(),
        request.request_hash.0,
        request.proof.channel_id().map(|id| id.0.0),
        request.proof.ceiling().map(units_out),
        units_out(BaseUnits::ZERO),
        &whole.task_id,
        &whole.context_id,
        number_out(request.now_unix_millis),
        &whole.owner,
        is_spent_at_once(&request.proof),
        whole.id.as_str(),
    ))
    .map(|rows| rows > 0)
}

/// Says of the vouchers that are held on a channel whether something was charged under them.
pub(super) fn settle_vouchers(conn: &Connection, id: ChannelId, charged: bool) -> Sql<()> {
    conn.prepare_cached("UPDATE payments SET spent = ?2 WHERE channel_id = ?1 AND spent = 0")?
        .execute((id.0.0, charged.then_some(true)))
        .map(drop)
}

/// Changes what a running payment may cost and what was charged of it.
pub(super) fn set_amounts(
    conn: &Connection,
    id: &PaymentId,
    reserved: BaseUnits,
    sliced: BaseUnits,
) -> Sql<()> {
    conn.prepare_cached(
        "UPDATE payments SET reserved = ?2, charged = ?3, sliced = ?3 WHERE payment_id = ?1",
    )?
    .execute((id.as_str(), units_out(reserved), units_out(sliced)))
    .map(drop)
}

/// The sums over the payments without a channel.
pub(super) fn direct_books(conn: &Connection) -> Sql<DirectBooks> {
    let mut books = DirectBooks::default();
    let mut statement = conn.prepare_cached(
        "SELECT state, reserved, charged FROM payments WHERE transfer_id IS NOT NULL",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let state: String = row.get(0)?;
        let state = PaymentState::parse(&state).ok_or_else(|| corrupt(0, "not a payment state"))?;
        let (reserved, charged) = (units_in(row, 1)?, units_in(row, 2)?);
        add_direct(&mut books, state, reserved, charged).map_err(|error| corrupt(1, error))?;
    }
    Ok(books)
}

fn add_direct(
    books: &mut DirectBooks,
    state: PaymentState,
    reserved: BaseUnits,
    charged: BaseUnits,
) -> Result<(), MoneyError> {
    match state {
        PaymentState::Running | PaymentState::Parked => {
            books.pending = books.pending.saturating_add(1);
            books.reserved = books.reserved.plus(reserved)?;
        }
        PaymentState::Posted => {
            books.posted = books.posted.saturating_add(1);
            books.charged = books.charged.plus(charged)?;
        }
        PaymentState::Voided => books.voided = books.voided.saturating_add(1),
    }
    Ok(())
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
    let ceiling: Option<[u8; 16]> = row.get(3)?;
    Ok(PaymentRow {
        id: PaymentId::parse(&id).ok_or_else(|| corrupt(0, "not a payment id"))?,
        request_hash: B256::from(row.get::<_, [u8; 32]>(1)?),
        by: paid_by(row)?,
        ceiling: ceiling.map(|bytes| BaseUnits::new(u128::from_be_bytes(bytes))),
        reserved: units_in(row, 4)?,
        charged: units_in(row, 5)?,
        sliced: units_in(row, 11)?,
        spent: row.get(12)?,
        part_of: row.get(13)?,
        state: PaymentState::parse(&state).ok_or_else(|| corrupt(6, "not a payment state"))?,
        task_id: row.get(7)?,
        context_id: row.get(9)?,
        owner: row.get(10)?,
        resolved: maybe_number_in(row, 8)?,
    })
}

fn paid_by(row: &Row<'_>) -> Sql<PaidBy> {
    let channel: Option<[u8; 32]> = row.get(2)?;
    let transfer: Option<[u8; 32]> = row.get(14)?;
    let payer: Option<[u8; 20]> = row.get(15)?;
    match (channel, transfer, payer) {
        (Some(id), None, None) => Ok(PaidBy::Channel(ChannelId(B256::from(id)))),
        (None, Some(id), Some(payer)) => Ok(PaidBy::Transfer {
            id: B256::from(id),
            payer: Address::from(payer),
        }),
        _ => Err(corrupt(2, "a payment of neither a channel nor a transfer")),
    }
}
