//! What every call of the escrow costs, beside what the others cost, measured on the development
//! chain: whole transactions, calldata and payout included.
//!
//! The chain, the keys and the amounts are the same in every run, so the numbers are too.

mod escrow;
mod others;
mod stage;
mod tables;
mod write;

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;

type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// How many locks or channels are settled together.
pub(crate) const BATCHES: [usize; 4] = [1, 10, 100, 250];

/// Measures the gas of the contracts and prints tables in Markdown.
#[derive(Debug, Parser)]
struct Arguments {
    /// Write the tables between their markers in the documents.
    #[arg(long, conflicts_with = "check")]
    write: bool,
    /// Fail if the documents say anything else.
    #[arg(long)]
    check: bool,
    /// The root of the repository, where the documents are.
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("gas_table: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool> {
    let (ours, others) = (escrow::measure()?, others::measure()?);
    let (calls, all) = (tables::calls(&ours), tables::all(&ours, &others));
    let documents = [
        (arguments.root.join("contracts/README.md"), calls),
        (arguments.root.join("docs/BENCHMARKS.md"), all),
    ];
    if arguments.write {
        for (path, text) in &documents {
            write::put(path, text)?;
        }
    } else if arguments.check {
        for (path, text) in &documents {
            if !write::same(path, text)? {
                eprintln!("{} says something else: gas_table --write", path.display());
                return Ok(false);
            }
        }
    } else {
        let [_, (_, all)] = &documents;
        println!("{all}");
    }
    Ok(true)
}
