//! The public card as it is served: written once for each address under which it is asked for.

use super::CardBytes;
use crate::card::grpc_authority;
use agent_core::a2a::{A2aError, AgentCard, AgentInterface};
use axum::http::HeaderValue;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};
use url::Url;

/// Addresses for which a written card is kept. A proxy has a few names; one that passes on whatever
/// its clients call it costs some work, and no more memory.
const BASES_MAX: usize = 64;

/// Writes a card: signs and serialises it, or whatever else its form needs.
pub(crate) type WriteCard = Box<dyn Fn(&AgentCard) -> Result<CardBytes, A2aError> + Send + Sync>;

/// The card under every address.
pub(crate) struct Cards {
    card: AgentCard,
    base: Url,
    write: WriteCard,
    own: Arc<CardBytes>,
    /// When the agent wrote it.
    pub(super) modified: HeaderValue,
    others: Mutex<HashMap<Url, Arc<CardBytes>>>,
}

impl Cards {
    /// The card of an agent at `base`, which writes it now.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn new(
        card: AgentCard,
        base: Url,
        write: WriteCard,
        now_unix_secs: u64,
    ) -> Result<Self, A2aError> {
        let own = Arc::new(write(&card)?);
        Ok(Self {
            card,
            base,
            write,
            own,
            modified: http_date(now_unix_secs)?,
            others: Mutex::default(),
        })
    }

    /// Where the agent itself says that it is.
    pub(super) const fn base(&self) -> &Url {
        &self.base
    }

    /// The card for somebody who asked a proxy at `base`, or us.
    pub(crate) fn at(&self, base: Option<Url>) -> Arc<CardBytes> {
        let Some(base) = base.filter(|base| *base != self.base) else {
            return Arc::clone(&self.own);
        };
        let kept = || self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept().get(&base) {
            return Arc::clone(known);
        }
        let Ok(written) = (self.write)(&moved(&self.card, &self.base, &base)) else {
            return Arc::clone(&self.own);
        };
        let written = Arc::new(written);
        let mut others = kept();
        if others.len() >= BASES_MAX
            && let Some(any) = others.keys().next().cloned()
        {
            others.remove(&any);
        }
        others.insert(base, Arc::clone(&written));
        written
    }
}

fn http_date(unix_secs: u64) -> Result<HeaderValue, A2aError> {
    // The last second that an HTTP date can say.
    let unix_secs = unix_secs.min(253_402_300_799);
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(unix_secs));
    HeaderValue::try_from(date).map_err(|error| A2aError::internal(error.to_string()))
}

/// The same card with its interfaces below another address. Those that are elsewhere stay.
fn moved(card: &AgentCard, from: &Url, to: &Url) -> AgentCard {
    let mut card = card.clone();
    card.signatures.clear();
    if let Some(authority) = grpc_authority(from) {
        let grpc = |interface: &AgentInterface| {
            interface.protocol_binding == AgentInterface::GRPC && interface.url == authority
        };
        match grpc_authority(to) {
            Some(there) => {
                let ours = card.supported_interfaces.iter_mut();
                ours.filter(|interface| grpc(interface))
                    .for_each(|interface| interface.url.clone_from(&there));
            }
            None => card
                .supported_interfaces
                .retain(|interface| !grpc(interface)),
        }
    }
    for interface in &mut card.supported_interfaces {
        if let Some(path) = interface.url.strip_prefix(from.as_str()) {
            interface.url = format!("{to}{path}");
        }
    }
    card
}

impl std::fmt::Debug for Cards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cards")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}
