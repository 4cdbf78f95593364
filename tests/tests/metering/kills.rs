//! A seller that is killed in the middle.

use super::{assert_fair, delivered, pieces};
use agent_core::money::BaseUnits;
use agent_tests::e2e::{Child, PRICE, Peer, Shop, run_as_child, until, with_payment};
use std::net::TcpListener;
use std::time::Duration;

/// The seller's process is this test; without its variable it does nothing.
#[test]
fn victim() {
    run_as_child();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slices_of_a_killed_seller_stay_charged_and_nothing_was_delivered_beyond_them() {
    // The chain only; its seller is the child.
    let shop = Shop::closed().await;
    let files = tempfile::tempdir().unwrap();
    let address = {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap()
    };
    let chain = shop.devnet.url();
    for round in 0_u64..4 {
        let child = Child::start("kills::victim", &chain, address, files.path()).await;
        let (peer, purse) = (Peer::new(address), shop.purse(100 * PRICE));
        let first = with_payment(pieces(90), &purse.payment(PRICE, PRICE));
        let id = peer.send_on(first).await.id().to_owned();
        until("something is delivered", || async {
            delivered(peer.task(&id).await.task()) > 0
        })
        .await;
        // Not a wait for anything: the moment of the kill is what varies.
        tokio::time::sleep(Duration::from_millis(5 * round)).await;
        child.kill();
        let child = Child::start("kills::victim", &chain, address, files.path()).await;
        let task = peer.task(&id).await;
        assert_fair(delivered(task.task()), BaseUnits::new(task.charged()));
        if task.state() != "COMPLETED" {
            assert_eq!(task.payment_error(), "interrupted", "{task:?}");
        }
        child.kill();
    }
}
