//! How an agent is called: the options of commands that call one.

use super::Failure;
use agent_client::call::{ApiKey, Bearer, Binding, CallOptions};
use agent_core::a2a::{Secret, Version};
use std::sync::Arc;
use url::Url;

#[derive(Debug, clap::Args)]
pub(super) struct CallArguments {
    /// Speak this binding and no other: JSONRPC, HTTP+JSON or GRPC.
    #[arg(long, value_name = "BINDING")]
    binding: Option<String>,
    /// Speak this version of A2A and no other: 1.0 or 0.3.
    #[arg(long, value_name = "VERSION")]
    a2a_version: Option<String>,
    /// Send the bearer token that this environment variable holds.
    #[arg(long, value_name = "VARIABLE")]
    bearer_env: Option<String>,
    /// Send the header `NAME` with what this environment variable holds: NAME=VARIABLE.
    #[arg(long, value_name = "NAME=VARIABLE")]
    header_env: Vec<String>,
}

impl CallArguments {
    /// The options for the agent at `url`, to whose origin alone the credentials go. They come from
    /// the environment, since everybody on a machine can read the arguments of a command.
    pub(super) fn options(&self, url: &str) -> Result<CallOptions, Failure> {
        let mut options = CallOptions::default();
        if let Some(name) = &self.binding {
            let binding = Binding::of_name(name)
                .ok_or_else(|| Failure::usage(format!("there is no binding `{name}`")))?;
            options = options.over(binding);
        }
        if let Some(name) = &self.a2a_version {
            let version = Version::of_name(name)
                .ok_or_else(|| Failure::usage(format!("A2A {name} is not spoken here")))?;
            options = options.in_version(version);
        }
        if self.bearer_env.is_none() && self.header_env.is_empty() {
            return Ok(options);
        }
        let origin: Url = url.parse().map_err(Failure::usage)?;
        if let Some(variable) = &self.bearer_env {
            let bearer = Bearer::new(&origin, secret(variable)?).map_err(Failure::usage)?;
            options = options.with(Arc::new(bearer));
        }
        for header in &self.header_env {
            let (name, variable) = header
                .split_once('=')
                .ok_or_else(|| Failure::usage("--header-env takes NAME=VARIABLE"))?;
            let key = ApiKey::new(&origin, name, &secret(variable)?).map_err(Failure::usage)?;
            options = options.with(Arc::new(key));
        }
        Ok(options)
    }
}

fn secret(variable: &str) -> Result<Secret, Failure> {
    std::env::var(variable)
        .map(Secret::new)
        .map_err(|_| Failure::usage(format!("the environment has no `{variable}`")))
}
