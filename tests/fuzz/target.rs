//! One target of the table: the one that this program is called after.

#![no_main]

use agent_tests::fuzz::run;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| run(env!("CARGO_BIN_NAME"), bytes));
