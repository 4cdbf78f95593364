//! The wallet's tables, and how amounts, ids and addresses are written in them.

use agent_core::{
    money::BaseUnits,
    voucher::{ChannelId, Salt},
};
use alloy_primitives::{Address, B256, Uint};
use rusqlite::{Row, types::Type};

/// Amounts are 16-byte big-endian blobs, which compare as numbers do; ids and addresses are blobs.
///
/// A payment's `channel` is what pays: a lock, a batch-settlement channel, or for `exact` the nonce
/// of its authorization. One table for all schemes, so that whatever counts payments counts all.
///
/// A payment of `credit` raised no ceiling; its own is what it was paid under. `origin` says who may
/// be paid with the credit that a payment's receipt gives; credit itself is money and is not stored.
pub(super) const MIGRATIONS: &[&str] = &[
    "
CREATE TABLE owner (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    payer BLOB NOT NULL CHECK (length(payer) = 20),
    network TEXT NOT NULL,
    contract BLOB NOT NULL CHECK (length(contract) = 20)
) STRICT;
CREATE TABLE channel (
    id BLOB PRIMARY KEY CHECK (length(id) = 32),
    payee BLOB NOT NULL CHECK (length(payee) = 20),
    token BLOB NOT NULL CHECK (length(token) = 20),
    salt BLOB NOT NULL CHECK (length(salt) = 12),
    state TEXT NOT NULL
        CHECK (state IN ('opening', 'open', 'suspect', 'closing', 'released', 'failed')),
    why TEXT NOT NULL,
    deposited BLOB NOT NULL CHECK (length(deposited) = 16),
    returned BLOB NOT NULL CHECK (length(returned) = 16),
    claimed BLOB NOT NULL CHECK (length(claimed) = 16),
    signed BLOB NOT NULL CHECK (length(signed) = 16),
    charged BLOB NOT NULL CHECK (length(charged) = 16),
    reserved BLOB NOT NULL CHECK (length(reserved) = 16),
    unseen BLOB NOT NULL CHECK (length(unseen) = 16),
    in_flight INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE opening (
    nonce BLOB PRIMARY KEY CHECK (length(nonce) = 32),
    channel BLOB NOT NULL REFERENCES channel (id),
    amount BLOB NOT NULL CHECK (length(amount) = 16),
    deadline INTEGER NOT NULL,
    valid_before INTEGER NOT NULL,
    salt BLOB NOT NULL CHECK (length(salt) = 32),
    state TEXT NOT NULL CHECK (state IN ('pending', 'done', 'failed')),
    tx BLOB,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX opening_pending ON opening (channel) WHERE state = 'pending';
CREATE TABLE payment (
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
CREATE INDEX payment_by_time ON payment (created_ms);
CREATE INDEX payment_in_flight ON payment (state) WHERE state = 'in_flight';
",
    "
CREATE TABLE batch_channel (
    id BLOB PRIMARY KEY CHECK (length(id) = 32),
    payer BLOB NOT NULL CHECK (length(payer) = 20),
    authorizer BLOB NOT NULL CHECK (length(authorizer) = 20),
    receiver BLOB NOT NULL CHECK (length(receiver) = 20),
    receiver_authorizer BLOB NOT NULL CHECK (length(receiver_authorizer) = 20),
    token BLOB NOT NULL CHECK (length(token) = 20),
    withdraw_delay INTEGER NOT NULL,
    salt BLOB NOT NULL CHECK (length(salt) = 32),
    state TEXT NOT NULL CHECK (state IN ('open', 'suspect', 'leaving', 'closed')),
    why TEXT NOT NULL,
    deposited BLOB NOT NULL CHECK (length(deposited) = 16),
    returned BLOB NOT NULL CHECK (length(returned) = 16),
    claimed BLOB NOT NULL CHECK (length(claimed) = 16),
    signed BLOB NOT NULL CHECK (length(signed) = 16),
    charged BLOB NOT NULL CHECK (length(charged) = 16),
    posted BLOB NOT NULL CHECK (length(posted) = 16),
    reserved BLOB NOT NULL CHECK (length(reserved) = 16),
    inherited BLOB NOT NULL CHECK (length(inherited) = 16),
    recovered INTEGER NOT NULL,
    deposit BLOB CHECK (length(deposit) = 16),
    deposit_salt BLOB CHECK (length(deposit_salt) = 32),
    deposit_until INTEGER,
    deposit_reported INTEGER NOT NULL,
    notice INTEGER NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE payment_of_any_scheme (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    channel BLOB NOT NULL CHECK (length(channel) = 32),
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
    scheme TEXT NOT NULL DEFAULT 'z402'
        CHECK (scheme IN ('z402', 'batch-settlement', 'exact')),
    token BLOB CHECK (length(token) = 20),
    valid_before INTEGER
) STRICT;
INSERT INTO payment_of_any_scheme (seq, id, channel, payee, skill, resource, max, ceiling, raised,
    charged, state, created_ms, ended_ms)
    SELECT seq, id, channel, payee, skill, resource, max, ceiling, raised, charged, state,
    created_ms, ended_ms FROM payment;
DROP TABLE payment;
ALTER TABLE payment_of_any_scheme RENAME TO payment;
CREATE UNIQUE INDEX payment_ceiling ON payment (channel, ceiling) WHERE scheme = 'z402';
CREATE INDEX payment_by_time ON payment (created_ms);
CREATE INDEX payment_in_flight ON payment (state) WHERE state = 'in_flight';
CREATE INDEX payment_transfers ON payment (valid_before)
    WHERE scheme = 'exact' AND state IN ('in_flight', 'unknown');
",
    "
ALTER TABLE payment ADD COLUMN origin TEXT;
ALTER TABLE payment ADD COLUMN credit INTEGER NOT NULL DEFAULT 0;
DROP INDEX payment_ceiling;
CREATE UNIQUE INDEX payment_ceiling ON payment (channel, ceiling)
    WHERE scheme = 'z402' AND credit = 0;
",
];

pub(super) const fn units(amount: BaseUnits) -> [u8; 16] {
    amount.get().to_be_bytes()
}

pub(super) fn get_units(row: &Row<'_>, column: &str) -> rusqlite::Result<BaseUnits> {
    row.get::<_, [u8; 16]>(column)
        .map(|bytes| BaseUnits::new(u128::from_be_bytes(bytes)))
}

pub(super) fn get_address(row: &Row<'_>, column: &str) -> rusqlite::Result<Address> {
    row.get::<_, [u8; 20]>(column).map(Address::from)
}

pub(super) fn get_word(row: &Row<'_>, column: &str) -> rusqlite::Result<B256> {
    row.get::<_, [u8; 32]>(column).map(B256::from)
}

pub(super) fn get_channel(row: &Row<'_>, column: &str) -> rusqlite::Result<ChannelId> {
    get_word(row, column).map(ChannelId)
}

pub(super) const fn salt_bytes(salt: Salt) -> [u8; 12] {
    salt.0.to_be_bytes::<12>()
}

pub(super) fn get_salt(row: &Row<'_>, column: &str) -> rusqlite::Result<Salt> {
    row.get::<_, [u8; 12]>(column)
        .map(|bytes| Salt(Uint::from_be_bytes(bytes)))
}

/// SQLite's integers are signed; no time we write comes near their end.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn get_int(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column)
        .map(|value| u64::try_from(value).unwrap_or(0))
}

pub(super) fn bad_text(column: &str) -> rusqlite::Error {
    rusqlite::Error::InvalidColumnType(0, column.to_owned(), Type::Text)
}

/// Something that must hold does not: the job fails, its batch is rolled back and the cache is read
/// again from the disk.
pub(super) fn broken(why: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(why))
}
