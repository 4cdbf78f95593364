//! What is wrong with an object of 0.3, and where.

use crate::a2a::error::A2aError;

/// A field that cannot be translated.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    path: String,
    what: &'static str,
}

impl Wrong {
    pub(super) fn new(field: &str, what: &'static str) -> Self {
        Self {
            path: field.to_owned(),
            what,
        }
    }

    /// The same, seen from the object whose field `step` holds it.
    pub(super) fn inside(mut self, step: &str) -> Self {
        let dot = if self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{step}{dot}{}", self.path);
        self
    }
}

impl From<Wrong> for A2aError {
    fn from(wrong: Wrong) -> Self {
        Self::invalid_field(wrong.path, wrong.what)
    }
}

/// Translates each item of the list `field`.
pub(super) fn each<A, B>(
    field: &str,
    items: Vec<A>,
    translate: impl Fn(A) -> Result<B, Wrong>,
) -> Result<Vec<B>, Wrong> {
    let items = items.into_iter().enumerate();
    items
        .map(|(at, item)| translate(item).map_err(|wrong| wrong.inside(&format!("{field}[{at}]"))))
        .collect()
}

/// Checks the discriminator, which peers leave out and must not get wrong.
pub(super) fn check_kind(found: &str, kind: &str, what: &'static str) -> Result<(), Wrong> {
    if found.is_empty() || found == kind {
        Ok(())
    } else {
        Err(Wrong::new("kind", what))
    }
}
