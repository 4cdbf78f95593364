//! The tables, as scripts that only go forward: a released one is never edited.
//!
//! Amounts are 16 bytes big-endian, so that they hold 128 bits exactly and compare as numbers.

/// What [`agent_client::sqlite::migrate`] applies, in order.
pub(super) const MIGRATIONS: &[&str] = &[
    BOOKS, SETTLEMENT, OWNERS, WEBHOOKS, SWEEP, SCHEMES, TRANSFERS,
];

const BOOKS: &str = "
CREATE TABLE channels (
    channel_id   BLOB PRIMARY KEY CHECK (length(channel_id) = 32),
    payer        BLOB NOT NULL CHECK (length(payer) = 20),
    signer       BLOB NOT NULL CHECK (length(signer) = 20),
    payee        BLOB NOT NULL CHECK (length(payee) = 20),
    token        BLOB NOT NULL CHECK (length(token) = 20),
    salt         BLOB NOT NULL CHECK (length(salt) = 12),
    -- What was claimed when the lock was first seen: charged by someone before these books began.
    opening      BLOB NOT NULL CHECK (length(opening) = 16),
    -- What the chain says the lock was given; `authorized` keeps more once the channel is closed.
    on_chain     BLOB NOT NULL CHECK (length(on_chain) = 16),
    authorized   BLOB NOT NULL CHECK (length(authorized) = 16),
    claimed      BLOB NOT NULL CHECK (length(claimed) = 16),
    signed       BLOB NOT NULL CHECK (length(signed) = 16),
    charged      BLOB NOT NULL CHECK (length(charged) = 16),
    reserved     BLOB NOT NULL CHECK (length(reserved) = 16),
    signature    BLOB CHECK (length(signature) = 65),
    in_flight     INTEGER NOT NULL,
    in_flight_max INTEGER NOT NULL,
    posted        INTEGER NOT NULL,
    voided        INTEGER NOT NULL,
    deadline      INTEGER NOT NULL,
    closed        INTEGER NOT NULL CHECK (closed IN (0, 1)),
    unclaimed_since_ms INTEGER,
    -- Why the channel was stopped, once an invariant did not hold.
    broken        TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX channels_unclaimed ON channels (unclaimed_since_ms)
    WHERE unclaimed_since_ms IS NOT NULL;

CREATE TABLE payments (
    payment_id   TEXT PRIMARY KEY,
    request_hash BLOB NOT NULL CHECK (length(request_hash) = 32),
    channel_id   BLOB NOT NULL REFERENCES channels (channel_id),
    ceiling      BLOB NOT NULL CHECK (length(ceiling) = 16),
    reserved     BLOB NOT NULL CHECK (length(reserved) = 16),
    charged      BLOB NOT NULL CHECK (length(charged) = 16),
    -- Spelt out: SQLite builds a table in memory for a longer IN, anew for every row written.
    state        TEXT NOT NULL CHECK (state = 'running' OR state = 'parked'
                     OR state = 'posted' OR state = 'voided'),
    task_id      TEXT NOT NULL,
    context_id   TEXT NOT NULL,
    skill        TEXT NOT NULL,
    created_ms   INTEGER NOT NULL,
    resolved_ms  INTEGER,
    UNIQUE (channel_id, ceiling)
) STRICT;

CREATE INDEX payments_open ON payments (task_id) WHERE state IN ('running', 'parked');

CREATE TABLE tasks (
    id         TEXT PRIMARY KEY,
    context_id TEXT NOT NULL,
    state      TEXT NOT NULL,
    seq        INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    task       TEXT NOT NULL,
    resume     TEXT
) STRICT;

CREATE INDEX tasks_by_context ON tasks (context_id, updated_ms DESC, id DESC);

CREATE INDEX tasks_at_work ON tasks (id)
    WHERE state IN ('TASK_STATE_SUBMITTED', 'TASK_STATE_WORKING');

CREATE TABLE task_events (
    task_id TEXT NOT NULL REFERENCES tasks (id),
    seq     INTEGER NOT NULL,
    event   TEXT NOT NULL,
    PRIMARY KEY (task_id, seq)
) STRICT, WITHOUT ROWID;
";

const SETTLEMENT: &str = "
-- No new work, because we are about to give back what is left of the lock.
ALTER TABLE channels ADD COLUMN closing INTEGER NOT NULL DEFAULT 0 CHECK (closing IN (0, 1));

CREATE INDEX channels_due ON channels (deadline) WHERE unclaimed_since_ms IS NOT NULL;

-- What settlement must remember beside the books: how far the chain was followed, what is under way.
CREATE TABLE notes (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
";

const OWNERS: &str = "
-- Whose a task is; empty for callers without a name, whose tasks are found by their ids.
ALTER TABLE tasks ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE payments ADD COLUMN owner TEXT NOT NULL DEFAULT '';

-- Partial, so that agents whose callers have no names do not pay for it with every task.
CREATE INDEX tasks_by_owner ON tasks (owner, updated_ms DESC, id DESC) WHERE owner <> '';
";

const WEBHOOKS: &str = "
-- Whom to call when a task changes. Token and credentials are the peer's secrets: they must be sent
-- as they are, so they are kept as they are, in a file that only its owner can read.
CREATE TABLE webhooks (
    task_id     TEXT NOT NULL,
    id          TEXT NOT NULL,
    owner       TEXT NOT NULL,
    version     TEXT NOT NULL CHECK (version = '1.0' OR version = '0.3'),
    url         TEXT NOT NULL,
    token       TEXT NOT NULL,
    scheme      TEXT,
    credentials TEXT,
    created_ms  INTEGER NOT NULL,
    -- The number of the last event that it was told, or did not want.
    delivered   INTEGER NOT NULL,
    -- Attempts that failed one after another, and whether they were too many.
    failures    INTEGER NOT NULL DEFAULT 0,
    suspended   INTEGER NOT NULL DEFAULT 0 CHECK (suspended = 0 OR suspended = 1),
    PRIMARY KEY (task_id, id)
) STRICT;

CREATE INDEX webhooks_by_owner ON webhooks (owner) WHERE owner <> '';
";

const SWEEP: &str = "
-- Whether a payment was ever held for it. Of tasks from before this is known nothing is said, so
-- they count as paid and are kept.
ALTER TABLE tasks ADD COLUMN paid INTEGER NOT NULL DEFAULT 1 CHECK (paid = 0 OR paid = 1);

CREATE INDEX tasks_waiting ON tasks (updated_ms)
    WHERE state = 'TASK_STATE_INPUT_REQUIRED' OR state = 'TASK_STATE_AUTH_REQUIRED';
";

const SCHEMES: &str = "
-- Of channels of `batch-settlement` only; there the columns of a lock hold payer, payerAuthorizer,
-- receiver and token, and its salt is zero.
ALTER TABLE channels ADD COLUMN receiver_authorizer BLOB CHECK (length(receiver_authorizer) = 20);
ALTER TABLE channels ADD COLUMN withdraw_delay INTEGER;
ALTER TABLE channels ADD COLUMN batch_salt BLOB CHECK (length(batch_salt) = 32);
-- While a call is in flight on such a channel: the ceiling of `signature`, which is then below
-- `signed`, and the signature under `signed`, which is no claim before something is charged.
ALTER TABLE channels ADD COLUMN proven BLOB CHECK (length(proven) = 16);
ALTER TABLE channels ADD COLUMN held_signature BLOB CHECK (length(held_signature) = 65);
-- When the chain was last asked about the channel.
ALTER TABLE channels ADD COLUMN observed_ms INTEGER NOT NULL DEFAULT 0;

-- Payments need no channel and no voucher of their own any more. A table's own constraints cannot
-- be changed in place, so it is made anew.
CREATE TABLE payments_anew (
    payment_id   TEXT PRIMARY KEY,
    request_hash BLOB NOT NULL CHECK (length(request_hash) = 32),
    channel_id   BLOB REFERENCES channels (channel_id),
    -- The ceiling of the voucher that came with it, if one did.
    ceiling      BLOB CHECK (length(ceiling) = 16),
    reserved     BLOB NOT NULL CHECK (length(reserved) = 16),
    charged      BLOB NOT NULL CHECK (length(charged) = 16),
    state        TEXT NOT NULL CHECK (state = 'running' OR state = 'parked'
                     OR state = 'posted' OR state = 'voided'),
    task_id      TEXT NOT NULL,
    context_id   TEXT NOT NULL,
    skill        TEXT NOT NULL,
    created_ms   INTEGER NOT NULL,
    resolved_ms  INTEGER,
    owner        TEXT NOT NULL DEFAULT '',
    -- Of `charged`, what was charged before the end.
    sliced       BLOB NOT NULL DEFAULT x'00000000000000000000000000000000'
                     CHECK (length(sliced) = 16),
    -- 1: its voucher buys nothing more. 0: nothing is charged under it yet. NULL: nothing was, and
    -- it may pay for another call.
    spent        INTEGER DEFAULT 1 CHECK (spent = 0 OR spent = 1),
    -- Of a part that was added to a running payment: that payment. Its money is counted there.
    part_of      TEXT,
    transfer_id  BLOB CHECK (length(transfer_id) = 32),
    payer        BLOB CHECK (length(payer) = 20)
) STRICT;

INSERT INTO payments_anew (payment_id, request_hash, channel_id, ceiling, reserved, charged, state,
        task_id, context_id, skill, created_ms, resolved_ms, owner)
    SELECT payment_id, request_hash, channel_id, ceiling, reserved, charged, state,
        task_id, context_id, skill, created_ms, resolved_ms, owner
    FROM payments ORDER BY rowid;

DROP TABLE payments;
ALTER TABLE payments_anew RENAME TO payments;

CREATE INDEX payments_open ON payments (task_id) WHERE state IN ('running', 'parked');
CREATE UNIQUE INDEX payments_vouchers ON payments (channel_id, ceiling) WHERE spent = 1;
CREATE INDEX payments_unspent ON payments (channel_id) WHERE spent = 0;
CREATE UNIQUE INDEX payments_transfers ON payments (transfer_id) WHERE transfer_id IS NOT NULL;

-- Transfers that are to be made on chain: what a facilitator is asked, and once the work is done
-- its outcome, which waits for the answer.
CREATE TABLE settlements (
    payment_id TEXT PRIMARY KEY REFERENCES payments (payment_id),
    expires    INTEGER NOT NULL,
    request    TEXT NOT NULL,
    outcome    TEXT
) STRICT, WITHOUT ROWID;
";

const TRANSFERS: &str = "
-- How many transfers a payer has under way; payments by channels have no payer here.
CREATE INDEX payments_transferring ON payments (payer)
    WHERE payer IS NOT NULL AND state IN ('running', 'parked');
";
