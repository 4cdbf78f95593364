//! From logs to the states of locks.

use super::limits;
use crate::store::{ChannelView, SqliteStore};
use agent_client::chain::Chain;
use agent_client::chain::bindings::IZ402Escrow;
use agent_client::chain::watcher::{Cursor, LogBatch, LogSink, SinkError};
use agent_core::channel::LockState;
use agent_core::json::Json;
use agent_core::ledger::{Ledger, LedgerError};
use agent_core::money::BaseUnits;
use agent_core::voucher::{ChannelId, Lock, Salt};
use alloy_primitives::{Address, B256};
use alloy_rpc_types_eth::Log;
use alloy_sol_types::SolEventInterface;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The note under which the cursor is kept.
const CURSOR: &str = "settle.cursor";

/// Which locks a batch of logs makes us read again.
#[derive(Debug, Default)]
struct Touched {
    locks: BTreeMap<ChannelId, Lock>,
    /// A settlement names no locks, so all that could have been paid are read.
    settled: bool,
}

/// The sink is idempotent: a log is only a reason to read states, and the states are the chain's.
/// So the cursor may be stored after the effects, and logs may come again.
pub(super) struct EscrowSink {
    store: SqliteStore,
    chain: Chain,
    payee: Address,
    tokens: Vec<Address>,
    stored: Option<Cursor>,
}

#[derive(Serialize, Deserialize)]
struct CursorNote {
    block: u64,
    hash: B256,
}

impl LogSink for EscrowSink {
    async fn resume(&mut self) -> Result<Option<Cursor>, SinkError> {
        self.read_all(|_| true).await?;
        let note = self.store.note(CURSOR).await?;
        let note: Option<CursorNote> = note.map(|note| note.parse()).transpose()?;
        self.stored = note.map(|note| Cursor {
            block: note.block,
            hash: note.hash,
        });
        Ok(self.stored)
    }

    async fn deliver(&mut self, batch: LogBatch) -> Result<(), SinkError> {
        let mut touched = Touched::default();
        for log in &batch.logs {
            self.note_touched(log, &mut touched).await?;
        }
        let news = touched.settled || !touched.locks.is_empty();
        self.read(touched.locks.into_iter().collect()).await?;
        if touched.settled {
            self.read_all(could_be_paid).await?;
        }
        let stored = self.stored.map_or(0, |cursor| cursor.block);
        let far = batch.cursor.block.saturating_sub(stored) >= limits::CURSOR_EVERY_BLOCKS;
        if news || far || self.stored.is_none() {
            self.store_cursor(batch.cursor).await?;
        }
        Ok(())
    }

    async fn roll_back(&mut self, block: u64) -> Result<(), SinkError> {
        self.read_all(|_| true).await?;
        if self.stored.is_some_and(|cursor| cursor.block > block) {
            match self.chain.block(block).await? {
                Some(there) => {
                    self.store_cursor(Cursor {
                        block,
                        hash: there.hash,
                    })
                    .await?
                }
                None => return Err("the chain changed while it was rolled back".into()),
            }
        }
        Ok(())
    }
}

impl EscrowSink {
    pub(super) const fn new(
        store: SqliteStore,
        chain: Chain,
        payee: Address,
        tokens: Vec<Address>,
    ) -> Self {
        Self {
            store,
            chain,
            payee,
            tokens,
            stored: None,
        }
    }

    async fn note_touched(&self, log: &Log, touched: &mut Touched) -> Result<(), LedgerError> {
        if log.address() != self.store.domain().contract() {
            return Ok(());
        }
        let Ok(event) = IZ402Escrow::IZ402EscrowEvents::decode_log(&log.inner) else {
            return Ok(());
        };
        match event.data {
            IZ402Escrow::IZ402EscrowEvents::Authorized(event) => {
                let lock = Lock {
                    payer: event.payer,
                    signer: event.signer,
                    payee: event.payee,
                    token: event.token,
                    salt: Salt(event.salt),
                };
                let id = lock.id(self.store.domain());
                if id.0 == event.lockId && self.pays_us(&lock) {
                    touched.locks.insert(id, lock);
                }
            }
            IZ402Escrow::IZ402EscrowEvents::Released(event) if event.payee == self.payee => {
                let known = self.store.channel(ChannelId(event.lockId)).await?;
                let known = known.and_then(|view| Some((view.id, *view.funding.lock()?)));
                touched.locks.extend(known);
            }
            IZ402Escrow::IZ402EscrowEvents::Settled(event) => {
                touched.settled |= event.payee == self.payee;
            }
            _ => {}
        }
        Ok(())
    }

    fn pays_us(&self, lock: &Lock) -> bool {
        lock.payee == self.payee && self.tokens.contains(&lock.token)
    }

    /// Reads every known lock that `wanted` selects, a page at a time.
    async fn read_all(
        &self,
        wanted: impl Fn(&ChannelView) -> bool + Sync,
    ) -> Result<(), SinkError> {
        let mut after = None;
        loop {
            let page = self.store.channels(after, limits::LOCKS_PER_READ).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.id);
            let wanted = page.iter().filter(|view| wanted(view));
            let locks = wanted.filter_map(|view| Some((view.id, *view.funding.lock()?)));
            self.read(locks.collect()).await?;
        }
    }

    async fn read(&self, locks: Vec<(ChannelId, Lock)>) -> Result<(), SinkError> {
        let escrow = self.store.domain().contract();
        for locks in locks.chunks(limits::LOCKS_PER_READ) {
            let ids: Vec<B256> = locks.iter().map(|(id, _)| id.0).collect();
            let states = self.chain.escrow_states(escrow, &ids).await?;
            for ((id, lock), state) in locks.iter().zip(states) {
                self.observe(*id, *lock, &state).await?;
            }
        }
        Ok(())
    }

    async fn observe(
        &self,
        id: ChannelId,
        lock: Lock,
        state: &IZ402Escrow::LockState,
    ) -> Result<(), LedgerError> {
        let state = LockState {
            authorized: BaseUnits::new(state.authorized.to::<u128>()),
            claimed: BaseUnits::new(state.claimed.to::<u128>()),
            deadline_unix_secs: state.deadline.to::<u64>(),
        };
        match self.store.observe(lock.into(), state).await {
            Ok(_) => Ok(()),
            // The ledger has stopped this channel; the others go on.
            Err(LedgerError::Broken(why)) => {
                tracing::error!(channel = %id, %why, "the chain and the books disagree");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn store_cursor(&mut self, cursor: Cursor) -> Result<(), SinkError> {
        let note = CursorNote {
            block: cursor.block,
            hash: cursor.hash,
        };
        self.store
            .set_note(CURSOR, Some(Json::from_value(&note)?))
            .await?;
        self.stored = Some(cursor);
        Ok(())
    }
}

/// Whether somebody who holds its voucher could have claimed from this lock since we last looked.
fn could_be_paid(view: &ChannelView) -> bool {
    view.channel.signed > view.channel.claimed && view.authorized_on_chain > view.channel.claimed
}
