//! Whether the books are right: every invariant, checked against every row.

use super::channel_row::ChannelRow;
use super::channels;
use super::codec::Sql;
use super::limits;
use super::memory::{Memory, moved};
use super::payments::{self, PaidBy, PaymentRow, PaymentState};
use agent_core::a2a::TaskState;
use agent_core::ledger::Books;
use agent_core::money::{BaseUnits, MoneyError};
use agent_core::voucher::{CanonicalSignature, ChannelId, Domains, Voucher};
use rusqlite::Connection;
use std::collections::HashMap;
use std::fmt;

/// Something in the books that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// A stable code of the rule that does not hold.
    pub code: &'static str,
    /// The channel, payment or task that it does not hold for.
    pub subject: String,
    /// What was found.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.code, self.subject, self.detail)
    }
}

pub(super) fn verify(conn: &Connection, memory: &Memory, domains: &Domains) -> Sql<Vec<Violation>> {
    let mut found = Found::default();
    check_file(conn, &mut found)?;
    let mut tallies: HashMap<ChannelId, Tally> = HashMap::new();
    payments::each(conn, |payment| {
        check_payment(&payment, &mut found);
        if let PaidBy::Channel(id) = payment.by {
            tallies.entry(id).or_default().add(&payment);
        }
    })?;
    let mut books = Ok(Books::default());
    channels::each(conn, |row, broken| {
        if let Some(why) = broken {
            found.add("channel_stopped", row.id, why);
        }
        check_channel(
            &row,
            &tallies.remove(&row.id).unwrap_or_default(),
            domains,
            &mut found,
        );
        if memory.channel(row.id).is_some_and(|cached| *cached != row) {
            found.add("cache_differs", row.id, "memory is not what is in the file");
        }
        books = books.clone().and_then(|sum| moved(sum, None, &row));
    })?;
    let direct = payments::direct_books(conn)?;
    let books = books.map(|sum| Books { direct, ..sum });
    if memory.books().is_some_and(|cached| Ok(cached) != books) {
        found.add(
            "books_differ",
            "books",
            "memory is not the sum over the file",
        );
    }
    check_tasks(conn, &mut found)?;
    Ok(found.0)
}

#[derive(Default)]
struct Found(Vec<Violation>);

impl Found {
    fn add(&mut self, code: &'static str, subject: impl ToString, detail: impl ToString) {
        if self.0.len() < limits::VIOLATIONS_MAX {
            let (subject, detail) = (subject.to_string(), detail.to_string());
            self.0.push(Violation {
                code,
                subject,
                detail,
            });
        }
    }

    fn unless(&mut self, holds: bool, code: &'static str, subject: impl ToString, detail: &str) {
        if !holds {
            self.add(code, subject, detail);
        }
    }
}

/// What the payments of one channel add up to.
#[derive(Default)]
struct Tally {
    charged: Vec<BaseUnits>,
    held: Vec<BaseUnits>,
    posted: u64,
    voided: u64,
    ceiling_max: BaseUnits,
}

impl Tally {
    fn add(&mut self, payment: &PaymentRow) {
        if let (Some(ceiling), Some(_)) = (payment.ceiling, payment.spent) {
            self.ceiling_max = self.ceiling_max.max(ceiling);
        }
        self.charged.push(payment.charged);
        // The money of a part is counted with the payment that it was added to.
        if payment.part_of.is_some() {
            return;
        }
        match payment.state {
            PaymentState::Running | PaymentState::Parked => self.held.push(payment.held().reserved),
            PaymentState::Voided => self.voided += 1,
            PaymentState::Posted => self.posted += 1,
        }
    }

    fn agrees(&self, row: &ChannelRow) -> Result<bool, MoneyError> {
        let charged = row
            .opening
            .plus(BaseUnits::total(self.charged.iter().copied())?)?;
        let reserved = BaseUnits::total(self.held.iter().copied())?;
        Ok(charged == row.channel.charged && reserved == row.channel.reserved)
    }
}

fn check_channel(row: &ChannelRow, tally: &Tally, domains: &Domains, found: &mut Found) {
    let channel = row.channel;
    if let Err(broken) = channel.checked() {
        found.add("channel_order", row.id, broken);
    }
    found.unless(
        tally.agrees(row) == Ok(true),
        "channel_sums",
        row.id,
        "payments do not add up",
    );
    let in_flight = u64::try_from(tally.held.len()).unwrap_or(u64::MAX);
    let counts = (u64::from(channel.in_flight), row.posted, row.voided);
    let counted = (in_flight, tally.posted, tally.voided);
    found.unless(
        counts == counted,
        "channel_counts",
        row.id,
        "payments do not count up",
    );
    let high = channel.in_flight <= row.in_flight_max;
    found.unless(
        high,
        "channel_in_flight_max",
        row.id,
        "more in flight than ever were",
    );
    found.unless(
        row.funding.id(domains) == row.id,
        "channel_id",
        row.id,
        "not the id of what it is",
    );
    let signed = row.opening.max(tally.ceiling_max);
    found.unless(
        signed == channel.signed,
        "channel_signed",
        row.id,
        "not the highest ceiling",
    );
    let is_good = |ceiling, signature: CanonicalSignature| {
        let voucher = Voucher::received(row.id, ceiling, signature);
        row.funding.check(voucher, domains).is_ok()
    };
    let claimable = match row.signature {
        Some(signature) => is_good(row.proven(), signature),
        None => row.proven() == row.opening,
    };
    let held = row
        .held
        .is_none_or(|held| is_good(channel.signed, held.signature) && held.proven < channel.signed);
    let proven = claimable && held && channel.charged <= row.proven();
    found.unless(
        proven,
        "channel_voucher",
        row.id,
        "what was signed has no valid voucher",
    );
    let aged = row.unclaimed_since.is_some() == (row.claim_total() > channel.claimed);
    found.unless(
        aged,
        "channel_unclaimed",
        row.id,
        "its claim is not listed, or listed for nothing",
    );
}

fn check_payment(payment: &PaymentRow, found: &mut Found) {
    let PaymentRow {
        id,
        state,
        reserved,
        charged,
        sliced,
        resolved,
        ..
    } = payment;
    found.unless(
        charged <= reserved,
        "payment_overcharged",
        id,
        "charged more than was held",
    );
    let free = match state {
        PaymentState::Posted => sliced <= charged,
        _ => charged == sliced,
    };
    found.unless(free, "payment_charge", id, "charged without being posted");
    found.unless(
        state.is_open() == resolved.is_none(),
        "payment_time",
        id,
        "wrong end",
    );
}

fn check_tasks(conn: &Connection, found: &mut Found) -> Sql<()> {
    for id in subjects(
        conn,
        "SELECT payment_id FROM payments LEFT JOIN tasks ON tasks.id = task_id
         WHERE payments.state IN ('posted', 'voided', 'parked') AND part_of IS NULL
             AND tasks.id IS NULL",
    )? {
        found.add(
            "payment_without_task",
            id,
            "resolved or parked, and its task is not stored",
        );
    }
    for id in subjects(
        conn,
        "SELECT payment_id FROM payments LEFT JOIN settlements USING (payment_id)
         WHERE transfer_id IS NOT NULL
             AND (settlements.payment_id IS NULL) = (state = 'running' OR state = 'parked')",
    )? {
        found.add(
            "payment_settlement",
            id,
            "open without its transfer, or ended and its transfer is kept",
        );
    }
    let mut open = conn.prepare(
        "SELECT tasks.id, tasks.state FROM payments JOIN tasks ON tasks.id = task_id
         WHERE payments.state IN ('running', 'parked')",
    )?;
    let mut rows = open.query([])?;
    while let Some(row) = rows.next()? {
        let (id, state): (String, String) = (row.get(0)?, row.get(1)?);
        if TaskState::from_name(&state).is_none_or(TaskState::is_terminal) {
            found.add(
                "task_ended_with_money",
                id,
                "it has ended and money is held for it",
            );
        }
    }
    for id in subjects(
        conn,
        "SELECT DISTINCT tasks.id FROM tasks JOIN task_events ON task_id = tasks.id
         WHERE task_events.seq > tasks.seq",
    )? {
        found.add(
            "task_event_ahead",
            id,
            "an event has a number above the task's last",
        );
    }
    Ok(())
}

fn check_file(conn: &Connection, found: &mut Found) -> Sql<()> {
    for line in subjects(conn, "SELECT * FROM pragma_integrity_check")? {
        found.unless(line == "ok", "file_integrity", "file", &line);
    }
    for table in subjects(conn, "SELECT \"table\" FROM pragma_foreign_key_check")? {
        found.add(
            "file_foreign_key",
            table,
            "a row refers to one that is not there",
        );
    }
    Ok(())
}

fn subjects(conn: &Connection, sql: &str) -> Sql<Vec<String>> {
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.take(limits::VIOLATIONS_MAX).collect()
}
