//! What the channels' contract must do, in a few lines.

use std::collections::BTreeMap;

use agent_tests::world::Refusal;
use alloy_primitives::Address;

use crate::bind::IX402BatchSettlement as batch;
use crate::stage::DELAY;

pub(crate) type ChannelNo = usize;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Channel {
    pub(crate) balance: u128,
    pub(crate) claimed: u128,
    pub(crate) nonce: u64,
    /// How much, and since when.
    pub(crate) notice: (u128, u64),
    /// The highest ceiling that its payer's side ever signed.
    pub(crate) signed: u128,
}

/// A row of a claim.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) channel: ChannelNo,
    pub(crate) ceiling: u128,
    pub(crate) total: u128,
    /// Whether the payer's side signed it.
    pub(crate) valid: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Model {
    /// Payer and receiver of each channel.
    pub(crate) parties: Vec<(Address, Address)>,
    pub(crate) channels: Vec<Channel>,
    /// What was booked for a receiver, and what of it was paid.
    pub(crate) receivers: BTreeMap<Address, (u128, u128)>,
    pub(crate) wallets: BTreeMap<Address, u128>,
}

impl Model {
    /// What the contract must hold.
    pub(crate) fn owed(&self) -> u128 {
        let unclaimed: u128 = self.channels.iter().map(|of| of.balance - of.claimed).sum();
        let unpaid: u128 = self.receivers.values().map(|of| of.0 - of.1).sum();
        unclaimed + unpaid
    }

    fn pay(&mut self, to: Address, amount: u128) {
        *self.wallets.entry(to).or_default() += amount;
    }

    pub(crate) fn deposit(&mut self, no: ChannelNo, amount: u128) -> Result<(), Refusal> {
        if amount == 0 {
            return Err(Refusal::of(&batch::ZeroDeposit {}));
        }
        let payer = self.parties[no].0;
        let has = self.wallets.get_mut(&payer).unwrap();
        if *has < amount {
            return Err(Refusal::text("ERC20: transfer amount exceeds balance"));
        }
        *has -= amount;
        self.channels[no].balance += amount;
        Ok(())
    }

    pub(crate) fn claim(&mut self, rows: &[Row]) -> Result<(), Refusal> {
        if rows.is_empty() {
            return Err(Refusal::of(&batch::EmptyBatch {}));
        }
        for row in rows {
            let channel = &mut self.channels[row.channel];
            if row.total <= channel.claimed {
                continue;
            }
            if row.total > row.ceiling {
                return Err(Refusal::of(&batch::ClaimExceedsCeiling {}));
            }
            if row.total > channel.balance {
                return Err(Refusal::of(&batch::ClaimExceedsBalance {}));
            }
            if !row.valid {
                return Err(Refusal::of(&batch::InvalidSignature {}));
            }
            let receiver = self.parties[row.channel].1;
            self.receivers.entry(receiver).or_default().0 += row.total - channel.claimed;
            channel.claimed = row.total;
            channel.signed = channel.signed.max(row.ceiling);
        }
        Ok(())
    }

    pub(crate) fn settle(&mut self, receiver: Address) {
        let state = self.receivers.entry(receiver).or_default();
        let amount = state.0 - state.1;
        state.1 = state.0;
        self.pay(receiver, amount);
    }

    pub(crate) fn initiate(
        &mut self,
        no: ChannelNo,
        amount: u128,
        now: u64,
    ) -> Result<(), Refusal> {
        let channel = &mut self.channels[no];
        if amount == 0 {
            return Err(Refusal::of(&batch::NothingToWithdraw {}));
        }
        if channel.notice.1 != 0 {
            return Err(Refusal::of(&batch::WithdrawalAlreadyPending {}));
        }
        if amount > channel.balance - channel.claimed {
            return Err(Refusal::of(&batch::WithdrawAmountExceedsAvailable {}));
        }
        channel.notice = (amount, now);
        Ok(())
    }

    pub(crate) fn finalize(&mut self, no: ChannelNo, now: u64) -> Result<(), Refusal> {
        let channel = &mut self.channels[no];
        let (asked, since) = channel.notice;
        if since == 0 {
            return Err(Refusal::of(&batch::WithdrawalNotPending {}));
        }
        if now < since + DELAY {
            return Err(Refusal::of(&batch::WithdrawDelayNotElapsed {}));
        }
        let amount = asked.min(channel.balance - channel.claimed);
        channel.balance -= amount;
        channel.notice = (0, 0);
        self.pay(self.parties[no].0, amount);
        Ok(())
    }

    pub(crate) fn refund(&mut self, no: ChannelNo, asked: u128) -> Result<(), Refusal> {
        if asked == 0 {
            return Err(Refusal::of(&batch::ZeroRefund {}));
        }
        let channel = &mut self.channels[no];
        channel.nonce += 1;
        let amount = asked.min(channel.balance - channel.claimed);
        channel.balance -= amount;
        if channel.notice.1 != 0 && amount > 0 {
            let left = channel.notice.0.saturating_sub(amount);
            channel.notice = if left == 0 {
                (0, 0)
            } else {
                (left, channel.notice.1)
            };
        }
        self.pay(self.parties[no].0, amount);
        Ok(())
    }
}
