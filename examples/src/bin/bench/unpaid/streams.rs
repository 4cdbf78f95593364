//! Event streams: how soon the first event is there, and how many a second to many readers.

use super::{child::Server, message_call};
use crate::Result;
use crate::load::{Measured, post};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The end of a chunked body.
const END: &[u8] = b"\r\n0\r\n\r\n";

/// The time from a streaming call to its first event, on one kept-alive connection.
pub(super) async fn first_event(server: &Server, calls: u32) -> Result<Measured> {
    let mut socket = connect(server).await?;
    let mut latencies = Vec::new();
    let started = Instant::now();
    for number in 0..calls {
        let request = message_call("SendStreamingMessage", "free", "hello", number, false);
        let mut stream = Stream::default();
        let sent = Instant::now();
        socket.write_all(&request).await?;
        while stream.events == 0 {
            stream.read(&mut socket).await?;
        }
        latencies.push(sent.elapsed());
        stream.until_its_end(&mut socket).await?;
    }
    Measured::of(latencies, started.elapsed())
}

/// Events a second delivered to that many readers of one task, all of them together.
pub(super) async fn fan_out(server: &mut Server, readers: u32, steps: u32) -> Result<u64> {
    let mut socket = connect(server).await?;
    let open = message_call("SendMessage", "steps", &steps.to_string(), 1, true);
    socket.write_all(&open).await?;
    let mut answer = vec![0; 8 * 1024];
    let length = socket.read(&mut answer).await?;
    let answer = std::str::from_utf8(answer.get(..length).unwrap_or_default())?;
    let id = answer.split_once(r#""task":{"id":""#);
    let id = id.and_then(|(_, rest)| rest.split('"').next());
    let id = id.ok_or_else(|| format!("no task in the answer: {answer}"))?;
    let json = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"SubscribeToTask","params":{{"id":"{id}"}}}}"#
    );
    let subscribe = post("/a2a", &json);
    let mut tasks = Vec::new();
    for _ in 0..readers {
        let mut socket = connect(server).await?;
        socket.write_all(&subscribe).await?;
        let mut stream = Stream::default();
        while stream.events == 0 {
            stream.read(&mut socket).await?;
        }
        tasks.push((socket, stream));
    }
    let started = Instant::now();
    let reading: Vec<_> = tasks
        .into_iter()
        .map(|(mut socket, mut stream)| {
            tokio::spawn(async move {
                stream.until_its_end(&mut socket).await?;
                Result::<u64>::Ok(stream.events)
            })
        })
        .collect();
    server.go()?;
    let mut events = 0_u64;
    for reader in reading {
        // The task as it was, every step, the result, and the end.
        let read = reader.await??;
        if read != u64::from(steps).saturating_add(3) {
            return Err(format!("a reader has {read} events of {steps} steps").into());
        }
        events = events.saturating_add(read.saturating_sub(1));
    }
    let millis = u64::try_from(started.elapsed().as_millis())?.max(1);
    Ok(events.saturating_mul(1_000) / millis)
}

async fn connect(server: &Server) -> Result<TcpStream> {
    let socket = TcpStream::connect(server.address).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// What has come of one stream. Only its last bytes are kept.
#[derive(Default)]
struct Stream {
    events: u64,
    tail: Vec<u8>,
}

impl Stream {
    async fn read(&mut self, socket: &mut TcpStream) -> Result<()> {
        let seen = self.tail.len();
        if tokio::time::timeout(Duration::from_secs(60), socket.read_buf(&mut self.tail)).await??
            == 0
        {
            return Err("the stream was cut".into());
        }
        // A mark that began in what was kept ends in what is new.
        let from = seen.saturating_sub(6);
        let new = self.tail.get(from..).unwrap_or_default();
        let found = new.windows(7).filter(|seven| seven == b"\ndata: ").count();
        self.events = self.events.saturating_add(u64::try_from(found)?);
        if self.tail.len() > 4_096 {
            let old = self.tail.len().saturating_sub(END.len());
            self.tail.drain(..old);
        }
        Ok(())
    }

    async fn until_its_end(&mut self, socket: &mut TcpStream) -> Result<()> {
        while !self.tail.ends_with(END) {
            self.read(socket).await?;
        }
        Ok(())
    }
}
