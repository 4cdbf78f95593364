//! Rows in and out.

use alloy_primitives::{Address, B256, Bytes, U256};
use rusqlite::{Connection, OptionalExtension, Row, params, types::Type};

use super::{
    Enqueued, Mined, OutboxError, TxBounds, TxId, TxOutcome, TxRecord, TxRequest, TxStatus,
    fees::SignedTx,
};
use crate::{chain::Fees, limits, sqlite::JobError};

type Sql<T> = rusqlite::Result<T>;

/// A signed transaction of a row, newest last.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) hash: B256,
    pub(super) raw: Bytes,
    pub(super) fees: Fees,
    pub(super) signed_ms: u64,
    pub(super) sent_ms: Option<u64>,
}

/// A row that is not final and has a nonce.
#[derive(Clone, Debug)]
pub(super) struct Flying {
    pub(super) id: TxId,
    pub(super) request: TxRequest,
    pub(super) nonce: u64,
    pub(super) gas_limit: u64,
    pub(super) attempts: Vec<Attempt>,
}

/// Binds a new file to its owner, or tells whose it is.
pub(super) fn claim(conn: &Connection, owner: Address, chain_id: u64) -> Sql<(Address, u64)> {
    conn.execute(
        "INSERT INTO owner (one, address, chain_id) VALUES (1, ?1, ?2) ON CONFLICT DO NOTHING",
        params![owner.as_slice(), to_i64(chain_id)?],
    )?;
    conn.query_row("SELECT address, chain_id FROM owner", [], |row| {
        Ok((address(row, 0)?, to_u64(row, 1)?))
    })
}

pub(super) fn insert(
    conn: &Connection,
    request: &TxRequest,
    now_ms: u64,
) -> Result<Enqueued, JobError<OutboxError>> {
    if let Some(known) = by_purpose(conn, &request.purpose)? {
        // The same twice is safe, anything else is not.
        let same = known.request.to == request.to
            && known.request.data == request.data
            && known.request.value == request.value;
        if !same {
            let taken = OutboxError::PurposeTaken(request.purpose.clone());
            return Err(JobError::Refused(taken));
        }
        return Ok(Enqueued {
            id: known.id,
            new: false,
        });
    }
    let waiting: u32 = conn
        .prepare_cached("SELECT count(*) FROM tx WHERE state = 'waiting'")?
        .query_row([], |row| row.get(0))?;
    if waiting >= limits::OUTBOX_WAITING_MAX {
        return Err(JobError::Refused(OutboxError::Full));
    }
    let meta = request.meta.to_string();
    if meta.len() > limits::TX_META_BYTES_MAX {
        return Err(JobError::Refused(OutboxError::TooLarge("the note")));
    }
    conn.prepare_cached(
        "INSERT INTO tx (purpose, recipient, data, value, gas_wanted, meta, created_ms, state,
                         gas_max, fee_wei_max)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'waiting', ?8, ?9)",
    )?
    .execute(params![
        request.purpose,
        request.to.as_slice(),
        request.data.as_ref(),
        request.value.to_be_bytes::<32>().as_slice(),
        request.gas_limit.map(to_i64).transpose()?,
        meta,
        to_i64(now_ms)?,
        request.bounds.gas_max.map(to_i64).transpose()?,
        request.bounds.fee_wei_max.map(|wei| wei.to_string()),
    ])?;
    Ok(Enqueued {
        id: TxId(conn.last_insert_rowid()),
        new: true,
    })
}

/// The next nonce as far as rows tell, and the one below which everything is final on the chain.
pub(super) fn nonces(conn: &Connection) -> Sql<(u64, u64)> {
    conn.query_row(
        "SELECT coalesce(max(nonce) + 1, 0),
                coalesce(max(nonce) FILTER (WHERE state IN ('mined', 'reverted')) + 1, 0)
         FROM tx",
        [],
        |row| Ok((to_u64(row, 0)?, to_u64(row, 1)?)),
    )
}

pub(super) fn waiting(conn: &Connection, max: usize) -> Sql<Vec<(TxId, TxRequest)>> {
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    conn.prepare_cached("SELECT * FROM tx WHERE state = 'waiting' ORDER BY id LIMIT ?1")?
        .query_map([max], |row| Ok((TxId(row.get("id")?), request(row)?)))?
        .collect()
}

/// Everything with a nonce and no end, by nonce.
pub(super) fn flying(conn: &Connection) -> Sql<Vec<Flying>> {
    let mut statement =
        conn.prepare_cached("SELECT * FROM tx WHERE state IN ('signed', 'sent') ORDER BY nonce")?;
    let mut rows = statement
        .query_map([], |row| {
            Ok(Flying {
                id: TxId(row.get("id")?),
                request: request(row)?,
                nonce: to_u64(row, "nonce")?,
                gas_limit: to_u64(row, "gas_limit")?,
                attempts: Vec::new(),
            })
        })?
        .collect::<Sql<Vec<_>>>()?;
    for row in &mut rows {
        row.attempts = attempts(conn, row.id)?;
    }
    Ok(rows)
}

fn attempts(conn: &Connection, id: TxId) -> Sql<Vec<Attempt>> {
    conn.prepare_cached("SELECT * FROM attempt WHERE tx = ?1 ORDER BY seq")?
        .query_map([id.0], |row| {
            Ok(Attempt {
                hash: hash(row, "hash")?,
                raw: row.get::<_, Vec<u8>>("raw")?.into(),
                fees: Fees {
                    max_fee: parsed(row, "max_fee")?,
                    tip: parsed(row, "tip")?,
                },
                signed_ms: to_u64(row, "signed_ms")?,
                sent_ms: maybe_u64(row, "sent_ms")?,
            })
        })?
        .collect()
}

/// Stores a signed transaction: the first gives the row its nonce, later ones replace it.
pub(super) fn store_signed(conn: &Connection, id: TxId, tx: &SignedTx, now_ms: u64) -> Sql<()> {
    conn.prepare_cached(
        "UPDATE tx SET state = 'signed', nonce = ?2, gas_limit = ?3 WHERE id = ?1 AND state = 'waiting'",
    )?
    .execute(params![id.0, to_i64(tx.nonce)?, to_i64(tx.gas_limit)?])?;
    conn.prepare_cached(
        "INSERT INTO attempt (tx, hash, raw, max_fee, tip, signed_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        id.0,
        tx.hash.as_slice(),
        tx.raw.as_ref(),
        tx.fees.max_fee.to_string(),
        tx.fees.tip.to_string(),
        to_i64(now_ms)?,
    ])?;
    Ok(())
}

pub(super) fn store_sent(conn: &Connection, id: TxId, hash: B256, now_ms: u64) -> Sql<()> {
    conn.prepare_cached("UPDATE attempt SET sent_ms = ?2 WHERE hash = ?1")?
        .execute(params![hash.as_slice(), to_i64(now_ms)?])?;
    conn.prepare_cached(
        "UPDATE tx SET state = 'sent', last_error = NULL WHERE id = ?1 AND state = 'signed'",
    )?
    .execute([id.0])?;
    Ok(())
}

pub(super) fn store_trouble(conn: &Connection, id: TxId, trouble: &str) -> Sql<()> {
    conn.prepare_cached("UPDATE tx SET last_error = ?2 WHERE id = ?1")?
        .execute(params![id.0, trouble])?;
    Ok(())
}

/// What was mined and may have been taken back since, by nonce from `nonce` on.
pub(super) fn mined_from(conn: &Connection, nonce: u64) -> Sql<Vec<Bytes>> {
    let max = i64::try_from(limits::OUTBOX_KEPT_NONCES).unwrap_or(i64::MAX);
    conn.prepare_cached(
        "SELECT raw FROM tx JOIN attempt ON attempt.hash = tx.mined_hash
         WHERE nonce >= ?1 AND state IN ('mined', 'reverted') AND length(raw) > 0
         ORDER BY nonce LIMIT ?2",
    )?
    .query_map(params![to_i64(nonce)?, max], |row| {
        Ok(row.get::<_, Vec<u8>>("raw")?.into())
    })?
    .collect()
}

/// Ends a row. The signed bytes of what was mined are kept for as many nonces as a reorganisation
/// may take back, those of other attempts are of no use any more; hashes stay.
pub(super) fn store_outcome(conn: &Connection, id: TxId, outcome: &TxOutcome) -> Sql<()> {
    let (state, mined, code, reason, data) = match outcome {
        TxOutcome::Mined(mined) => ("mined", Some(mined), None, None, None),
        TxOutcome::Reverted {
            mined,
            reason,
            data,
        } => (
            "reverted",
            Some(mined),
            None,
            Some(reason),
            Some(data.as_ref()),
        ),
        TxOutcome::Failed { code, reason } => ("failed", None, Some(code), Some(reason), None),
    };
    conn.prepare_cached(
        "UPDATE tx SET state = ?2, mined_hash = ?3, block_number = ?4, block_hash = ?5,
             gas_used = ?6, gas_price = ?7, code = ?8, reason = ?9, revert_data = ?10
         WHERE id = ?1 AND state IN ('waiting', 'signed', 'sent')",
    )?
    .execute(params![
        id.0,
        state,
        mined.map(|mined| mined.hash.as_slice()),
        mined.map(|mined| to_i64(mined.block_number)).transpose()?,
        mined.map(|mined| mined.block_hash.as_slice()),
        mined.map(|mined| to_i64(mined.gas_used)).transpose()?,
        mined.map(|mined| mined.effective_gas_price.to_string()),
        code,
        reason,
        data,
    ])?;
    let hash = mined.map_or([0; 32], |mined| mined.hash.0);
    conn.prepare_cached("UPDATE attempt SET raw = x'' WHERE tx = ?1 AND hash <> ?2")?
        .execute(params![id.0, hash])?;
    let kept = to_i64(limits::OUTBOX_KEPT_NONCES)?;
    conn.prepare_cached(
        "UPDATE attempt SET raw = x'' WHERE tx =
         (SELECT old.id FROM tx AS old JOIN tx AS new ON old.nonce = new.nonce - ?2
          WHERE new.id = ?1)",
    )?
    .execute(params![id.0, kept])?;
    Ok(())
}

pub(super) fn by_id(conn: &Connection, id: TxId) -> Sql<Option<TxRecord>> {
    let found = conn
        .prepare_cached("SELECT * FROM tx WHERE id = ?1")?
        .query_row([id.0], record)
        .optional()?;
    with_hashes(conn, found)
}

pub(super) fn by_purpose(conn: &Connection, purpose: &str) -> Sql<Option<TxRecord>> {
    let found = conn
        .prepare_cached("SELECT * FROM tx WHERE purpose = ?1")?
        .query_row([purpose], record)
        .optional()?;
    with_hashes(conn, found)
}

/// Records after `after`, oldest first.
pub(super) fn page(conn: &Connection, after: TxId, max: usize) -> Sql<Vec<TxRecord>> {
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    let found = conn
        .prepare_cached("SELECT * FROM tx WHERE id > ?1 ORDER BY id LIMIT ?2")?
        .query_map([after.0, max], record)?
        .collect::<Sql<Vec<_>>>()?;
    found
        .into_iter()
        .filter_map(|one| with_hashes(conn, Some(one)).transpose())
        .collect()
}

fn with_hashes(conn: &Connection, record: Option<TxRecord>) -> Sql<Option<TxRecord>> {
    let Some(mut record) = record else {
        return Ok(None);
    };
    record.hashes = conn
        .prepare_cached("SELECT hash FROM attempt WHERE tx = ?1 ORDER BY seq")?
        .query_map([record.id.0], |row| hash(row, "hash"))?
        .collect::<Sql<_>>()?;
    Ok(Some(record))
}

fn record(row: &Row<'_>) -> Sql<TxRecord> {
    let status = match row.get::<_, String>("state")?.as_str() {
        "waiting" => TxStatus::Waiting,
        "signed" => TxStatus::Signed,
        "sent" => TxStatus::Sent,
        "mined" => TxStatus::Final(TxOutcome::Mined(mined(row)?)),
        "reverted" => TxStatus::Final(TxOutcome::Reverted {
            mined: mined(row)?,
            reason: row.get("reason")?,
            data: row.get::<_, Vec<u8>>("revert_data")?.into(),
        }),
        _ => TxStatus::Final(TxOutcome::Failed {
            code: row.get("code")?,
            reason: row.get("reason")?,
        }),
    };
    Ok(TxRecord {
        id: TxId(row.get("id")?),
        request: request(row)?,
        nonce: maybe_u64(row, "nonce")?,
        hashes: Vec::new(),
        status,
        last_error: row.get("last_error")?,
        created_ms: to_u64(row, "created_ms")?,
    })
}

fn mined(row: &Row<'_>) -> Sql<Mined> {
    Ok(Mined {
        hash: hash(row, "mined_hash")?,
        block_number: to_u64(row, "block_number")?,
        block_hash: hash(row, "block_hash")?,
        gas_used: to_u64(row, "gas_used")?,
        effective_gas_price: parsed(row, "gas_price")?,
    })
}

fn request(row: &Row<'_>) -> Sql<TxRequest> {
    let value: Vec<u8> = row.get("value")?;
    let meta: String = row.get("meta")?;
    Ok(TxRequest {
        purpose: row.get("purpose")?,
        to: address(row, "recipient")?,
        data: row.get::<_, Vec<u8>>("data")?.into(),
        value: U256::try_from_be_slice(&value).ok_or_else(|| bad("value"))?,
        gas_limit: maybe_u64(row, "gas_wanted")?,
        bounds: TxBounds {
            gas_max: maybe_u64(row, "gas_max")?,
            fee_wei_max: match row.get::<_, Option<String>>("fee_wei_max")? {
                Some(text) => Some(text.parse().map_err(|_| bad("fee"))?),
                None => None,
            },
        },
        meta: serde_json::from_str(&meta).map_err(|_| bad("meta"))?,
    })
}

fn address(row: &Row<'_>, column: impl rusqlite::RowIndex) -> Sql<Address> {
    let bytes: Vec<u8> = row.get(column)?;
    Address::try_from(bytes.as_slice()).map_err(|_| bad("address"))
}

fn hash(row: &Row<'_>, column: &str) -> Sql<B256> {
    let bytes: Vec<u8> = row.get(column)?;
    B256::try_from(bytes.as_slice()).map_err(|_| bad("hash"))
}

fn parsed(row: &Row<'_>, column: &str) -> Sql<u128> {
    row.get::<_, String>(column)?
        .parse()
        .map_err(|_| bad("amount"))
}

fn to_u64(row: &Row<'_>, column: impl rusqlite::RowIndex) -> Sql<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| bad("number"))
}

fn maybe_u64(row: &Row<'_>, column: &str) -> Sql<Option<u64>> {
    let number: Option<i64> = row.get(column)?;
    number
        .map(|number| u64::try_from(number).map_err(|_| bad("number")))
        .transpose()
}

fn to_i64(number: u64) -> Sql<i64> {
    i64::try_from(number).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn bad(what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, format!("not a stored {what}").into())
}
