//! Keeping what agents say about themselves up to date.

use std::sync::Arc;
use std::time::Duration;

use agent_core::clock::Clock;
use agent_core::trust::GlobalAgentId;
use futures_util::{StreamExt, stream};
use rusqlite::{OptionalExtension, params};

use super::described::{self, Described};
use super::error::IndexError;
use super::index::{IndexStore, read_id};
use super::number::int;
use super::{describe_rows, limits};
use crate::call::CardTrust;
use crate::clock::SystemClock;
use crate::egress::Egress;

/// Fetches files and cards through the egress guard, and notes who is there.
#[derive(Clone, Debug)]
pub struct Describer {
    index: IndexStore,
    egress: Egress,
    trust: CardTrust,
    clock: Arc<dyn Clock>,
}

/// What one round of describing came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Agents that were asked.
    pub asked: usize,
    /// Those whose card was had.
    pub live: usize,
    /// Whether more are due.
    pub more: bool,
}

#[derive(Clone, Debug)]
struct Due {
    row: i64,
    agent: GlobalAgentId,
    uri: String,
}

impl Describer {
    /// A describer of the agents in `index`.
    #[must_use]
    pub fn new(index: IndexStore, egress: Egress) -> Self {
        Self {
            index,
            egress,
            trust: CardTrust::default(),
            clock: Arc::new(SystemClock),
        }
    }

    /// The same with another clock, by which what was found ages.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same, taking only cards that are signed as `trust` asks.
    #[must_use]
    pub fn with_card_trust(mut self, trust: CardTrust) -> Self {
        self.trust = trust;
        self
    }

    /// Asks the agents that are due: new ones, those whose URI changed, and those that were asked
    /// long ago. At most [`limits::DESCRIBE_ROUND_MAX`] of them.
    ///
    /// # Errors
    /// [`IndexError::Store`]; an agent that does not answer is no error.
    pub async fn round(&self) -> Result<Round, IndexError> {
        let due = self.due().await?;
        let mut round = Round {
            asked: due.len(),
            live: 0,
            more: due.len() >= limits::DESCRIBE_ROUND_MAX,
        };
        let mut found = stream::iter(due)
            .map(|due| async move {
                let (egress, trust) = (&self.egress, &self.trust);
                let found = described::describe(egress, trust, &due.agent, &due.uri).await;
                (due, found)
            })
            .buffer_unordered(limits::DESCRIBE_SIDE_BY_SIDE);
        while let Some((due, found)) = found.next().await {
            round.live = round.live.saturating_add(usize::from(found.live));
            self.index
                .keep(due.row, due.uri, found, self.clock.now_unix_millis())
                .await?;
        }
        Ok(round)
    }

    async fn due(&self) -> Result<Vec<Due>, IndexError> {
        let now = int(self.clock.now_unix_millis());
        let max = i64::try_from(limits::DESCRIBE_ROUND_MAX).unwrap_or(i64::MAX);
        self.index
            .read(move |conn| {
                conn.prepare_cached(
                    "SELECT r.chain_id, r.identity, a.agent_id, a.id, a.uri FROM agent a
                     JOIN registry r ON r.id = a.registry
                     WHERE a.due_ms <= ?1 AND a.uri <> '' ORDER BY a.due_ms, a.id DESC LIMIT ?2",
                )?
                .query_map([now, max], |row| {
                    Ok(Due {
                        row: row.get(3)?,
                        agent: read_id(row)?,
                        uri: row.get(4)?,
                    })
                })?
                .collect()
            })
            .await
    }
}

impl IndexStore {
    /// Keeps what an agent was found to say, if its URI still is `uri`: for who fetches by other
    /// means than a [`Describer`]. It is cut to the index's bounds. `false` if there is no such
    /// agent, or its URI is another one by now.
    ///
    /// # Errors
    /// [`IndexError::Store`].
    pub async fn describe(
        &self,
        agent: GlobalAgentId,
        uri: &str,
        found: Described,
        now_unix_millis: u64,
    ) -> Result<bool, IndexError> {
        let row = self.read(move |conn| super::index::agent_row(conn, agent));
        match row.await? {
            Some(row) => self.keep(row, uri.to_owned(), found, now_unix_millis).await,
            None => Ok(false),
        }
    }

    async fn keep(
        &self,
        row: i64,
        uri: String,
        found: Described,
        now_ms: u64,
    ) -> Result<bool, IndexError> {
        let found = found.bounded();
        self.write(move |tx| {
            let same = tx
                .prepare_cached("SELECT 1 FROM agent WHERE id = ?1 AND uri = ?2")?
                .query_row(params![row, uri], |_| Ok(()))
                .optional()?;
            if same.is_some() {
                describe_rows::keep(tx, row, &found, now_ms, |failures| {
                    now_ms.saturating_add(pause_ms(failures))
                })?;
            }
            Ok(same.is_some())
        })
        .await
    }
}

fn pause_ms(failures: u32) -> u64 {
    let pause = match failures.checked_sub(1) {
        None => limits::DESCRIBED_AGE,
        Some(again) => limits::DESCRIBE_RETRY
            .saturating_mul(2_u32.saturating_pow(again.min(16)))
            .min(limits::DESCRIBED_AGE.saturating_mul(4)),
    };
    millis(pause)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
