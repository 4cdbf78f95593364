//! Files that strangers put on chain or on their servers.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use agent_core::trust::data_uri::{self, DataUriError};
use agent_core::untrusted::shorten;
use bytes::Bytes;
use tokio::time::Instant;

use super::limits;
use crate::egress::{Egress, ExchangeLimits};

/// The file behind a URI: out of the URI itself, or from a server through the egress guard.
///
/// # Errors
/// Why it cannot be had, for people; `ipfs:` and other schemes are not fetched.
pub(super) async fn fetch(egress: &Egress, uri: &str, max_bytes: usize) -> Result<Bytes, String> {
    match data_uri::decode(uri, max_bytes) {
        Ok(bytes) => return Ok(bytes.into()),
        Err(DataUriError::OtherScheme) => {}
        Err(error) => return Err(error.to_string()),
    }
    let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
    if !["http", "https"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return Err(format!("`{}:` is not fetched", shorten(scheme)));
    }
    let bounds = ExchangeLimits::default()
        .within(limits::FILE_WAIT)
        .at_most(max_bytes);
    let response = egress
        .get(uri, bounds)
        .await
        .map_err(|error| error.to_string())?;
    if !response.status.is_success() {
        return Err(format!("HTTP {}", response.status.as_u16()));
    }
    Ok(response.bytes)
}

/// Whether the file is in the URI, so that having it asks nobody.
pub(super) fn is_inside(uri: &str) -> bool {
    uri.split_at_checked(5)
        .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("data:"))
}

/// What was found out lately, by its name.
///
/// Bounded by forgetting everything: what is here can be had again, and who fills it with junk
/// gains no more than the look-ups it saves.
#[derive(Debug)]
pub(super) struct Remembered<V> {
    age: Duration,
    max: usize,
    values: Mutex<HashMap<String, (Instant, Duration, V)>>,
}

impl<V: Clone> Remembered<V> {
    pub(super) fn new(age: Duration, max: usize) -> Self {
        Self {
            age,
            max,
            values: Mutex::default(),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<V> {
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, age, value) = values.get(name)?;
        (since.elapsed() < *age).then(|| value.clone())
    }

    /// Remembers what was found.
    pub(super) fn put(&self, name: &str, value: V) {
        self.put_for(self.age, name, value);
    }

    /// Remembers that nothing was found, which changes sooner: whoever was down comes back.
    pub(super) fn put_failure(&self, name: &str, value: V) {
        self.put_for(self.age.min(limits::FAILURE_AGE_MAX), name, value);
    }

    fn put_for(&self, age: Duration, name: &str, value: V) {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        if values.len() >= self.max {
            values.clear();
        }
        values.insert(name.to_owned(), (Instant::now(), age, value));
    }
}
