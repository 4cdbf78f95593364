//! JSON as a text that need not be right: members may be there twice and numbers may be any.

use serde_json::Value;

/// A JSON text, taken apart.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    /// As it stands: a number, a word, or something wrong.
    Raw(String),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Tree {
    pub(super) fn of(value: Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text),
            Value::Array(items) => Self::List(items.into_iter().map(Self::of).collect()),
            Value::Object(members) => {
                let member = |(name, value)| (name, Self::of(value));
                Self::Map(members.into_iter().map(member).collect())
            }
            plain => Self::Raw(plain.to_string()),
        }
    }

    /// How many trees there are in it, itself included.
    pub(super) fn size(&self) -> usize {
        let inner: usize = match self {
            Self::List(items) => items.iter().map(Self::size).sum(),
            Self::Map(members) => members.iter().map(|(_, value)| value.size()).sum(),
            _ => 0,
        };
        inner + 1
    }

    /// The tree of that number, counted from the root, which is 0.
    pub(super) fn at(&mut self, mut number: usize) -> &mut Self {
        if number == 0 {
            return self;
        }
        number -= 1;
        let children: Vec<&mut Self> = match self {
            Self::List(items) => items.iter_mut().collect(),
            Self::Map(members) => members.iter_mut().map(|(_, value)| value).collect(),
            leaf => return leaf,
        };
        for child in children {
            let size = child.size();
            if number < size {
                return child.at(number);
            }
            number -= size;
        }
        unreachable!("a number below the size")
    }

    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Raw(text) => out.push_str(text),
            Self::Text(text) => out.push_str(&quoted(text)),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    item.write(out);
                }
                out.push(']');
            }
            Self::Map(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    out.push_str(&quoted(name));
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
