//! The transactions of work that is paid for while it goes on: more money, and charges in slices.

use super::Shared;
use super::channel_row::ChannelRow;
use super::channels;
use super::codec::Sql;
use super::memory::Memory;
use super::payments::{self, Held, PaidBy, PaymentRow, PaymentState};
use super::reserve::{has_credit, serves, signature};
use super::resolve::channel_of;
use agent_core::channel::{Admission, Broken, Channel, Refusal};
use agent_core::ledger::{ExtendRequest, LedgerError, PaymentId};
use agent_core::money::BaseUnits;
use agent_core::voucher::Funding;
use rusqlite::Connection;

/// What became of a request for more.
pub(super) enum Grown {
    Held(Held),
    Same(Held),
    Refused(Refusal, Option<Channel>),
}

pub(super) fn extend(
    conn: &Connection,
    memory: &mut Memory,
    shared: &Shared,
    id: &PaymentId,
    request: &ExtendRequest,
) -> Sql<Result<Grown, LedgerError>> {
    let Some(whole) = running(conn, id)? else {
        return Ok(Err(LedgerError::NotHeld(id.clone())));
    };
    if let Some(known) = payments::find(conn, &request.payment_id)? {
        let same = known.part_of.as_deref() == Some(id.as_str())
            && known.request_hash == request.request_hash;
        return Ok(Ok(if same {
            Grown::Same(whole.held())
        } else {
            Grown::Refused(Refusal::PaymentIdConflict, None)
        }));
    }
    let (PaidBy::Channel(channel_id), true) =
        (whole.by, request.proof.channel_id() == whole.by.channel())
    else {
        return Ok(Ok(Grown::Refused(Refusal::OtherChannel, None)));
    };
    let before = channel_of(conn, memory, channel_id)?;
    let refused = |why| Ok(Ok(Grown::Refused(why, Some(before.channel))));
    let channel = match grow(shared, &before, request) {
        Ok(channel) => channel,
        Err(why) => return refused(why),
    };
    if let Some(ceiling) = request.proof.ceiling()
        && payments::ceiling_used(conn, channel_id, ceiling)?
    {
        return refused(Refusal::VoucherReused);
    }
    let Ok(reserved) = whole.reserved.plus(request.more) else {
        return refused(Refusal::OtherChannel);
    };
    if !payments::insert_part(conn, &whole, request)? {
        return refused(Refusal::VoucherReused);
    }
    payments::set_amounts(conn, id, reserved, whole.sliced)?;
    let after = before.raised(channel, signature(&request.proof));
    channels::save(conn, memory, Some(&before), after)?;
    let held = PaymentRow { reserved, ..whole }.held();
    memory.holds(id, held);
    Ok(Ok(Grown::Held(held)))
}

fn grow(shared: &Shared, row: &ChannelRow, request: &ExtendRequest) -> Result<Channel, Refusal> {
    serves(shared, row, request.now_unix_millis)?;
    let admission = Admission {
        max: request.more,
        ceiling: request.proof.ceiling().unwrap_or(BaseUnits::ZERO),
        now_unix_secs: request.now_unix_millis / 1_000,
    };
    match row.funding {
        Funding::Batch(_) => row.channel.extend_alone(admission, &shared.rules),
        _ => {
            has_credit(&request.proof, &row.channel, request.more)?;
            row.channel.extend(admission, &shared.rules)
        }
    }
}

pub(super) fn slice(
    conn: &Connection,
    memory: &mut Memory,
    shared: &Shared,
    id: &PaymentId,
    total: BaseUnits,
) -> Sql<Result<Held, LedgerError>> {
    let Some(whole) = running(conn, id)? else {
        return Ok(Err(LedgerError::NotHeld(id.clone())));
    };
    let Ok(amount) = total.minus(whole.charged) else {
        return Ok(Ok(whole.held()));
    };
    let PaidBy::Channel(channel_id) = whole.by else {
        return Ok(Err(mistake("a transfer is made whole and not in slices")));
    };
    if total > whole.reserved {
        return Ok(Err(mistake("a charge exceeds its reservation")));
    }
    if amount.is_zero() {
        return Ok(Ok(whole.held()));
    }
    let before = channel_of(conn, memory, channel_id)?;
    let channel = match before.channel.slice(amount) {
        Ok(channel) => channel,
        Err(why) => {
            channels::stop(conn, memory, &before, why)?;
            return Ok(Err(LedgerError::Broken(why)));
        }
    };
    // Something is charged under the voucher now, so it must be claimed with and buy nothing more.
    let after = ChannelRow { channel, ..before }.commit_voucher();
    let after = after.aged(&before, shared.clock.now_unix_millis());
    channels::save(conn, memory, Some(&before), after)?;
    if before.funding.batch().is_some() {
        payments::settle_vouchers(conn, channel_id, true)?;
    }
    payments::set_amounts(conn, id, whole.reserved, total)?;
    let held = PaymentRow {
        charged: total,
        sliced: total,
        ..whole
    }
    .held();
    memory.holds(id, held);
    Ok(Ok(held))
}

/// The payment, if it is running; from the file, which is never behind for payments.
fn running(conn: &Connection, id: &PaymentId) -> Sql<Option<PaymentRow>> {
    let found = payments::find(conn, id)?;
    Ok(found.filter(|payment| payment.state == PaymentState::Running && payment.part_of.is_none()))
}

/// The caller's mistake and not the books'.
const fn mistake(why: &'static str) -> LedgerError {
    LedgerError::Broken(Broken(why))
}
