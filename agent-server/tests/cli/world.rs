//! A chain in this process, and the binary's processes around it.

use agent_devnet::{Devnet, DevnetConfig};
use serde_json::Value;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Longest that a command may take on a busy machine.
const COMMAND_WAIT: Duration = Duration::from_secs(120);

const AGENT_TOML: &str = r#"
name = "shouter"
listen = "127.0.0.1:0"
data_dir = "seller-data"

[payment]
chain = "devnet"
key = { devnet = 1 }
register = true

[commands.shout]
about = "Shouts your text back"
tags = ["text"]
price = "0.001 USDC"
run = ["tr", "[:lower:]", "[:upper:]"]
"#;

pub(crate) struct World {
    pub(crate) devnet: Devnet,
    pub(crate) dir: TempDir,
    /// Killed when it is dropped, so also when a test fails.
    seller: Option<Child>,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The one JSON document on standard output of a command that ended with `status`.
    pub(crate) fn json(&self, status: i32) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Standard output of a command that succeeded.
    pub(crate) fn text(&self) -> &str {
        assert_eq!(self.status, 0, "{self:?}");
        &self.stdout
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let devnet = Devnet::start(DevnetConfig::default()).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("agent.toml"), AGENT_TOML).unwrap();
        Self {
            devnet,
            dir,
            seller: None,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .env("AGENT_RPC_URL", self.devnet.url())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        for other in [
            "AGENT_LOG",
            "AGENT_NAME",
            "AGENT_LISTEN",
            "AGENT_PUBLIC_URL",
            "AGENT_DATA_DIR",
        ] {
            command.env_remove(other);
        }
        command
    }

    /// Starts the seller and says where it is.
    pub(crate) async fn sell(&mut self) -> String {
        let mut child = self
            .command(&["run"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        self.seller = Some(child);
        let found = async {
            let mut said = Vec::new();
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some((_, url)) = line.split_once(" is open at ") {
                    return url.to_owned();
                }
                said.push(line);
            }
            panic!("the seller ended: {said:?}");
        };
        let url = timeout(COMMAND_WAIT, found).await.unwrap();
        // A full pipe would stop the seller.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        url
    }

    /// Kills the seller where it stands: what it earned is not claimed.
    pub(crate) async fn kill_seller(&mut self) {
        self.seller.take().unwrap().kill().await.unwrap();
    }

    /// Runs a command to its end.
    pub(crate) async fn agent(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output();
        let output = timeout(COMMAND_WAIT, output).await.unwrap().unwrap();
        Ran {
            status: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The same as the buyer who is account 2.
    pub(crate) async fn buyer(&self, arguments: &[&str]) -> Ran {
        let buyer = ["--devnet", "2", "--data-dir", "buyer-data"];
        self.agent(&[arguments, &buyer].concat()).await
    }

    /// Lets time pass on the chain.
    pub(crate) fn travel(&self, seconds: u64) {
        let mut chain = self.devnet.chain();
        chain.increase_time(seconds).unwrap();
        chain.mine(1).unwrap();
    }
}
