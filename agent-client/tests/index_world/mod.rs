//! A made-up chain with the two registries on it: deterministic, honest, and quick to fork.
//!
//! The parent module brings `bindings` (of the registries) into scope.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, LogData, U256, keccak256};
use alloy_rpc_types_eth::Log;
use alloy_sol_types::SolEvent;

use super::bindings::IIdentityRegistry::{MetadataSet, Registered, Transfer, URIUpdated};
use super::bindings::IReputationRegistry::{FeedbackRevoked, NewFeedback, ResponseAppended};

pub const IDENTITY: Address = Address::repeat_byte(0x81);
pub const REPUTATION: Address = Address::repeat_byte(0x82);

#[derive(Clone, Debug)]
pub struct MadeBlock {
    pub number: u64,
    pub hash: B256,
    pub time: u64,
    pub logs: Vec<Log>,
}

#[derive(Clone, Debug, Default)]
struct MadeAgent {
    owner: Address,
    given: BTreeMap<Address, u64>,
    standing: Vec<(Address, u64)>,
}

#[derive(Clone, Debug)]
pub struct World {
    pub blocks: Vec<MadeBlock>,
    states: Vec<Vec<MadeAgent>>,
    agents: Vec<MadeAgent>,
    random: u64,
    txs_max: u64,
}

impl World {
    /// A chain of `blocks` blocks with up to `txs_max` transactions in each.
    pub fn new(seed: u64, blocks: u64, txs_max: u64) -> Self {
        let mut world = Self {
            blocks: Vec::new(),
            states: Vec::new(),
            agents: Vec::new(),
            random: seed,
            txs_max,
        };
        world.grow(blocks);
        world
    }

    pub fn head(&self) -> &MadeBlock {
        self.blocks.last().unwrap()
    }

    pub fn agents(&self) -> u64 {
        self.agents.len() as u64
    }

    pub fn grow(&mut self, blocks: u64) {
        for _ in 0..blocks {
            self.block();
        }
    }

    /// The same chain up to `depth` blocks below the head, and others from there on: one more.
    pub fn forked(&self, depth: u64, salt: u64) -> Self {
        let kept = self.blocks.len() - usize::try_from(depth).unwrap();
        let mut fork = self.clone();
        fork.blocks.truncate(kept);
        fork.states.truncate(kept);
        fork.agents = fork.states.last().cloned().unwrap_or_default();
        fork.random ^= salt.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        fork.grow(depth + 1);
        fork
    }

    pub fn logs(&self, from: u64, to: u64) -> Vec<Log> {
        self.blocks
            .iter()
            .filter(|block| (from..=to).contains(&block.number))
            .flat_map(|block| block.logs.clone())
            .collect()
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below.max(1)
    }

    fn person(&mut self) -> Address {
        let who = self.random(12);
        Address::repeat_byte(0x10 + who as u8)
    }

    fn block(&mut self) {
        let number = self.blocks.len() as u64;
        let parent = self.blocks.last().map_or(B256::ZERO, |block| block.hash);
        let salt = self.random(u64::MAX);
        let hash = keccak256([parent.as_slice(), &salt.to_be_bytes()].concat());
        let mut logs = Vec::new();
        let time = 1_000_000 + 2 * number;
        let mut index = self.random(3);
        for tx in 0..self.random(self.txs_max + 1) {
            for (address, data) in self.transaction(number) {
                logs.push(Log {
                    inner: alloy_primitives::Log { address, data },
                    block_hash: Some(hash),
                    block_number: Some(number),
                    block_timestamp: Some(time),
                    transaction_hash: Some(keccak256([hash.as_slice(), &[tx as u8]].concat())),
                    transaction_index: Some(tx * 2),
                    log_index: Some(index),
                    removed: false,
                });
                index += 1;
            }
            index += self.random(4);
        }
        self.blocks.push(MadeBlock {
            number,
            hash,
            time,
            logs,
        });
        self.states.push(self.agents.clone());
    }

    fn transaction(&mut self, number: u64) -> Vec<(Address, LogData)> {
        let kind = self.random(20);
        if self.agents.is_empty() || kind < 4 {
            return self.register(number);
        }
        let id = self.random(self.agents());
        let at = id as usize;
        let agent = U256::from(id);
        match kind {
            4..=5 => {
                let event = URIUpdated {
                    agentId: agent,
                    newURI: format!("https://agent-{id}.example/{number}.json"),
                    updatedBy: self.agents[at].owner,
                };
                vec![(IDENTITY, event.encode_log_data())]
            }
            6 => {
                let (from, to) = (self.agents[at].owner, self.person());
                self.agents[at].owner = to;
                let moved = Transfer {
                    from,
                    to,
                    tokenId: agent,
                };
                vec![
                    (IDENTITY, metadata(agent, "agentWallet", Bytes::new())),
                    (IDENTITY, moved.encode_log_data()),
                ]
            }
            7 => {
                let wallet = self.person();
                let value = Bytes::copy_from_slice(wallet.as_slice());
                vec![(IDENTITY, metadata(agent, "agentWallet", value))]
            }
            8 => {
                let key = format!("key-{}", self.random(3));
                let value = Bytes::from(number.to_be_bytes().to_vec());
                vec![(IDENTITY, metadata(agent, &key, value))]
            }
            9..=10 if !self.agents[at].standing.is_empty() => {
                let which = self.random(self.agents[at].standing.len() as u64) as usize;
                let (client, item) = self.agents[at].standing.swap_remove(which);
                let event = FeedbackRevoked {
                    agentId: agent,
                    clientAddress: client,
                    feedbackIndex: item,
                };
                vec![(REPUTATION, event.encode_log_data())]
            }
            11 if !self.agents[at].standing.is_empty() => {
                let which = self.random(self.agents[at].standing.len() as u64) as usize;
                let (client, item) = self.agents[at].standing[which];
                let event = ResponseAppended {
                    agentId: agent,
                    clientAddress: client,
                    feedbackIndex: item,
                    responder: self.person(),
                    responseURI: "https://answers.example/1".to_owned(),
                    responseHash: B256::ZERO,
                };
                vec![(REPUTATION, event.encode_log_data())]
            }
            _ => self.feedback(id, number),
        }
    }

    fn register(&mut self, number: u64) -> Vec<(Address, LogData)> {
        let (id, owner) = (self.agents(), self.person());
        let agent = U256::from(id);
        self.agents.push(MadeAgent {
            owner,
            ..MadeAgent::default()
        });
        let minted = Transfer {
            from: Address::ZERO,
            to: owner,
            tokenId: agent,
        };
        let registered = Registered {
            agentId: agent,
            agentURI: format!("https://agent-{id}.example/{number}.json"),
            owner,
        };
        let value = Bytes::copy_from_slice(owner.as_slice());
        vec![
            (IDENTITY, minted.encode_log_data()),
            (IDENTITY, registered.encode_log_data()),
            (IDENTITY, metadata(agent, "agentWallet", value)),
        ]
    }

    fn feedback(&mut self, id: u64, number: u64) -> Vec<(Address, LogData)> {
        let client = self.person();
        let agent = &mut self.agents[id as usize];
        let item = agent.given.entry(client).or_default();
        *item += 1;
        let item = *item;
        agent.standing.push((client, item));
        let value = self.random(101);
        let event = NewFeedback {
            agentId: U256::from(id),
            clientAddress: client,
            feedbackIndex: item,
            value: i128::from(value) - 20,
            valueDecimals: 0,
            indexedTag1: keccak256("starred"),
            tag1: "starred".to_owned(),
            tag2: String::new(),
            endpoint: format!("https://agent-{id}.example/a2a"),
            feedbackURI: format!("https://feedback.example/{number}"),
            feedbackHash: B256::repeat_byte(value as u8),
        };
        vec![(REPUTATION, event.encode_log_data())]
    }
}

fn metadata(agent: U256, key: &str, value: Bytes) -> LogData {
    let event = MetadataSet {
        agentId: agent,
        indexedMetadataKey: keccak256(key),
        metadataKey: key.to_owned(),
        metadataValue: value,
    };
    event.encode_log_data()
}
