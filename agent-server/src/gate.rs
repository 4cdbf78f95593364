//! Payment, and nothing but payment: from what a peer sent to a reservation or a refusal.
//!
//! decode → compare with our own terms → check the signature → reserve. The checks that cost
//! nothing come first, the signature next, the store last.

mod refusal;
mod required;

pub use refusal::GateRefusal;

use crate::limits::{FRESHNESS_WAIT, LOCK_WAIT};
use agent_core::channel::Refusal;
use agent_core::clock::Clock;
use agent_core::json::Json;
use agent_core::ledger::{BoxFuture, Ledger, PaymentId, Proof, Reserve, ReserveRequest, Reserved};
use agent_core::money::BaseUnits;
use agent_core::voucher::{ChannelId, Checked, EscrowDomain, Lock, Voucher};
use agent_core::x402::{
    Mode, PAYMENT_IDENTIFIER, PaymentIdentifier, PaymentPayload, PaymentTerms, SCHEME_Z402,
    X402_VERSION, Z402Extra, Z402Payload,
};
use alloy_primitives::{Address, B256, Keccak256};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

/// Tells when a lock has been seen on chain.
///
/// # Contract
///
/// Returns `true` once the ledger knows the lock and how fresh that is, `false` when it does not
/// within `wait`. It may ask the chain; it is called only for locks that the ledger has never seen,
/// and while what it knows of the chain is too old.
pub trait LockSource: Send + Sync + Debug {
    /// Waits for a lock to become known to the ledger.
    fn await_lock(&self, id: ChannelId, wait: Duration) -> BoxFuture<'_, bool>;
}

/// The door that paid work passes.
#[derive(Debug)]
pub struct Gate {
    terms: PaymentTerms,
    domain: EscrowDomain,
    ledger: Arc<dyn Ledger>,
    locks: Arc<dyn LockSource>,
    clock: Arc<dyn Clock>,
}

/// The work that a payment is for.
#[derive(Debug, Clone)]
pub struct Work<'a> {
    /// The task it will be.
    pub task_id: &'a str,
    /// The task's context.
    pub context_id: &'a str,
    /// The skill.
    pub skill: &'a str,
    /// Whose the task will be; see [`agent_core::ledger::TaskWrite::owner`].
    pub owner: &'a str,
    /// The input, as it came.
    pub input: &'a str,
    /// The most that it costs.
    pub max: BaseUnits,
}

/// What a payment that was accepted leads to.
#[derive(Debug)]
pub enum Admitted {
    /// Run the work.
    New(Reserved),
    /// The work was done before; this task is the answer.
    Same(String),
    /// The work is being done; this task will be the answer.
    Busy(String),
}

impl Gate {
    /// A gate under these terms.
    #[must_use]
    pub fn new(
        terms: PaymentTerms,
        ledger: Arc<dyn Ledger>,
        locks: Arc<dyn LockSource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let domain = EscrowDomain::new(terms.asset.network.chain_id, terms.contract);
        Self {
            terms,
            domain,
            ledger,
            locks,
            clock,
        }
    }

    /// The terms that payments are held against.
    #[must_use]
    pub const fn terms(&self) -> &PaymentTerms {
        &self.terms
    }

    /// The ledger that holds the reservations.
    #[must_use]
    pub fn ledger(&self) -> &Arc<dyn Ledger> {
        &self.ledger
    }

    /// Admits a payment for `work`, or says why not.
    ///
    /// # Errors
    /// [`GateRefusal`]; nothing was reserved.
    pub async fn admit(&self, payment: &Json, work: &Work<'_>) -> Result<Admitted, GateRefusal> {
        let payment = self.decode(payment)?;
        self.compare(&payment, work)?;
        let checked = self.check_voucher(&payment)?;
        let request = ReserveRequest {
            payment_id: payment.id,
            request_hash: request_hash(work, payment.payload.accepted.amount, &checked),
            proof: Proof::Voucher {
                funding: payment.lock.into(),
                voucher: checked,
            },
            max: work.max,
            task_id: work.task_id.to_owned(),
            context_id: work.context_id.to_owned(),
            skill: work.skill.to_owned(),
            owner: work.owner.to_owned(),
            now_unix_millis: self.clock.now_unix_millis(),
        };
        self.reserve(request).await
    }

    fn decode(&self, payment: &Json) -> Result<Payment, GateRefusal> {
        let payload: PaymentPayload = payment
            .parse()
            .map_err(|error| GateRefusal::malformed("payload", &error))?;
        if payload.x402_version != X402_VERSION {
            return Err(GateRefusal::new(
                "invalid_x402_version",
                format!("this agent speaks x402 version {X402_VERSION}"),
            ));
        }
        if payload.mode != Mode::Z || payload.accepted.scheme != SCHEME_Z402 {
            return Err(GateRefusal::new(
                "unsupported_scheme",
                "this agent takes mode \"z\" with scheme \"z402\"; see `accepts`",
            ));
        }
        let Z402Payload::Voucher { lock, voucher } = payload
            .payload
            .parse()
            .map_err(|error| GateRefusal::malformed("payload.payload", &error))?
        else {
            return Err(GateRefusal::new(
                "invalid_payload",
                "only payments of type voucher are taken",
            ));
        };
        let voucher = voucher
            .receive()
            .map_err(|error| GateRefusal::new(error.code(), error.to_string()))?;
        let identifier: Option<PaymentIdentifier> = payload
            .extensions
            .parse(PAYMENT_IDENTIFIER)
            .map_err(|error| GateRefusal::malformed("extensions.payment-identifier", &error))?;
        let id = identifier.and_then(|value| value.info.id);
        let id = id.as_deref().and_then(PaymentId::parse).ok_or_else(|| {
            GateRefusal::new(
                "invalid_payment_identifier",
                "send extensions[\"payment-identifier\"].info.id: 16 to 128 of A-Z a-z 0-9 - _",
            )
        })?;
        Ok(Payment {
            payload,
            lock,
            voucher,
            id,
        })
    }

    /// Compares what the peer says it accepted with what we offer. The chain and the contract are
    /// ours: a peer's words are compared with them and never used instead of them.
    fn compare(&self, payment: &Payment, work: &Work<'_>) -> Result<(), GateRefusal> {
        let (ours, accepted) = (&self.terms, &payment.payload.accepted);
        let mismatch = |code, what: &str, expected: String| {
            Err(GateRefusal::new(code, format!("{what} must be {expected}")))
        };
        if accepted.network != ours.asset.network.to_string() {
            let expected = ours.asset.network.to_string();
            return mismatch("invalid_z402_network_mismatch", "the network", expected);
        }
        if accepted.asset.parse() != Ok(ours.asset.address)
            || payment.lock.token != ours.asset.address
        {
            let expected = ours.asset.address.to_string();
            return mismatch(
                "invalid_z402_token_mismatch",
                "the asset and the lock's token",
                expected,
            );
        }
        if accepted.pay_to.parse() != Ok(ours.pay_to) || payment.lock.payee != ours.pay_to {
            let expected = ours.pay_to.to_string();
            return mismatch(
                "invalid_z402_payee_mismatch",
                "payTo and the lock's payee",
                expected,
            );
        }
        let extra: Option<Z402Extra> = serde_json::to_string(&accepted.extra)
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok());
        if extra.map(|extra| extra.contract) != Some(ours.contract) {
            let expected = ours.contract.to_string();
            return mismatch("invalid_z402_contract_mismatch", "extra.contract", expected);
        }
        if accepted.amount < work.max {
            let expected = format!("at least {} base units", work.max);
            return mismatch(
                "invalid_z402_amount_too_low",
                "the accepted amount",
                expected,
            );
        }
        if payment.lock.signer == Address::ZERO || payment.lock.payer == Address::ZERO {
            return mismatch("invalid_z402_lock", "payer and signer", "set".to_owned());
        }
        Ok(())
    }

    fn check_voucher(&self, payment: &Payment) -> Result<Voucher<Checked>, GateRefusal> {
        payment
            .voucher
            .check(&self.domain, &payment.lock)
            .map_err(|error| GateRefusal::new(error.code(), error.to_string()))
    }

    async fn reserve(&self, request: ReserveRequest) -> Result<Admitted, GateRefusal> {
        let retry = request.clone();
        let mut answer = self.ledger.reserve(request).await?;
        let wait = match &answer {
            Reserve::Refused {
                why: Refusal::LockUnknown,
                ..
            } => Some(LOCK_WAIT),
            // The first payments after a start, or after an outage, come before the next look.
            Reserve::Refused {
                why: Refusal::ChainStateStale,
                ..
            } => Some(FRESHNESS_WAIT),
            _ => None,
        };
        if let Some(wait) = wait
            && let Some(channel_id) = retry.proof.channel_id()
            && self.locks.await_lock(channel_id, wait).await
        {
            answer = self.ledger.reserve(retry).await?;
        }
        match answer {
            Reserve::New(reserved) => Ok(Admitted::New(reserved)),
            Reserve::Same { task_id } => Ok(Admitted::Same(task_id)),
            Reserve::Busy { task_id } => Ok(Admitted::Busy(task_id)),
            Reserve::Refused { why, channel, .. } => {
                Err(GateRefusal::new(why.code(), why.to_string()).with_channel(channel))
            }
        }
    }
}

/// A payment that parsed; nothing in it has been compared or checked.
struct Payment {
    payload: PaymentPayload,
    lock: Lock,
    voucher: Voucher<agent_core::voucher::Received>,
    id: PaymentId,
}

/// Commits to everything that the payment pays for: the same id with anything else is a conflict.
fn request_hash(work: &Work<'_>, accepted: BaseUnits, voucher: &Voucher<Checked>) -> B256 {
    let mut hash = Keccak256::new();
    for field in [
        work.skill.as_bytes(),
        work.input.as_bytes(),
        &accepted.get().to_be_bytes(),
        voucher.channel_id().0.as_slice(),
        &voucher.ceiling().get().to_be_bytes(),
    ]
    .into_iter()
    // A caller without a name adds nothing, as before callers had names.
    .chain(Some(work.owner.as_bytes()).filter(|owner| !owner.is_empty()))
    {
        // The length keeps neighbours apart: ("ab", "c") and ("a", "bc") are other requests.
        hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(field);
    }
    hash.finalize()
}
