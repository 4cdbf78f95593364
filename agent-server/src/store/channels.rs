//! The table of channels: one row is one lock, its counters and its newest voucher.

use super::channel_row::ChannelRow;
use super::codec::{Sql, corrupt, maybe_number_in, number_in, number_out, units_in, units_out};
use super::memory::{Memory, moved};
use agent_core::channel::{Broken, Channel};
use agent_core::ledger::{Books, Claim};
use agent_core::money::BaseUnits;
use agent_core::voucher::{CanonicalSignature, ChannelId, Lock, Salt};
use alloy_primitives::{Address, B256, Uint};
use rusqlite::{Connection, OptionalExtension, Row};

/// The error of a channel that was stopped earlier; the log of that moment has the cause.
pub(super) const STOPPED: Broken = Broken("the channel was stopped; see `agent doctor` for why");

const COLUMNS: &str = "channel_id, payer, signer, payee, token, salt, opening, on_chain, \
     authorized, claimed, signed, charged, reserved, signature, in_flight, in_flight_max, \
     posted, voided, deadline, closed, unclaimed_since_ms, broken IS NOT NULL, closing";

/// The channel, from memory if it is there.
pub(super) fn load(
    conn: &Connection,
    memory: &mut Memory,
    id: ChannelId,
) -> Sql<Option<ChannelRow>> {
    if let Some(row) = memory.channel(id) {
        return Ok(Some(*row));
    }
    let sql = format!("SELECT {COLUMNS} FROM channels WHERE channel_id = ?1");
    let found = conn
        .prepare_cached(&sql)?
        .query_row([id.0.0], read)
        .optional()?;
    if let Some(row) = found {
        memory.learn(row);
    }
    Ok(found)
}

/// Stores a channel as it now is, but for its marks: see [`stop`] and [`close`]. What changed is in
/// the file when the memory is flushed; a new one's row is there at once, for payments refer to it.
pub(super) fn save(
    conn: &Connection,
    memory: &mut Memory,
    before: Option<&ChannelRow>,
    after: ChannelRow,
) -> Sql<()> {
    if before.is_none() {
        insert(conn, &after)?;
    }
    memory.replace(before, after);
    Ok(())
}

/// A new channel; its counters follow with the next flush.
fn insert(conn: &Connection, row: &ChannelRow) -> Sql<()> {
    let Lock {
        payer,
        signer,
        payee,
        token,
        salt,
    } = row.lock;
    let zero = units_out(BaseUnits::ZERO);
    conn.prepare_cached(
        "INSERT INTO channels (channel_id, payer, signer, payee, token, salt, opening, on_chain,
             authorized, claimed, signed, charged, reserved, in_flight, in_flight_max, posted,
             voided, deadline, closed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?8, ?8, ?8, ?8, 0, 0, 0, 0, 0, 0)",
    )?
    .execute((
        row.id.0.0,
        payer.into_array(),
        signer.into_array(),
        payee.into_array(),
        token.into_array(),
        salt.0.to_be_bytes::<12>(),
        units_out(row.opening),
        zero,
    ))
    .map(drop)
}

/// What can change of a channel, but for its marks.
pub(super) fn update(conn: &Connection, row: &ChannelRow) -> Sql<()> {
    let channel = &row.channel;
    conn.prepare_cached(
        "UPDATE channels SET on_chain = ?2, authorized = ?3, claimed = ?4, signed = ?5,
             charged = ?6, reserved = ?7, signature = ?8, in_flight = ?9, in_flight_max = ?10,
             posted = ?11, voided = ?12, deadline = ?13, closed = ?14, unclaimed_since_ms = ?15
         WHERE channel_id = ?1",
    )?
    .execute((
        row.id.0.0,
        units_out(row.on_chain),
        units_out(channel.authorized),
        units_out(channel.claimed),
        units_out(channel.signed),
        units_out(channel.charged),
        units_out(channel.reserved),
        row.signature.as_ref().map(CanonicalSignature::as_bytes),
        channel.in_flight,
        row.in_flight_max,
        number_out(row.posted),
        number_out(row.voided),
        number_out(channel.deadline_unix_secs),
        channel.closed,
        row.unclaimed_since.map(number_out),
    ))
    .map(drop)
}

/// Marks a channel as broken: nothing is admitted on it or claimed from it any more.
pub(super) fn stop(
    conn: &Connection,
    memory: &mut Memory,
    row: &ChannelRow,
    why: Broken,
) -> Sql<()> {
    tracing::error!(channel = %row.id, why = why.0, "a channel's books are broken; it is stopped");
    conn.prepare_cached("UPDATE channels SET broken = ?2 WHERE channel_id = ?1")?
        .execute((row.id.0.0, why.0))?;
    memory.learn(ChannelRow {
        broken: true,
        ..*row
    });
    Ok(())
}

/// Marks a channel as closing: nothing is admitted on it any more. `None` if it is not known, or if
/// calls are in flight on it, which must end first.
pub(super) fn close(
    conn: &Connection,
    memory: &mut Memory,
    id: ChannelId,
) -> Sql<Option<ChannelRow>> {
    let Some(row) = load(conn, memory, id)?.filter(|row| row.channel.in_flight == 0) else {
        return Ok(None);
    };
    if !row.closing {
        conn.prepare_cached("UPDATE channels SET closing = 1 WHERE channel_id = ?1")?
            .execute([id.0.0])?;
    }
    let row = ChannelRow {
        closing: true,
        ..row
    };
    memory.learn(row);
    Ok(Some(row))
}

/// Which claims come first.
#[derive(Debug, Clone, Copy)]
pub(super) enum ClaimOrder {
    /// Those unclaimed longest.
    Oldest,
    /// Those whose deadline is nearest.
    Deadline,
}

pub(super) fn claims(conn: &Connection, order: ClaimOrder, limit: usize) -> Sql<Vec<Claim>> {
    let column = match order {
        ClaimOrder::Oldest => "unclaimed_since_ms",
        ClaimOrder::Deadline => "deadline",
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM channels
         WHERE unclaimed_since_ms IS NOT NULL AND broken IS NULL ORDER BY {column} LIMIT ?1"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], read)?;
    rows.filter_map(|row| row.map(|row| row.claim()).transpose())
        .collect()
}

/// Up to `limit` channels in the order of their ids, from the one after `after`.
pub(super) fn page(
    conn: &Connection,
    after: Option<ChannelId>,
    limit: usize,
) -> Sql<Vec<ChannelRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM channels
         WHERE ?1 IS NULL OR channel_id > ?1 ORDER BY channel_id LIMIT ?2"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map((after.map(|id| id.0.0), limit), read)?;
    rows.collect()
}

/// Calls `each` with every channel and why it was stopped, if it was.
pub(super) fn each(conn: &Connection, mut each: impl FnMut(ChannelRow, Option<String>)) -> Sql<()> {
    let mut statement = conn.prepare(&format!("SELECT {COLUMNS}, broken FROM channels"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(read(row)?, row.get(23)?);
    }
    Ok(())
}

/// The sums over all channels, from memory if they are there.
pub(super) fn books(conn: &Connection, memory: &mut Memory) -> Sql<Books> {
    if let Some(books) = memory.books() {
        return Ok(books);
    }
    let mut books = Ok(Books::default());
    each(conn, |row, _| {
        books = books.clone().and_then(|sum| moved(sum, None, &row))
    })?;
    let books = books.map_err(|error| corrupt(0, error))?;
    memory.set_books(books);
    Ok(books)
}

fn read(row: &Row<'_>) -> Sql<ChannelRow> {
    let address = |at| row.get::<_, [u8; 20]>(at).map(Address::from);
    let signature: Option<[u8; 65]> = row.get(13)?;
    let signature = signature
        .map(|bytes| CanonicalSignature::from_slice(&bytes).map_err(|error| corrupt(13, error)))
        .transpose()?;
    Ok(ChannelRow {
        id: ChannelId(B256::from(row.get::<_, [u8; 32]>(0)?)),
        lock: Lock {
            payer: address(1)?,
            signer: address(2)?,
            payee: address(3)?,
            token: address(4)?,
            salt: Salt(Uint::from_be_bytes::<12>(row.get(5)?)),
        },
        opening: units_in(row, 6)?,
        on_chain: units_in(row, 7)?,
        channel: Channel {
            authorized: units_in(row, 8)?,
            claimed: units_in(row, 9)?,
            signed: units_in(row, 10)?,
            charged: units_in(row, 11)?,
            reserved: units_in(row, 12)?,
            in_flight: row.get(14)?,
            deadline_unix_secs: number_in(row, 18)?,
            closed: row.get(19)?,
        },
        signature,
        in_flight_max: row.get(15)?,
        posted: number_in(row, 16)?,
        voided: number_in(row, 17)?,
        unclaimed_since: maybe_number_in(row, 20)?,
        broken: row.get(21)?,
        closing: row.get(22)?,
    })
}
