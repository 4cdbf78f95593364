//! An opening in the books: planned, succeeded, given up.

use agent_core::{
    money::{AssetId, BaseUnits, MoneyError},
    policy::{LockIntent, PolicyRefusal, SpendPolicy, Spent},
    voucher::{ChannelId, EscrowDomain, Lock},
};
use alloy_primitives::B256;
use rusqlite::{Connection, params};

use super::{
    account::{Account, ChannelState},
    book::{Book, Opening, save},
    error::WalletError,
    escrow::{Intent, OpenedLock, opening_nonce},
    limits::OPENING_VALID_SECS,
    reserve::trusted,
    schema::{int, units},
};
use crate::sqlite::JobError;

/// What to do so that a payee has a lock with room.
#[derive(Debug, Clone, Copy)]
pub(super) enum Plan {
    /// Nothing: this one has.
    Ready(ChannelId),
    /// Send this; it is stored.
    Send(Intent),
}

/// What a new opening would be made of; fresh salts each time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draft {
    pub(super) lock: Lock,
    pub(super) asset: AssetId,
    pub(super) escrow: EscrowDomain,
    pub(super) need: BaseUnits,
    pub(super) size: BaseUnits,
    pub(super) lock_secs: u64,
    pub(super) margin_secs: u64,
    pub(super) now_ms: u64,
    pub(super) salt: B256,
}

pub(super) fn plan(
    conn: &Connection,
    book: &mut Book,
    draft: &Draft,
    policy: &SpendPolicy,
) -> Result<Plan, JobError<WalletError>> {
    let refuse = JobError::Refused;
    let (payee, token) = (draft.lock.payee, draft.lock.token);
    trusted(book, payee, token).map_err(refuse)?;
    let now = draft.now_ms / 1_000;
    let until = now.saturating_add(draft.margin_secs);
    if let Some(account) = book.of(payee, token).find(|a| a.fits(draft.need, until)) {
        return Ok(Plan::Ready(account.id));
    }
    if policy.killed {
        return Err(refuse(PolicyRefusal::Killed.into()));
    }
    let pending = book.openings.values().find(|opening| {
        let lock = opening.intent.lock;
        opening.pending && (lock.payee, lock.token) == (payee, token)
    });
    if let Some(opening) = pending {
        return Ok(Plan::Send(opening.intent));
    }
    let account = book
        .of(payee, token)
        .filter(|a| a.state == ChannelState::Open && a.deadline_unix_secs > now)
        .max_by_key(|a| a.deadline_unix_secs)
        .cloned()
        .unwrap_or_else(|| fresh(draft));
    let amount = amount(book, &account, draft, policy)?;
    let deadline = account
        .deadline_unix_secs
        .max(now.saturating_add(draft.lock_secs));
    let intent = Intent {
        lock: account.lock,
        channel_id: account.id,
        amount,
        deadline,
        valid_before: now.saturating_add(OPENING_VALID_SECS),
        salt: draft.salt,
        nonce: opening_nonce(account.id, deadline, draft.salt),
    };
    if account.state == ChannelState::Opening {
        save(conn, book, account)?;
    }
    conn.execute(
        "INSERT INTO opening VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', NULL, ?7)",
        params![
            intent.nonce.0,
            intent.channel_id.0.0,
            units(intent.amount),
            int(intent.deadline),
            int(intent.valid_before),
            intent.salt.0,
            int(draft.now_ms),
        ],
    )?;
    book.openings.insert(
        intent.nonce,
        Opening {
            intent,
            pending: true,
        },
    );
    Ok(Plan::Send(intent))
}

/// How much to put in: the configured size, or exactly what is missing if the policy allows no more.
fn amount(
    book: &Book,
    account: &Account,
    draft: &Draft,
    policy: &SpendPolicy,
) -> Result<BaseUnits, JobError<WalletError>> {
    let refuse = |error: WalletError| JobError::Refused(error);
    let step = account
        .step(draft.need)
        .map_err(|error| refuse(error.into()))?;
    let missing = step
        .ceiling
        .minus(account.authorized())
        .unwrap_or(BaseUnits::ZERO);
    // At least one unit: an opening of nothing is refused, also when only time is missing.
    let missing = missing.max(BaseUnits::new(1));
    let locked_total = book.locked_total(draft.now_ms / 1_000)?;
    let spent = Spent {
        locked_total,
        now_unix_secs: Some(draft.now_ms / 1_000),
        ..Spent::default()
    };
    let decide = |amount: BaseUnits| {
        let held = account.at_stake();
        let (asset, payee, contract) = (draft.asset, account.lock.payee, draft.escrow.contract());
        let lock_secs = draft.lock_secs;
        policy.decide_lock(
            &LockIntent {
                asset,
                payee,
                contract,
                amount,
                held,
                lock_secs,
            },
            &spent,
        )
    };
    let room = BaseUnits::MAX_LOCKABLE
        .minus(account.deposited)
        .map_err(|error| refuse(error.into()))?;
    let wanted = draft.size.min(room).max(missing);
    let amount = match decide(wanted) {
        Ok(()) => wanted,
        Err(_) => decide(missing)
            .map(|()| missing)
            .map_err(|refusal| refuse(refusal.into()))?,
    };
    match account.deposited.plus(amount) {
        Ok(sum) if sum <= BaseUnits::MAX_LOCKABLE => Ok(amount),
        _ => Err(refuse(MoneyError::Overflow.into())),
    }
}

fn fresh(draft: &Draft) -> Account {
    Account {
        id: draft.lock.id(&draft.escrow),
        lock: draft.lock,
        state: ChannelState::Opening,
        why: String::new(),
        deposited: BaseUnits::ZERO,
        returned: BaseUnits::ZERO,
        claimed: BaseUnits::ZERO,
        signed: BaseUnits::ZERO,
        charged: BaseUnits::ZERO,
        reserved: BaseUnits::ZERO,
        unseen: BaseUnits::ZERO,
        in_flight: 0,
        deadline_unix_secs: 0,
        created_unix_millis: draft.now_ms,
    }
}

pub(super) fn opened_now(
    conn: &Connection,
    book: &mut Book,
    intent: Intent,
    opened: OpenedLock,
) -> Result<(), JobError<WalletError>> {
    // Counted once, however often it is reported.
    if !book
        .openings
        .get(&intent.nonce)
        .is_some_and(|opening| opening.pending)
    {
        return Ok(());
    }
    let unknown = || JobError::Refused(WalletError::UnknownChannel(intent.channel_id));
    let account = book.accounts.get(&intent.channel_id).ok_or_else(unknown)?;
    let next = account
        .funded(intent.amount, intent.deadline)
        .map_err(|error| JobError::Refused(WalletError::Books(error.to_string())))?;
    let transaction = opened.transaction.map(|hash| hash.0);
    conn.execute(
        "UPDATE opening SET state = 'done', tx = ?2 WHERE nonce = ?1",
        params![intent.nonce.0, transaction],
    )?;
    save(conn, book, next)?;
    book.openings.remove(&intent.nonce);
    Ok(())
}

/// The opening will not be sent again by us. If it was `seen` by others it goes on counting until
/// its signature expires.
pub(super) fn gave_up(
    conn: &Connection,
    book: &mut Book,
    intent: Intent,
    seen: bool,
) -> Result<(), JobError<WalletError>> {
    let Some(opening) = book
        .openings
        .get_mut(&intent.nonce)
        .filter(|opening| opening.pending)
    else {
        return Ok(());
    };
    opening.pending = false;
    if !seen {
        book.openings.remove(&intent.nonce);
    }
    let counts_until = if seen { intent.valid_before } else { 0 };
    conn.execute(
        "UPDATE opening SET state = 'failed', valid_before = ?2 WHERE nonce = ?1",
        params![intent.nonce.0, int(counts_until)],
    )?;
    let account = book.accounts.get(&intent.channel_id);
    if let Some(account) = account.filter(|account| account.state == ChannelState::Opening) {
        let failed = Account {
            state: ChannelState::Failed,
            ..account.clone()
        };
        save(conn, book, failed)?;
    }
    Ok(())
}
