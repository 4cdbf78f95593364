//! The report: tables in Markdown, or one JSON object.

use crate::Result;
use crate::load::Measured;
use crate::unpaid::{IN_FLIGHT, Unpaid};
use serde::Serialize;
use std::collections::BTreeMap;

/// All that was measured.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) unpaid: Option<Unpaid>,
    pub(crate) paid: Option<Paid>,
}

/// What it costs to be paid.
#[derive(Debug, Serialize)]
pub(crate) struct Paid {
    pub(crate) calls: Vec<Row>,
    pub(crate) voucher_check_nanos: u64,
    pub(crate) payments: u64,
    pub(crate) transactions: u64,
    pub(crate) gas_of_one_lock: u64,
    pub(crate) gas_per_payment_of_1000: u64,
    pub(crate) locks_in_batch: u64,
    pub(crate) gas_per_lock_in_batch: u64,
}

/// The median round of one kind of call.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    call: &'static str,
    in_flight: usize,
    #[serde(flatten)]
    measured: Measured,
    percent_of_unpaid: Option<u64>,
}

/// Rounds of paid calls and of unpaid ones.
#[derive(Debug, Default)]
pub(crate) struct Rounds(BTreeMap<(&'static str, usize), Vec<Measured>>);

impl Rounds {
    pub(crate) fn add(&mut self, call: &'static str, in_flight: usize, measured: Measured) {
        let rounds = self.0.entry((call, in_flight)).or_default();
        rounds.push(measured);
    }

    /// The round with the median throughput.
    fn median(&self, call: &'static str, in_flight: usize) -> Option<Measured> {
        let mut rounds = self.0.get(&(call, in_flight))?.clone();
        rounds.sort_by_key(|measured| measured.calls_per_second);
        rounds.get(rounds.len() / 2).cloned()
    }

    pub(crate) fn medians(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for in_flight in IN_FLIGHT {
            let unpaid = self.median("unpaid", in_flight);
            let unpaid = unpaid.map_or(0, |m| m.calls_per_second);
            for call in ["unpaid", "paid"] {
                rows.extend(self.median(call, in_flight).map(|measured| {
                    let percent = measured.calls_per_second.saturating_mul(100);
                    Row {
                        call,
                        in_flight,
                        percent_of_unpaid: percent.checked_div(unpaid),
                        measured,
                    }
                }));
            }
        }
        rows
    }
}

impl Report {
    pub(crate) fn print(&self, json: bool) -> Result<()> {
        if json {
            println!("{}", serde_json::to_string_pretty(self)?);
            return Ok(());
        }
        if let Some(unpaid) = &self.unpaid {
            unpaid.print();
        }
        if let Some(paid) = &self.paid {
            paid.print();
        }
        Ok(())
    }
}

/// What there is to show, or nothing.
fn shown(number: Option<u64>, unit: &str) -> String {
    number.map_or_else(String::new, |number| format!("{number}{unit}"))
}

impl Unpaid {
    fn print(&self) {
        if !self.pinned {
            println!("Server and load shared all cores.\n");
        }
        println!(
            "| server | in flight | calls/s | of the echo | of axum | p50 us | p99 us | max us | server us/call | resident MiB |"
        );
        println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        for row in &self.calls {
            let m = &row.measured;
            let micros = row
                .server_nanos_per_call
                .map(|n| n.saturating_add(500) / 1_000);
            println!(
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                row.server,
                row.in_flight,
                m.calls_per_second,
                shown(row.percent_of_echo, " %"),
                shown(row.percent_of_axum, " %"),
                m.p50_micros,
                m.p99_micros,
                m.max_micros,
                shown(micros, ""),
                shown(row.resident_kib.map(|kib| kib / 1_024), ""),
            );
        }
        println!();
        println!(
            "| server | first event p50 us | p99 us | events/s to all readers | readers | open tasks | bytes each | open tasks a GB |"
        );
        println!("|---|---:|---:|---:|---:|---:|---:|---:|");
        for row in &self.streams {
            let held = row.bytes_per_open_task;
            println!(
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                row.server,
                row.first_event.p50_micros,
                row.first_event.p99_micros,
                row.events_per_second,
                row.readers,
                row.open_tasks,
                shown(held, ""),
                shown(
                    held.and_then(|bytes| 1_000_000_000_u64.checked_div(bytes)),
                    ""
                ),
            );
        }
        println!();
    }
}

impl Paid {
    fn print(&self) {
        println!("| call | in flight | calls/s | p50 us | p99 us | of unpaid |");
        println!("|---|---:|---:|---:|---:|---:|");
        for row in &self.calls {
            let m = &row.measured;
            println!(
                "| {} | {} | {} | {} | {} | {} |",
                row.call,
                row.in_flight,
                m.calls_per_second,
                m.p50_micros,
                m.p99_micros,
                shown(row.percent_of_unpaid, " %"),
            );
        }
        println!();
        println!("| measurement | value |");
        println!("|---|---:|");
        println!(
            "| one voucher check (lock id, digest, signer recovered) | {} ns |",
            self.voucher_check_nanos
        );
        println!(
            "| gas of settling one lock with {} payments in {} transaction, payout included | {} |",
            self.payments, self.transactions, self.gas_of_one_lock
        );
        println!(
            "| the same per payment, had it been 1,000 payments | {} |",
            self.gas_per_payment_of_1000
        );
        println!(
            "| gas per lock, {} locks in one transaction, payout included | {} |",
            self.locks_in_batch, self.gas_per_lock_in_batch
        );
    }
}
