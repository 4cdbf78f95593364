//! Text that came from a peer.

use std::fmt;

/// How much of a peer's text an error or a log line shows.
const SHOWN_CHARS: usize = 80;

/// A peer's text made safe to show: control characters and bidirectional overrides escaped, and
/// cut to a length that fits a log line.
#[must_use]
pub fn shorten(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS).flat_map(printable).collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

/// A peer's text for a terminal, whole: line breaks and tabs stay, everything else that a terminal
/// would obey is escaped.
#[must_use]
pub fn printable_lines(text: &str) -> String {
    let keep = |c| matches!(c, '\n' | '\t');
    text.chars()
        .flat_map(|c| {
            if keep(c) {
                Box::new(std::iter::once(c))
            } else {
                printable(c)
            }
        })
        .collect()
}

fn printable(c: char) -> Box<dyn Iterator<Item = char>> {
    let reorders =
        matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || reorders {
        Box::new(c.escape_unicode())
    } else {
        Box::new(std::iter::once(c))
    }
}

/// Text from a peer, kept as it came and shown only escaped and shortened.
///
/// It has no `Deref` to `str`, so it cannot slip into a terminal, a log or a prompt unnoticed:
/// [`Untrusted::as_received`] says at the call what is being done.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Untrusted(String);

impl Untrusted {
    /// Marks `text` as coming from a peer.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text as it came.
    #[must_use]
    pub fn as_received(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shorten(&self.0))
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", shorten(&self.0))
    }
}
