//! What the front door reads and what it refuses: forwarded addresses, traces, verbs, sizes, ids.

use crate::house::{House, message, reason};
use serde_json::{Value, json};

async fn url(house: &House, headers: &str) -> String {
    let headers = format!("a2a-version: 1.0\r\n{headers}");
    let card = house
        .http("GET", "/.well-known/agent-card.json", &headers, "")
        .await
        .json();
    card["supportedInterfaces"][0]["url"]
        .as_str()
        .unwrap()
        .to_owned()
}

const FORWARDED: &str = "x-forwarded-proto: https\r\nx-forwarded-host: agents.example\r\n\
                         x-forwarded-prefix: /a\r\n";

#[tokio::test]
async fn the_card_names_the_address_that_a_trusted_proxy_was_asked_at() {
    let house = House::open("[proxy]\npeers = [\"127.0.0.1\"]\ncard_urls = true\n").await;
    let own = house.agent.url().join("a2a").unwrap();
    assert_eq!(url(&house, FORWARDED).await, "https://agents.example/a/a2a");
    assert_eq!(url(&house, "").await, own.as_str());
    let hostile = "x-forwarded-host: evil.example/x?\r\n";
    assert_eq!(url(&house, hostile).await, own.as_str());
    for number in 0..200 {
        let host = format!("x-forwarded-host: h{number}.example\r\n");
        assert_eq!(
            url(&house, &host).await,
            format!("https://h{number}.example/a2a")
        );
    }
}

#[tokio::test]
async fn without_trust_or_without_being_asked_to_the_card_stays_what_it_is() {
    for toml in [
        "",
        "[proxy]\npeers = [\"127.0.0.1\"]\n",
        "[proxy]\npeers = [\"10.0.0.0/8\"]\ncard_urls = true\n",
    ] {
        let house = House::open(toml).await;
        let own = house.agent.url().join("a2a").unwrap();
        assert_eq!(url(&house, FORWARDED).await, own.as_str(), "{toml}");
    }
}

#[tokio::test]
async fn a_configured_public_address_is_what_the_card_says() {
    // A free port, since only the public address can be asked for afterwards.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let toml = format!(
        "listen = \"{address}\"\npublic_url = \"http://127.0.0.1:{}/at/\"\n",
        address.port()
    );
    let house = House::open(&toml).await;
    let said = url(&house, FORWARDED).await;
    assert_eq!(said, format!("http://{address}/at/a2a"));
}

async fn trace(house: &House, headers: &str) -> String {
    let reply = house
        .rpc(
            headers,
            "SendMessage",
            json!({ "message": message("trace") }),
        )
        .await;
    let task = reply.json()["result"]["task"].take();
    task["artifacts"][0]["parts"][0]["data"]["text"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_trace_reaches_the_skill_and_a_malformed_one_does_not() {
    let house = House::open("").await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let header = format!("traceparent: {parent}\r\n");
    assert_eq!(trace(&house, &header).await, format!("{parent} "));
    let state = format!("{header}tracestate: a=1\r\ntracestate: b=2\r\n");
    assert_eq!(trace(&house, &state).await, format!("{parent} a=1,b=2"));
    let bad_state = format!("{header}tracestate: A==1\r\n");
    assert_eq!(trace(&house, &bad_state).await, format!("{parent} "));
    for bad in ["", "traceparent: 00-zz\r\n", &format!("{header}{header}")] {
        assert_eq!(trace(&house, bad).await, "none", "{bad}");
    }
}

#[tokio::test]
async fn a_known_route_with_another_verb_says_which_it_takes() {
    let house = House::open("").await;
    for (verb, path, allowed) in [
        ("PUT", "/rest/tasks/1", "get"),
        ("GET", "/rest/message:send", "post"),
        ("DELETE", "/rest/acme/tasks", "get"),
        (
            "PATCH",
            "/rest/tasks/1/pushNotificationConfigs/2",
            "get, delete",
        ),
        ("DELETE", "/rest/tasks/1:subscribe", "get, post"),
        ("GET", "/a2a", "post"),
    ] {
        let reply = house.http(verb, path, "", "").await;
        assert_eq!(reply.status, 405, "{verb} {path}");
        let allow = format!("\r\nallow: {allowed}");
        assert!(reply.head.contains(&allow), "{verb} {path}: {}", reply.head);
    }
    assert_eq!(
        house
            .http("GET", "/rest/nothing/here/at/all", "", "")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn too_many_headers_or_too_large_ones_are_refused() {
    let house = House::open("").await;
    let many: String = (0..200)
        .map(|number| format!("x-{number}: 1\r\n"))
        .collect();
    let large = format!("x-large: {}\r\n", "a".repeat(100_000));
    for headers in [many, large] {
        let status = house.http("GET", "/health", &headers, "").await.status;
        assert!(matches!(status, 400 | 431), "{status}");
    }
    assert_eq!(house.http("GET", "/health", "", "").await.status, 200);
}

#[tokio::test]
async fn requests_with_one_id_are_answered_each_by_itself_and_batches_not_at_all() {
    let house = House::open("").await;
    let texts: Vec<String> = (0..16).map(|number| format!("n{number}")).collect();
    let asked = texts
        .iter()
        .map(|text| house.rpc("", "SendMessage", json!({ "message": message(text) })));
    let replies = futures_util::future::join_all(asked).await;
    for (text, reply) in texts.iter().zip(replies) {
        let reply: Value = reply.json();
        assert_eq!(reply["id"], 1);
        let said = &reply["result"]["task"]["artifacts"][0]["parts"][0]["data"]["text"];
        assert_eq!(said, text.as_str());
    }
    let one = json!({ "jsonrpc": "2.0", "id": 1, "method": "ListTasks" });
    let batch = json!([one.clone(), one]).to_string();
    let refused = house.http("POST", "/a2a", "", &batch).await;
    assert_eq!(reason(&refused), "INVALID_REQUEST");
}
