//! Giving back, as the payee, what is locked beyond what was earned.

use super::channels::on_chain;
use super::purpose::{self, Purpose};
use super::round::{Rounds, outcome};
use super::{ReleaseReport, SettleError, limits};
use crate::store::ChannelView;
use agent_client::chain::bindings::IZ402Escrow;
use agent_client::chain::outbox::{TxId, TxOutcome, TxRequest};
use agent_client::chain::x402_bindings::IX402BatchSettlement as Contract;
use agent_core::money::BaseUnits;
use agent_core::voucher::Funding;
use agent_core::x402::batch::BATCH_SETTLEMENT;
use alloy_primitives::U256;

/// Closes every channel without calls in flight and returns what was not charged on it. A channel
/// is closed in the ledger first, so that nothing is admitted against money that is on its way back.
pub(super) async fn release_all(rounds: &Rounds) -> Result<ReleaseReport, SettleError> {
    let mut report = ReleaseReport::default();
    let mut after = None;
    loop {
        let page = rounds.store.channels(after, limits::RELEASES_MAX).await?;
        let Some(last) = page.last() else {
            return Ok(report);
        };
        after = Some(last.id);
        let mut sent = Vec::new();
        for view in page.into_iter().filter(|view| !view.broken) {
            match rounds.store.close_channel(view.id).await? {
                None => report.in_flight += 1,
                Some(view) => {
                    report.closed += 1;
                    sent.extend(send(rounds, &view).await?.map(|id| (id, view)));
                }
            }
        }
        for (id, view) in sent {
            see_to_the_end(rounds, id, &view, &mut report).await?;
        }
    }
}

async fn send(rounds: &Rounds, view: &ChannelView) -> Result<Option<TxId>, SettleError> {
    let amount = beyond_charged(view);
    if amount.is_zero() {
        return Ok(None);
    }
    let ours = rounds.outbox.address();
    // What the channel holds is part of the name: after a top-up the release is another one.
    let base = format!("release/{}/{}", view.id, view.authorized_on_chain);
    let request = match &view.funding {
        Funding::Lock(lock) if lock.payee == ours => {
            let call = IZ402Escrow::releaseByPayeeCall {
                lock: IZ402Escrow::Lock {
                    payer: lock.payer,
                    signer: lock.signer,
                    payee: lock.payee,
                    token: lock.token,
                    salt: lock.salt.0,
                },
                amount: U256::from(amount.get()),
            };
            TxRequest::call(String::new(), rounds.store.domain().contract(), &call)
        }
        Funding::Lock(_) => return Err(SettleError::NotPayee),
        Funding::Batch(config) => {
            let config = on_chain(config)
                .filter(|config| config.receiver == ours || config.receiverAuthorizer == ours)
                .ok_or(SettleError::NotPayee)?;
            let amount = amount.get();
            let call = Contract::refundCall { config, amount };
            TxRequest::call(String::new(), BATCH_SETTLEMENT, &call)
        }
        _ => return Ok(None),
    };
    match purpose::next(&rounds.outbox, &base).await? {
        Purpose::Going(record) => Ok(Some(record.id)),
        Purpose::New(purpose) => {
            let request = TxRequest { purpose, ..request };
            Ok(Some(rounds.outbox.enqueue(request).await?.id))
        }
    }
}

async fn see_to_the_end(
    rounds: &Rounds,
    id: TxId,
    before: &ChannelView,
    report: &mut ReleaseReport,
) -> Result<(), SettleError> {
    // The caller bounds the time.
    let outcome = loop {
        if let Some(outcome) = outcome(&rounds.outbox, id).await? {
            break outcome;
        }
    };
    let TxOutcome::Mined(mined) = outcome else {
        return Err(purpose::refused(outcome, 1));
    };
    let (block, wait) = (mined.block_number, limits::MIRROR_WAIT);
    match (&before.funding, &rounds.mirrors.channels) {
        (Funding::Batch(_), Some(channels)) => channels.reached(block, &[before.id], wait).await?,
        _ => drop(rounds.mirrors.locks.reached(block, wait).await?),
    }
    let after = rounds.store.channel(before.id).await?;
    let left = after.map_or(before.authorized_on_chain, |view| view.authorized_on_chain);
    let returned = before.authorized_on_chain.minus(left).unwrap_or_default();
    report.transactions += 1;
    report.gas_used = report.gas_used.saturating_add(mined.gas_used);
    report.released_base_units = report
        .released_base_units
        .plus(returned)
        .unwrap_or(report.released_base_units);
    Ok(())
}

fn beyond_charged(view: &ChannelView) -> BaseUnits {
    let kept = view.channel.charged.max(view.channel.claimed);
    view.authorized_on_chain.minus(kept).unwrap_or_default()
}
