//! What a call costs, and what it costs to be paid: one run, on this machine, reported as ratios.
//!
//! Absolute numbers say little about another machine; the ratios compare like with like, measured a
//! moment apart. Where a store is durable, an answer is given after the commit, with
//! `synchronous=FULL`, that carries it.

mod chain;
mod load;
mod paid;
mod report;
mod serving;
mod unpaid;

use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// Measures unpaid calls against a bare echo, streams and open tasks, paid calls against unpaid
/// ones, and the gas of settlement.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only this part; all of them by default.
    #[arg(long)]
    only: Option<Part>,
    /// Calls in each measurement at 32 in flight; a quarter of it at 1.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(100..=200_000))]
    calls: u32,
    /// Tasks held open for the memory measurement.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=90_000))]
    tasks: u32,
    /// Readers of one task's events.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=4_000))]
    readers: u32,
    /// Rounds; the median of each measurement is reported.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// One JSON object instead of tables.
    #[arg(long)]
    json: bool,
    /// Be the server that another process measures.
    #[arg(long, hide = true, requires = "data_dir")]
    serve: Option<unpaid::Served>,
    /// Where that server keeps its files.
    #[arg(long, hide = true)]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Unpaid calls, streams and open tasks.
    Unpaid,
    /// Paid calls and their settlement.
    Paid,
}

impl Arguments {
    /// Calls in one measurement; those that wait for each other take longer.
    const fn calls_at(&self, in_flight: usize) -> u32 {
        if in_flight == 1 {
            self.calls / 4
        } else {
            self.calls
        }
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if let (Some(served), Some(data_dir)) = (arguments.serve, &arguments.data_dir) {
        return unpaid::serve(served, data_dir.clone());
    }
    let wanted = |part| arguments.only.is_none_or(|only| only == part);
    let mut report = report::Report::default();
    if wanted(Part::Unpaid) {
        report.unpaid = Some(unpaid::measure(arguments)?);
    }
    if wanted(Part::Paid) {
        let runtime = tokio::runtime::Runtime::new()?;
        report.paid = Some(runtime.block_on(Box::pin(paid(arguments)))?);
    }
    report.print(arguments.json)
}

/// Here load, agent and chain share this process and all its cores.
async fn paid(arguments: &Arguments) -> Result<report::Paid> {
    let voucher_check = paid::voucher_check()?;
    let mut world = Box::pin(serving::open()).await?;
    let mut rounds = report::Rounds::default();
    for round in 1..=arguments.rounds {
        eprintln!("paid, round {round} of {}", arguments.rounds);
        for in_flight in unpaid::IN_FLIGHT {
            let calls = arguments.calls_at(in_flight) / 2;
            rounds.add("unpaid", in_flight, world.unpaid(calls, in_flight).await?);
            rounds.add("paid", in_flight, world.paid(calls, in_flight).await?);
        }
    }
    let (payments, settled) = world.settle().await?;
    let (locks, batch_gas) = chain::batch_of_locks(250)?;
    Box::pin(world.close()).await;
    let per = |gas: u64, count: u64| gas.checked_div(count).unwrap_or(0);
    Ok(report::Paid {
        calls: rounds.medians(),
        voucher_check_nanos: u64::try_from(voucher_check.as_nanos())?,
        payments,
        transactions: settled.transactions,
        gas_of_one_lock: settled.gas_used,
        gas_per_payment_of_1000: per(settled.gas_used, 1_000),
        locks_in_batch: locks,
        gas_per_lock_in_batch: per(batch_gas, locks),
    })
}
