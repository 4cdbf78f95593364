//! An agent in a process of its own, so that its memory can be looked at, and crowds before it.
//!
//! What is allowed is well above what was measured and far below what the crowd asks for: a bound
//! that is missing shows as gigabytes.

use agent_server::Agent;
use agent_server::config::AgentConfig;
use agent_tests::e2e::{Peer, WAIT};
use agent_tests::process::{AgentProcess, files_of_child, serve_as_child};
use agent_tests::stage::{Stage, cue, piece};
use futures_util::future::join_all;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The agent's process; without its variable it does nothing.
#[test]
fn agent() {
    let Some(files) = files_of_child() else {
        return;
    };
    let mut config = AgentConfig {
        data_dir: files.join("data"),
        ..AgentConfig::default()
    };
    config.limits.connections = 12_000;
    serve_as_child(Agent::named("stage").config(config).sell(Stage::default()));
}

pub struct Crowded {
    pub agent: AgentProcess,
    pub peer: Peer,
    before: u64,
    _files: tempfile::TempDir,
}

impl Crowded {
    /// An agent that has answered once, so that what everybody needs is in its memory.
    pub async fn open() -> Self {
        let files = tempfile::tempdir().unwrap();
        let agent = AgentProcess::start("crowd::agent", files.path());
        let mut crowd = Self {
            peer: Peer::new(agent.address),
            agent,
            before: 0,
            _files: files,
        };
        crowd.still_answers().await;
        crowd.before = crowd.agent.peak_kib();
        crowd
    }

    pub const fn address(&self) -> SocketAddr {
        self.agent.address
    }

    pub async fn still_answers(&self) {
        let answer = timeout(WAIT, self.peer.send(cue("x"))).await;
        assert_eq!(answer.expect("an answer in time").state(), "COMPLETED");
    }

    /// A task of this text that goes on.
    pub async fn begun(&self, text: &str) -> String {
        let answer = self.peer.send_on(cue(text)).await;
        answer.task()["id"].as_str().unwrap().to_owned()
    }

    /// A task with an artifact of so many kilobytes.
    pub async fn large(&self, kilobytes: u32) -> String {
        let answer = self.peer.send(cue(&format!("say {kilobytes} 1000"))).await;
        assert_eq!(answer.state(), "COMPLETED");
        answer.task()["id"].as_str().unwrap().to_owned()
    }

    /// Asserts that it never held so much more than at the beginning.
    pub fn assert_within(&self, mebibytes: u64) {
        let more = self.agent.peak_kib().saturating_sub(self.before) / 1_024;
        println!("{more} MiB more, of {mebibytes} allowed");
        assert!(more <= mebibytes, "{more} MiB more");
    }

    /// A request without a body, of which nothing is read yet.
    pub async fn asked(&self, verb: &str, path: &str) -> BufReader<TcpStream> {
        let mut stream = self.peer.connect().await;
        let request = format!(
            "{verb} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        BufReader::new(stream)
    }
}

/// The next event of a stream; `None` at its end.
async fn event(stream: &mut BufReader<TcpStream>) -> Option<Value> {
    loop {
        let mut line = String::new();
        let read = timeout(WAIT, stream.read_line(&mut line)).await;
        if read.expect("a line in time").unwrap() == 0 {
            return None;
        }
        if let Some(event) = line.strip_prefix("data: ") {
            return Some(serde_json::from_str(event).unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_do_not_read_hold_a_portion_each_and_miss_nothing() {
    const READERS: usize = 100;
    let crowd = Crowded::open().await;
    let id = crowd.begun("burst 1000 8000").await;
    let path = format!("/rest/tasks/{id}:subscribe");
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let mut reader = crowd.asked("POST", &path).await;
        assert!(event(&mut reader).await.unwrap()["task"].is_object());
        readers.push(reader);
    }
    crowd.peer.send(cue("open")).await;
    // The first reads at once, and so knows when all of it was said; a few read then, and the others
    // never do.
    for mut reader in readers.drain(..5) {
        let mut pieces = Vec::new();
        while let Some(event) = event(&mut reader).await {
            let part = event.pointer("/artifactUpdate/artifact/parts/0/text");
            pieces.extend(part.and_then(Value::as_str).map(str::to_owned));
        }
        let whole = (0..1_000).map(|number| piece(number, 8_000));
        assert!(pieces.into_iter().eq(whole));
    }
    crowd.still_answers().await;
    crowd.assert_within(250);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_subscribers_of_one_task_hear_its_end() {
    const AT_ONCE: usize = 50;
    let crowd = Crowded::open().await;
    let id = crowd.begun("hold").await;
    let path = format!("/rest/tasks/{id}:subscribe");
    let mut readers = Vec::new();
    for _ in 0..2_000 / AT_ONCE {
        let opening = (0..AT_ONCE).map(|_| async {
            let mut reader = crowd.asked("POST", &path).await;
            assert!(event(&mut reader).await.unwrap()["task"].is_object());
            reader
        });
        readers.extend(join_all(opening).await);
    }
    crowd.still_answers().await;
    crowd.peer.send(cue("open")).await;
    for mut reader in readers {
        let mut last = Value::Null;
        while let Some(event) = event(&mut reader).await {
            last = event;
        }
        let state = &last["statusUpdate"]["status"]["state"];
        assert_eq!(state, "TASK_STATE_COMPLETED");
    }
    crowd.assert_within(250);
}

/// Two ends of a connection, and both processes, need a descriptor each; the rest is for the tests
/// beside this one.
fn affordable(wanted: usize) -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let soft = line.unwrap().split_whitespace().nth(3).unwrap();
    let soft = soft.parse().unwrap_or(usize::MAX);
    wanted.min(soft.saturating_sub(6_000).max(soft / 4))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_more_is_answered_after_ten_thousand_who_say_little() {
    const AT_ONCE: usize = 100;
    let crowd = Crowded::open().await;
    let count = affordable(10_000);
    println!("{count} connections");
    let words: [&[u8]; 4] = [
        b"",
        b"POST /a2a HTTP/1.1\r\nhost: x\r\nx-slow: ",
        b"POST /a2a HTTP/1.1\r\nhost: x\r\ncontent-length: 4000000\r\n\r\n{",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    ];
    let mut open = Vec::new();
    for batch in 0..count / AT_ONCE {
        let opening = (0..AT_ONCE).map(|_| async {
            let mut stream = crowd.peer.connect().await;
            // Those who declare a body without sending it take room from those who send one.
            let kind = if batch % 2 == 0 { 0 } else { 1 + batch / 2 % 3 };
            let kind = if kind == 2 && batch > 4 { 1 } else { kind };
            let _ = stream.write_all(words[kind]).await;
            stream
        });
        open.extend(join_all(opening).await);
    }
    assert_eq!(open.len(), count);
    crowd.still_answers().await;
    crowd.assert_within(300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nobody_reads_are_bounded_together() {
    let crowd = Crowded::open().await;
    let id = crowd.large(3_000).await;
    let path = format!("/rest/tasks/{id}");
    let mut readers = Vec::new();
    for _ in 0..150 {
        readers.push(crowd.asked("GET", &path).await);
    }
    for _ in 0..50 {
        readers.push(
            crowd
                .asked("GET", "/rest/tasks?includeArtifacts=true&pageSize=100")
                .await,
        );
    }
    crowd.still_answers().await;
    // Those who come when it is too much are told so; the others get all of it.
    let mut statuses = std::collections::BTreeMap::new();
    for mut reader in readers {
        let mut answer = Vec::new();
        let read = timeout(WAIT, reader.read_to_end(&mut answer)).await;
        read.expect("an answer in time").unwrap();
        let status = String::from_utf8_lossy(&answer[9..12]).into_owned();
        *statuses.entry(status).or_insert(0) += 1;
    }
    println!("{statuses:?}");
    assert!(
        statuses
            .keys()
            .all(|status| status == "200" || status == "503")
    );
    crowd.still_answers().await;
    crowd.assert_within(300);
}
