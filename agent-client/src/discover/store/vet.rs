//! Whether an answer with logs can be true.

use alloy_primitives::B256;
use alloy_rpc_types_eth::Log;

use super::super::RegistryConfig;
use super::error::Lie;
use super::event::{self, Event};

/// The events of one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) number: u64,
    pub(super) hash: B256,
    /// Unix seconds; 0 when the node did not say.
    pub(super) time: u64,
    pub(super) events: Vec<Placed>,
}

/// An event and its place in its block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) log_index: u64,
    pub(super) event: Event,
}

struct Place {
    block: u64,
    index: u64,
    hash: B256,
    tx: B256,
    tx_index: u64,
}

/// The events of an answer, by block and in order.
///
/// Order is restored and repetitions are dropped, as nodes that join several back ends produce
/// both. What cannot be true however it is turned is refused.
pub(super) fn vet(
    config: &RegistryConfig,
    logs: Vec<Log>,
    from: u64,
    to: u64,
) -> Result<Vec<Block>, Lie> {
    let mut placed = Vec::with_capacity(logs.len());
    for log in logs {
        let place = place(&log).ok_or(Lie::NoPlace)?;
        if place.block < from || place.block > to {
            return Err(Lie::OutOfRange);
        }
        placed.push((place, log));
    }
    placed.sort_by_key(|(place, _)| (place.block, place.index));
    let mut blocks: Vec<Block> = Vec::new();
    let mut before: Option<(Place, Log)> = None;
    for (place, log) in placed {
        if let Some((earlier, earlier_log)) = &before
            && earlier.block == place.block
        {
            if earlier.hash != place.hash {
                return Err(Lie::TwoBlocks);
            }
            if earlier.index == place.index {
                if earlier.tx == place.tx && earlier_log.inner == log.inner {
                    continue;
                }
                return Err(Lie::TwoLogs);
            }
            let same_tx = earlier.tx == place.tx;
            if earlier.tx_index > place.tx_index || same_tx != (earlier.tx_index == place.tx_index)
            {
                return Err(Lie::TwoLogs);
            }
        }
        let event = event::read(config, &log).ok_or(Lie::Foreign)?;
        let log_index = place.index;
        match blocks.last_mut() {
            Some(block) if block.number == place.block => {
                block.events.push(Placed { log_index, event });
            }
            _ => blocks.push(Block {
                number: place.block,
                hash: place.hash,
                time: log.block_timestamp.unwrap_or(0),
                events: vec![Placed { log_index, event }],
            }),
        }
        before = Some((place, log));
    }
    Ok(blocks)
}

fn place(log: &Log) -> Option<Place> {
    if log.removed {
        return None;
    }
    Some(Place {
        block: log.block_number?,
        index: log.log_index?,
        hash: log.block_hash?,
        tx: log.transaction_hash?,
        tx_index: log.transaction_index?,
    })
}
