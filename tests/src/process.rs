//! An agent in a process of its own: to be killed, and to see how much memory it takes.

use agent_server::Agent;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const FILES_ENV: &str = "AGENT_TEST_PROCESS_FILES";
const LISTENS: &str = "agent listens on ";

/// The process. It is killed when this is dropped, and ends by itself when its parent does.
#[derive(Debug)]
pub struct AgentProcess {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl AgentProcess {
    /// Runs this test binary again with nothing but `test`, which must call [`files_of_child`] and
    /// [`serve_as_child`], and waits until it listens.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(test: &str, files: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
            .env(FILES_ENV, files)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = lines.map_while(Result::ok);
        let address = said.find_map(|line| Some(line.split_once(LISTENS)?.1.parse().unwrap()));
        let address = address.expect("the agent listens");
        // What else it says must not fill the pipe.
        std::thread::spawn(move || said.for_each(drop));
        Self { child, address }
    }

    /// Kills it, at once, and waits until the system has buried it.
    pub fn kill(mut self) {
        self.bury();
    }

    /// The memory that it holds now.
    ///
    /// # Panics
    /// Where the system does not say.
    #[must_use]
    pub fn resident_kib(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most memory that it ever held.
    ///
    /// # Panics
    /// Where the system does not say.
    #[must_use]
    pub fn peak_kib(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, what: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(what));
        let kib = line.unwrap().trim().trim_end_matches(" kB");
        kib.parse().unwrap()
    }

    fn bury(&mut self) {
        // It may have died by itself; the test finds that out by what it left.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        self.bury();
    }
}

/// Where the agent keeps its files, if this process was started to be one.
#[must_use]
pub fn files_of_child() -> Option<PathBuf> {
    std::env::var_os(FILES_ENV).map(PathBuf::from)
}

/// Is the agent until the parent goes away.
///
/// # Panics
/// When the agent cannot start.
pub fn serve_as_child(agent: Agent) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let running = Box::pin(agent.start()).await.unwrap();
        let address = running.url().socket_addrs(|| None).unwrap()[0];
        println!("{LISTENS}{address}");
        // The other end of this pipe is closed when the parent is gone, however it went.
        let gone = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = tokio::task::spawn_blocking(gone).await;
    });
}
