//! The table of channels: one row is one lock, its counters and its newest voucher.

use super::channel_row::{ChannelRow, HeldVoucher};
use super::codec::{Sql, corrupt, maybe_number_in, number_in, number_out, units_in, units_out};
use super::memory::{Memory, moved};
use super::payments;
use agent_core::channel::{Broken, Channel};
use agent_core::ledger::{Books, Claim};
use agent_core::money::BaseUnits;
use agent_core::voucher::{CanonicalSignature, ChannelId, Funding, Lock, Salt};
use agent_core::x402::batch::ChannelConfig;
use alloy_primitives::{Address, B256, Uint};
use rusqlite::{Connection, OptionalExtension, Row};

/// The error of a channel that was stopped earlier; the log of that moment has the cause.
pub(super) const STOPPED: Broken = Broken("the channel was stopped; see `agent doctor` for why");

const COLUMNS: &str = "channel_id, payer, signer, payee, token, salt, opening, on_chain, \
     authorized, claimed, signed, charged, reserved, signature, in_flight, in_flight_max, \
     posted, voided, deadline, closed, unclaimed_since_ms, broken IS NOT NULL, closing, \
     receiver_authorizer, withdraw_delay, batch_salt, proven, held_signature, observed_ms";

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
    let salt = row.funding.lock().map(|lock| lock.salt).unwrap_or_default();
    let batch = row.funding.batch();
    let zero = units_out(BaseUnits::ZERO);
    conn.prepare_cached(
        "INSERT INTO channels (channel_id, payer, signer, payee, token, salt, opening, on_chain,
             authorized, claimed, signed, charged, reserved, in_flight, in_flight_max, posted,
             voided, deadline, closed, receiver_authorizer, withdraw_delay, batch_salt)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?8, ?8, ?8, ?8, 0, 0, 0, 0, 0, 0, ?9, ?10,
             ?11)",
    )?
    .execute((
        row.id.0.0,
        row.funding.payer().into_array(),
        row.funding.signer().into_array(),
        row.funding.payee().into_array(),
        row.funding.token().into_array(),
        salt.0.to_be_bytes::<12>(),
        units_out(row.opening),
        zero,
        batch.map(|config| config.receiver_authorizer.into_array()),
        batch.map(|config| number_out(config.withdraw_delay)),
        batch.map(|config| config.salt.0),
    ))
    .map(drop)
}

/// What can change of a channel, but for its marks.
pub(super) fn update(conn: &Connection, row: &ChannelRow) -> Sql<()> {
    let channel = &row.channel;
    conn.prepare_cached(
        "UPDATE channels SET on_chain = ?2, authorized = ?3, claimed = ?4, signed = ?5,
             charged = ?6, reserved = ?7, signature = ?8, in_flight = ?9, in_flight_max = ?10,
             posted = ?11, voided = ?12, deadline = ?13, closed = ?14, unclaimed_since_ms = ?15,
             observed_ms = ?16
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
        number_out(row.observed),
    ))?;
    if row.funding.batch().is_none() {
        return Ok(());
    }
    conn.prepare_cached(
        "UPDATE channels SET opening = ?2, proven = ?3, held_signature = ?4 WHERE channel_id = ?1",
    )?
    .execute((
        row.id.0.0,
        units_out(row.opening),
        row.held.map(|held| units_out(held.proven)),
        row.held.as_ref().map(|held| held.signature.as_bytes()),
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

/// Takes back the mark of [`close`].
pub(super) fn reopen(conn: &Connection, memory: &mut Memory, id: ChannelId) -> Sql<()> {
    let Some(row) = load(conn, memory, id)?.filter(|row| row.closing) else {
        return Ok(());
    };
    conn.prepare_cached("UPDATE channels SET closing = 0 WHERE channel_id = ?1")?
        .execute([id.0.0])?;
    memory.learn(ChannelRow {
        closing: false,
        ..row
    });
    Ok(())
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
        each(read(row)?, row.get(29)?);
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
    let mut books = books.map_err(|error| corrupt(0, error))?;
    books.direct = payments::direct_books(conn)?;
    memory.set_books(books);
    Ok(books)
}

fn read(row: &Row<'_>) -> Sql<ChannelRow> {
    Ok(ChannelRow {
        id: ChannelId(B256::from(row.get::<_, [u8; 32]>(0)?)),
        funding: funding(row)?,
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
        signature: signature_in(row, 13)?,
        held: held(row)?,
        observed: number_in(row, 28)?,
        in_flight_max: row.get(15)?,
        posted: number_in(row, 16)?,
        voided: number_in(row, 17)?,
        unclaimed_since: maybe_number_in(row, 20)?,
        broken: row.get(21)?,
        closing: row.get(22)?,
    })
}

fn funding(row: &Row<'_>) -> Sql<Funding> {
    let address = |at| row.get::<_, [u8; 20]>(at).map(Address::from);
    let (payer, signer, payee, token) = (address(1)?, address(2)?, address(3)?, address(4)?);
    let Some(authorizer) = row.get::<_, Option<[u8; 20]>>(23)? else {
        return Ok(Funding::Lock(Lock {
            payer,
            signer,
            payee,
            token,
            salt: Salt(Uint::from_be_bytes::<12>(row.get(5)?)),
        }));
    };
    Ok(Funding::Batch(ChannelConfig {
        payer,
        payer_authorizer: signer,
        receiver: payee,
        receiver_authorizer: Address::from(authorizer),
        token,
        withdraw_delay: number_in(row, 24)?,
        salt: B256::from(row.get::<_, [u8; 32]>(25)?),
    }))
}

fn held(row: &Row<'_>) -> Sql<Option<HeldVoucher>> {
    let Some(signature) = signature_in(row, 27)? else {
        return Ok(None);
    };
    let proven = units_in(row, 26)?;
    Ok(Some(HeldVoucher { proven, signature }))
}

fn signature_in(row: &Row<'_>, at: usize) -> Sql<Option<CanonicalSignature>> {
    let bytes: Option<[u8; 65]> = row.get(at)?;
    bytes
        .map(|bytes| CanonicalSignature::from_slice(&bytes).map_err(|error| corrupt(at, error)))
        .transpose()
}
