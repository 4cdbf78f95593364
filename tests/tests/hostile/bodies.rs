//! Bodies that are too deep or too large.

use agent_tests::e2e::{Answer, Peer, Reply, Shop, message, request};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const MEGABYTE: usize = 1_024 * 1_024;

#[tokio::test]
async fn json_nested_ten_thousand_deep_is_refused_wherever_it_is() {
    let shop = Shop::open().await;
    let peer = shop.peer();
    let deep =
        |open: &str, close: &str| format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
    let (lists, maps) = (deep("[", "]"), deep("{\"a\":", "}"));
    let whole = request("SendMessage", json!({ "message": message("free", "DEEP") }));
    let bodies = [
        lists.clone(),
        maps.clone(),
        "[".repeat(10_000),
        whole.replace("\"DEEP\"", &lists),
        whole.replace("\"DEEP\"", &maps),
        format!("{{\"id\":{lists}}}"),
    ];
    for body in bodies {
        let reply = peer.post(&body).await;
        let answer = Answer::of(&reply.body);
        assert_eq!(
            (reply.status, answer.code()),
            (400, "json_too_deep"),
            "{answer:?}"
        );
        assert!(answer.message().contains("96 levels"), "{answer:?}");
    }
    // Brackets in a text are text.
    let text = "[".repeat(10_000);
    assert_eq!(peer.send(message("free", &text)).await.said(), text);
    shop.assert_untouched().await;
}

/// Sends a head and then as much of `bytes` as the server takes, a megabyte at a time, and returns
/// how much that was.
async fn pour(stream: &mut TcpStream, head: &str, bytes: usize, chunked: bool) -> usize {
    let megabyte = vec![b' '; MEGABYTE];
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut sent = 0;
    while sent < bytes {
        if chunked && stream.write_all(b"100000\r\n").await.is_err() {
            break;
        }
        if stream.write_all(&megabyte).await.is_err() {
            break;
        }
        if chunked && stream.write_all(b"\r\n").await.is_err() {
            break;
        }
        sent += MEGABYTE;
    }
    sent
}

async fn refused(peer: &Peer, head: &str, chunked: bool) {
    let mut stream = peer.connect().await;
    let (mut reading, writing) = (peer.connect().await, &mut stream);
    // The other connection shows that the server serves others meanwhile.
    reading
        .write_all(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let sent = pour(writing, head, 100 * MEGABYTE, chunked).await;
    assert!(sent < 100 * MEGABYTE, "the server took it all");
    assert_eq!(Reply::read(&mut reading).await.body, "ok\n");
}

#[tokio::test]
async fn a_hundred_megabytes_are_not_taken_declared_or_chunked() {
    let shop = Shop::open().await;
    let peer = shop.peer();
    let head = "POST /a2a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let declared = format!("{head}content-length: {}\r\n\r\n", 100 * MEGABYTE);
    // What is declared too large is refused before a byte of it has come.
    let mut stream = peer.connect().await;
    stream.write_all(declared.as_bytes()).await.unwrap();
    let reply = Reply::read(&mut stream).await;
    let answer = Answer::of(&reply.body);
    assert_eq!(
        (reply.status, answer.code()),
        (413, "body_too_large"),
        "{answer:?}"
    );
    assert!(answer.message().contains("4194304 bytes"), "{answer:?}");

    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n");
    let mut stream = peer.connect().await;
    pour(&mut stream, &chunked, 5 * MEGABYTE, true).await;
    let reply = Reply::read(&mut stream).await;
    assert_eq!(
        (reply.status, Answer::of(&reply.body).code()),
        (413, "body_too_large")
    );

    refused(&peer, &declared, false).await;
    refused(&peer, &chunked, true).await;
    shop.assert_untouched().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_starts_nothing() {
    let shop = Shop::open().await;
    let peer = shop.peer();
    let body = request("SendMessage", json!({ "message": message("free", "x") }));
    let head = format!(
        "POST /a2a HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
        body.len() + 1
    );
    let mut stream = peer.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut end = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut end)
        .await
        .unwrap();
    assert!(!String::from_utf8_lossy(&end).contains("200 OK"));
    assert_eq!(shop.floor.all_runs(), 0);
    assert_eq!(peer.send(message("free", "x")).await.state(), "COMPLETED");
}
