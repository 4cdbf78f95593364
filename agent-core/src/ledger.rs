//! The ledger port: where a seller's promises and charges are made durable.
//!
//! Three rules of the whole system live in these types. *Persisted is a type*: paid work starts
//! only from a [`Reserved`], and only a committed transaction makes one. *Reserve, run, post*: never
//! the other way round. *The same twice is safe, anything else is not*: see [`Reserve`].

use crate::a2a::TaskState;
use crate::channel::{Broken, Channel, LockState, Refusal};
use crate::json::Json;
use crate::money::BaseUnits;
use crate::voucher::{CanonicalSignature, ChannelId, Checked, Funding, Voucher};
use alloy_primitives::{Address, B256};
use std::fmt::{self, Debug};
use std::future::Future;
use std::pin::Pin;

/// A boxed future, as the ports return them so that they can be used as trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The buyer's name for one payment: x402's `payment-identifier`, 16 to 128 of `A-Z a-z 0-9 - _`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct PaymentId(String);

impl PaymentId {
    /// Checks the form that the x402 extension `payment-identifier` requires.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        ((16..=128).contains(&text.len()) && text.bytes().all(allowed))
            .then(|| Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PaymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a buyer asks a ledger to reserve.
#[derive(Debug, Clone)]
pub struct ReserveRequest {
    /// The buyer's idempotency key.
    pub payment_id: PaymentId,
    /// A digest of everything the payment pays for: the same id with another digest is refused.
    pub request_hash: B256,
    /// What pays.
    pub proof: Proof,
    /// The most that the work may cost.
    pub max: BaseUnits,
    /// The task that the work will be.
    pub task_id: String,
    /// The context that the task belongs to.
    pub context_id: String,
    /// The skill that will run.
    pub skill: String,
    /// Whose the task will be; see [`TaskWrite::owner`].
    pub owner: String,
    /// The time, in Unix milliseconds.
    pub now_unix_millis: u64,
}

/// What a buyer pays with, checked as far as it can be without the books.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Proof {
    /// A voucher on a channel.
    Voucher {
        /// The channel.
        funding: Funding,
        /// The voucher, its signature checked under the channel's own domain.
        voucher: Voucher<Checked>,
    },
    /// What was signed on a channel before, and neither charged nor reserved since. Whoever makes
    /// this has checked that the buyer itself asks for it ([`crate::x402::CreditKey::check`]): an id
    /// alone, which anybody can read on chain, is no proof.
    Credit {
        /// The channel.
        channel_id: ChannelId,
        /// What may be charged and reserved on it in all with this, if so much was signed.
        ceiling: BaseUnits,
    },
    /// A transfer of its own, made on chain once the work is done.
    Transfer(Transfer),
}

impl Proof {
    /// The channel, if there is one.
    #[must_use]
    pub const fn channel_id(&self) -> Option<ChannelId> {
        match self {
            Self::Voucher { voucher, .. } => Some(voucher.channel_id()),
            Self::Credit { channel_id, .. } => Some(*channel_id),
            Self::Transfer(_) => None,
        }
    }

    /// The ceiling of the voucher, if there is one.
    #[must_use]
    pub const fn ceiling(&self) -> Option<BaseUnits> {
        match self {
            Self::Voucher { voucher, .. } => Some(voucher.ceiling()),
            _ => None,
        }
    }
}

/// A transfer that the buyer signed and nobody made yet.
#[derive(Debug, Clone)]
pub struct Transfer {
    /// What the token uses up ([`crate::x402::CheckedTransfer::digest`]): an id buys once.
    pub id: B256,
    /// Who pays.
    pub payer: Address,
    /// What a facilitator is asked to settle, kept until that is done.
    pub request: Json,
    /// The Unix second from which it can no longer be settled.
    pub expires_unix_secs: u64,
}

/// The answer to a [`ReserveRequest`].
#[derive(Debug)]
pub enum Reserve {
    /// The money is held: run the work.
    New(Reserved),
    /// This very request was made before and is resolved; its task is the answer.
    Same {
        /// The task that answered the first time.
        task_id: String,
    },
    /// This very request was made before and is being worked on; wait for its task.
    Busy {
        /// The task that will answer.
        task_id: String,
    },
    /// Not admitted; nothing was held.
    Refused {
        /// Why.
        why: Refusal,
        /// The channel as the seller counts it, so that a buyer that lost count can correct
        /// itself; absent when there is none, or it is unknown.
        channel: Option<Channel>,
        /// The newest voucher that the seller holds and has charged for, with the channel.
        voucher: Option<(BaseUnits, CanonicalSignature)>,
    },
}

/// A request for more money for work that goes on; see [`Ledger::extend`].
#[derive(Debug, Clone)]
pub struct ExtendRequest {
    /// The buyer's idempotency key for this part.
    pub payment_id: PaymentId,
    /// A digest of everything that this part pays for.
    pub request_hash: B256,
    /// What pays: a further voucher, or credit, on the channel that paid for the start.
    pub proof: Proof,
    /// How much more may be charged.
    pub more: BaseUnits,
    /// The time, in Unix milliseconds.
    pub now_unix_millis: u64,
}

/// The answer to an [`ExtendRequest`].
#[derive(Debug)]
pub enum Extend {
    /// More is held; the reservation says how much now.
    Held,
    /// This very part was added before; the reservation says how much is held now.
    Same,
    /// Not admitted; the reservation is as it was.
    Refused {
        /// Why.
        why: Refusal,
        /// The channel as the seller counts it.
        channel: Option<Channel>,
    },
}

/// A finished piece of work whose payment is being made on chain; see [`Ledger::settling`].
#[derive(Debug)]
pub struct Unsettled {
    /// The reservation; the amount is what the transfer moves.
    pub reserved: Reserved,
    /// What the facilitator is asked.
    pub request: Json,
    /// The work as it ended, in the form in which it was given.
    pub outcome: Json,
}

/// Proof that money for one call is held in a committed transaction.
///
/// It cannot be cloned and must be resolved: posted, voided or parked with [`Ledger::park`]. One
/// that is dropped instead leaves its row pending; the ledger's recovery voids such rows when the
/// agent starts again.
#[must_use = "a reservation holds a buyer's money until it is posted, voided or parked"]
#[derive(Debug)]
pub struct Reserved(Holding, Option<Box<str>>);

/// What is held for one call, as a store knows it.
#[derive(Debug)]
pub struct Holding {
    /// The buyer's key for this payment.
    pub payment_id: PaymentId,
    /// What pays.
    pub source: Source,
    /// Who pays.
    pub payer: Address,
    /// What is held still: the most that may yet be charged.
    pub amount: BaseUnits,
    /// What was charged of it already, in slices.
    pub charged: BaseUnits,
    /// Whether more may have been signed than is charged and held. Only then is it worth asking the
    /// ledger how much.
    pub has_slack: bool,
    /// The task that the money is held for.
    pub task_id: String,
}

/// What a reservation draws on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// A lock of z402.
    Lock(ChannelId),
    /// A channel of `batch-settlement`.
    Batch(ChannelId),
    /// A transfer of its own, by its id.
    Transfer(B256),
}

impl Source {
    /// The channel, if there is one.
    #[must_use]
    pub const fn channel_id(&self) -> Option<ChannelId> {
        match self {
            Self::Lock(id) | Self::Batch(id) => Some(*id),
            Self::Transfer(_) => None,
        }
    }
}

impl Reserved {
    /// For implementers of [`Ledger`] only: states that the row behind this is committed.
    ///
    /// # Contract
    ///
    /// Call it after the commit returned success, never before, and once for each reservation.
    /// Everything that runs for money rests on this. `clippy.toml` bans it outside the stores.
    pub const fn attest_committed(holding: Holding) -> Self {
        Self(holding, None)
    }

    /// The same, paid for from a channel that this call paid into with the named transaction.
    pub fn with_deposit(self, transaction: &str) -> Self {
        Self(self.0, Some(transaction.into()))
    }

    /// The transaction that paid into the channel for this call, for its receipt. Not kept when the
    /// reservation is parked or taken over by another process.
    #[must_use]
    pub fn deposit(&self) -> Option<&str> {
        self.1.as_deref()
    }

    /// The buyer's key for this payment.
    #[must_use]
    pub const fn payment_id(&self) -> &PaymentId {
        &self.0.payment_id
    }

    /// What pays.
    #[must_use]
    pub const fn source(&self) -> Source {
        self.0.source
    }

    /// The channel that pays, if one does.
    #[must_use]
    pub const fn channel_id(&self) -> Option<ChannelId> {
        self.0.source.channel_id()
    }

    /// Who pays.
    #[must_use]
    pub const fn payer(&self) -> Address {
        self.0.payer
    }

    /// What is held: the most that may yet be charged.
    #[must_use]
    pub const fn amount(&self) -> BaseUnits {
        self.0.amount
    }

    /// What was charged already, in slices.
    #[must_use]
    pub const fn charged(&self) -> BaseUnits {
        self.0.charged
    }

    /// Whether its channel may have been signed for beyond what is charged and held.
    #[must_use]
    pub const fn has_slack(&self) -> bool {
        self.0.has_slack
    }

    /// The task that the money is held for.
    #[must_use]
    pub fn task_id(&self) -> &str {
        &self.0.task_id
    }
}

/// The answer to an attempt to take up a parked reservation.
#[derive(Debug)]
pub enum Unparked {
    /// The money is still held: go on with the work.
    Held(Reserved),
    /// The money is held, but the lock is closed, or too near to its deadline to be claimed from:
    /// void it. Going on would be work for nothing.
    Expired(Reserved),
    /// The task holds none, or another has taken it up.
    NotParked,
}

/// A task as it is to be stored, together with the events that led to it.
#[derive(Debug, Clone)]
pub struct TaskWrite {
    /// The task's id.
    pub id: String,
    /// The context it belongs to.
    pub context_id: String,
    /// Whose it is: the only one who may see it (A2A §13.1). Empty for those who have no name. A
    /// store keeps what the first write said.
    pub owner: String,
    /// Its state, for queries.
    pub state: TaskState,
    /// The number of its last event; a store keeps the higher of two.
    pub seq: u64,
    /// When its status changed, in Unix milliseconds.
    pub updated_unix_millis: u64,
    /// The A2A Task, serialised once for store and answer.
    pub task: Json,
    /// What the engine must know to go on with a parked task; never shown to a peer.
    pub resume: Option<Json>,
    /// New events with their numbers, each a serialised A2A StreamResponse.
    pub events: Vec<(u64, Json)>,
}

/// A resolution that could not be written. The reservation comes back so that it can be tried again.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Unresolved {
    /// Still held.
    pub reserved: Reserved,
    /// Why the write failed.
    pub error: LedgerError,
}

/// One channel's claim: everything a settlement row needs.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// The channel.
    pub funding: Funding,
    /// Its id.
    pub channel_id: ChannelId,
    /// The highest ceiling, and
    pub ceiling: BaseUnits,
    /// the signature over it.
    pub signature: CanonicalSignature,
    /// What was charged: the cumulative amount to claim.
    pub charged: BaseUnits,
    /// What the chain paid already.
    pub claimed: BaseUnits,
    /// Claim before this.
    pub deadline_unix_secs: u64,
    /// Since when something is unclaimed, in Unix milliseconds.
    pub unclaimed_since_unix_millis: u64,
}

/// Payments that were transfers of their own: what they moved, they moved on chain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DirectBooks {
    /// Σ of what was moved.
    pub charged: BaseUnits,
    /// Σ of what is to be moved, if the work in flight succeeds.
    pub reserved: BaseUnits,
    /// Payments that were made.
    pub posted: u64,
    /// Payments that were not, because the work or the transfer failed.
    pub voided: u64,
    /// Payments neither made nor given up.
    pub pending: u64,
}

/// One channel as its seller counts it.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// What it is.
    pub funding: Funding,
    /// Its counters.
    pub channel: Channel,
    /// The newest voucher that something was charged under.
    pub voucher: Option<(BaseUnits, CanonicalSignature)>,
}

/// The sums of a whole ledger; all but `direct` are over channels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Books {
    /// Σ authorized over all channels.
    pub authorized: BaseUnits,
    /// Σ signed.
    pub signed: BaseUnits,
    /// Σ charged.
    pub charged: BaseUnits,
    /// Σ reserved.
    pub reserved: BaseUnits,
    /// Σ claimed on chain.
    pub claimed: BaseUnits,
    /// Payments that ended in a charge.
    pub posted: u64,
    /// Payments that ended without one.
    pub voided: u64,
    /// Payments neither posted nor voided.
    pub pending: u64,
    /// The most calls that were in flight on one channel at once.
    pub in_flight_max: u32,
    /// Payments without a channel.
    pub direct: DirectBooks,
}

/// Durable admission, charging and claiming.
///
/// # Contract
///
/// - **Atomic and durable.** Each method is one transaction; when it returns `Ok` the transaction
///   is committed as durably as the store was configured. When it returns an error nothing of it
///   happened, or the ledger serves nothing any more.
/// - **Linear.** The transitions of one channel form one sequence, each checked by
///   [`Channel`]'s machine against the state the one before left.
/// - **One id, one reservation.** For a payment id at most one [`Reserve::New`] is ever returned,
///   and it is resolved at most once.
/// - **No voucher twice.** On a lock a voucher (channel and ceiling) admits at most one payment. On
///   a `batch-settlement` channel stock clients pay with the same voucher again after a call that
///   was not charged; there a voucher that something was charged under admits no second payment,
///   and no other is ever given out as a [`Claim`]. Either way a voucher seen on chain buys nothing.
/// - **No transfer twice.** A transfer's id admits at most one payment, charged or not.
/// - **Cancellation.** A future dropped half way may or may not have taken effect; asking again
///   with the same id tells.
pub trait Ledger: Send + Sync + Debug {
    /// Holds money for one call, or says why not.
    fn reserve(&self, request: ReserveRequest) -> BoxFuture<'_, Result<Reserve, LedgerError>>;

    /// Holds more money for work that goes on, paid by the channel that paid for its start; the
    /// number of calls in flight stays. On `Ok` the reservation's amount is what is held then.
    ///
    /// Safe to repeat: a part with the same id is added once. A future dropped half way may have
    /// added it; the reservation then says less than is held, which is freed at its end.
    fn extend<'a>(
        &'a self,
        reserved: &'a mut Reserved,
        request: ExtendRequest,
    ) -> BoxFuture<'a, Result<Extend, LedgerError>>;

    /// Charges part of a running reservation durably, so that a part of the work can be delivered:
    /// afterwards `total` is charged in all slices together, and the rest is held on. Whatever
    /// becomes of the work, and also after a crash, slices stay charged.
    ///
    /// Safe to repeat, because the total is given and not the difference; a total that is reached
    /// already changes nothing. A transfer cannot be sliced.
    ///
    /// # Errors
    /// [`LedgerError::Broken`] when more would be charged than is held; nothing changed then.
    fn slice<'a>(
        &'a self,
        reserved: &'a mut Reserved,
        total: BaseUnits,
    ) -> BoxFuture<'a, Result<(), LedgerError>>;

    /// Keeps the outcome of work whose transfer is about to be made, and returns what the
    /// facilitator is asked to settle. From here on the payment is posted or voided according to
    /// the facilitator's answer, across restarts; the outcome is shown to nobody before.
    ///
    /// # Errors
    /// [`LedgerError::NotHeld`] also when the reservation is not a transfer.
    fn settling<'a>(
        &'a self,
        reserved: &'a Reserved,
        outcome: Json,
    ) -> BoxFuture<'a, Result<Json, LedgerError>>;

    /// The payments that were being made when the process ended, for whoever starts the agent to
    /// settle, once, before anybody else takes them.
    fn unsettled(&self) -> BoxFuture<'_, Result<Vec<Unsettled>, LedgerError>>;

    /// Charges `actual` for finished work, on top of what was charged in slices, and stores its
    /// task, in one transaction.
    fn post(
        &self,
        reserved: Reserved,
        actual: BaseUnits,
        task: TaskWrite,
    ) -> BoxFuture<'_, Result<(), Unresolved>>;

    /// Charges nothing beyond the slices charged already and stores the task as it ended, in one
    /// transaction.
    fn void(&self, reserved: Reserved, task: TaskWrite) -> BoxFuture<'_, Result<(), Unresolved>>;

    /// Keeps the money held while the task waits for its buyer, across restarts.
    fn park(&self, reserved: Reserved, task: TaskWrite) -> BoxFuture<'_, Result<(), Unresolved>>;

    /// Takes up a parked reservation again, once.
    fn unpark(
        &self,
        task_id: String,
        now_unix_millis: u64,
    ) -> BoxFuture<'_, Result<Unparked, LedgerError>>;

    /// The answer to a payment with this id, if one was made before, as [`Ledger::reserve`] would
    /// give it; `None` when it is new. It lets a repeated payment be answered before the chain is
    /// asked about it, where it may be used up.
    fn known(
        &self,
        id: PaymentId,
        request_hash: B256,
    ) -> BoxFuture<'_, Result<Option<Reserve>, LedgerError>>;

    /// One channel as it stands; `None` when it is not known.
    fn standing(&self, id: ChannelId) -> BoxFuture<'_, Result<Option<Standing>, LedgerError>>;

    /// Takes over what the chain says of a channel that pays us.
    fn observe(
        &self,
        funding: Funding,
        state: LockState,
    ) -> BoxFuture<'_, Result<Channel, LedgerError>>;

    /// The channels with something to claim, those unclaimed longest first, at most `limit`.
    fn claims(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Claim>, LedgerError>>;

    /// The sums over everything.
    fn books(&self) -> BoxFuture<'_, Result<Books, LedgerError>>;
}

/// Why the ledger could not do its work. None of these is the buyer's fault.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The store failed; the text is for the log, never for a peer.
    #[error("the ledger's store failed: {0}")]
    Store(String),
    /// The books are wrong. The channel serves nothing until a person has looked.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The reservation is not held (any more): it was resolved, or never made here.
    #[error("the reservation of payment {0} is not held")]
    NotHeld(PaymentId),
}

impl LedgerError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Store(_) => "ledger_store",
            Self::Broken(_) => "ledger_broken",
            Self::NotHeld(_) => "ledger_not_held",
        }
    }
}
