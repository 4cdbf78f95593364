//! What can happen to the escrow, drawn at random.

use proptest::{collection::vec, prelude::*};

use crate::model::{LockNo, Row};

pub(crate) const PAYERS: usize = 2;
pub(crate) const TOKENS: usize = 2;
pub(crate) const LOCKS: usize = 8;

/// How a signed step is spoiled, if it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// By the one who must sign.
    Good,
    /// By somebody else.
    Forged,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Deposit {
        payer: usize,
        token: usize,
        amount: u128,
        signed: bool,
    },
    Open {
        lock: LockNo,
        amount: u128,
        ahead: u64,
        how: Opening,
    },
    OpenMany {
        payer: usize,
        locks: Vec<(LockNo, u128)>,
        ahead: u64,
    },
    /// Locks of one payer with one signer and token, from the vault.
    OpenRows {
        group: usize,
        rows: Vec<(usize, u128)>,
        ahead: u64,
    },
    Settle {
        payee: usize,
        token: usize,
        rows: Vec<Row>,
    },
    /// The batch before, once more.
    Again,
    Release {
        lock: LockNo,
    },
    GiveBack {
        lock: LockNo,
        amount: u128,
        how: Option<Consent>,
    },
    Withdraw {
        payer: usize,
        token: usize,
        amount: u128,
    },
    Wait {
        seconds: u64,
    },
    /// Somebody without any right tries it.
    Intrude {
        lock: LockNo,
        what: u8,
    },
    /// The strange token refuses somebody, or does not any more.
    Block {
        who: Blockable,
        on: bool,
    },
    /// The strange token takes from the escrow.
    Shrink {
        amount: u128,
    },
}

/// Whom the strange token may refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blockable {
    Escrow,
    Payer(usize),
    Payee(usize),
}

impl Blockable {
    pub(crate) const ALL: [Self; 5] = [
        Self::Escrow,
        Self::Payer(0),
        Self::Payer(1),
        Self::Payee(0),
        Self::Payee(1),
    ];
}

/// Locks that `authorizeRows` can open together.
pub(crate) const OPENED_TOGETHER: [[LockNo; 2]; 3] = [[0, 2], [4, 6], [3, 3]];

/// Ways into a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    FromWallet,
    FromVault,
    BySignature(Consent),
}

fn consent() -> impl Strategy<Value = Consent> {
    prop_oneof![5 => Just(Consent::Good), 1 => Just(Consent::Forged)]
}

fn amount() -> impl Strategy<Value = u128> {
    prop_oneof![1 => Just(0), 9 => 1..400_u128, 3 => 400..2_000_u128]
}

/// Seconds from now to the deadline.
fn ahead() -> impl Strategy<Value = u64> {
    prop_oneof![1 => 0..900_u64, 6 => 900..4_000_u64, 1 => Just(40_000_000)]
}

/// Locks with one payee and one token, which settle together.
pub(crate) const GROUPS: [(usize, usize, &[LockNo]); 3] =
    [(0, 0, &[0, 1, 4, 5]), (1, 0, &[2, 6]), (1, 1, &[3, 7])];

fn row(group: &'static [LockNo]) -> impl Strategy<Value = Row> {
    let lock = prop_oneof![9 => proptest::sample::select(group), 1 => 0..LOCKS];
    let claim = prop_oneof![4 => 0..250_u128, 1 => 0..900_u128];
    // Now and then more than the voucher allows, or not the signer's.
    let faults = (0..12_u8, 0..12_u8);
    (lock, claim, 0..900_u128, faults).prop_map(|(lock, claim, slack, (over, forged))| Row {
        lock,
        ceiling: if over == 0 { claim / 2 } else { claim + slack },
        claim,
        valid: forged != 0,
    })
}

fn settle() -> impl Strategy<Value = Step> {
    proptest::sample::select(&GROUPS[..]).prop_flat_map(|(payee, token, group)| {
        vec(row(group), 0..8).prop_map(move |rows| Step::Settle { payee, token, rows })
    })
}

/// What the strange token does of itself, among what people do.
pub(crate) fn strange_step() -> impl Strategy<Value = Step> {
    let who = proptest::sample::select(&Blockable::ALL[..]);
    prop_oneof![
        6 => step(),
        1 => (who, any::<bool>()).prop_map(|(who, on)| Step::Block { who, on }),
        1 => (1..700_u128).prop_map(|amount| Step::Shrink { amount }),
    ]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let (payer, token) = (0..PAYERS, 0..TOKENS);
    let opening = prop_oneof![
        3 => Just(Opening::FromWallet),
        3 => Just(Opening::FromVault),
        2 => consent().prop_map(Opening::BySignature),
    ];
    prop_oneof![
        3 => (payer.clone(), token.clone(), amount(), any::<bool>()).prop_map(
            |(payer, token, amount, signed)| Step::Deposit { payer, token, amount, signed }
        ),
        6 => (0..LOCKS, amount(), ahead(), opening)
            .prop_map(|(lock, amount, ahead, how)| Step::Open { lock, amount, ahead, how }),
        2 => (payer.clone(), vec((0..LOCKS, amount()), 0..4), ahead())
            .prop_map(|(payer, locks, ahead)| Step::OpenMany { payer, locks, ahead }),
        2 => (0..OPENED_TOGETHER.len(), vec((0..2_usize, amount()), 0..4), ahead())
            .prop_map(|(group, rows, ahead)| Step::OpenRows { group, rows, ahead }),
        8 => settle(),
        2 => Just(Step::Again),
        2 => (0..LOCKS).prop_map(|lock| Step::Release { lock }),
        2 => (0..LOCKS, amount(), proptest::option::of(consent()))
            .prop_map(|(lock, amount, how)| Step::GiveBack { lock, amount, how }),
        2 => (payer, token, amount())
            .prop_map(|(payer, token, amount)| Step::Withdraw { payer, token, amount }),
        2 => (1..1_200_u64).prop_map(|seconds| Step::Wait { seconds }),
        2 => (0..LOCKS, any::<u8>()).prop_map(|(lock, what)| Step::Intrude { lock, what }),
    ]
}
