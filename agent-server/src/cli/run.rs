use super::Failure;
use crate::agent::Agent;
use crate::config::AgentConfig;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The configuration file.
    #[arg(long, default_value = "agent.toml")]
    config: PathBuf,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let config = AgentConfig::read(&arguments.config).map_err(Failure::usage)?;
    let config = config.with_environment(|name| std::env::var(name).ok());
    let config = config.map_err(Failure::usage)?;
    Agent::configured(config)
        .run()
        .await
        .map_err(Failure::usage)
}
