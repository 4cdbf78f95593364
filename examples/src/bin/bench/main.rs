//! What it costs to be paid: one run, on this machine, reported as ratios.
//!
//! Everything is in this process, the load included, so the absolute numbers say little; the ratios
//! compare like with like, measured a moment apart. All stores are durable: an answer is given after
//! the commit, with `synchronous=FULL`, that carries it.

mod chain;
mod load;
mod memory;
mod paid;
mod report;
mod serving;

use clap::Parser;
use std::process::ExitCode;

type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// Measures paid against unpaid calls, settlement gas and memory.
#[derive(Debug, Parser)]
struct Arguments {
    /// Calls in each measurement at 32 in flight; a quarter of it at 1.
    #[arg(long, default_value_t = 8_000, value_parser = clap::value_parser!(u32).range(100..=200_000))]
    calls: u32,
    /// Tasks held open for the memory measurement.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(100..=9_000))]
    tasks: u32,
    /// Rounds; the median of each measurement is reported.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    match Box::pin(run(&Arguments::parse())).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<()> {
    let mut report = report::Report::default();
    report.voucher_check = paid::voucher_check()?;
    let mut world = Box::pin(serving::open()).await?;
    for round in 1..=arguments.rounds {
        eprintln!("round {round} of {}", arguments.rounds);
        for in_flight in [1, 32] {
            let calls = if in_flight == 1 {
                arguments.calls / 4
            } else {
                arguments.calls
            };
            report.add("echo", in_flight, world.echo(calls, in_flight).await?);
            report.add("unpaid", in_flight, world.unpaid(calls, in_flight).await?);
            report.add("paid", in_flight, world.paid(calls, in_flight).await?);
        }
    }
    report.settled = world.settle().await?;
    report.batch = chain::batch_of_locks(250)?;
    report.memory_bytes_per_task = memory::per_open_task(&world, arguments.tasks).await?;
    Box::pin(world.close()).await;
    report.print();
    Ok(())
}
