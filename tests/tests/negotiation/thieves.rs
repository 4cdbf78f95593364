//! Offers that were changed, made up, or brought to the wrong place. Each attack shows that nothing
//! was run and nothing taken.

use super::market::{FLOOR, LISTED, Market, VALID_SECS};
use agent_server::limits::OFFER_GRACE_SECS;
use agent_tests::e2e::{Purse, message, with_payment};
use serde_json::{Value, json};

const BID: &str = "urn:z402:a2a:v1/bid";
const QUOTE: &str = "urn:z402:a2a:v1/quote";
const OFFER: &str = "urn:z402:a2a:v1/offer";

/// The offers for a bid as low as they come.
async fn offers(market: &Market, skill: &str, text: &str) -> Vec<Value> {
    let mut asks = message(skill, text);
    asks["metadata"][QUOTE] = true.into();
    let chain = &market.shop.settings;
    asks["metadata"][BID] = json!({
        "amount": "1",
        "network": chain.network().to_string(),
        "asset": chain.token.address.to_string(),
    });
    let answer = market.peer().send(asks).await;
    let said = &answer.0["result"]["message"]["metadata"]["x402.payment.required"];
    let offers = said["extensions"]["offer-receipt"]["info"]["offers"].as_array();
    offers.unwrap_or_else(|| panic!("{answer:?}")).clone()
}

fn paying(purse: &Purse, skill: &str, text: &str, offer: &Value, amount: u128) -> Value {
    let mut pays = with_payment(message(skill, text), &purse.payment(amount, amount));
    pays["metadata"][OFFER] = offer.clone();
    pays
}

#[tokio::test]
async fn a_changed_or_foreign_offer_buys_nothing() {
    let market = Market::open().await;
    let purse = market.shop.purse(100_000);
    let honest = offers(&market, "haggle", "hi").await[0].clone();
    assert_eq!(honest["payload"]["amount"], FLOOR.to_string());
    let changed = |path: &str, value: Value| {
        let mut offer = honest.clone();
        *offer.pointer_mut(path).unwrap() = value;
        offer
    };
    let forged = [
        ("offer_not_ours", changed("/payload/amount", "1".into())),
        ("offer_not_ours", changed("/payload/validUntil", 0.into())),
        ("offer_not_ours", changed("/payload/payTo", json!("0x"))),
        ("offer_not_ours", changed("/payload/version", 2.into())),
        ("offer_not_ours", changed("/format", "jws".into())),
        ("offer_not_ours", changed("/signature", json!("0x00"))),
    ];
    for (code, offer) in forged {
        let answer = market
            .peer()
            .send(paying(&purse, "haggle", "hi", &offer, 1))
            .await;
        assert_eq!(answer.code(), code, "{offer}");
    }
    for (skill, text) in [("haggle", "other work"), ("fixed", "hi")] {
        let pays = paying(&purse, skill, text, &honest, FLOOR);
        let answer = market.peer().send(pays).await;
        assert_eq!(answer.code(), "offer_differs", "{skill} {text}");
    }
    let mut unreadable = message("haggle", "hi");
    unreadable["metadata"][OFFER] = json!([1]);
    let answer = market.peer().send(unreadable).await;
    assert_eq!(answer.fields(), [format!("message.metadata.{OFFER}")]);
    let books = market.books().await;
    assert_eq!((books.posted, books.voided, books.pending), (0, 0, 0));
}

#[tokio::test]
async fn an_offer_pays_its_price_and_not_less() {
    let market = Market::open().await;
    let purse = market.shop.purse(100_000);
    let offer = offers(&market, "haggle", "hi").await[0].clone();
    let less = paying(&purse, "haggle", "hi", &offer, FLOOR - 1);
    let answer = market.peer().send(less).await;
    assert_eq!(answer.payment_error(), "invalid_z402_amount_too_low");
    let asked = &answer.required()["accepts"][0]["amount"];
    assert_eq!(*asked, FLOOR.to_string(), "the price that was agreed");
    let fair = paying(&purse, "haggle", "hi", &offer, FLOOR);
    let answer = market.peer().send(fair).await;
    assert_eq!(answer.said(), "hi: standard");
    assert_eq!(answer.charged(), FLOOR);
    assert_eq!(market.books().await.charged.get(), FLOOR);
}

#[tokio::test]
async fn a_payment_is_for_the_quote_that_it_was_made_under() {
    let market = Market::open().await;
    let purse = market.shop.purse(100_000);
    let offers = offers(&market, "haggle", "hi").await;
    let pays = paying(&purse, "haggle", "hi", &offers[1], 3_000);
    assert_eq!(market.peer().send(pays.clone()).await.said(), "hi: fast");
    // The same bytes have the same answer; under another offer they are another request.
    assert_eq!(market.peer().send(pays.clone()).await.said(), "hi: fast");
    let mut other = pays;
    other["metadata"][OFFER] = offers[0].clone();
    let answer = market.peer().send(other).await;
    assert_eq!(answer.payment_error(), "invalid_z402_payment_id_conflict");
    assert_eq!(market.books().await.charged.get(), 3_000);
}

#[tokio::test]
async fn an_offer_without_its_payment_is_kept_with_the_task() {
    let market = Market::open().await;
    let purse = market.shop.purse(100_000);
    let offer = offers(&market, "haggle", "hi").await[0].clone();
    let mut unpaid = message("haggle", "hi");
    unpaid["metadata"][OFFER] = offer;
    let task = market.peer().send(unpaid).await;
    let asked = &task.required()["accepts"][0]["amount"];
    assert_eq!(*asked, FLOOR.to_string());
    let mut pays = with_payment(message("haggle", "hi"), &purse.payment(FLOOR, FLOOR));
    pays["taskId"] = task.id().into();
    let answer = market.peer().send(pays).await;
    assert_eq!(answer.said(), "hi: standard");
    assert_eq!(answer.charged(), FLOOR);
}

#[tokio::test]
async fn an_offer_that_is_over_is_refused_after_the_time_that_a_lost_answer_takes() {
    let market = Market::open().await;
    let purse = market.shop.purse(100_000);
    let offer = offers(&market, "haggle", "hi").await[0].clone();
    market.clock.by_secs(VALID_SECS + OFFER_GRACE_SECS / 2);
    let pays = paying(&purse, "haggle", "hi", &offer, FLOOR);
    let answer = market.peer().send(pays.clone()).await;
    assert_eq!(
        answer.charged(),
        FLOOR,
        "a buyer that paid in time is not cheated"
    );
    market.clock.by_secs(OFFER_GRACE_SECS);
    let answer = market.peer().send(pays).await;
    assert_eq!(answer.code(), "offer_over");
    assert_eq!(market.books().await.charged.get(), FLOOR);
}

#[tokio::test]
async fn a_bid_alone_is_a_price_and_binds_nobody() {
    let market = Market::open().await;
    let mut asks = message("haggle", "hi");
    asks["metadata"][BID] = json!({
        "amount": "500",
        "network": market.shop.settings.network().to_string(),
        "asset": market.shop.settings.token.address.to_string(),
    });
    let answer = market.peer().send(asks.clone()).await;
    assert_eq!(answer.required()["accepts"][0]["amount"], "500");
    asks["metadata"][BID] = json!({ "amount": "-1" });
    let answer = market.peer().send(asks).await;
    assert_eq!(answer.fields(), [format!("message.metadata.{BID}")]);
    let plain = market.peer().send(message("haggle", "hi")).await;
    let asked = &plain.required()["accepts"][0]["amount"];
    assert_eq!(*asked, LISTED.to_string());
}

#[tokio::test]
async fn a_stream_that_asks_for_a_quote_gets_it_and_ends() {
    let market = Market::open().await;
    let mut asks = message("haggle", "hi");
    asks["metadata"][QUOTE] = true.into();
    let events = market.peer().stream(asks).await;
    assert_eq!(events.len(), 1);
    let metadata = &events[0]["result"]["message"]["metadata"];
    let accepts = metadata["x402.payment.required"]["accepts"].as_array();
    assert_eq!(accepts.unwrap().len(), 2);
    assert_eq!(metadata[QUOTE]["notes"]["fast"], "at once");
}
