//! The transaction that admits a payment.

use super::Shared;
use super::channel_row::ChannelRow;
use super::channels;
use super::codec::{Sql, corrupt};
use super::memory::Memory;
use super::payments::{self, Held, PaymentRow};
use agent_core::channel::{Admission, Channel, Refusal};
use agent_core::ledger::{LedgerError, ReserveRequest};
use rusqlite::Connection;

/// What the transaction decided. Holding a `Held` proves nothing until it is committed.
pub(super) enum Decision {
    Held,
    Same {
        task_id: String,
    },
    Busy {
        task_id: String,
    },
    Refused {
        why: Refusal,
        channel: Option<Channel>,
    },
}

pub(super) fn reserve(
    conn: &Connection,
    memory: &mut Memory,
    shared: &Shared,
    request: &ReserveRequest,
) -> Sql<Result<Decision, LedgerError>> {
    let row = channels::load(conn, memory, request.voucher.channel_id())?;
    // Most payments are new and good. For them the insert alone finds out whether the id or the
    // ceiling was used before, and the questions below are not asked.
    if let Some((row, Ok(channel))) = row.map(|row| (row, rules(shared, request, &row)))
        && admit(conn, memory, request, &row, channel)?
    {
        return Ok(Ok(Decision::Held));
    }
    let refused = |why| {
        let channel = row.map(|row| row.channel);
        Ok(Ok(Decision::Refused { why, channel }))
    };
    if let Some(known) = payments::find(conn, &request.payment_id)? {
        if known.request_hash != request.request_hash {
            return refused(Refusal::PaymentIdConflict);
        }
        return Ok(Ok(repeated(known)));
    }
    let Some(row) = row.filter(|row| row.lock == request.lock) else {
        return Ok(Ok(Decision::Refused {
            why: Refusal::LockUnknown,
            channel: None,
        }));
    };
    if payments::ceiling_used(conn, row.id, request.voucher.ceiling())? {
        return refused(Refusal::VoucherReused);
    }
    if row.broken {
        return Ok(Err(LedgerError::Broken(channels::STOPPED)));
    }
    match rules(shared, request, &row) {
        Err(why) => refused(why),
        // Unreachable: the insert failed, so a question above had an answer.
        Ok(_) => Err(corrupt(0, "a payment neither known nor new")),
    }
}

/// The channel after this payment, if the rules admit it.
fn rules(shared: &Shared, request: &ReserveRequest, row: &ChannelRow) -> Result<Channel, Refusal> {
    if row.lock != request.lock {
        return Err(Refusal::LockUnknown);
    }
    if row.broken || row.closing {
        return Err(Refusal::ChannelClosed);
    }
    if shared.chain_is_stale(request.now_unix_millis) {
        return Err(Refusal::ChainStateStale);
    }
    let admission = Admission {
        max: request.max,
        ceiling: request.voucher.ceiling(),
        now_unix_secs: request.now_unix_millis / 1_000,
    };
    row.channel.admit(admission, &shared.rules)
}

/// The answer to a payment that was made before: its voucher bought one task and no other.
fn repeated(known: PaymentRow) -> Decision {
    let PaymentRow { state, task_id, .. } = known;
    if state.is_open() {
        Decision::Busy { task_id }
    } else {
        Decision::Same { task_id }
    }
}

/// Stores an admitted payment; false, and nothing is stored, if it or its ceiling is not new.
fn admit(
    conn: &Connection,
    memory: &mut Memory,
    request: &ReserveRequest,
    before: &ChannelRow,
    channel: Channel,
) -> Sql<bool> {
    if !payments::insert(conn, request)? {
        return Ok(false);
    }
    let raised = channel.signed > before.channel.signed;
    let after = ChannelRow {
        channel,
        signature: if raised {
            Some(request.voucher.signature())
        } else {
            before.signature
        },
        in_flight_max: before.in_flight_max.max(channel.in_flight),
        ..*before
    };
    channels::save(conn, memory, Some(before), after)?;
    let held = Held {
        channel_id: before.id,
        reserved: request.max,
    };
    memory.runs(request.payment_id.clone(), held);
    Ok(true)
}
