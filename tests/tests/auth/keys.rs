//! API keys in each place, and what those are told who have none.

use crate::house::{ALICE, BOB, House, detail, reason, sha256, two_keys};
use agent_server::config::AgentConfig;
use serde_json::json;

#[tokio::test]
async fn a_key_opens_every_binding_and_its_absence_is_told_with_a_challenge() {
    let house = House::of_two("").await;
    for headers in [ALICE, BOB] {
        assert_eq!(house.list(headers).await.status, 200);
        assert_eq!(
            house.http("GET", "/rest/tasks", headers, "").await.status,
            200
        );
    }
    let get = json!({ "jsonrpc": "2.0", "id": 1, "method": "tasks/get", "params": { "id": "x" } });
    for headers in ["", "x-key: wrong-wrong-wrong-wrong\r\n", "x-key: \r\n"] {
        let legacy = format!("a2a-version: 0.3\r\n{headers}");
        for reply in [
            house.list(headers).await,
            house.http("GET", "/rest/tasks", headers, "").await,
            house.http("GET", "/rest/v1/tasks/x", &legacy, "").await,
            house.http("POST", "/a2a", &legacy, &get.to_string()).await,
        ] {
            assert_eq!(reply.status, 401, "{} {}", reply.head, reply.body);
            let challenge =
                "www-authenticate: apikey realm=\"house\", in=\"header\", name=\"x-key\"";
            assert!(reply.head.contains(challenge), "{}", reply.head);
            assert!(!reply.body.contains("wrong-wrong"), "{}", reply.body);
        }
        assert_eq!(reason(&house.list(headers).await), "UNAUTHENTICATED");
    }
    // What everybody may see.
    for path in ["/.well-known/agent-card.json", "/health"] {
        assert_eq!(house.http("GET", path, "", "").await.status, 200);
    }
}

#[tokio::test]
async fn a_stranger_is_turned_away_before_its_body_is_looked_at() {
    let house = House::of_two("").await;
    for body in ["{", "[]", "not json at all"] {
        assert_eq!(house.http("POST", "/a2a", "", body).await.status, 401);
        let reply = house.http("POST", "/rest/message:send", "", body).await;
        assert_eq!(reply.status, 401);
    }
}

#[tokio::test]
async fn a_key_is_found_where_the_card_says_and_nowhere_else() {
    let digest = sha256("carol-carol-carol-carol");
    for (place, name) in [("query", "k"), ("cookie", "k"), ("header", "k")] {
        let house = House::open(&format!(
            "[auth.schemes.it]\ntype = \"api_key\"\nin = \"{place}\"\nname = \"{name}\"\n\
             callers.carol = {{ sha256 = \"{digest}\" }}\n"
        ))
        .await;
        let value = "carol-carol-carol-carol";
        let tries = [
            ("query", format!("?a=1&k={value}"), String::new()),
            (
                "cookie",
                String::new(),
                format!("cookie: a=b; k={value}\r\n"),
            ),
            ("header", String::new(), format!("k: {value}\r\n")),
        ];
        for (tried, query, headers) in tries {
            let path = format!("/rest/tasks{query}");
            let status = house.http("GET", &path, &headers, "").await.status;
            let expected = if tried == place { 200 } else { 401 };
            assert_eq!(status, expected, "{place} {tried}");
        }
        let card = house
            .http("GET", "/.well-known/agent-card.json", "", "")
            .await;
        let card = card.json();
        let scheme = &card["securitySchemes"]["it"]["apiKeySecurityScheme"];
        assert_eq!(
            (scheme["location"].as_str(), scheme["name"].as_str()),
            (Some(place), Some(name))
        );
        let needed = json!([{ "schemes": { "it": {} } }]);
        let plain = json!([{ "schemes": { "it": { "list": [] } } }]);
        let said = &card["securityRequirements"];
        assert!(*said == needed || *said == plain, "{said}");
    }
}

#[tokio::test]
async fn two_keys_at_once_are_none() {
    let house = House::of_two("").await;
    let reply = house.list(&format!("{ALICE}{BOB}")).await;
    assert_eq!(
        (reply.status, detail(&reply).as_str()),
        (401, "credential_twice")
    );
}

#[tokio::test]
async fn anonymous_callers_are_let_in_only_where_that_is_said_and_never_with_a_bad_key() {
    let house = House::open(&format!("[auth]\nallow_anonymous = true\n{}", two_keys())).await;
    assert_eq!(house.list("").await.status, 200);
    assert_eq!(house.list(ALICE).await.status, 200);
    assert_eq!(
        house
            .list("x-key: wrong-wrong-wrong-wrong\r\n")
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn schemes_that_are_needed_together_are_all_needed() {
    let digest = sha256("carol-carol-carol-carol");
    let house = House::open(&format!(
        "[auth]\nrequire = [{{ a = [], b = [] }}]\n\
         [auth.schemes.a]\ntype = \"api_key\"\nin = \"header\"\nname = \"a\"\n\
         callers.carol = {{ sha256 = \"{digest}\" }}\n\
         [auth.schemes.b]\ntype = \"certificate\"\npeers = [\"127.0.0.1\"]\nidentity = \"value\"\n"
    ))
    .await;
    let key = "a: carol-carol-carol-carol\r\n";
    let cert = "x-forwarded-client-cert: CN=carol\r\n";
    assert_eq!(house.list(key).await.status, 401);
    assert_eq!(house.list(cert).await.status, 401);
    assert_eq!(house.list(&format!("{key}{cert}")).await.status, 200);
}

#[tokio::test]
async fn a_certificate_counts_only_from_a_named_proxy() {
    for (peer, expected) in [("127.0.0.1", 200), ("10.0.0.0/8", 401)] {
        let toml = format!(
            "[auth.schemes.cert]\ntype = \"certificate\"\npeers = [\"{peer}\"]\nidentity = \"uri\"\n"
        );
        let house = House::open(&toml).await;
        let header = "x-forwarded-client-cert: Hash=ab;Subject=\"CN=a\";URI=spiffe://a/b\r\n";
        assert_eq!(house.list(header).await.status, expected);
        assert_eq!(house.list("").await.status, 401);
        let two = "x-forwarded-client-cert: URI=spiffe://a,URI=spiffe://b\r\n";
        assert_eq!(house.list(two).await.status, 401);
    }
}

#[test]
fn a_configuration_that_would_let_in_too_many_is_refused_and_none_shows_its_secrets() {
    let parse = |toml: &str| AgentConfig::parse(toml);
    assert!(parse("[auth]\nopen = true\n").is_err());
    assert!(parse("[auth.schemes.a]\ntype = \"none\"\n").is_err());
    assert!(parse("[proxy]\npeers = [\"everybody\"]\n").is_err());
    let config = parse(&two_keys()).unwrap();
    let shown = format!("{config:?}");
    assert!(
        !shown.contains(&sha256("alice-alice-alice-alice")),
        "{shown}"
    );
}

#[test]
fn the_documented_configuration_is_one() {
    let text = include_str!("../../../docs/ACCESS.md");
    let blocks = text.split("```toml\n").skip(1);
    let blocks: String = blocks
        .filter_map(|block| block.split("```").next())
        .collect();
    let config = AgentConfig::parse(&blocks).unwrap();
    assert_eq!(config.auth.unwrap().schemes.len(), 3);
    assert!(config.proxy.card_urls && config.tenants.unwrap().in_card);
}
