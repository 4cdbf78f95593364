//! Who is told that a payment was made: servers that count no payments rely on one answer.

use crate::batch::Shop;
use crate::http::{post, remote, serve};
use crate::world::{SELLER, World, clock, open};
use agent_client::chain::outbox::TxOutbox;
use agent_core::x402::facilitator::{Facilitator, RequestV2};
use agent_devnet::DevnetConfig;
use agent_server::facilitator::{FacilitatorOptions, LocalFacilitator, RemoteOptions, Repeats};
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;

/// A server that works when a payment verifies and hands out when it settles. Whether it does.
async fn naive(url: &str, request: &RequestV2) -> bool {
    let body = serde_json::to_vec(request).unwrap();
    let (_, verified) = post(&format!("{url}/verify"), body.clone()).await;
    if verified["isValid"] != true {
        return false;
    }
    let (_, settled) = post(&format!("{url}/settle"), body).await;
    settled["success"] == true
}

async fn served(url: &str, request: &RequestV2, times: usize) -> usize {
    let all = join_all((0..times).map(|_| naive(url, request))).await;
    all.into_iter().filter(|served| *served).count()
}

#[tokio::test]
async fn a_server_that_counts_nothing_serves_once_for_each_payment() {
    let world = World::new().await;
    let local = Arc::new(world.facilitator().await);
    let url = serve(local.clone(), FacilitatorOptions::default()).await;
    let before = world.tokens(SELLER).await;
    assert_eq!(served(&url, &world.exact(5, 1), 8).await, 1);
    assert_eq!(served(&url, &world.exact(5, 1), 2).await, 0);
    assert_eq!(world.tokens(SELLER).await, before + 5);
    // One that settles without a look is told once too, of deposits as of transfers.
    let shop = Shop::new(&world);
    for request in [world.exact(5, 2), shop.deposit(1_000, 1, 100)] {
        let body = serde_json::to_vec(&request).unwrap();
        let path = format!("{url}/settle");
        let all = join_all((0..4).map(|_| post(&path, body.clone()))).await;
        let told = all.iter().filter(|(_, said)| said["success"] == true);
        assert_eq!(told.count(), 1, "{all:?}");
        // Later the transaction is named, for people to look it up.
        let (_, said) = post(&path, body).await;
        assert_eq!(said["success"], false);
        assert!(said["transaction"].as_str().unwrap().starts_with("0x"));
    }
    // Payments of our own gate are not told of to others.
    let request = world.exact(5, 3);
    assert!(local.settle(request.clone()).await.unwrap().success);
    let body = serde_json::to_vec(&request).unwrap();
    let (_, said) = post(&format!("{url}/settle"), body).await;
    let code = "invalid_exact_evm_nonce_already_used";
    assert_eq!(said["errorReason"], code);
    assert!(local.settle(request).await.unwrap().success);
}

#[tokio::test]
async fn where_every_server_counts_every_one_is_told() {
    let world = World::new().await;
    let options = FacilitatorOptions {
        repeats: Repeats::Answer,
        ..FacilitatorOptions::default()
    };
    let url = serve(Arc::new(world.facilitator().await), options).await;
    let body = serde_json::to_vec(&world.exact(5, 1)).unwrap();
    let path = format!("{url}/settle");
    for (_, said) in join_all((0..3).map(|_| post(&path, body.clone()))).await {
        assert_eq!(said["success"], true, "{said}");
    }
    assert_eq!(world.transactions().await, 1);
}

#[tokio::test]
async fn the_same_request_is_answered_again_also_after_a_restart() {
    let world = World::new().await;
    let offer = world.offer().await;
    let request = world.exact(5, 1);
    let url = serve(
        Arc::new(open(offer.clone()).await),
        FacilitatorOptions::default(),
    )
    .await;
    // Our client gives the same payment the same name.
    let client = remote(&url, RemoteOptions::default());
    let all = join_all((0..4).map(|_| client.settle(request.clone()))).await;
    let first = all[0].as_ref().unwrap();
    assert!(first.success, "{first:?}");
    assert!(all.iter().all(|one| one.as_ref().unwrap() == first));
    // A name of somebody else's is another request.
    let other = client.settle_once(request.clone(), None).await.unwrap();
    assert!(!other.success);

    offer.outbox.close().await;
    drop(offer);
    let url = serve(
        Arc::new(world.facilitator().await),
        FacilitatorOptions::default(),
    )
    .await;
    let client = remote(&url, RemoteOptions::default());
    assert_eq!(&client.settle(request.clone()).await.unwrap(), first);
    let other = client.settle_once(request, None).await.unwrap();
    assert!(!other.success);
    assert_eq!(world.transactions().await, 1);
}

#[tokio::test]
async fn an_answer_that_nobody_had_is_given_to_the_next_that_asks() {
    let world = World::with(DevnetConfig::default().with_automine(false)).await;
    let offer = world.offer().await;
    let short = Duration::from_millis(300);
    let opened = |offer| LocalFacilitator::open_with(vec![offer], clock(), short);
    let facilitator = opened(offer.clone()).await.unwrap();
    let (left, pending) = (world.exact(5, 1), world.exact(6, 2));
    // One is told to come again, another hangs up before that.
    let said = facilitator.settle_once(pending.clone(), None).await;
    let said = said.unwrap();
    assert_eq!(said.error_reason.as_deref(), Some("settlement_pending"));
    {
        let begun = facilitator.settle_once(left.clone(), None);
        let waits = until_stored(&offer.outbox, 2);
        tokio::select! {
            said = begun => panic!("{said:?}"),
            () = waits => {}
        }
    }
    // Also after a restart, which does not know who was told what.
    offer.outbox.close().await;
    drop((offer, facilitator));
    let facilitator = opened(world.offer().await).await.unwrap();
    let mining = async {
        loop {
            world.devnet.chain().mine(1).unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let asked = async {
        for request in [left, pending] {
            let told = told_in_the_end(&facilitator, &request).await;
            assert_eq!(told, 1);
        }
    };
    tokio::select! {
        () = mining => {}
        () = asked => {}
    }
    assert_eq!(world.transactions().await, 2);
}

/// How many of four that ask until it is over are told of success.
async fn told_in_the_end(facilitator: &LocalFacilitator, request: &RequestV2) -> usize {
    let one = async || {
        for _ in 0..100 {
            let said = facilitator.settle_once(request.clone(), None).await;
            let said = said.unwrap();
            if said.error_reason.as_deref() != Some("settlement_pending") {
                return said.success;
            }
        }
        panic!("it never ended");
    };
    let all = join_all((0..4).map(|_| one())).await;
    all.into_iter().filter(|told| *told).count()
}

async fn until_stored(outbox: &TxOutbox, transactions: usize) {
    for _ in 0..3_000 {
        if outbox.list(None, 10).await.unwrap().len() == transactions {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing was stored");
}
