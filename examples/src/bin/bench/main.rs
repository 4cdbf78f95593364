//! What a call costs, and what it costs to be paid: one run, on this machine, reported as ratios.
//!
//! Absolute numbers say little about another machine; the ratios compare like with like, measured a
//! moment apart. Where a store is durable, an answer is given after the commit, with
//! `synchronous=FULL`, that carries it.

mod buyer;
mod chain;
mod counter;
#[allow(dead_code, reason = "shared with `gas_table`, which shows all of it")]
#[path = "../gas_table/escrow.rs"]
mod escrow;
mod load;
mod paid;
mod paying;
mod report;
mod serving;
#[allow(dead_code, reason = "as above")]
#[path = "../gas_table/stage.rs"]
mod stage;
mod tables;
mod unpaid;
mod write;

use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

/// For `escrow`: what it settles together.
pub(crate) const BATCHES: [usize; 1] = [1];

type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// Measures unpaid calls against a bare echo, streams and open tasks, and calls paid in every scheme
/// against unpaid ones.
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
    /// Write the tables between their markers in docs/BENCHMARKS.md.
    #[arg(long, conflicts_with = "json")]
    write: bool,
    /// The root of the repository, where the document is.
    #[arg(long, default_value = ".")]
    root: PathBuf,
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
    /// Calls paid in every scheme, beside unpaid ones.
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
        report.paid = Some(runtime.block_on(Box::pin(paying::measure(arguments)))?);
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(());
    }
    if arguments.write {
        let path = arguments.root.join("docs/BENCHMARKS.md");
        return write::put(&path, &report);
    }
    for text in [
        report.unpaid.map(|u| u.tables()),
        report.paid.map(|p| p.tables()),
    ] {
        println!("{}", text.unwrap_or_default());
    }
    Ok(())
}
