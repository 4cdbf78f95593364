//! Transactions that wait for a block.

use super::{ChainError, state::State};
use crate::limits;
use alloy_consensus::{Transaction as _, TxEnvelope, transaction::Recovered};
use alloy_primitives::{Address, B256};
use std::collections::{BTreeMap, HashMap, HashSet};

#[derive(Clone, Debug)]
struct Waiting {
    transaction: Recovered<TxEnvelope>,
    arrival: u64,
}

/// The waiting transactions of every sender, by nonce. Blocks take them in the order of arrival, not
/// of fees.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    senders: HashMap<Address, BTreeMap<u64, Waiting>>,
    hashes: HashMap<B256, (Address, u64)>,
    arrivals: u64,
}

impl Pool {
    pub(super) fn get(&self, hash: B256) -> Option<&Recovered<TxEnvelope>> {
        let (sender, nonce) = self.hashes.get(&hash)?;
        Some(&self.senders.get(sender)?.get(nonce)?.transaction)
    }

    /// Add a transaction, or replace one of the same sender and nonce that pays a tenth less.
    pub(super) fn insert(&mut self, transaction: Recovered<TxEnvelope>) -> Result<(), ChainError> {
        let (sender, nonce) = (transaction.signer(), transaction.nonce());
        let hash = *transaction.tx_hash();
        if self.hashes.contains_key(&hash) {
            return Err(ChainError::AlreadyKnown);
        }
        if let Some(waiting) = self
            .senders
            .get(&sender)
            .and_then(|queue| queue.get(&nonce))
        {
            if !outbids(&transaction, &waiting.transaction) {
                return Err(ChainError::ReplacementUnderpriced);
            }
            self.remove(sender, nonce);
        } else if self.hashes.len() >= limits::MAX_POOL {
            return Err(ChainError::PoolFull);
        }
        self.arrivals = self.arrivals.saturating_add(1);
        let waiting = Waiting {
            transaction,
            arrival: self.arrivals,
        };
        self.senders
            .entry(sender)
            .or_default()
            .insert(nonce, waiting);
        self.hashes.insert(hash, (sender, nonce));
        Ok(())
    }

    pub(super) fn remove(&mut self, sender: Address, nonce: u64) {
        let Some(queue) = self.senders.get_mut(&sender) else {
            return;
        };
        if let Some(waiting) = queue.remove(&nonce) {
            self.hashes.remove(waiting.transaction.tx_hash());
        }
        if queue.is_empty() {
            self.senders.remove(&sender);
        }
    }

    /// Drop what can never be mined any more, because its nonce is used.
    pub(super) fn drop_used(&mut self, sender: Address, next: u64) {
        let Some(queue) = self.senders.get_mut(&sender) else {
            return;
        };
        let usable = queue.split_off(&next);
        let used = std::mem::replace(queue, usable);
        if queue.is_empty() {
            self.senders.remove(&sender);
        }
        for waiting in used.into_values() {
            self.hashes.remove(waiting.transaction.tx_hash());
        }
    }

    /// The nonce after the waiting transactions that follow `next` without a gap.
    pub(super) fn nonce_after(&self, sender: Address, next: u64) -> u64 {
        let Some(queue) = self.senders.get(&sender) else {
            return next;
        };
        let mut nonce = next;
        for waiting in queue.range(next..).map(|(waiting, _)| *waiting) {
            if waiting != nonce {
                break;
            }
            nonce = nonce.saturating_add(1);
        }
        nonce
    }

    /// The transaction that came first among those whose turn it is, without the skipped senders.
    pub(super) fn next_ready(
        &self,
        state: &State,
        skipped: &HashSet<Address>,
    ) -> Option<&Recovered<TxEnvelope>> {
        self.senders
            .iter()
            .filter(|(sender, _)| !skipped.contains(*sender))
            .filter_map(|(sender, queue)| {
                let next = state.account(*sender).map_or(0, |account| account.nonce);
                queue.get(&next)
            })
            .min_by_key(|waiting| waiting.arrival)
            .map(|waiting| &waiting.transaction)
    }

    pub(super) fn len(&self) -> usize {
        self.hashes.len()
    }
}

/// Nodes ask a tenth more of both fee and tip, or anybody could make them relay for free.
fn outbids(new: &TxEnvelope, old: &TxEnvelope) -> bool {
    let enough = |new: u128, old: u128| new >= old.saturating_add(old.div_ceil(10));
    let tip = |tx: &TxEnvelope| {
        tx.max_priority_fee_per_gas()
            .unwrap_or(tx.max_fee_per_gas())
    };
    enough(new.max_fee_per_gas(), old.max_fee_per_gas()) && enough(tip(new), tip(old))
}
