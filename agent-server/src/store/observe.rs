//! The transaction that takes over what the chain says of a channel.

use super::Shared;
use super::channel_row::ChannelRow;
use super::channels;
use super::codec::Sql;
use super::memory::Memory;
use agent_core::channel::{Broken, Channel, LockState};
use agent_core::ledger::LedgerError;
use agent_core::voucher::Funding;
use rusqlite::Connection;

pub(super) fn observe(
    conn: &Connection,
    memory: &mut Memory,
    shared: &Shared,
    funding: Funding,
    state: LockState,
) -> Sql<Result<Channel, LedgerError>> {
    let id = funding.id(&shared.domains);
    let now = shared.clock.now_unix_millis();
    let Some(before) = channels::load(conn, memory, id)? else {
        let row = ChannelRow::opened(id, funding, state, now);
        return match row.channel.checked() {
            Ok(channel) => channels::save(conn, memory, None, row).map(|()| Ok(channel)),
            // Nothing was promised on it yet, so there is nothing to stop.
            Err(why) => Ok(Err(LedgerError::Broken(why))),
        };
    };
    if before.broken {
        return Ok(Err(LedgerError::Broken(channels::STOPPED)));
    }
    // Only our own key claims on these, so nobody else can have been early.
    let early = state.claimed > before.channel.charged;
    let said = if early && funding.batch().is_some() {
        Err(Broken("more was claimed on chain than was charged"))
    } else {
        before.channel.chain_says(state)
    };
    match said {
        Ok(channel) => {
            if early && state.claimed > before.channel.claimed {
                tracing::warn!(
                    channel = %id,
                    claimed = %state.claimed,
                    charged = %channel.charged,
                    "somebody claimed for us more than was charged; the rest is paid in advance"
                );
            }
            let after = ChannelRow {
                channel,
                on_chain: state.authorized,
                // A lock is followed from block to block, and its row need not be written for that.
                observed: match funding {
                    Funding::Batch(_) => now,
                    _ => before.observed,
                },
                ..before
            };
            let after = after.aged(&before, now);
            warn_of_loss(&before, &after);
            if after != before {
                channels::save(conn, memory, Some(&before), after)?;
            }
            Ok(Ok(channel))
        }
        Err(why) => {
            channels::stop(conn, memory, &before, why)?;
            Ok(Err(LedgerError::Broken(why)))
        }
    }
}

/// Says so when a lock was released before all that was charged on it was claimed.
fn warn_of_loss(before: &ChannelRow, after: &ChannelRow) {
    if after.on_chain < before.on_chain && after.channel.charged > after.on_chain {
        tracing::warn!(
            channel = %after.id,
            charged = %after.channel.charged,
            left = %after.on_chain,
            "a lock was released below what was charged on it; the difference is lost"
        );
    }
}
