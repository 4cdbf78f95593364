//! A process that serves, as the one that measures it sees it.

use super::served::Served;
use crate::Result;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The core of all servers, one of which works at a time.
const SERVER_CORE: &str = "0";

/// The core of the load.
const LOAD_CORE: &str = "1";

/// A serving process; ended when dropped.
pub(crate) struct Server {
    pub(crate) served: Served,
    pub(crate) address: SocketAddr,
    process: Child,
    _files: TempDir,
}

impl Server {
    /// Starts one on its own core if `pinned`.
    pub(crate) fn start(served: Served, pinned: bool) -> Result<Self> {
        let files = tempfile::tempdir()?;
        let program = std::env::current_exe()?;
        let mut command = if pinned {
            let mut command = Command::new("taskset");
            command.args(["-c", SERVER_CORE]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(["--serve", served.name(), "--data-dir"]);
        command.arg(files.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let said = process.stdout.take().ok_or("no standard output")?;
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line)?;
        let address = line.trim().parse();
        let address = address.map_err(|_| format!("the {} server did not start", served.name()))?;
        Ok(Self {
            served,
            address,
            process,
            _files: files,
        })
    }

    /// Lets one task of the skill `steps` go on.
    pub(crate) fn go(&mut self) -> Result<()> {
        let stdin = self.process.stdin.as_mut();
        let stdin = stdin.ok_or("no standard input")?;
        stdin.write_all(b"go\n")?;
        Ok(stdin.flush()?)
    }

    /// Processor time of all its threads so far; `None` where /proc does not say.
    pub(crate) fn processor_time(&self) -> Option<Duration> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).ok()?;
        let mut nanos = 0_u64;
        for thread in threads {
            let path = thread.ok()?.path().join("schedstat");
            let text = std::fs::read_to_string(path).ok()?;
            let spent: u64 = text.split_whitespace().next()?.parse().ok()?;
            nanos = nanos.saturating_add(spent);
        }
        Some(Duration::from_nanos(nanos))
    }

    /// Resident memory in bytes; `None` where /proc does not say.
    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.process.id())).ok()?;
        let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
        Some(pages.saturating_mul(4_096))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its input ends, and so does it; what is being written on a disk is of no use to anybody.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Puts this process on the core that is not the servers'. False if there is none, or no `taskset`.
pub(crate) fn pin_the_load() -> bool {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    cores > 1 && taskset(LOAD_CORE)
}

/// Lets this process run everywhere again.
pub(crate) fn unpin_the_load() {
    let _ = taskset(&format!("{SERVER_CORE},{LOAD_CORE}"));
}

fn taskset(cores: &str) -> bool {
    let id = std::process::id().to_string();
    let mut command = Command::new("taskset");
    command.args(["-a", "-c", "-p", cores, &id]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
