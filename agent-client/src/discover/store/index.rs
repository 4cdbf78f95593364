//! The file, and what is asked of it.

use std::path::Path;

use agent_core::money::Network;
use agent_core::trust::{AgentId, AgentRegistryId, FeedbackEvent, FeedbackValue, GlobalAgentId};
use alloy_primitives::{Address, B256};
use rusqlite::{Connection, OptionalExtension, params};

use super::super::RegistryConfig;
use super::error::IndexError;
use super::limits;
use super::number::{int, read_address, read_hash, read_uint, read_wallet, read_word, word};
use super::schema::MIGRATIONS;
use crate::sqlite::{Durability, GroupCommit, JobError, OpenError, StoreOptions};

/// The discovery index: registries of any number of chains in one SQLite file.
///
/// Reading it asks no node and no server. What it holds is as of [`RegistryStatus::next_block`],
/// and each answer says so.
///
/// # What is not guaranteed
///
/// One process owns the file at a time. What a node hides consistently, and what it invents
/// consistently, is in the index as missing or as true; [`RegistryStatus::gaps`] counts the places
/// where the registries' own rules show that something is missing. Whoever is about to pay asks
/// the chain itself.
#[derive(Clone, Debug)]
pub struct IndexStore {
    pub(super) store: GroupCommit<()>,
}

/// A registry in the index, and how far it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryStatus {
    /// The registry.
    pub registry: AgentRegistryId,
    /// Its reputation registry.
    pub reputation: Address,
    /// Where reading began.
    pub from_block: u64,
    /// The first block that was not read.
    pub next_block: u64,
    /// The first block that a reorganisation could still take back.
    pub firm_next: u64,
    /// The node's head at the last look that got through.
    pub head: Option<u64>,
    /// That block's time, in Unix seconds.
    pub head_time: Option<u64>,
    /// When everything up to the head was last read, in Unix milliseconds.
    pub read_ms: Option<u64>,
    /// Agents.
    pub agents: u64,
    /// Places where an event must have been that the node did not give.
    pub gaps: u64,
    /// Times that one of the contracts was replaced by another version.
    pub upgrades: u64,
}

impl RegistryStatus {
    /// Milliseconds since everything was read; `None` if it never was.
    #[must_use]
    pub fn staleness_ms(&self, now_unix_millis: u64) -> Option<u64> {
        self.read_ms
            .map(|read| now_unix_millis.saturating_sub(read))
    }
}

/// An agent as its events tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedAgent {
    /// Who it is.
    pub agent: GlobalAgentId,
    /// Who owns its token.
    pub owner: Address,
    /// The wallet it registered, if it has one.
    pub wallet: Option<Address>,
    /// Where its file is; empty when there is none, or the URI is too long to keep.
    pub uri: String,
    /// Everyone who ever owned it or was its wallet, in order of address.
    pub insiders: Vec<Address>,
    /// The block it was registered in.
    pub registered_block: u64,
    /// Pieces of feedback it was given, revoked ones included.
    pub feedback_given: u64,
    /// Those that were revoked.
    pub feedback_revoked: u64,
}

/// A piece of feedback as the chain has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedFeedback {
    /// The event.
    pub event: FeedbackEvent,
    /// Its block.
    pub block: u64,
    /// That block's hash when it was read.
    pub block_hash: B256,
    /// Its place in the block.
    pub log_index: u64,
    /// Whether it was taken back.
    pub revoked: bool,
    /// Responses to it.
    pub responses: u64,
}

impl IndexStore {
    /// Opens (or creates) the index at `path`. Blocks on the disk.
    ///
    /// A commit survives the death of the process; power loss may take the last ones, which are
    /// then read from the chain again.
    ///
    /// # Errors
    /// [`OpenError`]; [`OpenError::InUse`] when another process has it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let options = StoreOptions {
            durability: Durability::Relaxed,
            name: "index".to_owned(),
            ..StoreOptions::default()
        };
        let store = GroupCommit::open(path, &options, MIGRATIONS, |conn| {
            conn.pragma_update(None, "cache_size", limits::CACHE_KIBIBYTES.saturating_neg())
        })?;
        Ok(Self { store })
    }

    /// Finishes what is queued and gives the file free.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// Adds a registry, or finds it. Nothing is read yet.
    ///
    /// # Errors
    /// [`IndexError::Registry`] if it is there with another reputation registry or start.
    pub async fn add(&self, chain_id: u64, config: RegistryConfig) -> Result<(), IndexError> {
        let found: (Vec<u8>, i64) = self
            .write(move |tx| {
                let (identity, from) = (config.identity.as_slice(), int(config.from_block));
                tx.execute(
                    "INSERT OR IGNORE INTO registry
                        (chain_id, identity, reputation, from_block, next_block, firm_next)
                     VALUES (?1, ?2, ?3, ?4, ?4, ?4)",
                    params![int(chain_id), identity, config.reputation.as_slice(), from],
                )?;
                tx.query_row(
                    "SELECT reputation, from_block FROM registry
                     WHERE chain_id = ?1 AND identity = ?2",
                    params![int(chain_id), identity],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
            })
            .await?;
        if found == (config.reputation.to_vec(), int(config.from_block)) {
            return Ok(());
        }
        Err(IndexError::Registry(
            "it is in the index with another reputation registry or first block; forget it first",
        ))
    }

    /// Takes a registry out of the index, with all of its agents. Takes seconds for a large one.
    ///
    /// # Errors
    /// [`IndexError::Store`].
    pub async fn forget(&self, registry: AgentRegistryId) -> Result<(), IndexError> {
        self.write(move |tx| {
            let Some(id) = registry_row(tx, registry)? else {
                return Ok(());
            };
            tx.execute(
                "DELETE FROM words WHERE rowid IN (SELECT id FROM agent WHERE registry = ?1)",
                [id],
            )?;
            tx.execute("DELETE FROM registry WHERE id = ?1", [id])?;
            Ok(())
        })
        .await
    }

    /// All registries, and how far each was read.
    ///
    /// # Errors
    /// [`IndexError::Store`].
    pub async fn status(&self) -> Result<Vec<RegistryStatus>, IndexError> {
        self.read(registries).await
    }

    /// One agent; `None` if there is none.
    ///
    /// # Errors
    /// [`IndexError::Store`].
    pub async fn agent(&self, agent: GlobalAgentId) -> Result<Option<IndexedAgent>, IndexError> {
        self.read(move |conn| match agent_row(conn, agent)? {
            Some(row) => read_agent(conn, row, agent).map(Some),
            None => Ok(None),
        })
        .await
    }

    /// The agents whose owner or wallet is `address`, on whatever chain: at most `max`, oldest
    /// first.
    ///
    /// # Errors
    /// [`IndexError::Store`].
    pub async fn agents_of(
        &self,
        address: Address,
        max: usize,
    ) -> Result<Vec<GlobalAgentId>, IndexError> {
        self.read(move |conn| {
            conn.prepare_cached(
                "SELECT r.chain_id, r.identity, a.agent_id FROM agent a
                 JOIN registry r ON r.id = a.registry
                 WHERE a.owner = ?1 OR a.wallet = ?1 ORDER BY a.id LIMIT ?2",
            )?
            .query_map(
                params![address.as_slice(), i64::try_from(max).unwrap_or(i64::MAX)],
                read_id,
            )?
            .collect()
        })
        .await
    }

    /// The feedback on an agent that can be used at all, the newest first: at most `max` items, at
    /// most `of_one` of each client.
    ///
    /// # Errors
    /// [`IndexError::Store`].
    pub async fn feedback(
        &self,
        agent: GlobalAgentId,
        max: usize,
        of_one: usize,
    ) -> Result<Vec<IndexedFeedback>, IndexError> {
        self.read(move |conn| match agent_row(conn, agent)? {
            Some(row) => read_feedback(conn, row, agent, max, of_one),
            None => Ok(Vec::new()),
        })
        .await
    }

    pub(super) async fn read<T, F>(&self, job: F) -> Result<T, IndexError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let done = self
            .store
            .read(|conn, ()| job(conn).map_err(JobError::from));
        done.await.map_err(IndexError::Store)
    }

    pub(super) async fn write<T, F>(&self, job: F) -> Result<T, IndexError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let done = self.store.submit(|tx, ()| job(tx).map_err(JobError::from));
        done.await.map_err(IndexError::Store)
    }
}

pub(super) fn registry_row(
    conn: &Connection,
    registry: AgentRegistryId,
) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT id FROM registry WHERE chain_id = ?1 AND identity = ?2")?
        .query_row(
            params![
                int(registry.network().chain_id),
                registry.address().as_slice()
            ],
            |row| row.get(0),
        )
        .optional()
}

pub(super) fn registries(conn: &Connection) -> rusqlite::Result<Vec<RegistryStatus>> {
    conn.prepare_cached(
        "SELECT chain_id, identity, reputation, from_block, next_block, firm_next, head,
                head_time, read_ms,
                (SELECT count(*) FROM agent WHERE registry = r.id),
                (SELECT count(*) FROM gap WHERE registry = r.id),
                (SELECT count(*) FROM upgrade WHERE registry = r.id)
         FROM registry r ORDER BY chain_id, identity",
    )?
    .query_map([], |row| {
        let maybe = |column| -> rusqlite::Result<Option<u64>> {
            let number: Option<i64> = row.get(column)?;
            Ok(number.map(super::number::uint))
        };
        Ok(RegistryStatus {
            registry: AgentRegistryId::new(
                Network::eip155(read_uint(row, 0)?),
                read_address(row, 1)?,
            ),
            reputation: read_address(row, 2)?,
            from_block: read_uint(row, 3)?,
            next_block: read_uint(row, 4)?,
            firm_next: read_uint(row, 5)?,
            head: maybe(6)?,
            head_time: maybe(7)?,
            read_ms: maybe(8)?,
            agents: read_uint(row, 9)?,
            gaps: read_uint(row, 10)?,
            upgrades: read_uint(row, 11)?,
        })
    })?
    .collect()
}

/// From the columns `chain_id`, `identity` and `agent_id`.
pub(super) fn read_id(row: &rusqlite::Row<'_>) -> rusqlite::Result<GlobalAgentId> {
    let network = Network::eip155(read_uint(row, 0)?);
    let registry = AgentRegistryId::new(network, read_address(row, 1)?);
    Ok(GlobalAgentId::new(registry, AgentId(read_word(row, 2)?)))
}

/// An agent that only other events speak of, and one without an owner, is none.
pub(super) fn agent_row(conn: &Connection, agent: GlobalAgentId) -> rusqlite::Result<Option<i64>> {
    let Some(registry) = registry_row(conn, agent.registry)? else {
        return Ok(None);
    };
    conn.prepare_cached(
        "SELECT id FROM agent WHERE registry = ?1 AND agent_id = ?2 AND owner <> ?3",
    )?
    .query_row(
        params![registry, word(agent.agent_id.0), Address::ZERO.as_slice()],
        |row| row.get(0),
    )
    .optional()
}

fn read_agent(conn: &Connection, row: i64, agent: GlobalAgentId) -> rusqlite::Result<IndexedAgent> {
    let insiders = conn
        .prepare_cached("SELECT address FROM insider WHERE agent = ?1 ORDER BY address")?
        .query_map([row], |row| read_address(row, 0))?
        .collect::<rusqlite::Result<_>>()?;
    conn.prepare_cached(
        "SELECT owner, wallet, uri, first_block, items, revoked FROM agent WHERE id = ?1",
    )?
    .query_row([row], |row| {
        Ok(IndexedAgent {
            agent,
            owner: read_address(row, 0)?,
            wallet: read_wallet(row, 1)?,
            uri: row.get(2)?,
            insiders,
            registered_block: read_uint(row, 3)?,
            feedback_given: read_uint(row, 4)?,
            feedback_revoked: read_uint(row, 5)?,
        })
    })
}

fn read_feedback(
    conn: &Connection,
    row: i64,
    agent: GlobalAgentId,
    max: usize,
    of_one: usize,
) -> rusqlite::Result<Vec<IndexedFeedback>> {
    // The newest of each client by number, then the newest of all.
    let mut newest = conn.prepare_cached(
        "SELECT f.block, f.log_index, client, item, value, decimals, tag1, tag2, endpoint, f.uri,
                f.hash, revoked_block IS NOT NULL, b.hash, b.time,
                (SELECT count(*) FROM response s
                 WHERE s.agent = f.agent AND s.client = f.client AND s.item = f.item)
         FROM feedback f
         JOIN agent a ON a.id = f.agent
         JOIN block b ON b.registry = a.registry AND b.number = f.block
         WHERE f.agent = ?1 AND usable ORDER BY f.block DESC, f.log_index DESC",
    )?;
    let mut rows = newest.query([row])?;
    let mut of_client = std::collections::HashMap::<Address, usize>::new();
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        let client = read_address(row, 2)?;
        let had = of_client.entry(client).or_default();
        if *had >= of_one {
            continue;
        }
        let value = i128::from_be_bytes(row.get(4)?);
        let Ok(value) = FeedbackValue::new(value, row.get(5)?) else {
            continue;
        };
        *had = had.saturating_add(1);
        items.push(IndexedFeedback {
            event: FeedbackEvent {
                agent,
                client,
                index: read_uint(row, 3)?,
                value,
                tag1: row.get(6)?,
                tag2: row.get(7)?,
                endpoint: row.get(8)?,
                uri: row.get(9)?,
                hash: read_hash(row, 10)?,
                block_time: read_uint(row, 13)?,
            },
            block: read_uint(row, 0)?,
            block_hash: read_hash(row, 12)?,
            log_index: read_uint(row, 1)?,
            revoked: row.get(11)?,
            responses: read_uint(row, 14)?,
        });
        if items.len() >= max {
            break;
        }
    }
    Ok(items)
}
