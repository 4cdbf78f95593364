//! Finding agents in a registry that anybody may write to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod call_fake;
mod discover_market;

use agent_client::buyer::BuyerError;
use agent_client::chain::bindings::IIdentityRegistry;
use agent_client::discover::{DiscoverError, PayeeRefusal, Query};
use agent_core::trust::{Service, data_uri};
use discover_market::{Market, file, units};
use serde_json::json;

fn shout() -> Query {
    Query::skill("shout")
}

#[tokio::test]
async fn the_cheaper_of_two_is_found_with_reasons_and_the_rest_is_explained() {
    let market = Market::open().await;
    let dear = market.shop(1, "shout", 2_000).await;
    let cheap = market.shop(2, "shout", 1_000).await;
    let other = market.shop(3, "whisper", 1).await;
    let buyer = market.buyer(9).await;

    let offers = buyer
        .find(shout().max_price("0.01 USDC").min_trust(0.6))
        .await
        .unwrap();
    let found = offers.found();
    let order: Vec<_> = found
        .candidates
        .iter()
        .map(|candidate| candidate.agent)
        .collect();
    assert_eq!(order, [cheap.agent, dear.agent]);
    let best = offers.best().unwrap();
    assert_eq!(best.agent(), Some(cheap.agent));
    let candidate = &found.candidates[0];
    assert_eq!(candidate.price.as_ref().unwrap().0, units(1_000));
    assert_eq!(
        (
            candidate.score.expectation_ppm,
            candidate.score.uncertainty_ppm
        ),
        (500_000, 1_000_000)
    );
    let reasons = candidate.reasons().join("; ");
    assert!(reasons.contains("costs at most 0.001 USDC"), "{reasons}");
    assert!(reasons.contains("nothing is known"), "{reasons}");
    let out: Vec<_> = found
        .left_out
        .iter()
        .map(|out| (out.agent, out.code))
        .collect();
    assert_eq!(out, [(other.agent, "other_skill")]);

    let offers = buyer.find(shout().max_price("0.0015 USDC")).await.unwrap();
    assert_eq!(offers.sellers().len(), 1);
    assert!(
        offers
            .found()
            .left_out
            .iter()
            .any(|out| (out.agent, out.code) == (dear.agent, "price"))
    );
    let nobody = buyer
        .find(shout().max_price("0.0001 USDC"))
        .await
        .unwrap()
        .best()
        .unwrap_err();
    assert_eq!(nobody.code(), "discover.none_fits");
    assert!(nobody.to_string().contains("2 × price"), "{nobody}");
    let known = shout().min_trust(0.6).max_uncertainty(0.5);
    assert!(
        buyer.find(known).await.unwrap().best().is_err(),
        "newcomers have no name yet"
    );
    assert!(
        buyer
            .find(shout().tag("text"))
            .await
            .unwrap()
            .best()
            .is_ok()
    );
    assert!(
        buyer
            .find(shout().tag("music"))
            .await
            .unwrap()
            .best()
            .is_err()
    );

    let said: serde_json::Value = best.ask("shout", json!({"text": "hi"})).await.unwrap();
    assert_eq!(said, json!({"text": "HI"}));
}

#[tokio::test]
async fn agents_that_lie_or_are_broken_are_left_out() {
    let market = Market::open().await;
    let honest = market.shop(1, "shout", 1_000).await;
    let uri = |bytes: &[u8]| data_uri::encode(bytes);

    let fileless = market.register(2).await;
    let copycat = market.register(2).await;
    let theirs = file(&honest.agent, &honest.fake.url).to_data_uri().unwrap();
    market.set_uri(2, &copycat, theirs).await;
    let garbled = market.register(2).await;
    market.set_uri(2, &garbled, uri(b"not json")).await;
    let sleeping = market.register(2).await;
    let mut asleep = file(&sleeping, &honest.fake.url);
    asleep.active = false;
    market
        .set_uri(2, &sleeping, asleep.to_data_uri().unwrap())
        .await;
    let gone = market.register(2).await;
    market
        .set_uri(
            2,
            &gone,
            file(&gone, "http://127.0.0.1:1").to_data_uri().unwrap(),
        )
        .await;
    let inward = market.register(2).await;
    let inside = file(&inward, "http://169.254.169.254")
        .to_data_uri()
        .unwrap();
    market.set_uri(2, &inward, inside).await;
    let elsewhere = market.register(2).await;
    market
        .set_uri(2, &elsewhere, "ipfs://bafybei".to_owned())
        .await;
    // Leads to an honest card, and would be paid by it.
    let leech = market.register(2).await;
    market
        .set_uri(
            2,
            &leech,
            file(&leech, &honest.fake.url).to_data_uri().unwrap(),
        )
        .await;
    let elsewhere_skilled = market.register(2).await;
    let mut listed = file(&elsewhere_skilled, &honest.fake.url);
    listed.services[0]
        .extra
        .insert("a2aSkills".to_owned(), json!(["whisper"]));
    listed
        .services
        .push(Service::new("web", "https://example.com"));
    market
        .set_uri(2, &elsewhere_skilled, listed.to_data_uri().unwrap())
        .await;

    let buyer = market.buyer(9).await;
    let offers = buyer.find(shout()).await.unwrap();
    let found = offers.found();
    let agents: Vec<_> = found
        .candidates
        .iter()
        .map(|candidate| candidate.agent)
        .collect();
    assert_eq!(agents, [honest.agent]);
    let out: Vec<_> = found
        .left_out
        .iter()
        .map(|out| (out.agent, out.code))
        .collect();
    assert_eq!(
        out,
        [
            (fileless, "no_file"),
            (copycat, "no_file"),
            (garbled, "no_file"),
            (sleeping, "inactive"),
            (gone, "no_card"),
            (inward, "no_card"),
            (elsewhere, "no_file"),
            (leech, "payee"),
            (elsewhere_skilled, "other_skill"),
        ]
    );
}

#[tokio::test]
async fn whoever_is_paid_must_be_the_registered_agent() {
    let market = Market::open().await;
    let shop = market.shop(1, "shout", 1_000).await;
    let thief = market.address(5);
    shop.shelf.lock().unwrap().pay_to = thief;
    let buyer = market.buyer(9).await;
    let refused = buyer.connect(&shop.fake.url).await.unwrap_err();
    assert!(
        matches!(refused, BuyerError::Payee(PayeeRefusal::NotTheirs { pay_to, .. }) if pay_to == thief),
        "{refused}"
    );
    let offers = buyer.find(shout()).await.unwrap();
    assert_eq!(offers.found().left_out[0].code, "payee");

    // Listed in the agent's own file, the account is the agent's to name.
    let mut listed = file(&shop.agent, &shop.fake.url);
    let account = agent_core::trust::AccountId::new(market.settings.network(), thief);
    listed.services.push(Service::agent_wallet(account));
    market
        .set_uri(1, &shop.agent, listed.to_data_uri().unwrap())
        .await;
    assert!(buyer.find(shout()).await.unwrap().best().is_ok());

    let nobody = market.register(2).await;
    shop.shelf.lock().unwrap().identity = Some(agent_core::trust::GlobalAgentId {
        agent_id: 4_711.into(),
        ..nobody
    });
    let refused = buyer.connect(&shop.fake.url).await.unwrap_err();
    assert_eq!(refused.code(), "payee.no_such_agent");
    shop.shelf.lock().unwrap().identity = None;
    assert_eq!(buyer.connect(&shop.fake.url).await.unwrap().agent(), None);
}

#[tokio::test]
async fn what_changes_on_chain_changes_what_is_found() {
    let market = Market::open().await;
    let shop = market.shop(1, "shout", 1_000).await;
    let buyer = market.buyer(9).await;
    assert!(buyer.find(shout()).await.unwrap().best().is_ok());

    // Sold: its card still pays the old owner, whom the registry no longer knows.
    let sale = IIdentityRegistry::transferFromCall {
        from: market.address(1),
        to: market.address(4),
        tokenId: shop.agent.agent_id.0,
    };
    market
        .send(1, market.settings.identity_registry, &sale)
        .await;
    let offers = buyer.find(shout()).await.unwrap();
    assert_eq!(offers.found().left_out[0].code, "payee");

    // Deep below what may still change, and read from the index from now on.
    market.devnet.chain().mine(200).unwrap();
    assert_eq!(buyer.find(shout()).await.unwrap().found().left_out.len(), 1);
    let mut closed = file(&shop.agent, &shop.fake.url);
    closed.active = false;
    market
        .set_uri(4, &shop.agent, closed.to_data_uri().unwrap())
        .await;
    let offers = buyer.find(shout()).await.unwrap();
    assert_eq!(offers.found().left_out[0].code, "inactive");
}

#[tokio::test]
async fn queries_that_make_no_sense_are_errors() {
    let market = Market::open().await;
    let buyer = market.buyer(9).await;
    for query in [
        Query::skill(""),
        shout().min_trust(1.5),
        shout().min_trust(f64::NAN),
        shout().max_uncertainty(-0.1),
        shout().max_price("1 EURC"),
        shout().max_price("a lot"),
    ] {
        let error = buyer.find(query).await.unwrap_err();
        assert!(
            matches!(
                error,
                BuyerError::Discover(DiscoverError::Query(_) | DiscoverError::Price(_))
            ),
            "{error}"
        );
    }
    let empty = buyer.find(shout()).await.unwrap().best().unwrap_err();
    assert!(
        empty.to_string().contains("no agent is registered"),
        "{empty}"
    );
}
