//! One payment channel as a pure machine: what a seller may admit, and what it may claim.
//!
//! A channel is counted in six numbers: authorized A (what the lock holds in all), claimed C (paid
//! out on chain), signed S (the highest ceiling a checked voucher carried), charged H (posted),
//! reserved R (the sum of maxima of calls in flight) and the lock's deadline D. At all times
//!
//! > H ≤ H + R ≤ S ≤ A and C ≤ A
//!
//! We claim no more than was charged, so C ≤ H is the usual case. It is no invariant: the escrow pays
//! a lock's payee whoever asks for it, so anybody who has read a voucher can have all of it claimed
//! before it was earned. That money is ours, paid in advance: H grows up to C before anything more
//! can be claimed, and nothing else changes. (Were it an alarm that stops the channel, a buyer could
//! raise it for one unit while many calls run, and have them for nothing.)
//!
//! Every transition checks this and returns a new state or an error; none changes a state in place,
//! so a refused transition leaves nothing behind. The numbers are cumulative: vouchers may arrive
//! out of order and many calls may be in flight at once.

use crate::money::{BaseUnits, MoneyError};
use crate::x402::batch::{ChannelConfig, ChannelState, codes as batch};

/// The state of one channel; see the module for what the numbers mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channel {
    /// A: what the lock was given in all, as the chain said last.
    pub authorized: BaseUnits,
    /// C: what was claimed on chain, as the chain said last.
    pub claimed: BaseUnits,
    /// S: the highest ceiling that was admitted.
    pub signed: BaseUnits,
    /// H: what was posted for finished work.
    pub charged: BaseUnits,
    /// R: what is held for work in flight.
    pub reserved: BaseUnits,
    /// How many calls are in flight.
    pub in_flight: u32,
    /// D: after this the payer may take back what is left.
    pub deadline_unix_secs: u64,
    /// No new work: the lock was released on chain or is about to be.
    pub closed: bool,
}

/// The bounds a seller sets on what it admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdmissionRules {
    /// The most calls in flight on one channel. Bounds what one buyer can hold of our memory.
    pub max_in_flight: u32,
    /// The most unclaimed value one channel may hold: what we lose if every claim fails.
    pub max_unclaimed: BaseUnits,
    /// Nothing is admitted this close to the deadline: a claim must still be mined before it.
    pub deadline_margin_secs: u64,
}

/// One request for admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// The most that the work may cost.
    pub max: BaseUnits,
    /// The ceiling of the voucher that came with the request, its signature checked.
    pub ceiling: BaseUnits,
    /// The time, in Unix seconds.
    pub now_unix_secs: u64,
}

/// The deadline of a channel that has none: the latest that stores can keep.
pub const NO_DEADLINE: u64 = u64::MAX >> 1;

/// What the chain says about a channel.
///
/// For `batch-settlement` a channel has a deadline only once its payer gave notice of withdrawal,
/// and [`NO_DEADLINE`] before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockState {
    /// What the lock was given in all, less what was released.
    pub authorized: BaseUnits,
    /// What was claimed.
    pub claimed: BaseUnits,
    /// The lock's deadline.
    pub deadline_unix_secs: u64,
}

impl LockState {
    /// What the chain says about a channel of `batch-settlement`.
    #[must_use]
    pub const fn of_batch(channel: &ChannelConfig, state: &ChannelState) -> Self {
        let deadline_unix_secs = match state.withdraw_requested_at {
            0 => NO_DEADLINE,
            since => since.saturating_add(channel.withdraw_delay),
        };
        Self {
            authorized: state.balance,
            claimed: state.total_claimed,
            deadline_unix_secs,
        }
    }
}

impl Channel {
    /// The channel of a lock that the chain shows and no voucher has drawn on.
    #[must_use]
    pub const fn opened(lock: LockState) -> Self {
        Self {
            authorized: lock.authorized,
            claimed: lock.claimed,
            // A lock may have a past we do not know (a lost ledger). What was claimed was signed
            // and charged, whoever counted it; anything above it is forfeited by the seller.
            signed: lock.claimed,
            charged: lock.claimed,
            reserved: BaseUnits::ZERO,
            in_flight: 0,
            deadline_unix_secs: lock.deadline_unix_secs,
            closed: false,
        }
    }

    /// Reserves `request.max` for one call.
    ///
    /// # Errors
    /// [`Refusal`], with what the buyer can do about it.
    pub fn admit(self, request: Admission, rules: &AdmissionRules) -> Result<Self, Refusal> {
        if self.closed {
            return Err(Refusal::ChannelClosed);
        }
        let latest = self
            .deadline_unix_secs
            .saturating_sub(rules.deadline_margin_secs);
        if request.now_unix_secs > latest {
            return Err(Refusal::DeadlineNear {
                deadline_unix_secs: self.deadline_unix_secs,
                margin_secs: rules.deadline_margin_secs,
            });
        }
        if request.ceiling > self.authorized {
            return Err(Refusal::CeilingAboveAuthorized {
                authorized: self.authorized,
            });
        }
        if self.in_flight >= rules.max_in_flight {
            return Err(Refusal::TooManyInFlight {
                max_in_flight: rules.max_in_flight,
            });
        }
        let too_large = |_: MoneyError| Refusal::CeilingAboveAuthorized {
            authorized: self.authorized,
        };
        let reserved = self.reserved.plus(request.max).map_err(too_large)?;
        let required = self.charged.plus(reserved).map_err(too_large)?;
        let signed = self.signed.max(request.ceiling);
        if required > signed {
            return Err(Refusal::CeilingTooLow { required, signed });
        }
        let unclaimed = required.minus(self.claimed).unwrap_or(BaseUnits::ZERO);
        if unclaimed > rules.max_unclaimed {
            return Err(Refusal::ExposureExceeded {
                max_unclaimed: rules.max_unclaimed,
            });
        }
        let in_flight = self.in_flight.saturating_add(1);
        Ok(Self {
            signed,
            reserved,
            in_flight,
            ..self
        })
    }

    /// Reserves `request.max` on a channel that pays for one call at a time, as stock clients of
    /// `batch-settlement` use it: the ceiling is exactly what was charged plus what the call may
    /// cost.
    ///
    /// # Errors
    /// [`Refusal`], as for [`Channel::admit`]; [`Refusal::ChannelBusy`],
    /// [`Refusal::CumulativeMismatch`] and [`Refusal::Withdrawing`].
    pub fn admit_alone(self, request: Admission, rules: &AdmissionRules) -> Result<Self, Refusal> {
        if self.in_flight > 0 {
            return Err(Refusal::ChannelBusy);
        }
        self.check_next(request)?;
        self.admit(request, rules)
    }

    /// Whether a ceiling is the next of a channel that pays for one call at a time.
    fn check_next(self, request: Admission) -> Result<(), Refusal> {
        if self.deadline_unix_secs != NO_DEADLINE {
            return Err(Refusal::Withdrawing);
        }
        let next = self
            .charged
            .plus(self.reserved)
            .and_then(|used| used.plus(request.max));
        let required = next.map_err(|_| Refusal::CeilingAboveAuthorized {
            authorized: self.authorized,
        })?;
        if request.ceiling != required {
            return Err(Refusal::CumulativeMismatch {
                required,
                charged: self.charged,
            });
        }
        Ok(())
    }

    /// As [`Channel::extend`], on a channel that pays for one call at a time.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn extend_alone(self, request: Admission, rules: &AdmissionRules) -> Result<Self, Refusal> {
        self.check_next(request)?;
        self.extend(request, rules)
    }

    /// Reserves `request.max` more for a call that is in flight already, with a further voucher.
    ///
    /// # Errors
    /// [`Refusal`], as for [`Channel::admit`]; no call is added, so their number does not matter.
    pub fn extend(self, request: Admission, rules: &AdmissionRules) -> Result<Self, Refusal> {
        let unbounded = AdmissionRules {
            max_in_flight: u32::MAX,
            ..*rules
        };
        let grown = self.admit(request, &unbounded)?;
        Ok(Self {
            in_flight: self.in_flight,
            ..grown
        })
    }

    /// Charges `amount` of what is reserved for a call that goes on.
    ///
    /// # Errors
    /// [`Broken`] when less is reserved.
    pub fn slice(self, amount: BaseUnits) -> Result<Self, Broken> {
        let reserved = self.reserved.minus(amount)?;
        let charged = self.charged.plus(amount)?;
        Self {
            charged,
            reserved,
            ..self
        }
        .checked()
    }

    /// Whether `max` more fits under `ceiling` and under what was signed, without a voucher.
    ///
    /// # Errors
    /// [`Refusal::CeilingTooLow`].
    pub fn has_credit(&self, max: BaseUnits, ceiling: BaseUnits) -> Result<(), Refusal> {
        let signed = self.signed.min(ceiling);
        let used = self.charged.plus(self.reserved);
        match used.and_then(|used| used.plus(max)) {
            Ok(required) if required <= signed => Ok(()),
            Ok(required) => Err(Refusal::CeilingTooLow { required, signed }),
            Err(_) => Err(Refusal::CeilingAboveAuthorized {
                authorized: self.authorized,
            }),
        }
    }

    /// What was signed and is neither charged nor reserved.
    #[must_use]
    pub fn slack(&self) -> BaseUnits {
        self.charged
            .plus(self.reserved)
            .and_then(|used| self.signed.minus(used))
            .unwrap_or(BaseUnits::ZERO)
    }

    /// Whether work that was reserved earlier can still be claimed if it goes on now.
    #[must_use]
    pub const fn can_go_on(&self, now_unix_secs: u64, rules: &AdmissionRules) -> bool {
        let latest = self
            .deadline_unix_secs
            .saturating_sub(rules.deadline_margin_secs);
        !self.closed && now_unix_secs <= latest
    }

    /// Ends a call that reserved `reserved` and charges `actual` for it.
    ///
    /// # Errors
    /// [`Broken`] when `actual` exceeds the reservation or the books do not hold it.
    pub fn post(self, reserved: BaseUnits, actual: BaseUnits) -> Result<Self, Broken> {
        if actual > reserved {
            return Err(Broken("a charge exceeds its reservation"));
        }
        let freed = self.void(reserved)?;
        let charged = freed.charged.plus(actual)?;
        Self { charged, ..freed }.checked()
    }

    /// Ends a call that reserved `reserved` and charges nothing for it.
    ///
    /// # Errors
    /// [`Broken`] when no such reservation is held.
    pub fn void(self, reserved: BaseUnits) -> Result<Self, Broken> {
        let in_flight = self
            .in_flight
            .checked_sub(1)
            .ok_or(Broken("a call ended that never began"))?;
        let reserved = self.reserved.minus(reserved)?;
        Self {
            reserved,
            in_flight,
            ..self
        }
        .checked()
    }

    /// Takes over what the chain says now.
    ///
    /// A lock whose money was released (it can no longer cover what was signed) closes the
    /// channel; what is in flight on it may still finish.
    ///
    /// More claimed than charged is money in advance; see the module.
    ///
    /// # Errors
    /// [`Broken`] when the chain contradicts itself or the books do not hold together.
    pub fn chain_says(self, lock: LockState) -> Result<Self, Broken> {
        let closed = lock.authorized < self.signed;
        // A closed channel keeps the authorization its vouchers were admitted under, so that its
        // books go on meaning what they meant.
        let authorized = if closed {
            self.authorized.max(lock.authorized)
        } else {
            lock.authorized
        };
        let deadline_unix_secs = lock.deadline_unix_secs;
        Self {
            authorized,
            claimed: lock.claimed,
            deadline_unix_secs,
            closed,
            ..self
        }
        .checked()
    }

    /// What may be claimed now beyond what was claimed already.
    #[must_use]
    pub fn claimable(&self) -> BaseUnits {
        self.charged.minus(self.claimed).unwrap_or(BaseUnits::ZERO)
    }

    /// Returns the state if H ≤ H + R ≤ S ≤ A and C ≤ A hold.
    ///
    /// # Errors
    /// [`Broken`] names the part that does not hold.
    pub fn checked(self) -> Result<Self, Broken> {
        if self.claimed > self.authorized {
            return Err(Broken("claimed exceeds authorized"));
        }
        if self.charged.plus(self.reserved)? > self.signed {
            return Err(Broken("charged and reserved exceed signed"));
        }
        if self.signed > self.authorized {
            return Err(Broken("signed exceeds authorized"));
        }
        Ok(self)
    }
}

/// Why a payment was not admitted. Nothing was reserved and nothing was spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The lock was released or is being released.
    #[error("the lock was released; open another")]
    ChannelClosed,
    /// No lock with this id is known on chain.
    #[error("no such lock is known on chain yet; open it, wait for its block and send again")]
    LockUnknown,
    /// The seller has not heard from the chain for too long to rely on what it knows.
    #[error("the seller cannot see the chain at the moment; try again later")]
    ChainStateStale,
    /// Too close to the lock's deadline.
    #[error(
        "the lock's deadline {deadline_unix_secs} is closer than {margin_secs} s; extend or replace it"
    )]
    DeadlineNear {
        /// The lock's deadline.
        deadline_unix_secs: u64,
        /// How long before it the seller stops admitting.
        margin_secs: u64,
    },
    /// The voucher promises more than the lock holds.
    #[error("the ceiling is above the {authorized} base units that the lock authorizes; top it up")]
    CeilingAboveAuthorized {
        /// What the lock authorizes in all.
        authorized: BaseUnits,
    },
    /// The voucher does not cover this call on top of those charged and in flight.
    #[error("the ceiling must be at least {required}; the highest signed so far is {signed}")]
    CeilingTooLow {
        /// The least ceiling that would have been admitted.
        required: BaseUnits,
        /// The highest ceiling the seller holds, counting this one.
        signed: BaseUnits,
    },
    /// Too many calls in flight on this channel, or by transfers of one payer.
    #[error("{max_in_flight} calls are in flight; wait for one to end")]
    TooManyInFlight {
        /// The most that are allowed.
        max_in_flight: u32,
    },
    /// Unclaimed value would exceed the seller's cap.
    #[error(
        "the seller holds up to {max_unclaimed} unclaimed base units a lock; try again after it settled"
    )]
    ExposureExceeded {
        /// The cap.
        max_unclaimed: BaseUnits,
    },
    /// The channel pays for one call at a time, and one is in flight.
    #[error("a call is in flight on this channel; wait for its end and send again")]
    ChannelBusy,
    /// The ceiling is not what was charged so far plus what the call may cost.
    #[error("the ceiling must be exactly {required}: {charged} were charged so far")]
    CumulativeMismatch {
        /// The ceiling that would be admitted.
        required: BaseUnits,
        /// What was charged in all.
        charged: BaseUnits,
    },
    /// The payer gave notice that it withdraws.
    #[error("the channel's payer asked for its money back; open another channel")]
    Withdrawing,
    /// This transfer already paid for another call.
    #[error("this authorization was already used for another payment; sign another one")]
    TransferReused,
    /// Not a way to pay for more of a call that is in flight.
    #[error("a running call can be paid for only with the channel that paid for its start")]
    OtherChannel,
    /// This voucher already paid for another call.
    #[error("this ceiling was already used for another payment; sign a higher one")]
    VoucherReused,
    /// The payment id was used with another request.
    #[error("this payment id was already used for another request; choose a fresh one")]
    PaymentIdConflict,
}

impl Refusal {
    /// A stable code, in the style of x402's error reasons.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ChannelClosed => "invalid_z402_channel_closed",
            Self::LockUnknown => "invalid_z402_lock_unknown",
            Self::ChainStateStale => "invalid_z402_chain_state_stale",
            Self::DeadlineNear { .. } => "invalid_z402_deadline_near",
            Self::CeilingAboveAuthorized { .. } => "invalid_z402_ceiling_exceeds_authorized",
            Self::CeilingTooLow { .. } => "invalid_z402_ceiling_too_low",
            Self::TooManyInFlight { .. } => "invalid_z402_too_many_in_flight",
            Self::ExposureExceeded { .. } => "invalid_z402_exposure_exceeded",
            Self::ChannelBusy => batch::CHANNEL_BUSY,
            Self::CumulativeMismatch { .. } => batch::CUMULATIVE_AMOUNT_MISMATCH,
            Self::Withdrawing => batch::CUMULATIVE_EXCEEDS_BALANCE,
            Self::TransferReused => "invalid_exact_evm_nonce_already_used",
            Self::OtherChannel => "invalid_z402_other_channel",
            Self::VoucherReused => "invalid_z402_voucher_reused",
            Self::PaymentIdConflict => "invalid_z402_payment_id_conflict",
        }
    }
}

impl Refusal {
    /// The code under which `batch-settlement` knows this, so that stock clients understand it.
    #[must_use]
    pub const fn batch_code(&self) -> &'static str {
        match self {
            Self::ChannelClosed | Self::CeilingAboveAuthorized { .. } | Self::Withdrawing => {
                batch::CUMULATIVE_EXCEEDS_BALANCE
            }
            Self::LockUnknown => batch::CHANNEL_NOT_FOUND,
            Self::ChainStateStale => batch::VERIFICATION_STATE_UNAVAILABLE,
            Self::TooManyInFlight { .. } => batch::CHANNEL_BUSY,
            Self::CeilingTooLow { .. } | Self::VoucherReused => batch::CUMULATIVE_AMOUNT_MISMATCH,
            other => other.code(),
        }
    }
}

/// An invariant does not hold: the books are wrong and nothing may be built on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("channel invariant broken: {0}")]
pub struct Broken(pub &'static str);

impl From<MoneyError> for Broken {
    fn from(_: MoneyError) -> Self {
        Self("an amount left its range")
    }
}
