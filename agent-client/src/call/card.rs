//! An Agent Card from a stranger: fetched, bounded, and read for what we need of it.

use agent_core::a2a::signing::{CardForm, ReceivedCard};
use agent_core::a2a::{AgentCard, v03};
use agent_core::untrusted::shorten;
use agent_core::x402::{EXTENSION_URI, PaymentTerms, X402_VERSION};
use url::Url;

use super::trust::{CardStanding, CardTrust};
use super::{CallError, card_cache, limits};
use crate::egress::Egress;

/// Where the card is: `url` itself if it names a `.json` file, else the well-known path below it.
pub(super) fn card_url(mut url: Url) -> Url {
    if !url.path().ends_with(".json") {
        let path = format!(
            "{}{}",
            url.path().trim_end_matches('/'),
            AgentCard::WELL_KNOWN_PATH
        );
        url.set_path(&path);
        url.set_query(None);
    }
    url
}

/// Fetches the card at `url`, as [`RemoteAgent::connect`](super::RemoteAgent::connect) finds it,
/// and asks nothing of it but that it is one. Gives where it was, too.
///
/// # Errors
/// [`CallError::Egress`], [`CallError::Http`] and [`CallError::Card`].
pub async fn fetch_card(egress: &Egress, url: &str) -> Result<(Url, ReceivedCard), CallError> {
    let url = card_url(egress.vet(url)?);
    let json = card_cache::fetch(egress, &url, limits::CARD_BYTES_MAX).await?;
    Ok((url, ReceivedCard::read(&json).map_err(bad)?))
}

/// The card at `url`, and what its signatures are worth. A document that was fetched lately is
/// read again rather than fetched; it is judged each time, since keys expire.
pub(super) async fn fetch(
    egress: &Egress,
    url: &Url,
    trust: &CardTrust,
) -> Result<(AgentCard, CardStanding), CallError> {
    let json = card_cache::fetch(egress, url, limits::CARD_BYTES_MAX).await?;
    let received = ReceivedCard::read(&json).map_err(bad)?;
    let standing = trust.check(egress, url, &received).await?;
    let card = match &standing {
        // Fields of 0.3 in it are not signed, so they are not read: whoever added them would
        // otherwise say where to call.
        CardStanding::Signed { form, .. } if *form != CardForm::Received => received.into_card(),
        _ => v03::read_card(&json).map_err(|error| bad(error.message()))?,
    };
    validate(&card)?;
    Ok((card, standing))
}

pub(super) fn validate(card: &AgentCard) -> Result<(), CallError> {
    if card.name.trim().is_empty() {
        return Err(bad("it has no name"));
    }
    if card.skills.len() > limits::CARD_SKILLS_MAX {
        return Err(bad(format!("more than {} skills", limits::CARD_SKILLS_MAX)));
    }
    if card.supported_interfaces.len() > limits::CARD_INTERFACES_MAX {
        return Err(bad(format!(
            "more than {} interfaces",
            limits::CARD_INTERFACES_MAX
        )));
    }
    if card.skills.iter().any(|skill| skill.id.is_empty()) {
        return Err(bad("a skill has no id"));
    }
    Ok(())
}

/// The prices, if the card has our extension. A card that has it and cannot be read is refused
/// rather than taken for free.
pub(super) fn terms(card: &AgentCard) -> Result<Option<PaymentTerms>, CallError> {
    let Some(extension) = card.extension(EXTENSION_URI) else {
        return Ok(None);
    };
    let unreadable = |why: serde_json::Error| CallError::Terms(shorten(&why.to_string()));
    let params = serde_json::to_string(&extension.params).map_err(unreadable)?;
    let terms: PaymentTerms = serde_json::from_str(&params).map_err(unreadable)?;
    if terms.x402_version != X402_VERSION {
        return Err(CallError::Terms(format!(
            "x402 version {}",
            terms.x402_version
        )));
    }
    Ok(Some(terms))
}

fn bad(why: impl ToString) -> CallError {
    CallError::Card(shorten(&why.to_string()))
}
