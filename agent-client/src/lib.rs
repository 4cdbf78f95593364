//! Everything that points outward: finding agents, calling them, paying them, rating them.

pub mod limits;
pub mod sqlite;
