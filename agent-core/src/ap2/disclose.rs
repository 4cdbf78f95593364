//! Selective disclosure (RFC 9901): putting the disclosed elements back where their digests stand.
//!
//! Only elements of arrays are put back: AP2 discloses nothing else. An object with hidden members
//! is refused, since a hidden member of a mandate may be a demand.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value};

use super::MandateError;
use super::limits::{DISCLOSURES_MAX, MANDATE_DEPTH_MAX};
use crate::json::check_depth;

/// What was disclosed beside a token, by digest.
pub(super) struct Disclosures(HashMap<String, Value>);

impl Disclosures {
    pub(super) fn read<'a>(texts: impl Iterator<Item = &'a str>) -> Result<Self, MandateError> {
        let malformed = |why: &str| MandateError::Malformed(why.to_owned());
        let mut found = HashMap::new();
        for text in texts {
            if found.len() >= DISCLOSURES_MAX {
                return Err(MandateError::TooLarge("it has too many disclosures"));
            }
            let bytes = BASE64URL.decode(text);
            let bytes = bytes.map_err(|_| malformed("a disclosure is not base64url"))?;
            check_depth(&bytes, MANDATE_DEPTH_MAX)
                .map_err(|_| MandateError::TooLarge("a disclosure nests too deep"))?;
            // A salt and a value; three are a member of an object.
            let read: Result<(String, Value), _> = serde_json::from_slice(&bytes);
            let (_, value) = read.map_err(|_| malformed("a disclosure is no salt and value"))?;
            let hash = BASE64URL.encode(digest(&SHA256, text.as_bytes()));
            if found.insert(hash, value).is_some() {
                return Err(malformed("a disclosure is there twice"));
            }
        }
        Ok(Self(found))
    }

    /// Every disclosure must have been asked for: one that stands nowhere is somebody's addition.
    pub(super) fn all_used(&self) -> Result<(), MandateError> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(MandateError::Malformed(
                "a disclosure belongs to nothing".to_owned(),
            )),
        }
    }

    /// Puts back what is disclosed in `value`. Elements of a list named `allowed` may stay hidden:
    /// less is allowed then. Anything else that stays hidden is refused.
    pub(super) fn put_back(&mut self, value: Value, depth: usize) -> Result<Value, MandateError> {
        self.fill(value, false, depth)
    }

    fn fill(&mut self, value: Value, may_hide: bool, left: usize) -> Result<Value, MandateError> {
        let Some(left) = left.checked_sub(1) else {
            return Err(MandateError::TooLarge("it nests too deep"));
        };
        match value {
            Value::Array(items) => {
                let mut filled = Vec::new();
                for item in items {
                    match hidden(&item) {
                        None => filled.push(self.fill(item, false, left)?),
                        Some(digest) => match self.0.remove(digest) {
                            Some(value) => filled.push(self.fill(value, false, left)?),
                            None if may_hide => {}
                            None => return Err(MandateError::Hidden),
                        },
                    }
                }
                Ok(Value::Array(filled))
            }
            Value::Object(members) => {
                if members.contains_key("_sd") || members.contains_key("...") {
                    return Err(MandateError::Hidden);
                }
                let mut filled = Map::new();
                for (name, member) in members {
                    let member = self.fill(member, name == "allowed", left)?;
                    filled.insert(name, member);
                }
                Ok(Value::Object(filled))
            }
            plain => Ok(plain),
        }
    }
}

/// The digest, if `item` is the place of a hidden element.
fn hidden(item: &Value) -> Option<&str> {
    let members = item.as_object().filter(|members| members.len() == 1)?;
    members.get("...")?.as_str()
}
