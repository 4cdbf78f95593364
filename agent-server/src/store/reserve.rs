//! The transaction that admits a payment.

use super::Shared;
use super::channel_row::ChannelRow;
use super::channels;
use super::codec::Sql;
use super::memory::Memory;
use super::payments::{self, PaymentRow};
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
    if row.closing {
        return refused(Refusal::ChannelClosed);
    }
    if shared.chain_is_stale(request.now_unix_millis) {
        return refused(Refusal::ChainStateStale);
    }
    let admission = Admission {
        max: request.max,
        ceiling: request.voucher.ceiling(),
        now_unix_secs: request.now_unix_millis / 1_000,
    };
    match row.channel.admit(admission, &shared.rules) {
        Ok(channel) => admit(conn, memory, request, &row, channel).map(|()| Ok(Decision::Held)),
        Err(why) => refused(why),
    }
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

fn admit(
    conn: &Connection,
    memory: &mut Memory,
    request: &ReserveRequest,
    before: &ChannelRow,
    channel: Channel,
) -> Sql<()> {
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
    payments::insert(conn, request)
}
