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

/// A page in a browser may send these to any address, the agent of whoever looks at it included.
#[tokio::test]
async fn what_a_form_can_send_is_no_request() {
    let house = House::open().await;
    let rpc = json!({
        "jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": { "message": message("x") }
    });
    let old_rpc =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tasks/get", "params": { "id": "1" } });
    let plain = json!({ "message": message("x") });
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        for (path, version, body) in [
            ("/a2a", "1.0", &rpc),
            ("/", "1.0", &rpc),
            ("/a2a", "0.3", &old_rpc),
            ("/rest/message:send", "1.0", &plain),
            ("/rest/v1/message:send", "0.3", &plain),
        ] {
            let headers = format!("content-type: {kind}\r\na2a-version: {version}\r\n");
            let reply = ask(house.address, "POST", path, &headers, &body.to_string()).await;
            assert_eq!(reply.status, 400, "{path} {kind}: {}", reply.body);
            assert!(
                reply.body.contains("CONTENT_TYPE_NOT_SUPPORTED"),
                "{}",
                reply.body
            );
        }
    }
    // Nor is what says nothing of itself: a page can send bytes without a type as well.
    for (path, body) in [("/a2a", &rpc), ("/rest/message:send", &plain)] {
        let (body, length) = (body.to_string(), body.to_string().len());
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: house\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        let reply = crate::http::send(house.address, &request).await;
        assert_eq!(reply.status, 415, "{path}: {}", reply.body);
    }
    assert_eq!(house.call("ListTasks", json!({})).await["totalSize"], 0);
}

/// What is no text to one binding must not be kept by another: one such task would be in the way of
/// every list that it is on.
#[tokio::test]
async fn half_a_character_is_refused_and_said_where() {
    let house = House::open().await;
    let mut plain = message("x");
    for (field, change) in [
        (
            "message.parts[0].data",
            json!({ "parts": [{ "data": { "a": ["HALF"] } }] }),
        ),
        (
            "message.parts[0].data",
            json!({ "parts": [{ "data": { "HALF": 1 } }] }),
        ),
        (
            "message.parts[0].text",
            json!({ "parts": [{ "text": "HALF" }] }),
        ),
        ("message.metadata", json!({ "metadata": { "k": "HALF" } })),
    ] {
        let change = change.as_object().unwrap().clone();
        plain.as_object_mut().unwrap().extend(change);
        let body = json!({ "message": plain })
            .to_string()
            .replace("HALF", "\\ud800");
        let reply = house.http("POST", "/rest/message:send", &body).await.json();
        assert_eq!(reason(&reply), "INVALID_PARAMS", "{reply}");
        let violation = &reply["error"]["details"][1]["fieldViolations"][0];
        let named = violation["field"].as_str().unwrap();
        assert!(named.starts_with(field), "{reply}");
        plain = message("x");
    }
}

#[tokio::test]
async fn who_asks_in_another_version_is_told_those_that_are_spoken() {
    for (older, supported) in [(true, "1.0, 0.3"), (false, "1.0")] {
        let house = House::open_with(|config| config.v0_3 = older).await;
        let reply = ask(
            house.address,
            "GET",
            "/rest/tasks",
            "a2a-version: 2.0\r\n",
            "",
        )
        .await;
        let told = &reply.json()["error"]["details"][0]["metadata"];
        assert_eq!(told["supportedVersions"], supported, "{told}");
    }
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

#[tokio::test]
async fn a_number_that_not_every_binding_can_tell_is_refused() {
    let house = House::open().await;
    for (member, field) in [
        (r#""parts":[{"data":[1e400]}]"#, "message.parts[0].data"),
        (
            r#""parts":[{"text":"x"}],"metadata":{"n":-1e400}"#,
            "message.metadata",
        ),
    ] {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{{"message":
            {{"messageId":"m","role":"ROLE_USER",{member}}}}}}}"#
        );
        let answer = house.http("POST", "/a2a", &body).await.json();
        assert_eq!(reason(&answer), "INVALID_PARAMS");
        assert_eq!(
            answer["error"]["data"][1]["fieldViolations"][0]["field"],
            field
        );
    }
}
