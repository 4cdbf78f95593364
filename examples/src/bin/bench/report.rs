//! The report, in Markdown.

use crate::load::Measured;
use agent_server::settle::SettleReport;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) voucher_check: Duration,
    measured: BTreeMap<(&'static str, usize), Vec<Measured>>,
    pub(crate) settled: (u64, SettleReport),
    pub(crate) batch: (u64, u64),
    pub(crate) memory_bytes_per_task: Option<u64>,
}

impl Report {
    pub(crate) fn add(&mut self, what: &'static str, in_flight: usize, measured: Measured) {
        self.measured
            .entry((what, in_flight))
            .or_default()
            .push(measured);
    }

    /// The round with the median throughput.
    fn median(&self, what: &'static str, in_flight: usize) -> Option<Measured> {
        let mut rounds = self.measured.get(&(what, in_flight))?.clone();
        rounds.sort_by_key(|measured| measured.calls_per_second);
        rounds.get(rounds.len() / 2).cloned()
    }

    pub(crate) fn print(&self) {
        println!("| call | in flight | calls/s | p50 us | p99 us | of the echo | of unpaid |");
        println!("|---|---:|---:|---:|---:|---:|---:|");
        for in_flight in [1, 32] {
            let base = |what| {
                self.median(what, in_flight)
                    .map_or(0, |m| m.calls_per_second)
            };
            for what in ["echo", "unpaid", "paid"] {
                let Some(m) = self.median(what, in_flight) else {
                    continue;
                };
                let of = |base: u64| {
                    let percent = m.calls_per_second.saturating_mul(100).checked_div(base);
                    percent.map_or_else(String::new, |percent| format!("{percent} %"))
                };
                println!(
                    "| {what} | {in_flight} | {} | {} | {} | {} | {} |",
                    m.calls_per_second,
                    m.p50.as_micros(),
                    m.p99.as_micros(),
                    of(base("echo")),
                    if what == "echo" {
                        String::new()
                    } else {
                        of(base("unpaid"))
                    },
                );
            }
        }
        println!();
        println!("| measurement | value |");
        println!("|---|---:|");
        println!(
            "| one voucher check (lock id, digest, signer recovered) | {} ns |",
            self.voucher_check.as_nanos()
        );
        let (payments, settled) = self.settled;
        let per = |gas: u64, count: u64| gas.checked_div(count).unwrap_or(0);
        println!(
            "| gas per payment, one lock, {payments} payments in {} transaction | {} |",
            settled.transactions,
            per(settled.gas_used, payments)
        );
        println!(
            "| gas of settling that lock, payout included | {} |",
            settled.gas_used
        );
        println!(
            "| the same per payment, had it been 1,000 payments | {} |",
            per(settled.gas_used, 1_000)
        );
        let (locks, gas) = self.batch;
        println!(
            "| gas per lock, {locks} locks in one transaction, payout included | {} |",
            per(gas, locks)
        );
        if let Some(bytes) = self.memory_bytes_per_task {
            println!(
                "| resident memory per 1,000 open tasks | {} KiB |",
                bytes.saturating_mul(1_000) / 1_024
            );
        }
    }
}
