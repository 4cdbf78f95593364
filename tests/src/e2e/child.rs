//! A seller in a process of its own, to be killed.

use super::{Floor, WAIT, config, sell_everything, until};
use agent_client::settings::ChainSettings;
use agent_server::Agent;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use tokio::net::TcpStream;

/// Set for the process that is to be the seller: chain, address and directory, by line.
pub const SELLER_ENV: &str = "AGENT_TEST_SELLER";

/// The seller's process. It is killed when this is dropped, and at no other time gently.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
}

impl Child {
    /// Runs this test binary again with nothing but `test`, which must call [`run_as_child`], and
    /// waits until it listens.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(test: &str, chain: &str, address: SocketAddr, files: &Path) -> Self {
        let told = format!("{chain}\n{address}\n{}", files.display());
        let process = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
            .env(SELLER_ENV, told)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let child = Self { process };
        until("the seller listens", || async {
            TcpStream::connect(address).await.is_ok()
        })
        .await;
        child
    }

    /// Kills it, at once, and waits until the system has buried it.
    pub fn kill(mut self) {
        self.bury();
    }

    fn bury(&mut self) {
        // It may have died by itself; the test finds that out by what it left.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.bury();
    }
}

/// Is the seller until it is killed, if this process was started to be; else returns.
///
/// # Panics
/// When the seller cannot start.
pub fn run_as_child() {
    let Ok(told) = std::env::var(SELLER_ENV) else {
        return;
    };
    let mut lines = told.lines();
    let mut next = || lines.next().expect("three lines");
    let (chain, address, files) = (next(), next(), next());
    let mut config = config(&ChainSettings::devnet(chain), Path::new(files));
    config.listen = address.parse().unwrap();
    // So that it is killed in the middle of settlements too.
    let payment = config.payment.as_mut().expect("a seller that is paid");
    payment.settle_at = "0.02 USDC".parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let floor = Arc::new(Floor::default());
        let agent = sell_everything(Agent::named("victim").config(config), &floor);
        let _running = Box::pin(agent.start()).await.unwrap();
        // A parent that died without killing must not leave this behind for ever.
        tokio::time::sleep(WAIT * 10).await;
    });
}
