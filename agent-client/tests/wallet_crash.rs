//! A wallet whose process is killed at any moment: what it signed is never signed again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod wallet_support;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use agent_client::{sqlite::Durability, wallet::Wallet};
use agent_core::{clock::ManualClock, voucher::ChannelId};
use wallet_support::*;

const DIR: &str = "AGENT_WALLET_CRASH_DIR";

fn durable(dir: &Path) -> agent_client::wallet::WalletConfig {
    agent_client::wallet::WalletConfig {
        durability: Durability::Full,
        ..config(dir)
    }
}

/// The victim: prints each voucher as its signature leaves, for ever. Run by the test below.
#[test]
fn victim() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let clock = Arc::new(ManualClock::at_unix_secs(NOW));
        let chain = Arc::new(FakeEscrow::default());
        let wallet = Wallet::open(durable(Path::new(&dir)), clock, chain)
            .await
            .unwrap();
        let mut calls = tokio::task::JoinSet::new();
        for call in 0..8_u128 {
            let wallet = wallet.clone();
            calls.spawn(async move {
                for round in 0.. {
                    let payment = pay(&wallet, &terms(), 1 + (call + round) % 5)
                        .await
                        .unwrap();
                    say(&payment);
                    if round % 3 == 0 {
                        let charged = payment.max.get() / 2;
                        wallet
                            .confirm(&payment.id, &receipt(&payment, charged))
                            .await
                            .unwrap();
                    }
                }
            });
        }
        while calls.join_next().await.is_some() {}
    });
}

fn say(payment: &agent_client::wallet::Payment) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "voucher {} {}", payment.channel_id, payment.ceiling).unwrap();
    out.flush().unwrap();
}

#[tokio::test]
async fn a_killed_wallet_never_signs_a_ceiling_again() {
    let dir = tempfile::tempdir().unwrap();
    // One opening at first, so that each life of the victim finds its lock on "chain".
    let clock = Arc::new(ManualClock::at_unix_secs(NOW));
    let mut roomy = durable(dir.path());
    roomy.lock_size = units(900_000);
    let chain = Arc::new(FakeEscrow::default());
    let wallet = Wallet::open(roomy, clock.clone(), chain.clone())
        .await
        .unwrap();
    wallet.ensure_channel(&terms(), units(1)).await.unwrap();
    wallet.close().await;
    let mut highest: BTreeMap<ChannelId, u128> = BTreeMap::new();
    for life in 0..4 {
        let mut seen: Vec<(ChannelId, u128)> = Vec::new();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["victim", "--exact", "--nocapture"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while seen.len() < 20 + life * 17 {
            let line = lines.next().expect("the victim goes on").unwrap();
            seen.extend(voucher(&line));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What had left the process by the time it was killed counts too.
        seen.extend(
            lines
                .map_while(Result::ok)
                .filter_map(|line| voucher(&line)),
        );
        for (channel, ceiling) in &seen {
            let before = highest.get(channel).copied().unwrap_or(0);
            assert!(
                *ceiling > before,
                "life {life}: {ceiling} was signed before ({before})"
            );
        }
        for (channel, ceiling) in seen {
            let highest = highest.entry(channel).or_default();
            *highest = (*highest).max(ceiling);
        }
        let wallet = Wallet::open(durable(dir.path()), clock.clone(), chain.clone())
            .await
            .unwrap();
        wallet.verify().await.unwrap();
        let books = wallet.books().await.unwrap();
        assert_eq!(
            books.payments_in_flight, 0,
            "what was in flight is unknown now"
        );
        for account in wallet.channels().await.unwrap() {
            let left = highest.get(&account.id).copied().unwrap_or(0);
            assert!(
                account.signed >= units(left),
                "S covers every signature that left"
            );
        }
        wallet.close().await;
    }
}

fn voucher(line: &str) -> Option<(ChannelId, u128)> {
    let (_, rest) = line.split_once("voucher ")?;
    let (channel, ceiling) = rest.split_once(' ')?;
    Some((
        ChannelId(channel.parse().ok()?),
        ceiling.trim().parse().ok()?,
    ))
}
