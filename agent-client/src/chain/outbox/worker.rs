//! The worker: what waits is signed and stored, what is stored is sent.

use std::{collections::HashMap, sync::Arc, time::Duration};

use agent_core::clock::Clock;
use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use rusqlite::Connection;
use tokio::sync::{Notify, watch};

use super::{
    OutboxConfig, OutboxError, OutboxHealth, TxId, TxOutcome, TxRequest,
    fees::{self, SignedTx},
    rows::{self, Flying},
};
use crate::{
    chain::{Chain, ChainError, backoff},
    limits,
    sqlite::{GroupCommit, JobError},
};

/// Why a round did not get through.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("{code}: {0}", code = .0.code())]
    Chain(#[from] ChainError),
    #[error("{code}: {0}", code = .0.code())]
    Outbox(#[from] OutboxError),
    #[error("outbox.node_behind: the node has {node} transactions of ours, {ours} were final")]
    NodeBehind { node: u64, ours: u64 },
    #[error("outbox.fee_cap: the base fee is above the fee cap")]
    FeeCap,
}

impl Trouble {
    /// True if asking the node for anything else now is pointless.
    pub(super) const fn is_general(&self) -> bool {
        !matches!(
            self,
            Self::Chain(ChainError::Refused { .. } | ChainError::Reverted { .. })
        )
    }
}

pub(super) struct Worker {
    pub(super) store: GroupCommit<()>,
    pub(super) chain: Chain,
    pub(super) signer: PrivateKeySigner,
    pub(super) address: Address,
    pub(super) config: OutboxConfig,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) report: watch::Sender<OutboxHealth>,
    /// Rows whose nonce is used on the chain without a receipt of ours: how often that was seen,
    /// and the height at which it was first.
    pub(super) missing: HashMap<TxId, (u32, u64)>,
}

impl Worker {
    pub(super) fn new(
        store: GroupCommit<()>,
        chain: Chain,
        signer: PrivateKeySigner,
        config: OutboxConfig,
        clock: Arc<dyn Clock>,
        report: watch::Sender<OutboxHealth>,
    ) -> Self {
        let address = signer.address();
        Self {
            store,
            chain,
            signer,
            address,
            config,
            clock,
            report,
            missing: HashMap::new(),
        }
    }

    pub(super) async fn run(mut self, wake: Arc<Notify>, mut stop: watch::Receiver<bool>) {
        let mut failures = 0_u32;
        loop {
            // A round may be dropped anywhere: every step is stored before it is done.
            let round = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                round = self.round() => round,
            };
            let pause = match &round {
                Ok(busy) => {
                    failures = 0;
                    busy.then_some(self.config.poll_interval)
                }
                Err(trouble) => {
                    failures = failures.saturating_add(1);
                    tracing::warn!(%trouble, failures, "the outbox cannot get on");
                    // One transaction that a node refuses must not slow down all the others.
                    let longest = if trouble.is_general() {
                        limits::RETRY_PAUSE_MAX
                    } else {
                        self.config.poll_interval.saturating_mul(5)
                    };
                    Some(backoff(failures).min(longest))
                }
            };
            self.tell(round.err());
            // Callers that enqueue during an outage must not turn it into a flood of requests.
            let calm = if failures > 0 {
                limits::RETRY_PAUSE_MIN
            } else {
                Duration::ZERO
            };
            let next = async {
                tokio::time::sleep(calm).await;
                match pause {
                    Some(pause) => drop(tokio::time::timeout(pause, wake.notified()).await),
                    None => wake.notified().await,
                }
            };
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                () = next => {}
            }
        }
    }

    fn tell(&self, trouble: Option<Trouble>) {
        self.report.send_modify(|health| match trouble {
            Some(trouble) => health.trouble = Some(trouble.to_string()),
            None => {
                health.trouble = None;
                health.well_ms = Some(self.clock.now_unix_millis());
            }
        });
    }

    /// One round. True if something is unfinished and worth another look soon.
    async fn round(&mut self) -> Result<bool, Trouble> {
        let mut trouble = None;
        for step in [Step::Sign, Step::Send, Step::Settle] {
            let done = match step {
                Step::Sign => self.sign_waiting().await,
                Step::Send => self.send_signed().await,
                Step::Settle => self.settle().await,
            };
            match done {
                Ok(()) => {}
                Err(general) if general.is_general() => return Err(general),
                Err(other) => trouble = Some(other),
            }
        }
        if let Some(trouble) = trouble {
            return Err(trouble);
        }
        let open = self.read(|conn| Ok((rows::waiting(conn, 1)?.len(), rows::flying(conn)?.len())));
        Ok(open.await? != (0, 0))
    }

    /// Gives waiting rows a nonce and a signature, in order, as far as there is room in flight.
    async fn sign_waiting(&mut self) -> Result<(), Trouble> {
        let in_flight = self.read(rows::flying).await?.len();
        let room = limits::OUTBOX_IN_FLIGHT_MAX.saturating_sub(in_flight);
        let waiting = self.read(move |conn| rows::waiting(conn, room)).await?;
        if waiting.is_empty() {
            return Ok(());
        }
        let suggested = self.chain.fees().await?;
        fees::capped(suggested, self.config.max_fee_cap).ok_or(Trouble::FeeCap)?;
        let mut nonce = self.next_nonce().await?;
        let mut trouble = Ok(());
        for (id, request) in waiting {
            let gas_limit = match self.gas_limit(id, &request).await {
                Ok(Some(gas_limit)) => gas_limit,
                Ok(None) => continue,
                Err(general) if general.is_general() => return Err(general),
                Err(other) => {
                    self.note(id, &other).await?;
                    trouble = Err(other);
                    continue;
                }
            };
            let cap = request.bounds.fee_cap(self.config.max_fee_cap, gas_limit);
            let Some(fees) = fees::capped(suggested, cap) else {
                // It waits for itself alone.
                self.note(id, &Trouble::FeeCap).await?;
                continue;
            };
            let chain_id = self.chain.chain_id();
            let tx = fees::sign(&self.signer, chain_id, &request, nonce, gas_limit, fees)?;
            tracing::info!(%id, purpose = %request.purpose, nonce, hash = %tx.hash, "signed");
            self.store_signed(id, tx).await?;
            nonce += 1;
            // Sent before the next one is estimated, so that the node's pending state knows it.
            self.send_signed().await?;
        }
        trouble
    }

    /// The nonce after everything that the chain or a row has used.
    async fn next_nonce(&self) -> Result<u64, Trouble> {
        let node = self.chain.mined_nonce(self.address).await?;
        let (used, ours) = self.read(rows::nonces).await?;
        if node < ours {
            self.send_again(node).await?;
            return Err(Trouble::NodeBehind { node, ours });
        }
        if node > used && used > 0 {
            tracing::warn!(node, used, "somebody else uses the outbox's key");
        }
        Ok(node.max(used))
    }

    /// Sends the same bytes of what was final once more: a reorganisation deeper than the
    /// configured depth took it back, or the node lags, to which they are nothing new. Until the
    /// node has them again nothing is signed, so no nonce is used twice.
    async fn send_again(&self, from_nonce: u64) -> Result<(), Trouble> {
        let lost = self.read(move |conn| rows::mined_from(conn, from_nonce));
        for raw in lost.await? {
            match self.chain.send_raw(&raw).await {
                Ok(hash) => tracing::warn!(%hash, "sent again: it was final, and was taken back"),
                Err(ChainError::Refused { message, .. }) if is_known(&message) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The gas limit, or `None` if the row has been ended instead: it would revert, or needs more
    /// gas than is ever paid for.
    async fn gas_limit(&self, id: TxId, request: &TxRequest) -> Result<Option<u64>, Trouble> {
        let max = request.bounds.gas_max(self.config.gas_limit_max);
        let gas = match request.gas_limit {
            Some(gas) => gas,
            None => {
                let tx = fees::unsigned(self.address, request);
                match self.chain.estimate_gas(tx).await {
                    Ok(gas) => fees::with_margin(gas),
                    Err(ChainError::Reverted { reason, .. }) => {
                        self.fail(id, "outbox.would_revert", reason).await?;
                        return Ok(None);
                    }
                    Err(other) => return Err(other.into()),
                }
            }
        };
        if gas > max {
            self.fail(id, "outbox.gas_limit", format!("{gas} gas is above {max}"))
                .await?;
            return Ok(None);
        }
        Ok(Some(gas))
    }

    /// Sends what is stored and was never taken by a node, by nonce.
    async fn send_signed(&self) -> Result<(), Trouble> {
        for row in self.read(rows::flying).await? {
            if row.attempts.iter().all(|attempt| attempt.sent_ms.is_none()) {
                self.send(&row).await?;
            }
        }
        Ok(())
    }

    /// Sends the newest transaction of a row. A node that knows it already, or that says its nonce
    /// is used, has as good as taken it: the receipt decides.
    pub(super) async fn send(&self, row: &Flying) -> Result<(), Trouble> {
        let Some(newest) = row.attempts.last() else {
            return Ok(());
        };
        let (id, hash) = (row.id, newest.hash);
        match self.chain.send_raw(&newest.raw).await {
            Ok(_) => tracing::info!(%id, nonce = row.nonce, %hash, "sent"),
            Err(ChainError::Refused { message, .. }) if is_known(&message) => {
                tracing::info!(%id, nonce = row.nonce, %hash, %message, "the node knows it");
            }
            Err(error) => {
                let trouble = Trouble::from(error);
                self.note(id, &trouble).await?;
                return Err(trouble);
            }
        }
        let now_ms = self.clock.now_unix_millis();
        self.write(move |conn| rows::store_sent(conn, id, hash, now_ms))
            .await
    }

    pub(super) async fn store_signed(&self, id: TxId, tx: SignedTx) -> Result<(), Trouble> {
        let now_ms = self.clock.now_unix_millis();
        self.write(move |conn| rows::store_signed(conn, id, &tx, now_ms))
            .await
    }

    async fn fail(&self, id: TxId, code: &str, reason: String) -> Result<(), Trouble> {
        let outcome = TxOutcome::Failed {
            code: code.to_owned(),
            reason,
        };
        self.finish(id, outcome).await
    }

    pub(super) async fn finish(&self, id: TxId, outcome: TxOutcome) -> Result<(), Trouble> {
        tracing::info!(%id, ?outcome, "final");
        self.write(move |conn| rows::store_outcome(conn, id, &outcome))
            .await?;
        // Whoever waits for this row need not wait for the round's end.
        self.report.send_modify(|_| ());
        Ok(())
    }

    pub(super) async fn note(&self, id: TxId, trouble: &Trouble) -> Result<(), Trouble> {
        let text = trouble.to_string();
        self.write(move |conn| rows::store_trouble(conn, id, &text))
            .await
    }

    pub(super) async fn read<T, F>(&self, job: F) -> Result<T, Trouble>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let job = move |conn: &Connection, (): &mut ()| job(conn).map_err(JobError::from);
        let read = self.store.read::<_, OutboxError, _>(job).await;
        Ok(read.map_err(OutboxError::from)?)
    }

    async fn write<F>(&self, job: F) -> Result<(), Trouble>
    where
        F: FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
    {
        let job = move |tx: &rusqlite::Transaction<'_>, (): &mut ()| {
            job(tx).map_err(JobError::<OutboxError>::from)
        };
        Ok(self.store.submit(job).await.map_err(OutboxError::from)?)
    }
}

#[derive(Clone, Copy)]
enum Step {
    Sign,
    Send,
    Settle,
}

/// The words of geth, reth, erigon, nethermind and others for "I have that" and "too late".
fn is_known(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    [
        "already known",
        "known transaction",
        "already imported",
        "already exists",
        "nonce too low",
        "nonce is too low",
        "oldnonce",
        "replacement transaction underpriced",
    ]
    .iter()
    .any(|known| message.contains(known))
}
