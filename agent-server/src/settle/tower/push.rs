//! The seller's side: telling towers what there is to claim.

use super::export::WatchExport;
use crate::settle::limits;
use crate::store::SqliteStore;
use agent_client::egress::{Egress, ExchangeLimits};
use agent_core::ledger::{Claim, Ledger};
use agent_core::money::BaseUnits;
use agent_core::voucher::ChannelId;
use axum::http::{HeaderMap, HeaderValue, header};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Whom a seller tells.
#[derive(Debug, Clone)]
pub struct WatchPushConfig {
    /// A tower's base URL, and the header that shows our token to it.
    pub tower: Option<(String, HeaderValue)>,
    /// A file that a tower reads.
    pub file: Option<PathBuf>,
    /// Pause between looks at the claims: what is charged in it, a tower does not know of yet.
    pub interval: Duration,
}

/// Tells a watchtower what there is to claim, again and again. Stops when it is dropped.
#[derive(Debug)]
pub struct WatchPush {
    _stop: watch::Sender<bool>,
}

impl WatchPush {
    /// Starts telling. Must be called within a tokio runtime; the tower may be down.
    #[must_use]
    pub fn start(store: SqliteStore, egress: Egress, config: WatchPushConfig) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let mut pusher = Pusher {
            store,
            egress,
            told: BTreeMap::new(),
        };
        tokio::spawn(async move {
            loop {
                if let Err(why) = pusher.tell(&config).await {
                    tracing::warn!(%why, "the watchtower does not know the latest claims");
                }
                // The handle is gone, or it is time for the next look.
                if timeout(config.interval, stopped.changed()).await.is_ok() {
                    return;
                }
            }
        });
        Self { _stop: stop }
    }
}

struct Pusher {
    store: SqliteStore,
    egress: Egress,
    /// What the tower has acknowledged of each channel.
    told: BTreeMap<ChannelId, BaseUnits>,
}

impl Pusher {
    async fn tell(&mut self, config: &WatchPushConfig) -> Result<(), String> {
        let limit = crate::store::limits::CLAIMS_READ_MAX;
        let failed = |error: agent_core::ledger::LedgerError| error.to_string();
        let mut claims = self.store.claims(limit).await.map_err(failed)?;
        if claims.len() == limit {
            claims.extend(self.store.claims_by_deadline(limit).await.map_err(failed)?);
        }
        let claims: BTreeMap<_, _> = claims
            .into_iter()
            .map(|claim| (claim.channel_id, claim))
            .collect();
        // What was paid since needs no telling any more.
        self.told.retain(|channel, _| claims.contains_key(channel));
        let new: Vec<Claim> = claims
            .values()
            .filter(|claim| self.told.get(&claim.channel_id) < Some(&claim.charged))
            .copied()
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        if let Some(path) = &config.file {
            let all: Vec<Claim> = claims.into_values().collect();
            write(path, &self.export(&all)).await?;
        }
        if let Some((url, token)) = &config.tower {
            for part in new.chunks(limits::EXPORT_CLAIMS_MAX) {
                self.push(url, token, &self.export(part)).await?;
                self.told
                    .extend(part.iter().map(|claim| (claim.channel_id, claim.charged)));
            }
        } else {
            self.told
                .extend(new.iter().map(|claim| (claim.channel_id, claim.charged)));
        }
        Ok(())
    }

    fn export(&self, claims: &[Claim]) -> WatchExport {
        WatchExport::of(self.store.domain(), claims)
    }

    async fn push(
        &self,
        url: &str,
        token: &HeaderValue,
        export: &WatchExport,
    ) -> Result<(), String> {
        let body = serde_json::to_vec(export).map_err(|error| error.to_string())?;
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, token.clone());
        let limits = ExchangeLimits::default();
        let url = format!("{}/v1/claims", url.trim_end_matches('/'));
        let answer = self
            .egress
            .post_json(&url, headers, body.into(), limits)
            .await
            .map_err(|error| error.to_string())?;
        match answer.status.is_success() {
            true => Ok(()),
            false => Err(format!("it answered {}", answer.status.as_u16())),
        }
    }
}

/// Whole or not at all: a tower never reads half an export.
async fn write(path: &Path, export: &WatchExport) -> Result<(), String> {
    let text = serde_json::to_vec(export).map_err(|error| error.to_string())?;
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let shown = |error: std::io::Error| format!("{}: {error}", path.display());
    tokio::fs::write(&fresh, text).await.map_err(shown)?;
    tokio::fs::rename(&fresh, path).await.map_err(shown)
}
