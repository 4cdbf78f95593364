//! The outbox's tables.

/// Scripts for [`migrate`](crate::sqlite::migrate); never edited once released.
pub(super) const MIGRATIONS: &[&str] = &[
    "
    -- Whose outbox this is: a file is bound to one key on one chain.
    CREATE TABLE owner (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        address BLOB NOT NULL,
        chain_id INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE tx (
        id INTEGER PRIMARY KEY,
        purpose TEXT NOT NULL UNIQUE,
        recipient BLOB NOT NULL,
        data BLOB NOT NULL,
        value BLOB NOT NULL,
        gas_wanted INTEGER,
        meta TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        state TEXT NOT NULL
            CHECK (state IN ('waiting', 'signed', 'sent', 'mined', 'reverted', 'failed')),
        nonce INTEGER UNIQUE,
        gas_limit INTEGER,
        mined_hash BLOB,
        block_number INTEGER,
        block_hash BLOB,
        gas_used INTEGER,
        gas_price TEXT,
        code TEXT,
        reason TEXT,
        revert_data BLOB,
        last_error TEXT,
        -- No nonce while waiting, one and a signature from then on.
        CHECK (state <> 'waiting' OR nonce IS NULL),
        CHECK (state NOT IN ('signed', 'sent') OR (nonce IS NOT NULL AND gas_limit IS NOT NULL))
    ) STRICT;

    CREATE INDEX tx_open ON tx (state, id) WHERE state IN ('waiting', 'signed', 'sent');

    -- Every transaction that was ever signed for a nonce: any of them may be mined.
    CREATE TABLE attempt (
        seq INTEGER PRIMARY KEY,
        tx INTEGER NOT NULL REFERENCES tx (id),
        hash BLOB NOT NULL UNIQUE,
        raw BLOB NOT NULL,
        max_fee TEXT NOT NULL,
        tip TEXT NOT NULL,
        signed_ms INTEGER NOT NULL,
        sent_ms INTEGER
    ) STRICT;

    CREATE INDEX attempt_tx ON attempt (tx, seq);
",
    "
    -- What one transaction may take and cost; without it, what the outbox allows.
    ALTER TABLE tx ADD COLUMN gas_max INTEGER;
    ALTER TABLE tx ADD COLUMN fee_wei_max TEXT;
",
];
