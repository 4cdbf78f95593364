//! The binary `agent`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    agent_server::cli::main().await
}
