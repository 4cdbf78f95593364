//! Requests of shapes that no client sends: endless pieces, numbers that overflow, text that is none,
//! values within values within values.

use crate::caller::{Caller, framed, read};
use crate::crowd::Crowded;
use agent_core::a2a::Operation;
use agent_core::a2a::proto::{request_of, response_of};
use agent_tests::e2e::{Reply, WAIT};
use agent_tests::stage::cue;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// Says this on a connection of its own, then the rest again and again until the server takes no
/// more or has taken 64 MB; the answer, and how much was taken.
async fn pour(crowd: &Crowded, words: &[u8], rest: &[u8]) -> (String, usize) {
    let mut stream = crowd.peer.connect().await;
    stream.write_all(words).await.unwrap();
    let many = rest.repeat(65_536 / rest.len().max(1));
    let mut taken = 0;
    let (mut reading, mut writing) = stream.split();
    let mut answer = Vec::new();
    let pouring = async {
        while !many.is_empty() && taken < 64_000_000 && writing.write_all(&many).await.is_ok() {
            taken += many.len();
        }
    };
    let hearing = async {
        // A reset is as good an end as any.
        let _ = timeout(WAIT, reading.read_to_end(&mut answer)).await;
    };
    if many.is_empty() {
        hearing.await;
    } else {
        tokio::select! { () = pouring => {}, () = hearing => {} }
    }
    (String::from_utf8_lossy(&answer).into_owned(), taken)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lengths_and_pieces_that_cannot_be_are_refused() {
    let crowd = Crowded::open().await;
    let post = "POST /a2a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    for head in [
        "content-length: 18446744073709551615",
        "content-length: 99999999999999999999999999",
        "content-length: -1",
        "content-length: 1e9",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5\r\ntransfer-encoding: chunked, nonsense",
        "transfer-encoding: chunked\r\nx: y\r\n\r\nfffffffffffffffff\r\n",
        "transfer-encoding: chunked\r\nx: y\r\n\r\n-1\r\n",
    ] {
        let (answer, _) = pour(&crowd, format!("{post}{head}\r\n\r\n").as_bytes(), b"").await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{head}: {answer}");
    }
    let chunked = format!("{post}transfer-encoding: chunked\r\n\r\n");
    // A piece's extension that never ends, pieces of one byte with long ones, trailers without end.
    for (words, rest) in [
        (format!("{chunked}1;"), "x"),
        (chunked.clone(), &*format!("1;{}\r\n \r\n", "x".repeat(200))),
        (format!("{chunked}0\r\n"), "x-more: and more\r\n"),
    ] {
        let (_, taken) = pour(&crowd, words.as_bytes(), rest.as_bytes()).await;
        assert!(taken < 64_000_000, "all of it was taken: {words}");
    }
    crowd.still_answers().await;
    crowd.assert_within(60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_text_are_refused_and_nothing_is_injected() {
    let crowd = Crowded::open().await;
    let send = async |path: &str, headers: &[u8], body: &[u8]| {
        let mut stream = crowd.peer.connect().await;
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
        let length = format!(
            "content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let words = [head.as_bytes(), headers, length.as_bytes(), body].concat();
        stream.write_all(&words).await.unwrap();
        Reply::read(&mut stream).await
    };
    for path in ["/a2a", "/rest/message:send"] {
        for odd in [
            b"\xff\xfe".as_slice(),
            b"\xc3\x28",
            b"\xed\xa0\x80",
            b"\xf8\x88",
        ] {
            let body = [b"{\"a\":\"", odd, b"\"}"].concat();
            let reply = send(path, b"", &body).await;
            let answer: Value = serde_json::from_str(&reply.body).unwrap();
            assert!(answer["error"].is_object(), "{path}: {}", reply.body);
        }
    }
    // Names and texts of the caller's come back in bodies, where they are escaped, and in no header.
    let evil = "x\r\nset-cookie: evil=1\r\n\r\nHTTP/1.1 200 OK";
    let mut message = cue(evil);
    message["messageId"] = evil.into();
    message["contextId"] = evil.into();
    let body = json!({ "message": message, "metadata": { evil: evil } }).to_string();
    let headers = b"a2a-extensions: urn:x\xff, evil\r\nlast-event-id: \xff\xff\r\n\
        traceparent: \xff\r\na2a-version: 1.0\r\n";
    let reply = send("/rest/message:send", headers, body.as_bytes()).await;
    serde_json::from_str::<Value>(&reply.body).unwrap();
    let reply = send(
        "/rest/message:send",
        b"a2a-version: \xff\r\n",
        body.as_bytes(),
    )
    .await;
    assert_eq!(reply.status, 400, "{}", reply.body);
    for path in [
        "/rest/tasks/x%0d%0aset-cookie:%20a",
        "/rest/tasks/%00",
        "/a2a%0d%0ax: y",
    ] {
        let mut stream = crowd.asked("GET", path).await;
        let mut answer = String::new();
        let read = timeout(WAIT, stream.read_to_string(&mut answer)).await;
        read.expect("an answer in time").unwrap();
        let (head, _) = answer.split_once("\r\n\r\n").unwrap();
        assert!(!head.to_ascii_lowercase().contains("set-cookie"), "{head}");
        assert!(head[9..].starts_with('4'), "{head}");
    }
    crowd.still_answers().await;
}

/// A field of bytes in Protocol Buffers.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut all = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 128 {
        all.push(u8::try_from(length % 128).unwrap() | 0x80);
        length /= 128;
    }
    all.push(u8::try_from(length).unwrap());
    all.extend_from_slice(bytes);
    all
}

/// A value in as many lists or objects as that.
fn nested(depth: usize, lists: bool) -> Vec<u8> {
    let mut value = vec![0x08, 0x00];
    for _ in 0..depth {
        value = match lists {
            true => field(6, &field(1, &value)),
            false => field(5, &field(1, &[field(1, b"a"), field(2, &value)].concat())),
        };
    }
    value
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_within_values_are_refused_at_a_depth_on_every_binding() {
    let crowd = Crowded::open().await;
    let whole = request_of(Operation::SendMessage);
    let whole = whole
        .encode(&json!({ "message": cue("x") }).to_string())
        .unwrap();
    let caller = Caller::of(crowd.address());
    let send = async |more: &[u8]| {
        let body = framed(&[&whole, more].concat());
        let frames = caller.send("SendMessage", &[], body).await;
        read(frames, response_of(Operation::SendMessage))
            .await
            .status
            .code
    };
    // Metadata of the request, as deep as is well, and deeper.
    let metadata =
        |value: Vec<u8>| field(4, &field(1, &[field(1, b"a"), field(2, &value)].concat()));
    for lists in [true, false] {
        assert_eq!(send(&metadata(nested(10, lists))).await, 0);
        for depth in [200, 5_000] {
            assert_eq!(send(&metadata(nested(depth, lists))).await, 3, "{depth}");
        }
    }
    // Groups have no length and nest for two bytes a level.
    assert_eq!(send(&vec![0x7b; 1_000_000]).await, 3);
    // Lengths that are larger than what is there, and numbers that never end.
    assert_eq!(send(b"\x22\xff\xff\xff\xff\x0f").await, 3);
    assert_eq!(send(&[0x80; 100]).await, 3);
    let endless = Bytes::from_static(b"\x00\xff\xff\xff\xff");
    let frames = caller.send("SendMessage", &[], endless).await;
    let answer = read(frames, response_of(Operation::SendMessage)).await;
    assert_ne!(answer.status.code, 0);

    let deep = format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
    let body = format!("{{\"message\":{},\"metadata\":{deep}}}", cue("x"));
    let rpc =
        format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"SendMessage\",\"params\":{body}}}");
    let legacy = rpc.replace("SendMessage", "message/send");
    for (path, body) in [
        ("/a2a", &rpc),
        ("/a2a", &legacy),
        ("/rest/message:send", &body),
    ] {
        let mut stream = crowd.peer.connect().await;
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let reply = Reply::read(&mut stream).await;
        assert_eq!(reply.status, 400, "{path}: {}", reply.body);
        assert!(reply.body.contains("json_too_deep"), "{}", reply.body);
    }
    crowd.still_answers().await;
    crowd.assert_within(60);
}
