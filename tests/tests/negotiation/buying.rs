//! What an honest buyer gets for its money.

use super::market::{FAST, FLOOR, LISTED, Market, work};
use agent_client::buyer::AskError;
use agent_core::x402::receipt::Receipt;
use agent_devnet::DEV_ACCOUNTS;
use agent_tests::e2e::{BUYER, SELLER, Said};
use std::collections::BTreeSet;

#[tokio::test]
async fn a_quote_is_bought_at_its_price_and_the_skill_knows_which() {
    let market = Market::open().await;
    let seller = market.customer().await;
    let quotes = seller.quote("haggle", &work("hi")).await.unwrap();
    let told: Vec<_> = quotes.all().iter().collect();
    assert_eq!(told.len(), 2);
    assert_eq!(told[0].amount.value.get(), LISTED);
    assert_eq!(told[1].amount.value.get(), FAST);
    assert_eq!(told[1].note.as_ref().unwrap().as_received(), "at once");
    assert_eq!(quotes.cheapest(), Some(0));
    assert_eq!(market.books().await.posted, 0, "a quote costs nothing");

    // Three times the card's price, which a plain question would refuse to pay.
    let answer = quotes.accept::<Said>(1).await.unwrap();
    assert_eq!(answer.output.text, "hi: fast");
    let paid = answer.paid.unwrap();
    assert_eq!((paid.charged.get(), paid.max.get()), (FAST, FAST));
    assert_eq!(market.books().await.charged.get(), FAST);

    let signed = paid.receipt.expect("a signed receipt");
    let receipt: &Receipt = signed.check(DEV_ACCOUNTS[SELLER].address).unwrap();
    assert_eq!(receipt.payer, DEV_ACCOUNTS[BUYER].address.to_string());
    assert!(receipt.resource_url.contains(paid.payment_id.as_str()));
    assert!(receipt.resource_url.ends_with("&charged=3000"));
}

#[tokio::test]
async fn a_bid_lowers_the_price_as_far_as_the_seller_goes() {
    let market = Market::open().await;
    let seller = market.customer().await;
    for (bid, expected) in [
        ("0.0006 USDC", 600),
        ("0.0000 USDC", FLOOR),
        ("5 USDC", LISTED),
    ] {
        let quotes = seller.quote("haggle", &work("hi")).bid(bid).await.unwrap();
        assert_eq!(quotes.all()[0].amount.value.get(), expected, "{bid}");
    }
    let quotes = seller.quote("haggle", &work("hi")).bid("0.0006 USDC").await;
    let answer = quotes.unwrap().accept::<Said>(0).await.unwrap();
    assert_eq!(answer.output.text, "hi: standard");
    assert_eq!(answer.paid.unwrap().charged.get(), 600);
    // Who does not bid pays what the card says, and gets no signature it did not ask for.
    let plain = seller.ask_in_full::<_, Said>("haggle", &work("hi")).await;
    let plain = plain.unwrap();
    assert_eq!(plain.output.text, "hi: none");
    let paid = plain.paid.unwrap();
    assert_eq!(paid.charged.get(), LISTED);
    assert_eq!(paid.receipt, None);
    assert_eq!(market.books().await.charged.get(), 600 + LISTED);
}

#[tokio::test]
async fn a_seller_that_was_restarted_is_bound_by_what_it_signed() {
    let mut market = Market::open().await;
    let seller = market.customer().await;
    let bid = seller.quote("haggle", &work("hi")).bid("0.0005 USDC").await;
    let quotes = bid.unwrap();
    market.restart().await;
    let answer = quotes.accept::<Said>(0).await.unwrap();
    assert_eq!(answer.paid.unwrap().charged.get(), 500);
    // As often as it comes, until it ends.
    quotes.accept::<Said>(0).await.unwrap();
    assert_eq!(market.books().await.charged.get(), 1_000);
}

#[tokio::test]
async fn every_quote_is_evidence_and_none_is_for_other_work() {
    let market = Market::open().await;
    let seller = market.customer().await;
    let one = seller.quote("haggle", &work("one")).await.unwrap();
    let other = seller.quote("haggle", &work("other")).await.unwrap();
    let pay_to = DEV_ACCOUNTS[SELLER].address;
    let mut resources = BTreeSet::new();
    for quoted in one.all().iter().chain(other.all()) {
        let offer = quoted.offer.check(pay_to).unwrap();
        assert_eq!(offer.amount, quoted.amount.value.to_string());
        assert_eq!(offer.valid_until, quoted.valid_until_unix_secs);
        resources.insert(offer.resource_url.clone());
    }
    assert_eq!(resources.len(), 4);
}

#[tokio::test]
async fn what_was_not_quoted_cannot_be_bought() {
    let market = Market::open().await;
    let seller = market.customer().await;
    let quotes = seller.quote("haggle", &work("hi")).await.unwrap();
    assert!(matches!(
        quotes.accept::<Said>(2).await,
        Err(AskError::Unpayable(_))
    ));
    let unknown = seller.quote("nothing", &work("hi")).await;
    assert!(matches!(unknown, Err(AskError::UnknownSkill(_))));
    let odd = seller.quote("haggle", &work("hi")).bid("much").await;
    assert!(matches!(odd, Err(AskError::Wallet(_))));
    assert_eq!(market.books().await.posted, 0);
}
