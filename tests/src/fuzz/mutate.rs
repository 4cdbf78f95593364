//! Inputs made from good ones, the same for the same seed: by their structure where they are JSON,
//! and by their bytes.

use super::tree::Tree;

/// Inputs are cut at this: larger ones find nothing that these do not, and take the time of many.
const INPUT_BYTES_MAX: usize = 16 * 1024;

/// What replaces a value.
const VALUES: [&str; 31] = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "1",
    "1.0",
    "0.1",
    "-0.0",
    "1e2",
    "1e400",
    "1e17",
    "1e21",
    "1.5e300",
    "1E-400",
    "2147483647",
    "2147483648",
    "-2147483649",
    "4294967296",
    "9007199254740993",
    "18446744073709551616",
    "-9223372036854775809",
    "123456789012345678901234567890.5",
    "{}",
    "[]",
    "[null]",
    "[[]]",
    "\"\"",
    "{\"\":null}",
    "NaN",
];

/// What replaces a text, or is put into one.
const TEXTS: [&str; 36] = [
    "",
    " ",
    "\0",
    "\n",
    "\r\n",
    "\u{7f}",
    "\u{202e}",
    "\u{feff}",
    "é",
    "e\u{301}",
    "😀",
    "\u{fffd}",
    "\u{10ffff}",
    "\"",
    "\\",
    "`",
    "`: ",
    "%",
    "%00",
    "/",
    "..",
    "0x",
    "0",
    "1",
    "-1",
    "1e9",
    "null",
    "TASK_STATE_WORKING",
    "ROLE_USER",
    "task",
    "2025-02-29T23:59:60.999999999+23:59",
    "9999-12-31T23:59:59.999Z",
    "AA==",
    "eyJ",
    "https://a@[::1]:0/?#",
    "eip155:1",
];

/// A source of numbers (SplitMix64) that gives the same ones for the same seed, everywhere.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice that fall as the seed says.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// A number below `end`, or 0.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.roll() % end).unwrap_or(0)
    }

    /// One of these.
    ///
    /// # Panics
    /// When there are none.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn byte(&mut self) -> u8 {
        self.roll().to_le_bytes()[0]
    }
}

/// An input made from these, of which there is at least one.
#[must_use]
pub fn input(dice: &mut Dice, corpus: &[Vec<u8>]) -> Vec<u8> {
    let seed = dice.one(corpus).clone();
    let mut bytes = match (dice.below(4), serde_json::from_slice(&seed)) {
        (1.., Ok(value)) => {
            let mut tree = Tree::of(value);
            for _ in 0..=dice.below(3) {
                change_tree(dice, &mut tree);
            }
            let mut text = String::new();
            tree.write(&mut text);
            text.into_bytes()
        }
        _ => seed,
    };
    // Most of what is changed by its structure is left whole, so that it is read to its end.
    let rounds = match dice.below(8) {
        0..5 => 0,
        _ => 1 + dice.below(4),
    };
    for _ in 0..rounds {
        change_bytes(dice, &mut bytes, corpus);
    }
    bytes.truncate(INPUT_BYTES_MAX);
    bytes
}

fn change_tree(dice: &mut Dice, tree: &mut Tree) {
    let size = tree.size();
    let other = tree.at(dice.below(size)).clone();
    let names = names(tree);
    let here = tree.at(dice.below(size));
    match (dice.below(9), &mut *here) {
        (0, here) => *here = Tree::Raw((*dice.one(&VALUES)).to_owned()),
        (1, here) => *here = Tree::Text((*dice.one(&TEXTS)).to_owned()),
        (2, here) => *here = other,
        (3, here) => {
            let depth = 1 << dice.below(11);
            let mut nested = here.clone();
            let in_lists = dice.below(2) == 0;
            for _ in 0..depth {
                nested = match in_lists {
                    true => Tree::List(vec![nested]),
                    false => Tree::Map(vec![("a".to_owned(), nested)]),
                };
            }
            let mut text = String::new();
            nested.write(&mut text);
            *here = Tree::Raw(text);
        }
        (_, Tree::Text(text)) => {
            let at = text.floor_char_boundary(dice.below(text.len() + 1));
            match dice.below(4) {
                0 => text.insert_str(at, dice.one::<&str>(&TEXTS)),
                1 => text.truncate(at),
                2 => *text = text.repeat(1 << dice.below(10)),
                _ => text.insert(at, char::from(dice.byte())),
            }
        }
        (_, Tree::List(items)) => {
            let at = dice.below(items.len());
            match dice.below(4) {
                0 if !items.is_empty() => drop(items.remove(at)),
                1 => items.push(other),
                2 => {
                    let all = items.clone();
                    for _ in 0..dice.below(40) {
                        items.extend(all.iter().cloned());
                    }
                }
                _ => items.insert(at, Tree::Raw((*dice.one(&VALUES)).to_owned())),
            }
        }
        (_, Tree::Map(members)) => change_members(dice, members, other, &names),
        (_, here) => *here = Tree::Raw((*dice.one(&VALUES)).to_owned()),
    }
}

fn change_members(
    dice: &mut Dice,
    members: &mut Vec<(String, Tree)>,
    other: Tree,
    names: &[String],
) {
    let at = dice.below(members.len());
    let name = match dice.below(3) {
        0 => (*dice.one(&TEXTS)).to_owned(),
        _ => dice.one(names).clone(),
    };
    match dice.below(6) {
        0 if !members.is_empty() => drop(members.remove(at)),
        1 if !members.is_empty() => {
            let twice = members[at].clone();
            members.push(twice);
        }
        2 if !members.is_empty() => members[at].0 = name,
        3 if !members.is_empty() => members[at].0 = snake(&members[at].0),
        4 => members.push((name, Tree::Raw((*dice.one(&VALUES)).to_owned()))),
        _ => members.push((name, other)),
    }
}

/// The names of all members, and one more.
fn names(tree: &Tree) -> Vec<String> {
    let mut all = vec!["unknown".to_owned()];
    let mut open = vec![tree];
    while let Some(tree) = open.pop() {
        match tree {
            Tree::List(items) => open.extend(items),
            Tree::Map(members) => {
                all.extend(members.iter().map(|(name, _)| name.clone()));
                open.extend(members.iter().map(|(_, value)| value));
            }
            _ => {}
        }
    }
    all
}

/// The name as the `.proto` file spells it.
fn snake(name: &str) -> String {
    let letter = |c: char| match c.is_ascii_uppercase() {
        true => format!("_{}", c.to_ascii_lowercase()),
        false => c.to_string(),
    };
    name.chars().map(letter).collect()
}

fn change_bytes(dice: &mut Dice, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let at = dice.below(bytes.len());
    match dice.below(8) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.below(8),
        1 if !bytes.is_empty() => bytes[at] = dice.byte(),
        2 if !bytes.is_empty() => drop(bytes.remove(at)),
        3 => bytes.insert(at, dice.byte()),
        4 => bytes.truncate(at),
        5 => {
            let text = dice.one(&TEXTS).bytes();
            bytes.splice(at..at, text);
        }
        6 => {
            let end = at + dice.below(bytes.len() - at + 1);
            let piece = bytes[at..end].to_vec();
            let to = dice.below(bytes.len());
            bytes.splice(to..to, piece);
        }
        _ => {
            let other = dice.one(corpus);
            let from = dice.below(other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
    }
}
