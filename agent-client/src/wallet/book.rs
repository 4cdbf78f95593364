//! The wallet's books in memory, beside the rows they are read from.

use std::collections::{BTreeMap, BTreeSet};

use agent_core::{
    money::BaseUnits,
    voucher::{ChannelId, Lock},
};
use alloy_primitives::{Address, B256};
use rusqlite::{Connection, Row, params};

use super::{
    account::{Account, ChannelState},
    batch::{self, BatchAccount},
    credit::Credit,
    escrow::Intent,
    schema::{
        bad_text, broken, get_address, get_channel, get_int, get_salt, get_units, get_word, int,
        salt_bytes, units,
    },
    tallies::Tallies,
    windows::{DAY_MS, Weight, Windows},
};
use crate::sqlite::Cache;

/// An opening that may still take effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) intent: Intent,
    /// False once the chain refused it. It goes on counting until its signature expires: whoever
    /// saw it may send it again.
    pub(super) pending: bool,
}

/// Everything a payment decision rests on; equal to what the rows say, but for credit.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) accounts: BTreeMap<ChannelId, Account>,
    by_payee: BTreeMap<Address, BTreeSet<ChannelId>>,
    pub(super) windows: Windows,
    pub(super) tallies: Tallies,
    pub(super) openings: BTreeMap<B256, Opening>,
    pub(super) batches: BTreeMap<ChannelId, BatchAccount>,
    /// In no row: what is lost costs a signature.
    pub(super) credits: BTreeMap<ChannelId, Credit>,
}

impl Book {
    pub(super) fn load(conn: &Connection, payer: Address, now_ms: u64) -> rusqlite::Result<Self> {
        let mut book = Self::default();
        let mut rows = conn.prepare_cached("SELECT * FROM channel")?;
        for account in rows.query_map([], |row| read_account(row, payer))? {
            book.put(account?);
        }
        let mut rows = conn.prepare_cached(
            "SELECT * FROM opening WHERE state = 'pending'
             OR (state = 'failed' AND valid_before >= ?1)",
        )?;
        let mut rows = rows.query([int(now_ms / 1_000)])?;
        while let Some(row) = rows.next()? {
            let opening = read_opening(row, &book.accounts)?;
            book.openings.insert(opening.intent.nonce, opening);
        }
        let mut rows = conn.prepare_cached("SELECT * FROM batch_channel")?;
        for account in rows.query_map([], batch::read)? {
            let account = account?;
            book.batches.insert(account.id, account);
        }
        let mut rows = conn.prepare_cached(
            "SELECT payee, created_ms, raised,
             CASE state WHEN 'charged' THEN charged WHEN 'void' THEN charged ELSE max END AS counted
             FROM payment WHERE created_ms >= ?1",
        )?;
        let mut rows = rows.query([int(now_ms.saturating_sub(DAY_MS))])?;
        while let Some(row) = rows.next()? {
            let weight = Weight {
                counted: get_units(row, "counted")?,
                raised: get_units(row, "raised")?,
            };
            let (payee, at) = (get_address(row, "payee")?, get_int(row, "created_ms")?);
            book.windows.add(payee, at, weight).map_err(broken)?;
        }
        Ok(book)
    }

    pub(super) fn put(&mut self, account: Account) {
        self.by_payee
            .entry(account.lock.payee)
            .or_default()
            .insert(account.id);
        self.accounts.insert(account.id, account);
    }

    /// Our channels to `payee` in `token`.
    pub(super) fn of(&self, payee: Address, token: Address) -> impl Iterator<Item = &Account> {
        self.by_payee
            .get(&payee)
            .into_iter()
            .flatten()
            .filter_map(|id| self.accounts.get(id))
            .filter(move |account| account.lock.token == token)
    }

    /// Our batch-settlement channels to `payee` in `token`.
    pub(super) fn batches_of(
        &self,
        payee: Address,
        token: Address,
    ) -> impl Iterator<Item = &BatchAccount> {
        let of = move |account: &&BatchAccount| {
            (account.config.receiver, account.config.token) == (payee, token)
        };
        self.batches.values().filter(of)
    }

    /// What all locks and channels hold of ours, openings and deposits that may still happen
    /// included.
    pub(super) fn locked_total(&self, now_unix_secs: u64) -> rusqlite::Result<BaseUnits> {
        let held = self.accounts.values().map(Account::at_stake);
        let coming = self
            .openings
            .values()
            .filter(|opening| opening.pending || opening.intent.valid_before >= now_unix_secs)
            .map(|opening| opening.intent.amount);
        let batches = self.batches.values().map(BatchAccount::at_stake);
        BaseUnits::total(held.chain(coming).chain(batches)).map_err(broken)
    }
}

/// The cache as the store keeps it: absent until it is needed, and again after a rollback.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    book: Option<Book>,
    payer: Address,
}

impl Shelf {
    pub(super) const fn of(payer: Address) -> Self {
        Self { book: None, payer }
    }

    pub(super) fn book(&mut self, conn: &Connection, now_ms: u64) -> rusqlite::Result<&mut Book> {
        let book = match self.book.take() {
            Some(book) => book,
            None => Book::load(conn, self.payer, now_ms)?,
        };
        Ok(self.book.insert(book))
    }
}

impl Cache for Shelf {
    fn forget(&mut self) {
        self.book = None;
    }
}

/// Writes the account as it is now, and keeps it in the book.
pub(super) fn save(conn: &Connection, book: &mut Book, account: Account) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO channel VALUES
         (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
         ON CONFLICT (id) DO UPDATE SET state = ?5, why = ?6, deposited = ?7, returned = ?8,
         claimed = ?9, signed = ?10, charged = ?11, reserved = ?12, unseen = ?13, in_flight = ?14,
         deadline = ?15",
    )?
    .execute(params![
        account.id.0.0,
        account.lock.payee.0.0,
        account.lock.token.0.0,
        salt_bytes(account.lock.salt),
        account.state.as_text(),
        account.why,
        units(account.deposited),
        units(account.returned),
        units(account.claimed),
        units(account.signed),
        units(account.charged),
        units(account.reserved),
        units(account.unseen),
        account.in_flight,
        int(account.deadline_unix_secs),
        int(account.created_unix_millis),
    ])?;
    book.put(account);
    Ok(())
}

pub(super) fn read_account(row: &Row<'_>, payer: Address) -> rusqlite::Result<Account> {
    let state: String = row.get("state")?;
    let lock = Lock {
        payer,
        signer: payer,
        payee: get_address(row, "payee")?,
        token: get_address(row, "token")?,
        salt: get_salt(row, "salt")?,
    };
    Ok(Account {
        id: get_channel(row, "id")?,
        lock,
        state: ChannelState::from_text(&state).ok_or_else(|| bad_text("state"))?,
        why: row.get("why")?,
        deposited: get_units(row, "deposited")?,
        returned: get_units(row, "returned")?,
        claimed: get_units(row, "claimed")?,
        signed: get_units(row, "signed")?,
        charged: get_units(row, "charged")?,
        reserved: get_units(row, "reserved")?,
        unseen: get_units(row, "unseen")?,
        in_flight: row.get("in_flight")?,
        deadline_unix_secs: get_int(row, "deadline")?,
        created_unix_millis: get_int(row, "created_ms")?,
    })
}

fn read_opening(
    row: &Row<'_>,
    accounts: &BTreeMap<ChannelId, Account>,
) -> rusqlite::Result<Opening> {
    let channel_id = get_channel(row, "channel")?;
    let lock = accounts
        .get(&channel_id)
        .ok_or_else(|| bad_text("channel"))?
        .lock;
    let state: String = row.get("state")?;
    let intent = Intent {
        lock,
        channel_id,
        amount: get_units(row, "amount")?,
        deadline: get_int(row, "deadline")?,
        valid_before: get_int(row, "valid_before")?,
        salt: get_word(row, "salt")?,
        nonce: get_word(row, "nonce")?,
    };
    Ok(Opening {
        intent,
        pending: state == "pending",
    })
}
