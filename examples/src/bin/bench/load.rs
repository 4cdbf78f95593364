//! A load that costs little itself: raw HTTP/1.1 on kept-alive sockets, requests written beforehand.

use crate::Result;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What one measurement found.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) calls_per_second: u64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// Sends every request once, `in_flight` at a time, and holds each answer against `wanted`.
pub(crate) async fn run(
    address: SocketAddr,
    requests: Vec<Vec<u8>>,
    in_flight: usize,
    wanted: &'static str,
) -> Result<Measured> {
    let requests = Arc::new(requests);
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let workers: Vec<_> = (0..in_flight)
        .map(|_| {
            tokio::spawn(worker(
                address,
                Arc::clone(&requests),
                Arc::clone(&next),
                wanted,
            ))
        })
        .collect();
    let mut latencies = Vec::with_capacity(requests.len());
    for worker in workers {
        latencies.extend(worker.await??);
    }
    let micros = started.elapsed().as_micros().max(1);
    latencies.sort_unstable();
    let at = |percent: usize| {
        let rank = latencies
            .len()
            .saturating_mul(percent)
            .div_ceil(100)
            .saturating_sub(1);
        latencies.get(rank).copied().unwrap_or_default()
    };
    let calls = u128::try_from(latencies.len())?;
    let calls_per_second = u64::try_from(calls.saturating_mul(1_000_000) / micros)?;
    Ok(Measured {
        calls_per_second,
        p50: at(50),
        p99: at(99),
    })
}

async fn worker(
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
    wanted: &'static str,
) -> Result<Vec<Duration>> {
    let mut socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let mut latencies = Vec::new();
    let mut buffer = Vec::with_capacity(16 * 1024);
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        let sent = Instant::now();
        socket.write_all(request).await?;
        let body = answer(&mut socket, &mut buffer).await?;
        latencies.push(sent.elapsed());
        if !body.contains(wanted) {
            return Err(format!("not the answer that was wanted: {body}").into());
        }
    }
    Ok(latencies)
}

/// Reads one answer with a Content-Length.
async fn answer<'a>(socket: &mut TcpStream, buffer: &'a mut Vec<u8>) -> Result<&'a str> {
    buffer.clear();
    loop {
        if socket.read_buf(buffer).await? == 0 {
            return Err("the connection was closed".into());
        }
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = std::str::from_utf8(buffer.get(..end).unwrap_or_default())?;
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .ok_or("an answer without a length")?;
        let all = end
            .saturating_add(4)
            .saturating_add(length.1.trim().parse()?);
        while buffer.len() < all {
            if socket.read_buf(buffer).await? == 0 {
                return Err("the connection was closed".into());
            }
        }
        return Ok(std::str::from_utf8(
            buffer.get(end.saturating_add(4)..all).unwrap_or_default(),
        )?);
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
