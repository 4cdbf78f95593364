//! What HTTP+JSON takes in: media types, versions, sizes.

use crate::house::{House, message, reason, state};
use crate::http::ask;
use serde_json::{Value, json};

#[tokio::test]
async fn versions_types_and_bounds_are_kept() {
    let house = House::open_with(|config| config.limits.body_bytes = 2_000).await;
    let body = json!({ "message": message("x") }).to_string();
    let send = async |headers: &str, body: &str| {
        ask(house.address, "POST", "/rest/message:send", headers, body).await
    };
    for kind in [
        "application/json",
        "application/a2a+json",
        "Application/JSON; charset=utf-8",
    ] {
        let reply = send(&format!("content-type: {kind}\r\n"), &body).await;
        assert_eq!(
            (reply.status, state(&reply.json())),
            (200, "COMPLETED"),
            "{kind}"
        );
    }
    let text = send("content-type: text/plain\r\n", &body).await;
    assert_eq!(reason(&text.json()), "CONTENT_TYPE_NOT_SUPPORTED");
    let large = json!({ "message": message(&"x".repeat(3_000)) }).to_string();
    let large = send("", &large).await;
    assert_eq!(
        (large.status, large.json()["error"]["code"].as_u64()),
        (413, Some(413))
    );
    let deep = format!("{{\"metadata\":{}", "[".repeat(200));
    assert_eq!(reason(&send("", &deep).await.json()), "INVALID_REQUEST");
    // This agent takes no payments, so it has no such extension.
    let uri = agent_core::x402::EXTENSION_URI;
    let echo = send(&format!("a2a-extensions: urn:other, {uri}\r\n"), &body).await;
    assert_eq!(echo.status, 200);
    assert!(!echo.head.contains("a2a-extensions"), "{}", echo.head);
}

#[tokio::test]
async fn another_version_is_refused_wherever_it_is_named() {
    let house = House::open().await;
    let peer = agent_tests::e2e::Peer::new(house.address);
    for (path, headers, why) in [
        (
            "/rest/tasks",
            "a2a-version: 0.3\r\n",
            "VERSION_NOT_SUPPORTED",
        ),
        ("/rest/tasks?A2A-Version=99.0", "", "VERSION_NOT_SUPPORTED"),
        ("/rest/tasks?A2A-Version=1.0", "", ""),
        ("/rest/tasks", "", ""),
    ] {
        let mut stream = peer.connect().await;
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes())
            .await
            .unwrap();
        let reply = agent_tests::e2e::Reply::read(&mut stream).await;
        let answer: Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(reason(&answer), why, "{path} {headers}: {answer}");
    }
}
