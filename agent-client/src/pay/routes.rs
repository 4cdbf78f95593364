//! The terms of routes that were paid before.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use agent_core::{
    json::Metadata,
    x402::{PAYMENT_IDENTIFIER, ResourceInfo},
};
use http::Method;
use url::Url;

use super::{
    error::{Drift, PayError},
    limits::ROUTES_MAX,
    required::Version,
};
use crate::wallet::{Offer, Scheme};

/// Origin, path and method: what a price is for. The query is input.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Route(String);

impl Route {
    pub(super) fn of(method: &Method, url: &Url) -> Self {
        let origin = url.origin().ascii_serialization();
        Self(format!("{method} {origin}{}", url.path()))
    }
}

/// What was agreed for a route.
#[derive(Debug, Clone)]
pub(super) struct Pinned {
    pub(super) offer: Offer,
    pub(super) resource: ResourceInfo,
    pub(super) extensions: Metadata,
    pub(super) version: Version,
}

impl Pinned {
    /// Whether a payment can go with the first request: an authorization of `exact` is asked for
    /// each time, since one that nobody wanted stays counted until it expires.
    pub(super) fn can_prepay(&self) -> bool {
        matches!(self.offer.scheme(), Scheme::Z402 | Scheme::BatchSettlement)
    }

    /// Whether the seller said that it knows a payment by its id, and so answers it once.
    pub(super) fn knows_ids(&self) -> bool {
        self.extensions.contains(PAYMENT_IDENTIFIER)
    }

    /// Refuses terms that changed to our disadvantage.
    pub(super) fn holds_against(&self, fresh: &Self) -> Result<(), PayError> {
        if !self.offer.is_like(&fresh.offer) {
            return Err(PayError::Drift(Drift::Way));
        }
        let (before, asked) = (self.offer.amount(), fresh.offer.amount());
        if asked > before {
            return Err(PayError::Drift(Drift::Price { before, asked }));
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
pub(super) struct Routes(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    pinned: HashMap<Route, Pinned>,
    oldest_first: VecDeque<Route>,
}

impl Routes {
    pub(super) fn get(&self, route: &Route) -> Option<Pinned> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.pinned.get(route).cloned()
    }

    pub(super) fn pin(&self, route: &Route, terms: Pinned) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.pinned.insert(route.clone(), terms).is_none() {
            known.oldest_first.push_back(route.clone());
        }
        while known.oldest_first.len() > ROUTES_MAX {
            if let Some(oldest) = known.oldest_first.pop_front() {
                known.pinned.remove(&oldest);
            }
        }
    }

    pub(super) fn forget(&self, route: &Route) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.pinned.remove(route);
        known.oldest_first.retain(|it| it != route);
    }
}
