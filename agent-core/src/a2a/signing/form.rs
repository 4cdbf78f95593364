//! The bytes that a signature covers.

use std::fmt;

use serde_json::{Map, Value};

use super::{SigningError, limits};
use crate::a2a::AgentCard;
use crate::jcs;

/// How the bytes that are signed come out of a card.
///
/// The specification has one way (§8.4.1) and the official SDKs have another, so there are three
/// in use. They differ only in what is empty or unknown:
///
/// | form | unknown fields | empty REQUIRED fields | emptiness elsewhere, also inside `params` |
/// |---|---|---|---|
/// | [`Received`](Self::Received) | signed | as they came | as it came |
/// | [`Specified`](Self::Specified) | not signed | signed | `optional` ones and `params` signed |
/// | [`Pruned`](Self::Pruned) | not signed | not signed | not signed |
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CardForm {
    /// The document as it came, without `signatures`: covers fields of other versions of the
    /// protocol too.
    Received,
    /// A2A §8.4.1: the fields of A2A 1.0, REQUIRED ones even when they are empty, others as the
    /// presence rules of Protocol Buffers have it.
    Specified,
    /// What the official Python and JavaScript SDKs sign and check (1.3.0 of both): the same, and
    /// then every empty text, list, object and `null` is taken out, at every depth, also from the
    /// parameters of extensions. Whoever changes the card can add and remove such emptiness
    /// unnoticed, for example a security requirement without scopes.
    Pruned,
}

impl CardForm {
    /// All of them, the strongest first.
    pub const ALL: [Self; 3] = [Self::Received, Self::Specified, Self::Pruned];

    /// Its name, for people and programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Specified => "specified",
            Self::Pruned => "pruned",
        }
    }
}

impl fmt::Display for CardForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The fields of A2A 1.0 of a card, as §8.4.1 wants them, before canonicalisation.
pub(super) fn specified(card: &AgentCard) -> Result<Value, SigningError> {
    let mut value =
        serde_json::to_value(card).map_err(|error| SigningError::NotACard(error.to_string()))?;
    without_signatures(&mut value);
    Ok(value)
}

pub(super) fn without_signatures(card: &mut Value) {
    if let Value::Object(fields) = card {
        fields.remove("signatures");
    }
}

/// Takes out what is empty, at every depth; `None` if nothing is left.
pub(super) fn pruned(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().filter_map(pruned).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Value::Object(fields) => {
            let left = |(name, value): (&String, &Value)| Some((name.clone(), pruned(value)?));
            let fields: Map<String, Value> = fields.iter().filter_map(left).collect();
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
        other => Some(other.clone()),
    }
}

/// The canonical bytes of a form.
pub(super) fn canonical(value: &Value) -> Result<Vec<u8>, SigningError> {
    Ok(jcs::canonical(value)?.into_bytes())
}

/// The paths of what `whole` has and `part` lacks or has otherwise, at most
/// [`limits::NAMED_FIELDS_MAX`] of them. What `part` lacks and `says_nothing` is not named.
pub(super) fn differences(
    whole: &Value,
    part: Option<&Value>,
    says_nothing: &dyn Fn(&Value) -> bool,
) -> Vec<String> {
    let mut comparison = Comparison {
        says_nothing,
        path: String::new(),
        found: Vec::new(),
    };
    comparison.compare(whole, part);
    comparison.found
}

struct Comparison<'a> {
    says_nothing: &'a dyn Fn(&Value) -> bool,
    path: String,
    found: Vec<String>,
}

impl Comparison<'_> {
    fn compare(&mut self, whole: &Value, part: Option<&Value>) {
        if self.found.len() >= limits::NAMED_FIELDS_MAX {
            return;
        }
        match (whole, part) {
            (Value::Object(fields), Some(Value::Object(others))) => {
                for (name, value) in fields {
                    let dot = if self.path.is_empty() { "" } else { "." };
                    self.inside(&format!("{dot}{name}"), value, others.get(name));
                }
            }
            // Items can only be matched by their place while none is missing.
            (Value::Array(items), Some(Value::Array(others))) if items.len() == others.len() => {
                for (at, (item, other)) in items.iter().zip(others).enumerate() {
                    self.inside(&format!("[{at}]"), item, Some(other));
                }
            }
            (whole, Some(part)) if same(whole, part) => {}
            (whole, None) if (self.says_nothing)(whole) => {}
            _ => self.found.push(self.path.clone()),
        }
    }

    fn inside(&mut self, name: &str, whole: &Value, part: Option<&Value>) {
        let before = self.path.len();
        self.path.push_str(name);
        self.compare(whole, part);
        self.path.truncate(before);
    }
}

/// `1.0` and `1` are one number here, as they are in canonical JSON.
fn same(a: &Value, b: &Value) -> bool {
    a == b || matches!((a, b), (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64())
}
