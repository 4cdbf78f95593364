//! What feedback is worth: shared by `trust` and `feedback`.

use super::buyer::searched;
use super::{Failure, show};
use agent_client::buyer::Buyer;
use agent_client::discover::{Explained, Weighed};
use agent_core::money::{AssetId, BaseUnits};
use agent_core::trust::{AgentId, Evidence, GlobalAgentId, Score};
use agent_core::untrusted::{printable_lines, shorten};
use serde_json::{Value, json};

/// The agent that is meant, and all that is known of it.
pub(super) async fn of(buyer: &Buyer, agent: &str) -> Result<(GlobalAgentId, Explained), Failure> {
    let agent = named(buyer, agent).await?;
    let explained = Box::pin(buyer.discovery().explain(&agent)).await;
    let explained = explained.map_err(searched)?.ok_or_else(|| {
        Failure::work(format!(
            "{agent} does not exist, or its registration file cannot be had"
        ))
    })?;
    Ok((agent, explained))
}

/// An agent by its global id, by its number in the configured registry, or by its URL.
async fn named(buyer: &Buyer, text: &str) -> Result<GlobalAgentId, Failure> {
    let ours = buyer.discovery().registry().id();
    if let Ok(agent) = text.parse::<GlobalAgentId>() {
        return if agent.registry == ours {
            Ok(agent)
        } else {
            Err(Failure::usage(format!(
                "the configured registry is {ours}, and {agent} is in another"
            )))
        };
    }
    if let Ok(number) = text.parse::<AgentId>() {
        return Ok(GlobalAgentId::new(ours, number));
    }
    if !text.contains("://") {
        return Err(Failure::usage(format!(
            "`{}` is no agent: give its id ({ours}:NUMBER, or NUMBER) or its URL",
            shorten(text)
        )));
    }
    let seller = buyer.connect(text).await.map_err(Failure::work)?;
    seller
        .agent()
        .ok_or_else(|| Failure::work("the agent claims no identity, so nobody can have rated it"))
}

/// Whether the chain confirms that this reviewer paid.
pub(super) fn is_paid_for(item: &Weighed) -> bool {
    item.feedback.graded.level >= Evidence::PaymentVerified
}

/// One item in one line, what strangers wrote in it escaped and cut.
pub(super) fn line(buyer: &Buyer, item: &Weighed) -> String {
    let (event, graded) = (&item.feedback.event, &item.feedback.graded);
    let mut line = format!(
        "{} by {} #{} ({} {}): {}",
        event.value,
        event.client,
        event.index,
        shorten(&event.tag1),
        shorten(&event.tag2),
        graded.level
    );
    if event.block_time > 0 {
        line.push_str(&format!(", {}", show::time(event.block_time)));
    }
    if let Some(paid) = paid(buyer, item) {
        line.push_str(&format!(", paid {paid}"));
    }
    if let Some(why) = item.unused {
        line.push_str(&format!("; does not count: {why}"));
    }
    line
}

/// The steps that led to an item's grade.
pub(super) fn reasons(item: &Weighed) -> impl Iterator<Item = String> {
    let reasons = item.feedback.graded.reasons.iter();
    reasons.map(|reason| printable_lines(&reason.to_string()).replace('\n', " "))
}

pub(super) fn item_json(buyer: &Buyer, item: &Weighed) -> Value {
    let (event, graded) = (&item.feedback.event, &item.feedback.graded);
    json!({
        "reviewer": event.client.to_string(),
        "index": event.index,
        "value": event.value.to_string(),
        "tag1": event.tag1,
        "tag2": event.tag2,
        "time_unix_secs": event.block_time,
        "evidence": graded.level.code(),
        "evidence_name": graded.level,
        "reasons": reasons(item).collect::<Vec<_>>(),
        "paid": paid(buyer, item),
        "transaction": graded.payment.map(|payment| payment.tx),
        "revoked": item.feedback.revoked,
        "unused": item.unused,
    })
}

/// A score for programs. Shares are in parts per million, as the score itself has them.
pub(super) fn score_json(score: &Score) -> Value {
    let reasons: Vec<String> = score.reasons.iter().map(ToString::to_string).collect();
    json!({
        "expectation_ppm": score.expectation_ppm,
        "uncertainty_ppm": score.uncertainty_ppm,
        "reviewers": score.reviewers,
        "items_counted": score.items_counted,
        "items_ignored": score.items_ignored,
        "paid_base_units": score.paid_base_units.to_string(),
        "reasons": reasons,
    })
}

/// What was paid. The verdict adds up the base units of all configured tokens, so the first of the
/// chain stands for them.
fn paid(buyer: &Buyer, item: &Weighed) -> Option<String> {
    let payment = item.feedback.graded.payment?;
    let amount = BaseUnits::new(payment.amount_base_units);
    let asset: AssetId = buyer.assets().iter().next()?.id();
    Some(show::amount(buyer.assets(), asset, amount))
}
