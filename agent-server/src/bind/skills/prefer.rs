//! `Prefer: respond-async, wait=10` (RFC 7240): whether the caller wants the task before its end.

use axum::http::HeaderMap;
use std::time::Duration;

/// The longest wait before a task is handed out that is honoured: what proxies on the way keep open.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The caller takes a task instead of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Preference {
    /// How long it waits for the output first.
    pub(super) wait: Duration,
}

impl Preference {
    /// `None` unless the caller says that it takes a task.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let said = headers.get_all("prefer").iter();
        let said = said.filter_map(|value| value.to_str().ok());
        let words: Vec<&str> = said
            .flat_map(|value| value.split([',', ';']))
            .map(str::trim)
            .collect();
        let asynchronous = words
            .iter()
            .any(|word| word.eq_ignore_ascii_case("respond-async"));
        let mut waits = words.iter().filter_map(|word| {
            let (name, secs) = word.split_once('=')?;
            let is_wait = name.trim().eq_ignore_ascii_case("wait");
            is_wait.then(|| secs.trim().trim_matches('"').parse().ok())?
        });
        let wait = Duration::from_secs(waits.next().unwrap_or(0)).min(WAIT_MAX);
        asynchronous.then_some(Self { wait })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    #[test]
    fn a_task_is_for_those_who_prefer_one() {
        let read = |text: &'static str| {
            let name = HeaderName::from_static("prefer");
            let value = HeaderValue::from_static(text);
            let read = Preference::read(&HeaderMap::from_iter([(name, value)]));
            read.map(|preference| preference.wait.as_secs())
        };
        assert_eq!(read("respond-async"), Some(0));
        assert_eq!(read("return=minimal, Respond-Async; wait = \"7\""), Some(7));
        assert_eq!(read("wait=999999, respond-async"), Some(60));
        assert_eq!(read("respond-async, wait=-1"), Some(0));
        assert_eq!(read("wait=10"), None);
        assert_eq!(read("respond-asynchronously"), None);
    }
}
