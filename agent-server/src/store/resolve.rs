//! The transactions that end a payment, or set it aside and take it up again.

use super::Shared;
use super::channel_row::ChannelRow;
use super::channels;
use super::codec::{Sql, corrupt};
use super::memory::Memory;
use super::payments::{self, PaymentRow, PaymentState};
use super::task_rows;
use agent_core::channel::{Broken, Channel};
use agent_core::ledger::{LedgerError, PaymentId, TaskWrite};
use agent_core::money::BaseUnits;
use rusqlite::Connection;

pub(super) fn post(
    conn: &Connection,
    memory: &mut Memory,
    shared: &Shared,
    id: &PaymentId,
    actual: BaseUnits,
    task: &TaskWrite,
) -> Sql<Result<(), LedgerError>> {
    let Some(payment) = running(conn, id)? else {
        return Ok(Err(LedgerError::NotHeld(id.clone())));
    };
    if actual > payment.reserved {
        // The caller's mistake and not the books': the reservation can still be voided.
        return Ok(Err(LedgerError::Broken(Broken(
            "a charge exceeds its reservation",
        ))));
    }
    if task_rows::has_ended(conn, &task.id)? {
        return Ok(Err(ended(task)));
    }
    let now = shared.clock.now_unix_millis();
    let resolution = Resolution {
        state: PaymentState::Posted,
        charged: actual,
        now,
    };
    let end = end(conn, memory, &payment, resolution)?;
    if end.is_ok() {
        task_rows::store(conn, task)?;
    }
    Ok(end)
}

pub(super) fn void(
    conn: &Connection,
    memory: &mut Memory,
    shared: &Shared,
    id: &PaymentId,
    task: &TaskWrite,
) -> Sql<Result<(), LedgerError>> {
    let Some(payment) = running(conn, id)? else {
        return Ok(Err(LedgerError::NotHeld(id.clone())));
    };
    let now = shared.clock.now_unix_millis();
    let end = end(conn, memory, &payment, Resolution::void(now))?;
    // The buyer's money is freed in any case; a task that has ended stays as it ended.
    if end.is_ok() && !task_rows::has_ended(conn, &task.id)? {
        task_rows::store(conn, task)?;
    }
    Ok(end)
}

pub(super) fn park(
    conn: &Connection,
    id: &PaymentId,
    task: &TaskWrite,
) -> Sql<Result<(), LedgerError>> {
    if running(conn, id)?.is_none() {
        return Ok(Err(LedgerError::NotHeld(id.clone())));
    }
    if task.state.is_terminal() || task_rows::has_ended(conn, &task.id)? {
        return Ok(Err(ended(task)));
    }
    payments::set_open(conn, id, PaymentState::Parked)?;
    task_rows::store(conn, task).map(Ok)
}

/// Takes up a parked payment, and says whether work on it can still be claimed. In one transaction,
/// so that of two answers to one question only one goes on.
pub(super) fn unpark(
    conn: &Connection,
    memory: &mut Memory,
    shared: &Shared,
    task_id: &str,
    now_unix_millis: u64,
) -> Sql<Option<(PaymentRow, bool)>> {
    let Some(payment) = payments::parked_of(conn, task_id)? else {
        return Ok(None);
    };
    payments::set_open(conn, &payment.id, PaymentState::Running)?;
    let channel = channels::load(conn, memory, payment.channel_id)?;
    let good = channel.is_some_and(|row| {
        let now_unix_secs = now_unix_millis / 1_000;
        !row.broken && !row.closing && row.channel.can_go_on(now_unix_secs, &shared.rules)
    });
    Ok(Some((payment, good)))
}

/// How a payment ends.
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
}

/// Ends a payment on its channel. A channel whose books cannot do that is stopped, which is all
/// that is written then.
pub(super) fn end(
    conn: &Connection,
    memory: &mut Memory,
    payment: &PaymentRow,
    resolution: Resolution,
) -> Sql<Result<(), LedgerError>> {
    let before = channels::load(conn, memory, payment.channel_id)?
        .ok_or_else(|| corrupt(2, "a payment without its channel"))?;
    let Resolution {
        state,
        charged,
        now,
    } = resolution;
    match transition(before.channel, payment.reserved, state, charged) {
        Ok(channel) => {
            let posted = u64::from(state == PaymentState::Posted);
            let after = ChannelRow {
                channel,
                posted: before.posted.saturating_add(posted),
                voided: before.voided.saturating_add(1 - posted),
                ..before
            };
            channels::save(conn, memory, Some(&before), after.aged(&before, now))?;
            payments::resolve(conn, &payment.id, state, charged, now).map(Ok)
        }
        Err(why) => {
            channels::stop(conn, memory, &before, why)?;
            Ok(Err(LedgerError::Broken(why)))
        }
    }
}

fn transition(
    channel: Channel,
    reserved: BaseUnits,
    state: PaymentState,
    charged: BaseUnits,
) -> Result<Channel, Broken> {
    match state {
        PaymentState::Posted => channel.post(reserved, charged),
        _ => channel.void(reserved),
    }
}

fn running(conn: &Connection, id: &PaymentId) -> Sql<Option<PaymentRow>> {
    Ok(payments::find(conn, id)?.filter(|payment| payment.state == PaymentState::Running))
}

fn ended(task: &TaskWrite) -> LedgerError {
    LedgerError::Store(format!(
        "task {} has ended; its payment can only be voided",
        task.id
    ))
}
