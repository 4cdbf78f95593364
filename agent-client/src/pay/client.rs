//! One paid request from beginning to end.

use std::{fmt, sync::Arc, time::Duration};

use agent_core::{
    money::BaseUnits,
    untrusted::{Untrusted, shorten},
    x402::{PaymentRequired, ResourceInfo, batch::codes},
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::{
    answer::{HttpPayment, PaidResponse},
    error::PayError,
    limits,
    required::{Asked, attach, receipt, strip},
    routes::{Pinned, Route, Routes},
};
use crate::{
    buyer::reading::correction,
    egress::{Egress, EgressError, ExchangeLimits, Response},
    wallet::{OfferRequest, Payment, ReceiptError, Scheme, Wallet},
};

/// Pays for plain HTTP routes out of a wallet. Cheap to clone; clones share what they remember.
#[derive(Clone)]
pub struct PayingClient(Arc<Parts>);

#[derive(Clone)]
pub(super) struct Parts {
    pub(super) egress: Egress,
    pub(super) wallet: Wallet,
    schemes: Vec<Scheme>,
    at_most: Option<BaseUnits>,
    limits: ExchangeLimits,
    routes: Arc<Routes>,
}

impl fmt::Debug for PayingClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayingClient")
            .field("wallet", &self.0.wallet)
            .field("schemes", &self.0.schemes)
            .finish_non_exhaustive()
    }
}

/// A request as it is sent, as often as it takes.
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What was tried already.
#[derive(Default)]
struct Tries {
    requests: u32,
    payments: u32,
    corrected: bool,
    credit: bool,
    later: u32,
}

enum Turn {
    Done(Box<PaidResponse>),
    Pay(Box<Pinned>),
}

impl PayingClient {
    /// Pays from `wallet` what is reached through `egress`, with any scheme that the wallet pays,
    /// z402 first.
    #[must_use]
    pub fn new(egress: Egress, wallet: Wallet) -> Self {
        Self(Arc::new(Parts {
            egress,
            wallet,
            schemes: Scheme::ALL.to_vec(),
            at_most: None,
            limits: ExchangeLimits::default(),
            routes: Arc::default(),
        }))
    }

    /// Pays with these schemes only, the first that will do.
    #[must_use]
    pub fn schemes(mut self, schemes: impl IntoIterator<Item = Scheme>) -> Self {
        Arc::make_mut(&mut self.0).schemes = schemes.into_iter().collect();
        self
    }

    /// Pays at most this for one request, in base units of the policy's asset; the policy's own
    /// bounds hold beside it.
    #[must_use]
    pub fn at_most(mut self, max: BaseUnits) -> Self {
        Arc::make_mut(&mut self.0).at_most = Some(max);
        self
    }

    /// Bounds on one exchange; a paid one may take as long as its terms say.
    #[must_use]
    pub fn limits(mut self, limits: ExchangeLimits) -> Self {
        Arc::make_mut(&mut self.0).limits = limits;
        self
    }

    /// Fetches `url`, and pays for it if it costs something.
    ///
    /// # Errors
    /// [`PayError`]. A status that means failure is not an error here.
    pub async fn get(&self, url: &str) -> Result<PaidResponse, PayError> {
        self.request(Method::GET, url, HeaderMap::new(), Bytes::new())
            .await
    }

    /// Sends a request, and pays for it if it costs something.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn request(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<PaidResponse, PayError> {
        let url = self.0.egress.vet(url)?;
        let mut outgoing = Outgoing {
            method,
            url,
            headers,
            body,
        };
        strip(&mut outgoing.headers);
        Box::pin(self.run(&outgoing)).await
    }

    /// The same for a request that was built with reqwest. It is sent by our own door out, not by
    /// the client it was built with.
    ///
    /// # Errors
    /// [`PayError::StreamBody`] for a body that is not in memory, and as [`get`](Self::get).
    pub async fn execute(&self, request: reqwest::Request) -> Result<PaidResponse, PayError> {
        let body = match request.body() {
            None => Bytes::new(),
            Some(body) => Bytes::copy_from_slice(body.as_bytes().ok_or(PayError::StreamBody)?),
        };
        let (method, headers) = (request.method().clone(), request.headers().clone());
        self.request(method, request.url().as_str(), headers, body)
            .await
    }

    /// Forgets the terms of a route, so that changed ones can be taken.
    ///
    /// # Errors
    /// [`PayError::Egress`] when `url` is none that is called.
    pub fn forget(&self, method: &Method, url: &str) -> Result<(), PayError> {
        let url = self.0.egress.vet(url)?;
        self.0.routes.forget(&Route::of(method, &url));
        Ok(())
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.0
    }

    async fn run(&self, outgoing: &Outgoing) -> Result<PaidResponse, PayError> {
        let route = Route::of(&outgoing.method, &outgoing.url);
        let known = self.0.routes.get(&route);
        let mut tries = Tries::default();
        let mut turn = match known.filter(Pinned::can_prepay) {
            Some(pinned) => Turn::Pay(Box::new(pinned)),
            None => self.unpaid(outgoing, &route, &mut tries).await?,
        };
        loop {
            turn = match turn {
                Turn::Done(response) => return Ok(*response),
                Turn::Pay(pinned) => self.paid(outgoing, &route, &pinned, &mut tries).await?,
            };
        }
    }

    async fn unpaid(
        &self,
        outgoing: &Outgoing,
        route: &Route,
        tries: &mut Tries,
    ) -> Result<Turn, PayError> {
        tries.requests = tries.requests.saturating_add(1);
        let headers = outgoing.headers.clone();
        let response = self.send(outgoing, headers, self.0.limits).await?;
        if response.status != StatusCode::PAYMENT_REQUIRED {
            return Ok(Turn::Done(Box::new(answer(response, None, tries))));
        }
        let asked = Asked::read(&response)?;
        let pinned = self.chosen(outgoing, route, &asked)?;
        Ok(Turn::Pay(Box::new(pinned)))
    }

    /// The way to pay that is taken of those asked for; refused if it is not what was agreed.
    fn chosen(
        &self,
        outgoing: &Outgoing,
        route: &Route,
        asked: &Asked,
    ) -> Result<Pinned, PayError> {
        let required = &asked.required;
        let offer = self
            .0
            .wallet
            .choose(required, &self.0.schemes, self.0.at_most);
        let resource = ResourceInfo {
            url: outgoing.url.to_string(),
            ..required.resource.clone()
        };
        let fresh = Pinned {
            offer: offer?,
            resource,
            extensions: required.extensions.clone(),
            version: asked.version,
        };
        if let Some(pinned) = self.0.routes.get(route) {
            pinned.holds_against(&fresh)?;
        }
        self.0.routes.pin(route, fresh.clone());
        Ok(fresh)
    }

    async fn paid(
        &self,
        outgoing: &Outgoing,
        route: &Route,
        pinned: &Pinned,
        tries: &mut Tries,
    ) -> Result<Turn, PayError> {
        tries.payments = tries.payments.saturating_add(1);
        let wallet = &self.0.wallet;
        let resource = ResourceInfo {
            url: outgoing.url.to_string(),
            ..pinned.resource.clone()
        };
        let request = OfferRequest {
            offer: &pinned.offer,
            skill: outgoing.url.path(),
            offered: Some(self.0.at_most.unwrap_or(pinned.offer.amount())),
            resource: &resource,
            extensions: &pinned.extensions,
        };
        let payment = wallet.pay_offer(request).await?;
        let (response, sent) = self.deliver(outgoing, pinned, &payment, tries).await?;
        if response.status != StatusCode::PAYMENT_REQUIRED {
            let done = self.settle(response, pinned, &payment, tries).await?;
            return Ok(Turn::Done(Box::new(done)));
        }
        self.refused(outgoing, route, pinned, payment, &response, sent, tries)
            .await
    }

    /// Sends a paid request, and again with the same payment if its answer was lost and that is
    /// safe. Gives how often it was sent.
    async fn deliver(
        &self,
        outgoing: &Outgoing,
        pinned: &Pinned,
        payment: &Payment,
        tries: &mut Tries,
    ) -> Result<(Response, u32), PayError> {
        let mut headers = outgoing.headers.clone();
        attach(&mut headers, &payment.payload, pinned.version)?;
        let allowed = Duration::from_secs(pinned.offer.requirements().max_timeout_seconds)
            .saturating_add(limits::EXCHANGE_MARGIN)
            .min(limits::EXCHANGE_WAIT_MAX);
        let bounds = self.0.limits.within(self.0.limits.total.max(allowed));
        // A seller that does not know ids would work twice for a repeated POST.
        let again = outgoing.method.is_idempotent() || pinned.knows_ids();
        let mut sent = 0;
        loop {
            tries.requests = tries.requests.saturating_add(1);
            let error = match self.send(outgoing, headers.clone(), bounds).await {
                Ok(response) => return Ok((response, sent)),
                Err(error) => error,
            };
            if error.is_unsent() && sent == 0 {
                self.0.wallet.void(&payment.id).await?;
                return Err(error.into());
            }
            if !again || sent >= limits::LOST_RETRIES_MAX {
                self.0.wallet.mark_unknown(&payment.id).await?;
                let payment_id = payment.id.clone();
                return Err(PayError::Lost { payment_id, error });
            }
            sent = sent.saturating_add(1);
        }
    }

    async fn settle(
        &self,
        response: Response,
        pinned: &Pinned,
        payment: &Payment,
        tries: &Tries,
    ) -> Result<PaidResponse, PayError> {
        let offer = &pinned.offer;
        let mut paid = HttpPayment::of(payment, offer.asset(), offer.pay_to());
        let Some(receipt) = receipt(&response.headers) else {
            self.0.wallet.mark_unknown(&payment.id).await?;
            return Ok(answer(response, Some(paid), tries));
        };
        let confirmed = self.0.wallet.confirm(&payment.id, &receipt).await;
        match confirmed {
            Ok(confirmed) => {
                paid.charged = Some(confirmed.charged);
                let named = !receipt.transaction.is_empty();
                paid.transaction = named.then(|| shorten(&receipt.transaction));
                Ok(answer(response, Some(paid), tries))
            }
            Err(ReceiptError::Wallet(error)) => Err(error.into()),
            Err(error) => Err(PayError::Receipt {
                error,
                response: Box::new(answer(response, Some(paid), tries)),
            }),
        }
    }

    /// The seller answered a payment with another 402.
    #[allow(clippy::too_many_arguments, reason = "one step of one request")]
    async fn refused(
        &self,
        outgoing: &Outgoing,
        route: &Route,
        pinned: &Pinned,
        payment: Payment,
        response: &Response,
        resent: u32,
        tries: &mut Tries,
    ) -> Result<Turn, PayError> {
        let wallet = &self.0.wallet;
        let told = receipt(&response.headers).filter(|receipt| !receipt.success);
        // After a lost answer the refusal may mean that the first try was taken.
        if resent > 0 {
            wallet.mark_unknown(&payment.id).await?;
        } else {
            wallet.refused(&payment.id).await?;
        }
        let asked = Asked::read(response)?;
        let why = asked.required.error.clone();
        let why = why.or_else(|| told.and_then(|receipt| receipt.error_reason));
        let why = why.unwrap_or_default();
        let refused = || PayError::Refused {
            code: Untrusted::new(shorten(&why)),
        };
        if tries.payments >= limits::PAYMENTS_PER_REQUEST_MAX {
            return Err(refused());
        }
        let again = match why.as_str() {
            codes::CUMULATIVE_AMOUNT_MISMATCH if !tries.corrected => {
                tries.corrected = true;
                self.correct(&asked.required, pinned, &payment).await?
            }
            // It lost its books after it had claimed: the chain says where they are.
            codes::CUMULATIVE_BELOW_CLAIMED if !tries.corrected => {
                tries.corrected = true;
                wallet.refresh_batches().await?;
                true
            }
            "invalid_z402_ceiling_too_low" if !tries.corrected => {
                tries.corrected = true;
                match correction(&asked.required) {
                    Some(theirs) => {
                        wallet.correct(payment.channel_id, &theirs).await?;
                        true
                    }
                    None => false,
                }
            }
            // The wallet has forgotten its credit, so the next payment is signed.
            "invalid_z402_credit_token" | "invalid_z402_credit_expired" if !tries.credit => {
                tries.credit = true;
                true
            }
            codes::CHANNEL_BUSY
            | "invalid_z402_lock_unknown"
            | "invalid_z402_chain_state_stale"
            | "invalid_z402_too_many_in_flight"
            | "invalid_z402_exposure_exceeded"
            | "payment_temporarily_unavailable"
                if tries.later < limits::LATER_MAX =>
            {
                // Channel and slot go back before the pause.
                drop(payment);
                let pause = limits::LATER_PAUSE.saturating_mul(2_u32.saturating_pow(tries.later));
                tries.later = tries.later.saturating_add(1);
                tokio::time::sleep(pause).await;
                true
            }
            _ => false,
        };
        // What it asks for now must be what was agreed, also when it refuses for another reason.
        let fresh = self.chosen(outgoing, route, &asked)?;
        let cheaper = fresh.offer.amount() < pinned.offer.amount();
        if !(again || cheaper) || resent > 0 {
            return Err(refused());
        }
        Ok(Turn::Pay(Box::new(fresh)))
    }

    async fn correct(
        &self,
        required: &PaymentRequired,
        pinned: &Pinned,
        payment: &Payment,
    ) -> Result<bool, PayError> {
        let wallet = &self.0.wallet;
        let like = |entry: &&agent_core::x402::PaymentRequirements| {
            let offer = wallet.read_offer(entry, required.mode);
            offer.is_ok_and(|offer| offer.is_like(&pinned.offer))
        };
        match required.accepts.iter().find(like) {
            Some(entry) => {
                wallet.correct_batch(&payment.id, entry).await?;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    pub(super) async fn send(
        &self,
        outgoing: &Outgoing,
        headers: HeaderMap,
        bounds: ExchangeLimits,
    ) -> Result<Response, EgressError> {
        let (method, body) = (outgoing.method.clone(), outgoing.body.clone());
        self.0
            .egress
            .send(method, outgoing.url.as_str(), headers, body, bounds)
            .await
    }
}

fn answer(response: Response, payment: Option<HttpPayment>, tries: &Tries) -> PaidResponse {
    PaidResponse {
        status: response.status,
        headers: response.headers,
        bytes: response.bytes,
        payment,
        requests: tries.requests,
    }
}
