//! Names to addresses, with the forbidden ones taken out before anything can connect to them.

use std::{
    fmt,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{AddressClass, EgressPolicy, error::Unresolved};
use crate::limits;

/// A pending answer of a [`Lookup`].
pub type Lookups = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// A source of addresses.
///
/// # Contract
///
/// Answers every address it knows for the host, or an error. Answers are not trusted: they are
/// checked against the policy each time, so a lookup need not and should not filter.
pub trait Lookup: fmt::Debug + Send + Sync {
    /// Looks the host up.
    fn lookup(&self, host: &str) -> Lookups;
}

/// The operating system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: &str) -> Lookups {
        let host = host.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Gives the connector only addresses that the policy allows. The connector connects to what it was
/// given and never asks again, so there is no gap between the check and the use.
#[derive(Clone, Debug)]
pub(super) struct Guarded {
    lookup: Arc<dyn Lookup>,
    policy: Arc<EgressPolicy>,
}

impl Guarded {
    pub(super) fn new(lookup: Arc<dyn Lookup>, policy: Arc<EgressPolicy>) -> Self {
        Self { lookup, policy }
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let pending = self.lookup.lookup(&host);
        let policy = Arc::clone(&self.policy);
        Box::pin(async move {
            let found = match pending.await {
                Ok(found) => found,
                Err(error) => {
                    let reason = error.to_string();
                    return Err(Unresolved::Nowhere { host, reason }.into());
                }
            };
            Ok(admitted(host, &found, &policy)?)
        })
    }
}

fn admitted(host: String, found: &[IpAddr], policy: &EgressPolicy) -> Result<Addrs, Unresolved> {
    let allowed: Vec<SocketAddr> = found
        .iter()
        .filter(|address| policy.allows(AddressClass::of(**address)))
        .take(limits::ADDRESSES_MAX)
        // Port 0 lets the connector put the URL's own port.
        .map(|address| SocketAddr::new(*address, 0))
        .collect();
    match (allowed.is_empty(), found.first()) {
        (false, _) => Ok(Box::new(allowed.into_iter())),
        (true, Some(first)) => Err(Unresolved::Forbidden {
            host,
            class: AddressClass::of(*first),
        }),
        (true, None) => Err(Unresolved::Nowhere {
            host,
            reason: "no address".to_owned(),
        }),
    }
}
