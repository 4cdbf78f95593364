//! Another agent, as we know it from its card.

use std::sync::Arc;
use std::time::Duration;

use agent_core::a2a::{
    AgentCard, CancelTaskRequest, GetTaskRequest, Message, PROTOCOL_VERSION, SendMessageRequest,
    SendMessageResponse, Task,
};
use agent_core::x402::{
    EXTENSION_URI, PAYMENT_IDENTIFIER, PaymentIdentifier, PaymentPayload, PaymentTerms, keys,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::retry::{Repeat, repeat};
use super::wire::Outgoing;
use super::{CallError, EventStream, card, limits};
use crate::egress::{Egress, ExchangeLimits};

const A2A_VERSION: HeaderName = HeaderName::from_static("a2a-version");
const A2A_EXTENSIONS: HeaderName = HeaderName::from_static("a2a-extensions");

/// Another agent that can be called. Cheap to clone; clones share connections.
///
/// What the card says is the agent's claim. Whether it is who it says it is, is
/// [`crate::discover`]'s to find out.
#[derive(Clone, Debug)]
pub struct RemoteAgent(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    egress: Egress,
    card: AgentCard,
    card_url: Url,
    endpoint: Url,
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
    /// used.
    pub async fn connect(egress: &Egress, url: &str) -> Result<Self, CallError> {
        let card_url = card::card_url(egress.vet(url)?);
        let card = card::fetch(egress, &card_url).await?;
        let (endpoint, interface) = card::interface(egress, &card)?;
        let terms = card::terms(&card)?.map(Arc::new);
        let tenant = interface.tenant;
        let egress = egress.clone();
        Ok(Self(Arc::new(Inner {
            egress,
            card,
            card_url,
            endpoint,
            tenant,
            terms,
        })))
    }

    /// The agent's card.
    #[must_use]
    pub fn card(&self) -> &AgentCard {
        &self.0.card
    }

    /// Where the card was.
    #[must_use]
    pub fn card_url(&self) -> &Url {
        &self.0.card_url
    }

    /// Where messages go.
    #[must_use]
    pub fn endpoint(&self) -> &Url {
        &self.0.endpoint
    }

    /// What the agent's skills cost, if it says so in a way that we read.
    #[must_use]
    pub fn terms(&self) -> Option<&PaymentTerms> {
        self.0.terms.as_deref()
    }

    /// The same, to be kept: terms carry the schemas of every skill.
    pub(crate) fn shared_terms(&self) -> Option<Arc<PaymentTerms>> {
        self.0.terms.clone()
    }

    /// Sends a message and waits for the answer: a task that ended or waits for us, or a message.
    ///
    /// Repeated after a failure only if it never left or carries a payment id.
    ///
    /// # Errors
    /// [`CallError`]; see [`CallError::is_lost`] for whether the work may have been done.
    pub async fn send(
        &self,
        mut request: SendMessageRequest,
    ) -> Result<SendMessageResponse, CallError> {
        self.fill_tenant(&mut request.tenant);
        let again = repeatable(&request.message);
        let response: SendMessageResponse = self.call("SendMessage", &request, again).await?;
        match &response {
            SendMessageResponse::Task(task) if task.id.is_empty() => {
                Err(CallError::malformed("a task without an id"))
            }
            _ => Ok(response),
        }
    }

    /// Sends a message and listens to what comes of it.
    ///
    /// # Errors
    /// As for [`send`](Self::send), up to the first event.
    pub async fn send_streaming(
        &self,
        mut request: SendMessageRequest,
    ) -> Result<EventStream, CallError> {
        self.fill_tenant(&mut request.tenant);
        let again = repeatable(&request.message);
        let outgoing = Outgoing::new("SendStreamingMessage", &request)?;
        repeat(again, limits::ATTEMPTS_MAX, || self.open(&outgoing)).await
    }

    /// Looks at a task.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn get_task(&self, mut request: GetTaskRequest) -> Result<Task, CallError> {
        self.fill_tenant(&mut request.tenant);
        self.call("GetTask", &request, Repeat::Safe).await
    }

    /// Asks the agent to stop working on a task.
    ///
    /// # Errors
    /// [`CallError`]; the agent may not be able to.
    pub async fn cancel_task(&self, mut request: CancelTaskRequest) -> Result<Task, CallError> {
        self.fill_tenant(&mut request.tenant);
        self.call("CancelTask", &request, Repeat::Unsafe).await
    }

    /// Waits until a task has ended or waits for us, looking at it now and then.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::Endless`] when it still goes on after `wait`.
    pub async fn settle(&self, task: Task, wait: Duration) -> Result<Task, CallError> {
        let polled = self.poll(task);
        tokio::time::timeout(wait, polled)
            .await
            .map_err(|_| CallError::Endless)?
    }

    async fn poll(&self, mut task: Task) -> Result<Task, CallError> {
        let mut pause = limits::POLL_PAUSE;
        while !task.status.state.is_terminal() && !task.status.state.is_interrupted() {
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(limits::POLL_PAUSE_MAX);
            let id = task.id.clone();
            let request = GetTaskRequest {
                id,
                history_length: Some(0),
                ..Default::default()
            };
            let seen = self.get_task(request).await?;
            if seen.id != task.id {
                return Err(CallError::malformed("another task than was asked for"));
            }
            task = seen;
        }
        Ok(task)
    }

    /// How long an answer may take: what the seller asks for and a margin, within our own bound.
    #[must_use]
    pub fn answer_wait(&self) -> Duration {
        let asked = self
            .0
            .terms
            .as_ref()
            .map_or(0, |terms| terms.max_timeout_seconds);
        Duration::from_secs(asked)
            .saturating_add(limits::ANSWER_WAIT_MARGIN)
            .max(crate::limits::EXCHANGE_WAIT)
            .min(limits::ANSWER_WAIT_MAX)
    }

    fn fill_tenant(&self, tenant: &mut String) {
        if tenant.is_empty() {
            tenant.clone_from(&self.0.tenant);
        }
    }

    async fn call<P: Serialize, T: DeserializeOwned>(
        &self,
        method: &str,
        params: &P,
        again: Repeat,
    ) -> Result<T, CallError> {
        let outgoing = Outgoing::new(method, params)?;
        repeat(again, limits::ATTEMPTS_MAX, || self.exchange(&outgoing)).await
    }

    async fn exchange<T: DeserializeOwned>(&self, outgoing: &Outgoing) -> Result<T, CallError> {
        let bounds = ExchangeLimits::default().within(self.answer_wait());
        let (url, body) = (self.0.endpoint.as_str(), outgoing.body.clone());
        let response = self
            .0
            .egress
            .post_json(url, headers(), body, bounds)
            .await?;
        if !response.status.is_success() {
            return Err(outgoing.failure(response.status.as_u16(), &response.bytes));
        }
        outgoing.answer(&response.bytes)
    }

    async fn open(&self, outgoing: &Outgoing) -> Result<EventStream, CallError> {
        let (url, body) = (self.0.endpoint.as_str(), outgoing.body.clone());
        let bounds = ExchangeLimits::stream().within(self.answer_wait());
        let stream = self
            .0
            .egress
            .post_stream(url, headers(), body, bounds)
            .await?;
        let status = stream.status();
        let kind = stream.headers().get(http::header::CONTENT_TYPE);
        let events = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        if status.is_success() && events {
            return Ok(EventStream::new(stream, outgoing.clone()));
        }
        // Errors that are known before the first event come as plain JSON (A2A §9.4.2).
        let response = stream.collect(crate::limits::RESPONSE_BYTES_MAX).await?;
        if !status.is_success() {
            return Err(outgoing.failure(status.as_u16(), &response.bytes));
        }
        match outgoing.answer::<agent_core::json::Json>(&response.bytes) {
            Err(error) => Err(error),
            Ok(_) => Err(CallError::malformed(
                "a plain answer where a stream was asked for",
            )),
        }
    }
}

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(A2A_VERSION, HeaderValue::from_static(PROTOCOL_VERSION));
    headers.insert(A2A_EXTENSIONS, HeaderValue::from_static(EXTENSION_URI));
    headers
}

/// A message with a payment id may be sent again: the seller answers it once.
fn repeatable(message: &Message) -> Repeat {
    let payment = message
        .metadata
        .parse::<PaymentPayload>(keys::PAYLOAD)
        .ok()
        .flatten();
    let id = payment.and_then(|payment| {
        payment
            .extensions
            .parse::<PaymentIdentifier>(PAYMENT_IDENTIFIER)
            .ok()
            .flatten()
    });
    match id.and_then(|id| id.info.id) {
        Some(_) => Repeat::Safe,
        None => Repeat::Unsafe,
    }
}
