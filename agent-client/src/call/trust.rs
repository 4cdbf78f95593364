//! Whose signature under an Agent Card counts (A2A §8.4.3).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use agent_core::a2a::signing::{
    CardForm, Jwk, JwkSet, ProtectedHeader, ReceivedCard, SignatureFault, Verification,
    limits as signing_limits,
};
use agent_core::clock::Clock;
use agent_core::untrusted::shorten;
use serde::Deserialize;
use url::{Host, Url};

use super::{CallError, card_cache, limits};
use crate::clock::SystemClock;
use crate::egress::Egress;

/// What is asked of the signatures of a card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SignatureMode {
    /// Nothing; they are not looked at.
    Ignore,
    /// A card is refused if a key that is trusted is named and did not sign it. This finds
    /// mistakes, not attackers: whoever can change a card can also take its signatures off.
    #[default]
    VerifyIfSigned,
    /// A card is refused unless a trusted key signed it.
    Require,
}

/// Whose signature under an Agent Card counts. Cheap to clone.
///
/// A key is trusted when it is pinned, or when the signature's `jku` is a URL on a listed host and
/// the key set there has it. A `jku` on any other host is never fetched: otherwise whoever signs a
/// card would also say whom to ask. Nothing is trusted on first use.
///
/// A signature says that the holder of the key made this card. That the card is that of the agent
/// one looks for, follows only where the key is pinned for the agent's host.
#[derive(Clone)]
pub struct CardTrust(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    mode: SignatureMode,
    pinned: Vec<Pinned>,
    jku_hosts: BTreeSet<String>,
    clock: Arc<dyn Clock>,
}

#[derive(Clone)]
struct Pinned {
    key: Jwk,
    hosts: BTreeSet<String>,
}

impl Default for CardTrust {
    /// The usual mode, and nobody to trust.
    fn default() -> Self {
        Self::new(SignatureMode::default())
    }
}

impl CardTrust {
    /// Trusts nobody yet.
    #[must_use]
    pub fn new(mode: SignatureMode) -> Self {
        Self(Arc::new(Inner {
            mode,
            pinned: Vec::new(),
            jku_hosts: BTreeSet::new(),
            clock: Arc::new(SystemClock),
        }))
    }

    /// Trusts this key, under its key id, for the cards of these hosts: `agent.example`, with the
    /// port if it is not the usual one. With no hosts it is trusted for all, so its holder can
    /// sign a card that someone else serves.
    #[must_use]
    pub fn pin(self, key: Jwk, hosts: impl IntoIterator<Item = String>) -> Self {
        let hosts = hosts.into_iter().map(|host| host.to_ascii_lowercase());
        let hosts = hosts.collect();
        self.change(|inner| inner.pinned.push(Pinned { key, hosts }))
    }

    /// Trusts the key sets that are served over `https` by this host, written as for
    /// [`pin`](Self::pin), for any card that names them.
    #[must_use]
    pub fn jku_host(self, host: &str) -> Self {
        let host = host.to_ascii_lowercase();
        self.change(|inner| {
            inner.jku_hosts.insert(host);
        })
    }

    /// Another clock, to tell which keys have expired.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        self.change(|inner| inner.clock = clock)
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Decides about a card that was found at `url`.
    ///
    /// # Errors
    /// [`CallError::CardSignature`] when it is refused.
    pub async fn check(
        &self,
        egress: &Egress,
        url: &Url,
        card: &ReceivedCard,
    ) -> Result<CardStanding, CallError> {
        if self.0.mode == SignatureMode::Ignore {
            return Ok(CardStanding::NotChecked);
        }
        let required = self.0.mode == SignatureMode::Require;
        if !card.is_signed() {
            let refusal = "it is not signed, and a signature is required";
            return if required {
                Err(refused(refusal))
            } else {
                Ok(CardStanding::Unsigned)
            };
        }
        let found = self.keys(egress, url, card).await;
        let verification = card.verify(self.0.clock.now_unix_secs(), |header| found.of(header));
        if let Some(best) = verification.best() {
            let jku = best.jku.as_deref();
            let pinned = found.pinned.iter().any(|key| key.kid() == best.kid);
            let key_from = match jku {
                Some(jku) if !pinned => KeyFrom::Jku(jku.to_owned()),
                _ => KeyFrom::Pinned,
            };
            return Ok(CardStanding::Signed {
                kid: best.kid.clone(),
                algorithm: best.algorithm.name(),
                form: best.form,
                key_from,
            });
        }
        let mut reasons = verification.reasons();
        for failure in &found.failures {
            reasons.push_str("; ");
            reasons.push_str(failure);
        }
        if required || is_broken(&verification) {
            return Err(refused(reasons));
        }
        Ok(CardStanding::SignedByStrangers(reasons))
    }

    /// The trusted keys that the signatures name.
    async fn keys(&self, egress: &Egress, url: &Url, card: &ReceivedCard) -> Keys {
        let here = authority(url);
        let pinned = self.0.pinned.iter();
        let pinned = pinned.filter(|pin| pin.hosts.is_empty() || pin.hosts.contains(&here));
        let mut keys = Keys {
            pinned: pinned.map(|pin| pin.key.clone()).collect(),
            ..Keys::default()
        };
        for header in card.headers() {
            let Some(jku) = header.jku else { continue };
            let known = keys.sets.iter().any(|(at, _)| *at == jku);
            if known || keys.pinned.iter().any(|key| key.kid() == header.kid) {
                continue;
            }
            if keys.sets.len() >= limits::KEY_SETS_PER_CARD_MAX {
                break;
            }
            let set = match self.fetch(egress, &jku).await {
                Ok(set) => set,
                Err(why) => {
                    keys.failures.push(why);
                    JwkSet::default()
                }
            };
            keys.sets.push((jku, set));
        }
        keys
    }

    async fn fetch(&self, egress: &Egress, jku: &str) -> Result<JwkSet, String> {
        let failed = |why: &dyn fmt::Display| {
            format!(
                "no keys from {}: {}",
                shorten(jku),
                shorten(&why.to_string())
            )
        };
        let url = egress.vet(jku).map_err(|error| failed(&error))?;
        if !self.0.jku_hosts.contains(&authority(&url)) {
            return Err(failed(&"its host is not one whose key sets are trusted"));
        }
        if url.scheme() != "https" && !is_loopback(&url) {
            return Err(failed(&"keys are fetched over https"));
        }
        let bytes = card_cache::fetch(egress, &url, signing_limits::JWKS_BYTES_MAX);
        let bytes = bytes.await.map_err(|error| failed(&error))?;
        JwkSet::read(&bytes).map_err(|error| failed(&error))
    }
}

impl fmt::Debug for CardTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardTrust")
            .field("mode", &self.0.mode)
            .field("pinned", &self.0.pinned.len())
            .field("jku_hosts", &self.0.jku_hosts)
            .finish_non_exhaustive()
    }
}

/// The keys that count for one card.
#[derive(Default)]
struct Keys {
    pinned: Vec<Jwk>,
    sets: Vec<(String, JwkSet)>,
    failures: Vec<String>,
}

impl Keys {
    fn of(&self, header: &ProtectedHeader) -> Vec<&Jwk> {
        let pinned = self.pinned.iter().filter(|key| key.kid() == header.kid);
        let pinned: Vec<&Jwk> = pinned.collect();
        if !pinned.is_empty() {
            return pinned;
        }
        let sets = self.sets.iter();
        let named = sets.filter(|(jku, _)| Some(jku) == header.jku.as_ref());
        named.flat_map(|(_, set)| set.of_kid(&header.kid)).collect()
    }
}

/// Whether a trusted key is named that did not sign this, or not any more.
fn is_broken(verification: &Verification) -> bool {
    let mut faults = verification
        .signatures
        .iter()
        .filter_map(|result| result.as_ref().err());
    faults.any(|fault| {
        matches!(
            fault,
            SignatureFault::Wrong(_)
                | SignatureFault::KeyMismatch { .. }
                | SignatureFault::KeyExpired(_)
                | SignatureFault::Uncanonical
        )
    })
}

fn refused(why: impl Into<String>) -> CallError {
    CallError::CardSignature(why.into())
}

/// Host and, if it is not the usual one, port.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// This machine, which the egress policy has let out to: a rehearsal.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// What the signatures of a card are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CardStanding {
    /// Nobody looked.
    NotChecked,
    /// It has none.
    Unsigned,
    /// No signature of a key that we trust; why not, for people.
    SignedByStrangers(String),
    /// A trusted key signed it.
    Signed {
        /// The name of the key.
        kid: String,
        /// The algorithm.
        algorithm: &'static str,
        /// What the signature covers. Only [`CardForm::Received`] covers fields of A2A 0.3.
        form: CardForm,
        /// Why the key is trusted.
        key_from: KeyFrom,
    },
}

/// Why a key is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFrom {
    /// It is pinned.
    Pinned,
    /// It is in the key set at this URL, on a host whose sets are trusted.
    Jku(String),
}

/// For people; what the peer wrote is escaped and cut.
impl fmt::Display for CardStanding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotChecked => f.write_str("not checked"),
            Self::Unsigned => f.write_str("not signed"),
            Self::SignedByStrangers(why) => write!(f, "signed by nobody who is trusted: {why}"),
            Self::Signed {
                kid,
                algorithm,
                form,
                key_from,
            } => {
                write!(f, "signed by kid {} ({algorithm}), ", shorten(kid))?;
                match key_from {
                    KeyFrom::Pinned => f.write_str("key pinned")?,
                    KeyFrom::Jku(url) => write!(f, "key by jku {}", shorten(url))?,
                }
                match form {
                    CardForm::Pruned => f.write_str("; what is empty in it is not signed"),
                    _ => Ok(()),
                }
            }
        }
    }
}
