//! How every history begins and ends.

use agent_devnet::CONTRACTS;
use agent_tests::{tokens::ITestToken, world::account};
use alloy_primitives::U256;

use crate::{
    drive::{Pair, token},
    histories::take,
    model::MAX_LOCK_SECS,
    steps::{Blockable, LOCKS, Opening, PAYERS, Step, TOKENS},
};

/// Money in every vault and in all locks but two, so that most of what comes then can succeed.
pub(crate) fn furnish() -> impl Iterator<Item = Step> {
    let vaults = (0..PAYERS).flat_map(|payer| (0..TOKENS).map(move |token| (payer, token)));
    let deposits = vaults.map(|(payer, token)| Step::Deposit {
        payer,
        token,
        amount: 3_000,
        signed: false,
    });
    let opened = (0..LOCKS - 2).map(|lock| Step::Open {
        lock,
        amount: 600,
        ahead: 3_000,
        how: Opening::FromWallet,
    });
    deposits.chain(opened)
}

/// The strange token gives back what was lost and lets everybody pass.
pub(crate) fn mend(pair: &mut Pair) {
    let strange = token(1);
    for who in Blockable::ALL {
        take(pair, Step::Block { who, on: false });
    }
    let lost = pair.model.lost.remove(&strange).unwrap_or_default();
    let back = ITestToken::mintCall {
        to: CONTRACTS.escrow,
        value: U256::from(lost),
    };
    pair.world.send(account(0), strange, &back).unwrap();
    *pair.model.holds.entry(strange).or_default() += lost;
}

/// Time passes, every payer takes back what is left, and nothing stays behind.
pub(crate) fn empty(pair: &mut Pair) {
    pair.world.wait(MAX_LOCK_SECS + 10_000);
    let before = pair.model.clone();
    for lock in 0..LOCKS {
        take(pair, Step::Release { lock });
    }
    for (payer, at) in (0..PAYERS).flat_map(|payer| (0..TOKENS).map(move |at| (payer, at))) {
        let vault = pair.model.vaults.get(&(account(payer), token(at))).copied();
        let amount = vault.unwrap_or_default();
        take(
            pair,
            Step::Withdraw {
                payer,
                token: at,
                amount,
            },
        );
    }
    pair.check(&before);
    for at in 0..TOKENS {
        assert_eq!(pair.model.owed(token(at)), 0);
        assert_eq!(pair.world.balance(token(at), CONTRACTS.escrow), U256::ZERO);
    }
}
