//! Buying from sellers, honest and not: what is sent, what is paid, and what the wallet knows
//! afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod buyer_shop;
mod call_fake;
mod wallet_support;

use agent_client::buyer::AskError;
use agent_core::a2a::TaskState;
use buyer_shop::{
    PRICE, Said, Shop, ask, buy, ceiling, done, honest, metadata, payment_id, receipt, seller, task,
};
use call_fake::{Fake, Reply, Seen, card};
use serde::Deserialize;
use serde_json::{Value, json};
use wallet_support::{SELLER, units};

#[tokio::test]
async fn the_first_message_pays_and_the_receipt_is_booked() {
    let (shop, fake) = (Shop::open().await, seller(|seen, _| honest(seen)).await);
    let answer = buy(&shop, &fake).await.unwrap();
    assert_eq!(answer.output.text, "HI");
    let paid = answer.paid.unwrap();
    assert_eq!(
        (paid.charged, paid.max, paid.payee),
        (units(PRICE), units(PRICE), SELLER)
    );
    assert_eq!((paid.task_id.as_str(), paid.agent), ("t-1", None));

    let posts = fake.posts();
    assert_eq!(posts.len(), 1, "no round trip to ask for the price");
    let sent = metadata(&posts[0]);
    assert_eq!(sent["urn:z402:a2a:v1/skill"], "shout");
    assert_eq!(sent["x402.payment.status"], "payment-submitted");
    assert_eq!(ceiling(&posts[0]), PRICE);
    let message = &posts[0].json()["params"]["message"];
    assert_eq!(message["parts"], json!([{"data": {"text": "hi"}}]));
    assert_eq!(message["extensions"], json!(["urn:z402:a2a:v1"]));
    assert_eq!(shop.sums().await, (PRICE, 0));
    assert_eq!(shop.escrow.openings(), 1);
}

#[tokio::test]
async fn many_at_once_share_one_lock_and_all_are_booked() {
    let (shop, fake) = (Shop::open().await, seller(|seen, _| honest(seen)).await);
    let seller = shop.buyer.connect(&fake.url).await.unwrap();
    let calls = (0..40).map(|_| {
        let seller = seller.clone();
        tokio::spawn(async move { seller.ask::<_, Said>("shout", ask()).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap().unwrap().text, "HI");
    }
    assert_eq!(shop.sums().await, (40 * PRICE, 0));
    let ids: std::collections::BTreeSet<String> = fake
        .posts()
        .iter()
        .map(|post| payment_id(post).to_string())
        .collect();
    assert_eq!(ids.len(), 40);
}

#[tokio::test]
async fn a_free_skill_is_not_paid_for() {
    let fake = Fake::agent(|seen| done(seen, json!([]))).await;
    let shop = Shop::open().await;
    let answer = buy(&shop, &fake).await.unwrap();
    assert!(answer.paid.is_none());
    assert!(
        metadata(&fake.posts()[0])
            .get("x402.payment.payload")
            .is_none()
    );
    assert_eq!(shop.escrow.openings(), 0);
}

#[tokio::test]
async fn a_message_is_an_answer_too() {
    let fake = Fake::agent(|seen| {
        seen.result(json!({"message": {"messageId": "m", "role": "ROLE_AGENT",
            "parts": [{"data": {"text": "HI"}}]}}))
    })
    .await;
    assert_eq!(
        buy(&Shop::open().await, &fake).await.unwrap().output.text,
        "HI"
    );
}

#[tokio::test]
async fn receipts_that_lie_are_refused_and_end_the_business() {
    type Lie = fn(&Seen) -> Value;
    let lies: [(Lie, &str); 5] = [
        (|seen| receipt(seen, Some(PRICE + 1)), "receipt_overcharged"),
        (
            |seen| {
                let mut lie = receipt(seen, Some(PRICE));
                lie["extra"]["paymentId"] = json!("another-payment-0");
                lie
            },
            "receipt_payment_id",
        ),
        (
            |seen| {
                let mut lie = receipt(seen, Some(PRICE));
                lie["network"] = json!("eip155:1");
                lie
            },
            "receipt_network",
        ),
        (
            |seen| {
                let mut lie = receipt(seen, Some(PRICE));
                lie["success"] = json!(false);
                lie
            },
            "receipt_charged_for_failure",
        ),
        (
            |seen| {
                let mut lie = receipt(seen, Some(PRICE));
                lie["extra"]["channelId"] = json!(format!("0x{}", "11".repeat(32)));
                lie
            },
            "receipt_channel",
        ),
    ];
    for (lie, code) in lies {
        let shop = Shop::open().await;
        let fake = seller(move |seen, _| done(seen, json!([lie(seen)]))).await;
        let error = buy(&shop, &fake).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        let AskError::Receipt { task, .. } = error else {
            panic!()
        };
        assert_eq!(task.id, "t-1", "what was answered is not lost");
        assert_eq!(shop.sums().await, (0, PRICE), "it stays counted");
        assert_eq!(
            buy(&shop, &fake).await.unwrap_err().code(),
            "wallet_suspect"
        );
    }
}

#[tokio::test]
async fn a_missing_receipt_leaves_the_payment_counted() {
    for receipts in [json!([]), json!("none"), json!([{"success": "yes"}])] {
        let shop = Shop::open().await;
        let fake = seller(move |seen, _| done(seen, receipts.clone())).await;
        let error = buy(&shop, &fake).await.unwrap_err();
        assert!(matches!(error, AskError::NoReceipt { .. }), "{error}");
        assert_eq!(shop.sums().await, (0, PRICE));
    }
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_the_same_payment() {
    let shop = Shop::open().await;
    let fake = seller(|seen, n| if n < 2 { Reply::Close } else { honest(seen) }).await;
    assert_eq!(buy(&shop, &fake).await.unwrap().output.text, "HI");
    let posts = fake.posts();
    assert_eq!(posts.len(), 3);
    assert!(posts.iter().all(|post| post.body == posts[0].body));
    assert_eq!(shop.sums().await, (PRICE, 0));
}

#[tokio::test]
async fn an_answer_that_never_comes_leaves_the_payment_counted() {
    let shop = Shop::open().await;
    let fake = seller(|_, _| Reply::Close).await;
    let error = buy(&shop, &fake).await.unwrap_err();
    assert!(matches!(error, AskError::Lost { .. }), "{error}");
    assert_eq!(shop.sums().await, (0, PRICE));
}

#[tokio::test]
async fn work_that_ends_otherwise_costs_nothing() {
    for (state, seen_as) in [
        ("TASK_STATE_FAILED", TaskState::Failed),
        ("TASK_STATE_REJECTED", TaskState::Rejected),
        ("TASK_STATE_CANCELED", TaskState::Canceled),
    ] {
        let shop = Shop::open().await;
        let fake = seller(move |seen, _| {
            let metadata = json!({"x402.payment.status": "payment-failed",
                "x402.payment.error": "skill_failed",
                "x402.payment.receipts": [receipt(seen, None)]});
            seen.result(json!({"task": task("t-1", state, metadata)}))
        })
        .await;
        let error = buy(&shop, &fake).await.unwrap_err();
        let AskError::Ended {
            state,
            charged,
            reason,
            ..
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!((state, charged), (seen_as, units(0)));
        assert_eq!(reason.unwrap().as_received(), "skill_failed");
        assert_eq!(shop.sums().await, (0, 0));
    }
}

#[tokio::test]
async fn an_answer_of_another_shape_is_told_apart_and_was_paid() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "its shape is what counts")]
    struct Other {
        number: u64,
    }
    let (shop, fake) = (Shop::open().await, seller(|seen, _| honest(seen)).await);
    let seller = shop.buyer.connect(&fake.url).await.unwrap();
    let error = seller.ask::<_, Other>("shout", ask()).await.unwrap_err();
    assert!(matches!(error, AskError::Output { .. }), "{error}");
    assert_eq!(shop.sums().await, (PRICE, 0));
}

#[tokio::test]
async fn the_policy_and_the_card_are_asked_before_anything_is_sent() {
    let fake = Fake::start(|base, seen| match seen.method.as_str() {
        "GET" => Reply::Json(200, buyer_shop::priced(base, 10_001).to_string()),
        _ => Reply::Close,
    })
    .await;
    let shop = Shop::open().await;
    assert_eq!(
        buy(&shop, &fake).await.unwrap_err().code(),
        "policy_per_payment"
    );
    let seller = shop.buyer.connect(&fake.url).await.unwrap();
    let error = seller.ask::<_, Said>("whisper", ask()).await.unwrap_err();
    assert!(matches!(error, AskError::UnknownSkill(_)), "{error}");
    assert!(fake.posts().is_empty());
    assert_eq!(card(&fake.url)["skills"][0]["id"], "shout");
}
