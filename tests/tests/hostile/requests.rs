//! Requests that are not what they should be.

use agent_tests::e2e::{Shop, message, request};
use serde_json::json;

#[tokio::test]
async fn a_body_that_is_not_one_request_is_refused_with_its_reason() {
    let shop = Shop::open().await;
    let peer = shop.peer();
    let whole = request("SendMessage", json!({ "message": message("free", "x") }));
    let table = [
        ("", -32700, "PARSE_ERROR", ""),
        ("{\"jsonrpc\": \"2.0\", ", -32700, "PARSE_ERROR", ""),
        ("not json", -32700, "PARSE_ERROR", ""),
        ("\u{0}\u{1}", -32700, "PARSE_ERROR", ""),
        ("{} {}", -32700, "PARSE_ERROR", ""),
        ("null", -32600, "INVALID_REQUEST", ""),
        ("{}", -32600, "INVALID_REQUEST", ""),
        ("[]", -32600, "INVALID_REQUEST", "batch_refused"),
        (
            &format!("[{whole},{whole}]"),
            -32600,
            "INVALID_REQUEST",
            "batch_refused",
        ),
        (
            &whole.replace("\"2.0\"", "\"1.0\""),
            -32600,
            "INVALID_REQUEST",
            "",
        ),
        (
            &whole.replace("\"jsonrpc\"", "\"jsonrcp\""),
            -32600,
            "INVALID_REQUEST",
            "",
        ),
        (
            &whole.replace("SendMessage", "SendMassage"),
            -32601,
            "METHOD_NOT_FOUND",
            "",
        ),
        (
            &whole.replace("SendMessage", "message/post"),
            -32601,
            "METHOD_NOT_FOUND",
            "",
        ),
    ];
    for (body, number, reason, code) in table {
        let answer = peer.raw(body).await;
        let found = (answer.number(), answer.reason(), answer.code());
        assert_eq!(found, (number, reason, code), "{body}: {answer:?}");
        assert!(!answer.message().is_empty(), "{answer:?}");
    }
    assert_eq!(shop.floor.all_runs(), 0);
    shop.assert_untouched().await;
}

#[tokio::test]
async fn another_protocol_version_is_refused_and_ours_named() {
    let shop = Shop::open().await;
    let peer = shop.peer();
    let body = request("SendMessage", json!({ "message": message("free", "x") }));
    for version in ["0.3", "2.0", "1", "one", "1.0.0.0x,2"] {
        let headers = format!("A2A-Version: {version}\r\n");
        let answer = agent_tests::e2e::Answer::of(&peer.post_with(&headers, &body).await.body);
        if version.starts_with("1.0") {
            continue;
        }
        assert_eq!(
            answer.reason(),
            "VERSION_NOT_SUPPORTED",
            "{version}: {answer:?}"
        );
        assert!(answer.0.to_string().contains("1.0"), "{answer:?}");
    }
    let ours = peer.post_with("A2A-Version: 1.0\r\n", &body).await;
    assert_eq!(
        agent_tests::e2e::Answer::of(&ours.body).state(),
        "COMPLETED"
    );
}

#[tokio::test]
async fn a_message_without_what_it_needs_is_refused_by_field() {
    let shop = Shop::open().await;
    let peer = shop.peer();
    let with = |path: &str, value: serde_json::Value| {
        let mut message = message("echo", "x");
        *message.pointer_mut(path).unwrap() = value;
        message
    };
    let table = [
        (json!({}), "message"),
        (with("/messageId", "".into()), "message.messageId"),
        (with("/role", "ROLE_AGENT".into()), "message.role"),
        (with("/parts", json!([])), "message.parts"),
        (
            with("/metadata", json!({ "urn:z402:a2a:v1/skill": 7 })),
            "message.metadata.urn:z402:a2a:v1/skill",
        ),
        (
            with("/metadata", json!({})),
            "message.metadata.urn:z402:a2a:v1/skill",
        ),
    ];
    for (message, field) in table {
        let answer = peer.send(message.clone()).await;
        assert_eq!(answer.reason(), "INVALID_PARAMS", "{message}: {answer:?}");
        assert!(answer.fields().contains(&field), "{field}: {answer:?}");
    }
    let none = peer.call("SendMessage", json!({})).await;
    assert_eq!(none.reason(), "INVALID_PARAMS", "{none:?}");
    shop.assert_untouched().await;
}

#[tokio::test]
async fn an_unknown_skill_is_refused_and_the_known_ones_named() {
    let shop = Shop::open().await;
    let payment = shop.purse(100_000).payment(1_000, 1_000);
    let answer = shop.peer().pay("gold", "x", &payment).await;
    assert_eq!(
        (answer.reason(), answer.code()),
        ("INVALID_PARAMS", "unknown_skill")
    );
    assert!(answer.message().contains("gold"), "{answer:?}");
    assert!(
        answer.0.to_string().contains("echo, fails, free"),
        "{answer:?}"
    );
    shop.assert_untouched().await;
}

#[tokio::test]
async fn input_that_does_not_fit_is_refused_by_field_before_any_money_moves() {
    let shop = Shop::open().await;
    let (peer, payment) = (shop.peer(), shop.purse(100_000).payment(1_000, 1_000));
    let table = [
        (json!({ "text": 7 }), "message.parts.data.text"),
        (
            json!({ "text": "x", "count": -1 }),
            "message.parts.data.count",
        ),
        (
            json!({ "text": "x", "count": 4_294_967_296u64 }),
            "message.parts.data.count",
        ),
        (
            json!({ "text": "x", "colour": "red" }),
            "message.parts.data.colour",
        ),
        (json!({}), "message.parts.data"),
        (json!([]), "message.parts.data"),
    ];
    for (input, field) in table {
        let mut message = agent_tests::e2e::with_payment(message("echo", ""), &payment);
        message["parts"][0]["data"] = input.clone();
        let answer = peer.send(message).await;
        assert_eq!(answer.code(), "input_does_not_fit", "{input}: {answer:?}");
        assert_eq!(answer.fields(), [field], "{input}: {answer:?}");
    }
    assert_eq!(shop.floor.all_runs(), 0);
    shop.assert_untouched().await;
    // The payment is as good as before: nothing of it was used up.
    assert_eq!(peer.pay("echo", "x", &payment).await.state(), "COMPLETED");
}

#[tokio::test]
async fn tasks_that_do_not_exist_or_have_ended_say_so() {
    let shop = Shop::open().await;
    let peer = shop.peer();
    for method in ["GetTask", "CancelTask"] {
        let answer = peer.call(method, json!({ "id": "no-such-task" })).await;
        assert_eq!(answer.reason(), "TASK_NOT_FOUND", "{answer:?}");
    }
    let mut lost = message("free", "x");
    lost["taskId"] = "no-such-task".into();
    assert_eq!(peer.send(lost).await.reason(), "TASK_NOT_FOUND");
    let done = peer.send(message("free", "x")).await;
    assert_eq!((done.state(), done.said()), ("COMPLETED", "x"));
    let answer = peer.call("CancelTask", json!({ "id": done.id() })).await;
    assert_eq!(answer.reason(), "TASK_NOT_CANCELABLE", "{answer:?}");
    let mut more = message("free", "y");
    more["taskId"] = done.id().into();
    assert_eq!(peer.send(more).await.reason(), "UNSUPPORTED_OPERATION");
}
