//! A payment in the books: the decision and its rows, in one transaction.

use agent_core::{
    ledger::PaymentId,
    money::{AssetId, BaseUnits},
    policy::{PaymentIntent, SpendPolicy, Spent},
    voucher::{ChannelId, Lock},
};
use alloy_primitives::{Address, B256};
use rusqlite::{Connection, params};

use super::{
    account::{Account, Step},
    book::{Book, save},
    error::WalletError,
    schema::{broken, int, units},
    scheme::Scheme,
    windows::Weight,
};
use crate::sqlite::JobError;

#[derive(Debug)]
pub(super) struct Want {
    pub(super) id: PaymentId,
    pub(super) asset: AssetId,
    pub(super) payee: Address,
    pub(super) contract: Address,
    pub(super) skill: String,
    pub(super) resource: String,
    pub(super) max: BaseUnits,
    pub(super) offered: Option<BaseUnits>,
    pub(super) margin_secs: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Granted {
    pub(super) lock: Lock,
    pub(super) channel_id: ChannelId,
    pub(super) ceiling: BaseUnits,
}

/// What every payment must pass, whatever it is made with.
pub(super) fn permit(
    conn: &Connection,
    book: &mut Book,
    want: &Want,
    policy: &SpendPolicy,
    now_ms: u64,
) -> Result<(), JobError<WalletError>> {
    let refuse = JobError::Refused;
    let (last_hour, last_day, payee_last_day) = book
        .windows
        .spent(want.payee, now_ms)
        .map_err(|error| refuse(error.into()))?;
    let mut spent = Spent {
        last_hour,
        last_day,
        payee_last_day,
        ..Spent::default()
    };
    book.tallies
        .fill(conn, policy, &want.skill, now_ms, &mut spent)?;
    let intent = PaymentIntent {
        asset: want.asset,
        payee: want.payee,
        contract: want.contract,
        skill: want.skill.clone(),
        max: want.max,
        offered: want.offered,
    };
    policy
        .decide_payment(&intent, &spent)
        .map_err(|refusal| refuse(refusal.into()))?;
    trusted(book, want.payee, want.asset.address).map_err(refuse)
}

/// The whole decision, in one transaction; everything that can refuse comes before the first write.
pub(super) fn reserve(
    conn: &Connection,
    book: &mut Book,
    want: &Want,
    policy: &SpendPolicy,
    now_ms: u64,
) -> Result<Granted, JobError<WalletError>> {
    let refuse = JobError::Refused;
    permit(conn, book, want, policy, now_ms)?;
    let until = (now_ms / 1_000).saturating_add(want.margin_secs);
    // The one that ends first, so that its money is used before it has to be fetched back.
    let account = book
        .of(want.payee, want.asset.address)
        .filter(|account| account.fits(want.max, until))
        .min_by_key(|account| account.deadline_unix_secs)
        .ok_or_else(|| refuse(WalletError::NoRoom { need: want.max }))?;
    let step = account
        .step(want.max)
        .map_err(|error| refuse(error.into()))?;
    let next = account
        .signed_for(want.max, step)
        .map_err(|error| refuse(WalletError::Books(error.to_string())))?;
    store(conn, book, want, next, step, now_ms)
}

fn store(
    conn: &Connection,
    book: &mut Book,
    want: &Want,
    account: Account,
    step: Step,
    now_ms: u64,
) -> Result<Granted, JobError<WalletError>> {
    let granted = Granted {
        lock: account.lock,
        channel_id: account.id,
        ceiling: step.ceiling,
    };
    save(conn, book, account)?;
    let paying = Paying {
        scheme: Scheme::Z402,
        source: granted.channel_id.0,
        ceiling: step.ceiling,
        raised: step.raised,
        valid_before: None,
    };
    record(conn, book, want, paying, now_ms)?;
    Ok(granted)
}

/// What a payment is made with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paying {
    pub(super) scheme: Scheme,
    /// The lock, the channel, or the authorization's nonce.
    pub(super) source: B256,
    pub(super) ceiling: BaseUnits,
    pub(super) raised: BaseUnits,
    /// Until when the transfer, or the deposit that goes with the payment, is good.
    pub(super) valid_before: Option<u64>,
}

/// Writes the payment's row and counts it.
pub(super) fn record(
    conn: &Connection,
    book: &mut Book,
    want: &Want,
    paying: Paying,
    now_ms: u64,
) -> Result<(), JobError<WalletError>> {
    conn.prepare_cached(
        "INSERT INTO payment (id, channel, payee, skill, resource, max, ceiling, raised, charged,
         state, created_ms, scheme, token, valid_before)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'in_flight', ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        want.id.as_str(),
        paying.source.0,
        want.payee.0.0,
        want.skill,
        want.resource,
        units(want.max),
        units(paying.ceiling),
        units(paying.raised),
        units(BaseUnits::ZERO),
        int(now_ms),
        paying.scheme.name(),
        want.asset.address.0.0,
        paying.valid_before.map(int),
    ])?;
    let weight = Weight {
        counted: want.max,
        raised: paying.raised,
    };
    book.windows
        .add(want.payee, now_ms, weight)
        .map_err(broken)?;
    Ok(())
}

/// Refuses a payee that one of our channels suspects: a new lock would only be new bait.
pub(super) fn trusted(book: &Book, payee: Address, token: Address) -> Result<(), WalletError> {
    let suspect = |channel: ChannelId, why: &str| WalletError::Suspect {
        channel,
        why: why.to_owned(),
    };
    if let Some(account) = book.of(payee, token).find(|account| account.is_suspect()) {
        return Err(suspect(account.id, &account.why));
    }
    match book.batches_of(payee, token).find(|it| it.is_suspect()) {
        Some(account) => Err(suspect(account.id, &account.why)),
        None => Ok(()),
    }
}
