//! The command line. Data goes to standard output, talk to standard error.

mod ask;
mod devnet;
mod run;

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
    /// Ask an agent to do something, and pay for it.
    Ask(ask::Arguments),
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
    let usual = if matches!(arguments.command, Command::Ask(_)) {
        "warn"
    } else {
        "info"
    };
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
        Command::Ask(arguments) => ask::run(arguments).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", failure.text);
            ExitCode::from(failure.status)
        }
    }
}
