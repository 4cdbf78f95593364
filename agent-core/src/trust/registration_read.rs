//! Lenient reading of registration files. Most files in the wild bend the standard somewhere; an
//! agent is still worth finding.

use super::limits::{MAX_ENTRIES, MAX_REGISTRATION_BYTES};
use super::registration::{REGISTRATION_TYPE, RegistrationError, RegistrationFile};
use super::registration_parts::{Registration, Service};
use crate::untrusted::Untrusted;
use serde_json::{Map, Value};

/// A file as it was understood.
///
/// Forgiven, each with an [`Oddity`]: another or no `type`; missing fields; fields of the wrong
/// kind (dropped); the older keys `endpoints`, `x402support` and `supportedTrusts`; entries that
/// cannot be read; entries past the 256th of a list. Ids may be strings and addresses may be in
/// any case without a remark. Unknown keys are preserved.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// What could be understood.
    pub file: RegistrationFile,
    /// Where the file bends the standard, in the order met.
    pub oddities: Vec<Oddity>,
}

/// One way in which a file bends the standard; never a reason to refuse it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Oddity {
    /// `type` is absent or another one.
    OtherType,
    /// The key is absent.
    Missing(&'static str),
    /// The key's value has the wrong kind and was dropped.
    WrongKind(&'static str),
    /// An older key was read in place of this one.
    LegacyKey(&'static str),
    /// An entry of this list could not be read. Registrations are kept aside, others dropped.
    UnreadableEntry(&'static str),
    /// The list was cut after its 256th entry.
    Cut(&'static str),
}

pub(super) fn read(bytes: &[u8]) -> Result<Read, RegistrationError> {
    if bytes.len() > MAX_REGISTRATION_BYTES {
        let limit = MAX_REGISTRATION_BYTES;
        return Err(RegistrationError::TooLarge {
            what: "file",
            limit,
        });
    }
    // A byte order mark is not JSON, but editors leave one and the file is clear all the same.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let Value::Object(map) = serde_json::from_slice(bytes)? else {
        return Err(RegistrationError::NotAnObject);
    };
    let mut reader = Reader {
        map,
        oddities: Vec::new(),
    };
    match reader.map.remove("type") {
        Some(Value::String(kind)) if kind == REGISTRATION_TYPE => {}
        _ => reader.oddities.push(Oddity::OtherType),
    }
    let name = reader.text("name");
    let description = reader.text("description");
    let image = match reader.map.contains_key("image") {
        true => reader.text("image"),
        false => Untrusted::default(), // SHOULD, and of no use to an agent: not worth a remark
    };
    let services = reader.services();
    let x402_support = reader.flag("x402Support", Some("x402support"), false);
    // Absent in files older than the field, whose agents are as alive as others.
    let active = reader.flag("active", None, true);
    let (registrations, other_registrations) = reader.registrations();
    let supported_trust = reader.supported_trust();
    let Reader {
        map: extra,
        oddities,
    } = reader;
    let file = RegistrationFile {
        name,
        description,
        image,
        services,
        x402_support,
        active,
        registrations,
        other_registrations,
        supported_trust,
        extra,
    };
    Ok(Read { file, oddities })
}

struct Reader {
    map: Map<String, Value>,
    oddities: Vec<Oddity>,
}

impl Reader {
    fn take(&mut self, key: &'static str, legacy: Option<&str>) -> Option<Value> {
        if let Some(value) = self.map.remove(key) {
            return Some(value);
        }
        let value = self.map.remove(legacy?)?;
        self.oddities.push(Oddity::LegacyKey(key));
        Some(value)
    }

    fn text(&mut self, key: &'static str) -> Untrusted {
        let odd = match self.take(key, None) {
            Some(Value::String(text)) => return Untrusted::new(text),
            Some(_) => Oddity::WrongKind(key),
            None => Oddity::Missing(key),
        };
        self.oddities.push(odd);
        Untrusted::default()
    }

    fn flag(&mut self, key: &'static str, legacy: Option<&str>, absent: bool) -> bool {
        let odd = match self.take(key, legacy) {
            Some(Value::Bool(flag)) => return flag,
            Some(_) => Oddity::WrongKind(key),
            None => Oddity::Missing(key),
        };
        self.oddities.push(odd);
        absent
    }

    fn list(&mut self, key: &'static str, legacy: Option<&str>) -> Vec<Value> {
        let odd = match self.take(key, legacy) {
            Some(Value::Array(mut items)) => {
                if items.len() > MAX_ENTRIES {
                    items.truncate(MAX_ENTRIES);
                    self.oddities.push(Oddity::Cut(key));
                }
                return items;
            }
            Some(_) => Oddity::WrongKind(key),
            None => Oddity::Missing(key),
        };
        self.oddities.push(odd);
        Vec::new()
    }

    fn services(&mut self) -> Vec<Service> {
        let items = self.list("services", Some("endpoints"));
        let read: Vec<_> = items.into_iter().map(service).collect();
        self.keep("services", read)
    }

    fn supported_trust(&mut self) -> Vec<String> {
        if !["supportedTrust", "supportedTrusts"]
            .iter()
            .any(|key| self.map.contains_key(*key))
        {
            return Vec::new(); // OPTIONAL: absence means "discovery only"
        }
        let items = self.list("supportedTrust", Some("supportedTrusts"));
        let read = items.into_iter().map(into_text).collect();
        self.keep("supportedTrust", read)
    }

    fn registrations(&mut self) -> (Vec<Registration>, Vec<Value>) {
        let (mut read, mut others) = (Vec::new(), Vec::new());
        for item in self.list("registrations", None) {
            match registration(&item) {
                Some(registration) => read.push(registration),
                None => {
                    self.oddities.push(Oddity::UnreadableEntry("registrations"));
                    others.push(item);
                }
            }
        }
        (read, others)
    }

    fn keep<T>(&mut self, key: &'static str, items: Vec<Option<T>>) -> Vec<T> {
        let unreadable = items.iter().filter(|item| item.is_none()).count();
        self.oddities
            .extend((0..unreadable).map(|_| Oddity::UnreadableEntry(key)));
        items.into_iter().flatten().collect()
    }
}

fn into_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn service(item: Value) -> Option<Service> {
    let Value::Object(mut extra) = item else {
        return None;
    };
    let name = into_text(extra.remove("name")?)?;
    let endpoint = into_text(extra.remove("endpoint")?)?;
    let version = match extra.remove("version") {
        Some(Value::String(version)) => Some(version),
        Some(Value::Number(version)) => Some(version.to_string()), // OASF files write 0.8
        _ => None,
    };
    Some(Service {
        name,
        endpoint,
        version,
        extra,
    })
}

fn registration(item: &Value) -> Option<Registration> {
    let Value::Object(mut extra) = item.clone() else {
        return None;
    };
    let agent_id = serde_json::from_value(extra.remove("agentId")?).ok()?;
    let agent_registry = serde_json::from_value(extra.remove("agentRegistry")?).ok()?;
    Some(Registration {
        agent_id,
        agent_registry,
        extra,
    })
}
