//! Where notifications may go, and how one goes there.

use super::judge::{Verdict, judge};
use super::letter::Letter;
use super::limits::{ANSWER_BYTES_MAX, ANSWER_WAIT, ATTEMPT_WAIT};
use crate::config::PushConfig;
use agent_client::egress::{Egress, EgressError, EgressPolicy, ExchangeLimits, Lookup};
use std::sync::Arc;

/// The way out for notifications. It has connections of its own: what the operator opens for
/// webhooks is open for nothing else.
#[derive(Debug, Clone)]
pub(super) struct Door {
    egress: Egress,
    allow_http: bool,
}

impl Door {
    pub(super) fn new(config: &PushConfig, lookup: Arc<dyn Lookup>) -> Result<Self, EgressError> {
        let mut policy = EgressPolicy::strict();
        if config.allow_private {
            policy = policy.allow_loopback().allow_private();
        }
        if config.allow_http {
            policy = policy.allow_plain_http_anywhere();
        }
        Ok(Self {
            egress: Egress::with_lookup(policy, lookup)?,
            allow_http: config.allow_http,
        })
    }

    /// Whether a URL may be called, as far as it can be told without resolving its host, and the
    /// host with its port. Nothing is resolved: a name that is fine today can be another tomorrow,
    /// so that is checked whenever it is called.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn vet(&self, url: &str) -> Result<String, EgressError> {
        let url = self.egress.vet(url)?;
        let host = url.host_str().unwrap_or_default();
        // The policy opens private addresses for plain http too; here that takes both leaves.
        if !self.allow_http && url.scheme() != "https" {
            return Err(EgressError::NotHttps {
                host: host.to_owned(),
            });
        }
        let port = url.port_or_known_default().unwrap_or_default();
        Ok(format!("{host}:{port}"))
    }

    /// Sends once. The host is resolved, checked and pinned by [`Egress`], and no redirect is
    /// followed.
    pub(super) async fn send(&self, url: &str, letter: Letter) -> Verdict {
        let limits = ExchangeLimits {
            total: ATTEMPT_WAIT,
            body_bytes_max: ANSWER_BYTES_MAX,
            idle: ANSWER_WAIT,
        };
        judge(
            self.egress
                .tell(url, letter.headers, letter.body, limits)
                .await,
        )
    }
}
