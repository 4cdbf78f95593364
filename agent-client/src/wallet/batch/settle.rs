//! The end of a payment over a batch-settlement channel.

use agent_core::{
    money::BaseUnits,
    x402::batch::{BatchError, BatchReceipt, check_receipt},
};
use rusqlite::Connection;

use super::rows::save;
use crate::sqlite::JobError;
use crate::wallet::{
    book::Book,
    error::WalletError,
    receipt::{Confirmed, Lie, ReceiptError, Told},
    settle::{PaymentRow, close, mark},
};

/// Posts, voids or rejects what a seller said of a payment. A lie is an answer, not a refusal:
/// marking the channel must be committed.
pub(in crate::wallet) fn settle(
    conn: &Connection,
    book: &mut Book,
    row: PaymentRow,
    told: &Told,
    now_ms: u64,
) -> Result<Result<Confirmed, ReceiptError>, JobError<WalletError>> {
    let state = |taken: bool| if taken { "charged" } else { "void" };
    let judged = judge(&row, told).and_then(|(taken, charged)| {
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
                if taken && let Some(account) = book.batches.get(&row.channel_id) {
                    let reported = account.clone().reported(row.valid_before);
                    save(conn, book, reported)?;
                }
                end(conn, book, &row, charged, state(taken), now_ms)?;
            }
            Ok(Ok(Confirmed {
                payment_id: row.id,
                channel_id: row.channel_id,
                charged,
                taken,
            }))
        }
        Err(lie) => {
            let error = ReceiptError::from(lie);
            if let Some(account) = book.batches.get(&row.channel_id) {
                let suspected = account.suspected(error.code());
                save(conn, book, suspected)?;
            }
            mark(conn, &row)?;
            Ok(Err(error))
        }
    }
}

fn judge(row: &PaymentRow, told: &Told) -> Result<(bool, BaseUnits), Lie> {
    if !told.success {
        return Ok((false, BaseUnits::ZERO));
    }
    if let Some(lie) = told.lie {
        return Err(lie);
    }
    let receipt = BatchReceipt::read(&told.extra).map_err(|_| Lie::Shape)?;
    let before = row.ceiling.minus(row.max).map_err(|_| Lie::Count)?;
    match check_receipt(&receipt, row.channel_id, before, row.max) {
        // The scheme lets a seller leave the charge out only after a refund.
        Ok(_) if receipt.charged_amount.is_none() => Err(Lie::Shape),
        Ok(_) => Ok((true, receipt.charged_amount.unwrap_or_default())),
        Err(BatchError::ChargeAboveMax) => Err(Lie::Overcharged {
            charged: receipt.charged_amount.unwrap_or_default(),
            max: row.max,
        }),
        Err(BatchError::ChannelIdMismatch) => Err(Lie::Channel),
        Err(_) => Err(Lie::Count),
    }
}

/// Ends an open payment with a charge of `actual`, which may be nothing.
pub(in crate::wallet) fn end(
    conn: &Connection,
    book: &mut Book,
    row: &PaymentRow,
    actual: BaseUnits,
    state: &str,
    now_ms: u64,
) -> Result<(), JobError<WalletError>> {
    let books =
        |error: &dyn std::fmt::Display| JobError::Refused(WalletError::Books(error.to_string()));
    let unknown = || JobError::Refused(WalletError::UnknownChannel(row.channel_id));
    let account = book.batches.get(&row.channel_id).ok_or_else(unknown)?;
    let before = row.ceiling.minus(row.max).map_err(|error| books(&error))?;
    let after = match state {
        "charged" => before.plus(actual).map_err(|error| books(&error))?,
        _ => BaseUnits::ZERO,
    };
    let next = account
        .ended(row.max, actual, after)
        .map_err(|error| books(&error))?;
    save(conn, book, next)?;
    close(conn, book, row, actual, state, now_ms)
}
