//! Tables in Markdown.

use crate::buyer::Way;
use crate::paying::{Paid, Row};
use crate::unpaid::{IN_FLIGHT_MOST, Unpaid};

/// What there is to show, or nothing.
fn shown(number: Option<u64>, unit: &str) -> String {
    number.map_or_else(String::new, |number| format!("{number}{unit}"))
}

fn lines(lines: impl IntoIterator<Item = String>) -> String {
    let lines: Vec<String> = lines.into_iter().collect();
    lines.join("\n")
}

impl Unpaid {
    pub(crate) fn tables(&self) -> String {
        let shared = "Server and load shared all cores.\n\n";
        let shared = if self.pinned { "" } else { shared };
        let calls = self.calls.iter().map(|row| {
            let m = &row.measured;
            let nanos = row.server_nanos_per_call;
            format!(
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                row.server,
                row.in_flight,
                m.calls_per_second,
                shown(row.percent_of_echo, " %"),
                shown(row.percent_of_axum, " %"),
                m.p50_micros,
                m.p99_micros,
                m.max_micros,
                shown(nanos.map(rounded), ""),
                shown(row.resident_kib.map(|kib| kib / 1_024), ""),
            )
        });
        let streams = self.streams.iter().map(|row| {
            let held = row.bytes_per_open_task;
            let a_gb = held.and_then(|bytes| 1_000_000_000_u64.checked_div(bytes));
            format!(
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                row.server,
                row.first_event.p50_micros,
                row.first_event.p99_micros,
                row.events_per_second,
                row.readers,
                row.open_tasks,
                shown(held, ""),
                shown(a_gb, ""),
            )
        });
        format!(
            "{shared}| server | in flight | calls/s | of the echo | of axum | p50 us | p99 us | \
             max us | server us/call | resident MiB |\n\
             |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n{}\n\n\
             | server | first event p50 us | p99 us | events/s to all readers | readers | \
             open tasks | bytes each | open tasks a GB |\n\
             |---|---:|---:|---:|---:|---:|---:|---:|\n{}\n",
            lines(calls),
            lines(streams),
        )
    }
}

/// Nanoseconds as microseconds.
const fn rounded(nanos: u64) -> u64 {
    nanos.saturating_add(500) / 1_000
}

impl Paid {
    pub(crate) fn tables(&self) -> String {
        let calls = lines(self.calls.iter().map(Row::line));
        let (check, commit) = (
            rounded(self.voucher_check_nanos),
            rounded(self.commit_nanos),
        );
        let opening = &self.opening;
        format!(
            "Median of {} rounds, durable: every answer after a commit with `synchronous=FULL`.\n\n\
             | seller | call | in flight | calls/s | of unpaid | p50 us | added | p99 us | added | \
             requests a call |\n\
             |---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n{calls}\n\n\
             | measurement | |\n|---|---:|\n\
             | one signature check (lock id, digest, signer recovered), us | {check} |\n\
             | one group commit, a row, p50, us | {commit} |\n\
             | gas of a lock for 1 seller: one signature / from the vault | {} / {} |\n\
             | gas of each of 20 locks for 20 sellers | {} |\n\n\
             | aim | measured | |\n|---|---:|---|\n{}\n",
            self.rounds,
            opening.by_signature,
            opening.from_vault,
            opening.each_of_20,
            self.aims(check.saturating_add(commit)),
        )
    }

    fn aims(&self, bound_micros: u64) -> String {
        let mut aims = Vec::new();
        for seller in ["agent", "counter"] {
            for (way, percent) in [(Way::Voucher, 50), (Way::Credit, 90)] {
                if let Some(row) = self.one(seller, way, IN_FLIGHT_MOST) {
                    aims.push(format!(
                        "| {seller}, {}, {IN_FLIGHT_MOST} in flight: at least {percent} % of unpaid | {} % | {} |",
                        way.name(),
                        row.percent_of_unpaid,
                        met(row.percent_of_unpaid >= percent),
                    ));
                }
            }
            if let Some(row) = self.one(seller, Way::Voucher, 1) {
                let bound = i64::try_from(bound_micros).unwrap_or(i64::MAX);
                aims.push(format!(
                    "| {seller}, added at p50: less than a signature check and a commit, {bound} us | {} us | {} |",
                    row.added_p50_micros,
                    met(row.added_p50_micros < bound),
                ));
            }
        }
        lines(aims)
    }
}

const fn met(is_met: bool) -> &'static str {
    if is_met { "met" } else { "missed" }
}

impl Row {
    fn line(&self) -> String {
        let m = &self.measured;
        let added = |micros: i64| {
            let paid = self.way != Way::Unpaid;
            if paid {
                micros.to_string()
            } else {
                String::new()
            }
        };
        format!(
            "| {} | {} | {} | {} | {} % | {} | {} | {} | {} | {} |",
            self.seller,
            self.call,
            self.in_flight,
            m.calls_per_second,
            self.percent_of_unpaid,
            m.p50_micros,
            added(self.added_p50_micros),
            m.p99_micros,
            added(self.added_p99_micros),
            self.requests_per_100.map_or_else(String::new, |hundred| {
                format!("{}.{:02}", hundred / 100, hundred % 100)
            }),
        )
    }
}
