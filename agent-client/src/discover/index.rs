//! What the registries' events add up to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use agent_core::trust::{AgentId, AgentRegistryId, FeedbackEvent, FeedbackValue, GlobalAgentId};
use alloy_primitives::{Address, U256};
use alloy_rpc_types_eth::Log;
use alloy_sol_types::SolEvent;

use super::limits;
use crate::chain::bindings::IIdentityRegistry::{MetadataSet, Registered, Transfer, URIUpdated};
use crate::chain::bindings::IReputationRegistry::{FeedbackRevoked, NewFeedback};

/// The metadata key under which the registry keeps an agent's wallet.
const WALLET_KEY: &str = "agentWallet";

/// One agent as its events tell it.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) owner: Address,
    pub(super) wallet: Option<Address>,
    /// Empty when the agent has none, or one that is too long.
    pub(super) uri: Arc<str>,
    /// Everyone who ever owned the agent or was its wallet: their praise is worth nothing.
    pub(super) insiders: BTreeSet<Address>,
    pub(super) feedback: Vec<Arc<Item>>,
    pub(super) revoked: BTreeSet<(Address, u64)>,
}

/// One piece of feedback and the block it is in.
#[derive(Debug)]
pub(super) struct Item {
    /// Its `block_time` is 0 when the node did not say.
    pub(super) event: FeedbackEvent,
    pub(super) block: u64,
}

/// The agents of one registry, as of the last block that will not change.
#[derive(Debug)]
pub(super) struct Index {
    registry: AgentRegistryId,
    agents: BTreeMap<U256, Record>,
    next: u64,
    uri_bytes: usize,
}

impl Index {
    pub(super) const fn new(registry: AgentRegistryId, from_block: u64) -> Self {
        Self {
            registry,
            agents: BTreeMap::new(),
            next: from_block,
            uri_bytes: 0,
        }
    }

    /// The first block that was not read for good.
    pub(super) const fn next_block(&self) -> u64 {
        self.next
    }

    /// Takes over the events up to and with block `to`.
    pub(super) fn absorb(&mut self, logs: &[Log], to: u64) {
        for log in logs {
            let Some(id) = agent_of(log) else { continue };
            let full = self.agents.len() >= limits::AGENTS_MAX
                || self.uri_bytes >= limits::AGENT_URIS_BYTES_MAX;
            if full && !self.agents.contains_key(&id) {
                continue;
            }
            let record = self.agents.entry(id).or_default();
            let before = record.uri.len();
            apply(record, self.registry, id, log);
            let bytes = self.uri_bytes.saturating_add(record.uri.len());
            self.uri_bytes = bytes.saturating_sub(before);
        }
        self.next = self.next.max(to.saturating_add(1));
    }
}

/// The index with the events after it on top.
#[derive(Debug)]
pub(super) struct View<'a> {
    index: &'a Index,
    changed: BTreeMap<U256, Record>,
}

impl<'a> View<'a> {
    pub(super) fn of(index: &'a Index, tail: Vec<Log>) -> Self {
        let mut changed: BTreeMap<U256, Record> = BTreeMap::new();
        for log in &tail {
            let Some(id) = agent_of(log) else { continue };
            let record = changed
                .entry(id)
                .or_insert_with(|| index.agents.get(&id).cloned().unwrap_or_default());
            apply(record, index.registry, id, log);
        }
        Self { index, changed }
    }

    pub(super) fn get(&self, id: U256) -> Option<&Record> {
        self.changed
            .get(&id)
            .or_else(|| self.index.agents.get(&id))
            .filter(exists)
    }

    /// At most `max` agents, those registered last first.
    pub(super) fn newest(&self, max: usize) -> Vec<(GlobalAgentId, Record)> {
        let ids: BTreeSet<U256> = self
            .index
            .agents
            .keys()
            .chain(self.changed.keys())
            .copied()
            .collect();
        ids.into_iter()
            .rev()
            .filter_map(|id| {
                let agent = GlobalAgentId::new(self.index.registry, AgentId(id));
                self.get(id).map(|record| (agent, record.clone()))
            })
            .take(max)
            .collect()
    }
}

/// An agent that only feedback speaks of is none: a filter by address makes that impossible, but a
/// node may send what it likes.
fn exists(record: &&Record) -> bool {
    !record.owner.is_zero()
}

/// The agent that an event of a registry is about.
fn agent_of(log: &Log) -> Option<U256> {
    let topics = log.topics();
    let place = if *topics.first()? == Transfer::SIGNATURE_HASH {
        3
    } else {
        1
    };
    topics.get(place).map(|topic| U256::from_be_bytes(topic.0))
}

fn apply(record: &mut Record, registry: AgentRegistryId, id: U256, log: &Log) {
    if let Ok(event) = Registered::decode_log(&log.inner) {
        record.owner = event.owner;
        record.insiders.insert(event.owner);
        set_uri(record, &event.agentURI);
    } else if let Ok(event) = URIUpdated::decode_log(&log.inner) {
        set_uri(record, &event.newURI);
    } else if let Ok(event) = Transfer::decode_log(&log.inner) {
        record.owner = event.to;
        record.insiders.insert(event.to);
    } else if let Ok(event) = MetadataSet::decode_log(&log.inner) {
        if event.metadataKey == WALLET_KEY {
            record.wallet = Address::try_from(event.metadataValue.as_ref()).ok();
            record.insiders.extend(record.wallet);
        }
    } else if let Ok(event) = NewFeedback::decode_log(&log.inner) {
        let agent = GlobalAgentId::new(registry, AgentId(id));
        add_feedback(record, agent, event.data, log);
    } else if let Ok(event) = FeedbackRevoked::decode_log(&log.inner) {
        record
            .revoked
            .insert((event.clientAddress, event.feedbackIndex));
        let kept: BTreeSet<_> = record
            .feedback
            .iter()
            .map(|item| (item.event.client, item.event.index))
            .collect();
        record.revoked.retain(|item| kept.contains(item));
    }
}

fn set_uri(record: &mut Record, uri: &str) {
    let fits = uri.len() <= limits::AGENT_URI_BYTES_MAX;
    record.uri = if fits { uri.into() } else { "".into() };
}

fn add_feedback(record: &mut Record, agent: GlobalAgentId, event: NewFeedback, log: &Log) {
    let small = [&event.tag1, &event.tag2, &event.endpoint]
        .iter()
        .all(|text| text.len() <= 1_024);
    if !small || event.feedbackURI.len() > limits::FEEDBACK_URI_BYTES_MAX {
        return;
    }
    let Ok(value) = FeedbackValue::new(event.value, event.valueDecimals) else {
        return;
    };
    let client = event.clientAddress;
    let event = FeedbackEvent {
        agent,
        client,
        index: event.feedbackIndex,
        value,
        tag1: event.tag1,
        tag2: event.tag2,
        endpoint: event.endpoint,
        uri: event.feedbackURI,
        hash: event.feedbackHash,
        block_time: log.block_timestamp.unwrap_or(0),
    };
    let block = log.block_number.unwrap_or(0);
    let of_client = |item: &Arc<Item>| item.event.client == client;
    if record
        .feedback
        .iter()
        .filter(|item| of_client(item))
        .count()
        >= limits::FEEDBACK_PER_REVIEWER_MAX
        && let Some(oldest) = record.feedback.iter().position(of_client)
    {
        record.feedback.remove(oldest);
    }
    record.feedback.push(Arc::new(Item { event, block }));
    if record.feedback.len() > limits::FEEDBACK_PER_AGENT_MAX {
        record.feedback.remove(0);
    }
}
