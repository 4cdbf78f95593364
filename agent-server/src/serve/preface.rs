//! Which HTTP a connection begins with.

use std::io::Cursor;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, join};
use tokio::net::TcpStream;

/// What an HTTP/2 connection begins with (RFC 9113 §3.4), and no request of HTTP/1.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Looks at the first bytes of a connection, for at most `wait`, and gives it back with them
/// still to be read.
///
/// hyper-util can tell the two apart too, but waits for the bytes without a clock.
///
/// # Errors
/// When the connection breaks, ends, or has not said enough in time.
pub(super) async fn look(
    stream: TcpStream,
    wait: Duration,
) -> std::io::Result<(bool, impl AsyncRead + AsyncWrite + Unpin + Send + 'static)> {
    let (mut reading, writing) = stream.into_split();
    let mut first = Vec::with_capacity(PREFACE.len());
    let told_apart = async {
        // Each turn reads a byte at least, of 24.
        while first.len() < PREFACE.len() && PREFACE.starts_with(&first) {
            let left = PREFACE.len().saturating_sub(first.len());
            let mut more = (&mut reading).take(u64::try_from(left).unwrap_or(0));
            if more.read_buf(&mut first).await? == 0 {
                return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
            }
        }
        Ok(())
    };
    tokio::time::timeout(wait, told_apart).await??;
    let is_http2 = first == PREFACE;
    let reading = Cursor::new(first).chain(reading);
    Ok((is_http2, join(reading, writing)))
}
