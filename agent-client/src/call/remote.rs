//! Another agent, as we know it from its card.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use agent_core::a2a::AgentCard;
use agent_core::a2a::signing::ReceivedCard;
use agent_core::x402::PaymentTerms;
use url::Url;

use super::intercept::Interceptor;
use super::options::CallOptions;
use super::transport::{Transport, Wire};
use super::trust::CardStanding;
use super::{CallError, card, choose, limits};
use crate::egress::Egress;

/// Another agent that can be called. Cheap to clone; clones share connections.
///
/// What the card says is the agent's claim. Whether it is who it says it is, is
/// [`crate::discover`]'s to find out.
///
/// Dropping the future of a call drops its connection (or resets its stream on a shared one) and
/// leaves nothing running here. It takes nothing back: the agent may have got the request, and a
/// task goes on. [`get_task`](Self::get_task) and [`cancel_task`](Self::cancel_task) are for that.
#[derive(Clone, Debug)]
pub struct RemoteAgent {
    inner: Arc<Inner>,
    options: Arc<CallOptions>,
}

#[derive(Debug)]
struct Inner {
    /// The public card, or the extended one that took its place.
    card: RwLock<Arc<AgentCard>>,
    card_url: Url,
    egress: Egress,
    standing: CardStanding,
    transport: Arc<dyn Transport>,
    tenant: String,
    terms: Option<Arc<PaymentTerms>>,
}

impl RemoteAgent {
    /// Fetches the card at `url` (the address of a card if it ends in `.json`, else the place
    /// below which `/.well-known/agent-card.json` is looked for) and chooses how to talk.
    ///
    /// # Errors
    /// [`CallError::Egress`] and [`CallError::Http`] when the card cannot be had,
    /// [`CallError::Card`], [`CallError::NoInterface`] and [`CallError::Terms`] when it cannot be
    /// used, [`CallError::CardSignature`] when the options ask for a signature that it lacks.
    pub async fn connect(egress: &Egress, url: &str) -> Result<Self, CallError> {
        Self::connect_with(egress, url, CallOptions::default()).await
    }

    /// The same with options. The card itself is fetched without what they add to requests, since
    /// it is public.
    ///
    /// # Errors
    /// As [`connect`](Self::connect); [`CallError::NoInterface`] also when the options ask for a
    /// binding or a version that the card does not offer.
    pub async fn connect_with(
        egress: &Egress,
        url: &str,
        options: CallOptions,
    ) -> Result<Self, CallError> {
        let card_url = card::card_url(egress.vet(url)?);
        let (card, standing) = card::fetch(egress, &card_url, &options.trust).await?;
        let chosen = choose::choose(egress, &card, &options)?;
        let terms = card::terms(&card)?.map(Arc::new);
        let inner = Inner {
            card: RwLock::new(Arc::new(card)),
            card_url,
            egress: egress.clone(),
            standing,
            transport: chosen.transport,
            tenant: chosen.tenant,
            terms,
        };
        Ok(Self {
            inner: Arc::new(inner),
            options: Arc::new(options),
        })
    }

    /// The same agent, called with other options: for one call, or for one caller.
    #[must_use]
    pub fn with_options(&self, change: impl FnOnce(CallOptions) -> CallOptions) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            options: Arc::new(change((*self.options).clone())),
        }
    }

    /// The agent's card: the extended one once that was fetched (A2A §3.1.11), else the public one.
    #[must_use]
    pub fn card(&self) -> Arc<AgentCard> {
        let card = self.inner.card.read();
        Arc::clone(&card.unwrap_or_else(PoisonError::into_inner))
    }

    /// Where the card was.
    #[must_use]
    pub fn card_url(&self) -> &Url {
        &self.inner.card_url
    }

    /// What the signatures of the public card are worth.
    #[must_use]
    pub fn card_standing(&self) -> &CardStanding {
        &self.inner.standing
    }

    /// Where messages go.
    #[must_use]
    pub fn endpoint(&self) -> &Url {
        self.inner.transport.endpoint()
    }

    /// What is spoken.
    #[must_use]
    pub fn wire(&self) -> Wire {
        self.inner.transport.wire()
    }

    /// What the agent's skills cost, if it says so in a way that we read. Always those of the
    /// public card: an extended one cannot change who is paid after that was checked.
    #[must_use]
    pub fn terms(&self) -> Option<&PaymentTerms> {
        self.inner.terms.as_deref()
    }

    /// The same, to be kept: terms carry the schemas of every skill.
    pub(crate) fn shared_terms(&self) -> Option<Arc<PaymentTerms>> {
        self.inner.terms.clone()
    }

    /// How long an answer may take: what the seller asks for and a margin, within our own bound.
    #[must_use]
    pub fn answer_wait(&self) -> Duration {
        let terms = self.inner.terms.as_ref();
        let asked = terms.map_or(0, |terms| terms.max_timeout_seconds);
        Duration::from_secs(asked)
            .saturating_add(limits::ANSWER_WAIT_MARGIN)
            .max(crate::limits::EXCHANGE_WAIT)
            .min(limits::ANSWER_WAIT_MAX)
    }

    pub(super) fn transport(&self) -> &(dyn Transport + 'static) {
        &*self.inner.transport
    }

    pub(super) fn options(&self) -> &CallOptions {
        &self.options
    }

    pub(super) fn interceptors(&self) -> &[Arc<dyn Interceptor>] {
        &self.options.interceptors
    }

    /// Asks of the signatures of another card of the agent what was asked of its public one.
    pub(super) async fn check_card(&self, card: &ReceivedCard) -> Result<(), CallError> {
        let Inner {
            egress, card_url, ..
        } = &*self.inner;
        self.options.trust.check(egress, card_url, card).await?;
        Ok(())
    }

    pub(super) fn replace_card(&self, card: AgentCard) -> Arc<AgentCard> {
        let card = Arc::new(card);
        let known = self.inner.card.write();
        *known.unwrap_or_else(PoisonError::into_inner) = Arc::clone(&card);
        card
    }

    /// Puts the tenant of the interface into a request that names none (A2A §4.4.6).
    pub(super) fn fill_tenant(&self, tenant: &mut String) {
        if tenant.is_empty() {
            tenant.clone_from(&self.inner.tenant);
        }
    }
}
