//! The end of a payment in the books.

use agent_core::{ledger::PaymentId, money::BaseUnits, voucher::ChannelId, x402::Z402Receipt};
use alloy_primitives::Address;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    account::Account,
    batch,
    book::{Book, save},
    credit,
    error::WalletError,
    exact,
    receipt::{Confirmed, Lie, ReceiptError, Said},
    schema::{broken, get_address, get_channel, get_int, get_units, int, units},
    scheme::Scheme,
};
use crate::sqlite::JobError;

/// A stored payment, as far as its end needs it.
#[derive(Debug)]
pub(super) struct PaymentRow {
    pub(super) id: PaymentId,
    pub(super) scheme: Scheme,
    pub(super) channel_id: ChannelId,
    pub(super) payee: Address,
    pub(super) max: BaseUnits,
    pub(super) ceiling: BaseUnits,
    pub(super) charged: BaseUnits,
    pub(super) state: String,
    pub(super) created_ms: u64,
    /// Until when the transfer, or the deposit that went with the payment, is good.
    pub(super) valid_before: Option<u64>,
    /// Who may be paid with the credit that its receipt gives.
    pub(super) origin: Option<String>,
    /// Whether it was made with credit.
    pub(super) credit: bool,
}

impl PaymentRow {
    /// Whether its end is not known yet.
    pub(super) fn open(&self) -> bool {
        matches!(self.state.as_str(), "in_flight" | "unknown")
    }
}

pub(super) fn find(conn: &Connection, id: &PaymentId) -> Result<PaymentRow, JobError<WalletError>> {
    let read = |row: &Row<'_>| {
        let scheme: String = row.get("scheme")?;
        Ok(PaymentRow {
            id: id.clone(),
            scheme: scheme.parse().map_err(broken)?,
            ceiling: get_units(row, "ceiling")?,
            channel_id: get_channel(row, "channel")?,
            payee: get_address(row, "payee")?,
            max: get_units(row, "max")?,
            charged: get_units(row, "charged")?,
            state: row.get("state")?,
            created_ms: get_int(row, "created_ms")?,
            valid_before: row
                .get::<_, Option<i64>>("valid_before")?
                .and_then(|at| u64::try_from(at).ok()),
            origin: row.get("origin")?,
            credit: row.get("credit")?,
        })
    };
    conn.prepare_cached("SELECT * FROM payment WHERE id = ?1")?
        .query_row([id.as_str()], read)
        .optional()?
        .ok_or_else(|| JobError::Refused(WalletError::UnknownPayment(id.clone())))
}

/// Ends an open payment, whatever it was made with.
pub(super) fn end_any(
    conn: &Connection,
    book: &mut Book,
    row: &PaymentRow,
    actual: BaseUnits,
    state: &str,
    now_ms: u64,
) -> Result<(), JobError<WalletError>> {
    match row.scheme {
        Scheme::Z402 => end(conn, book, row, actual, state, now_ms),
        Scheme::BatchSettlement => batch::end(conn, book, row, actual, state, now_ms),
        Scheme::Exact => exact::end(conn, book, row, actual, state, now_ms),
    }
}

/// Posts, voids or rejects a z402 payment. A lie is an answer, not a refusal: marking the channel must be committed.
pub(super) fn settle(
    conn: &Connection,
    book: &mut Book,
    row: PaymentRow,
    said: &Said,
    now_ms: u64,
) -> Result<Result<Confirmed, ReceiptError>, JobError<WalletError>> {
    let judged = match said {
        Said::Wrong(lie) => Err(*lie),
        Said::Charged(extra) => judge(&row, extra).map(|()| (true, extra.charged_amount)),
        Said::NotTaken(Some(extra)) => judge(&row, extra).and_then(|()| {
            let free = extra.charged_amount.is_zero();
            if free {
                Ok((false, BaseUnits::ZERO))
            } else {
                Err(Lie::ChargedForFailure)
            }
        }),
        Said::NotTaken(None) => Ok((false, BaseUnits::ZERO)),
    };
    let state = |taken: bool| if taken { "charged" } else { "void" };
    let judged = judged.and_then(|(taken, charged)| {
        let again = row.state == state(taken) && row.charged == charged;
        if row.open() || again {
            Ok((taken, charged))
        } else {
            Err(Lie::Contradiction)
        }
    });
    match judged {
        Ok((taken, charged)) => {
            if row.open() {
                end(conn, book, &row, charged, state(taken), now_ms)?;
                if !taken {
                    credit::drop_used(book, &row);
                }
                credit::keep(book, &row, said.credit(), now_ms);
            }
            let (payment_id, channel_id) = (row.id, row.channel_id);
            Ok(Ok(Confirmed {
                payment_id,
                channel_id,
                charged,
                taken,
            }))
        }
        Err(lie) => {
            let error = ReceiptError::from(lie);
            if let Some(account) = book.accounts.get(&row.channel_id) {
                let suspected = account.suspected(error.code());
                save(conn, book, suspected)?;
            }
            book.credits.remove(&row.channel_id);
            mark(conn, &row)?;
            Ok(Err(error))
        }
    }
}

fn judge(row: &PaymentRow, extra: &Z402Receipt) -> Result<(), Lie> {
    if extra.payment_id != row.id.as_str() {
        return Err(Lie::PaymentId);
    }
    if extra.channel_id != row.channel_id {
        return Err(Lie::Channel);
    }
    if extra.charged_amount > row.max {
        return Err(Lie::Overcharged {
            charged: extra.charged_amount,
            max: row.max,
        });
    }
    Ok(())
}

/// Ends an open payment with a charge of `actual`, which may be nothing.
pub(super) fn end(
    conn: &Connection,
    book: &mut Book,
    row: &PaymentRow,
    actual: BaseUnits,
    state: &str,
    now_ms: u64,
) -> Result<(), JobError<WalletError>> {
    let unknown = || JobError::Refused(WalletError::UnknownChannel(row.channel_id));
    let account: &Account = book.accounts.get(&row.channel_id).ok_or_else(unknown)?;
    let next = account
        .ended(row.max, actual)
        .map_err(|error| JobError::Refused(WalletError::Books(error.to_string())))?;
    save(conn, book, next)?;
    close(conn, book, row, actual, state, now_ms)
}

/// Writes the end into the payment's row and the windows.
pub(super) fn close(
    conn: &Connection,
    book: &mut Book,
    row: &PaymentRow,
    actual: BaseUnits,
    state: &str,
    now_ms: u64,
) -> Result<(), JobError<WalletError>> {
    conn.prepare_cached(
        "UPDATE payment SET state = ?2, charged = ?3, ended_ms = ?4 WHERE id = ?1",
    )?
    .execute(params![row.id.as_str(), state, units(actual), int(now_ms)])?;
    let unspent = row.max.minus(actual).map_err(broken)?;
    book.windows
        .lessen(row.payee, row.created_ms, unspent)
        .map_err(broken)?;
    Ok(())
}

pub(super) fn mark(conn: &Connection, row: &PaymentRow) -> rusqlite::Result<()> {
    if row.state == "in_flight" {
        conn.prepare_cached("UPDATE payment SET state = 'unknown' WHERE id = ?1")?
            .execute([row.id.as_str()])?;
    }
    Ok(())
}
