//! What a crash left behind, resolved before anyone is served.

use super::Shared;
use super::codec::{Sql, corrupt};
use super::memory::Memory;
use super::payments::{self, PaymentRow, PaymentState};
use super::resolve::{self, Resolution};
use super::{channels, interrupted, task_rows};
use agent_client::sqlite::Cache;
use agent_core::money::BaseUnits;
use agent_core::voucher::ChannelId;
use rusqlite::Connection;

/// What opening a store found and resolved.
///
/// A call that was running when the process died is gone, and whether it had effects is unknown: it
/// is not run again, its buyer is charged nothing, and its task says so. What waits for its buyer
/// goes on waiting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Payments whose work was interrupted; nothing was charged for them.
    pub voided: u64,
    /// What was held for those payments, in base units, and is free again.
    pub freed: BaseUnits,
    /// Payments that are held on, because their tasks wait for their buyers.
    pub parked: u64,
    /// Tasks that were written as failed, paid and unpaid ones.
    pub failed_tasks: u64,
    /// Channels whose books could not free a reservation; they are stopped.
    pub broken: Vec<ChannelId>,
}

pub(super) fn recover(
    conn: &Connection,
    memory: &mut Memory,
    shared: &Shared,
) -> Sql<RecoveryReport> {
    let tx = conn.unchecked_transaction()?;
    let mut report = RecoveryReport::default();
    for payment in payments::open(&tx)? {
        match payment.state {
            PaymentState::Running => void(&tx, memory, shared, &payment, &mut report)?,
            _ => report.parked += 1,
        }
    }
    // What is left at work was not paid for: the paid ones have just failed.
    for id in task_rows::at_work(&tx)? {
        if !payments::held_for(&tx, &id)? {
            fail(&tx, shared, &id, None, &mut report)?;
        }
    }
    memory.flush(&tx)?;
    tx.commit()?;
    if report != RecoveryReport::default() {
        tracing::info!(?report, "resolved what an earlier run left behind");
    }
    Ok(report)
}

fn void(
    conn: &Connection,
    memory: &mut Memory,
    shared: &Shared,
    payment: &PaymentRow,
    report: &mut RecoveryReport,
) -> Sql<()> {
    let now = shared.clock.now_unix_millis();
    if resolve::end(
        conn,
        memory,
        &payment.id,
        payment.held(),
        Resolution::void(now),
    )?
    .is_err()
    {
        report.broken.push(payment.channel_id);
        return Ok(());
    }
    report.voided += 1;
    report.freed = report
        .freed
        .plus(payment.reserved)
        .map_err(|error| corrupt(4, error))?;
    if task_rows::has_ended(conn, &payment.task_id)? {
        return Ok(());
    }
    let payer = channels::load(conn, memory, payment.channel_id)?.map(|row| row.lock.payer);
    let receipt = interrupted::receipt(shared.domain.chain_id(), payment, payer);
    fail(
        conn,
        shared,
        &payment.task_id,
        Some((payment, receipt)),
        report,
    )
}

fn fail(
    conn: &Connection,
    shared: &Shared,
    id: &str,
    paid: Option<(&PaymentRow, interrupted::Receipt)>,
    report: &mut RecoveryReport,
) -> Sql<()> {
    let stored = task_rows::get(conn, id)?;
    let (context_id, owner) = match (&stored, &paid) {
        (Some(stored), _) => (stored.context_id.clone(), stored.owner.clone()),
        (None, Some((payment, _))) => (payment.context_id.clone(), payment.owner.clone()),
        (None, None) => return Ok(()),
    };
    let was_paid = paid.is_some();
    let receipt = paid.map(|(_, receipt)| receipt);
    let now = shared.clock.now_unix_millis();
    let write = interrupted::failed(id, &context_id, &owner, stored.as_ref(), receipt, now)
        .map_err(|error| corrupt(5, error))?;
    task_rows::store(conn, &write, was_paid)?;
    report.failed_tasks += 1;
    Ok(())
}
