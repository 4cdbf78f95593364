//! The layer: from a request to its terms, or to a paid call.

use super::call::{Asked, Order};
use super::till::Till;
use super::{header, reply};
use crate::bind::{body, page};
use crate::gate::GateRefusal;
use agent_core::a2a::A2aError;
use agent_core::money::{BaseUnits, MoneyError};
use agent_core::price::Price;
use agent_core::x402::{PaymentPayload, PaymentRequired, ResourceInfo, SCHEME_EXACT};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Layer, Service, ServiceExt};

type Quote = dyn Fn(&Parts) -> Price + Send + Sync;

/// Puts a price on every route that it is laid over.
///
/// - A payment that asks for the rest of its channel back is answered without the handler.
/// - `OPTIONS` passes, so that browsers may ask whether they may ask; `HEAD` is told the terms.
/// - A handler charges less than the price with [`super::Charge`] in its response's extensions, and
///   learns what pays for it from [`super::PaidCall`] in its request's. It never sees the payment.
/// - It runs to its end also when its caller goes away: the answer is kept for a repeat.
/// - An answer of more than [`super::limits::KEPT_BODY_BYTES_MAX`] is charged before it is delivered,
///   and delivered once: a repeat gets 409 and the receipt.
#[derive(Clone)]
pub struct PaidLayer(Arc<Sale>);

/// What is sold.
#[derive(Clone)]
pub(super) struct Sale {
    pub(super) till: Till,
    quote: Quoted,
    description: Option<String>,
    media_type: Option<String>,
    pub(super) id_required: bool,
    is_variable: bool,
}

#[derive(Clone)]
enum Quoted {
    Fixed(BaseUnits),
    Each(Arc<Quote>),
}

impl PaidLayer {
    /// A layer with one price for every request.
    ///
    /// # Errors
    /// [`MoneyError`] when the price is no amount of what the till takes.
    pub fn new(till: &Till, price: Price) -> Result<Self, MoneyError> {
        let amount = till.resolve(&price)?;
        Ok(Self::with(till, Quoted::Fixed(amount)))
    }

    /// A layer with a price for each request. It is asked anew when the payment comes, so it must
    /// answer the same for the same request, or buyers pay what they were not told. A price that is
    /// no amount of what the till takes is answered with 500.
    #[must_use]
    pub fn quoting(till: &Till, quote: impl Fn(&Parts) -> Price + Send + Sync + 'static) -> Self {
        Self::with(till, Quoted::Each(Arc::new(quote)))
    }

    fn with(till: &Till, quote: Quoted) -> Self {
        Self(Arc::new(Sale {
            till: till.clone(),
            quote,
            description: None,
            media_type: None,
            id_required: false,
            is_variable: false,
        }))
    }

    /// Says what is sold, for the terms and for people.
    #[must_use]
    pub fn describe(self, description: &str) -> Self {
        self.change(|sale| sale.description = Some(description.to_owned()))
    }

    /// Says what media type the answer has.
    #[must_use]
    pub fn answers(self, media_type: &str) -> Self {
        self.change(|sale| sale.media_type = Some(media_type.to_owned()))
    }

    /// Refuses payments to which their buyer gave no id (x402 extension `payment-identifier`). Such a
    /// payment is named by what it moves, which others may read on chain: for a while whoever copies
    /// it and asks for the same gets the same answer.
    #[must_use]
    pub fn require_payment_id(self) -> Self {
        self.change(|sale| sale.id_required = true)
    }

    /// For handlers that charge by use: `exact`, a transfer of the whole price whatever
    /// [`super::Charge`] says, is neither offered nor taken.
    #[must_use]
    pub fn variable(self) -> Self {
        self.change(|sale| sale.is_variable = true)
    }

    fn change(self, change: impl FnOnce(&mut Sale)) -> Self {
        let mut sale = Arc::unwrap_or_clone(self.0);
        change(&mut sale);
        Self(Arc::new(sale))
    }
}

impl<S> Layer<S> for PaidLayer {
    type Service = PaidService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        let sale = Arc::clone(&self.0);
        PaidService { sale, inner }
    }
}

/// A service behind a price; made by [`PaidLayer`].
#[derive(Clone)]
pub struct PaidService<S> {
    sale: Arc<Sale>,
    inner: S,
}

impl<S> Service<Request> for PaidService<S>
where
    S: Service<Request, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // It is asked when there is work for it, and most requests are none.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (sale, inner) = (Arc::clone(&self.sale), self.inner.clone());
        Box::pin(async move { Ok(sale.answer(inner, request).await) })
    }
}

impl Sale {
    async fn answer<S>(self: Arc<Self>, inner: S, request: Request) -> Response
    where
        S: Service<Request, Error = Infallible> + Send + 'static,
        S::Response: IntoResponse,
        S::Future: Send,
    {
        let amount = match self.amount(&request) {
            Ok(amount) => amount,
            Err(error) => return reply::fault(&format!("a price: {error}")),
        };
        if amount.is_zero() || request.method() == Method::OPTIONS {
            let Ok(response) = inner.oneshot(request).await;
            return response.into_response();
        }
        let (mut parts, body) = request.into_parts();
        let presented = match header::presented(&parts.headers) {
            Ok(presented) => presented,
            Err(malformed) => {
                let (code, text) = (malformed.code(), malformed.to_string());
                return reply::failure(StatusCode::BAD_REQUEST, code, &text);
            }
        };
        let resource = self.resource(&parts);
        let presented = match presented {
            Some(presented) if parts.method != Method::HEAD => presented,
            _ => return self.terms(&parts, resource, amount),
        };
        if let Some(refund) = presented.refund() {
            return self.give_back(refund.clone(), resource, amount).await;
        }
        if self.is_variable && presented.is_exact() {
            let text = "this costs what it uses, so no exact transfer is taken; see `accepts`";
            let refusal = GateRefusal::new("unsupported_scheme", text);
            return reply::refused(&refusal, || self.required(resource, amount, Some(&refusal)));
        }
        let is_v1 = presented.is_v1();
        let named = self
            .till
            .desk()
            .named(presented, "", amount, self.id_required);
        let named = match named {
            Ok(named) => named,
            Err(refusal) => {
                return reply::refused(&refusal, || {
                    self.required(resource, amount, Some(&refusal))
                });
            }
        };
        header::remove(&mut parts.headers);
        // Before any money is held: a place, and the whole of what is paid for.
        let Ok(place) = Arc::clone(&self.till.inner().places).try_acquire_owned() else {
            let text = "too many paid calls at once; nothing was charged, try again later";
            return reply::unavailable("too_many_calls", text);
        };
        let read = body::collect(body, &parts.headers, &self.till.inner().bodies).await;
        let (bytes, room) = match read {
            Ok(read) => read,
            Err((status, error)) => {
                let code = error.detail().unwrap_or("body").to_owned();
                return reply::failure(status, &code, error.message());
            }
        };
        let asked = Asked::of(&parts, &bytes);
        let order = Order {
            sale: self,
            asked,
            named,
            resource,
            amount,
            is_v1,
            guards: (place, room),
        };
        // In a task of its own: a caller that goes away half way must not leave money held for work
        // that nobody does.
        let request = Request::from_parts(parts, bytes.into());
        match tokio::spawn(order.pay(inner, request)).await {
            Ok(response) => response,
            Err(gone) => reply::unavailable("payment_outcome_unknown", &gone_text(&gone)),
        }
    }

    /// Gives back what is left of the channel that pays here, without the handler.
    async fn give_back(
        self: Arc<Self>,
        payment: PaymentPayload,
        resource: ResourceInfo,
        amount: BaseUnits,
    ) -> Response {
        let Ok(place) = Arc::clone(&self.till.inner().places).try_acquire_owned() else {
            let text = "too many paid calls at once; nothing was moved, try again later";
            return reply::unavailable("too_many_calls", text);
        };
        // In a task of its own, as a paid call: money moves also when its caller goes away.
        let done = tokio::spawn(async move {
            let _held = place;
            match self.till.desk().give_back(&payment, "", amount).await {
                Ok(answer) => reply::given_back(&answer),
                Err(refusal) => {
                    reply::refused(&refusal, || self.required(resource, amount, Some(&refusal)))
                }
            }
        });
        match done.await {
            Ok(response) => response,
            Err(gone) => reply::unavailable("refund_outcome_unknown", &gone_text(&gone)),
        }
    }

    fn amount(&self, request: &Request) -> Result<BaseUnits, MoneyError> {
        match &self.quote {
            Quoted::Fixed(amount) => Ok(*amount),
            Quoted::Each(quote) => {
                let mut parts = http::Request::new(()).into_parts().0;
                parts.method = request.method().clone();
                parts.uri = request.uri().clone();
                parts.headers = request.headers().clone();
                parts.extensions = request.extensions().clone();
                header::remove(&mut parts.headers);
                self.till.resolve(&quote(&parts))
            }
        }
    }

    fn resource(&self, parts: &Parts) -> ResourceInfo {
        ResourceInfo {
            url: super::call::url(parts, self.till.inner().public_url.as_ref()),
            description: self.description.clone(),
            mime_type: self.media_type.clone(),
        }
    }

    fn terms(&self, parts: &Parts, resource: ResourceInfo, amount: BaseUnits) -> Response {
        let shown = page::is_wanted(&parts.headers).then(|| {
            page::response(&page::Page {
                title: self.description.as_deref().unwrap_or(&resource.url),
                about: None,
                method: parts.method.as_str(),
                url: &resource.url,
                price: Some(&self.till.asset().show(amount)),
                terms: Some(self.till.terms()),
                schema: None,
            })
        });
        match self.required(resource, amount, None) {
            Ok(required) => reply::payment_required(&required, None, shown),
            Err(error) => reply::fault(&error.to_string()),
        }
    }

    /// The terms, with the reason why a payment was not taken.
    pub(super) fn required(
        &self,
        resource: ResourceInfo,
        amount: BaseUnits,
        refusal: Option<&GateRefusal>,
    ) -> Result<PaymentRequired, A2aError> {
        let desk = self.till.desk();
        let required = desk.required("", resource, amount, self.id_required, refusal);
        required.map(|mut required| {
            if self.is_variable {
                required
                    .accepts
                    .retain(|entry| entry.scheme != SCHEME_EXACT);
            }
            required
        })
    }
}

fn gone_text(gone: &tokio::task::JoinError) -> String {
    tracing::error!(%gone, "a paid call was lost");
    "what became of this payment is not known yet; send the same again".to_owned()
}

impl fmt::Debug for PaidLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaidLayer")
            .field("description", &self.0.description)
            .finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for PaidService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaidService").finish_non_exhaustive()
    }
}
