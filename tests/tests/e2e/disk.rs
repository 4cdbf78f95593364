//! A ledger's disk that is full.

use agent_tests::e2e::{PRICE, Shop, message};

#[tokio::test]
async fn a_full_disk_takes_no_payment_and_loses_none() {
    let mut shop = Shop::open_with(|config| config.limits.ledger_bytes = 300 * 1_024).await;
    let (peer, purse) = (shop.peer(), shop.purse(100_000 * PRICE));
    let text = "x".repeat(20_000);
    let mut kept = Vec::new();
    let full = loop {
        let call = u128::try_from(kept.len()).unwrap() + 1;
        assert!(call < 100, "the disk does not fill");
        let payment = purse.payment(PRICE, call * PRICE);
        let answer = peer.pay("echo", &text, &payment).await;
        if answer.number() != 0 {
            break answer;
        }
        assert_eq!(answer.state(), "COMPLETED", "{answer:?}");
        kept.push((payment, answer));
    };
    assert!(!kept.is_empty());
    assert_eq!(full.reason(), "UNAVAILABLE", "{full:?}");
    let codes = [
        "payment_temporarily_unavailable",
        "store_unavailable",
        "outcome_unknown",
    ];
    assert!(codes.contains(&full.code()), "{full:?}");
    assert!(
        !full.0.to_string().to_lowercase().contains("sqlite"),
        "{full:?}"
    );
    // Whatever is asked now gets one of the same two answers; what was sold can still be read.
    let more = purse.payment(PRICE, 50_000 * PRICE);
    let again = peer.pay("echo", &text, &more).await;
    assert!(codes.contains(&again.code()), "{again:?}");
    for (payment, answer) in &kept {
        assert_eq!(peer.task(answer.id()).await.task(), answer.task());
        assert_eq!(peer.pay("echo", &text, payment).await.task(), answer.task());
    }
    assert_eq!(
        peer.send(message("echo", "y")).await.state(),
        "INPUT_REQUIRED"
    );
    let books = shop.books().await;
    let count = u64::try_from(kept.len()).unwrap();
    assert_eq!(
        (books.posted, books.charged.get()),
        (count, u128::from(count) * PRICE)
    );

    shop.stop().await;
    shop.config.limits.ledger_bytes = 0;
    shop.start().await;
    let peer = shop.peer();
    let charged = shop.books().await.charged.get();
    assert_eq!(
        (charged, shop.books().await.pending),
        (u128::from(count) * PRICE, 0)
    );
    for (payment, answer) in &kept {
        assert_eq!(peer.pay("echo", &text, payment).await.task(), answer.task());
    }
    let paid = peer
        .pay("echo", &text, &purse.payment(PRICE, 60_000 * PRICE))
        .await;
    assert_eq!(paid.state(), "COMPLETED", "{paid:?}");
    let report = shop
        .agent()
        .settle_now(agent_tests::e2e::WAIT)
        .await
        .unwrap();
    assert!(report.claimed_base_units.get() <= charged + PRICE);
    assert_eq!(shop.earned(), charged + PRICE);
    let books = shop.books().await;
    assert_eq!((books.claimed, books.posted), (books.charged, count + 1));
}
