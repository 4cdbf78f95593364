//! The rounds: buy, kill, start again; and the reckoning.

use super::{books, buying};
use agent_client::settings::ChainSettings;
use agent_devnet::{Devnet, DevnetConfig};
use agent_server::Agent;
use agent_tests::e2e::{
    Child, Floor, PRICE, SELLER, WAIT, config, run_as_child, sell_everything, until,
};
use agent_tests::world;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const ROUNDS: u32 = 10;
const IN_FLIGHT: usize = 16;

/// The seller's process is this test; without its variable it does nothing.
#[test]
fn victim() {
    run_as_child();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seller_killed_at_any_moment_loses_no_payment_and_charges_none_twice() {
    let seed = std::env::var("AGENT_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("AGENT_TEST_SEED={seed}");
    let mut dice = Dice(seed);
    let devnet = Devnet::start(DevnetConfig::default()).await.unwrap();
    let chain = ChainSettings::devnet(devnet.url());
    let files = tempfile::tempdir().unwrap();
    let address = free_address(&mut dice);

    let mut child = Child::start("killed::victim", &devnet.url(), address, files.path()).await;
    let buyer = buying::buyer(&chain, files.path()).await;
    let seller = Box::pin(buyer.connect(&format!("http://{address}")))
        .await
        .unwrap();
    // The first call opens the lock, so that what is killed is calls and not an opening.
    Box::pin(buying::ask(&seller, "first")).await.unwrap();

    let tally = Arc::new(buying::Tally::default());
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..IN_FLIGHT {
        let (seller, tally) = (seller.clone(), Arc::clone(&tally));
        workers.spawn(async move { buying::go_on(seller, worker, &tally).await });
    }
    for round in 0..ROUNDS {
        let before = tally.answers.load(Ordering::SeqCst);
        let wanted = before + dice.below(40);
        until("calls are answered", || async {
            tally.answers.load(Ordering::SeqCst) > wanted
        })
        .await;
        // Not a wait for anything: the moment of the kill is what is random.
        tokio::time::sleep(Duration::from_micros(
            u64::try_from(dice.below(20_000)).unwrap(),
        ))
        .await;
        child.kill();
        println!(
            "round {round}: killed after {} answers",
            tally.answers.load(Ordering::SeqCst)
        );
        child = Child::start("killed::victim", &devnet.url(), address, files.path()).await;
    }
    tally.enough.store(true, Ordering::SeqCst);
    while let Some(worker) = workers.join_next().await {
        worker.unwrap();
    }
    child.kill();
    println!("errors: {:?}", tally.errors.lock().unwrap());

    let charged = settle(&chain, address, files.path()).await;
    let balance = earned(&chain).await;
    assert_eq!(balance, charged, "earned on chain against charged");
    buyer.wallet().refresh().await.unwrap();
    buyer.wallet().verify().await.unwrap();
    let wallet = buyer.wallet().books().await.unwrap();
    assert_eq!(wallet.claimed.get(), charged, "{wallet:?}");
    buyer.close().await;

    let (sold, bought) = (books::sellers(files.path()), books::buyers(files.path()));
    let mut acknowledged = tally.acknowledged.lock().unwrap().clone();
    acknowledged.sort();
    let all = acknowledged.len();
    acknowledged.dedup();
    assert_eq!(acknowledged.len(), all, "one payment answered two calls");
    for id in &acknowledged {
        assert_eq!(
            sold.get(id.as_str()),
            Some(&("posted".to_owned(), PRICE)),
            "{id}"
        );
    }
    for (id, (state, amount)) in &sold {
        // Whatever the seller counts, the buyer signed; where the buyer knows the end, they agree.
        let (ours, paid) = &bought[id];
        match (state.as_str(), ours.as_str()) {
            ("posted", "charged") => assert_eq!(amount, paid, "{id}"),
            ("voided", "void") => assert_eq!((*amount, *paid), (0, 0), "{id}"),
            ("posted" | "voided", "unknown") => {}
            ends => panic!("{id}: {ends:?}"),
        }
    }
    let of = |state: &'static str| bought.iter().filter(move |(_, row)| row.0 == state);
    assert!(of("charged").all(|(id, _)| sold.contains_key(id)));
    // What the buyer could not learn is what its calls reported as lost, and no more.
    let unknown: u128 = of("unknown")
        .filter_map(|(id, _)| sold.get(id))
        .map(|row| row.1)
        .sum();
    assert_eq!(wallet.charged.get() + unknown, charged, "{wallet:?}");
    let lost = tally
        .errors
        .lock()
        .unwrap()
        .get("ask.answer_lost")
        .copied()
        .unwrap_or(0);
    assert!(of("unknown").count() <= usize::try_from(lost).unwrap());
    assert!(sold.len() > usize::try_from(ROUNDS).unwrap());
}

/// Starts the seller once more, here, and claims what it earned; returns what that is.
async fn settle(chain: &ChainSettings, address: SocketAddr, files: &Path) -> u128 {
    let mut config = config(chain, files);
    config.listen = address;
    let agent = sell_everything(
        Agent::named("heir").config(config),
        &Arc::new(Floor::default()),
    );
    let agent = Box::pin(agent.start()).await.unwrap();
    assert!(agent.recovery().broken.is_empty(), "{:?}", agent.recovery());
    agent.settle_now(WAIT).await.unwrap();
    let violations = agent.store().unwrap().verify().await.unwrap();
    assert!(violations.is_empty(), "{violations:?}");
    let books = agent.books().await.unwrap();
    assert_eq!(
        (books.claimed, books.pending),
        (books.charged, 0),
        "{books:?}"
    );
    assert_eq!(books.charged.get(), u128::from(books.posted) * PRICE);
    println!("{books:?}");
    Box::pin(agent.stop()).await;
    books.charged.get()
}

async fn earned(chain: &ChainSettings) -> u128 {
    let node = chain.chain().unwrap();
    let balance = node
        .token_balance(chain.token.address, world::account(SELLER))
        .await
        .unwrap();
    balance.to::<u128>() - u128::from(agent_devnet::GENESIS_USDC)
}

/// A port that is free now; the seller takes it again at every start. It lies below those that the
/// system hands out: a client that tries a closed port from that very port connects to itself, and
/// would wait for its own answer.
fn free_address(dice: &mut Dice) -> SocketAddr {
    loop {
        let port = u16::try_from(20_000 + dice.below(10_000)).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if std::net::TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// SplitMix64: enough to choose moments, and the same everywhere for one seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap() % bound
    }
}
