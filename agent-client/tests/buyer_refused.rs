//! Sellers that do not take a payment, or want another one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod buyer_shop;
mod call_fake;
mod wallet_support;

use agent_client::buyer::{Answer, AskError};
use buyer_shop::{
    PRICE, Said, Shop, ask, buy, ceiling, done, honest, metadata, payment_id, receipt, seller,
    task, wants,
};
use call_fake::{Fake, Reply, Seen};
use serde_json::json;
use wallet_support::{SELLER, units};

#[tokio::test]
async fn a_buyer_that_lost_count_is_corrected_once() {
    let shop = Shop::open().await;
    let fake = seller(|seen, n| match n {
        0 => {
            let channel = json!({"authorized": "100000", "claimed": "0", "signed": "1000",
                "charged": "0", "reserved": "1000", "deadline": 1_900_000_000});
            wants(
                seen,
                PRICE,
                Some("invalid_z402_ceiling_too_low"),
                Some(channel),
            )
        }
        _ => honest(seen),
    })
    .await;
    buy(&shop, &fake).await.unwrap();
    let posts = fake.posts();
    assert_eq!(posts.len(), 2);
    assert_eq!(posts[1].json()["params"]["message"]["taskId"], "t-1");
    assert_eq!((ceiling(&posts[0]), ceiling(&posts[1])), (PRICE, 2 * PRICE));
    assert_ne!(payment_id(&posts[0]), payment_id(&posts[1]));
    assert_eq!(shop.sums().await, (PRICE, 0));
}

#[tokio::test]
async fn a_seller_that_corrects_for_ever_gets_two_vouchers() {
    let shop = Shop::open().await;
    let fake = seller(|seen, _| {
        let channel = json!({"authorized": "100000", "claimed": "0", "signed": "1000",
            "charged": "0", "reserved": "1000", "deadline": 1_900_000_000});
        wants(
            seen,
            PRICE,
            Some("invalid_z402_ceiling_too_low"),
            Some(channel),
        )
    })
    .await;
    let error = buy(&shop, &fake).await.unwrap_err();
    let AskError::PaymentRefused { code, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(code.as_received(), "invalid_z402_ceiling_too_low");
    assert_eq!(fake.posts().len(), 2);
    assert_eq!(shop.sums().await, (0, 0));
}

#[tokio::test]
async fn a_count_that_cannot_be_is_not_adopted() {
    let shop = Shop::open().await;
    let fake = seller(|seen, _| {
        let channel = json!({"authorized": "100000", "claimed": "0", "signed": "90000",
            "charged": "80000", "reserved": "0", "deadline": 1_900_000_000});
        wants(
            seen,
            PRICE,
            Some("invalid_z402_ceiling_too_low"),
            Some(channel),
        )
    })
    .await;
    let error = buy(&shop, &fake).await.unwrap_err();
    assert_eq!(error.code(), "correction_never_signed", "{error}");
    assert_eq!(fake.posts().len(), 1);
}

#[tokio::test]
async fn an_interruption_is_paid_for_afresh_once() {
    let interrupted = |seen: &Seen| {
        let metadata = json!({"x402.payment.status": "payment-failed",
            "x402.payment.error": "interrupted", "x402.payment.receipts": [receipt(seen, None)]});
        seen.result(json!({"task": task("t-0", "TASK_STATE_FAILED", metadata)}))
    };
    let shop = Shop::open().await;
    let fake = seller(move |seen, n| {
        if n == 0 {
            interrupted(seen)
        } else {
            honest(seen)
        }
    })
    .await;
    buy(&shop, &fake).await.unwrap();
    let posts = fake.posts();
    assert_eq!(posts.len(), 2);
    assert!(
        posts[1].json()["params"]["message"].get("taskId").is_none(),
        "a new task"
    );
    assert_ne!(payment_id(&posts[0]), payment_id(&posts[1]));
    assert_eq!(shop.sums().await, (PRICE, 0));

    let fake = seller(move |seen, _| interrupted(seen)).await;
    let error = buy(&shop, &fake).await.unwrap_err();
    assert!(matches!(error, AskError::Ended { .. }), "{error}");
    assert_eq!(fake.posts().len(), 2);
}

#[tokio::test]
async fn an_interruption_of_work_that_was_charged_in_part_is_counted_and_not_paid_for_again() {
    let shop = Shop::open().await;
    let fake = seller(|seen, n| {
        if n > 0 {
            return honest(seen);
        }
        let metadata = json!({"x402.payment.status": "payment-completed",
            "x402.payment.error": "interrupted", "x402.payment.receipts": [receipt(seen, Some(PRICE / 2))]});
        seen.result(json!({"task": task("t-0", "TASK_STATE_FAILED", metadata)}))
    })
    .await;
    let error = buy(&shop, &fake).await.unwrap_err();
    let AskError::Ended { charged, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(charged.get(), PRICE / 2);
    assert_eq!(fake.posts().len(), 1);
    assert_eq!(shop.sums().await, (PRICE / 2, 0));
    // The lock is not suspected: it pays for the next call.
    buy(&shop, &fake).await.unwrap();
    assert_eq!(shop.sums().await, (PRICE / 2 + PRICE, 0));
}

#[tokio::test]
async fn a_seller_without_prices_in_its_card_is_paid_in_the_second_message() {
    let shop = Shop::open().await;
    let fake = Fake::agent(|seen| match metadata(seen).get("x402.payment.payload") {
        None => wants(seen, PRICE, None, None),
        Some(_) => honest(seen),
    })
    .await;
    let answer = buy(&shop, &fake).await.unwrap();
    assert_eq!(answer.paid.unwrap().charged, units(PRICE));
    let posts = fake.posts();
    assert_eq!(posts[1].json()["params"]["message"]["taskId"], "t-1");
    assert_eq!(posts[1].json()["params"]["message"]["contextId"], "c-1");
}

#[tokio::test]
async fn more_than_the_card_says_is_paid_only_with_leave() {
    let dearer = || {
        seller(|seen, n| match n {
            0 => wants(seen, 3 * PRICE, Some("invalid_z402_amount_too_low"), None),
            _ => done(seen, json!([receipt(seen, Some(3 * PRICE))])),
        })
    };
    let shop = Shop::open().await;
    let error = buy(&shop, &dearer().await).await.unwrap_err();
    assert!(matches!(error, AskError::Dearer { .. }), "{error}");
    assert_eq!(shop.sums().await, (0, 0));

    let fake = dearer().await;
    let seller = shop.buyer.connect(&fake.url).await.unwrap();
    let allowed = "0.003 USDC".parse().unwrap();
    let answer: Answer<Said> = seller.ask_at_most("shout", &ask(), &allowed).await.unwrap();
    assert_eq!(answer.paid.unwrap().charged, units(3 * PRICE));
    let too_little = "0.0005 USDC".parse().unwrap();
    let error = seller
        .ask_at_most::<_, Said>("shout", &ask(), &too_little)
        .await
        .unwrap_err();
    assert!(matches!(error, AskError::Dearer { .. }), "{error}");
}

#[tokio::test]
async fn other_terms_than_the_cards_are_not_paid() {
    let shop = Shop::open().await;
    let fake = seller(|seen, _| {
        let Reply::Json(status, body) =
            wants(seen, PRICE, Some("invalid_z402_amount_too_low"), None)
        else {
            panic!()
        };
        let (card, other) = (
            format!("{SELLER:#x}"),
            "0x000000000000000000000000000000000000dead",
        );
        assert!(body.contains(&card));
        Reply::Json(status, body.replace(&card, other))
    })
    .await;
    let error = buy(&shop, &fake).await.unwrap_err();
    assert!(matches!(error, AskError::Unpayable(_)), "{error}");
    assert_eq!(fake.posts().len(), 1);
}

#[tokio::test]
async fn refusals_before_payment_free_it_and_the_rest_does_not() {
    for (code, reason, freed) in [
        (-32602, "INVALID_PARAMS", true),
        (-32601, "METHOD_NOT_FOUND", true),
        (-32603, "INTERNAL_ERROR", false),
        (-32004, "UNSUPPORTED_OPERATION", false),
    ] {
        let shop = Shop::open().await;
        let fake = seller(move |seen, _| {
            seen.error(json!({"code": code, "message": "no", "data": [
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason,
                 "domain": "a2a-protocol.org"}]}))
        })
        .await;
        let error = buy(&shop, &fake).await.unwrap_err();
        assert_eq!(matches!(error, AskError::Call(_)), freed, "{error}");
        assert_eq!(matches!(error, AskError::Lost { .. }), !freed, "{error}");
        assert_eq!(
            shop.sums().await,
            (0, if freed { 0 } else { PRICE }),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn a_question_is_answered_under_the_same_payment() {
    let shop = Shop::open().await;
    let paid_with = std::sync::Mutex::new(None);
    let fake = seller(move |seen, n| match n {
        0 => {
            *paid_with.lock().unwrap() = Some(seen.clone());
            seen.result(json!({"task": task("t-1", "TASK_STATE_INPUT_REQUIRED", json!({}))}))
        }
        _ => {
            let first = paid_with.lock().unwrap().clone().unwrap();
            done(seen, json!([receipt(&first, Some(PRICE))]))
        }
    })
    .await;
    let seller = shop.buyer.connect(&fake.url).await.unwrap();
    let error = seller
        .ask_in_full::<_, Said>("shout", &ask())
        .await
        .unwrap_err();
    let AskError::Question(question) = error else {
        panic!("{error}")
    };
    assert_eq!(question.text().as_received(), "words");
    let answer: Answer<Said> = seller
        .reply(*question, &json!({"language": "en"}))
        .await
        .unwrap();
    assert_eq!(answer.paid.unwrap().charged, units(PRICE));
    assert_eq!(shop.sums().await, (PRICE, 0));
}
