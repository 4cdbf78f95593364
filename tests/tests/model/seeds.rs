//! How much is played, and every seed that ever found something.

use crate::play::Play;
use std::collections::BTreeMap;

const STEPS: u32 = 250;
const WORLDS: u32 = 40;

async fn play(seed: u64) -> BTreeMap<&'static str, u32> {
    println!("AGENT_TEST_SEED={seed}");
    let mut play = Play::begin(seed).await;
    for _ in 0..STEPS {
        play.step().await;
        play.check().await;
    }
    play.end_all().await;
    play.check_end().await;
    play.counts
}

/// Ten thousand steps from one seed, which `AGENT_TEST_SEED` replaces.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_steps_break_nothing() {
    let seed = std::env::var("AGENT_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let first: u64 = seed.unwrap_or(402);
    let worlds = agent_tests::repeats("AGENT_TEST_CASES", WORLDS);
    let mut counts: BTreeMap<&'static str, u32> = BTreeMap::new();
    for world in 0..worlds {
        let seed = first.wrapping_mul(1_000).wrapping_add(u64::from(world));
        for (what, count) in Box::pin(play(seed)).await {
            *counts.entry(what).or_default() += count;
        }
    }
    println!("{counts:#?}");
    // A play in which something never happens says nothing about it.
    for what in [
        "admitted",
        "answers lost",
        "busy",
        "buyer crashes",
        "chain",
        "corrected",
        "ended",
        "parked",
        "reorgs",
        "repeated",
        "seller crashes",
        "settled",
        "thefts refused",
        "went on",
    ] {
        assert!(counts.contains_key(what), "never seen: {what}");
    }
}
