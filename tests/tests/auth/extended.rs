//! The extended card: for callers that are known, and private.

use crate::house::{ALICE, BOB, House, reason, two_keys};
use serde_json::{Value, json};

async fn rpc(house: &House, headers: &str) -> crate::http::Reply {
    house.rpc(headers, "GetExtendedAgentCard", json!({})).await
}

#[tokio::test]
async fn it_is_made_for_each_caller_and_kept_from_the_others() {
    let toml = format!("[auth]\nallow_anonymous = true\n{}", two_keys());
    let house = House::open_with(&toml, |agent| {
        agent.extended_card(|caller, mut card| {
            card.description = format!("for {caller}");
            (caller != "key:bob").then_some(card)
        })
    })
    .await;
    let card = house
        .http("GET", "/.well-known/agent-card.json", "", "")
        .await
        .json();
    assert_eq!(card["capabilities"]["extendedAgentCard"], true);
    let alice = rpc(&house, ALICE).await.json();
    assert_eq!(alice["result"]["description"], "for key:alice");
    assert_eq!(reason(&rpc(&house, BOB).await), "PERMISSION_DENIED");
    assert_eq!(reason(&rpc(&house, "").await), "UNAUTHENTICATED");
    let rest = house
        .http("GET", "/rest/extendedAgentCard", ALICE, "")
        .await;
    assert_eq!(rest.json()["description"], "for key:alice");
    assert!(
        rest.head.contains("cache-control: private"),
        "{}",
        rest.head
    );
    let anonymous = house.http("GET", "/rest/extendedAgentCard", "", "").await;
    assert_eq!(anonymous.status, 401);
    let challenge = "www-authenticate: apikey realm=\"house\"";
    assert!(anonymous.head.contains(challenge), "{}", anonymous.head);
}

#[tokio::test]
async fn a_configured_one_shows_what_the_public_one_leaves_out() {
    let house =
        House::of_two("[card.extended]\nskills = [\"play\"]\ndescription = \"more\"\n").await;
    let skills = |card: &Value| card["skills"].as_array().map_or(0, Vec::len);
    let public = house
        .http("GET", "/.well-known/agent-card.json", "", "")
        .await
        .json();
    assert_eq!(skills(&public), 0);
    let extended = rpc(&house, ALICE).await.json()["result"].take();
    assert_eq!(
        (skills(&extended), extended["description"].as_str()),
        (1, Some("more"))
    );
}

#[tokio::test]
async fn without_one_the_errors_say_which_kind_of_without() {
    let none = House::of_two("").await;
    assert_eq!(reason(&rpc(&none, ALICE).await), "UNSUPPORTED_OPERATION");
    let declared = House::of_two("[card]\ndeclare_extended = true\n").await;
    let reply = rpc(&declared, ALICE).await;
    assert_eq!(reason(&reply), "EXTENDED_AGENT_CARD_NOT_CONFIGURED");
}
