//! One paid call: reserve, run the handler, charge and store, and only then answer.

use super::desk::{Named, receipt_in};
use super::kept::{Answer, Kept, answer_in};
use super::layer::Sale;
use super::limits::{
    REPEAT_WINDOW, RESOLVE_ATTEMPTS_MAX, RESOLVE_BACKOFF_MAX, ROUTE_NAME_CHARS_MAX,
    TELL_AFTER_ATTEMPTS,
};
use super::reply;
use crate::gate::Charged;
use crate::gate::{Admitted, Work};
use crate::store::StoredTask;
use crate::tasks::settling::{Finished, Verdict, keep, settle};
use agent_core::a2a::{Artifact, Message, Part, Task, TaskState, TaskStatus, Timestamp};
use agent_core::json::Json;
use agent_core::ledger::{LedgerError, PaymentId, Reserved, Source, TaskWrite, Unresolved};
use agent_core::money::BaseUnits;
use agent_core::x402::{ResourceInfo, SettleResponse};
use alloy_primitives::hex;
use axum::extract::{OriginalUri, Request};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::request::Parts;
use axum::http::uri::{Authority, PathAndQuery};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use serde_json::json;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tower::{Service, ServiceExt};
use url::Url;
use uuid::Uuid;

/// Whose the tasks of paid routes are: of no caller of A2A, none of whom is called that.
const OWNER: &str = "http";

/// Put into the extensions of a response: charges this instead of the price, in base units. Above the
/// price nothing is charged and the caller gets an error, since it did not sign for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge(pub BaseUnits);

/// In the extensions of the request that a handler behind a [`super::PaidLayer`] gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidCall {
    /// The payment's id.
    pub payment_id: PaymentId,
    /// The most that may be charged, in base units: the price.
    pub at_most: BaseUnits,
    /// The task under which the answer is stored.
    pub task_id: String,
}

/// What is asked for, as the payment is bound to it.
pub(super) struct Asked {
    /// For people who read the books.
    name: String,
    /// Everything that the answer may depend on.
    input: String,
}

impl Asked {
    pub(super) fn of(parts: &Parts, body: &[u8]) -> Self {
        let uri = original(parts);
        let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let kind = parts.headers.get(CONTENT_TYPE);
        let input = json!({
            "method": parts.method.as_str(),
            "host": authority(parts).map(|authority| authority.as_str().to_ascii_lowercase()),
            "path": path,
            "contentType": kind.map(|kind| String::from_utf8_lossy(kind.as_bytes())),
            "body": hex::encode(alloy_primitives::keccak256(body)),
        });
        let mut name = format!("{} {}", parts.method, uri.path());
        name.truncate(name.floor_char_boundary(ROUTE_NAME_CHARS_MAX));
        Self {
            name,
            input: input.to_string(),
        }
    }
}

/// The address of what is asked for.
pub(super) fn url(parts: &Parts, public: Option<&Url>) -> String {
    let uri = original(parts);
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    match (public, authority(parts)) {
        (Some(public), _) => format!("{}{path}", public.as_str().trim_end_matches('/')),
        (None, Some(authority)) => format!("http://{authority}{path}"),
        (None, None) => format!("http://localhost{path}"),
    }
}

/// The address as it came, also inside of a nested router.
fn original(parts: &Parts) -> &Uri {
    let original = parts.extensions.get::<OriginalUri>();
    original.map_or(&parts.uri, |original| &original.0)
}

fn authority(parts: &Parts) -> Option<Authority> {
    if let Some(authority) = parts.uri.authority() {
        return Some(authority.clone());
    }
    let host = parts.headers.get(HOST)?;
    Authority::try_from(host.as_bytes()).ok()
}

/// A payment and what it is for.
pub(super) struct Order {
    pub(super) sale: Arc<Sale>,
    pub(super) asked: Asked,
    pub(super) named: Named,
    pub(super) resource: ResourceInfo,
    pub(super) amount: BaseUnits,
    pub(super) is_v1: bool,
    /// Its place among the calls, and the room that its body takes.
    pub(super) guards: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

/// How a handler ended.
enum Ran {
    Answered(Answer),
    Failed(StatusCode, &'static str),
}

impl Order {
    /// Takes the payment and answers with what it paid for.
    pub(super) async fn pay<S>(self, inner: S, mut request: Request) -> Response
    where
        S: Service<Request, Error = Infallible> + Send + 'static,
        S::Response: IntoResponse,
        S::Future: Send,
    {
        let till = self.sale.till.clone();
        let task_id = Uuid::now_v7().to_string();
        let context_id = Uuid::now_v7().to_string();
        let running = till.inner().running.begin(&task_id);
        let work = Work {
            task_id: &task_id,
            context_id: &context_id,
            skill: &self.asked.name,
            owner: OWNER,
            input: &self.asked.input,
            max: self.amount,
        };
        match till.desk().admit(&self.named, &work).await {
            Ok(Admitted::New(reserved)) => {
                request.extensions_mut().insert(PaidCall {
                    payment_id: reserved.payment_id().clone(),
                    at_most: reserved.amount(),
                    task_id: task_id.clone(),
                });
                let ran = run(inner, request, till.inner().timeout).await;
                let (tell, told) = oneshot::channel();
                let (is_v1, guards) = (self.is_v1, self.guards);
                let end = End {
                    sale: self.sale,
                    task_id,
                    context_id,
                    is_v1,
                };
                // The store may take long to come back; the caller does not wait for that.
                tokio::spawn(async move {
                    let _held = (running, guards);
                    end.store(reserved, ran, tell).await;
                });
                told.await.unwrap_or_else(|_| unknown())
            }
            Ok(Admitted::Same(id)) => self.again(&id).await,
            Ok(Admitted::Busy(id)) => {
                drop(running);
                till.inner().running.ended(&id).await;
                self.again(&id).await
            }
            Err(refusal) => {
                let Self {
                    sale,
                    resource,
                    amount,
                    ..
                } = self;
                reply::refused(&refusal, || sale.required(resource, amount, Some(&refusal)))
            }
        }
    }

    /// The answer to a payment that was made before.
    async fn again(&self, task_id: &str) -> Response {
        let till = &self.sale.till;
        let stored = match till.bought(task_id).await {
            Ok(Some(stored)) => stored,
            Ok(None) => return unknown(),
            Err(error) => {
                tracing::error!(error, "what was bought cannot be read");
                return unknown();
            }
        };
        let Ok(task) = stored.task.parse::<Task>() else {
            return reply::fault("what was bought is no task");
        };
        let receipt = receipt_in(&task);
        let now = till.inner().clock.now_unix_millis();
        let too_late = !self.named.by_buyer && !is_recent(&stored, now);
        let mut response = match answer_in(&task) {
            _ if too_late => reply::failure(
                StatusCode::CONFLICT,
                "payment_already_used",
                "this payment was used before; send an id of your own with a payment to have its \
                 answer again later",
            ),
            Some(Kept::Whole(response)) => response,
            Some(Kept::DeliveredOnce) => reply::failure(
                StatusCode::CONFLICT,
                "answer_delivered_once",
                "this payment's answer was too large to keep and was delivered once",
            ),
            None if is_withheld(receipt.as_ref()) => withheld(),
            // The process ended before the handler did.
            None => reply::failure(
                StatusCode::INTERNAL_SERVER_ERROR,
                "interrupted",
                "the work was interrupted and not charged; pay anew",
            ),
        };
        reply::seal(&mut response, receipt.as_ref(), self.is_v1);
        response
    }
}

/// Whether a payment that its buyer gave no name may be repeated.
pub(crate) fn is_recent(stored: &StoredTask, now_unix_millis: u64) -> bool {
    let age = now_unix_millis.saturating_sub(stored.updated_unix_millis);
    Duration::from_millis(age) <= REPEAT_WINDOW
}

/// Runs the handler until it answers, panics or takes too long.
async fn run<S>(inner: S, request: Request, limit: Duration) -> Ran
where
    S: Service<Request, Error = Infallible> + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    let work = async {
        let Ok(response) = inner.oneshot(request).await;
        Answer::read(response.into_response()).await
    };
    match tokio::time::timeout(limit, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(Ok(answer))) => Ran::Answered(answer),
        Ok(Ok(Err(_broken))) => Ran::Failed(StatusCode::BAD_GATEWAY, "the answer broke off"),
        Ok(Err(_panic)) => Ran::Failed(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the handler failed unexpectedly",
        ),
        Err(_elapsed) => Ran::Failed(StatusCode::GATEWAY_TIMEOUT, "the handler took too long"),
    }
}

/// What is known at the end of a call.
struct End {
    sale: Arc<Sale>,
    task_id: String,
    context_id: String,
    is_v1: bool,
}

impl End {
    /// Stores the end, and then tells of it.
    async fn store(self, reserved: Reserved, ran: Ran, tell: oneshot::Sender<Response>) {
        let (charge, answer) = judged(ran, reserved.amount());
        let artifact = match answer.artifact() {
            Ok(artifact) => artifact,
            Err(error) => {
                // Plain data can always be written. Were it not so, recovery voids the payment.
                let _ = tell.send(reply::fault(&error.to_string()));
                return;
            }
        };
        let transfer = matches!(reserved.source(), Source::Transfer(_));
        if transfer && charge.is_some_and(|charge| !charge.is_zero()) {
            return self.settle(reserved, artifact, answer, tell).await;
        }
        let (write, receipt) = match self.write(&reserved, charge, artifact).await {
            Ok(written) => written,
            Err(error) => {
                let _ = tell.send(reply::fault(&error.to_string()));
                return;
            }
        };
        let mut response = answer.into_response();
        reply::seal(&mut response, receipt.as_ref(), self.is_v1);
        self.commit(reserved, charge, write, response, tell).await;
    }

    /// As [`End::store`], for an answer whose payment is a transfer: it is made before anybody has
    /// the answer.
    async fn settle(
        self,
        reserved: Reserved,
        artifact: Artifact,
        answer: Answer,
        tell: oneshot::Sender<Response>,
    ) {
        let till = self.sale.till.inner();
        let finished = Finished {
            task: Task::new(self.task_id.clone(), self.context_id.clone()),
            seq: 0,
            owner: OWNER.to_owned(),
            artifact: Some(artifact),
            note: None,
            public: false,
            pending: None,
        };
        let now = till.clock.now_unix_millis();
        let verdict = match keep(&till.gate, &reserved, &finished).await {
            Ok(request) => settle(&till.gate, &reserved, &request, finished, now).await,
            Err(error) => {
                tracing::error!(task = self.task_id, %error, "a paid answer cannot be settled");
                Ok(None)
            }
        };
        let Ok(Some(Verdict { charge, write, .. })) = verdict else {
            let _ = tell.send(unknown());
            return;
        };
        let receipt = write.task.parse().ok().and_then(|task| receipt_in(&task));
        let mut response = match charge {
            Some(_) => answer.into_response(),
            None => withheld(),
        };
        reply::seal(&mut response, receipt.as_ref(), self.is_v1);
        self.commit(reserved, charge, write, response, tell).await;
    }

    async fn commit(
        self,
        reserved: Reserved,
        charge: Option<BaseUnits>,
        write: TaskWrite,
        response: Response,
        tell: oneshot::Sender<Response>,
    ) {
        let mut tell = Some(tell);
        let mut held = reserved;
        let mut backoff = Duration::from_millis(50);
        for attempt in 1..=RESOLVE_ATTEMPTS_MAX {
            match self.resolve(held, charge, write.clone()).await {
                Ok(()) => {
                    if let Some(tell) = tell {
                        let _ = tell.send(response);
                    }
                    return;
                }
                Err(Unresolved { reserved, error }) => {
                    let id = &self.task_id;
                    tracing::error!(task = id, attempt, %error, "a paid answer is not stored");
                    let gone = matches!(error, LedgerError::NotHeld(_) | LedgerError::Broken(_));
                    if (gone || attempt == TELL_AFTER_ATTEMPTS)
                        && let Some(tell) = tell.take()
                    {
                        let _ = tell.send(unknown());
                    }
                    if gone {
                        return;
                    }
                    held = reserved;
                }
            }
            tokio::time::sleep(backoff).await;
            backoff = backoff.saturating_mul(2).min(RESOLVE_BACKOFF_MAX);
        }
    }

    async fn resolve(
        &self,
        reserved: Reserved,
        charge: Option<BaseUnits>,
        write: TaskWrite,
    ) -> Result<(), Unresolved> {
        let ledger = self.sale.till.inner().gate.ledger();
        match charge {
            Some(charge) => ledger.post(reserved, charge, write).await,
            None => ledger.void(reserved, write).await,
        }
    }

    async fn write(
        &self,
        reserved: &Reserved,
        charge: Option<BaseUnits>,
        artifact: Artifact,
    ) -> Result<(TaskWrite, Option<SettleResponse>), serde_json::Error> {
        let till = self.sale.till.inner();
        let now = till.clock.now_unix_millis();
        let (state, charged, text) = match charge {
            Some(charge) => (TaskState::Completed, Charged::Amount(charge), "done"),
            None => {
                let text = "the request did not succeed and was not charged";
                (TaskState::Failed, Charged::Nothing("failed", text), text)
            }
        };
        let mut message = Message::agent(Part::text(text))
            .in_context(self.context_id.clone())
            .for_task(self.task_id.clone());
        message.metadata = till.gate.receipt_for(reserved, charged).await?;
        let at = Timestamp::from_unix_millis(i64::try_from(now).unwrap_or(i64::MAX));
        let mut task = Task::new(self.task_id.clone(), self.context_id.clone());
        task.status = TaskStatus::new(state).at(at).with_message(message);
        task.artifacts.push(artifact);
        let receipt = receipt_in(&task);
        let write = TaskWrite {
            id: self.task_id.clone(),
            context_id: self.context_id.clone(),
            owner: OWNER.to_owned(),
            state,
            seq: 1,
            updated_unix_millis: now,
            task: Json::from_value(&task)?,
            resume: None,
            events: Vec::new(),
        };
        Ok((write, receipt))
    }
}

/// What is charged for an answer; `None` when nothing is.
fn judged(ran: Ran, price: BaseUnits) -> (Option<BaseUnits>, Answer) {
    let failed = |status, text| {
        let (parts, _) = reply::failure(status, "failed", text).into_parts();
        let body = json!({ "error": "failed", "message": text }).to_string();
        let answer = Answer {
            parts,
            body: body.into(),
            rest: None,
        };
        (None, answer)
    };
    match ran {
        Ran::Failed(status, text) => failed(status, text),
        Ran::Answered(mut answer) => {
            let charge = answer.parts.extensions.remove::<Charge>();
            let charge = charge.map_or(price, |Charge(charge)| charge);
            if !answer.parts.status.is_success() {
                return (None, answer);
            }
            if charge > price {
                tracing::error!(%charge, %price, "a handler charges more than its price");
                let text = "the seller failed; nothing was charged";
                return failed(StatusCode::INTERNAL_SERVER_ERROR, text);
            }
            (Some(charge), answer)
        }
    }
}

/// The code of a payment that failed after its work was done.
const NOT_SETTLED: &str = "payment_not_settled";

fn is_withheld(receipt: Option<&SettleResponse>) -> bool {
    let code = receipt.and_then(|receipt| receipt.error_reason.as_deref());
    code == Some(NOT_SETTLED)
}

fn withheld() -> Response {
    reply::failure(
        StatusCode::PAYMENT_REQUIRED,
        NOT_SETTLED,
        "the payment failed, so the answer is withheld; nothing was charged",
    )
}

fn unknown() -> Response {
    reply::unavailable(
        "payment_outcome_unknown",
        "what became of this payment is not known yet; send the same again",
    )
}
