//! Accounts and storage in memory, with a log of what every change replaced.
//!
//! The log is what makes snapshots, reorganisations and questions about past blocks cheap: going back
//! is popping it, looking back is an overlay built from it, and nothing is ever copied whole.

use alloy_primitives::{Address, U256, map::AddressMap};
use revm::state::{Account, AccountInfo, EvmState};
use std::collections::{HashMap, VecDeque};

type Slots = HashMap<U256, U256>;

/// A position in the log of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark(u64);

/// What a change replaced.
#[derive(Clone, Debug)]
enum Replaced {
    Account(Address, Option<AccountInfo>),
    Slot(Address, U256, U256),
    Storage(Address, Slots),
}

/// The world state now, and the way back from it.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    accounts: AddressMap<AccountInfo>,
    storage: AddressMap<Slots>,
    log: VecDeque<Replaced>,
    forgotten: u64,
}

impl State {
    pub(super) fn account(&self, address: Address) -> Option<&AccountInfo> {
        self.accounts.get(&address)
    }

    pub(super) fn slot(&self, address: Address, key: U256) -> U256 {
        self.storage
            .get(&address)
            .and_then(|slots| slots.get(&key))
            .copied()
            .unwrap_or_default()
    }

    /// Apply what a transaction changed.
    pub(super) fn commit(&mut self, changes: EvmState) {
        for (address, account) in changes {
            if account.is_touched() {
                self.commit_account(address, account);
            }
        }
    }

    fn commit_account(&mut self, address: Address, account: Account) {
        if account.is_selfdestructed() || account.is_created() {
            self.clear_storage(address);
        }
        if account.is_selfdestructed() || account.info.is_empty() {
            self.put_account(address, None);
            return;
        }
        for (key, slot) in account.changed_storage_slots() {
            self.put_slot(address, *key, slot.present_value());
        }
        self.put_account(address, Some(account.info));
    }

    /// Replace an account, or remove it.
    pub(super) fn put_account(&mut self, address: Address, account: Option<AccountInfo>) {
        if self.accounts.get(&address) == account.as_ref() {
            return;
        }
        let replaced = self.set_account(address, account);
        self.log.push_back(Replaced::Account(address, replaced));
    }

    /// Replace the value of one storage slot.
    pub(super) fn put_slot(&mut self, address: Address, key: U256, value: U256) {
        let replaced = self.set_slot(address, key, value);
        if replaced != value {
            self.log.push_back(Replaced::Slot(address, key, replaced));
        }
    }

    fn clear_storage(&mut self, address: Address) {
        if let Some(replaced) = self.storage.remove(&address) {
            self.log.push_back(Replaced::Storage(address, replaced));
        }
    }

    fn set_account(
        &mut self,
        address: Address,
        account: Option<AccountInfo>,
    ) -> Option<AccountInfo> {
        match account {
            Some(account) => self.accounts.insert(address, account),
            None => self.accounts.remove(&address),
        }
    }

    fn set_slot(&mut self, address: Address, key: U256, value: U256) -> U256 {
        let slots = self.storage.entry(address).or_default();
        if value.is_zero() {
            slots.remove(&key)
        } else {
            slots.insert(key, value)
        }
        .unwrap_or_default()
    }

    /// Where the log stands now.
    pub(super) fn mark(&self) -> Mark {
        let kept = u64::try_from(self.log.len()).unwrap_or(u64::MAX);
        Mark(self.forgotten.saturating_add(kept))
    }

    /// Whether the way back to `mark` is still known.
    pub(super) fn reaches(&self, mark: Mark) -> bool {
        mark.0 >= self.forgotten && mark <= self.mark()
    }

    /// Undo every change after `mark`.
    pub(super) fn revert_to(&mut self, mark: Mark) {
        while self.mark() > mark {
            match self.log.pop_back() {
                Some(Replaced::Account(address, account)) => {
                    self.set_account(address, account);
                }
                Some(Replaced::Slot(address, key, value)) => {
                    self.set_slot(address, key, value);
                }
                Some(Replaced::Storage(address, slots)) => {
                    self.storage.insert(address, slots);
                }
                None => return,
            }
        }
    }

    /// Forget the way back to before `mark`.
    pub(super) fn forget_before(&mut self, mark: Mark) {
        while self.forgotten < mark.0 && self.log.pop_front().is_some() {
            self.forgotten = self.forgotten.saturating_add(1);
        }
    }

    /// The state now.
    pub(super) fn latest(&self) -> View<'_> {
        View {
            state: self,
            overlay: Overlay::default(),
        }
    }

    /// The state as it was at `mark`; costs as much as what has changed since.
    pub(super) fn at(&self, mark: Mark) -> View<'_> {
        let mut overlay = Overlay::default();
        let newer = usize::try_from(self.mark().0.saturating_sub(mark.0)).unwrap_or(usize::MAX);
        for replaced in self.log.iter().rev().take(newer) {
            overlay.put_back(replaced);
        }
        View {
            state: self,
            overlay,
        }
    }
}

/// Older values that lie over the state of now.
#[derive(Debug, Default)]
struct Overlay {
    accounts: AddressMap<Option<AccountInfo>>,
    storage: AddressMap<Slots>,
    slots: AddressMap<Slots>,
}

impl Overlay {
    // Called from the newest change to the oldest, so a later call wins.
    fn put_back(&mut self, replaced: &Replaced) {
        match replaced {
            Replaced::Account(address, account) => {
                self.accounts.insert(*address, account.clone());
            }
            Replaced::Slot(address, key, value) => {
                self.slots.entry(*address).or_default().insert(*key, *value);
            }
            Replaced::Storage(address, slots) => {
                self.slots.remove(address);
                self.storage.insert(*address, slots.clone());
            }
        }
    }
}

/// The state at one moment, to read.
#[derive(Debug)]
pub(super) struct View<'a> {
    state: &'a State,
    overlay: Overlay,
}

impl View<'_> {
    pub(super) fn account(&self, address: Address) -> Option<&AccountInfo> {
        match self.overlay.accounts.get(&address) {
            Some(account) => account.as_ref(),
            None => self.state.account(address),
        }
    }

    pub(super) fn slot(&self, address: Address, key: U256) -> U256 {
        if let Some(value) = self
            .overlay
            .slots
            .get(&address)
            .and_then(|slots| slots.get(&key))
        {
            return *value;
        }
        match self.overlay.storage.get(&address) {
            Some(slots) => slots.get(&key).copied().unwrap_or_default(),
            None => self.state.slot(address, key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Address = Address::repeat_byte(0xaa);

    fn key(n: u64) -> U256 {
        U256::from(n)
    }

    #[test]
    fn goes_back_and_looks_back() {
        let mut state = State::default();
        state.put_account(A, Some(AccountInfo::from_balance(key(7))));
        state.put_slot(A, key(1), key(10));
        let mark = state.mark();
        state.put_slot(A, key(1), key(11));
        state.clear_storage(A);
        state.put_slot(A, key(2), key(20));
        state.put_account(A, None);

        let then = state.at(mark);
        assert_eq!(then.slot(A, key(1)), key(10));
        assert_eq!(then.slot(A, key(2)), key(0));
        assert_eq!(then.account(A).map(|a| a.balance), Some(key(7)));
        assert_eq!(state.latest().slot(A, key(2)), key(20));
        assert!(state.latest().account(A).is_none());

        state.revert_to(mark);
        assert_eq!(state.slot(A, key(1)), key(10));
        assert_eq!(state.slot(A, key(2)), key(0));
        assert_eq!(state.account(A).map(|a| a.balance), Some(key(7)));
        assert_eq!(state.mark(), mark);
    }

    #[test]
    fn forgets_only_what_it_is_told_to() {
        let mut state = State::default();
        let start = state.mark();
        state.put_slot(A, key(1), key(1));
        let kept = state.mark();
        state.put_slot(A, key(1), key(2));
        state.forget_before(kept);
        assert!(!state.reaches(start));
        assert!(state.reaches(kept));
        assert_eq!(state.at(kept).slot(A, key(1)), key(1));
    }
}
