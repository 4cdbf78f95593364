//! Skills that the examples sell: small, but real work on real text.

mod digest;
mod keywords;
mod readability;
mod words;

pub use digest::{Digest, Digested};
pub use keywords::{Keywords, KeywordsFound};
pub use readability::{Readability, ReadabilityFound};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A public-domain text to work on: the opening of Lewis Carroll's "Alice's Adventures in
/// Wonderland" (1865).
pub const ALICE: &str = include_str!("../text/alice.txt");

/// What every skill here takes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct TextIn {
    /// The text to work on.
    pub text: String,
}

/// The programs in the README are compiled like any other.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
