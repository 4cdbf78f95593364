//! Finding out what an agent says about itself: its file, and the card that leads to.

use agent_core::money::{AssetId, BaseUnits};
use agent_core::trust::{GlobalAgentId, MAX_REGISTRATION_BYTES, RegistrationFile};
use agent_core::untrusted::Untrusted;

use super::super::files;
use super::limits;
use crate::call::{CallOptions, CardTrust, RemoteAgent};
use crate::egress::Egress;

/// What an agent says about itself, in what the index keeps of it. All of it is a stranger's word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// The name in the registration file, cut.
    pub name: Untrusted,
    /// The description in the registration file, cut.
    pub description: Untrusted,
    /// Whether the file says that the agent is in service.
    pub active: bool,
    /// Where its A2A card is said to be; empty for nowhere.
    pub card_url: String,
    /// Whether the card could be had just now.
    pub live: bool,
    /// The skills of the card.
    pub offers: Vec<Offer>,
    /// Why there is nothing, or not all: a stable word.
    pub problem: Option<&'static str>,
}

/// One skill that an agent offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// The skill's id.
    pub skill: String,
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// The most that one task costs; `None` for a free skill, or one whose price is not in the card.
    pub price: Option<(AssetId, BaseUnits)>,
}

impl Offer {
    pub(super) fn words(&self) -> String {
        format!("{} {} {}", self.skill, self.name, self.tags.join(" "))
    }
}

impl Described {
    pub(super) fn failed(problem: &'static str) -> Self {
        Self {
            problem: Some(problem),
            ..Self::default()
        }
    }

    /// The same within the bounds of the index: whatever is too long is cut or left out.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.name = cut(&self.name, limits::NAME_BYTES_MAX);
        self.description = cut(&self.description, limits::DESCRIPTION_BYTES_MAX);
        if self.card_url.len() > crate::limits::URL_BYTES_MAX {
            self.card_url.clear();
        }
        self.offers
            .retain(|offer| !offer.skill.is_empty() && offer.skill.len() <= limits::NAME_BYTES_MAX);
        self.offers.truncate(limits::SKILLS_MAX);
        for offer in &mut self.offers {
            offer.name = prefix(&offer.name, limits::NAME_BYTES_MAX).to_owned();
            offer
                .tags
                .retain(|tag| !tag.is_empty() && tag.len() <= limits::NAME_BYTES_MAX);
            offer.tags.truncate(limits::TAGS_PER_SKILL_MAX);
        }
        self
    }
}

/// Fetches an agent's file, and its card. A failure is an answer too.
pub(super) async fn describe(
    egress: &Egress,
    trust: &CardTrust,
    agent: &GlobalAgentId,
    uri: &str,
) -> Described {
    let Ok(bytes) = files::fetch(egress, uri, MAX_REGISTRATION_BYTES).await else {
        return Described::failed("no_file");
    };
    let Ok(read) = RegistrationFile::read(&bytes) else {
        return Described::failed("bad_file");
    };
    let file = read.file;
    if !file.names_agent(agent) {
        return Described::failed("other_agent");
    }
    let mut found = Described {
        name: file.name.clone(),
        description: file.description.clone(),
        active: file.active,
        ..Described::default()
    };
    let Some(url) = file.a2a_card_url() else {
        found.problem = Some("no_a2a");
        return found.bounded();
    };
    url.as_str().clone_into(&mut found.card_url);
    let options = CallOptions::default().trusting(trust.clone());
    match Box::pin(RemoteAgent::connect_with(egress, url.as_str(), options)).await {
        Ok(remote) => {
            found.live = true;
            found.offers = offers(&remote);
        }
        Err(_) => found.problem = Some("no_card"),
    }
    found.bounded()
}

fn offers(remote: &RemoteAgent) -> Vec<Offer> {
    let card = remote.card();
    let price = |skill: &str| {
        let terms = remote.terms()?;
        let amount = terms.skills.get(skill)?.amount;
        (!amount.is_zero()).then(|| (terms.asset.id(), amount))
    };
    card.skills
        .iter()
        .map(|skill| Offer {
            price: price(&skill.id),
            skill: skill.id.clone(),
            name: skill.name.clone(),
            tags: skill.tags.clone(),
        })
        .collect()
}

fn cut(text: &Untrusted, bytes_max: usize) -> Untrusted {
    Untrusted::new(prefix(text.as_received(), bytes_max).to_owned())
}

fn prefix(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max))
        .unwrap_or_default()
}
