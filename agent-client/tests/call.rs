//! Calling another agent, well-behaved and not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod call_fake;

use agent_client::call::{CallError, RemoteAgent, limits};
use agent_client::egress::EgressError;
use agent_core::a2a::{
    ErrorCode, GetTaskRequest, Message, SendMessageRequest, SendMessageResponse, TaskState,
};
use agent_core::x402::keys;
use call_fake::{Fake, Reply, Seen, card, egress};
use serde_json::{Value, json};

fn hello() -> SendMessageRequest {
    SendMessageRequest::new(Message::user("hi"))
}

/// A message with a payment id; the rest of the payment is of no consequence here.
fn paid() -> SendMessageRequest {
    let mut request = hello();
    let payload = json!({
        "x402Version": 2, "payload": {},
        "accepted": {"scheme": "z402", "network": "eip155:1", "amount": "1", "asset": "0x0",
                     "payTo": "0x0", "maxTimeoutSeconds": 5},
        "extensions": {"payment-identifier": {"info": {"id": "0123456789abcdef"}}},
    });
    request
        .message
        .metadata
        .set(keys::PAYLOAD, &payload)
        .unwrap();
    request
}

fn task(state: &str) -> Value {
    json!({"id": "t", "contextId": "c", "status": {"state": state}})
}

async fn agent(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (Fake, RemoteAgent) {
    let fake = Fake::agent(answer).await;
    let remote = RemoteAgent::connect(&egress(), &fake.url).await.unwrap();
    (fake, remote)
}

async fn connect_with(card: Value) -> Result<RemoteAgent, CallError> {
    let card = card.to_string();
    let fake = Fake::start(move |_, _| Reply::Json(200, card.clone())).await;
    RemoteAgent::connect(&egress(), &fake.url).await
}

#[tokio::test]
async fn the_interface_that_we_speak_is_chosen_and_headers_tell_what_we_speak() {
    let (fake, remote) =
        agent(|seen| seen.result(json!({"task": task("TASK_STATE_COMPLETED")}))).await;
    assert_eq!(remote.card().name, "fake");
    assert!(remote.terms().is_none());
    let SendMessageResponse::Task(task) = remote.send(hello()).await.unwrap() else {
        panic!()
    };
    assert_eq!(task.status.state, TaskState::Completed);

    let seen = fake.seen();
    assert_eq!(seen[0].path, "/.well-known/agent-card.json");
    assert_eq!(seen[1].path, "/rpc");
    assert!(seen[1].headers.contains("a2a-version: 1.0"));
    assert!(seen[1].headers.contains("a2a-extensions: urn:z402:a2a:v1"));
    assert_eq!(seen[1].rpc_method(), "SendMessage");
    assert_eq!(seen[1].json()["params"]["tenant"], "t-1");
}

#[tokio::test]
async fn a_cards_own_address_is_taken_as_it_is() {
    let fake = Fake::agent(|_| Reply::Close).await;
    let url = format!("{}/agents/a.json", fake.url);
    RemoteAgent::connect(&egress(), &url).await.unwrap();
    let below = format!("{}/agents/a/", fake.url);
    RemoteAgent::connect(&egress(), &below).await.unwrap();
    let paths: Vec<_> = fake.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(
        paths,
        ["/agents/a.json", "/agents/a/.well-known/agent-card.json"]
    );
}

#[tokio::test]
async fn cards_that_cannot_be_used_are_refused() {
    let base = "http://127.0.0.1:9";
    let mut nameless = card(base);
    nameless["name"] = json!("");
    let mut mute = card(base);
    mute["supportedInterfaces"] = json!([]);
    let mut wrong = card(base);
    wrong["skills"] = json!("many");
    let mut crowd = card(base);
    let skill = crowd["skills"][0].clone();
    crowd["skills"] = json!(vec![skill; limits::CARD_SKILLS_MAX + 1]);
    let mut inward = card(base);
    for at in [1, 2] {
        inward["supportedInterfaces"][at]["url"] = json!("http://169.254.169.254/latest");
    }
    let mut priceless = card(base);
    priceless["capabilities"]["extensions"] =
        json!([{"uri": "urn:z402:a2a:v1", "params": {"x402Version": 2}}]);
    for (card, code) in [
        (nameless, "call.bad_card"),
        (mute, "call.no_interface"),
        (wrong, "call.bad_card"),
        (crowd, "call.bad_card"),
        (inward, "egress.forbidden_address"),
        (priceless, "call.bad_terms"),
    ] {
        assert_eq!(connect_with(card).await.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn hostile_cards_are_given_up_early() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let huge = format!("\"{}\"", "x".repeat(limits::CARD_BYTES_MAX));
    for (body, code) in [(deep, "call.bad_card"), (huge, "egress.too_large")] {
        let fake = Fake::start(move |_, _| Reply::Json(200, body.clone())).await;
        let refused = RemoteAgent::connect(&egress(), &fake.url)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), code);
    }
    let fake = Fake::start(|_, _| Reply::Json(404, "{}".to_owned())).await;
    let refused = RemoteAgent::connect(&egress(), &fake.url)
        .await
        .unwrap_err();
    assert!(matches!(refused, CallError::Http(404)));
    assert_eq!(
        fake.seen().len(),
        1,
        "a missing card will not be there a moment later"
    );
}

#[tokio::test]
async fn an_agents_error_is_told_apart() {
    let (_fake, remote) = agent(|seen| {
        seen.error(json!({
            "code": -32602, "message": "no\u{1b}[2Jgood",
            "data": [
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "INVALID_PARAMS",
                 "domain": "a2a-protocol.org", "metadata": {"code": "input_schema"}},
                {"@type": "type.googleapis.com/google.rpc.BadRequest",
                 "fieldViolations": [{"field": "text", "description": "is required"}]},
            ],
        }))
    })
    .await;
    let error = remote.send(hello()).await.unwrap_err();
    assert_eq!(error.agent_reason(), Some(ErrorCode::InvalidParams));
    assert_eq!(error.agent_detail(), Some("input_schema"));
    assert!(
        !error.to_string().contains('\u{1b}'),
        "control characters do not reach a terminal"
    );
    let CallError::Agent { code, reason, .. } = error else {
        panic!()
    };
    assert_eq!(code, -32602);
    assert_eq!(reason.violations()[0].field, "text");
}

#[tokio::test]
async fn answers_that_cannot_be_are_refused() {
    type Answer = fn(&Seen) -> Reply;
    let answers: [(Answer, &str); 8] = [
        (
            |_| Reply::Json(200, "not json".to_owned()),
            "call.malformed_answer",
        ),
        (|seen| seen.result(json!({})), "call.malformed_answer"),
        (
            |seen| seen.result(json!({"task": 7})),
            "call.malformed_answer",
        ),
        (
            |seen| seen.result(json!({"task": {"id": "", "status": {}}})),
            "call.malformed_answer",
        ),
        (
            |_| {
                let task = task("TASK_STATE_COMPLETED");
                let other = json!({"jsonrpc": "2.0", "id": "other", "result": {"task": task}});
                Reply::Json(200, other.to_string())
            },
            "call.malformed_answer",
        ),
        (
            |seen| {
                let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
                let id = seen.json()["id"].clone();
                Reply::Json(
                    200,
                    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{deep}}}"#),
                )
            },
            "call.malformed_answer",
        ),
        (
            |_| {
                Reply::Json(
                    200,
                    "x".repeat(agent_client::limits::RESPONSE_BYTES_MAX + 1),
                )
            },
            "egress.too_large",
        ),
        (|_| Reply::Json(403, "no".to_owned()), "call.http_status"),
    ];
    for (answer, code) in answers {
        let (fake, remote) = agent(answer).await;
        assert_eq!(remote.send(hello()).await.unwrap_err().code(), code);
        assert_eq!(fake.posts().len(), 1);
    }
}

#[tokio::test]
async fn a_message_is_repeated_only_with_a_payment_id_and_then_byte_for_byte() {
    let (fake, remote) = agent(|_| Reply::Close).await;
    let error = remote.send(hello()).await.unwrap_err();
    assert!(
        matches!(error, CallError::Egress(EgressError::Broken(_))),
        "{error:?}"
    );
    assert!(error.is_lost());
    assert_eq!(fake.posts().len(), 1, "it may have arrived");

    assert!(remote.send(paid()).await.unwrap_err().is_lost());
    let posts = fake.posts();
    let attempts = usize::try_from(limits::ATTEMPTS_MAX).unwrap();
    assert_eq!(posts.len(), 1 + attempts);
    assert!(posts[1..].iter().all(|post| post.body == posts[1].body));
}

#[tokio::test]
async fn reading_is_repeated_and_an_unreachable_agent_is_tried_again() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let (fake, remote) =
        agent(
            move |seen| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                0 => Reply::Json(503, String::new()),
                _ => seen.result(task("TASK_STATE_COMPLETED")),
            },
        )
        .await;
    let get = GetTaskRequest {
        id: "t".to_owned(),
        ..Default::default()
    };
    assert_eq!(remote.get_task(get).await.unwrap().id, "t");
    assert_eq!(fake.posts().len(), 2);

    let gone = connect_with(card("http://127.0.0.1:1")).await.unwrap();
    let error = gone.send(hello()).await.unwrap_err();
    assert!(error.is_unsent(), "{error:?}");
}
