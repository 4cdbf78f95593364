//! Everything that is read from a peer, as functions of bytes that must hold for any bytes.
//!
//! The table is the same for the test that feeds it inputs made from good ones (`tests/fuzz`) and
//! for a fuzzer that is guided by coverage (the package in `fuzz`). A target fails by panicking,
//! and asserts more than that nothing panics: what is read can be written and read again, errors
//! have codes and bounds, and nothing is believed that was not signed.

mod agent;
mod cards;
mod client;
mod money;
mod mutate;
mod objects;
mod older;
mod proto;
mod seeds;
mod settings;
mod texts;
mod tokens;
mod tree;
mod trust;

pub use mutate::{Dice, input};

/// One thing that is read from peers.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// What it is called, in a test and in a fuzzer.
    pub name: &'static str,
    /// Reads these bytes.
    ///
    /// # Panics
    /// When something does not hold that must.
    pub read: fn(&[u8]),
    /// Good inputs, from which others are made.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Inputs that a test has time for.
    pub rounds: u32,
}

macro_rules! targets {
    ($($name:ident: $read:path, $seeds:path, $rounds:literal;)*) => {
        /// All targets.
        pub const TARGETS: &[Target] = &[$(Target {
            name: stringify!($name),
            read: $read,
            seeds: $seeds,
            rounds: $rounds,
        }),*];
    };
}

targets! {
    a2a_requests: objects::requests, seeds::requests, 1_000;
    a2a_objects: objects::answers, seeds::objects, 800;
    a2a_errors: objects::errors, seeds::errors, 2_000;
    v03_objects: older::objects, seeds::older, 400;
    v03_operations: older::operations, seeds::older, 200;
    v03_cards: older::cards, seeds::cards_of_both, 1_000;
    proto_from_wire: proto::from_wire, seeds::wires, 5_000;
    proto_from_json: proto::from_json, seeds::json_of_both, 250;
    card_signatures: cards::verification, seeds::signed, 250;
    key_sets: cards::keys, seeds::key_sets, 500;
    canonical_json: cards::canonical, seeds::json_of_both, 1_000;
    times: texts::times, seeds::times, 5_000;
    traces: texts::traces, seeds::traces, 5_000;
    shown_texts: texts::shown, seeds::texts, 2_000;
    amounts: money::amounts, seeds::amounts, 5_000;
    payments: money::payments, seeds::payments, 2_000;
    registrations: trust::registrations, seeds::registrations, 1_000;
    feedback: trust::feedback, seeds::feedback, 1_000;
    credentials: tokens::credentials, tokens::seeds, 2_000;
    settings: settings::files, seeds::settings, 500;
    client_answers: client::answers, client::seeds, 100;
    operations: agent::operations, seeds::requests, 300;
    forwarded: agent::forwarded, agent::forwarded_seeds, 200;
    front_door: agent::front_door, agent::seeds, 200;
}

/// Feeds these bytes to the target of that name.
///
/// # Panics
/// When there is no such target, or something does not hold that must.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of that name").read)(bytes);
}
