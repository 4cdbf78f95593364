//! A node that is down while there is something to settle.

use agent_tests::e2e::{Cable, PRICE, Shift, Shop, WAIT, until};
use std::sync::Arc;

#[tokio::test]
async fn payments_go_on_without_the_node_until_it_is_away_too_long_and_are_claimed_once() {
    let mut shop = Shop::closed().await;
    let cable = Cable::to(shop.devnet.address()).await;
    let clock = Arc::new(Shift::default());
    shop.set_clock(clock.clone());
    shop.config.payment.as_mut().unwrap().chain.rpc_url = cable.url();
    shop.start().await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    let pay = |call: u128| {
        let payment = purse.payment(PRICE, call * PRICE);
        async move { peer.pay("echo", "x", &payment).await }
    };
    assert_eq!(pay(1).await.state(), "COMPLETED");

    cable.cut();
    for call in 2..=4 {
        assert_eq!(pay(call).await.state(), "COMPLETED");
    }
    let early = shop
        .agent()
        .settle_now(std::time::Duration::from_secs(1))
        .await;
    assert!(early.is_err() || early.is_ok_and(|report| report.transactions == 0));
    shop.assert_books(4 * PRICE, 4, 0, 0).await;
    assert_eq!((shop.earned(), shop.books().await.claimed.get()), (0, 0));
    // Five minutes without news are too many.
    clock.by_secs(301);
    let refused = pay(5).await;
    assert_eq!(
        refused.payment_error(),
        "invalid_z402_chain_state_stale",
        "{refused:?}"
    );
    shop.assert_books(4 * PRICE, 4, 0, 0).await;

    cable.mend();
    // The very payment that was refused is as good as before.
    until("payments are taken again", || async {
        pay(5).await.state() == "COMPLETED"
    })
    .await;
    until("all is claimed", || async {
        // The settler may be resting after its failures; asking again wakes it.
        let _ = shop.agent().settle_now(WAIT).await;
        shop.books().await.claimed.get() == 5 * PRICE
    })
    .await;
    assert_eq!(shop.earned(), 5 * PRICE);
    shop.assert_books(5 * PRICE, 5, 0, 0).await;
    // Nothing is left to claim, also after a restart.
    shop.stop().await;
    shop.start().await;
    let report = shop.agent().settle_now(WAIT).await.unwrap();
    assert_eq!((report.transactions, shop.earned()), (0, 5 * PRICE));
}
