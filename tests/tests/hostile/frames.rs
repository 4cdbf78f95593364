//! HTTP/2 written by hand, frame by frame.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::mpsc;
use tokio::time::timeout;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

/// As long as nothing is taken for so long, it will not be.
const STALLED: Duration = Duration::from_secs(2);

/// One frame that came.
#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// The code of a frame that says why something ends.
    pub fn code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }
}

/// A connection on which the preface and settings were sent.
pub struct Line {
    writing: OwnedWriteHalf,
    /// Everything that comes, unless nothing is read.
    pub frames: Option<mpsc::UnboundedReceiver<Frame>>,
    _reading: Option<tokio::net::tcp::OwnedReadHalf>,
}

impl Line {
    /// One whose answers are read.
    pub async fn open(to: SocketAddr, settings: &[u8]) -> Self {
        let mut line = Self::deaf(to, settings).await;
        let mut reading = line._reading.take().unwrap();
        let (told, frames) = mpsc::unbounded_channel();
        line.frames = Some(frames);
        tokio::spawn(async move {
            let mut head = [0; 9];
            while reading.read_exact(&mut head).await.is_ok() {
                let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
                let mut payload = vec![0; usize::try_from(length).unwrap()];
                if reading.read_exact(&mut payload).await.is_err() {
                    break;
                }
                let stream = u32::from_be_bytes(head[5..].try_into().unwrap());
                let kind = head[3];
                let _ = told.send(Frame {
                    kind,
                    stream,
                    payload,
                });
            }
        });
        line
    }

    /// One whose answers nobody reads.
    pub async fn deaf(to: SocketAddr, settings: &[u8]) -> Self {
        let stream = TcpStream::connect(to).await.unwrap();
        let (reading, writing) = stream.into_split();
        let mut line = Self {
            writing,
            frames: None,
            _reading: Some(reading),
        };
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        let hello = [preface.as_slice(), &frame(SETTINGS, 0, 0, settings)].concat();
        assert!(line.say(&hello).await);
        line
    }

    /// Says this; whether the server took it.
    pub async fn say(&mut self, words: &[u8]) -> bool {
        let said = timeout(STALLED, self.writing.write_all(words)).await;
        said.is_ok_and(|said| said.is_ok())
    }

    /// Says this again and again until so many bytes are said or the server takes no more; how many
    /// it took.
    pub async fn repeat(&mut self, words: &[u8], bytes: usize) -> usize {
        let many = words.repeat((64 * 1_024_usize).div_ceil(words.len()));
        let mut said = 0;
        while said < bytes && self.say(&many).await {
            said += many.len();
        }
        said
    }

    /// The next frame of one of these kinds; `None` when the server hung up.
    pub async fn next_of(&mut self, kinds: &[u8]) -> Option<Frame> {
        let frames = self.frames.as_mut().unwrap();
        loop {
            let frame = timeout(agent_tests::e2e::WAIT, frames.recv()).await;
            let frame = frame.expect("a frame in time")?;
            if kinds.contains(&frame.kind) {
                return Some(frame);
            }
        }
    }
}

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

/// One setting.
pub fn setting(which: u16, value: u32) -> Vec<u8> {
    [which.to_be_bytes().as_slice(), &value.to_be_bytes()].concat()
}

/// The header block of a request.
pub fn request(get: bool, path: &str) -> Vec<u8> {
    let method = if get { 0x82 } else { 0x83 };
    let mut block = vec![method, 0x86, 0x04];
    literal(&mut block, path.as_bytes());
    // The authority.
    block.push(0x01);
    literal(&mut block, b"x");
    block
}

/// A text in a header block.
pub fn literal(block: &mut Vec<u8>, text: &[u8]) {
    // An integer of HPACK with a prefix of seven bits.
    let mut rest = text.len();
    if rest < 127 {
        block.push(u8::try_from(rest).unwrap());
    } else {
        block.push(127);
        rest -= 127;
        while rest >= 128 {
            block.push(u8::try_from(rest % 128).unwrap() | 0x80);
            rest /= 128;
        }
        block.push(u8::try_from(rest).unwrap());
    }
    block.extend_from_slice(text);
}

/// A whole request without a body.
pub fn ask(stream: u32, get: bool, path: &str) -> Vec<u8> {
    frame(
        HEADERS,
        END_STREAM | END_HEADERS,
        stream,
        &request(get, path),
    )
}
