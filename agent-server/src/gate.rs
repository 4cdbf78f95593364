//! Payment, and nothing but payment: from what a peer sent to a reservation or a refusal.
//!
//! decode → compare with our own terms → check the signature → reserve. The checks that cost
//! nothing come first, the signature next, the store last; only what neither can tell is asked of a
//! facilitator, before anything is reserved.
//!
//! | module | what it decides |
//! |---|---|
//! | `locks`, `channels`, `transfers` | whether a payment of one scheme is good |
//! | `ports` | who is asked about the chain |
//! | `required`, `receipt`, `refusal` | what is answered, whatever carries it |
//! | `settling` | what becomes of a transfer once its work is done |

mod channels;
mod growing;
pub mod limits;
mod locks;
mod ports;
mod receipt;
mod refusal;
mod required;
mod secret;
mod settling;
mod transfers;

pub use ports::{ChannelSource, LockSource};
pub use receipt::Charged;
pub use refusal::{Correction, GateRefusal};
pub use secret::credit_key;
pub use settling::Settled;

use crate::limits::{FRESHNESS_WAIT, LOCK_WAIT};
use crate::paid::desk::{OURS, derived};
use agent_core::channel::Refusal;
use agent_core::clock::Clock;
use agent_core::json::Json;
use agent_core::ledger::{Ledger, PaymentId, Proof, Reserve, ReserveRequest, Reserved};
use agent_core::money::BaseUnits;
use agent_core::voucher::{Domains, EscrowDomain};
use agent_core::x402::batch::SCHEME_BATCH_SETTLEMENT;
use agent_core::x402::facilitator::Facilitator;
use agent_core::x402::{
    CreditKey, Mode, PAYMENT_IDENTIFIER, PaymentIdentifier, PaymentPayload, PaymentRequirements,
    PaymentTerms, SCHEME_EXACT, SCHEME_Z402, X402_VERSION, v1,
};
use alloy_primitives::{B256, Keccak256};
use std::fmt::Debug;
use std::sync::Arc;

/// The door that paid work passes.
#[derive(Debug)]
pub struct Gate {
    terms: PaymentTerms,
    domains: Domains,
    ledger: Arc<dyn Ledger>,
    locks: Arc<dyn LockSource>,
    channels: Option<Arc<dyn ChannelSource>>,
    facilitator: Option<Arc<dyn Facilitator>>,
    credit: Option<CreditKey>,
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
    /// A gate under these terms. It takes the schemes that `terms` lists and that it can serve:
    /// `batch-settlement` and `exact` need [`Gate::with_facilitator`].
    #[must_use]
    pub fn new(
        terms: PaymentTerms,
        ledger: Arc<dyn Ledger>,
        locks: Arc<dyn LockSource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let escrow = EscrowDomain::new(terms.asset.network.chain_id, terms.contract);
        Self {
            terms,
            domains: Domains::new(escrow),
            ledger,
            locks,
            channels: None,
            facilitator: None,
            credit: None,
            clock,
        }
    }

    /// Also takes what a facilitator checks and makes on chain: deposits of `batch-settlement` and
    /// transfers of `exact`. Unless [`Gate::with_channels`] says otherwise it is also asked what the
    /// chain says of channels.
    #[must_use]
    pub fn with_facilitator(mut self, facilitator: Arc<dyn Facilitator>) -> Self {
        self.facilitator = Some(facilitator);
        self
    }

    /// Asks this about `batch-settlement` channels, and not the facilitator.
    #[must_use]
    pub fn with_channels(mut self, channels: Arc<dyn ChannelSource>) -> Self {
        self.channels = Some(channels);
        self
    }

    /// Issues and takes credit tokens under this key; without it what was signed and not charged is
    /// used up by further vouchers only.
    #[must_use]
    pub fn with_credit(mut self, key: CreditKey) -> Self {
        self.credit = Some(key);
        self
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

    /// Admits a payment for `work`, or says why not. It may be of x402 v2 or v1.
    ///
    /// # Errors
    /// [`GateRefusal`]; nothing was reserved.
    pub async fn admit(&self, payment: &Json, work: &Work<'_>) -> Result<Admitted, GateRefusal> {
        let payload = self.decode(payment, work)?;
        match payload.accepted.scheme.as_str() {
            SCHEME_Z402 if payload.mode == Mode::Z => self.by_lock(&payload, work).await,
            SCHEME_BATCH_SETTLEMENT => self.by_channel(payload, work).await,
            SCHEME_EXACT => self.by_transfer(payload, work).await,
            _ => Err(self.unsupported()),
        }
    }

    /// Whether payments of a scheme are taken for a skill. What is charged by use cannot be paid
    /// with a transfer of an exact amount.
    fn takes(&self, scheme: &str, skill: &str) -> bool {
        let variable = || {
            self.terms
                .skills
                .get(skill)
                .is_some_and(|skill| skill.variable)
        };
        self.terms.schemes.iter().any(|known| known == scheme)
            && match scheme {
                SCHEME_Z402 => true,
                SCHEME_BATCH_SETTLEMENT => {
                    self.terms.batch.is_some()
                        && (self.facilitator.is_some() || self.channels.is_some())
                }
                SCHEME_EXACT => {
                    self.terms.exact.is_some() && self.facilitator.is_some() && !variable()
                }
                _ => false,
            }
    }

    fn unsupported(&self) -> GateRefusal {
        let schemes = self.terms.schemes.join(", ");
        GateRefusal::new(
            "unsupported_scheme",
            format!("this agent takes {schemes} (z402 with mode \"z\"); see `accepts`"),
        )
    }

    fn decode(&self, payment: &Json, work: &Work<'_>) -> Result<PaymentPayload, GateRefusal> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            x402_version: u8,
        }
        let malformed = |error| GateRefusal::malformed("payload", &error);
        let version: Version = payment.parse().map_err(malformed)?;
        let payload: PaymentPayload = match version.x402_version {
            X402_VERSION => payment.parse().map_err(malformed)?,
            v1::X402_VERSION if self.takes(SCHEME_EXACT, work.skill) => {
                let payment: v1::PaymentPayload = payment.parse().map_err(malformed)?;
                let offer = self.offer(SCHEME_EXACT, work)?;
                payment.to_v2(&offer).ok_or_else(|| self.unsupported())?
            }
            _ => {
                return Err(GateRefusal::new(
                    "invalid_x402_version",
                    format!("this agent speaks x402 version {X402_VERSION}"),
                ));
            }
        };
        if !self.takes(&payload.accepted.scheme, work.skill) {
            return Err(self.unsupported());
        }
        Ok(payload)
    }

    /// What we offer for this work in a scheme that is taken.
    fn offer(&self, scheme: &str, work: &Work<'_>) -> Result<PaymentRequirements, GateRefusal> {
        let offer = self.terms.requirements_of(scheme, work.max);
        offer.ok().flatten().ok_or_else(|| self.unsupported())
    }

    /// The offer, if it is what the payment says it takes.
    fn accepted_offer(
        &self,
        payload: &PaymentPayload,
        work: &Work<'_>,
    ) -> Result<PaymentRequirements, GateRefusal> {
        let offer = self.offer(&payload.accepted.scheme, work)?;
        if offer.is_echoed_by(&payload.accepted) {
            Ok(offer)
        } else {
            Err(GateRefusal::new(
                "invalid_payment_requirements",
                "`accepted` must be one of `accepts` as it was offered",
            ))
        }
    }

    fn request(
        &self,
        work: &Work<'_>,
        payment_id: PaymentId,
        proof: Proof,
        accepted: BaseUnits,
    ) -> ReserveRequest {
        ReserveRequest {
            payment_id,
            request_hash: request_hash(work, accepted, &proof),
            proof,
            max: work.max,
            task_id: work.task_id.to_owned(),
            context_id: work.context_id.to_owned(),
            skill: work.skill.to_owned(),
            owner: work.owner.to_owned(),
            now_unix_millis: self.clock.now_unix_millis(),
        }
    }
}

/// The buyer's key for its payment, if it sends one.
fn payment_id(payload: &PaymentPayload) -> Result<Option<PaymentId>, GateRefusal> {
    let identifier: Option<PaymentIdentifier> = payload
        .extensions
        .parse(PAYMENT_IDENTIFIER)
        .map_err(|error| GateRefusal::malformed("extensions.payment-identifier", &error))?;
    let Some(id) = identifier.and_then(|value| value.info.id) else {
        return Ok(None);
    };
    // Nobody takes the name that we shall give to somebody else's payment.
    if id.starts_with(OURS) && derived(payload).as_ref() != Some(&id) {
        return Err(bad_identifier());
    }
    PaymentId::parse(&id).map(Some).ok_or_else(bad_identifier)
}

fn bad_identifier() -> GateRefusal {
    GateRefusal::new(
        "invalid_payment_identifier",
        "send extensions[\"payment-identifier\"].info.id: 16 to 128 of A-Z a-z 0-9 - _",
    )
}

/// The answer of the ledger, but for a refusal.
fn admitted(answer: Reserve) -> Result<Admitted, Box<Refused>> {
    match answer {
        Reserve::New(reserved) => Ok(Admitted::New(reserved)),
        Reserve::Same { task_id } => Ok(Admitted::Same(task_id)),
        Reserve::Busy { task_id } => Ok(Admitted::Busy(task_id)),
        Reserve::Refused {
            why,
            channel,
            voucher,
        } => Err(Box::new(Refused {
            why,
            channel,
            voucher,
        })),
    }
}

/// [`Reserve::Refused`], alone.
struct Refused {
    why: Refusal,
    channel: Option<agent_core::channel::Channel>,
    voucher: Option<(BaseUnits, agent_core::voucher::CanonicalSignature)>,
}

/// How long to wait for the chain before a refusal is final.
const fn worth_waiting(answer: &Reserve) -> Option<std::time::Duration> {
    match answer {
        // Also a payment out of what was just added to a lock or a channel.
        Reserve::Refused {
            why: Refusal::LockUnknown | Refusal::CeilingAboveAuthorized { .. },
            ..
        } => Some(LOCK_WAIT),
        // The first payments after a start, or after an outage, come before the next look.
        Reserve::Refused {
            why: Refusal::ChainStateStale,
            ..
        } => Some(FRESHNESS_WAIT),
        _ => None,
    }
}

/// Commits to everything that the payment pays for: the same id with anything else is a conflict.
fn request_hash(work: &Work<'_>, accepted: BaseUnits, proof: &Proof) -> B256 {
    let (paid_by, ceiling) = match proof {
        Proof::Transfer(transfer) => (transfer.id, None),
        Proof::Credit { channel_id, .. } => (channel_id.0, None),
        proof => (proof.channel_id().unwrap_or_default().0, proof.ceiling()),
    };
    let mut hash = Keccak256::new();
    for field in [
        work.skill.as_bytes(),
        work.input.as_bytes(),
        &accepted.get().to_be_bytes(),
        paid_by.as_slice(),
        &ceiling.unwrap_or_default().get().to_be_bytes(),
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
