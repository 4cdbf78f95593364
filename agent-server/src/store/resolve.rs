//! The transactions that end a payment, or set it aside and take it up again.

use super::Shared;
use super::channel_row::ChannelRow;
use super::channels;
use super::codec::{Sql, corrupt};
use super::memory::Memory;
use super::payments::{self, Held, PaidBy, PaymentRow, PaymentState};
use super::{settlements, task_rows};
use agent_core::channel::{Broken, Channel};
use agent_core::ledger::{LedgerError, PaymentId, TaskWrite};
use agent_core::money::BaseUnits;
use agent_core::voucher::{ChannelId, Funding};
use rusqlite::Connection;

pub(super) fn post(
    conn: &Connection,
    memory: &mut Memory,
    shared: &Shared,
    id: &PaymentId,
    actual: BaseUnits,
    task: &TaskWrite,
) -> Sql<Result<(), LedgerError>> {
    let Some(held) = payments::running(conn, memory, id)? else {
        return Ok(Err(LedgerError::NotHeld(id.clone())));
    };
    if actual > held.reserved {
        // The caller's mistake and not the books': the reservation can still be voided.
        return Ok(Err(LedgerError::Broken(Broken(
            "a charge exceeds its reservation",
        ))));
    }
    let resolution = Resolution {
        state: PaymentState::Posted,
        charged: actual,
        now: shared.clock.now_unix_millis(),
    };
    let PaidBy::Channel(channel_id) = held.by else {
        if !task_rows::store(conn, task, true)? {
            return Ok(Err(ended(task)));
        }
        return resolution.write(conn, memory, id, held).map(Ok);
    };
    let before = channel_of(conn, memory, channel_id)?;
    let after = match resolution.apply(&before, held) {
        Ok(after) => after,
        Err(_) if task_rows::has_ended(conn, &task.id)? => return Ok(Err(ended(task))),
        Err(why) => return stop(conn, memory, &before, why),
    };
    if !task_rows::store(conn, task, true)? {
        return Ok(Err(ended(task)));
    }
    channels::save(conn, memory, Some(&before), after)?;
    resolution.write(conn, memory, id, held).map(Ok)
}

pub(super) fn void(
    conn: &Connection,
    memory: &mut Memory,
    shared: &Shared,
    id: &PaymentId,
    task: &TaskWrite,
) -> Sql<Result<(), LedgerError>> {
    let Some(held) = payments::running(conn, memory, id)? else {
        return Ok(Err(LedgerError::NotHeld(id.clone())));
    };
    let now = shared.clock.now_unix_millis();
    let end = end(conn, memory, id, held, Resolution::void(now))?;
    // The buyer's money is freed in any case; a task that has ended stays as it ended.
    if end.is_ok() {
        task_rows::store(conn, task, true)?;
    }
    Ok(end)
}

pub(super) fn park(
    conn: &Connection,
    memory: &mut Memory,
    id: &PaymentId,
    task: &TaskWrite,
) -> Sql<Result<(), LedgerError>> {
    if payments::running(conn, memory, id)?.is_none() {
        return Ok(Err(LedgerError::NotHeld(id.clone())));
    }
    if task.state.is_terminal() || !task_rows::store(conn, task, true)? {
        return Ok(Err(ended(task)));
    }
    payments::set_open(conn, memory, id, PaymentState::Parked).map(Ok)
}

/// Takes up a parked payment, and says whether work on it can still be claimed. In one transaction,
/// so that of two answers to one question only one goes on.
pub(super) fn unpark(
    conn: &Connection,
    memory: &mut Memory,
    shared: &Shared,
    task_id: &str,
    now_unix_millis: u64,
) -> Sql<Option<(PaymentRow, Option<Funding>, bool)>> {
    let Some(payment) = payments::parked_of(conn, task_id)? else {
        return Ok(None);
    };
    payments::set_open(conn, memory, &payment.id, PaymentState::Running)?;
    let now_unix_secs = now_unix_millis / 1_000;
    let PaidBy::Channel(channel_id) = payment.by else {
        let good = settlements::is_good(conn, &payment.id, now_unix_secs)?;
        return Ok(Some((payment, None, good == Some(true))));
    };
    let channel = channels::load(conn, memory, channel_id)?;
    let good = channel.is_some_and(|row| {
        !row.broken && !row.closing && row.channel.can_go_on(now_unix_secs, &shared.rules)
    });
    Ok(Some((payment, channel.map(|row| row.funding), good)))
}

/// How a payment ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolution {
    state: PaymentState,
    charged: BaseUnits,
    now: u64,
}

impl Resolution {
    pub(super) const fn void(now: u64) -> Self {
        Self {
            state: PaymentState::Voided,
            charged: BaseUnits::ZERO,
            now,
        }
    }

    /// The channel after the payment.
    fn apply(self, before: &ChannelRow, held: Held) -> Result<ChannelRow, Broken> {
        let posted = u64::from(self.state == PaymentState::Posted);
        let after = ChannelRow {
            channel: self.transition(before.channel, held.reserved)?,
            posted: before.posted.saturating_add(posted),
            voided: before.voided.saturating_add(1 - posted),
            ..*before
        };
        let after = if self.charges(held) {
            after.commit_voucher()
        } else {
            after.release_voucher()
        };
        after.channel.checked()?;
        Ok(after.aged(before, self.now))
    }

    /// Whether anything was charged for the payment, now or in slices.
    fn charges(self, held: Held) -> bool {
        !self.charged.is_zero() || !held.charged.is_zero()
    }

    fn transition(self, channel: Channel, reserved: BaseUnits) -> Result<Channel, Broken> {
        match self.state {
            PaymentState::Posted => channel.post(reserved, self.charged),
            _ => channel.void(reserved),
        }
    }

    fn write(self, conn: &Connection, memory: &mut Memory, id: &PaymentId, held: Held) -> Sql<()> {
        let charged = held
            .charged
            .plus(self.charged)
            .map_err(|error| corrupt(5, error))?;
        match held.by {
            PaidBy::Channel(channel_id) => {
                let batch = channels::load(conn, memory, channel_id)?
                    .is_some_and(|row| row.funding.batch().is_some());
                if batch {
                    payments::settle_vouchers(conn, channel_id, self.charges(held))?;
                }
            }
            PaidBy::Transfer { .. } => {
                memory.forget_books();
                settlements::forget(conn, id)?;
            }
        }
        payments::resolve(conn, memory, id, self.state, charged, self.now)
    }
}

/// Ends a payment on its channel. A channel whose books cannot do that is stopped, which is all
/// that is written then.
pub(super) fn end(
    conn: &Connection,
    memory: &mut Memory,
    id: &PaymentId,
    held: Held,
    resolution: Resolution,
) -> Sql<Result<(), LedgerError>> {
    if let PaidBy::Channel(channel_id) = held.by {
        let before = channel_of(conn, memory, channel_id)?;
        match resolution.apply(&before, held) {
            Ok(after) => channels::save(conn, memory, Some(&before), after)?,
            Err(why) => return stop(conn, memory, &before, why),
        }
    }
    resolution.write(conn, memory, id, held).map(Ok)
}

pub(super) fn channel_of(conn: &Connection, memory: &mut Memory, id: ChannelId) -> Sql<ChannelRow> {
    channels::load(conn, memory, id)?.ok_or_else(|| corrupt(2, "a payment without its channel"))
}

fn stop(
    conn: &Connection,
    memory: &mut Memory,
    row: &ChannelRow,
    why: Broken,
) -> Sql<Result<(), LedgerError>> {
    channels::stop(conn, memory, row, why)?;
    Ok(Err(LedgerError::Broken(why)))
}

fn ended(task: &TaskWrite) -> LedgerError {
    LedgerError::Store(format!(
        "task {} has ended; its payment can only be voided",
        task.id
    ))
}
