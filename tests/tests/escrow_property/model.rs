//! What the escrow does, in numbers.

use std::collections::{BTreeMap, BTreeSet};

use agent_client::chain::bindings::IZ402Escrow as escrow;
use agent_devnet::CONTRACTS;
use agent_tests::world::Refusal;
use alloy_primitives::Address;

pub(crate) const MIN_LOCK_SECS: u64 = 900;
pub(crate) const MAX_LOCK_SECS: u64 = 366 * 86_400;

/// Index of a lock in the test's list.
pub(crate) type LockNo = usize;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) authorized: u128,
    pub(crate) claimed: u128,
    pub(crate) deadline: u64,
}

/// Who is who in a lock, as far as money is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parties {
    pub(crate) payer: Address,
    pub(crate) payee: Address,
    pub(crate) token: Address,
}

/// A row of a batch: `valid` says whether the voucher is the signer's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) lock: LockNo,
    pub(crate) ceiling: u128,
    pub(crate) claim: u128,
    pub(crate) valid: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) parties: Vec<Parties>,
    pub(crate) locks: Vec<Held>,
    /// By payer and token.
    pub(crate) vaults: BTreeMap<(Address, Address), u128>,
    /// Token balances, by token and owner.
    pub(crate) wallets: BTreeMap<(Address, Address), u128>,
    /// What the escrow has of each token. With an honest one, what it owes.
    pub(crate) holds: BTreeMap<Address, u128>,
    /// Whom the strange token refuses.
    pub(crate) blocked: BTreeSet<(Address, Address)>,
    /// What the escrow lost of a token by no doing of its own.
    pub(crate) lost: BTreeMap<Address, u128>,
}

type Step = Result<u128, Refusal>;

impl Model {
    /// What the escrow must hold of a token.
    pub(crate) fn owed(&self, token: Address) -> u128 {
        let vaults = self.vaults.iter().filter(|((_, of), _)| *of == token);
        let locks = self.parties.iter().zip(&self.locks);
        vaults.map(|(_, amount)| amount).sum::<u128>()
            + locks
                .filter(|(parties, _)| parties.token == token)
                .map(|(_, held)| held.authorized - held.claimed)
                .sum::<u128>()
    }

    fn stuck(&self, token: Address, owner: Address) -> bool {
        [owner, CONTRACTS.escrow]
            .iter()
            .any(|who| self.blocked.contains(&(token, *who)))
    }

    fn move_in(&mut self, owner: Address, token: Address, amount: u128) -> Result<(), Refusal> {
        let failed = || Refusal::of(&escrow::TransferFailed {});
        if self.stuck(token, owner) {
            return Err(failed());
        }
        let wallet = self.wallets.entry((token, owner)).or_default();
        *wallet = wallet.checked_sub(amount).ok_or_else(failed)?;
        *self.holds.entry(token).or_default() += amount;
        Ok(())
    }

    fn move_out(&mut self, owner: Address, token: Address, amount: u128) -> Result<(), Refusal> {
        let failed = || Refusal::of(&escrow::TransferFailed {});
        if self.stuck(token, owner) {
            return Err(failed());
        }
        let holds = self.holds.entry(token).or_default();
        *holds = holds.checked_sub(amount).ok_or_else(failed)?;
        *self.wallets.entry((token, owner)).or_default() += amount;
        Ok(())
    }

    pub(crate) fn deposit(&mut self, payer: Address, token: Address, amount: u128) -> Step {
        nonzero(amount)?;
        self.move_in(payer, token, amount)?;
        *self.vaults.entry((payer, token)).or_default() += amount;
        Ok(0)
    }

    pub(crate) fn withdraw(
        &mut self,
        payer: Address,
        token: Address,
        amount: u128,
        to: Address,
    ) -> Step {
        nonzero(amount)?;
        self.debit(payer, token, amount)?;
        self.move_out(to, token, amount)?;
        Ok(0)
    }

    fn debit(&mut self, payer: Address, token: Address, amount: u128) -> Result<(), Refusal> {
        let vault = self.vaults.entry((payer, token)).or_default();
        let short = Refusal::of(&escrow::InsufficientVault {});
        *vault = vault.checked_sub(amount).ok_or(short)?;
        Ok(())
    }

    fn fund(&mut self, lock: LockNo, amount: u128, deadline: u64, now: u64) -> Result<(), Refusal> {
        nonzero(amount)?;
        let held = &mut self.locks[lock];
        if deadline < held.deadline {
            return Err(Refusal::of(&escrow::DeadlineShortened {}));
        }
        if deadline > held.deadline || deadline == 0 {
            if deadline < now + MIN_LOCK_SECS {
                return Err(Refusal::of(&escrow::DeadlineTooSoon {}));
            }
            if deadline > now + MAX_LOCK_SECS {
                return Err(Refusal::of(&escrow::DeadlineTooFar {}));
            }
        }
        held.authorized += amount;
        held.deadline = deadline;
        Ok(())
    }

    /// `open3009`, or `authorize` if the money comes from the vault.
    pub(crate) fn open(
        &mut self,
        from_vault: bool,
        lock: LockNo,
        amount: u128,
        deadline: u64,
        now: u64,
    ) -> Step {
        let Parties { payer, token, .. } = self.parties[lock];
        self.fund(lock, amount, deadline, now)?;
        if from_vault {
            self.debit(payer, token, amount)?;
        } else {
            self.move_in(payer, token, amount)?;
        }
        Ok(0)
    }

    pub(crate) fn settle(&mut self, payee: Address, token: Address, rows: &[Row]) -> Step {
        if rows.is_empty() {
            return Err(Refusal::of(&escrow::BadRows {}));
        }
        let mut paid = 0;
        for (at, row) in rows.iter().enumerate() {
            let at = alloy_primitives::U256::from(at);
            let parties = self.parties[row.lock];
            let held = &mut self.locks[row.lock];
            // A row for another payee or token names a lock that was never funded.
            let ours = parties.payee == payee && parties.token == token;
            if !ours || row.claim <= held.claimed || held.authorized == held.claimed {
                continue;
            }
            if row.claim > row.ceiling {
                return Err(Refusal::of(&escrow::ClaimExceedsCeiling { row: at }));
            }
            if row.claim > held.authorized {
                return Err(Refusal::of(&escrow::ClaimExceedsAuthorized { row: at }));
            }
            if !row.valid {
                return Err(Refusal::of(&escrow::BadVoucher { row: at }));
            }
            paid += row.claim - held.claimed;
            held.claimed = row.claim;
        }
        if paid > 0 {
            self.move_out(payee, token, paid)?;
        }
        Ok(paid)
    }

    /// What is left, after the deadline.
    pub(crate) fn release(&mut self, lock: LockNo, now: u64) -> Step {
        let held = self.locks[lock];
        if held.authorized == held.claimed {
            return Err(Refusal::of(&escrow::NothingLocked {}));
        }
        if now <= held.deadline {
            return Err(Refusal::of(&escrow::DeadlineNotReached {}));
        }
        self.give_back(lock, u128::MAX)
    }

    /// Up to `amount`, with the payee's consent.
    pub(crate) fn give_back(&mut self, lock: LockNo, amount: u128) -> Step {
        nonzero(amount)?;
        let held = &mut self.locks[lock];
        let left = held.authorized - held.claimed;
        if left == 0 {
            return Err(Refusal::of(&escrow::NothingLocked {}));
        }
        let released = amount.min(left);
        held.authorized -= released;
        let Parties { payer, token, .. } = self.parties[lock];
        self.move_out(payer, token, released)?;
        Ok(released)
    }
}

fn nonzero(amount: u128) -> Result<(), Refusal> {
    if amount == 0 {
        return Err(Refusal::of(&escrow::ZeroAmount {}));
    }
    Ok(())
}
