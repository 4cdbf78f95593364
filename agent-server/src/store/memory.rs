//! What the writer thread keeps beside the file: channels in use, and the sums over all of them.

use super::channel_row::ChannelRow;
use super::channels;
use super::codec::Sql;
use super::limits;
use super::payments::Held;
use agent_client::sqlite::Cache;
use agent_core::ledger::{Books, PaymentId};
use agent_core::money::{BaseUnits, MoneyError};
use agent_core::voucher::ChannelId;
use rusqlite::Connection;
use std::collections::{HashMap, HashSet};

#[derive(Debug, Default)]
pub(super) struct Memory {
    channels: HashMap<ChannelId, ChannelRow>,
    /// Channels that are ahead of the file until the writer flushes: a busy buyer's row is written
    /// once for all the calls that share a commit.
    dirty: HashSet<ChannelId>,
    /// Payments that were admitted here and are running still, or not all of them.
    running: HashMap<PaymentId, Held>,
    /// Absent until someone asks, and whenever it could be wrong.
    books: Option<Books>,
}

impl Cache for Memory {
    fn flush(&mut self, conn: &Connection) -> Sql<()> {
        for id in self.dirty.drain() {
            if let Some(row) = self.channels.get(&id) {
                channels::update(conn, row)?;
            }
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.channels.clear();
        self.dirty.clear();
        self.running.clear();
        self.books = None;
    }
}

impl Memory {
    pub(super) fn channel(&self, id: ChannelId) -> Option<&ChannelRow> {
        self.channels.get(&id)
    }

    pub(super) const fn books(&self) -> Option<Books> {
        self.books
    }

    pub(super) const fn set_books(&mut self, books: Books) {
        self.books = Some(books);
    }

    /// Keeps a channel as it is in the file, or will be.
    pub(super) fn learn(&mut self, row: ChannelRow) {
        if self.channels.len() >= limits::CHANNELS_CACHED_MAX
            && !self.channels.contains_key(&row.id)
            && let Some(any) = self.channels.keys().next().copied()
            // One that is ahead of the file stays; the map grows by a batch at most.
            && !self.dirty.contains(&any)
        {
            // The map's order is random, and so is who is evicted: no order to maintain per call.
            self.channels.remove(&any);
        }
        self.channels.insert(row.id, row);
    }

    pub(super) fn running(&self, id: &PaymentId) -> Option<Held> {
        self.running.get(id).copied()
    }

    /// Keeps what is held for a payment, unless there are very many: its end reads the file then.
    pub(super) fn runs(&mut self, id: PaymentId, held: Held) {
        if self.running.len() < limits::RUNNING_CACHED_MAX {
            self.running.insert(id, held);
        }
    }

    /// Changes what is held for a payment, if it is kept here.
    pub(super) fn holds(&mut self, id: &PaymentId, held: Held) {
        if let Some(known) = self.running.get_mut(id) {
            *known = held;
        }
    }

    /// Forgets the sums: what changed is not in a channel.
    pub(super) const fn forget_books(&mut self) {
        self.books = None;
    }

    /// Must be told whenever a payment ceases to be running.
    pub(super) fn rests(&mut self, id: &PaymentId) {
        self.running.remove(id);
    }

    /// Keeps a channel as this transaction leaves it, to be written before its end, and moves the
    /// sums along.
    pub(super) fn replace(&mut self, before: Option<&ChannelRow>, after: ChannelRow) {
        self.books = self
            .books
            .and_then(|books| moved(books, before, &after).ok());
        self.dirty.insert(after.id);
        self.learn(after);
    }
}

/// The sums after one channel went from `before` to `after`.
pub(super) fn moved(
    books: Books,
    before: Option<&ChannelRow>,
    after: &ChannelRow,
) -> Result<Books, MoneyError> {
    let units = |sum: BaseUnits, part: fn(&ChannelRow) -> BaseUnits| {
        sum.minus(before.map_or(BaseUnits::ZERO, part))?
            .plus(part(after))
    };
    let count = |sum: u64, part: fn(&ChannelRow) -> u64| {
        sum.checked_sub(before.map_or(0, part))
            .ok_or(MoneyError::Underflow)?
            .checked_add(part(after))
            .ok_or(MoneyError::Overflow)
    };
    Ok(Books {
        authorized: units(books.authorized, |row| row.channel.authorized)?,
        signed: units(books.signed, |row| row.channel.signed)?,
        charged: units(books.charged, |row| row.channel.charged)?,
        reserved: units(books.reserved, |row| row.channel.reserved)?,
        claimed: units(books.claimed, |row| row.channel.claimed)?,
        posted: count(books.posted, |row| row.posted)?,
        voided: count(books.voided, |row| row.voided)?,
        pending: count(books.pending, |row| u64::from(row.channel.in_flight))?,
        in_flight_max: books.in_flight_max.max(after.in_flight_max),
        direct: books.direct,
    })
}
