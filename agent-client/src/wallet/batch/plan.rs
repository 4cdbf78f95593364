//! A payment over a batch-settlement channel in the books: which channel, which ceiling, and
//! whether money must go in first.

use agent_core::{
    money::{BaseUnits, MoneyError},
    policy::{LockIntent, PolicyRefusal, SpendPolicy, Spent},
    voucher::ChannelId,
    x402::batch::{BATCH_SETTLEMENT, BatchDomain, BatchTerms, ChannelConfig},
};
use alloy_primitives::{Address, B256, U256};
use rusqlite::Connection;

use super::{
    account::{BatchAccount, BatchState, PendingDeposit},
    live::{Live, LiveChannel},
    rows::save,
};
use crate::sqlite::JobError;
use crate::wallet::{
    account::Step,
    book::Book,
    chain_port::ChannelOnChain,
    error::WalletError,
    limits::{BATCH_FIRST_DEPOSIT_CALLS, BATCH_SALTS_MAX, DEPOSIT_USABLE_SECS},
    reserve::{Paying, Want, permit, record},
    scheme::Scheme,
};

/// What a payment needs of the channels.
#[derive(Debug)]
pub(in crate::wallet) struct BatchWant {
    pub(in crate::wallet) want: Want,
    pub(in crate::wallet) terms: BatchTerms,
    pub(in crate::wallet) domain: BatchDomain,
    pub(in crate::wallet) payer: Address,
    /// How much is paid in at a time, if the seller does not say.
    pub(in crate::wallet) size: BaseUnits,
    /// Channels to one seller that may be used side by side.
    pub(in crate::wallet) channels_max: u32,
    pub(in crate::wallet) deposit_salt: B256,
    pub(in crate::wallet) deposit_until: u64,
}

/// A payment that is in the books.
#[derive(Debug)]
pub(in crate::wallet) struct BatchGranted {
    pub(in crate::wallet) config: ChannelConfig,
    pub(in crate::wallet) id: ChannelId,
    pub(in crate::wallet) ceiling: BaseUnits,
    pub(in crate::wallet) deposit: Option<PendingDeposit>,
    pub(in crate::wallet) live: LiveChannel,
}

/// What comes next.
#[derive(Debug)]
pub(in crate::wallet) enum BatchPlan {
    /// Sign.
    Granted(Box<BatchGranted>),
    /// Ask the chain about this channel first.
    Look(Box<ChannelConfig>, Option<PendingDeposit>),
}

/// The whole decision, in one transaction; everything that can refuse comes before the first write.
/// `looked` are the channels that the chain was asked about for this payment.
pub(in crate::wallet) fn plan(
    conn: &Connection,
    book: &mut Book,
    live: &Live,
    wanted: &BatchWant,
    looked: &[ChannelId],
    policy: &SpendPolicy,
    now_ms: u64,
) -> Result<BatchPlan, JobError<WalletError>> {
    let refuse = |error: WalletError| JobError::Refused(error);
    permit(conn, book, &wanted.want, policy, now_ms)?;
    let max = wanted.want.max;
    let salts = similar(book, wanted).count();
    let open = similar(book, wanted).filter(|account| account.state == BatchState::Open);
    let idle: Vec<&BatchAccount> = open.filter(|account| !live.holds(account.id)).collect();
    let steps = idle
        .iter()
        .map(|account| Ok((*account, account.step(max)?, account.usable()?)));
    let steps: Vec<_> = steps
        .collect::<Result<_, MoneyError>>()
        .map_err(|error| refuse(error.into()))?;
    let funded = steps
        .iter()
        .find(|(_, step, usable)| step.ceiling <= *usable);
    let chosen = funded.or_else(|| steps.first()).copied();
    let Some((account, step, usable)) = chosen else {
        return fresh(book, wanted, salts).map_err(refuse);
    };
    let missing = step.ceiling.minus(usable).unwrap_or(BaseUnits::ZERO);
    let deposit = match account.deposit {
        _ if missing.is_zero() => None,
        Some(coming) if !looked.contains(&account.id) => {
            return Ok(BatchPlan::Look(Box::new(account.config), Some(coming)));
        }
        Some(coming) => Some(again(coming, missing, now_ms).map_err(refuse)?),
        None => {
            let amount = fund(book, account, wanted, missing, policy, now_ms)?;
            Some(PendingDeposit {
                amount,
                salt: wanted.deposit_salt,
                valid_before: wanted.deposit_until,
                reported: false,
            })
        }
    };
    let next = account
        .signed_for(max, step, deposit)
        .map_err(|error| refuse(WalletError::Books(error.to_string())))?;
    let Some(held) = live.take(next.id) else {
        return Err(refuse(WalletError::NoRoom { need: max }));
    };
    let granted = BatchGranted {
        config: next.config,
        id: next.id,
        ceiling: step.ceiling,
        deposit,
        live: held,
    };
    store(conn, book, wanted, next, (step, deposit), now_ms)?;
    Ok(BatchPlan::Granted(Box::new(granted)))
}

fn store(
    conn: &Connection,
    book: &mut Book,
    wanted: &BatchWant,
    account: BatchAccount,
    (step, deposit): (Step, Option<PendingDeposit>),
    now_ms: u64,
) -> Result<(), JobError<WalletError>> {
    let paying = Paying {
        scheme: Scheme::BatchSettlement,
        source: account.id.0,
        ceiling: step.ceiling,
        raised: step.raised,
        valid_before: deposit.map(|deposit| deposit.valid_before),
        credit: false,
    };
    save(conn, book, account)?;
    record(conn, book, &wanted.want, paying, now_ms)
}

/// Channels that differ from what the terms ask for in their salt only.
fn similar<'a>(book: &'a Book, wanted: &'a BatchWant) -> impl Iterator<Item = &'a BatchAccount> {
    let (payee, token) = (wanted.want.payee, wanted.want.asset.address);
    book.batches_of(payee, token).filter(|account| {
        let config = wanted
            .terms
            .channel(wanted.payer, wanted.payer, account.config.salt);
        account.config == config
    })
}

/// The next channel. Salts count up from zero, as stock clients begin, so that a wallet that lost
/// its file finds its channels on the chain again.
fn fresh(book: &Book, wanted: &BatchWant, salts: usize) -> Result<BatchPlan, WalletError> {
    let need = wanted.want.max;
    let open = similar(book, wanted).filter(|account| account.state == BatchState::Open);
    let open = u32::try_from(open.count()).unwrap_or(u32::MAX);
    if open >= wanted.channels_max || salts >= BATCH_SALTS_MAX {
        return Err(WalletError::NoRoom { need });
    }
    let salt = B256::from(U256::from(salts));
    let config = wanted.terms.channel(wanted.payer, wanted.payer, salt);
    Ok(BatchPlan::Look(Box::new(config), None))
}

/// The deposit under way, to be sent once more: the token takes its nonce once.
fn again(
    coming: PendingDeposit,
    missing: BaseUnits,
    now_ms: u64,
) -> Result<PendingDeposit, WalletError> {
    let unsure =
        |why: &str| WalletError::Escrow(crate::wallet::EscrowError::Unavailable(why.to_owned()));
    if coming.reported {
        return Err(unsure(
            "the chain does not show the deposit yet that the seller reported",
        ));
    }
    let soon = (now_ms / 1_000).saturating_add(DEPOSIT_USABLE_SECS);
    if coming.valid_before < soon || coming.amount < missing {
        return Err(unsure(
            "a deposit with an unknown outcome stands in the way",
        ));
    }
    Ok(coming)
}

/// How much to pay in: what the seller hints at or a few calls' worth, or exactly what is missing
/// if the policy allows no more.
fn fund(
    book: &Book,
    account: &BatchAccount,
    wanted: &BatchWant,
    missing: BaseUnits,
    policy: &SpendPolicy,
    now_ms: u64,
) -> Result<BaseUnits, JobError<WalletError>> {
    let refuse = |error: WalletError| JobError::Refused(error);
    let spent = Spent {
        locked_total: book.locked_total(now_ms / 1_000)?,
        now_unix_secs: Some(now_ms / 1_000),
        ..Spent::default()
    };
    let held = account.at_stake();
    let decide = |amount: BaseUnits| -> Result<BaseUnits, PolicyRefusal> {
        let intent = LockIntent {
            asset: wanted.want.asset,
            payee: wanted.want.payee,
            contract: BATCH_SETTLEMENT,
            amount,
            held,
            lock_secs: wanted.terms.extra.withdraw_delay,
        };
        policy.decide_lock(&intent, &spent).map(|()| amount)
    };
    let calls = wanted.want.max.times(BATCH_FIRST_DEPOSIT_CALLS);
    let usual = calls.map_or(wanted.size, |calls| calls.min(wanted.size));
    let hinted = wanted.terms.extra.min_deposit.unwrap_or(usual);
    decide(hinted.max(missing))
        .or_else(|_| decide(missing))
        .map_err(|refusal| refuse(refusal.into()))
}

/// Takes what the chain says of a channel into the books, which may not know it yet.
pub(in crate::wallet) fn absorb(
    conn: &Connection,
    book: &mut Book,
    id: ChannelId,
    config: ChannelConfig,
    chain: &ChannelOnChain,
    now_ms: u64,
) -> Result<(), JobError<WalletError>> {
    let next = match book.batches.get(&id) {
        None => BatchAccount::found(id, config, chain, now_ms),
        Some(account) => account
            .observed(chain, now_ms / 1_000)
            .unwrap_or_else(|broken| {
                account.suspected(&format!("what the chain says does not add up: {broken}"))
            }),
    };
    if book.batches.get(&id) != Some(&next) {
        save(conn, book, next)?;
    }
    Ok(())
}
