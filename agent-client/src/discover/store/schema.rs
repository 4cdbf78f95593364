//! The tables.
//!
//! Chain ids, block numbers and times are 64-bit integers; addresses, hashes and 256-bit numbers
//! are blobs of full width, big-endian, so that they sort as numbers. An event's row carries its
//! block, and `block` has that block's hash. `journal` and `metadata_past` hold what agents were
//! before a block that can still be undone; everything else is undone by its block.

/// In order; see [`migrate`](crate::sqlite::migrate).
pub(super) const MIGRATIONS: &[&str] = &["
CREATE TABLE registry (
    id INTEGER PRIMARY KEY,
    chain_id INTEGER NOT NULL,
    identity BLOB NOT NULL,
    reputation BLOB NOT NULL,
    from_block INTEGER NOT NULL,
    next_block INTEGER NOT NULL,
    firm_next INTEGER NOT NULL,
    head INTEGER,
    head_time INTEGER,
    read_ms INTEGER,
    UNIQUE (chain_id, identity)
) STRICT;

CREATE TABLE mark (
    registry INTEGER NOT NULL REFERENCES registry ON DELETE CASCADE,
    block INTEGER NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (registry, block)
) STRICT, WITHOUT ROWID;

CREATE TABLE block (
    registry INTEGER NOT NULL REFERENCES registry ON DELETE CASCADE,
    number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    time INTEGER NOT NULL,
    logs INTEGER NOT NULL,
    PRIMARY KEY (registry, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE gap (
    registry INTEGER NOT NULL REFERENCES registry ON DELETE CASCADE,
    block INTEGER NOT NULL,
    log_index INTEGER NOT NULL,
    code TEXT NOT NULL,
    PRIMARY KEY (registry, block, log_index)
) STRICT, WITHOUT ROWID;

CREATE TABLE upgrade (
    registry INTEGER NOT NULL REFERENCES registry ON DELETE CASCADE,
    block INTEGER NOT NULL,
    log_index INTEGER NOT NULL,
    contract BLOB NOT NULL,
    implementation BLOB NOT NULL,
    PRIMARY KEY (registry, block, log_index)
) STRICT, WITHOUT ROWID;

CREATE TABLE agent (
    id INTEGER PRIMARY KEY,
    registry INTEGER NOT NULL REFERENCES registry ON DELETE CASCADE,
    agent_id BLOB NOT NULL,
    owner BLOB NOT NULL,
    wallet BLOB,
    uri TEXT NOT NULL,
    first_block INTEGER NOT NULL,
    items INTEGER NOT NULL DEFAULT 0,
    revoked INTEGER NOT NULL DEFAULT 0,
    due_ms INTEGER NOT NULL DEFAULT 0,
    UNIQUE (registry, agent_id)
) STRICT;
CREATE INDEX agent_owner ON agent (owner);
CREATE INDEX agent_wallet ON agent (wallet) WHERE wallet IS NOT NULL;
CREATE INDEX agent_due ON agent (due_ms) WHERE uri <> '';

CREATE TABLE insider (
    agent INTEGER NOT NULL REFERENCES agent ON DELETE CASCADE,
    address BLOB NOT NULL,
    block INTEGER NOT NULL,
    PRIMARY KEY (agent, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE metadata (
    agent INTEGER NOT NULL REFERENCES agent ON DELETE CASCADE,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    block INTEGER NOT NULL,
    PRIMARY KEY (agent, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE feedback (
    agent INTEGER NOT NULL REFERENCES agent ON DELETE CASCADE,
    block INTEGER NOT NULL,
    log_index INTEGER NOT NULL,
    client BLOB NOT NULL,
    item INTEGER NOT NULL,
    value BLOB NOT NULL,
    decimals INTEGER NOT NULL,
    tag1 TEXT NOT NULL,
    tag2 TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    uri TEXT NOT NULL,
    hash BLOB NOT NULL,
    usable INTEGER NOT NULL,
    revoked_block INTEGER,
    PRIMARY KEY (agent, block, log_index)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX feedback_item ON feedback (agent, client, item);

CREATE TABLE response (
    agent INTEGER NOT NULL REFERENCES agent ON DELETE CASCADE,
    block INTEGER NOT NULL,
    log_index INTEGER NOT NULL,
    client BLOB NOT NULL,
    item INTEGER NOT NULL,
    responder BLOB NOT NULL,
    uri TEXT NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (agent, block, log_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX response_item ON response (agent, client, item);

CREATE TABLE journal (
    registry INTEGER NOT NULL REFERENCES registry ON DELETE CASCADE,
    block INTEGER NOT NULL,
    agent INTEGER NOT NULL REFERENCES agent ON DELETE CASCADE,
    owner BLOB NOT NULL,
    wallet BLOB,
    uri TEXT NOT NULL,
    items INTEGER NOT NULL,
    revoked INTEGER NOT NULL,
    PRIMARY KEY (registry, block, agent)
) STRICT, WITHOUT ROWID;
CREATE INDEX journal_agent ON journal (agent);

CREATE TABLE metadata_past (
    agent INTEGER NOT NULL REFERENCES agent ON DELETE CASCADE,
    key TEXT NOT NULL,
    block INTEGER NOT NULL,
    value BLOB,
    value_block INTEGER,
    PRIMARY KEY (agent, key, block)
) STRICT, WITHOUT ROWID;

CREATE TABLE described (
    agent INTEGER PRIMARY KEY REFERENCES agent ON DELETE CASCADE,
    asked_ms INTEGER NOT NULL,
    live_ms INTEGER,
    failures INTEGER NOT NULL,
    problem TEXT,
    active INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    card_url TEXT NOT NULL
) STRICT;

CREATE TABLE offer (
    agent INTEGER NOT NULL REFERENCES agent ON DELETE CASCADE,
    skill TEXT NOT NULL,
    name TEXT NOT NULL,
    price BLOB,
    asset_chain INTEGER,
    asset BLOB,
    PRIMARY KEY (agent, skill)
) STRICT, WITHOUT ROWID;
CREATE INDEX offer_skill ON offer (skill, price);

CREATE TABLE offer_tag (
    tag TEXT NOT NULL,
    agent INTEGER NOT NULL REFERENCES agent ON DELETE CASCADE,
    skill TEXT NOT NULL,
    PRIMARY KEY (tag, agent, skill)
) STRICT, WITHOUT ROWID;
CREATE INDEX offer_tag_agent ON offer_tag (agent, skill);

CREATE VIRTUAL TABLE words USING fts5 (
    name, description, skills,
    content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2'
);
"];
