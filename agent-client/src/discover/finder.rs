//! The search itself.

use std::sync::Arc;

use agent_core::clock::Clock;
use agent_core::money::{Asset, AssetTable, BaseUnits};
use agent_core::trust::{GlobalAgentId, RegistrationFile, Score};
use agent_core::voucher::EscrowDomain;
use futures_util::{StreamExt, stream};
use serde_json::Value;

use super::files::Remembered;
use super::found::{Candidate, Explained, Found, LeftOut};
use super::index::Record;
use super::query::{Query, Wanted};
use super::registry::Registry;
use super::reputation::{Reputation, TrustPolicy};
use super::{DiscoverError, limits};
use crate::call::{CardTrust, RemoteAgent};
use crate::clock::SystemClock;
use crate::egress::Egress;

/// Finds agents in a registry, and judges them.
#[derive(Debug)]
pub struct Discovery {
    pub(super) egress: Egress,
    registry: Registry,
    assets: AssetTable,
    reputation: Reputation,
    clock: Arc<dyn Clock>,
    pub(super) card_trust: CardTrust,
    pub(super) cards: Remembered<Result<RemoteAgent, String>>,
    pub(super) files: Remembered<Result<Arc<RegistrationFile>, String>>,
    pub(super) domains: Remembered<bool>,
}

impl Discovery {
    /// A search over `registry`, with prices in `assets` and payments under `escrow`.
    #[must_use]
    pub fn new(
        egress: Egress,
        registry: Registry,
        escrow: EscrowDomain,
        assets: AssetTable,
        trust: TrustPolicy,
    ) -> Self {
        let chain = registry.chain().clone();
        let reputation = Reputation::new(egress.clone(), chain, escrow, assets.clone(), trust);
        let (age, max) = (limits::CARD_AGE_MAX, limits::REMEMBERED_MAX);
        Self {
            egress,
            registry,
            assets,
            reputation,
            clock: Arc::new(SystemClock),
            card_trust: CardTrust::default(),
            cards: Remembered::new(age, max),
            files: Remembered::new(age, max),
            domains: Remembered::new(age, max),
        }
    }

    /// The same with another clock, by which feedback ages.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same, leaving out agents whose cards are not signed as `trust` asks.
    #[must_use]
    pub fn with_card_trust(mut self, trust: CardTrust) -> Self {
        self.card_trust = trust;
        self
    }

    /// The registry that is searched.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Finds the agents that fit, best first. One that does not answer, or answers nonsense, is
    /// left out with its reason and does not fail the search.
    ///
    /// # Errors
    /// [`DiscoverError::Query`] and [`DiscoverError::Price`] for a query that makes no sense,
    /// [`DiscoverError::Chain`] when the registry cannot be read.
    pub async fn find(&self, query: &Query) -> Result<Found, DiscoverError> {
        let wanted = query.resolve(&self.assets)?;
        let wanted = &wanted;
        let agents = self.registry.agents().await?;
        let judged: Vec<Result<Candidate, LeftOut>> = stream::iter(agents)
            .map(|(agent, record)| Box::pin(self.judge(wanted, agent, record)))
            .buffer_unordered(limits::SIDE_BY_SIDE)
            .collect()
            .await;
        let (mut candidates, mut left_out) = (Vec::new(), Vec::new());
        for result in judged {
            match result {
                Ok(candidate) => candidates.push(candidate),
                Err(out) => left_out.push(out),
            }
        }
        left_out.sort_by_key(|out| out.agent);
        Ok(Found::ranked(candidates, left_out))
    }

    /// What feedback says about one agent; `None` if there is no such agent, or its file cannot be
    /// had.
    ///
    /// # Errors
    /// [`DiscoverError::Chain`].
    pub async fn score(&self, agent: &GlobalAgentId) -> Result<Option<Score>, DiscoverError> {
        if agent.registry != self.registry.id() {
            return Ok(None);
        }
        let Some(record) = self.registry.agent(agent.agent_id).await? else {
            return Ok(None);
        };
        let Ok(file) = self.file(agent, &record).await else {
            return Ok(None);
        };
        Ok(Some(self.rate(agent, &record, &file).await))
    }

    /// The same score with all that is kept of the agent's feedback; `None` as for
    /// [`score`](Self::score).
    ///
    /// # Errors
    /// [`DiscoverError::Chain`].
    pub async fn explain(&self, agent: &GlobalAgentId) -> Result<Option<Explained>, DiscoverError> {
        if agent.registry != self.registry.id() {
            return Ok(None);
        }
        let Some(record) = self.registry.agent(agent.agent_id).await? else {
            return Ok(None);
        };
        let Ok(file) = self.file(agent, &record).await else {
            return Ok(None);
        };
        let now = self.clock.now_unix_secs();
        let explained = self.reputation.explain(agent, &record, &file, now).await;
        Ok(Some(explained))
    }

    /// What an agent says about itself, if the file names the agent back.
    ///
    /// # Errors
    /// [`DiscoverError::Chain`].
    pub async fn registration(
        &self,
        agent: &GlobalAgentId,
    ) -> Result<Option<Arc<RegistrationFile>>, DiscoverError> {
        if agent.registry != self.registry.id() {
            return Ok(None);
        }
        let Some(record) = self.registry.agent(agent.agent_id).await? else {
            return Ok(None);
        };
        Ok(self.file(agent, &record).await.ok())
    }

    async fn judge(
        &self,
        wanted: &Wanted,
        agent: GlobalAgentId,
        record: Record,
    ) -> Result<Candidate, LeftOut> {
        let out = |code, why: &str| LeftOut::new(agent, code, why);
        let file = self
            .file(&agent, &record)
            .await
            .map_err(|why| out("no_file", &why))?;
        if !file.active {
            return Err(out("inactive", "its file says that it is not in service"));
        }
        if says_otherwise(&file, &wanted.skill) {
            return Err(out("other_skill", "it does not offer the skill"));
        }
        let remote = self.card(&file).await.map_err(|why| out("no_card", &why))?;
        let card = remote.card();
        let skill = card.skill(&wanted.skill);
        let skill = skill.ok_or_else(|| out("other_skill", "it does not offer the skill"))?;
        if !wanted.tags.iter().all(|tag| skill.tags.contains(tag)) {
            return Err(out("other_tags", "the skill does not carry the tags"));
        }
        let price = self
            .price(wanted, &remote)
            .map_err(|(code, why)| out(code, &why))?;
        if let Some(terms) = remote.terms().filter(|_| price.is_some()) {
            self.registry
                .check_payee(terms, Some(agent), Some(&file))
                .await
                .map_err(|refusal| out("payee", &refusal.to_string()))?;
        }
        let score = self.rate(&agent, &record, &file).await;
        wanted.trusts(&score).map_err(|why| out("trust", &why))?;
        let domain_verified = self.domain(&agent, &remote).await;
        let skill = wanted.skill.clone();
        Ok(Candidate {
            agent,
            remote,
            file,
            skill,
            price,
            score,
            domain_verified,
        })
    }

    async fn rate(&self, agent: &GlobalAgentId, record: &Record, file: &RegistrationFile) -> Score {
        self.reputation
            .score(agent, record, file, self.clock.now_unix_secs())
            .await
    }

    /// What the skill costs, if that is within the query and in an asset that is known.
    #[allow(
        clippy::type_complexity,
        reason = "local; a name would hide more than it shows"
    )]
    fn price(
        &self,
        wanted: &Wanted,
        remote: &RemoteAgent,
    ) -> Result<Option<(BaseUnits, Asset)>, (&'static str, String)> {
        let Some(terms) = remote.terms() else {
            return Ok(None);
        };
        let Some(skill) = terms.skills.get(&wanted.skill) else {
            return Ok(None);
        };
        if skill.amount.is_zero() {
            return Ok(None);
        }
        let asset = self.assets.by_id(terms.asset.id()).ok_or_else(|| {
            (
                "asset",
                "it wants a token that is not configured".to_owned(),
            )
        })?;
        match &wanted.max_price {
            Some((other, _)) if other.id() != asset.id() => {
                Err(("asset", "its price is in another token".to_owned()))
            }
            Some((_, max)) if skill.amount > *max => {
                Err(("price", format!("it costs {}", asset.show(skill.amount))))
            }
            _ => Ok(Some((skill.amount, asset.clone()))),
        }
    }
}

/// Whether the file lists the agent's skills and this one is not among them: then its card need
/// not be fetched.
fn says_otherwise(file: &RegistrationFile, skill: &str) -> bool {
    let lists = file
        .services
        .iter()
        .filter(|service| service.name.eq_ignore_ascii_case("A2A"))
        .filter_map(|service| service.extra.get("a2aSkills").and_then(Value::as_array))
        .filter(|skills| !skills.is_empty());
    let mut lists = lists.peekable();
    lists.peek().is_some()
        && !lists.any(|skills| skills.iter().any(|id| id.as_str() == Some(skill)))
}
