//! Random histories of the escrow against a model of it: what the contract says and holds after
//! each step is what a few lines of Rust say it must.
//!
//! After each step: the escrow's token balance is the sum of all vaults and of what is left in all
//! locks; `claimed` and deadlines have not fallen, `claimed` is at most `authorized`, which only a
//! release has lowered; nobody has more or less than the model says, and strangers have what they had;
//! no transfer went to anybody but a payer or a payee. At the end every payer takes out what is left
//! and the escrow is empty. The same holds of the honest token beside one that refuses accounts and
//! loses what it holds for others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod batches;
mod drive;
mod ends;
mod histories;
mod model;
mod steps;
