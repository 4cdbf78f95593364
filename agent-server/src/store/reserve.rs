//! The transaction that admits a payment.

use super::Shared;
use super::channel_row::ChannelRow;
use super::channels;
use super::codec::{Sql, corrupt};
use super::limits::{BATCH_STATE_AGE_MAX_SECS, BATCH_STATE_AGE_MIN_SECS};
use super::memory::Memory;
use super::payments::{self, Held, PaidBy, PaymentRow};
use super::settlements;
use agent_core::channel::{Admission, Channel, Refusal};
use agent_core::ledger::{LedgerError, PaymentId, Proof, ReserveRequest, Transfer};
use agent_core::money::BaseUnits;
use agent_core::voucher::{CanonicalSignature, Funding};
use agent_core::x402::batch::{ChannelConfig, Draw};
use alloy_primitives::B256;
use rusqlite::Connection;

/// What the transaction decided. Holding a `Held` proves nothing until it is committed.
pub(super) enum Decision {
    Held(Held, Option<Funding>),
    Same {
        task_id: String,
    },
    Busy {
        task_id: String,
    },
    Refused {
        why: Refusal,
        channel: Option<Channel>,
        voucher: Option<(BaseUnits, CanonicalSignature)>,
    },
}

impl Decision {
    fn refused(why: Refusal, row: Option<&ChannelRow>) -> Self {
        Self::Refused {
            why,
            channel: row.map(|row| row.channel),
            voucher: row.and_then(ChannelRow::newest),
        }
    }
}

pub(super) fn reserve(
    conn: &Connection,
    memory: &mut Memory,
    shared: &Shared,
    request: &ReserveRequest,
) -> Sql<Result<Decision, LedgerError>> {
    let (id, funding) = match &request.proof {
        Proof::Transfer(transfer) => {
            return transferred(conn, memory, shared, request, transfer).map(Ok);
        }
        Proof::Voucher { funding, voucher } => (voucher.channel_id(), Some(*funding)),
        Proof::Credit { channel_id, .. } => (*channel_id, None),
        // A way to pay that this store does not know admits nothing.
        _ => return Ok(Ok(Decision::refused(Refusal::LockUnknown, None))),
    };
    let row = channels::load(conn, memory, id)?;
    let row = row.filter(|row| funding.is_none_or(|funding| funding == row.funding));
    // Most payments are new and good. For them the insert alone finds out whether the id or the
    // ceiling was used before, and the questions below are not asked.
    if let Some(row) = &row
        && let Ok((before, channel)) = rules(conn, shared, request, row)?
        && let Some(held) = admit(
            conn,
            memory,
            request,
            row,
            before.raised(channel, signature(&request.proof)),
        )?
    {
        return Ok(Ok(Decision::Held(held, Some(row.funding))));
    }
    let answer = known(
        conn,
        &request.payment_id,
        request.request_hash,
        row.as_ref(),
    )?;
    if let Some(answer) = answer {
        return Ok(Ok(answer));
    }
    let Some(row) = row else {
        return Ok(Ok(Decision::refused(Refusal::LockUnknown, None)));
    };
    let refused = |why| Ok(Ok(Decision::refused(why, Some(&row))));
    if let (Funding::Lock(_), Some(ceiling)) = (row.funding, request.proof.ceiling())
        && payments::ceiling_used(conn, row.id, ceiling)?
    {
        return refused(Refusal::VoucherReused);
    }
    if row.broken {
        return Ok(Err(LedgerError::Broken(channels::STOPPED)));
    }
    match rules(conn, shared, request, &row)? {
        Err(why) => refused(why),
        // Unreachable: the insert failed, so a question above had an answer.
        Ok(_) => Err(corrupt(0, "a payment neither known nor new")),
    }
}

/// The answer to a payment whose id is known.
pub(super) fn known(
    conn: &Connection,
    id: &PaymentId,
    request_hash: B256,
    row: Option<&ChannelRow>,
) -> Sql<Option<Decision>> {
    Ok(payments::find(conn, id)?.map(|known| {
        if known.request_hash == request_hash && known.part_of.is_none() {
            repeated(known)
        } else {
            Decision::refused(Refusal::PaymentIdConflict, row)
        }
    }))
}

/// A transfer of its own: it has no channel, and only its id to be counted by.
fn transferred(
    conn: &Connection,
    memory: &mut Memory,
    shared: &Shared,
    request: &ReserveRequest,
    transfer: &Transfer,
) -> Sql<Decision> {
    let answer = known(conn, &request.payment_id, request.request_hash, None)?;
    if let Some(answer) = answer {
        return Ok(answer);
    }
    let refused = |why| Ok(Decision::refused(why, None));
    if transfer.expires_unix_secs <= request.now_unix_millis / 1_000
        || payments::transfer_used(conn, transfer.id)?
    {
        return refused(Refusal::TransferReused);
    }
    // All of them may be signed over the same balance, and only the first would be made.
    let max_in_flight = shared.rules.max_in_flight;
    if payments::transfers_open(conn, transfer.payer)? >= max_in_flight {
        return refused(Refusal::TooManyInFlight { max_in_flight });
    }
    if !payments::insert(conn, request)? {
        return refused(Refusal::TransferReused);
    }
    settlements::insert(conn, &request.payment_id, transfer)?;
    memory.forget_books();
    let held = Held {
        by: PaidBy::Transfer {
            id: transfer.id,
            payer: transfer.payer,
        },
        reserved: request.max,
        charged: BaseUnits::ZERO,
        has_slack: false,
    };
    memory.runs(request.payment_id.clone(), held);
    Ok(Decision::Held(held, None))
}

/// The channel before and after this payment, if the rules admit it.
fn rules(
    conn: &Connection,
    shared: &Shared,
    request: &ReserveRequest,
    row: &ChannelRow,
) -> Sql<Result<(ChannelRow, Channel), Refusal>> {
    if let Err(why) = serves(shared, row, request.now_unix_millis) {
        return Ok(Err(why));
    }
    let admission = Admission {
        max: request.max,
        ceiling: request.proof.ceiling().unwrap_or(BaseUnits::ZERO),
        now_unix_secs: request.now_unix_millis / 1_000,
    };
    match (&request.proof, row.funding) {
        (Proof::Voucher { .. }, Funding::Batch(_)) => {
            let before = adopted(*row, admission);
            let channel = before.channel.admit_alone(admission, &shared.rules);
            if channel.is_ok() && payments::ceiling_used(conn, row.id, admission.ceiling)? {
                return Ok(Err(Refusal::VoucherReused));
            }
            Ok(channel.map(|channel| (before, channel)))
        }
        // Stock clients sign for every call; slack is what a failed call left, and no credit.
        (_, Funding::Batch(_)) => Ok(Err(Refusal::ChannelBusy)),
        (proof, _) => {
            let credit = has_credit(proof, &row.channel, admission.max);
            let channel = credit.and_then(|()| row.channel.admit(admission, &shared.rules));
            Ok(channel.map(|channel| (*row, channel)))
        }
    }
}

/// Whether a channel is served at all, and what we know of it is young enough.
pub(super) fn serves(
    shared: &Shared,
    row: &ChannelRow,
    now_unix_millis: u64,
) -> Result<(), Refusal> {
    if row.broken || row.closing {
        return Err(Refusal::ChannelClosed);
    }
    let stale = match &row.funding {
        Funding::Batch(config) => is_stale(config, row.observed, now_unix_millis),
        _ => shared.chain_is_stale(now_unix_millis),
    };
    if stale {
        return Err(Refusal::ChainStateStale);
    }
    Ok(())
}

/// A payer may withdraw after its channel's delay, so what is known of the chain must be much
/// younger than that; the bounds are the stock server's.
fn is_stale(config: &ChannelConfig, observed_unix_millis: u64, now_unix_millis: u64) -> bool {
    let max = (config.withdraw_delay / 3).clamp(BATCH_STATE_AGE_MIN_SECS, BATCH_STATE_AGE_MAX_SECS);
    now_unix_millis.saturating_sub(observed_unix_millis) > max.saturating_mul(1_000)
}

/// The channel as its first payment shows it. Of a channel that is seen for the first time nothing
/// is known but what was claimed; what was charged beyond that is what the payer's own voucher
/// implies, as with a stock server that lost its state. That much was not charged by these books.
fn adopted(row: ChannelRow, admission: Admission) -> ChannelRow {
    let fresh = row.signature.is_none() && row.posted == 0 && row.voided == 0;
    let idle = row.channel.in_flight == 0 && row.channel.charged == row.opening;
    let draw = Draw::Request { max: admission.max };
    match draw.implied_charged(admission.ceiling) {
        Ok(implied) if fresh && idle && implied > row.opening && implied <= row.on_chain => {
            ChannelRow {
                opening: implied,
                channel: Channel {
                    charged: implied,
                    signed: implied,
                    ..row.channel
                },
                ..row
            }
        }
        _ => row,
    }
}

/// Whether what was signed before is enough, when nothing new was.
pub(super) fn has_credit(proof: &Proof, channel: &Channel, max: BaseUnits) -> Result<(), Refusal> {
    match proof {
        Proof::Credit { ceiling, .. } => channel.has_credit(max, *ceiling),
        _ => Ok(()),
    }
}

pub(super) const fn signature(proof: &Proof) -> Option<CanonicalSignature> {
    match proof {
        Proof::Voucher { voucher, .. } => Some(voucher.signature()),
        _ => None,
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

/// Stores an admitted payment; `None`, and nothing is stored, if it or its ceiling is not new.
fn admit(
    conn: &Connection,
    memory: &mut Memory,
    request: &ReserveRequest,
    before: &ChannelRow,
    after: ChannelRow,
) -> Sql<Option<Held>> {
    if !payments::insert(conn, request)? {
        return Ok(None);
    }
    channels::save(conn, memory, Some(before), after)?;
    let held = Held {
        by: PaidBy::Channel(before.id),
        reserved: request.max,
        charged: BaseUnits::ZERO,
        has_slack: !after.channel.slack().is_zero(),
    };
    memory.runs(request.payment_id.clone(), held);
    Ok(Some(held))
}
