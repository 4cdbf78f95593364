//! Events into rows, inside one transaction.
//!
//! The registries' rules say what must have come before an event: agents are numbered without
//! holes, a client's feedback to an agent too, only what was given is revoked. An event that breaks
//! such a rule says that another one was not seen. It is kept, and so is the [`Gap`].

use std::collections::{BTreeSet, HashMap};

use alloy_primitives::{Address, U256};
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::describe_rows;
use super::event::{Event, Feedback, Response};
use super::limits;
use super::number::{int, word};
use super::vet::{Block, Placed};

/// A place where an event was not seen that must have been there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) block: u64,
    pub(super) log_index: u64,
    pub(super) code: &'static str,
}

/// Writes the events of one registry.
pub(super) struct Writer<'a> {
    tx: &'a Connection,
    registry: i64,
    /// Whether the blocks can still be undone.
    undoable: bool,
    block: u64,
    log_index: u64,
    agents: HashMap<U256, i64>,
    minted: BTreeSet<U256>,
    gaps: Vec<Gap>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(tx: &'a Connection, registry: i64, undoable: bool) -> Self {
        Self {
            tx,
            registry,
            undoable,
            block: 0,
            log_index: 0,
            agents: HashMap::new(),
            minted: BTreeSet::new(),
            gaps: Vec::new(),
        }
    }

    /// What was found missing.
    pub(super) fn into_gaps(self) -> Vec<Gap> {
        self.gaps
    }

    pub(super) fn block(&mut self, block: &Block) -> Result<()> {
        self.block = block.number;
        self.tx
            .prepare_cached("INSERT OR REPLACE INTO block VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                self.registry,
                int(block.number),
                block.hash.as_slice(),
                int(block.time),
                i64::try_from(block.events.len()).unwrap_or(i64::MAX)
            ])?;
        for Placed { log_index, event } in &block.events {
            self.log_index = *log_index;
            self.event(event)?;
        }
        if !std::mem::take(&mut self.minted).is_empty() {
            self.gap("not_registered");
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Result<()> {
        match event {
            Event::Transferred { agent, from, to } => self.transferred(*agent, *from, *to),
            Event::Registered { agent, owner, uri } => self.registered(*agent, *owner, uri),
            Event::UriSet { agent, uri } => {
                let agent = self.known(*agent)?;
                self.set_uri(agent, uri)
            }
            Event::WalletSet { agent, wallet } => self.wallet_set(*agent, *wallet),
            Event::MetadataSet { agent, key, value } => {
                let agent = self.known(*agent)?;
                self.metadata_set(agent, key, value)
            }
            Event::Feedback(feedback) => self.feedback(feedback),
            Event::Revoked {
                agent,
                client,
                item,
            } => self.revoked(*agent, *client, *item),
            Event::Response(response) => self.response(response),
            Event::Upgraded {
                contract,
                implementation,
            } => self.upgraded(*contract, *implementation),
            Event::Unreadable => {
                self.gap("unreadable");
                Ok(())
            }
        }
    }

    fn transferred(&mut self, id: U256, from: Address, to: Address) -> Result<()> {
        let agent = if from.is_zero() {
            self.minted.insert(id);
            let (agent, new) = self.made(id)?;
            if !new {
                self.gap("minted_twice");
            }
            agent
        } else {
            let agent = self.known(id)?;
            let owner: Vec<u8> = self
                .tx
                .prepare_cached("SELECT owner FROM agent WHERE id = ?1")?
                .query_row([agent], |row| row.get(0))?;
            if owner != from.as_slice() {
                self.gap("other_owner");
            }
            agent
        };
        self.tx
            .prepare_cached("UPDATE agent SET owner = ?2 WHERE id = ?1")?
            .execute(params![agent, to.as_slice()])?;
        self.insider(agent, to)
    }

    fn registered(&mut self, id: U256, owner: Address, uri: &str) -> Result<()> {
        let (agent, _) = self.made(id)?;
        if !self.minted.remove(&id) {
            self.gap("not_minted");
        }
        self.tx
            .prepare_cached("UPDATE agent SET owner = ?2 WHERE id = ?1")?
            .execute(params![agent, owner.as_slice()])?;
        self.insider(agent, owner)?;
        self.set_uri(agent, uri)
    }

    fn wallet_set(&mut self, id: U256, wallet: Option<Address>) -> Result<()> {
        let agent = self.known(id)?;
        self.tx
            .prepare_cached("UPDATE agent SET wallet = ?2 WHERE id = ?1")?
            .execute(params![agent, wallet.as_ref().map(|at| at.as_slice())])?;
        wallet.map_or(Ok(()), |wallet| self.insider(agent, wallet))
    }

    fn metadata_set(&self, agent: i64, key: &str, value: &[u8]) -> Result<()> {
        if key.len() > limits::METADATA_KEY_BYTES_MAX
            || value.len() > limits::METADATA_VALUE_BYTES_MAX
        {
            return Ok(());
        }
        let before: Option<(Vec<u8>, i64)> = self
            .tx
            .prepare_cached("SELECT value, block FROM metadata WHERE agent = ?1 AND key = ?2")?
            .query_row(params![agent, key], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if before.is_none() {
            let keys: i64 = self
                .tx
                .prepare_cached("SELECT count(*) FROM metadata WHERE agent = ?1")?
                .query_row([agent], |row| row.get(0))?;
            if keys >= int(limits::METADATA_KEYS_MAX) {
                return Ok(());
            }
        }
        if self.undoable {
            let (past, past_block) = before.unzip();
            self.tx
                .prepare_cached("INSERT OR IGNORE INTO metadata_past VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![agent, key, int(self.block), past, past_block])?;
        }
        self.tx
            .prepare_cached("INSERT OR REPLACE INTO metadata VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![agent, key, value, int(self.block)])?;
        Ok(())
    }

    fn feedback(&mut self, item: &Feedback) -> Result<()> {
        let agent = self.known(item.agent)?;
        let last: Option<i64> = self
            .tx
            .prepare_cached("SELECT max(item) FROM feedback WHERE agent = ?1 AND client = ?2")?
            .query_row(params![agent, item.client.as_slice()], |row| row.get(0))?;
        if int(item.item) != last.unwrap_or(0).saturating_add(1) {
            self.gap("feedback_missing");
        }
        let kept = self
            .tx
            .prepare_cached(
                "INSERT OR IGNORE INTO feedback
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, NULL)",
            )?
            .execute(params![
                agent,
                int(self.block),
                int(self.log_index),
                item.client.as_slice(),
                int(item.item),
                item.value.to_be_bytes().as_slice(),
                item.decimals,
                item.tag1,
                item.tag2,
                item.endpoint,
                item.uri,
                item.hash.as_slice(),
                item.usable
            ])?;
        if kept > 0 {
            self.tx
                .prepare_cached("UPDATE agent SET items = items + 1 WHERE id = ?1")?
                .execute([agent])?;
        }
        Ok(())
    }

    fn revoked(&mut self, id: U256, client: Address, item: u64) -> Result<()> {
        let agent = self.known(id)?;
        let changed = self
            .tx
            .prepare_cached(
                "UPDATE feedback SET revoked_block = ?4
                 WHERE agent = ?1 AND client = ?2 AND item = ?3 AND revoked_block IS NULL",
            )?
            .execute(params![
                agent,
                client.as_slice(),
                int(item),
                int(self.block)
            ])?;
        if changed == 0 {
            self.gap("revoked_unseen");
            return Ok(());
        }
        self.tx
            .prepare_cached("UPDATE agent SET revoked = revoked + 1 WHERE id = ?1")?
            .execute([agent])?;
        Ok(())
    }

    fn response(&mut self, response: &Response) -> Result<()> {
        let agent = self.known(response.agent)?;
        let item = params![agent, response.client.as_slice(), int(response.item)];
        let (given, answers): (bool, i64) = self
            .tx
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM feedback
                                WHERE agent = ?1 AND client = ?2 AND item = ?3),
                        (SELECT count(*) FROM response
                         WHERE agent = ?1 AND client = ?2 AND item = ?3)",
            )?
            .query_row(item, |row| Ok((row.get(0)?, row.get(1)?)))?;
        if !given {
            self.gap("response_to_unseen");
        }
        if answers >= int(limits::RESPONSES_PER_ITEM_MAX) {
            return Ok(());
        }
        self.tx
            .prepare_cached(
                "INSERT OR IGNORE INTO response VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                agent,
                int(self.block),
                int(self.log_index),
                response.client.as_slice(),
                int(response.item),
                response.responder.as_slice(),
                response.uri,
                response.hash.as_slice()
            ])?;
        Ok(())
    }

    fn upgraded(&self, contract: Address, implementation: Address) -> Result<()> {
        tracing::warn!(%contract, %implementation, "a registry was replaced by another version");
        self.tx
            .prepare_cached("INSERT OR IGNORE INTO upgrade VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                self.registry,
                int(self.block),
                int(self.log_index),
                contract.as_slice(),
                implementation.as_slice()
            ])?;
        Ok(())
    }

    fn set_uri(&self, agent: i64, uri: &str) -> Result<()> {
        self.tx
            .prepare_cached("UPDATE agent SET uri = ?2, due_ms = 0 WHERE id = ?1")?
            .execute(params![agent, uri])?;
        describe_rows::forget(self.tx, agent)
    }

    fn insider(&self, agent: i64, address: Address) -> Result<()> {
        self.tx
            .prepare_cached("INSERT OR IGNORE INTO insider VALUES (?1, ?2, ?3)")?
            .execute(params![agent, address.as_slice(), int(self.block)])?;
        Ok(())
    }

    /// The row of an agent that an event speaks of.
    fn known(&mut self, id: U256) -> Result<i64> {
        if let Some(agent) = self.find(id)? {
            self.remember(agent)?;
            return Ok(agent);
        }
        self.gap("agent_unseen");
        self.insert(id)
    }

    /// The row of an agent that an event makes, and whether it is new.
    fn made(&mut self, id: U256) -> Result<(i64, bool)> {
        if let Some(agent) = self.find(id)? {
            self.remember(agent)?;
            return Ok((agent, false));
        }
        if let Some(before) = id.checked_sub(U256::ONE)
            && self.find(before)?.is_none()
        {
            self.gap("agent_missing");
        }
        Ok((self.insert(id)?, true))
    }

    fn find(&mut self, id: U256) -> Result<Option<i64>> {
        if let Some(agent) = self.agents.get(&id) {
            return Ok(Some(*agent));
        }
        let found: Option<i64> = self
            .tx
            .prepare_cached("SELECT id FROM agent WHERE registry = ?1 AND agent_id = ?2")?
            .query_row(params![self.registry, word(id)], |row| row.get(0))
            .optional()?;
        self.agents.extend(found.map(|agent| (id, agent)));
        Ok(found)
    }

    fn insert(&mut self, id: U256) -> Result<i64> {
        self.tx
            .prepare_cached(
                "INSERT INTO agent (registry, agent_id, owner, uri, first_block)
                 VALUES (?1, ?2, ?3, '', ?4)",
            )?
            .execute(params![
                self.registry,
                word(id),
                Address::ZERO.as_slice(),
                int(self.block)
            ])?;
        let agent = self.tx.last_insert_rowid();
        self.agents.insert(id, agent);
        self.remember(agent)?;
        Ok(agent)
    }

    /// Keeps what the agent was before this block.
    fn remember(&self, agent: i64) -> Result<()> {
        if self.undoable {
            self.tx
                .prepare_cached(
                    "INSERT OR IGNORE INTO journal
                     SELECT ?1, ?2, id, owner, wallet, uri, items, revoked
                     FROM agent WHERE id = ?3",
                )?
                .execute(params![self.registry, int(self.block), agent])?;
        }
        Ok(())
    }

    fn gap(&mut self, code: &'static str) {
        self.gaps.push(Gap {
            block: self.block,
            log_index: self.log_index,
            code,
        });
    }
}

/// Keeps what was found missing, as far as it is worth keeping.
pub(super) fn keep_gaps(tx: &Connection, registry: i64, gaps: &[Gap]) -> Result<()> {
    let kept: i64 = tx.query_row(
        "SELECT count(*) FROM gap WHERE registry = ?1",
        [registry],
        |row| row.get(0),
    )?;
    let room = int(limits::GAPS_MAX).saturating_sub(kept);
    let room = usize::try_from(room).unwrap_or(0);
    for gap in gaps.iter().take(room) {
        tx.prepare_cached("INSERT OR IGNORE INTO gap VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![
                registry,
                int(gap.block),
                int(gap.log_index),
                gap.code
            ])?;
    }
    Ok(())
}
