//! One chain of a facilitator: what it may touch there, and how a transaction is made once.

use super::budget::{self, Budget};
use super::limits::{ATTEMPTS_MAX, GAS_MARGIN_PERCENT};
use super::local::ChainOffer;
use super::refusal::{Checked, No, PENDING, Refusal};
use super::tickets::{Asker, Ticket, Tickets, told_before};
use agent_client::chain::ChainError;
use agent_client::chain::outbox::{Mined, OutboxError, TxBounds, TxOutcome, TxRecord, TxRequest};
use agent_core::clock::Clock;
use agent_core::money::{Asset, AssetId, Network};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_rpc_types_eth::{Log, TransactionInput, TransactionReceipt, TransactionRequest};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What the names of all of a facilitator's transactions begin with.
pub(super) const PURPOSE: &str = "facilitator/";

const WEI_PER_GWEI: u128 = 1_000_000_000;

/// A transaction that a payment asks for.
pub(super) struct Job {
    /// What makes it the same payment: told apart by nothing else. Bounded and of our own making.
    pub(super) key: String,
    pub(super) to: Address,
    pub(super) data: Bytes,
    /// The most gas that it may take.
    pub(super) gas_max: u64,
    /// The scheme's code for a payment whose nonce another one takes.
    pub(super) taken: &'static str,
    /// The scheme's code for a transaction that would revert.
    pub(super) would_revert: &'static str,
    /// The scheme's code for one that did.
    pub(super) reverted: &'static str,
}

/// What is known of a job before anything is done.
pub(super) enum Known {
    /// Nothing: this is the name of its next attempt.
    New(String),
    /// This very job was taken before.
    Same(Box<TxRecord>),
    /// What it would use up is used up, or about to be, by another.
    Other,
}

/// A job that is done.
pub(super) struct Done {
    pub(super) hash: B256,
    pub(super) receipt: TransactionReceipt,
}

impl Done {
    pub(super) fn logs(&self) -> &[Log] {
        self.receipt.inner.logs()
    }
}

pub(super) struct Desk {
    pub(super) offer: ChainOffer,
    pending_after: Duration,
    budget: Mutex<Budget>,
    tickets: Tickets,
    pub(super) clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk")
            .field("network", &self.network())
            .finish_non_exhaustive()
    }
}

impl Desk {
    pub(super) async fn open(
        offer: ChainOffer,
        pending_after: Duration,
        clock: Arc<dyn Clock>,
    ) -> Checked<Self> {
        let recount = Budget::recount(&offer.outbox, clock.now_unix_millis());
        let (budget, open) = recount.await?;
        Ok(Self {
            offer,
            pending_after,
            budget: Mutex::new(budget),
            tickets: Tickets::owed(open.iter().filter_map(|purpose| key(purpose))),
            clock,
        })
    }

    pub(super) fn network(&self) -> Network {
        Network::eip155(self.offer.chain.chain_id())
    }

    /// Who sends the transactions.
    pub(super) fn sender(&self) -> Address {
        self.offer.outbox.address()
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.now_unix_secs()
    }

    /// The asset, if it is one that may be touched.
    pub(super) fn asset(&self, id: AssetId) -> Checked<&Asset> {
        let mut assets = self.offer.assets.iter();
        assets.find(|asset| asset.id() == id).ok_or_else(|| {
            No::because(
                "invalid_payment_requirements",
                "the facilitator does not take this asset",
            )
        })
    }

    /// What became of this job so far.
    pub(super) async fn known(&self, job: &Job) -> Checked<Known> {
        for attempt in 1..=ATTEMPTS_MAX {
            let name = format!("{PURPOSE}{}/{attempt}", job.key);
            let Some(record) = self.offer.outbox.by_purpose(&name).await? else {
                return Ok(Known::New(name));
            };
            match record.status.outcome() {
                // Nothing came of it: another attempt may be made, if it passes the checks again.
                Some(TxOutcome::Failed { .. } | TxOutcome::Reverted { .. }) => {}
                _ if record.request.data == job.data && record.request.to == job.to => {
                    return Ok(Known::Same(Box::new(record)));
                }
                _ => return Ok(Known::Other),
            }
        }
        Err(No::because(
            job.would_revert,
            "it failed too often to be tried again",
        ))
    }

    /// Makes a job unless it was made, for one that may be told so. `check` goes before a new one.
    pub(super) async fn once<C>(&self, job: &Job, asker: Asker, check: C) -> Checked<(Done, Ticket)>
    where
        C: Future<Output = Checked<()>> + Send,
    {
        let mut ticket = match (self.known(job).await?, asker.name()) {
            // The very same request again, however long after.
            (Known::Same(record), Some(name)) if budget::name(&record) == Some(name) => {
                Ticket::free()
            }
            _ => self.tickets.take(&job.key, asker, job.taken)?,
        };
        // Read again: only now nobody else begins.
        let done = match self.known(job).await? {
            Known::Same(record) if ticket.is_owed() => self.again(job, &record).await?,
            Known::Same(record) => {
                return Err(told_before(job.taken, record.hashes.last().copied()));
            }
            Known::Other => return Err(No::code(job.taken)),
            Known::New(name) => {
                check.await?;
                ticket.begun();
                self.make_for(job, name, asker.name()).await?
            }
        };
        Ok((done, ticket))
    }

    /// Runs the job without sending it, within its gas. Gives the gas it takes.
    pub(super) async fn simulate(&self, job: &Job) -> Result<u64, Simulated> {
        let request = TransactionRequest {
            from: Some(self.sender()),
            to: Some(TxKind::Call(job.to)),
            gas: Some(job.gas_max),
            input: TransactionInput::new(job.data.clone()),
            ..TransactionRequest::default()
        };
        match self.offer.chain.estimate_gas(request).await {
            Ok(gas) if gas <= job.gas_max => Ok(gas),
            Ok(gas) => Err(Simulated::Reverts(format!("it takes {gas} gas"))),
            Err(ChainError::Reverted { reason, .. }) => Err(Simulated::Reverts(reason)),
            // A node's words for gas that does not suffice, among others: a fault of the job's.
            Err(ChainError::Refused { message, .. }) => Err(Simulated::Reverts(message)),
            Err(other) => Err(Simulated::Unread(other)),
        }
    }

    /// Makes a job that is new: simulates it, keeps within the fees, stores it, and waits.
    pub(super) async fn make(&self, job: &Job, name: String) -> Checked<Done> {
        self.make_for(job, name, None).await
    }

    async fn make_for(&self, job: &Job, name: String, request: Option<B256>) -> Checked<Done> {
        let gas = self
            .simulate(job)
            .await
            .map_err(|simulated| simulated.no(job))?;
        let fee = self.fee(gas).await?;
        let day_max = self.offer.fees.day_max();
        let now = self.clock.now_unix_millis();
        if !self.budget(|budget| budget.hold(&name, fee, day_max, now)) {
            return Err(No::unavailable("the day's fees are used up"));
        }
        // Without a gas limit: the outbox estimates once more, after what is in flight before it,
        // so that two payments of one balance do not cost a revert.
        let request = TxRequest {
            purpose: name.clone(),
            to: job.to,
            data: job.data.clone(),
            value: U256::ZERO,
            gas_limit: None,
            bounds: TxBounds {
                gas_max: Some(job.gas_max),
                fee_wei_max: Some(self.offer.fees.transaction_max()),
            },
            meta: budget::note(fee, request),
        };
        match self.offer.outbox.enqueue(request).await {
            Ok(enqueued) => self.finish(job, &name, enqueued.id).await,
            // Another payment that uses up the same came first, just now.
            Err(OutboxError::PurposeTaken(_)) => Err(No::code(job.taken)),
            Err(error @ (OutboxError::Full | OutboxError::TooLarge(_) | OutboxError::Closed)) => {
                self.budget(|budget| budget.ended(&name, 0, now));
                Err(error.into())
            }
            Err(error) => Err(No::unknown(error)),
        }
    }

    /// Waits for a job that was taken before.
    pub(super) async fn again(&self, job: &Job, record: &TxRecord) -> Checked<Done> {
        self.finish(job, &record.request.purpose, record.id).await
    }

    async fn finish(
        &self,
        job: &Job,
        name: &str,
        id: agent_client::chain::outbox::TxId,
    ) -> Checked<Done> {
        let outbox = &self.offer.outbox;
        let outcome = match outbox.wait(id, self.pending_after).await {
            Ok(outcome) => outcome,
            Err(OutboxError::NotYet(_)) => {
                let record = outbox.get(id).await.map_err(No::unknown)?;
                return Err(No::after(PENDING, record.hashes.last().copied()));
            }
            Err(error) => return Err(No::unknown(error)),
        };
        let now = self.clock.now_unix_millis();
        self.budget(|budget| budget.ended(name, budget::cost(&outcome), now));
        match outcome {
            TxOutcome::Mined(Mined { hash, .. }) => {
                let receipt = self.offer.chain.receipt(hash).await.map_err(No::unknown)?;
                let receipt = receipt.ok_or_else(|| No::unknown("its receipt is not there"))?;
                Ok(Done { hash, receipt })
            }
            TxOutcome::Reverted { mined, reason, .. } => Err(No::Refused(Refusal {
                code: job.reverted,
                message: Some(reason),
                transaction: Some(mined.hash),
            })),
            TxOutcome::Failed { reason, .. } => Err(No::because(job.would_revert, reason)),
        }
    }

    /// What a transaction costs at most, in wei.
    async fn fee(&self, gas: u64) -> Checked<u128> {
        let margin = gas.saturating_mul(GAS_MARGIN_PERCENT) / 100;
        let fees = self.offer.chain.fees().await?;
        let fee = u128::from(gas.saturating_add(margin)).saturating_mul(fees.max_fee);
        if fee > self.offer.fees.transaction_max() {
            return Err(No::unavailable("the chain's fees are above the cap"));
        }
        Ok(fee)
    }

    fn budget<T>(&self, work: impl FnOnce(&mut Budget) -> T) -> T {
        work(&mut self.budget.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The [`Job::key`] in the name of a transaction.
fn key(purpose: &str) -> Option<String> {
    let (key, _attempt) = purpose.strip_prefix(PURPOSE)?.rsplit_once('/')?;
    Some(key.to_owned())
}

/// Why a job is not fit to be sent.
pub(super) enum Simulated {
    /// It would revert, or take too much gas.
    Reverts(String),
    /// The chain cannot be read.
    Unread(ChainError),
}

impl Simulated {
    pub(super) fn no(self, job: &Job) -> No {
        match self {
            Self::Reverts(reason) => No::because(job.would_revert, reason),
            Self::Unread(error) => error.into(),
        }
    }
}

/// The most that transactions on a chain may cost, in gwei of the chain's coin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeeCaps {
    /// One transaction.
    pub transaction_gwei: u64,
    /// All of one day, by UTC.
    pub day_gwei: u64,
}

impl Default for FeeCaps {
    fn default() -> Self {
        Self {
            transaction_gwei: super::limits::TRANSACTION_FEE_GWEI_MAX,
            day_gwei: super::limits::DAY_FEE_GWEI_MAX,
        }
    }
}

impl FeeCaps {
    fn transaction_max(self) -> u128 {
        u128::from(self.transaction_gwei).saturating_mul(WEI_PER_GWEI)
    }

    /// The most per gas at which this much gas is within the cap of one transaction.
    pub(super) fn per_gas_wei(self, gas: u64) -> u128 {
        self.transaction_max()
            .checked_div(u128::from(gas))
            .unwrap_or(0)
    }

    fn day_max(self) -> u128 {
        u128::from(self.day_gwei).saturating_mul(WEI_PER_GWEI)
    }
}
