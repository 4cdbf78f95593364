//! A real buyer and a real seller, and all the ways in which their business may break off.

use super::{EACH, assert_fair, delivered};
use agent_client::buyer::{AskError, Budget, Buyer, MeteredStream, Piece};
use agent_client::egress::EgressPolicy;
use agent_client::wallet::PayerKey;
use agent_core::money::BaseUnits;
use agent_devnet::DEV_ACCOUNTS;
use agent_tests::e2e::{BUYER, Cable, PRICE, Shop};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{RngSeed, TestRunner};
use serde_json::json;
use std::path::Path;

/// How one purchase ends.
#[derive(Debug, Clone, Copy)]
enum Stops {
    Never,
    /// The buyer cancels after so many pieces.
    Cancels(usize),
    /// The connection is cut after so many pieces, and comes back.
    Cut(usize),
    /// The buyer pays no more than so many times.
    Pays(u128),
    /// The buyer goes away after so many pieces.
    Leaves(usize),
}

async fn buyer(shop: &Shop, files: &Path) -> Buyer {
    let bound = || "5 USDC".parse().ok();
    let budget = Budget {
        per_payment: "0.01 USDC".parse().ok(),
        per_hour: bound(),
        per_day: bound(),
        per_payee_per_day: bound(),
        per_lock: bound(),
        locked_total: "20 USDC".parse().ok(),
        ..Budget::default()
    };
    let key = PayerKey::from_hex(DEV_ACCOUNTS[BUYER].private_key).unwrap();
    let builder = Buyer::builder(shop.settings.clone(), key, files.join("buyer"))
        .policy(budget.policy(&shop.settings).unwrap())
        .egress(EgressPolicy::strict().allow_loopback());
    Box::pin(builder.open()).await.unwrap()
}

/// Reads to the end, or so many pieces.
async fn read(stream: &mut MeteredStream, most: usize) -> (usize, Option<AskError>) {
    let mut count = 0;
    while count < most {
        match stream.next().await {
            Ok(Some(Piece::Part { artifact, .. })) if artifact.artifact_id == "pieces" => {
                count += 1;
            }
            Ok(Some(Piece::Restated(all))) => {
                let pieces = all.iter().find(|it| it.artifact_id == "pieces");
                count = pieces.map_or(0, |it| it.parts.len());
            }
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => return (count, Some(error)),
        }
    }
    (count, None)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_it_breaks_off_what_was_delivered_was_paid_and_a_slice_at_most_beside_it() {
    let shop = Shop::open().await;
    let files = tempfile::tempdir().unwrap();
    let buyer = Box::pin(buyer(&shop, files.path())).await;
    let far = shop.agent().url().socket_addrs(|| None).unwrap()[0];
    let cable = Cable::to(far).await;
    let seller = Box::pin(buyer.connect(&cable.url())).await.unwrap();
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let config = ProptestConfig {
        rng_seed: RngSeed::Fixed(seed),
        ..ProptestConfig::default()
    };
    let mut runner = TestRunner::new(config);
    let stops = prop_oneof![
        Just(Stops::Never),
        (1_usize..300).prop_map(Stops::Cancels),
        (1_usize..300).prop_map(Stops::Cut),
        (1_u128..4).prop_map(Stops::Pays),
        (1_usize..300).prop_map(Stops::Leaves),
    ];
    let cases = (1_u32..350, stops);
    let peer = shop.peer();
    let mut charged_in_all = 0;
    for _ in 0..24 {
        let (count, stops) = cases.new_tree(&mut runner).unwrap().current();
        let most = match stops {
            Stops::Pays(times) => times * PRICE,
            _ => 10 * PRICE,
        };
        let at_most = format!("0.{most:06} USDC").parse().unwrap();
        let work = json!({ "text": "x", "count": count });
        let mut stream = Box::pin(seller.ask_stream("metered", &work, &at_most))
            .await
            .unwrap();
        let id = stream.task_id().to_owned();
        let wanted = usize::try_from(count).unwrap();
        let ended = match stops {
            Stops::Never => {
                assert_eq!(read(&mut stream, usize::MAX).await.0, wanted);
                stream.ended().cloned()
            }
            Stops::Cancels(after) => {
                read(&mut stream, after).await;
                Some(stream.cancel().await.unwrap())
            }
            Stops::Cut(after) => {
                let before = read(&mut stream, after).await.0;
                cable.cut();
                cable.mend();
                let (more, error) = read(&mut stream, usize::MAX).await;
                assert!(error.is_none(), "{error:?}");
                assert!(before.max(more) <= wanted && before + more >= wanted);
                stream.ended().cloned()
            }
            Stops::Pays(_) => {
                let (_, error) = read(&mut stream, usize::MAX).await;
                let dear = u128::from(count) * EACH > most;
                assert_eq!(matches!(error, Some(AskError::Dearer { .. })), dear);
                stream.ended().cloned()
            }
            Stops::Leaves(after) => {
                read(&mut stream, after).await;
                drop(stream);
                // It goes on until its money is used up; it ends here so that the books can be read.
                peer.call("CancelTask", json!({ "id": id })).await;
                None
            }
        };
        let task = peer.task(&id).await;
        let charged = BaseUnits::new(task.charged());
        assert_fair(delivered(task.task()), charged);
        charged_in_all += charged.get();
        let books = shop.books().await;
        let counted = (books.charged.get(), books.reserved, books.pending);
        assert_eq!(
            counted,
            (charged_in_all, BaseUnits::ZERO, 0),
            "{stops:?} of {count}"
        );
        if let Some(ended) = ended {
            assert_eq!(ended.charged, charged, "{stops:?}");
            let paid = BaseUnits::total(ended.payments.iter().map(|(_, paid)| *paid));
            assert_eq!(paid.unwrap(), charged);
        } else {
            assert!(matches!(stops, Stops::Leaves(_)), "{stops:?}");
        }
        buyer.wallet().verify().await.unwrap();
    }
    Box::pin(buyer.close()).await;
}
