//! What a crash left behind, resolved before anyone is served.

use super::Shared;
use super::codec::{Sql, corrupt};
use super::limits::EVENTS_READ_MAX;
use super::memory::Memory;
use super::payments::{self, PaymentRow, PaymentState};
use super::resolve::{self, Resolution};
use super::tasks::StoredTask;
use super::{channels, interrupted, settlements, task_rows};
use agent_client::sqlite::Cache;
use agent_core::a2a::{StreamResponse, Task};
use agent_core::json::Json;
use agent_core::ledger::PaymentId;
use agent_core::money::BaseUnits;
use agent_core::voucher::{ChannelId, Funding};
use rusqlite::Connection;

/// What opening a store found and resolved.
///
/// A call that was running when the process died is gone, and whether it had effects is unknown: it
/// is not run again, its buyer is charged nothing more than the slices that metered work had charged,
/// and its task says so. What waits for its buyer goes on waiting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Payments whose work was interrupted; nothing more was charged for them.
    pub voided: u64,
    /// What was held for those payments, in base units, and is free again.
    pub freed: BaseUnits,
    /// Payments that are held on, because their tasks wait for their buyers.
    pub parked: u64,
    /// Payments that are held on, because their work is done and their transfers are being made.
    pub settling: u64,
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
            // Whether the transfer was made is not known; the facilitator is asked again.
            PaymentState::Running if settlements::has_begun(&tx, &payment.id)? => {
                report.settling += 1;
            }
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
        report.broken.extend(payment.by.channel());
        return Ok(());
    }
    report.voided += 1;
    report.freed = report
        .freed
        .plus(payment.held().reserved)
        .map_err(|error| corrupt(4, error))?;
    if task_rows::has_ended(conn, &payment.task_id)? {
        return Ok(());
    }
    let funding = funding_of(conn, memory, payment)?;
    let chain_id = shared.domains.escrow.chain_id();
    let receipt = interrupted::receipt(chain_id, payment, funding);
    fail(
        conn,
        shared,
        &payment.task_id,
        Some((payment, receipt)),
        report,
    )
}

fn funding_of(
    conn: &Connection,
    memory: &mut Memory,
    payment: &PaymentRow,
) -> Sql<Option<Funding>> {
    let Some(id) = payment.by.channel() else {
        return Ok(None);
    };
    Ok(channels::load(conn, memory, id)?.map(|row| row.funding))
}

/// The payments that were being made on chain, with what a facilitator is asked and the outcome.
pub(super) fn unsettled(
    conn: &Connection,
    memory: &mut Memory,
) -> Sql<Vec<(PaymentRow, Json, Json)>> {
    let mut found = Vec::new();
    for (id, request, outcome) in settlements::begun(conn)? {
        let id = PaymentId::parse(&id).ok_or_else(|| corrupt(0, "not a payment id"))?;
        let payment = payments::find(conn, &id)?
            .filter(|payment| payment.state == PaymentState::Running)
            .ok_or_else(|| corrupt(0, "a settlement without its payment"))?;
        memory.runs(id, payment.held());
        found.push((payment, request, outcome));
    }
    Ok(found)
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
    let seq = stored.as_ref().map_or(0, |stored| stored.seq);
    let task = match &stored {
        Some(stored) => as_far_as_it_came(conn, stored)?,
        None => Task::new(id, &context_id),
    };
    let write = interrupted::failed(id, &context_id, &owner, seq, task, receipt, now)
        .map_err(|error| corrupt(5, error))?;
    task_rows::store(conn, &write, was_paid)?;
    report.failed_tasks += 1;
    Ok(())
}

/// The task with all pieces of its artifacts. While it works they are stored as events beside it;
/// what was delivered must not be lost with the run that delivered it, least of all if it was paid.
fn as_far_as_it_came(conn: &Connection, stored: &StoredTask) -> Sql<Task> {
    // What is stored may be of a form that we no longer read; the buyer is owed an end all the same.
    let mut task = stored
        .task
        .parse::<Task>()
        .unwrap_or_else(|_| Task::new(&stored.id, &stored.context_id));
    let mut told: Option<Task> = None;
    let mut after = 0;
    loop {
        let events = task_rows::events_after(conn, &stored.id, after, EVENTS_READ_MAX)?;
        let Some((last, _)) = events.last() else {
            break;
        };
        after = *last;
        for (_, event) in &events {
            match (event.parse(), &mut told) {
                // The events of each run begin with the task as it then was.
                (Ok(StreamResponse::Task(task)), _) => told = Some(task),
                (Ok(StreamResponse::ArtifactUpdate(piece)), Some(told)) => {
                    told.merge_artifact(piece);
                }
                _ => {}
            }
        }
    }
    if let Some(told) = told {
        task.artifacts = told.artifacts;
    }
    Ok(task)
}
