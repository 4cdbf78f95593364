//! The escrow as its interface describes it, in memory, with moods.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    time::Duration,
};

use agent_client::{
    chain::bindings::ReceiveWithAuthorization,
    wallet::{
        EscrowError, EscrowPort, OpenRequest, OpenedLock, ReleasedLock, opening_nonce,
        receive_digest,
    },
};
use agent_core::{
    channel::LockState,
    ledger::BoxFuture,
    voucher::{ChannelId, Lock, recover_signer},
};
use alloy_primitives::{B256, U256};

use super::{ESCROW, NOW, asset, domain, units};

/// How the chain treats the next opening.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Works,
    /// Refuses for good.
    Refuses,
    /// Finds out beforehand that it would be refused.
    WouldRefuse,
    /// Does not get the request.
    LosesRequest,
    /// Does it, and the answer is lost.
    LosesAnswer,
    /// Never answers.
    Hangs,
}

/// The escrow as its interface describes it, in memory.
#[derive(Debug, Default)]
pub struct FakeEscrow(Mutex<OnChain>);

#[derive(Debug, Default)]
pub struct OnChain {
    pub locks: BTreeMap<ChannelId, LockState>,
    pub nonces: BTreeSet<B256>,
    pub requests: Vec<OpenRequest>,
    pub mood: Mood,
    pub now: Option<u64>,
}

impl FakeEscrow {
    pub fn with<T>(&self, use_it: impl FnOnce(&mut OnChain) -> T) -> T {
        use_it(&mut self.0.lock().expect("not poisoned"))
    }

    pub fn mood(&self, mood: Mood) {
        self.with(|chain| chain.mood = mood);
    }

    pub fn openings(&self) -> usize {
        self.with(|chain| chain.nonces.len())
    }

    pub fn state(&self, id: ChannelId) -> LockState {
        let none = LockState {
            authorized: units(0),
            claimed: units(0),
            deadline_unix_secs: 0,
        };
        self.with(|chain| chain.locks.get(&id).copied().unwrap_or(none))
    }

    pub fn claim(&self, id: ChannelId, claimed: u128) {
        self.with(|chain| {
            let lock = chain.locks.get_mut(&id).expect("a lock");
            assert!(
                units(claimed) <= lock.authorized,
                "claims stay within the lock"
            );
            lock.claimed = lock.claimed.max(units(claimed));
        });
    }

    pub fn release_early(&self, id: ChannelId, amount: u128) {
        self.with(|chain| {
            let lock = chain.locks.get_mut(&id).expect("a lock");
            lock.authorized = lock.authorized.minus(units(amount)).expect("enough");
        });
    }
}

impl OnChain {
    /// Checks what the contract and the token check, then does it once.
    fn open3009(&mut self, request: OpenRequest) {
        let OpenRequest {
            lock,
            amount,
            deadline_unix_secs: deadline,
            ..
        } = request;
        assert_eq!(lock.id(&domain()), request.channel_id);
        assert_eq!(
            opening_nonce(request.channel_id, deadline, request.salt),
            request.nonce
        );
        let authorization = ReceiveWithAuthorization {
            from: lock.payer,
            to: ESCROW,
            value: U256::from(amount.get()),
            validAfter: U256::from(request.valid_after),
            validBefore: U256::from(request.valid_before),
            nonce: request.nonce,
        };
        let digest = receive_digest(&asset(), &authorization);
        assert_eq!(recover_signer(digest, &request.signature), Some(lock.payer));
        if !self.nonces.insert(request.nonce) {
            return;
        }
        let state = self.locks.entry(request.channel_id).or_insert(LockState {
            authorized: units(0),
            claimed: units(0),
            deadline_unix_secs: 0,
        });
        assert!(deadline >= state.deadline_unix_secs, "DeadlineShortened");
        state.authorized = state.authorized.plus(amount).expect("fits");
        state.deadline_unix_secs = deadline;
    }
}

impl EscrowPort for FakeEscrow {
    fn open(&self, request: OpenRequest) -> BoxFuture<'_, Result<OpenedLock, EscrowError>> {
        Box::pin(async move {
            let mood = self.with(|chain| {
                chain.requests.push(request);
                chain.mood
            });
            // Others get a turn, as with a real chain.
            tokio::time::sleep(Duration::from_millis(2)).await;
            match mood {
                Mood::Refuses => return Err(EscrowError::Refused("no balance".into())),
                Mood::WouldRefuse => return Err(EscrowError::NeverSent("no balance".into())),
                Mood::LosesRequest => return Err(EscrowError::Unavailable("lost".into())),
                Mood::Hangs => std::future::pending().await,
                Mood::Works | Mood::LosesAnswer => self.with(|chain| chain.open3009(request)),
            }
            if mood == Mood::LosesAnswer {
                return Err(EscrowError::Unavailable("timed out".into()));
            }
            Ok(OpenedLock {
                transaction: Some(B256::repeat_byte(7)),
            })
        })
    }

    fn state_of(&self, id: ChannelId) -> BoxFuture<'_, Result<LockState, EscrowError>> {
        Box::pin(async move { Ok(self.state(id)) })
    }

    fn release(&self, lock: Lock) -> BoxFuture<'_, Result<ReleasedLock, EscrowError>> {
        Box::pin(async move {
            let now = self.with(|chain| chain.now).unwrap_or(NOW);
            let id = lock.id(&domain());
            let state = self.state(id);
            if now <= state.deadline_unix_secs {
                return Err(EscrowError::Refused("DeadlineNotReached".into()));
            }
            let amount = state.authorized.minus(state.claimed).expect("C <= A");
            if amount.is_zero() {
                return Err(EscrowError::Refused("NothingLocked".into()));
            }
            self.with(|chain| {
                chain
                    .locks
                    .entry(id)
                    .and_modify(|lock| lock.authorized = lock.claimed);
            });
            Ok(ReleasedLock { transaction: None })
        })
    }
}
