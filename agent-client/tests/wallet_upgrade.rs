//! A wallet's file from before there were other schemes than z402 opens, with all that it knew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod wallet_support;

use rusqlite::Connection;
use wallet_support::*;

/// Turns the file back into what the first release wrote.
const FIRST_RELEASE: &str = "
CREATE TABLE first (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    channel BLOB NOT NULL REFERENCES channel (id),
    payee BLOB NOT NULL CHECK (length(payee) = 20),
    skill TEXT NOT NULL,
    resource TEXT NOT NULL,
    max BLOB NOT NULL CHECK (length(max) = 16),
    ceiling BLOB NOT NULL CHECK (length(ceiling) = 16),
    raised BLOB NOT NULL CHECK (length(raised) = 16),
    charged BLOB NOT NULL CHECK (length(charged) = 16),
    state TEXT NOT NULL CHECK (state IN ('in_flight', 'unknown', 'charged', 'void')),
    created_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    UNIQUE (channel, ceiling)
) STRICT;
INSERT INTO first SELECT seq, id, channel, payee, skill, resource, max, ceiling, raised, charged,
    state, created_ms, ended_ms FROM payment;
DROP TABLE payment;
DROP TABLE batch_channel;
ALTER TABLE first RENAME TO payment;
CREATE INDEX payment_by_time ON payment (created_ms);
CREATE INDEX payment_in_flight ON payment (state) WHERE state = 'in_flight';
PRAGMA user_version = 1;
";

#[tokio::test]
async fn a_file_of_the_first_release_opens_with_its_books() {
    let mut world = World::new().await;
    let charged = world.pay(100).await.unwrap();
    let open = world.pay(250).await.unwrap();
    let said = receipt(&charged, 40);
    world.wallet.confirm(&charged.id, &said).await.unwrap();
    let before = world.wallet.books().await.unwrap();
    world.wallet.close().await;

    let file = Connection::open(world.dir.path().join("wallet.db")).unwrap();
    file.execute_batch(FIRST_RELEASE).unwrap();
    drop(file);

    world.reopen().await;
    world.wallet.verify().await.unwrap();
    let after = world.wallet.books().await.unwrap();
    assert_eq!(
        (after.charged, after.signed),
        (before.charged, before.signed)
    );
    assert_eq!((after.in_flight, after.payments_unknown), (units(250), 1));
    let late = world
        .wallet
        .confirm(&open.id, &receipt(&open, 10))
        .await
        .unwrap();
    assert_eq!(late.charged, units(10));
    let next = world.pay(5).await.unwrap();
    assert!(next.ceiling > open.ceiling, "no ceiling is signed again");
    world.wallet.verify().await.unwrap();
}
