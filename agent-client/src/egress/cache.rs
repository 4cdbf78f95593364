//! What was fetched and may be used again (RFC 9111), for documents that are asked for often and
//! change seldom: Agent Cards, key sets.
//!
//! A private cache in memory. What it does not do: it guesses no lifetimes and reads no dates (a
//! document without `max-age` is asked for anew, with its `ETag`), and two requests for one
//! document at the same time both go out.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agent_core::clock::Clock;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::Response;
use crate::limits;

/// A cached document.
#[derive(Clone, Debug)]
struct Entry {
    bytes: Bytes,
    etag: Option<HeaderValue>,
    modified: Option<HeaderValue>,
    stored_unix_millis: u64,
    lifetimes: Lifetimes,
    last_used: u64,
}

/// How long a document may be used, counted from when it was stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lifetimes {
    fresh: Duration,
    despite_errors: Duration,
}

/// Keeps documents, as long as their servers allow and [`limits`] let it.
pub(super) struct Cache {
    entries: Mutex<Entries>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Entries {
    by_url: HashMap<String, Entry>,
    bytes: usize,
    uses: u64,
}

/// What is known of a document before it is asked for.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// It may be used as it is.
    Fresh(Bytes),
    /// It may be used if the server says that it did not change; these headers ask.
    Stale(HeaderMap),
    /// Nothing.
    Nothing,
}

impl Cache {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            entries: Mutex::default(),
            clock,
        }
    }

    pub(super) fn look_up(&self, url: &str) -> Known {
        let now = self.clock.now_unix_millis();
        let mut entries = self.lock();
        let Some(entry) = entries.touch(url) else {
            return Known::Nothing;
        };
        if entry.is_within(entry.lifetimes.fresh, now) {
            return Known::Fresh(entry.bytes.clone());
        }
        let mut conditions = HeaderMap::new();
        if let Some(etag) = &entry.etag {
            conditions.insert(header::IF_NONE_MATCH, etag.clone());
        }
        if let Some(modified) = &entry.modified {
            conditions.insert(header::IF_MODIFIED_SINCE, modified.clone());
        }
        if conditions.is_empty() {
            Known::Nothing
        } else {
            Known::Stale(conditions)
        }
    }

    /// Notes what a server answered and gives the document it means: that of the answer, or the
    /// one that did not change. `None` if the server says that something is unchanged that is not
    /// here any more.
    pub(super) fn note(&self, url: &str, response: &Response) -> Option<Bytes> {
        let now = self.clock.now_unix_millis();
        let lifetimes = Lifetimes::of(&response.headers);
        let mut entries = self.lock();
        if response.status == StatusCode::NOT_MODIFIED {
            let entry = entries.touch(url)?;
            entry.stored_unix_millis = now;
            entry.lifetimes = lifetimes.unwrap_or_default();
            let bytes = entry.bytes.clone();
            if lifetimes.is_none() {
                entries.remove(url);
            }
            return Some(bytes);
        }
        match lifetimes.filter(|_| response.status == StatusCode::OK) {
            Some(lifetimes) => entries.insert(
                url,
                Entry {
                    bytes: response.bytes.clone(),
                    etag: response.headers.get(header::ETAG).cloned(),
                    modified: response.headers.get(header::LAST_MODIFIED).cloned(),
                    stored_unix_millis: now,
                    lifetimes,
                    last_used: 0,
                },
            ),
            // A server in trouble does not take back what it said before.
            None if is_trouble(response.status) => {}
            None => entries.remove(url),
        }
        Some(response.bytes.clone())
    }

    /// The document, if its server allowed to use it while it cannot be asked (RFC 5861 §4).
    pub(super) fn despite_error(&self, url: &str) -> Option<Bytes> {
        let now = self.clock.now_unix_millis();
        let mut entries = self.lock();
        let entry = entries.touch(url)?;
        let usable = entry.is_within(entry.lifetimes.despite_errors, now);
        usable.then(|| entry.bytes.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.lock();
        f.debug_struct("Cache")
            .field("documents", &entries.by_url.len())
            .field("bytes", &entries.bytes)
            .finish_non_exhaustive()
    }
}

/// The statuses for which RFC 5861 lets an older document be used.
pub(super) const fn is_trouble(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}

impl Entry {
    fn is_within(&self, lifetime: Duration, now_unix_millis: u64) -> bool {
        // A clock that was set back makes nothing fresher.
        let age = now_unix_millis.checked_sub(self.stored_unix_millis);
        age.is_some_and(|age| Duration::from_millis(age) < lifetime)
    }
}

impl Entries {
    fn touch(&mut self, url: &str) -> Option<&mut Entry> {
        self.uses = self.uses.saturating_add(1);
        let entry = self.by_url.get_mut(url)?;
        entry.last_used = self.uses;
        Some(entry)
    }

    fn insert(&mut self, url: &str, mut entry: Entry) {
        self.remove(url);
        if entry.bytes.len() > limits::CACHE_BYTES_MAX {
            return;
        }
        self.uses = self.uses.saturating_add(1);
        entry.last_used = self.uses;
        self.bytes = self.bytes.saturating_add(entry.bytes.len());
        self.by_url.insert(url.to_owned(), entry);
        while self.by_url.len() > limits::CACHE_DOCUMENTS_MAX
            || self.bytes > limits::CACHE_BYTES_MAX
        {
            let oldest = self.by_url.iter().min_by_key(|(_, entry)| entry.last_used);
            let Some(oldest) = oldest.map(|(url, _)| url.clone()) else {
                return;
            };
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, url: &str) {
        if let Some(entry) = self.by_url.remove(url) {
            self.bytes = self.bytes.saturating_sub(entry.bytes.len());
        }
    }
}

impl Lifetimes {
    /// What the headers allow; `None` if the document must not be kept.
    fn of(headers: &HeaderMap) -> Option<Self> {
        if values(headers, &header::VARY).any(|name| name == "*") {
            return None;
        }
        let mut max_age = None;
        let mut despite_errors = Duration::ZERO;
        let (mut ask_always, mut ask_when_stale) = (false, false);
        for directive in values(headers, &header::CACHE_CONTROL) {
            let (name, value) = directive.split_once('=').unwrap_or((&directive, ""));
            let seconds = || value.trim().trim_matches('"').parse().unwrap_or(0);
            match name.trim() {
                "no-store" => return None,
                "no-cache" => ask_always = true,
                "must-revalidate" => ask_when_stale = true,
                // Of two the shorter: whoever added one wanted less (RFC 9111 §4.2.1).
                "max-age" => {
                    let shorter = max_age.map_or_else(seconds, |other: u64| other.min(seconds()));
                    max_age = Some(shorter);
                }
                "stale-if-error" => despite_errors = Duration::from_secs(seconds()),
                _ => {}
            }
        }
        let age = headers.get(header::AGE).and_then(|age| age.to_str().ok());
        let age = age.map_or(0, |age| age.trim().parse().unwrap_or(u64::MAX));
        let fresh = max_age.unwrap_or(0).saturating_sub(age);
        let fresh = Duration::from_secs(if ask_always { 0 } else { fresh });
        let fresh = fresh.min(limits::CACHE_LIFETIME_MAX);
        let despite_errors = if ask_always || ask_when_stale {
            Duration::ZERO
        } else {
            fresh
                .saturating_add(despite_errors)
                .min(limits::CACHE_LIFETIME_MAX)
        };
        Some(Self {
            fresh,
            despite_errors,
        })
    }
}

/// The members of a list header, in lower case.
fn values<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = String> + 'h {
    let lines = headers.get_all(name).into_iter();
    let texts = lines.filter_map(|line| line.to_str().ok());
    texts.flat_map(|text| {
        text.split(',')
            .map(|member| member.trim().to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_core::clock::ManualClock;

    fn lifetimes(lines: &[(&'static str, &'static str)]) -> Option<(u64, u64)> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let found = Lifetimes::of(&headers)?;
        Some((found.fresh.as_secs(), found.despite_errors.as_secs()))
    }

    #[test]
    fn lifetimes_are_what_servers_say() {
        let day = limits::CACHE_LIFETIME_MAX.as_secs();
        for (lines, expected) in [
            (vec![], Some((0, 0))),
            (
                vec![("cache-control", "public, max-age=60")],
                Some((60, 60)),
            ),
            (vec![("cache-control", "Max-Age=\"60\"")], Some((60, 60))),
            (
                vec![("cache-control", "max-age=60, max-age=5")],
                Some((5, 5)),
            ),
            (
                vec![("cache-control", "max-age=60"), ("age", "50")],
                Some((10, 10)),
            ),
            (
                vec![("cache-control", "max-age=60"), ("age", "x")],
                Some((0, 0)),
            ),
            (vec![("cache-control", "max-age=-1")], Some((0, 0))),
            (vec![("cache-control", "s-maxage=60")], Some((0, 0))),
            (
                vec![("cache-control", "max-age=99999999999")],
                Some((day, day)),
            ),
            (
                vec![("cache-control", "no-cache, max-age=60")],
                Some((0, 0)),
            ),
            (
                vec![
                    ("cache-control", "max-age=60"),
                    ("cache-control", "no-store"),
                ],
                None,
            ),
            (vec![("cache-control", "max-age=60"), ("vary", "*")], None),
            (
                vec![("cache-control", "max-age=60"), ("vary", "A2A-Version")],
                Some((60, 60)),
            ),
            (
                vec![("cache-control", "max-age=60, stale-if-error=30")],
                Some((60, 90)),
            ),
            (
                vec![(
                    "cache-control",
                    "max-age=60, stale-if-error=30, must-revalidate",
                )],
                Some((60, 0)),
            ),
            (
                vec![("expires", "Thu, 01 Dec 2094 16:00:00 GMT")],
                Some((0, 0)),
            ),
        ] {
            assert_eq!(lifetimes(&lines), expected, "{lines:?}");
        }
    }

    fn response(bytes: usize) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert("cache-control", HeaderValue::from_static("max-age=60"));
        Response {
            status: StatusCode::OK,
            headers,
            bytes: Bytes::from(vec![b' '; bytes]),
        }
    }

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let cache = Cache::new(Arc::new(ManualClock::at_unix_secs(1)));
        for n in 0..limits::CACHE_DOCUMENTS_MAX {
            cache.note(&n.to_string(), &response(1));
        }
        assert!(matches!(cache.look_up("0"), Known::Fresh(_)));
        cache.note("more", &response(1));
        assert!(matches!(cache.look_up("0"), Known::Fresh(_)));
        assert!(matches!(cache.look_up("1"), Known::Nothing));
        assert_eq!(cache.lock().by_url.len(), limits::CACHE_DOCUMENTS_MAX);

        cache.note("large", &response(limits::CACHE_BYTES_MAX));
        assert_eq!(cache.lock().by_url.len(), 1);
        cache.note("larger", &response(limits::CACHE_BYTES_MAX + 1));
        assert!(matches!(cache.look_up("larger"), Known::Nothing));
        assert_eq!(cache.lock().bytes, limits::CACHE_BYTES_MAX);
    }
}
