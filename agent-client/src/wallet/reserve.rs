//! A payment in the books: the decision and its rows, in one transaction.

use agent_core::{
    ledger::PaymentId,
    money::{AssetId, BaseUnits, MoneyError},
    policy::{PaymentIntent, SpendPolicy},
    voucher::{ChannelId, Lock},
    x402::CreditToken,
};
use alloy_primitives::{Address, B256};
use rusqlite::{Connection, params};

use super::{
    account::{Account, Step},
    book::{Book, save},
    credit::{self, Way},
    error::WalletError,
    schema::{broken, int, units},
    scheme::Scheme,
    sums::Sums,
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
    /// Who gets the payment, if credit may be had of it and spent there.
    pub(super) origin: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Granted {
    pub(super) lock: Lock,
    pub(super) channel_id: ChannelId,
    pub(super) ceiling: BaseUnits,
    /// What pays in place of a voucher.
    pub(super) credit: Option<CreditToken>,
}

/// What every payment must pass, whatever it is made with; it may raise a ceiling by its maximum.
pub(super) fn permit(
    conn: &Connection,
    book: &mut Book,
    want: &Want,
    policy: &SpendPolicy,
    now_ms: u64,
) -> Result<(), JobError<WalletError>> {
    let sums = sums(conn, book, want, policy, now_ms)?;
    decide(book, want, policy, &sums, want.max)
}

fn sums(
    conn: &Connection,
    book: &mut Book,
    want: &Want,
    policy: &SpendPolicy,
    now_ms: u64,
) -> Result<Sums, JobError<WalletError>> {
    let (last_hour, last_day, payee_last_day) = book
        .windows
        .spent(want.payee, now_ms)
        .map_err(|error| JobError::Refused(error.into()))?;
    let mut sums = Sums {
        last_hour,
        last_day,
        payee_last_day,
        ..Sums::default()
    };
    book.tallies
        .fill(conn, policy, &want.skill, now_ms, &mut sums)?;
    Ok(sums)
}

/// Whether the policy allows the payment if it raises a ceiling by `raise`.
fn decide(
    book: &Book,
    want: &Want,
    policy: &SpendPolicy,
    sums: &Sums,
    raise: BaseUnits,
) -> Result<(), JobError<WalletError>> {
    let refuse = JobError::Refused;
    let intent = PaymentIntent {
        asset: want.asset,
        payee: want.payee,
        contract: want.contract,
        skill: want.skill.clone(),
        max: want.max,
        offered: want.offered,
    };
    let spent = sums
        .before(want.max, raise)
        .map_err(|error| refuse(error.into()))?;
    policy
        .decide_payment(&intent, &spent)
        .map_err(|refusal| refuse(refusal.into()))?;
    trusted(book, want.payee, want.asset.address).map_err(refuse)
}

/// How far ahead of this payment its voucher may reach.
fn ahead(want: &Want, policy: &SpendPolicy, sums: &Sums) -> Result<BaseUnits, MoneyError> {
    let bound = policy.rules.prepaid_ahead_base_units;
    if want.origin.is_none() || bound.is_zero() {
        return Ok(BaseUnits::ZERO);
    }
    // No further than the bounds on sums leave room for besides the payment itself.
    let room = policy.room(&want.skill, &sums.before(want.max, want.max)?);
    Ok(bound.min(room.minus(want.max).unwrap_or_default()))
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
    let sums = sums(conn, book, want, policy, now_ms)?;
    let ahead = ahead(want, policy, &sums).map_err(|error| refuse(error.into()))?;
    let until = (now_ms / 1_000).saturating_add(want.margin_secs);
    let on_credit = book.of(want.payee, want.asset.address).find_map(|account| {
        match credit::way(book, account, want, ahead, now_ms) {
            Way::Credit(token) => Some((account.clone(), token)),
            Way::Voucher { .. } => None,
        }
    });
    if let Some((account, token)) = on_credit {
        decide(book, want, policy, &sums, BaseUnits::ZERO)?;
        let nothing_new = Step {
            ceiling: account.signed,
            raised: BaseUnits::ZERO,
        };
        let next = account
            .signed_for(want.max, nothing_new)
            .map_err(|error| refuse(WalletError::Books(error.to_string())))?;
        let granted = Granted {
            lock: account.lock,
            channel_id: account.id,
            ceiling: token.ceiling,
            credit: Some(token),
        };
        return store(conn, book, want, next, granted, BaseUnits::ZERO, now_ms);
    }
    decide(book, want, policy, &sums, want.max)?;
    // The one that ends first, so that its money is used before it has to be fetched back.
    let account = book
        .of(want.payee, want.asset.address)
        .filter(|account| account.fits(want.max, until))
        .min_by_key(|account| account.deadline_unix_secs)
        .ok_or_else(|| refuse(WalletError::NoRoom { need: want.max }))?;
    let renewal = matches!(
        credit::way(book, account, want, ahead, now_ms),
        Way::Voucher { renewal: true }
    );
    let step = account
        .step_ahead(want.max, ahead, renewal)
        .map_err(|error| refuse(error.into()))?;
    let next = account
        .signed_for(want.max, step)
        .map_err(|error| refuse(WalletError::Books(error.to_string())))?;
    let granted = Granted {
        lock: next.lock,
        channel_id: next.id,
        ceiling: step.ceiling,
        credit: None,
    };
    store(conn, book, want, next, granted, step.raised, now_ms)
}

fn store(
    conn: &Connection,
    book: &mut Book,
    want: &Want,
    account: Account,
    granted: Granted,
    raised: BaseUnits,
    now_ms: u64,
) -> Result<Granted, JobError<WalletError>> {
    save(conn, book, account)?;
    let paying = Paying {
        scheme: Scheme::Z402,
        source: granted.channel_id.0,
        ceiling: granted.ceiling,
        raised,
        valid_before: None,
        credit: granted.credit.is_some(),
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
    /// Whether credit pays, and the ceiling was signed before.
    pub(super) credit: bool,
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
         state, created_ms, scheme, token, valid_before, origin, credit)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'in_flight', ?10, ?11, ?12, ?13, ?14, ?15)",
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
        want.origin,
        paying.credit,
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
