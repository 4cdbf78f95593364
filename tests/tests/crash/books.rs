//! The two sides' files, read row by row: no code of ours between the disk and the test.

use std::collections::BTreeMap;
use std::path::Path;

/// How a payment stands: its state and what it was charged.
pub(crate) type Rows = BTreeMap<String, (String, u128)>;

/// The payments in the seller's ledger.
pub(crate) fn sellers(files: &Path) -> Rows {
    rows(
        &files.join("seller/ledger.db"),
        "SELECT payment_id, state, charged FROM payments",
    )
}

/// The payments in the buyer's wallet.
pub(crate) fn buyers(files: &Path) -> Rows {
    rows(
        &files.join("buyer/wallet.db"),
        "SELECT id, state, charged FROM payment",
    )
}

fn rows(file: &Path, sql: &str) -> Rows {
    let conn = rusqlite::Connection::open(file).unwrap();
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| {
        let charged: [u8; 16] = row.get(2)?;
        Ok((row.get(0)?, (row.get(1)?, u128::from_be_bytes(charged))))
    });
    let rows: Vec<_> = rows.unwrap().collect::<Result<_, _>>().unwrap();
    let count = rows.len();
    let rows: Rows = rows.into_iter().collect();
    assert_eq!(rows.len(), count, "a payment is in the books twice");
    rows
}
