//! What agents say about themselves, in rows that a search can use.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::described::{Described, Offer};
use super::number::int;

/// Forgets what an agent's file and card said: its URI is another one, or it is gone.
pub(super) fn forget(tx: &Connection, agent: i64) -> Result<()> {
    let described = tx
        .prepare_cached("DELETE FROM described WHERE agent = ?1")?
        .execute([agent])?;
    if described == 0 {
        return Ok(());
    }
    for table in ["offer", "offer_tag"] {
        tx.prepare_cached(&format!("DELETE FROM {table} WHERE agent = ?1"))?
            .execute([agent])?;
    }
    tx.prepare_cached("DELETE FROM words WHERE rowid = ?1")?
        .execute([agent])?;
    Ok(())
}

/// Keeps what was found out. `next_ms` is when to ask again.
pub(super) fn keep(
    tx: &Connection,
    agent: i64,
    found: &Described,
    now_ms: u64,
    next_ms: impl Fn(u32) -> u64,
) -> Result<()> {
    let before: Option<(Option<i64>, u32)> = tx
        .prepare_cached("SELECT live_ms, failures FROM described WHERE agent = ?1")?
        .query_row([agent], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (live_before, failures_before) = before.unwrap_or_default();
    let failures = match &found.problem {
        Some(_) => failures_before.saturating_add(1),
        None => 0,
    };
    let live_ms = if found.live {
        Some(int(now_ms))
    } else {
        live_before
    };
    if found.problem.is_some() && before.is_some() {
        // What it said when it last answered is kept, with the time of that.
        tx.prepare_cached(
            "UPDATE described SET asked_ms = ?2, failures = ?3, problem = ?4 WHERE agent = ?1",
        )?
        .execute(params![agent, int(now_ms), failures, found.problem])?;
    } else {
        forget(tx, agent)?;
        tx.prepare_cached("INSERT INTO described VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?
            .execute(params![
                agent,
                int(now_ms),
                live_ms,
                failures,
                found.problem,
                found.active,
                found.name.as_received(),
                found.description.as_received(),
                found.card_url
            ])?;
        offers(tx, agent, &found.offers)?;
        let skills: Vec<String> = found.offers.iter().map(Offer::words).collect();
        tx.prepare_cached(
            "INSERT INTO words (rowid, name, description, skills) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            agent,
            found.name.as_received(),
            found.description.as_received(),
            skills.join(" ")
        ])?;
    }
    tx.prepare_cached("UPDATE agent SET due_ms = ?2 WHERE id = ?1")?
        .execute(params![agent, int(next_ms(failures))])?;
    Ok(())
}

fn offers(tx: &Connection, agent: i64, offers: &[Offer]) -> Result<()> {
    for offer in offers {
        let price = offer.price.map(|(_, amount)| amount.get().to_be_bytes());
        let asset = offer.price.map(|(asset, _)| asset);
        tx.prepare_cached("INSERT OR IGNORE INTO offer VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![
                agent,
                offer.skill,
                offer.name,
                price,
                asset.map(|asset| int(asset.network.chain_id)),
                asset.map(|asset| asset.address.into_array())
            ])?;
        for tag in &offer.tags {
            tx.prepare_cached("INSERT OR IGNORE INTO offer_tag VALUES (?1, ?2, ?3)")?
                .execute(params![tag, agent, offer.skill])?;
        }
    }
    Ok(())
}
