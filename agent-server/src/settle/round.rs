//! One round: what is under way is seen to its end before anything new is planned.

use super::channels::Booked;
use super::planner::{Batch, ClaimedFrom, Due, SettlePolicy, plan, value};
use super::purpose::{self, Purpose};
use super::refusals::Refusals;
use super::rows::{pack, voucher_claims};
use super::{Mirrors, SettleError, SettleReport, limits};
use crate::store::SqliteStore;
use agent_client::chain::bindings::IZ402Escrow;
use agent_client::chain::outbox::{Mined, OutboxError, TxId, TxOutbox, TxOutcome, TxRequest};
use agent_client::chain::x402_bindings::IX402BatchSettlement as Contract;
use agent_core::clock::Clock;
use agent_core::json::Json;
use agent_core::ledger::{Claim, Ledger};
use agent_core::money::BaseUnits;
use agent_core::voucher::{ChannelId, Funding};
use agent_core::x402::batch::BATCH_SETTLEMENT;
use alloy_primitives::{Address, keccak256};
use alloy_sol_types::SolCall;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The note under which the transaction under way is kept, so that a restart goes on with it rather
/// than send another one for the same claims.
const UNDER_WAY: &str = "settle.under_way";

/// What a round came to.
pub(super) enum Step {
    /// Nothing is due.
    Idle,
    /// A transaction is under way and not final yet.
    Waiting,
    /// A transaction was mined and the mirror has seen what it did.
    Done(SettleReport),
}

/// Everything that settles, and what it learnt from failures. One at a time uses it.
#[derive(Debug)]
pub(super) struct Rounds {
    pub(super) store: SqliteStore,
    pub(super) outbox: TxOutbox,
    pub(super) mirrors: Mirrors,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) policy: SettlePolicy,
    refusals: Refusals,
    /// Whether something may have been claimed from channels and not paid out.
    look_for_payouts: bool,
}

/// A batch under way.
#[derive(Debug, Serialize, Deserialize)]
struct UnderWay {
    purpose: String,
    /// The channels, with what was claimed of each when the batch was planned.
    claims: Vec<(ChannelId, BaseUnits)>,
    /// Set for a transaction to the contract of `batch-settlement`.
    #[serde(default)]
    channels: Option<Payout>,
}

/// Whom the contract of `batch-settlement` pays, and what it had paid before.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Payout {
    receiver: Address,
    token: Address,
    before: BaseUnits,
}

impl Rounds {
    pub(super) fn new(
        store: SqliteStore,
        outbox: TxOutbox,
        mirrors: Mirrors,
        clock: Arc<dyn Clock>,
        policy: SettlePolicy,
    ) -> Self {
        let refusals = Refusals::new(policy.rows);
        Self {
            store,
            outbox,
            mirrors,
            clock,
            policy,
            refusals,
            look_for_payouts: true,
        }
    }

    /// One step forward under `policy`.
    pub(super) async fn step(&mut self, policy: &SettlePolicy) -> Result<Step, SettleError> {
        if let Some(under_way) = self.under_way().await? {
            return self.go_on(under_way).await;
        }
        let claims = self.claims().await?;
        let policy = SettlePolicy {
            rows: self.refusals.rows(),
            ..*policy
        };
        let Some(batch) = plan(self.clock.now_unix_millis(), &claims, &policy) else {
            return self.pay_out(&policy).await;
        };
        let head = self.mirrors.locks.status().head;
        let now = self.clock.now_unix_millis();
        if head.is_some_and(|head| !batch.is_affordable(now, head.base_fee, &policy)) {
            tracing::debug!(
                rows = batch.claims.len(),
                "gas is dear; the claims can wait"
            );
            return Ok(Step::Idle);
        }
        match self.send(&batch, &policy).await {
            Ok(under_way) => self.go_on(under_way).await,
            Err(error) => {
                if matches!(error, SettleError::GivenUp(_)) {
                    let failed: Vec<_> = batch.claims.iter().map(|c| c.channel_id).collect();
                    self.refusals.learn(&failed, self.clock.now_unix_millis());
                }
                Err(error)
            }
        }
    }

    async fn under_way(&self) -> Result<Option<UnderWay>, SettleError> {
        let note = self.store.note(UNDER_WAY).await?;
        Ok(note.map(|note| note.parse()).transpose()?)
    }

    /// The oldest claims and the most pressing ones: when there are more than can be read at once,
    /// neither may hide the other.
    async fn claims(&mut self) -> Result<Vec<Claim>, SettleError> {
        let now = self.clock.now_unix_millis();
        self.refusals.forget_old(now);
        let limit = crate::store::limits::CLAIMS_READ_MAX;
        let mut claims = self.store.claims(limit).await?;
        if claims.len() == limit {
            claims.extend(self.store.claims_by_deadline(limit).await?);
        }
        let unique: BTreeMap<_, _> = claims
            .into_iter()
            .map(|claim| (claim.channel_id, claim))
            .collect();
        let wanted =
            |claim: &Claim| !self.refusals.is_aside(claim.channel_id) && self.can_claim(claim);
        Ok(unique.into_values().filter(wanted).collect())
    }

    /// Anybody may settle a lock; of a channel its receiver's side must claim.
    fn can_claim(&self, claim: &Claim) -> bool {
        let ours = self.outbox.address();
        match &claim.funding {
            Funding::Lock(_) => true,
            Funding::Batch(config) => {
                self.mirrors.channels.is_some()
                    && (config.receiver == ours || config.receiver_authorizer == ours)
            }
            _ => false,
        }
    }

    async fn send(&self, batch: &Batch, policy: &SettlePolicy) -> Result<UnderWay, SettleError> {
        let (request, channels) = self.request(batch, policy).await?;
        let base = format!("settle/{}", keccak256(&request.data));
        let claims = batch
            .claims
            .iter()
            .map(|claim| (claim.channel_id, claim.claimed))
            .collect();
        let (rows, payee) = (batch.claims.len(), batch.payee);
        tracing::info!(rows, due = ?batch.due, %payee, from = ?batch.from, "claiming");
        self.start(&base, claims, channels, request).await
    }

    async fn request(
        &self,
        batch: &Batch,
        policy: &SettlePolicy,
    ) -> Result<(TxRequest, Option<Payout>), SettleError> {
        let (receiver, token) = (batch.payee, batch.token);
        let channels = self.mirrors.channels.as_ref();
        let Some(channels) = channels.filter(|_| batch.from == ClaimedFrom::Channels) else {
            let call = IZ402Escrow::settleBatchCall {
                payee: receiver,
                token,
                rows: pack(&batch.claims),
            };
            let escrow = self.store.domain().contract();
            return Ok((TxRequest::call(String::new(), escrow, &call), None));
        };
        let booked = channels.booked(receiver, token).await?;
        let claim = Contract::claimCall {
            voucherClaims: voucher_claims(&batch.claims),
        };
        let request = if is_worth_a_payout(batch, booked, policy) {
            let pay = Contract::settleCall { receiver, token };
            let data = vec![claim.abi_encode().into(), pay.abi_encode().into()];
            let both = Contract::multicallCall { data };
            TxRequest::call(String::new(), BATCH_SETTLEMENT, &both)
        } else {
            TxRequest::call(String::new(), BATCH_SETTLEMENT, &claim)
        };
        let before = booked.paid_out;
        let payout = Payout {
            receiver,
            token,
            before,
        };
        Ok((request, Some(payout)))
    }

    /// Has paid out what was claimed from channels before, if that is worth it.
    async fn pay_out(&mut self, policy: &SettlePolicy) -> Result<Step, SettleError> {
        let Some(channels) = self.mirrors.channels.clone() else {
            return Ok(Step::Idle);
        };
        // Without new claims nothing becomes worth it; only for a shutdown is everything.
        if !self.look_for_payouts && !policy.value.is_zero() {
            return Ok(Step::Idle);
        }
        let (receiver, tokens) = channels.pays();
        for token in tokens {
            let booked = channels.booked(receiver, *token).await?;
            if booked.held().is_zero() || booked.held() < policy.value {
                continue;
            }
            let call = Contract::settleCall {
                receiver,
                token: *token,
            };
            let request = TxRequest::call(String::new(), BATCH_SETTLEMENT, &call);
            let payout = Payout {
                receiver,
                token: *token,
                before: booked.paid_out,
            };
            let base = format!("settle/payout/{receiver}/{token}/{}", booked.paid_out);
            let under_way = self.start(&base, Vec::new(), Some(payout), request).await?;
            return self.go_on(under_way).await;
        }
        self.look_for_payouts = false;
        Ok(Step::Idle)
    }

    /// Notes what is to be sent, then hands it to the outbox; a crash between the two leaves a note
    /// for a transaction that never was, which the next round throws away.
    async fn start(
        &self,
        base: &str,
        claims: Vec<(ChannelId, BaseUnits)>,
        channels: Option<Payout>,
        request: TxRequest,
    ) -> Result<UnderWay, SettleError> {
        let purpose = match purpose::next(&self.outbox, base).await? {
            Purpose::New(purpose) => purpose,
            Purpose::Going(record) => record.request.purpose,
        };
        let under_way = UnderWay {
            purpose: purpose.clone(),
            claims,
            channels,
        };
        self.store
            .set_note(UNDER_WAY, Some(Json::from_value(&under_way)?))
            .await?;
        self.outbox
            .enqueue(TxRequest { purpose, ..request })
            .await?;
        Ok(under_way)
    }

    async fn go_on(&mut self, under_way: UnderWay) -> Result<Step, SettleError> {
        let Some(record) = self.outbox.by_purpose(&under_way.purpose).await? else {
            self.store.set_note(UNDER_WAY, None).await?;
            return Ok(Step::Waiting);
        };
        let Some(outcome) = outcome(&self.outbox, record.id).await? else {
            return Ok(Step::Waiting);
        };
        let step = match outcome {
            TxOutcome::Mined(mined) => {
                let report = self.confirmed(&under_way, &mined).await?;
                self.refusals.relax();
                self.look_for_payouts |= report.channels > 0;
                Ok(Step::Done(report))
            }
            other => {
                let failed: Vec<_> = under_way.claims.iter().map(|(id, _)| *id).collect();
                self.refusals.learn(&failed, self.clock.now_unix_millis());
                if let (Some(channels), Some(_)) = (&self.mirrors.channels, under_way.channels) {
                    // A channel may hold less than was believed: its payer withdrew.
                    channels.refresh(&failed).await?;
                }
                Err(purpose::refused(other, under_way.claims.len()))
            }
        };
        self.store.set_note(UNDER_WAY, None).await?;
        step
    }

    /// What the chain paid and booked, as the mirrors read it there.
    async fn confirmed(
        &self,
        under_way: &UnderWay,
        mined: &Mined,
    ) -> Result<SettleReport, SettleError> {
        let mut report = SettleReport {
            transactions: 1,
            gas_used: mined.gas_used,
            ..SettleReport::default()
        };
        match (under_way.channels, &self.mirrors.channels) {
            (Some(payout), Some(channels)) => {
                let ids: Vec<_> = under_way.claims.iter().map(|(id, _)| *id).collect();
                channels
                    .reached(mined.block_number, &ids, limits::MIRROR_WAIT)
                    .await?;
                let now = channels.booked(payout.receiver, payout.token).await?;
                report.paid_out_base_units = now.paid_out.minus(payout.before).unwrap_or_default();
            }
            _ => {
                let locks = &self.mirrors.locks;
                locks
                    .reached(mined.block_number, limits::MIRROR_WAIT)
                    .await?;
            }
        }
        for (id, before) in &under_way.claims {
            let view = self.store.channel(*id).await?;
            let claimed = view.and_then(|view| view.channel.claimed.minus(*before).ok());
            let claimed = claimed.unwrap_or_default();
            let counted = match under_way.channels {
                Some(_) => &mut report.channels,
                None => &mut report.locks,
            };
            *counted += u64::from(!claimed.is_zero());
            report.claimed_base_units = report
                .claimed_base_units
                .plus(claimed)
                .unwrap_or(report.claimed_base_units);
        }
        tracing::info!(
            transaction = %mined.hash, gas = mined.gas_used, claimed = %report.claimed_base_units,
            locks = report.locks, channels = report.channels,
            paid_out = %report.paid_out_base_units, "claimed"
        );
        Ok(report)
    }
}

/// Whether what is booked after this batch is paid out with it. What is not waits for the next one.
fn is_worth_a_payout(batch: &Batch, booked: Booked, policy: &SettlePolicy) -> bool {
    let claimed = BaseUnits::total(batch.claims.iter().map(value));
    // A sum that does not fit is above any threshold.
    let held = claimed.and_then(|claimed| claimed.plus(booked.held()));
    batch.due == Due::Age || held.map_or(true, |held| held >= policy.value)
}

/// How a transaction ended, or `None` if it goes on.
pub(super) async fn outcome(outbox: &TxOutbox, id: TxId) -> Result<Option<TxOutcome>, SettleError> {
    match outbox.wait(id, limits::OUTCOME_WAIT).await {
        Ok(outcome) => Ok(Some(outcome)),
        Err(OutboxError::NotYet(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
