//! How values sit in columns. Reading checks: a value that could not have been written is an error,
//! never a default.

use agent_core::json::Json;
use agent_core::money::BaseUnits;
use rusqlite::types::Type;
use rusqlite::{Error, Row};

/// What a statement gives or fails with.
pub(super) type Sql<T> = rusqlite::Result<T>;

pub(super) const fn units_out(amount: BaseUnits) -> [u8; 16] {
    amount.get().to_be_bytes()
}

pub(super) fn units_in(row: &Row<'_>, at: usize) -> Sql<BaseUnits> {
    row.get::<_, [u8; 16]>(at)
        .map(|bytes| BaseUnits::new(u128::from_be_bytes(bytes)))
}

/// Times, sequence numbers and counts; one beyond 2^63 is stored as 2^63 - 1, which for a deadline
/// or a time means "never".
pub(super) fn number_out(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn number_in(row: &Row<'_>, at: usize) -> Sql<u64> {
    let number: i64 = row.get(at)?;
    u64::try_from(number).map_err(|_| Error::IntegralValueOutOfRange(at, number))
}

pub(super) fn maybe_number_in(row: &Row<'_>, at: usize) -> Sql<Option<u64>> {
    let number: Option<i64> = row.get(at)?;
    let wrong = |number| Error::IntegralValueOutOfRange(at, number);
    number
        .map(|number| u64::try_from(number).map_err(|_| wrong(number)))
        .transpose()
}

pub(super) fn json_in(row: &Row<'_>, at: usize) -> Sql<Json> {
    let text = row.get_ref(at)?.as_str().map_err(Error::from)?;
    Json::from_text(text).map_err(|error| corrupt(at, error))
}

pub(super) fn maybe_json_in(row: &Row<'_>, at: usize) -> Sql<Option<Json>> {
    match row.get_ref(at)?.as_str_or_null().map_err(Error::from)? {
        Some(text) => Json::from_text(text)
            .map(Some)
            .map_err(|error| corrupt(at, error)),
        None => Ok(None),
    }
}

/// The error of a column whose content this program would not have written.
pub(super) fn corrupt(
    at: usize,
    why: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::FromSqlConversionFailure(at, Type::Null, why.into())
}
