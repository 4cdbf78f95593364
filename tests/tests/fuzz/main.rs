//! Whatever peers send is read or refused: every fuzz target bears inputs made from good ones, the
//! same in every run. `FUZZ_ROUNDS` is how many inputs each target gets, for a longer night;
//! `fuzz/README.md` says how to search further, guided by coverage.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod found;

use agent_tests::fuzz::{Dice, TARGETS, input};
use agent_tests::repeats;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

fn bears(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = (target.seeds)();
    let rounds = repeats("FUZZ_ROUNDS", target.rounds);
    let mut dice = Dice::new(u64::from(name.bytes().map(u32::from).sum::<u32>()));
    let made = (0..rounds).map(|_| input(&mut dice, &seeds));
    for bytes in seeds.clone().into_iter().chain(made) {
        let read = catch_unwind(AssertUnwindSafe(|| (target.read)(&bytes)));
        if let Err(panic) = read {
            let text = bytes.escape_ascii();
            eprintln!("This input becomes a test in found.rs:\nrun(\"{name}\", b\"{text}\");");
            resume_unwind(panic);
        }
    }
}

macro_rules! tests {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            bears(stringify!($name));
        })*

        const TESTED: &[&str] = &[$(stringify!($name)),*];
    };
}

tests! {
    a2a_requests a2a_objects a2a_errors v03_objects v03_operations v03_cards
    proto_from_wire proto_from_json card_signatures key_sets canonical_json
    times traces shown_texts amounts payments registrations feedback
    credentials settings client_answers operations forwarded front_door
}

#[test]
fn every_target_is_tested_and_can_be_fuzzed() {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(names, TESTED);
    let package = include_str!("../../fuzz/Cargo.toml");
    let package: Vec<&str> = package
        .lines()
        .skip_while(|line| *line != "[[bin]]")
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .collect();
    assert_eq!(names, package);
}

#[test]
fn inputs_are_the_same_for_the_same_seed_and_many() {
    let seeds = (TARGETS[0].seeds)();
    let made = |seed| {
        let mut dice = Dice::new(seed);
        (0..100)
            .map(|_| input(&mut dice, &seeds))
            .collect::<Vec<_>>()
    };
    assert_eq!(made(1), made(1));
    let distinct: std::collections::BTreeSet<_> = made(1).into_iter().chain(made(2)).collect();
    assert!(distinct.len() > 150, "{}", distinct.len());
}

/// With `FUZZ_SEEDS`, writes them into that folder, one below it for each target.
#[test]
fn seeds_are_there_and_none_twice() {
    let folder = std::env::var_os("FUZZ_SEEDS").map(std::path::PathBuf::from);
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{}", target.name);
        let distinct: std::collections::BTreeSet<_> = seeds.iter().collect();
        assert_eq!(distinct.len(), seeds.len(), "{}", target.name);
        let Some(folder) = folder.as_ref().map(|folder| folder.join(target.name)) else {
            continue;
        };
        std::fs::create_dir_all(&folder).unwrap();
        for (number, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(number.to_string()), seed).unwrap();
        }
    }
}
