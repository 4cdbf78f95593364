//! The wallet's sums, and whether they add up.

use std::collections::BTreeMap;

use agent_core::{money::BaseUnits, voucher::ChannelId};
use rusqlite::{Connection, Row};

use super::{
    Wallet,
    account::Account,
    batch::{self, BatchAccount},
    book::{Book, read_account},
    error::WalletError,
    schema::{broken, get_channel, get_units},
};
use crate::sqlite::JobError;

/// The sums over all channels; amounts in base units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WalletBooks {
    /// Channels that were opened.
    pub channels: u64,
    /// Put into locks.
    pub deposited: BaseUnits,
    /// Claimed from them by payees, as the chain said last.
    pub claimed: BaseUnits,
    /// Came back from them.
    pub returned: BaseUnits,
    /// Signed: the most that payees can claim, transfers that may still happen included.
    pub signed: BaseUnits,
    /// Charged by receipts that were accepted.
    pub charged: BaseUnits,
    /// Maxima of payments whose end is not known.
    pub in_flight: BaseUnits,
    /// Payments made.
    pub payments: u64,
    /// Of these, charged.
    pub payments_charged: u64,
    /// Of these, not taken by the seller.
    pub payments_void: u64,
    /// Of these, waiting for their answer.
    pub payments_in_flight: u64,
    /// Of these, with their answer lost.
    pub payments_unknown: u64,
}

impl Wallet {
    /// The sums as they are now. `claimed` and `returned` are as of the last
    /// [`Wallet::refresh`] or [`Wallet::reclaim`].
    ///
    /// # Errors
    /// The store's.
    pub async fn books(&self) -> Result<WalletBooks, WalletError> {
        self.0.read(|conn, book| Ok(sum(conn, book)?)).await
    }

    /// All channels, those that are over included.
    ///
    /// # Errors
    /// The store's.
    pub async fn channels(&self) -> Result<Vec<Account>, WalletError> {
        self.0
            .read(|_, book| Ok(book.accounts.values().cloned().collect()))
            .await
    }

    /// Recounts everything from the payments themselves and holds it against the channels' sums,
    /// in memory and on disk. Reads every payment.
    ///
    /// # Errors
    /// [`WalletError::Books`] says what does not add up.
    pub async fn verify(&self) -> Result<(), WalletError> {
        let payer = self.payer();
        self.0
            .read(move |conn, book| {
                let mut rows = conn.prepare_cached("SELECT * FROM channel")?;
                let stored = rows
                    .query_map([], |row| read_account(row, payer))?
                    .map(|account| account.map(|account| (account.id, account)))
                    .collect::<Result<BTreeMap<_, _>, _>>()?;
                if stored != book.accounts {
                    return Err(wrong("memory and disk differ"));
                }
                let recounts = recount(conn)?;
                for account in stored.values() {
                    let found = recounts.get(&account.id).copied().unwrap_or_default();
                    agrees(account, found).map_err(wrong)?;
                    account.clone().checked().map_err(|error| wrong(error.0))?;
                }
                let mut rows = conn.prepare_cached("SELECT * FROM batch_channel")?;
                let stored = rows
                    .query_map([], batch::read)?
                    .map(|account| account.map(|account| (account.id, account)))
                    .collect::<Result<BTreeMap<_, _>, _>>()?;
                if stored != book.batches {
                    return Err(wrong("memory and disk differ"));
                }
                for account in stored.values() {
                    let found = recounts.get(&account.id).copied().unwrap_or_default();
                    batch_agrees(account, found).map_err(wrong)?;
                    account.clone().checked().map_err(|error| wrong(error.0))?;
                }
                Ok(())
            })
            .await
    }
}

fn wrong(why: &str) -> JobError<WalletError> {
    JobError::Refused(WalletError::Books(why.to_owned()))
}

fn sum(conn: &Connection, book: &Book) -> rusqlite::Result<WalletBooks> {
    let total = |lock: fn(&Account) -> BaseUnits, channel: fn(&BatchAccount) -> BaseUnits| {
        let locks = book.accounts.values().map(lock);
        BaseUnits::total(locks.chain(book.batches.values().map(channel))).map_err(broken)
    };
    let channels = book.accounts.len().saturating_add(book.batches.len());
    let transfers = transfers(conn)?;
    let plus = |sum: BaseUnits, more: BaseUnits| sum.plus(more).map_err(broken);
    let mut books = WalletBooks {
        channels: u64::try_from(channels).unwrap_or(u64::MAX),
        deposited: total(|lock| lock.deposited, |channel| channel.deposited)?,
        claimed: total(|lock| lock.claimed, |channel| channel.claimed)?,
        returned: total(|lock| lock.returned, |channel| channel.returned)?,
        signed: plus(
            total(|lock| lock.signed, |channel| channel.signed)?,
            transfers.raised,
        )?,
        charged: plus(
            total(|lock| lock.charged, |channel| channel.posted)?,
            transfers.charged,
        )?,
        in_flight: plus(
            total(|lock| lock.reserved, |channel| channel.reserved)?,
            transfers.reserved,
        )?,
        ..WalletBooks::default()
    };
    let mut rows = conn.prepare_cached("SELECT state, count(*) FROM payment GROUP BY state")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let count = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
        books.payments = books.payments.saturating_add(count);
        let of_state = match row.get::<_, String>(0)?.as_str() {
            "charged" => &mut books.payments_charged,
            "void" => &mut books.payments_void,
            "in_flight" => &mut books.payments_in_flight,
            _ => &mut books.payments_unknown,
        };
        *of_state = count;
    }
    Ok(books)
}

/// One channel's payments, added up anew.
#[derive(Debug, Clone, Copy, Default)]
struct Recount {
    charged: BaseUnits,
    reserved: BaseUnits,
    in_flight: u32,
    raised: BaseUnits,
    highest: BaseUnits,
}

impl Recount {
    fn add(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        let plus = |sum: BaseUnits, column: &str| {
            get_units(row, column).and_then(|more| sum.plus(more).map_err(broken))
        };
        let state: String = row.get("state")?;
        self.charged = plus(self.charged, "charged")?;
        self.raised = plus(self.raised, "raised")?;
        self.highest = self.highest.max(get_units(row, "ceiling")?);
        if matches!(state.as_str(), "in_flight" | "unknown") {
            self.reserved = plus(self.reserved, "max")?;
            self.in_flight = self.in_flight.saturating_add(1);
        }
        Ok(())
    }
}

/// All transfers of `exact`, added up.
fn transfers(conn: &Connection) -> rusqlite::Result<Recount> {
    let mut all = Recount::default();
    let mut rows = conn.prepare_cached("SELECT * FROM payment WHERE scheme = 'exact'")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        all.add(row)?;
    }
    Ok(all)
}

fn recount(conn: &Connection) -> rusqlite::Result<BTreeMap<ChannelId, Recount>> {
    let mut counts: BTreeMap<ChannelId, Recount> = BTreeMap::new();
    let mut rows = conn.prepare_cached("SELECT * FROM payment")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let count = counts.entry(get_channel(row, "channel")?).or_default();
        count.add(row)?;
    }
    Ok(counts)
}

fn batch_agrees(account: &BatchAccount, found: Recount) -> Result<(), &'static str> {
    if account.posted != found.charged {
        return Err("posted is not the sum of the payments' charges");
    }
    if account.reserved != found.reserved {
        return Err("reserved is not the sum of open payments' maxima");
    }
    if account.signed < found.highest {
        return Err("signed is below the highest ceiling");
    }
    Ok(())
}

fn agrees(account: &Account, found: Recount) -> Result<(), &'static str> {
    let pairs = [
        (
            account.charged,
            found.charged,
            "charged is not the sum of the payments' charges",
        ),
        (
            account.reserved,
            found.reserved,
            "in flight is not the sum of open payments' maxima",
        ),
        (
            account.signed,
            found.highest,
            "signed is not the highest ceiling",
        ),
        (
            account.signed,
            found.raised,
            "signed is not the sum by which ceilings rose",
        ),
    ];
    if account.in_flight != found.in_flight {
        return Err("the count of open payments is wrong");
    }
    match pairs.iter().find(|(ours, found, _)| ours != found) {
        Some((_, _, why)) => Err(why),
        None => Ok(()),
    }
}
