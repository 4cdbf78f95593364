//! Passing on shares of what was claimed.
//!
//! The escrow pays one payee, so sharing is a transfer from the payee's key after a claim. Each
//! payout is written down whole before its transfers are handed to the outbox under names of their
//! own: a crash anywhere makes none of them twice and forgets none.

use super::round::outcome;
use super::{SettleError, channels, limits};
use crate::store::SqliteStore;
use agent_client::chain::Chain;
use agent_client::chain::bindings::IToken;
use agent_client::chain::outbox::{TxId, TxOutbox, TxOutcome, TxRequest};
use agent_core::clock::Clock;
use agent_core::json::Json;
use agent_core::ledger::Ledger;
use agent_core::money::BaseUnits;
use alloy_primitives::{Address, U256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// The whole, in hundredths of a percent.
const WHOLE_BPS: u32 = 10_000;

/// The note that holds what was shared.
const SHARED: &str = "settle.shared";

/// One share of what is earned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Who gets it.
    pub to: Address,
    /// How much of the whole, in hundredths of a percent.
    pub bps: u16,
}

/// Who gets which part. What the shares leave, and what rounding leaves, stays with the payee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split(Vec<Share>);

impl Split {
    /// A split into these shares.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(shares: Vec<Share>) -> Result<Self, &'static str> {
        let whole: u32 = shares.iter().map(|share| u32::from(share.bps)).sum();
        let unique: BTreeSet<_> = shares.iter().map(|share| share.to).collect();
        if shares.len() > limits::SHARES_MAX {
            Err("there are too many shares")
        } else if whole > WHOLE_BPS {
            Err("the shares are more than the whole")
        } else if unique.len() < shares.len() || unique.contains(&Address::ZERO) {
            Err("each share needs an account of its own")
        } else if shares.iter().any(|share| share.bps == 0) {
            Err("a share of nothing is none")
        } else {
            Ok(Self(shares))
        }
    }

    /// What each gets of `amount`, rounded down.
    #[must_use]
    pub fn of(&self, amount: BaseUnits) -> Vec<(Address, BaseUnits)> {
        let whole = u128::from(WHOLE_BPS);
        let part = |share: &Share| {
            let bps = u128::from(share.bps);
            // Divided first, so that no amount is too large to be shared.
            let (many, rest) = (amount.get() / whole, amount.get() % whole);
            let part = many.saturating_mul(bps).saturating_add(rest * bps / whole);
            (share.to, BaseUnits::new(part))
        };
        let parts = self.0.iter().map(part);
        parts.filter(|(_, part)| !part.is_zero()).collect()
    }
}

/// How earnings are shared.
#[derive(Debug, Clone)]
pub struct SplitterConfig {
    /// The token that is earned.
    pub token: Address,
    /// Who gets which part.
    pub split: Split,
    /// Nothing is shared until this much was claimed since the last payout, in base units: each
    /// transfer costs gas.
    pub at: BaseUnits,
    /// Pause between looks.
    pub interval: Duration,
    /// Set when channels of `batch-settlement` pay too: what is claimed from them is shared once that
    /// contract has paid it out.
    pub channels: Option<(Chain, Address)>,
}

/// Shares what is claimed from now on. Stops, between two durable steps, when it is dropped.
///
/// Not guaranteed: that a share comes back when a reorganisation undoes the claim that it was of.
/// The claim is made again, and is not shared again.
#[derive(Debug)]
pub struct Splitter {
    _stop: watch::Sender<bool>,
}

impl Splitter {
    /// Starts sharing. Must be called within a tokio runtime. `outbox` must be the payee's.
    #[must_use]
    pub fn start(
        store: SqliteStore,
        outbox: TxOutbox,
        config: SplitterConfig,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let interval = config.interval;
        let work = Work {
            store,
            outbox,
            config,
            clock,
        };
        tokio::spawn(async move {
            loop {
                if let Err(error) = work.look().await {
                    tracing::warn!(code = error.code(), %error, "earnings cannot be shared");
                }
                // Dropped, or time for the next look.
                if timeout(interval, stopped.changed()).await.is_ok() {
                    return;
                }
            }
        });
        Self { _stop: stop }
    }
}

/// What was shared, as it is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Shared {
    /// Of what was claimed, so much was shared or is being shared.
    of_base_units: BaseUnits,
    /// The number of the last payout.
    payout: u64,
    /// Its transfers that are not known to have been made.
    open: Vec<Transfer>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Transfer {
    to: Address,
    amount: BaseUnits,
    /// Its name in the outbox.
    purpose: String,
    /// How often it failed before.
    failed: u32,
    /// It is not tried before this time, in Unix milliseconds.
    not_before_ms: u64,
}

struct Work {
    store: SqliteStore,
    outbox: TxOutbox,
    config: SplitterConfig,
    clock: Arc<dyn Clock>,
}

impl Work {
    async fn look(&self) -> Result<(), SettleError> {
        let claimed = self.paid().await?;
        let note = self.store.note(SHARED).await?;
        let Some(note) = note else {
            // What was earned before there were shares is the payee's.
            let shared = Shared {
                of_base_units: claimed,
                ..Shared::default()
            };
            return self.keep(&shared).await;
        };
        let mut shared: Shared = note.parse()?;
        let new = claimed.minus(shared.of_base_units).unwrap_or_default();
        if new >= self.config.at && !new.is_zero() && shared.open.len() < limits::SHARES_MAX {
            shared.payout = shared.payout.saturating_add(1);
            shared.of_base_units = claimed;
            let payout = shared.payout;
            let parts = self.config.split.of(new).into_iter();
            shared.open.extend(parts.map(|(to, amount)| Transfer {
                to,
                amount,
                purpose: format!("share/{payout}/{to}"),
                failed: 0,
                not_before_ms: 0,
            }));
            self.keep(&shared).await?;
        }
        if !shared.open.is_empty() {
            self.go_on(shared).await?;
        }
        Ok(())
    }

    /// What the payee was paid. Read in this order: what is claimed meanwhile is shared later.
    async fn paid(&self) -> Result<BaseUnits, SettleError> {
        let claimed = self.store.books().await?.claimed;
        let Some((chain, receiver)) = &self.config.channels else {
            return Ok(claimed);
        };
        let booked = channels::booked(chain, *receiver, self.config.token).await?;
        Ok(claimed.minus(booked.held()).unwrap_or_default())
    }

    /// Makes the transfers that are open, and writes down how they ended.
    async fn go_on(&self, mut shared: Shared) -> Result<(), SettleError> {
        let now_ms = self.clock.now_unix_millis();
        let mut sent = Vec::new();
        for transfer in &shared.open {
            if transfer.not_before_ms <= now_ms {
                sent.push((transfer.purpose.clone(), self.send(transfer).await?));
            }
        }
        let mut changed = false;
        for (purpose, id) in sent {
            let Some(outcome) = outcome(&self.outbox, id).await? else {
                continue;
            };
            changed = true;
            if let TxOutcome::Mined(mined) = &outcome {
                tracing::info!(%purpose, transaction = %mined.hash, "shared");
                shared.open.retain(|transfer| transfer.purpose != purpose);
            } else {
                tracing::warn!(%purpose, ?outcome, "a share was refused; it stays owed");
                let transfer = shared.open.iter_mut().find(|open| open.purpose == purpose);
                if let Some(transfer) = transfer {
                    transfer.again(now_ms);
                }
            }
        }
        if changed {
            self.keep(&shared).await?;
        }
        Ok(())
    }

    async fn send(&self, transfer: &Transfer) -> Result<TxId, SettleError> {
        let call = IToken::transferCall {
            to: transfer.to,
            value: U256::from(transfer.amount.get()),
        };
        let request = TxRequest::call(transfer.purpose.clone(), self.config.token, &call);
        // The same name with the same content is the same transfer, however often it is enqueued.
        Ok(self.outbox.enqueue(request).await?.id)
    }

    async fn keep(&self, shared: &Shared) -> Result<(), SettleError> {
        let note = Json::from_value(shared)?;
        Ok(self.store.set_note(SHARED, Some(note)).await?)
    }
}

impl Transfer {
    /// A transfer that failed gets another name: under the old one the outbox knows it as ended.
    fn again(&mut self, now_ms: u64) {
        self.failed = self.failed.saturating_add(1);
        let first = self.purpose.split('+').next().unwrap_or_default();
        self.purpose = format!("{first}+{}", self.failed);
        let pause = limits::SHARE_RETRY.saturating_mul(self.failed.min(limits::SHARE_RETRY_STEPS));
        let pause = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.not_before_ms = now_ms.saturating_add(pause);
    }
}
