//! A batch-settlement channel's row.

use agent_core::{voucher::ChannelId, x402::batch::ChannelConfig};
use rusqlite::{Connection, Row, params};

use super::account::{BatchAccount, BatchState, PendingDeposit};
use crate::wallet::{
    book::Book,
    schema::{bad_text, get_address, get_int, get_units, get_word, int, units},
};

/// Writes the account as it is now, and keeps it in the book.
pub(in crate::wallet) fn save(
    conn: &Connection,
    book: &mut Book,
    account: BatchAccount,
) -> rusqlite::Result<()> {
    let config = account.config;
    conn.prepare_cached(
        "INSERT INTO batch_channel VALUES
         (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
          ?20, ?21, ?22, ?23, ?24, ?25)
         ON CONFLICT (id) DO UPDATE SET state = ?9, why = ?10, deposited = ?11, returned = ?12,
         claimed = ?13, signed = ?14, charged = ?15, posted = ?16, reserved = ?17,
         inherited = ?18, recovered = ?19, deposit = ?20, deposit_salt = ?21,
         deposit_until = ?22, deposit_reported = ?23, notice = ?24",
    )?
    .execute(params![
        account.id.0.0,
        config.payer.0.0,
        config.payer_authorizer.0.0,
        config.receiver.0.0,
        config.receiver_authorizer.0.0,
        config.token.0.0,
        int(config.withdraw_delay),
        config.salt.0,
        account.state.as_text(),
        account.why,
        units(account.deposited),
        units(account.returned),
        units(account.claimed),
        units(account.signed),
        units(account.charged),
        units(account.posted),
        units(account.reserved),
        units(account.inherited),
        account.recovered,
        account.deposit.map(|deposit| units(deposit.amount)),
        account.deposit.map(|deposit| deposit.salt.0),
        account.deposit.map(|deposit| int(deposit.valid_before)),
        account.deposit.is_some_and(|deposit| deposit.reported),
        int(account.notice_unix_secs),
        int(account.created_unix_millis),
    ])?;
    book.batches.insert(account.id, account);
    Ok(())
}

pub(in crate::wallet) fn read(row: &Row<'_>) -> rusqlite::Result<BatchAccount> {
    let state: String = row.get("state")?;
    let deposit = match row.get::<_, Option<[u8; 16]>>("deposit")? {
        Some(_) => Some(PendingDeposit {
            amount: get_units(row, "deposit")?,
            salt: get_word(row, "deposit_salt")?,
            valid_before: get_int(row, "deposit_until")?,
            reported: row.get("deposit_reported")?,
        }),
        None => None,
    };
    Ok(BatchAccount {
        id: get_word(row, "id").map(ChannelId)?,
        config: ChannelConfig {
            payer: get_address(row, "payer")?,
            payer_authorizer: get_address(row, "authorizer")?,
            receiver: get_address(row, "receiver")?,
            receiver_authorizer: get_address(row, "receiver_authorizer")?,
            token: get_address(row, "token")?,
            withdraw_delay: get_int(row, "withdraw_delay")?,
            salt: get_word(row, "salt")?,
        },
        state: BatchState::ALL
            .into_iter()
            .find(|known| known.as_text() == state)
            .ok_or_else(|| bad_text("state"))?,
        why: row.get("why")?,
        deposited: get_units(row, "deposited")?,
        returned: get_units(row, "returned")?,
        claimed: get_units(row, "claimed")?,
        signed: get_units(row, "signed")?,
        charged: get_units(row, "charged")?,
        posted: get_units(row, "posted")?,
        reserved: get_units(row, "reserved")?,
        inherited: get_units(row, "inherited")?,
        recovered: row.get("recovered")?,
        deposit,
        notice_unix_secs: get_int(row, "notice")?,
        created_unix_millis: get_int(row, "created_ms")?,
    })
}
