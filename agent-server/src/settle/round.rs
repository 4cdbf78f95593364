//! One round: what is under way is seen to its end before anything new is planned.

use super::planner::{Batch, SettlePolicy, plan};
use super::purpose::{self, Purpose};
use super::refusals::Refusals;
use super::rows::pack;
use super::{Mirror, SettleError, SettleReport, limits};
use crate::store::SqliteStore;
use agent_client::chain::bindings::IZ402Escrow;
use agent_client::chain::outbox::{Mined, OutboxError, TxId, TxOutbox, TxOutcome, TxRequest};
use agent_core::clock::Clock;
use agent_core::json::Json;
use agent_core::ledger::{Claim, Ledger};
use agent_core::money::BaseUnits;
use agent_core::voucher::ChannelId;
use alloy_primitives::keccak256;
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
    pub(super) mirror: Mirror,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) policy: SettlePolicy,
    refusals: Refusals,
}

/// A batch under way.
#[derive(Debug, Serialize, Deserialize)]
struct UnderWay {
    purpose: String,
    /// The locks, with what was claimed of each when the batch was planned.
    claims: Vec<(ChannelId, BaseUnits)>,
}

impl Rounds {
    pub(super) fn new(
        store: SqliteStore,
        outbox: TxOutbox,
        mirror: Mirror,
        clock: Arc<dyn Clock>,
        policy: SettlePolicy,
    ) -> Self {
        let refusals = Refusals::new(policy.rows);
        Self {
            store,
            outbox,
            mirror,
            clock,
            policy,
            refusals,
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
            return Ok(Step::Idle);
        };
        let head = self.mirror.status().head;
        let now = self.clock.now_unix_millis();
        if head.is_some_and(|head| !batch.is_affordable(now, head.base_fee, &policy)) {
            tracing::debug!(
                rows = batch.claims.len(),
                "gas is dear; the claims can wait"
            );
            return Ok(Step::Idle);
        }
        match self.send(&batch).await {
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
        let wanted = |claim: &Claim| !self.refusals.is_aside(claim.channel_id);
        Ok(unique.into_values().filter(wanted).collect())
    }

    /// Notes the batch, then hands it to the outbox; a crash between the two leaves a note for a
    /// transaction that never was, which the next round throws away.
    async fn send(&self, batch: &Batch) -> Result<UnderWay, SettleError> {
        let call = IZ402Escrow::settleBatchCall {
            payee: batch.payee,
            token: batch.token,
            rows: pack(&batch.claims),
        };
        let request = TxRequest::call(String::new(), self.store.domain().contract(), &call);
        let base = format!("settle/{}", keccak256(&request.data));
        let claims = batch
            .claims
            .iter()
            .map(|claim| (claim.channel_id, claim.claimed))
            .collect();
        let purpose = match purpose::next(&self.outbox, &base).await? {
            Purpose::New(purpose) => purpose,
            Purpose::Going(record) => record.request.purpose,
        };
        let under_way = UnderWay {
            purpose: purpose.clone(),
            claims,
        };
        self.store
            .set_note(UNDER_WAY, Some(Json::from_value(&under_way)?))
            .await?;
        let rows = batch.claims.len();
        tracing::info!(rows, due = ?batch.due, payee = %batch.payee, %purpose, "claiming");
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
                Ok(Step::Done(report))
            }
            other => {
                let failed: Vec<_> = under_way.claims.iter().map(|(id, _)| *id).collect();
                self.refusals.learn(&failed, self.clock.now_unix_millis());
                Err(purpose::refused(other, under_way.claims.len()))
            }
        };
        self.store.set_note(UNDER_WAY, None).await?;
        step
    }

    /// What the chain paid, as the mirror read it there.
    async fn confirmed(
        &self,
        under_way: &UnderWay,
        mined: &Mined,
    ) -> Result<SettleReport, SettleError> {
        self.mirror
            .reached(mined.block_number, limits::MIRROR_WAIT)
            .await?;
        let mut report = SettleReport {
            transactions: 1,
            gas_used: mined.gas_used,
            ..SettleReport::default()
        };
        for (id, before) in &under_way.claims {
            let now = self
                .store
                .channel(*id)
                .await?
                .map(|view| view.channel.claimed);
            let paid = now
                .and_then(|now| now.minus(*before).ok())
                .unwrap_or_default();
            report.locks += u64::from(!paid.is_zero());
            report.claimed_base_units = report
                .claimed_base_units
                .plus(paid)
                .unwrap_or(report.claimed_base_units);
        }
        tracing::info!(
            transaction = %mined.hash, gas = mined.gas_used, claimed = %report.claimed_base_units,
            locks = report.locks, "claimed"
        );
        Ok(report)
    }
}

/// How a transaction ended, or `None` if it goes on.
pub(super) async fn outcome(outbox: &TxOutbox, id: TxId) -> Result<Option<TxOutcome>, SettleError> {
    match outbox.wait(id, limits::OUTCOME_WAIT).await {
        Ok(outcome) => Ok(Some(outcome)),
        Err(OutboxError::NotYet(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
