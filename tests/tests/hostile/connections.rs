//! Connections that say nothing, or say it slowly.

use agent_server::limits::HEADER_READ_TIMEOUT;
use agent_tests::e2e::{Peer, Shop, message};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Far later than a server that keeps its own time hangs up.
const LATE: Duration = HEADER_READ_TIMEOUT.saturating_mul(2);

/// Says one byte a second and returns when the server has hung up.
async fn dawdle(mut stream: TcpStream, words: &[u8]) {
    let (mut reading, mut writing) = stream.split();
    let saying = async {
        for byte in words.iter().chain(std::iter::repeat(&b'x')) {
            if writing.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let hearing = async {
        let mut answer = Vec::new();
        // A reset is as good an end as any.
        let _ = reading.read_to_end(&mut answer).await;
    };
    tokio::select! { () = saying => {}, () = hearing => {} }
}

/// Says some words, then nothing, and returns when the server has hung up.
async fn fall_silent(mut stream: TcpStream, words: &[u8]) {
    stream.write_all(words).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
}

#[tokio::test]
async fn heads_that_do_not_end_are_hung_up_on() {
    let shop = Shop::open().await;
    let peer = shop.peer();
    let begun = Instant::now();
    let head = b"POST /a2a HTTP/1.1\r\nhost: x\r\nx-slow: ";
    let all = async {
        tokio::join!(
            dawdle(peer.connect().await, head),
            dawdle(peer.connect().await, b"PRI * HTTP/2.0\r\n\r\n"),
            fall_silent(peer.connect().await, head),
            fall_silent(peer.connect().await, b""),
            fall_silent(peer.connect().await, b"P"),
            fall_silent(peer.connect().await, b"PRI * HTTP/2.0\r\n\r\nSM"),
        )
    };
    let others = async {
        for _ in 0..20 {
            assert_eq!(peer.send(message("free", "x")).await.state(), "COMPLETED");
        }
    };
    let (slow, ()) = tokio::join!(timeout(LATE, all), others);
    assert!(
        slow.is_ok(),
        "somebody was still connected after {:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn idle_connections_beyond_the_cap_keep_nobody_out_for_long() {
    let shop = Shop::open_with(|config| config.limits.connections = 8).await;
    let peer = shop.peer();
    let mut idle: Vec<TcpStream> = Vec::new();
    for _ in 0..12 {
        idle.push(peer.connect().await);
    }
    // One that keeps its connection after a good request has no more right to it.
    let answer = timeout(LATE, peer.send(message("free", "x"))).await;
    assert_eq!(answer.expect("a place becomes free").state(), "COMPLETED");
    drop(idle);
    assert_eq!(kept_alive(&peer).await, "ok\n");
    shop.assert_untouched().await;
}

/// Asks on a connection that is kept, and returns the answer once the server hangs up.
async fn kept_alive(peer: &Peer) -> String {
    let mut stream = peer.connect().await;
    stream
        .write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    let read = timeout(LATE, stream.read_to_string(&mut answer)).await;
    assert!(
        read.is_ok(),
        "an idle connection is kept for ever: {answer}"
    );
    answer.split("\r\n\r\n").nth(1).unwrap_or("").to_owned()
}
