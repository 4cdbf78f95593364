//! Everything that points outward: finding agents, calling them, paying them, rating them.

pub mod buyer;
pub mod call;
pub mod chain;
pub mod clock;
pub mod discover;
pub mod egress;
pub mod feedback;
pub mod limits;
pub mod pay;
pub mod settings;
pub mod sqlite;
pub mod wallet;
