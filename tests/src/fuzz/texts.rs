//! Short texts: times, traces, names, and whatever is shown to people.

use agent_core::a2a::signing::Algorithm;
use agent_core::a2a::{Timestamp, Version};
use agent_core::trace::TraceContext;
use agent_core::untrusted::{Untrusted, printable_lines, shorten};
use std::fmt::{Debug, Display};
use std::str::FromStr;

/// What is read is written as a text that is read the same way, and as JSON.
pub(super) fn stable<T>(text: &str) -> Option<T>
where
    T: FromStr<Err: Display> + Display + PartialEq + Debug,
{
    match text.parse::<T>() {
        Ok(read) => {
            let written = read.to_string();
            assert_eq!(written.parse::<T>().ok().as_ref(), Some(&read), "{written}");
            Some(read)
        }
        Err(error) => {
            let said = error.to_string();
            assert!(said.len() <= 2_048, "an error repeats {} bytes", said.len());
            assert!(!said.chars().any(char::is_control), "{said:?}");
            None
        }
    }
}

pub(super) fn times(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(time) = stable::<Timestamp>(&text) {
        let written = time.to_string();
        assert_eq!((written.len(), written.ends_with('Z')), (24, true));
        assert_eq!(Timestamp::from_unix_millis(time.unix_millis()), time);
    }
    if let Some(eight) = bytes.first_chunk::<8>() {
        let time = Timestamp::from_unix_millis(i64::from_le_bytes(*eight));
        assert_eq!(time.to_string().parse(), Ok(time));
    }
}

/// `traceparent` and, after a line break, `tracestate`.
pub(super) fn traces(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (parent, state) = text.split_once('\n').unwrap_or((&text, ""));
    let Some(trace) = TraceContext::parse(parent) else {
        return;
    };
    let trace = trace.with_state(state);
    let (parent, state) = (trace.to_string(), trace.state());
    assert_eq!(parent.len(), 55);
    assert!(state.len() <= 512 && state.bytes().all(|b| matches!(b, b' '..=b'~' | b'\t')));
    let again = TraceContext::parse(&parent)
        .expect("our own")
        .with_state(state);
    assert_eq!(again, trace);
    let below = trace.below([1; 8]);
    assert_eq!((below.trace_id(), below.state()), (trace.trace_id(), state));
}

/// What peers write never moves a cursor, and short texts are short.
pub(super) fn shown(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let obeyed = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let short = shorten(&text);
    assert!(!short.chars().any(obeyed), "{short:?}");
    assert!(short.chars().count() <= 80 * "\\u{10ffff}".len() + 1);
    let lines = printable_lines(&text);
    let kept = |c: char| matches!(c, '\n' | '\t');
    assert!(!lines.chars().any(|c| obeyed(c) && !kept(c)), "{lines:?}");
    let kept = Untrusted::new(text.clone().into_owned());
    assert_eq!((kept.to_string(), kept.as_received()), (short, &*text));
    for known in [
        Version::of_name(&text).map(Version::name),
        Algorithm::of_name(&text).map(Algorithm::name),
    ] {
        assert!(known.is_none_or(|name| text.trim().starts_with(name)));
    }
}
