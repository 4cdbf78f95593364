//! The command line. Data goes to standard output, talk to standard error.

mod approve;
mod ask;
mod buyer;
mod calling;
mod card;
mod devnet;
mod evidence;
mod facilitator;
mod feedback;
mod find;
mod index;
mod ledger;
mod pay;
mod run;
mod seller;
mod settle;
mod show;
mod trust;
mod wallet;
mod watch;

use clap::{Parser, Subcommand};
use std::io::IsTerminal;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Agents that sell skills to each other and are paid for every task.
#[derive(Debug, Parser)]
#[command(name = "agent", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a development chain on this machine, with a test token, the escrow and the registries.
    Devnet(devnet::Arguments),
    /// Run the agent that agent.toml describes.
    Run(run::Arguments),
    /// Find agents that sell a skill, best first.
    Find(find::Arguments),
    /// The index of registered agents on disk: read it, ask how old it is, search it offline.
    Index(index::Arguments),
    /// Show what an agent says about itself, and whether it is who it says.
    Card(card::Arguments),
    /// Ask an agent to do something, and pay for it.
    Ask(ask::Arguments),
    /// Fetch a page over HTTP, and pay for it if it costs something.
    Pay(pay::Arguments),
    /// A buyer's books, and what can be taken back.
    Wallet(wallet::Arguments),
    /// A seller's books; the seller must not be running.
    Ledger(ledger::Arguments),
    /// Claim everything that a seller earned; the seller must not be running.
    Settle(settle::Arguments),
    /// Claim before deadlines for sellers that are down.
    Watch(watch::Arguments),
    /// Check and settle payments for sellers, as facilitator.toml says.
    Facilitator(facilitator::Arguments),
    /// How far an agent can be trusted, and why.
    Trust(trust::Arguments),
    /// What others said of an agent, and the evidence for it.
    Feedback(feedback::Arguments),
}

/// Why a command failed, and the exit status that says so.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    status: u8,
}

impl Failure {
    /// The work was refused or failed; nothing was charged unless the text says so.
    pub(crate) fn work(text: impl ToString) -> Self {
        Self {
            text: text.to_string(),
            status: 1,
        }
    }

    /// The command was given something it cannot use.
    pub(crate) fn usage(text: impl ToString) -> Self {
        Self {
            text: text.to_string(),
            status: 2,
        }
    }
}

/// Runs the command line.
pub async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A service says what it does; a command that someone waits for says only what is wrong.
    let serves = matches!(
        arguments.command,
        Command::Devnet(_) | Command::Run(_) | Command::Watch(_) | Command::Facilitator(_)
    );
    let usual = if serves { "info" } else { "warn" };
    let filter = EnvFilter::try_from_env("AGENT_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    let done = match arguments.command {
        Command::Devnet(arguments) => devnet::run(arguments).await,
        Command::Run(arguments) => run::run(arguments).await,
        Command::Find(arguments) => find::run(arguments).await,
        Command::Index(arguments) => index::run(arguments).await,
        Command::Card(arguments) => card::run(arguments).await,
        Command::Ask(arguments) => ask::run(arguments).await,
        Command::Pay(arguments) => pay::run(arguments).await,
        Command::Wallet(arguments) => wallet::run(arguments).await,
        Command::Ledger(arguments) => ledger::run(arguments).await,
        Command::Settle(arguments) => settle::run(arguments).await,
        Command::Watch(arguments) => watch::run(arguments).await,
        Command::Facilitator(arguments) => facilitator::run(arguments).await,
        Command::Trust(arguments) => trust::run(arguments).await,
        Command::Feedback(arguments) => feedback::run(arguments).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", failure.text);
            ExitCode::from(failure.status)
        }
    }
}
