//! What is printed in the end: a table for people, or one JSON object.

use crate::close::Closing;
use crate::trade::Trade;
use crate::world::World;
use serde::Serialize;
use serde_json::Number;
use std::time::Duration;

/// Gas per payment that others publish, on whichever chain and token they measured.
const PUBLISHED_X402_GAS: u64 = 56_412;
const PUBLISHED_Z402_GAS: u64 = 10_134;

/// The closing report. Every value is measured in this run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) paid_calls: u64,
    pub(crate) in_flight_max: u32,
    pub(crate) sellers: usize,
    pub(crate) charged_base_units: u128,
    pub(crate) claimed_on_chain_base_units: u128,
    pub(crate) returned_to_buyer_base_units: u128,
    pub(crate) settle_transactions: u64,
    pub(crate) gas_settle_total: u64,
    pub(crate) gas_per_payment: Number,
    pub(crate) paid_p50_us: u128,
    pub(crate) paid_p99_us: u128,
    pub(crate) unpaid_p50_us: u128,
    pub(crate) feedback_recorded: u64,
    pub(crate) agent_to_agent_payments: u64,
    pub(crate) books_balanced: bool,
    pub(crate) seconds: Number,
    #[serde(skip)]
    calls_per_second: u64,
}

impl Report {
    pub(crate) fn new(trade: &Trade, closing: &Closing, elapsed: Duration) -> Self {
        let millis = u64::try_from(trade.took.as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        Self {
            paid_calls: trade.paid_calls,
            in_flight_max: trade.in_flight_max,
            sellers: closing.sellers.len(),
            charged_base_units: closing.charged.get(),
            claimed_on_chain_base_units: closing.claimed.get(),
            returned_to_buyer_base_units: closing.returned.get(),
            settle_transactions: closing.settle_transactions,
            gas_settle_total: closing.gas_settle_total,
            gas_per_payment: ratio(closing.gas_settle_total, closing.payments),
            paid_p50_us: percentile(&trade.paid_latency, 50),
            paid_p99_us: percentile(&trade.paid_latency, 99),
            unpaid_p50_us: percentile(&trade.unpaid_latency, 50),
            feedback_recorded: closing.feedback_recorded,
            agent_to_agent_payments: closing.agent_to_agent_payments,
            books_balanced: closing.faults.is_empty(),
            seconds: ratio(
                u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
                1_000,
            ),
            calls_per_second: trade.paid_calls.saturating_mul(1_000) / millis,
        }
    }
}

/// `a / b` to two places, exactly as written.
fn ratio(a: u64, b: u64) -> Number {
    let hundredths = u128::from(a)
        .saturating_mul(100)
        .checked_div(u128::from(b))
        .unwrap_or(0);
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    serde_json::from_str(&text).unwrap_or_else(|_| Number::from(0))
}

fn percentile(latencies: &[Duration], percent: usize) -> u128 {
    let mut sorted = latencies.to_vec();
    sorted.sort_unstable();
    let rank = sorted
        .len()
        .saturating_mul(percent)
        .div_ceil(100)
        .saturating_sub(1);
    sorted.get(rank).map_or(0, Duration::as_micros)
}

/// Prints the closing table.
pub(crate) fn print(report: &Report, world: &World, closing: &Closing) {
    let usdc = world.chain.asset();
    println!();
    println!(
        "{:<14} {:>9} {:>14} {:>16}",
        "seller", "payments", "charged", "earned on chain"
    );
    for seller in &closing.sellers {
        println!(
            "{:<14} {:>9} {:>14} {:>16}",
            seller.name,
            seller.books.posted,
            usdc.show(seller.books.charged),
            usdc.show(seller.earned_on_chain),
        );
    }
    println!();
    println!(
        "{} paid calls at {} a second, up to {} in flight on one lock ({} reserved by its seller at \
         once); {} more of one agent to another",
        report.paid_calls,
        report.calls_per_second,
        report.in_flight_max,
        closing.reserved_max,
        report.agent_to_agent_payments,
    );
    println!(
        "a paid call took {} us (p99 {} us), an unpaid one {} us, at the same load",
        report.paid_p50_us, report.paid_p99_us, report.unpaid_p50_us,
    );
    println!(
        "{} payments settled in {} transactions: {} gas a payment (published: z402 {}, x402 {})",
        closing.payments,
        report.settle_transactions,
        report.gas_per_payment,
        PUBLISHED_Z402_GAS,
        PUBLISHED_X402_GAS,
    );
    println!("{} returned to the buyers", usdc.show(closing.returned));
    println!(
        "{} ratings with proof of payment; what the registry says now:",
        report.feedback_recorded
    );
    for line in &closing.trust {
        println!("  {line}");
    }
    if report.books_balanced {
        println!("the books balance, in {} seconds", report.seconds);
    }
    for fault in &closing.faults {
        println!("FAULT: {fault}");
    }
}
