//! What only a developer can do to a chain.

use super::{Chain, ChainError, snapshots::Snapshot};
use crate::limits;
use alloy_primitives::{Address, Bytes, U256};
use revm::state::{AccountInfo, Bytecode};

impl Chain {
    /// Remember this moment. Returning to it later forgets it.
    pub fn snapshot(&mut self) -> u64 {
        let id = self.snapshots.next_id();
        self.snapshots.push(Snapshot {
            id,
            head: self.history.head().number(),
            mark: self.state.mark(),
            pool: self.pool.clone(),
            clock: self.clock.clone(),
        });
        id
    }

    /// Return to a remembered moment. `false` if it is not known, was returned to before, or lies
    /// before the history that is kept; then nothing changes.
    pub fn revert(&mut self, id: u64) -> bool {
        let Some(snapshot) = self.snapshots.take(id) else {
            return false;
        };
        if !self.state.reaches(snapshot.mark) || self.history.oldest().number() > snapshot.head {
            return false;
        }
        self.history.truncate(snapshot.head);
        self.state.revert_to(snapshot.mark);
        self.pool = snapshot.pool;
        self.clock = snapshot.clock;
        true
    }

    /// Drop the newest `depth` blocks: the chain is shorter, and their transactions are gone. State
    /// that was set directly after the block that is the new head is undone too.
    ///
    /// # Errors
    ///
    /// If fewer than `depth` blocks are kept above the oldest.
    pub fn rollback(&mut self, depth: u64) -> Result<(), ChainError> {
        let head = self.history.head().number();
        let most = head.saturating_sub(self.history.oldest().number());
        if depth > most {
            return Err(ChainError::Limit {
                what: "reorganisation",
                max: most,
            });
        }
        let number = head.saturating_sub(depth);
        let mark = self.history.truncate(number);
        self.state.revert_to(mark);
        self.snapshots.forget_after(number, mark);
        Ok(())
    }

    /// Replace the newest `depth` blocks by others without their transactions, as a reorganisation
    /// does that a client must survive. Transactions that wait in the pool are mined on the way.
    ///
    /// # Errors
    ///
    /// If fewer than `depth` blocks are kept above the oldest, or more than may be mined at once.
    pub fn reorg(&mut self, depth: u64) -> Result<(), ChainError> {
        if depth > limits::MAX_MINED_AT_ONCE {
            return Err(ChainError::Limit {
                what: "mining",
                max: limits::MAX_MINED_AT_ONCE,
            });
        }
        self.rollback(depth)?;
        self.mine(depth)
    }

    /// Move the clock forward, and say by how much it is moved in all. The next block shows it.
    ///
    /// # Errors
    ///
    /// If the step is longer than one request may take.
    pub fn increase_time(&mut self, seconds: u64) -> Result<i64, ChainError> {
        if seconds > limits::MAX_TIME_STEP_SECS {
            return Err(ChainError::Limit {
                what: "time travel in seconds",
                max: limits::MAX_TIME_STEP_SECS,
            });
        }
        Ok(self.clock.increase(seconds))
    }

    /// Give the next block exactly this time; later ones follow from there.
    ///
    /// # Errors
    ///
    /// If the time is not later than the latest block's, or too far from it.
    pub fn set_next_block_timestamp(&mut self, time: u64) -> Result<(), ChainError> {
        let latest = self.history.head().header().timestamp;
        if time <= latest {
            return Err(ChainError::TimeNotLater { time, latest });
        }
        if time.saturating_sub(latest) > limits::MAX_TIME_STEP_SECS {
            return Err(ChainError::Limit {
                what: "time travel in seconds",
                max: limits::MAX_TIME_STEP_SECS,
            });
        }
        self.clock.set_next(time);
        Ok(())
    }

    /// Whether each accepted transaction is mined at once. Switching it on mines what waits.
    pub fn set_automine(&mut self, automine: bool) {
        self.automine = automine;
        if automine {
            self.mine_each();
        }
    }

    /// Whether each accepted transaction is mined at once.
    #[must_use]
    pub fn automine(&self) -> bool {
        self.automine
    }

    /// Put code at an address. Its storage, balance and nonce stay.
    ///
    /// # Errors
    ///
    /// If the bytes are a malformed delegation.
    pub fn set_code(&mut self, address: Address, code: Bytes) -> Result<(), ChainError> {
        let code = Bytecode::new_raw_checked(code).map_err(|_| ChainError::InvalidCode)?;
        self.edit(address, |account| {
            account.code_hash = code.hash_slow();
            account.code = Some(code);
        });
        Ok(())
    }

    /// Set a balance in wei.
    pub fn set_balance(&mut self, address: Address, balance: U256) {
        self.edit(address, |account| account.balance = balance);
    }

    /// Set a nonce.
    pub fn set_nonce(&mut self, address: Address, nonce: u64) {
        self.edit(address, |account| account.nonce = nonce);
    }

    /// Set one storage slot.
    pub fn set_storage(&mut self, address: Address, key: U256, value: U256) {
        self.state.put_slot(address, key, value);
    }

    fn edit(&mut self, address: Address, change: impl FnOnce(&mut AccountInfo)) {
        let mut account = self.state.account(address).cloned().unwrap_or_default();
        change(&mut account);
        self.state.put_account(address, Some(account));
    }
}
