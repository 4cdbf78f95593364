//! From feedback on chain to a score: fetch the file, check the payment, grade, add up.

use std::collections::BTreeSet;
use std::sync::Arc;

use agent_core::money::AssetTable;
use agent_core::trust::{
    FeedbackEvent, FeedbackFile, GlobalAgentId, GradedFeedback, MAX_FEEDBACK_READ_BYTES,
    PaymentCheck, RegistrationFile, Score, ScorePolicy, ScoreReason, grade, score,
};
use agent_core::voucher::EscrowDomain;
use alloy_primitives::Address;
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::files::{self, Remembered};
use super::found::{Explained, Weighed};
use super::index::{Item, Record};
use super::limits;
use super::payment::PaymentReader;
use crate::chain::Chain;
use crate::egress::Egress;

/// What the buyer believes of other agents, and how far.
#[derive(Clone, Debug, Default)]
pub struct TrustPolicy {
    /// How feedback adds up.
    pub score: ScorePolicy,
    /// Reviewers that this buyer knows and believes more, such as its own accounts.
    pub known_reviewers: BTreeSet<Address>,
}

/// Reads and scores feedback.
#[derive(Debug)]
pub(super) struct Reputation {
    egress: Egress,
    payments: PaymentReader,
    policy: TrustPolicy,
    files: Remembered<Option<Bytes>>,
    checks: Remembered<PaymentCheck>,
}

impl Reputation {
    pub(super) fn new(
        egress: Egress,
        chain: Chain,
        escrow: EscrowDomain,
        assets: AssetTable,
        policy: TrustPolicy,
    ) -> Self {
        Self {
            egress,
            payments: PaymentReader::new(chain, escrow, assets),
            policy,
            files: Remembered::new(limits::CARD_AGE_MAX, limits::REMEMBERED_MAX),
            checks: Remembered::new(std::time::Duration::MAX, limits::PAYMENTS_REMEMBERED_MAX),
        }
    }

    /// The score of an agent as of `now` (Unix seconds).
    ///
    /// Feedback under another tag or taken back is not looked into, since it cannot count.
    pub(super) async fn score(
        &self,
        agent: &GlobalAgentId,
        record: &Record,
        file: &RegistrationFile,
        now: u64,
    ) -> Score {
        let (graded, policy) = self.graded(agent, record, file, false).await;
        score(agent, &graded, now, &policy)
    }

    /// The same score with every item that went into it or did not, the newest first. What cannot
    /// count is graded too if its file is at hand.
    pub(super) async fn explain(
        &self,
        agent: &GlobalAgentId,
        record: &Record,
        file: &RegistrationFile,
        now: u64,
    ) -> Explained {
        let (graded, policy) = self.graded(agent, record, file, true).await;
        let total = score(agent, &graded, now, &policy);
        let weigh = |feedback: GradedFeedback| {
            let alone = score(agent, std::slice::from_ref(&feedback), now, &policy);
            let unused = alone.reasons.iter().find_map(|reason| match reason {
                ScoreReason::Ignored { why, .. } => Some(*why),
                _ => None,
            });
            Weighed { feedback, unused }
        };
        Explained {
            score: total,
            items: graded.into_iter().map(weigh).collect(),
        }
    }

    /// Every item with its verdict, and the policy by which this agent's items are scored.
    async fn graded(
        &self,
        agent: &GlobalAgentId,
        record: &Record,
        file: &RegistrationFile,
        everything: bool,
    ) -> (Vec<GradedFeedback>, ScorePolicy) {
        let mut policy = self.policy.score.clone();
        policy.excluded.extend(record.insiders.iter().copied());
        let accounts = paid_at(agent, record, file);
        let mut fetches = limits::FEEDBACK_FETCHES_MAX;
        let mut items = Vec::new();
        // The newest first: they weigh the most, and the fetches should go to them.
        for item in record.feedback.iter().rev() {
            let event = &item.event;
            let revoked = record.revoked.contains(&(event.client, event.index));
            let counts = !revoked
                && event.tag1 == policy.scale.tag1
                && !policy.excluded.contains(&event.client);
            let inside = files::is_inside(&event.uri);
            // What cannot count must not use up the fetches of what can: the score would change.
            let look = if counts {
                inside || fetches > 0
            } else {
                everything && inside
            };
            if look && !inside {
                fetches = fetches.saturating_sub(1);
            }
            items.push((Arc::clone(item), revoked, look));
        }
        let accounts = &accounts;
        let graded: Vec<GradedFeedback> = stream::iter(items)
            .map(|(item, revoked, look)| self.judge(item, revoked, look, accounts))
            .buffered(limits::SIDE_BY_SIDE)
            .collect()
            .await;
        (graded, policy)
    }

    async fn judge(
        &self,
        item: Arc<Item>,
        revoked: bool,
        look: bool,
        accounts: &[Address],
    ) -> GradedFeedback {
        let mut event = item.event.clone();
        if look && event.block_time == 0 {
            event.block_time = self.payments.time_of(item.block).await.unwrap_or(0);
        }
        let bytes = if look {
            self.file(&event.uri).await
        } else {
            None
        };
        let payment = match bytes.as_deref().map(FeedbackFile::read) {
            Some(Ok(file)) => self.payment(&event, &file, accounts).await,
            _ => PaymentCheck::NoProof,
        };
        let known = self.policy.known_reviewers.contains(&event.client);
        let graded = grade(&event, bytes.as_deref(), payment, None, known);
        GradedFeedback {
            event,
            graded,
            revoked,
        }
    }

    async fn file(&self, uri: &str) -> Option<Bytes> {
        if files::is_inside(uri) {
            return files::fetch(&self.egress, uri, MAX_FEEDBACK_READ_BYTES)
                .await
                .ok();
        }
        if let Some(known) = self.files.get(uri) {
            return known;
        }
        let fetched = files::fetch(&self.egress, uri, MAX_FEEDBACK_READ_BYTES)
            .await
            .ok();
        match &fetched {
            Some(_) => self.files.put(uri, fetched.clone()),
            None => self.files.put_failure(uri, fetched.clone()),
        }
        fetched
    }

    async fn payment(
        &self,
        event: &FeedbackEvent,
        file: &FeedbackFile,
        accounts: &[Address],
    ) -> PaymentCheck {
        // The item is part of the name: what holds for one reviewer and time need not for another.
        let FeedbackEvent {
            agent,
            client,
            index,
            hash,
            block_time,
            ..
        } = event;
        let name = format!("{agent}/{client}/{index}/{hash}/{block_time}");
        if let Some(known) = self.checks.get(&name) {
            return known;
        }
        let check = self.payments.check(event, file, accounts).await;
        // Only what is settled is remembered: a node that was down will be asked again, and an
        // account that the agent is paid at may be added.
        if matches!(check, PaymentCheck::Verified(_)) {
            self.checks.put(&name, check.clone());
        }
        check
    }
}

/// The accounts an agent is or was paid at: its wallets and owners, and those its file lists.
fn paid_at(agent: &GlobalAgentId, record: &Record, file: &RegistrationFile) -> Vec<Address> {
    let network = agent.registry.network();
    let listed = file
        .payment_accounts()
        .filter(|account| account.network == network)
        .map(|account| account.address);
    record.insiders.iter().copied().chain(listed).collect()
}
