//! Agents find, pay and rate each other: the whole way, on a chain inside the process.
//!
//! Three sellers on loopback sockets, two of them rivals; one buyer with a wallet and a budget. The
//! buyer finds them in the registry, chooses by price and trust, pays a thousand calls with vouchers,
//! many in flight on one lock; one seller hires another. Then the sellers settle, the buyer rates
//! them with proof of payment, and everything is counted.

mod close;
mod report;
mod trade;
mod world;

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// What can go wrong in an example: everything, and it says what.
type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// Agents find, pay and rate each other, on a chain inside the process.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many paid calls the buyer makes.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    calls: u32,
    /// How many of them at once.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    in_flight: u32,
    /// The text to work on; a public-domain one by default.
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// End with one JSON object on standard output.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("AGENT_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match run(&Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("the books do not balance");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<bool> {
    let started = Instant::now();
    let pieces = trade::pieces(arguments.text.as_deref())?;
    let world = Box::pin(world::open(arguments)).await?;
    world::introduce(&world);
    let trade = Box::pin(trade::run(&world, &pieces, arguments)).await?;
    let closing = Box::pin(close::run(&world, &trade)).await?;
    let report = report::Report::new(&trade, &closing, started.elapsed());
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        report::print(&report, &world, &closing);
    }
    Box::pin(world.stop()).await;
    Ok(report.books_balanced)
}
