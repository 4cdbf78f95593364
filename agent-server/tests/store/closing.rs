//! The end of a relationship: no new work on a lock that is about to be given back.

use crate::support::*;
use agent_core::channel::Refusal;
use agent_core::ledger::Ledger;

#[tokio::test]
async fn a_channel_closes_only_when_nothing_is_in_flight_and_stays_closed() {
    let (dir, store) = fresh();
    let lock = lock(1);
    assert!(
        store.close_channel(id_of(&lock)).await.unwrap().is_none(),
        "not known"
    );
    store
        .observe(lock.into(), on_chain(1_000, 0))
        .await
        .unwrap();
    let reserved = hold(&store, request("a", &lock, 10, 10)).await;
    assert!(
        store.close_channel(id_of(&lock)).await.unwrap().is_none(),
        "in flight"
    );
    store.post(reserved, units(10), done("a")).await.unwrap();
    assert!(
        store
            .close_channel(id_of(&lock))
            .await
            .unwrap()
            .unwrap()
            .closing
    );
    assert_eq!(
        refusal(&store, request("b", &lock, 20, 10)).await,
        Refusal::ChannelClosed
    );
    assert_eq!(
        store.claims(1).await.unwrap().len(),
        1,
        "what was earned is still claimed"
    );
    store
        .observe(lock.into(), on_chain(2_000, 10))
        .await
        .unwrap();
    store.close().await;
    let store = open(&dir.path().join("books.db"));
    assert_eq!(
        refusal(&store, request("b", &lock, 20, 10)).await,
        Refusal::ChannelClosed
    );
    assert_right(&store).await;
}
