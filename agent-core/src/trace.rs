//! Which larger piece of work a request belongs to: W3C Trace Context, level 1.
//!
//! Identifiers of a trace come from strangers. They are read strictly, bounded, and mean nothing for
//! who may do what.

use std::fmt;

/// The longest `tracestate` that is passed on; the recommendation asks for at least so much.
const STATE_BYTES_MAX: usize = 512;

/// The most members that a `tracestate` may have.
const STATE_MEMBERS_MAX: usize = 32;

/// The longest name of a member of `tracestate`.
const STATE_KEY_BYTES_MAX: usize = 256;

/// The longest value of a member of `tracestate`.
const STATE_VALUE_BYTES_MAX: usize = 256;

/// The length of a `traceparent` of version 00.
const PARENT_BYTES: usize = 55;

/// A place in a distributed trace, as the `traceparent` and `tracestate` headers name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: [u8; 16],
    parent_id: [u8; 8],
    flags: u8,
    state: String,
}

impl TraceContext {
    /// The name of the header that holds trace, parent and flags.
    pub const PARENT_HEADER: &str = "traceparent";

    /// The name of the header that holds what tracing systems add.
    pub const STATE_HEADER: &str = "tracestate";

    /// Reads a `traceparent`. What does not follow the recommendation to the letter is nothing:
    /// whoever gets it starts a trace of their own.
    #[must_use]
    pub fn parse(parent: &str) -> Option<Self> {
        let [version] = bytes_of(parent.get(..2)?)?;
        // A later version may add to the end, after one more dash, and changes nothing before it.
        let longer = version > 0 && parent.as_bytes().get(PARENT_BYTES) == Some(&b'-');
        if version == 0xff || (parent.len() != PARENT_BYTES && !longer) {
            return None;
        }
        let mut fields = parent.get(2..PARENT_BYTES)?.split('-').skip(1);
        let trace_id: [u8; 16] = bytes_of(fields.next()?)?;
        let parent_id: [u8; 8] = bytes_of(fields.next()?)?;
        let [flags] = bytes_of(fields.next()?)?;
        if fields.next().is_some() || trace_id == [0; 16] || parent_id == [0; 8] {
            return None;
        }
        Some(Self {
            trace_id,
            parent_id,
            // Of the flags of later versions nothing is known that could be passed on.
            flags: if version == 0 { flags } else { flags & 1 },
            state: String::new(),
        })
    }

    /// The same with a `tracestate`; several headers are joined with commas first. One that breaks
    /// the rules or is too long is left out, as the recommendation has it.
    #[must_use]
    pub fn with_state(mut self, state: &str) -> Self {
        self.state = if is_state(state) {
            state.trim_matches([' ', '\t']).to_owned()
        } else {
            String::new()
        };
        self
    }

    /// The same trace as seen by what is called from here: `span` stands for the work at hand.
    #[must_use]
    pub fn below(&self, span: [u8; 8]) -> Self {
        Self {
            parent_id: span,
            ..self.clone()
        }
    }

    /// The trace's id in lowercase hexadecimal, for a log.
    #[must_use]
    pub fn trace_id(&self) -> String {
        hex(&self.trace_id)
    }

    /// Whether the caller may have recorded its part.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }

    /// The value of a `tracestate` header; empty if there is none to send.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }
}

/// The value of a `traceparent` header.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace_id,
            parent_id,
            flags,
            ..
        } = self;
        write!(f, "00-{}-{}-{flags:02x}", hex(trace_id), hex(parent_id))
    }
}

fn hex(bytes: &[u8]) -> String {
    alloy_primitives::hex::encode(bytes)
}

/// Lowercase hexadecimal, and nothing else.
fn bytes_of<const N: usize>(text: &str) -> Option<[u8; N]> {
    let lower = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != N.saturating_mul(2) || !text.bytes().all(lower) {
        return None;
    }
    alloy_primitives::hex::decode_to_array(text).ok()
}

fn is_state(state: &str) -> bool {
    let trim = |text: &str| text.trim_matches([' ', '\t']).to_owned();
    if state.len() > STATE_BYTES_MAX {
        return false;
    }
    let mut names = Vec::new();
    for member in state.split(',').map(trim).filter(|m| !m.is_empty()) {
        let Some((name, value)) = member.split_once('=') else {
            return false;
        };
        if !is_key(name) || !is_value(value) || names.iter().any(|known| known == name) {
            return false;
        }
        names.push(name.to_owned());
    }
    names.len() <= STATE_MEMBERS_MAX
}

fn is_key(name: &str) -> bool {
    let within = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-' | '*' | '/' | '@');
    let begins = |c: char| matches!(c, 'a'..='z' | '0'..='9');
    name.len() <= STATE_KEY_BYTES_MAX && name.starts_with(begins) && name.chars().all(within)
}

fn is_value(value: &str) -> bool {
    let printable = |c: char| matches!(c, ' '..='~') && c != ',' && c != '=';
    !value.is_empty()
        && value.len() <= STATE_VALUE_BYTES_MAX
        && !value.ends_with(' ')
        && value.chars().all(printable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_good_one_is_read_and_written_as_it_was() {
        let trace = TraceContext::parse(GOOD).unwrap();
        assert_eq!(trace.to_string(), GOOD);
        assert_eq!(trace.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert!(trace.is_sampled());
        let below = trace.below([1; 8]).to_string();
        assert_eq!(
            below,
            "00-0af7651916cd43dd8448eb211c80319c-0101010101010101-01"
        );
    }

    #[test]
    fn what_breaks_a_rule_is_nothing() {
        for bad in [
            "",
            "00",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
            "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
            "é0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let later = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-what-else";
        assert_eq!(TraceContext::parse(later).unwrap().to_string(), GOOD);
    }

    #[test]
    fn a_state_is_kept_whole_or_not_at_all() {
        let trace = TraceContext::parse(GOOD).unwrap();
        for good in [
            "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
            "a@b=1",
            "a=1,,b=2",
            "",
        ] {
            assert_eq!(trace.clone().with_state(good).state(), good);
        }
        let many: Vec<String> = (0..33).map(|n| format!("a{n}=1")).collect();
        let long = format!("a={}", "1".repeat(600));
        for bad in [
            "A=1",
            "a",
            "a=",
            "a=1,a=2",
            "a=b=c",
            "a=\u{7}",
            &many.join(","),
            &long,
        ] {
            assert_eq!(trace.clone().with_state(bad).state(), "", "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_read_is_stable(text in "\\PC{0,80}") {
            if let Some(trace) = TraceContext::parse(&text) {
                prop_assert_eq!(TraceContext::parse(&trace.to_string()), Some(trace));
            }
        }
    }
}
