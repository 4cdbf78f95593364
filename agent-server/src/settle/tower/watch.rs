//! The task that claims before deadlines.

use super::book::{TowerBook, TowerError};
use super::export::WatchExport;
use crate::settle::planner::{Batch, SettlePolicy, plan};
use crate::settle::purpose::{self, Purpose};
use crate::settle::refusals::Refusals;
use crate::settle::round::outcome;
use crate::settle::rows::pack;
use crate::settle::{SettleError, limits};
use agent_client::chain::Chain;
use agent_client::chain::bindings::IZ402Escrow;
use agent_client::chain::outbox::{TxId, TxOutbox, TxOutcome, TxRequest};
use agent_core::clock::Clock;
use agent_core::ledger::Claim;
use agent_core::money::BaseUnits;
use agent_core::untrusted::shorten;
use agent_core::voucher::ChannelId;
use alloy_primitives::{B256, keccak256};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How a tower works.
#[derive(Debug, Clone)]
pub struct WatchtowerConfig {
    /// A lock's claim is made when its deadline is closer than this, in seconds. It must leave
    /// time for a transaction to be mined on a bad day, and be shorter than the seller's own
    /// margin, so that a seller that is up claims first.
    pub deadline_margin_secs: u64,
    /// What is below this is not worth the tower's gas, in base units.
    pub dust: BaseUnits,
    /// Pause between looks.
    pub interval: Duration,
    /// Files that sellers write, read at each look.
    pub files: Vec<PathBuf>,
}

/// Claims what it was told of before deadlines. When the last handle is dropped the work stops,
/// between two durable steps.
///
/// Not guaranteed: that a claim is mined in time when the chain is full or the node is down for
/// longer than the margin.
#[derive(Debug, Clone)]
pub struct Watchtower {
    stop: Arc<watch::Sender<bool>>,
    /// Transactions that were mined.
    mined: watch::Receiver<u64>,
    gone: watch::Receiver<()>,
}

impl Watchtower {
    /// Starts watching. Must be called within a tokio runtime; the node may be down. `outbox` is of
    /// the tower's own key, which pays the gas and needs nothing else.
    #[must_use]
    pub fn start(
        book: TowerBook,
        chain: Chain,
        outbox: TxOutbox,
        config: WatchtowerConfig,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let policy = SettlePolicy {
            value: BaseUnits::new(u128::MAX),
            age_millis: u64::MAX,
            deadline_margin_secs: config.deadline_margin_secs,
            dust: config.dust,
            rows: limits::ROWS_MAX,
            // Nothing is claimed here before it is pressing.
            gas: None,
        };
        let (stop, mut stopped) = watch::channel(false);
        let (report, mined) = watch::channel(0);
        let (alive, gone) = watch::channel(());
        let mut tower = Tower {
            book,
            chain,
            outbox,
            policy,
            clock,
            refusals: Refusals::new(limits::ROWS_MAX),
            under_way: None,
            resumed: false,
            files: config.files,
            report,
        };
        tokio::spawn(async move {
            while !*stopped.borrow_and_update() {
                if let Err(error) = tower.look().await {
                    tracing::warn!(code = error.code(), %error, "the watchtower cannot get on");
                }
                // Told to stop, or time for the next look.
                let _ended = timeout(config.interval, stopped.wait_for(|stop| *stop)).await;
            }
            drop(alive);
        });
        Self {
            stop: Arc::new(stop),
            mined,
            gone,
        }
    }

    /// How many of its transactions were mined since it started.
    #[must_use]
    pub fn transactions(&self) -> u64 {
        *self.mined.borrow()
    }

    /// Stops and returns when the work has ended. What is under way goes on at the next start.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let mut gone = self.gone.clone();
        while gone.changed().await.is_ok() {}
    }
}

struct Tower {
    book: TowerBook,
    chain: Chain,
    outbox: TxOutbox,
    policy: SettlePolicy,
    clock: Arc<dyn Clock>,
    refusals: Refusals,
    under_way: Option<(TxId, Vec<ChannelId>)>,
    /// Whether what the process before this one left under way was looked for.
    resumed: bool,
    files: Vec<PathBuf>,
    report: watch::Sender<u64>,
}

/// Why a look did not get through. Nothing is lost with it.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Book(#[from] TowerError),
    #[error(transparent)]
    Settle(#[from] SettleError),
}

impl LookError {
    const fn code(&self) -> &'static str {
        match self {
            Self::Book(error) => error.code(),
            Self::Settle(error) => error.code(),
        }
    }
}

impl Tower {
    async fn look(&mut self) -> Result<(), LookError> {
        if !self.resumed {
            self.under_way = self.left_under_way().await?;
            self.resumed = true;
        }
        self.read_files().await;
        // Ends: with nothing due, with something under way, or with an error.
        while self.is_free().await? {
            let now_ms = self.clock.now_unix_millis();
            let claims = self.due_claims(now_ms).await?;
            let policy = SettlePolicy {
                rows: self.refusals.rows(),
                ..self.policy
            };
            let Some(batch) = plan(now_ms, &claims, &policy) else {
                return Ok(());
            };
            let channels: Vec<_> = batch.claims.iter().map(|claim| claim.channel_id).collect();
            match self.send(&batch).await {
                Ok(id) => self.under_way = Some((id, channels)),
                Err(error) => {
                    if matches!(error, SettleError::GivenUp(_)) {
                        self.refusals.learn(&channels, now_ms);
                    }
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }

    /// Takes what is new in the files. One that cannot be read does not keep the others from it.
    async fn read_files(&self) {
        for path in &self.files {
            if let Err(why) = self.read_file(path).await {
                tracing::warn!(file = %path.display(), %why, "an export cannot be read");
            }
        }
    }

    async fn read_file(&self, path: &Path) -> Result<(), String> {
        let size = match tokio::fs::metadata(path).await {
            // A seller that has earned nothing yet has not written it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            found => found.map_err(|error| error.to_string())?.len(),
        };
        if size > limits::EXPORT_FILE_BYTES_MAX {
            return Err("it is too long".to_owned());
        }
        let text = tokio::fs::read(path).await;
        let text = text.map_err(|error| error.to_string())?;
        let export: Result<WatchExport, _> = serde_json::from_slice(&text);
        let export = export.map_err(|error| shorten(&error.to_string()))?;
        for claims in export.claims.chunks(limits::EXPORT_CLAIMS_MAX) {
            let part = WatchExport {
                claims: claims.to_vec(),
                ..export.header()
            };
            let taken = self.book.take(&part, self.clock.now_unix_millis()).await;
            let taken = taken.map_err(|error| error.to_string())?;
            if taken.refused > 0 {
                tracing::warn!(file = %path.display(), refused = taken.refused, "claims were refused");
            }
        }
        Ok(())
    }

    /// Whether nothing is under way (any more).
    async fn is_free(&mut self) -> Result<bool, SettleError> {
        let Some((id, channels)) = &self.under_way else {
            return Ok(true);
        };
        let Some(ended) = outcome(&self.outbox, *id).await? else {
            return Ok(false);
        };
        let channels = channels.clone();
        self.under_way = None;
        match ended {
            TxOutcome::Mined(mined) => {
                tracing::info!(
                    transaction = %mined.hash, locks = channels.len(),
                    "the watchtower claimed for a seller"
                );
                self.refusals.relax();
                self.report
                    .send_modify(|count| *count = count.saturating_add(1));
                Ok(true)
            }
            other => {
                self.refusals.learn(&channels, self.clock.now_unix_millis());
                Err(purpose::refused(other, channels.len()))
            }
        }
    }

    /// What was told, as the chain sees it now, without what it paid already. Claims that can never
    /// be made any more are forgotten.
    async fn due_claims(&mut self, now_ms: u64) -> Result<Vec<Claim>, LookError> {
        self.refusals.forget_old(now_ms);
        let told = self.book.claims().await?;
        let ids: Vec<B256> = told.iter().map(|claim| claim.channel_id.0).collect();
        let contract = self.book.domain().contract();
        let states = self.chain.escrow_states(contract, &ids).await;
        let states = states.map_err(SettleError::from)?;
        let (mut due, mut over) = (Vec::new(), Vec::new());
        for (claim, state) in told.into_iter().zip(states) {
            let authorized = BaseUnits::new(state.authorized.to::<u128>());
            let claimed = BaseUnits::new(state.claimed.to::<u128>());
            let deadline_unix_secs = state.deadline.to::<u64>();
            let ended = deadline_unix_secs.saturating_add(limits::TOWER_KEEP_SECS) < now_ms / 1_000;
            if deadline_unix_secs > 0 && ended {
                over.push(claim.channel_id);
            }
            // A row that claims more than the lock was given makes its whole batch revert.
            let charged = claim.charged.min(authorized);
            if !self.refusals.is_aside(claim.channel_id) && charged > claimed {
                due.push(Claim {
                    charged,
                    claimed,
                    deadline_unix_secs,
                    unclaimed_since_unix_millis: now_ms,
                    ..claim
                });
            }
        }
        if !over.is_empty() {
            self.book.forget(over).await?;
        }
        Ok(due)
    }

    async fn send(&self, batch: &Batch) -> Result<TxId, SettleError> {
        let call = IZ402Escrow::settleBatchCall {
            payee: batch.payee,
            token: batch.token,
            rows: pack(&batch.claims),
        };
        let contract = self.book.domain().contract();
        let request = TxRequest::call(String::new(), contract, &call);
        let base = format!("watch/{}", keccak256(&request.data));
        match purpose::next(&self.outbox, &base).await? {
            Purpose::Going(record) => Ok(record.id),
            Purpose::New(purpose) => {
                let enqueued = self.outbox.enqueue(TxRequest { purpose, ..request });
                Ok(enqueued.await?.id)
            }
        }
    }

    /// The transaction that the process before this one was waiting for, if one was.
    async fn left_under_way(&self) -> Result<Option<(TxId, Vec<ChannelId>)>, SettleError> {
        let mut after = None;
        loop {
            let page = self.outbox.list(after, limits::OUTBOX_PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(None);
            };
            after = Some(last.id);
            let going = page.iter().find(|record| record.status.outcome().is_none());
            if let Some(record) = going {
                return Ok(Some((record.id, Vec::new())));
            }
        }
    }
}
