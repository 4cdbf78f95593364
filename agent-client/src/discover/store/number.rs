//! Numbers as SQLite keeps them.

use alloy_primitives::{Address, B256, U256};
use rusqlite::{Result, Row};

/// A count, a height or a time. What does not fit in 63 bits is no such thing.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The way back.
pub(super) fn uint(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A 256-bit number, so that it sorts as one.
pub(super) fn word(number: U256) -> [u8; 32] {
    number.to_be_bytes()
}

pub(super) fn read_uint(row: &Row<'_>, column: usize) -> Result<u64> {
    row.get(column).map(uint)
}

pub(super) fn read_word(row: &Row<'_>, column: usize) -> Result<U256> {
    row.get(column).map(U256::from_be_bytes::<32>)
}

pub(super) fn read_address(row: &Row<'_>, column: usize) -> Result<Address> {
    row.get::<_, [u8; 20]>(column).map(Address::from)
}

pub(super) fn read_wallet(row: &Row<'_>, column: usize) -> Result<Option<Address>> {
    let bytes: Option<[u8; 20]> = row.get(column)?;
    Ok(bytes.map(Address::from))
}

pub(super) fn read_hash(row: &Row<'_>, column: usize) -> Result<B256> {
    row.get::<_, [u8; 32]>(column).map(B256::from)
}
