//! A node over the made-up chain, reached over loopback, that lies as a test tells it to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use agent_client::chain::{Chain, ChainConfig};
use alloy_primitives::{Address, B256};
use alloy_rpc_types_eth::{Block, Header, Log};
use serde_json::{Value, json};

use super::World;
use crate::call_fake::{Fake, Reply, Seen};

pub const CHAIN_ID: u64 = 7;

/// How the node answers a request for logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    #[default]
    Honest,
    /// Backwards.
    Reordered,
    /// Each log twice, far apart.
    Duplicated,
    /// Every other answer without its last log.
    CutNowAndThen,
    /// Always without the same few logs.
    Hides,
    /// Nothing of the newest so many blocks.
    Lags(u64),
    /// No logs at all.
    Silent,
    /// One log of a contract that was not asked for.
    Foreign,
    /// One log of a block after the last.
    OutOfRange,
    /// One log of a block that is not on the chain.
    OtherBlock,
    /// One log again, in the same place, with other words.
    Contradicts,
    /// One log marked as removed.
    Removed,
    /// One log without its place.
    Placeless,
    /// Refuses more than so many blocks.
    BlocksMax(u64),
    /// Refuses answers with more than so many logs.
    LogsMax(usize),
    /// Gives at most so many logs and says nothing.
    CutsAt(usize),
    /// Closes the connection when asked for more than so many blocks.
    HangsUp(u64),
}

#[derive(Clone)]
pub struct Node {
    pub world: Arc<Mutex<World>>,
    pub manner: Arc<Mutex<Manner>>,
    /// The head that the node admits to, if lower than the true one.
    pub head: Arc<Mutex<Option<u64>>>,
    pub asked: Arc<AtomicU64>,
}

impl Node {
    pub fn new(world: World) -> Self {
        Self {
            world: Arc::new(Mutex::new(world)),
            manner: Arc::default(),
            head: Arc::default(),
            asked: Arc::default(),
        }
    }

    pub fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// A chain client of this node over loopback.
    pub async fn chain(&self) -> Chain {
        let node = self.clone();
        let fake = Fake::start(move |_, seen| node.answer(seen)).await;
        Chain::lazy(&ChainConfig::new(&fake.url, CHAIN_ID)).unwrap()
    }

    fn answer(&self, seen: &Seen) -> Reply {
        let request = seen.json();
        let params = &request["params"];
        match seen.rpc_method().as_str() {
            "eth_chainId" => seen.result(json!(format!("{CHAIN_ID:#x}"))),
            "eth_getBlockByNumber" => seen.result(self.block(&params[0])),
            "eth_getLogs" => self.logs(seen, &params[0]),
            other => panic!("{other} is not asked by an indexer"),
        }
    }

    fn block(&self, tag: &Value) -> Value {
        let world = self.world.lock().unwrap();
        let head = self.head.lock().unwrap().unwrap_or(u64::MAX);
        let head = head.min(world.head().number);
        let number = match tag.as_str().unwrap() {
            "latest" => head,
            hex => number(hex),
        };
        match world.blocks.get(number as usize) {
            Some(block) if number <= head => {
                let mut inner = alloy_consensus::Header::default();
                (inner.number, inner.timestamp) = (number, block.time);
                let header = Header {
                    hash: block.hash,
                    inner,
                    ..Header::default()
                };
                let block: Block = Block::empty(header);
                serde_json::to_value(block).unwrap()
            }
            _ => Value::Null,
        }
    }

    fn logs(&self, seen: &Seen, filter: &Value) -> Reply {
        let from = number(filter["fromBlock"].as_str().unwrap());
        let to = number(filter["toBlock"].as_str().unwrap());
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let (mut logs, head) = {
            let world = self.world.lock().unwrap();
            (world.logs(from, to), world.head().number)
        };
        let refuse = |why: &str| seen.error(json!({"code": -32005, "message": why}));
        let manner = *self.manner.lock().unwrap();
        match manner {
            Manner::Honest => {}
            Manner::Reordered => logs.reverse(),
            Manner::Duplicated => logs.extend(logs.clone()),
            Manner::CutNowAndThen => {
                if asked.is_multiple_of(2) {
                    logs.pop();
                }
            }
            Manner::Hides => logs.retain(|log| log.log_index.unwrap() % 7 != 3),
            Manner::Lags(by) => logs.retain(|log| log.block_number.unwrap() + by <= head),
            Manner::Silent => logs.clear(),
            Manner::Foreign => spoil(&mut logs, |log| log.inner.address = Address::ZERO),
            Manner::OutOfRange => spoil(&mut logs, |log| log.block_number = Some(to + 1)),
            Manner::OtherBlock => {
                let last = logs.last().and_then(|log| log.block_number);
                for log in &mut logs {
                    if log.block_number == last {
                        log.block_hash = Some(B256::repeat_byte(0xee));
                    }
                }
            }
            Manner::Contradicts => {
                if let Some(mut log) = logs.last().cloned() {
                    log.inner.address = super::IDENTITY;
                    log.transaction_hash = Some(B256::repeat_byte(0xdd));
                    logs.push(log);
                }
            }
            Manner::Removed => spoil(&mut logs, |log| log.removed = true),
            Manner::Placeless => spoil(&mut logs, |log| log.log_index = None),
            Manner::BlocksMax(max) if to - from >= max => return refuse("block range too large"),
            Manner::LogsMax(max) if logs.len() > max => return refuse("too many results"),
            Manner::HangsUp(max) if to - from >= max => return Reply::Close,
            Manner::CutsAt(max) => logs.truncate(max),
            Manner::BlocksMax(_) | Manner::LogsMax(_) | Manner::HangsUp(_) => {}
        }
        seen.result(serde_json::to_value(logs).unwrap())
    }
}

fn spoil(logs: &mut [Log], how: impl Fn(&mut Log)) {
    if let Some(log) = logs.last_mut() {
        how(log);
    }
}

fn number(hex: &str) -> u64 {
    u64::from_str_radix(hex.trim_start_matches("0x"), 16).unwrap()
}
