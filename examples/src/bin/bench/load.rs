//! A load that costs little itself: raw HTTP/1.1 on kept-alive sockets, requests written beforehand.
//!
//! It never sleeps but looks at its sockets again and again: a server that had to wake it up would
//! pay for that with every answer, the slower ones more than the fast.

use crate::Result;
use serde::Serialize;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long one answer may take. A call that waits for longer ends the measurement.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// What one measurement found.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Measured {
    pub(crate) calls_per_second: u64,
    pub(crate) p50_micros: u64,
    pub(crate) p99_micros: u64,
    pub(crate) max_micros: u64,
}

impl Measured {
    pub(crate) fn of(mut latencies: Vec<Duration>, all: Duration) -> Result<Self> {
        latencies.sort_unstable();
        let at = |percent: usize| {
            let rank = latencies.len().saturating_mul(percent).div_ceil(100);
            let found = latencies.get(rank.saturating_sub(1));
            u64::try_from(found.copied().unwrap_or_default().as_micros())
        };
        let calls = u64::try_from(latencies.len())?;
        let micros = u64::try_from(all.as_micros())?.max(1);
        Ok(Self {
            calls_per_second: calls.saturating_mul(1_000_000) / micros,
            p50_micros: at(50)?,
            p99_micros: at(99)?,
            max_micros: at(100)?,
        })
    }
}

/// Sends every request once, `in_flight` at a time, and holds each answer against `wanted`. Blocks.
pub(crate) fn run(
    address: SocketAddr,
    requests: &[Vec<u8>],
    in_flight: usize,
    wanted: &str,
) -> Result<Measured> {
    run_lines(address, &[requests], in_flight, wanted)
}

/// The same with several lines of requests: each connection sends those of its line, in order.
pub(crate) fn run_lines(
    address: SocketAddr,
    lines: &[impl AsRef<[Vec<u8>]>],
    in_flight: usize,
    wanted: &str,
) -> Result<Measured> {
    let connections = (0..in_flight).map(|at| Connection::open(address, at));
    let mut connections: Vec<Connection> = connections.collect::<Result<_>>()?;
    let all = lines.iter().map(|line| line.as_ref().len()).sum();
    let mut latencies = Vec::with_capacity(all);
    let mut lines: Vec<_> = lines.iter().map(|line| line.as_ref().iter()).collect();
    let count = lines.len().max(1);
    let started = Instant::now();
    while !connections.is_empty() {
        let mut at = 0;
        while let Some(connection) = connections.get_mut(at) {
            if let Some(latency) = connection.look(wanted)? {
                latencies.extend(latency);
                let line = lines.get_mut(connection.number % count);
                match line.and_then(Iterator::next) {
                    Some(request) => connection.send(request)?,
                    None => {
                        connections.swap_remove(at);
                        continue;
                    }
                }
            }
            at = at.saturating_add(1);
        }
    }
    Measured::of(latencies, started.elapsed())
}

/// One kept-alive connection, and the call that it carries.
struct Connection {
    number: usize,
    socket: TcpStream,
    sent: Option<Instant>,
    read: Vec<u8>,
}

impl Connection {
    fn open(address: SocketAddr, number: usize) -> Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            number,
            socket,
            sent: None,
            read: Vec::new(),
        })
    }

    fn send(&mut self, request: &[u8]) -> Result<()> {
        self.read.clear();
        self.sent = Some(Instant::now());
        // Far less than a socket takes at once, and nothing else is on its way.
        Ok(self.socket.write_all(request)?)
    }

    /// Whether it is free, and how long the call took that it carried, if it carried one.
    fn look(&mut self, wanted: &str) -> Result<Option<Option<Duration>>> {
        let Some(sent) = self.sent else {
            return Ok(Some(None));
        };
        let mut chunk = [0_u8; 8 * 1024];
        match self.socket.read(&mut chunk) {
            Ok(0) => return Err("the connection was closed".into()),
            Ok(length) => self
                .read
                .extend_from_slice(chunk.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return if sent.elapsed() > ANSWER_WAIT {
                    Err("no answer".into())
                } else {
                    Ok(None)
                };
            }
            Err(error) => return Err(error.into()),
        }
        let Some(body) = answer(&self.read)? else {
            return Ok(None);
        };
        let latency = sent.elapsed();
        if !body.contains(wanted) {
            return Err(format!("not the answer that was wanted: {body}").into());
        }
        self.sent = None;
        Ok(Some(Some(latency)))
    }
}

/// The body of an answer with a Content-Length, once all of it is there.
fn answer(read: &[u8]) -> Result<Option<&str>> {
    let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(read.get(..end).unwrap_or_default())?;
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .ok_or("an answer without a length")?;
    let begin = end.saturating_add(4);
    let all = begin.saturating_add(length.1.trim().parse()?);
    match read.get(begin..all) {
        Some(body) => Ok(Some(std::str::from_utf8(body)?)),
        None => Ok(None),
    }
}

/// A POST of this JSON.
pub(crate) fn post(path: &str, json: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         A2A-Version: 1.0\r\nContent-Length: {}\r\n\r\n{json}",
        json.len()
    )
    .into_bytes()
}
