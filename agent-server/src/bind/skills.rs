//! Skills over plain HTTP: `POST /skills/{id}` with the input as JSON, paid as x402 says.
//!
//! | request | answer |
//! |---|---|
//! | `GET` | name, price and schemas as JSON, with 402 and the terms if it has a price; for a browser a page |
//! | any, with a payment that asks for the rest of its channel back | what became of that |
//! | `POST` without a payment | 402 with the terms |
//! | `POST` with one | 200 and the skill's output |
//! | the same with `Prefer: respond-async` (RFC 7240) | 202 and where its task is |
//!
//! The status of a task that has ended otherwise: failed 500, rejected 422, canceled 409, none of
//! which is charged. One that asks its caller something goes on over A2A: 202 and where.

mod about;
mod answer;
mod prefer;

use super::door::{self, Peer, Refused};
use super::{App, body, page};
use crate::paid::desk::{Desk, receipt_in};
use crate::paid::header::{self, Presented};
use crate::paid::reply;
use crate::service::{Order, Sent, Sold, parse_task};
use crate::tasks::Ended;
use agent_core::a2a::A2aError;
use agent_core::json::Json;
use agent_core::money::BaseUnits;
use agent_core::untrusted::shorten;
use agent_core::x402::{PaymentRequired, ResourceInfo};
use answer::Asker;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT, ALLOW};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::Response;
use prefer::Preference;
use url::Url;

/// Media types that a caller may name; more than any browser does.
const ACCEPTED_MAX: usize = 32;

/// Tells what a skill is and what it costs.
pub(super) async fn get(
    State(app): State<App>,
    peer: Peer,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    match told(&app, peer, &id, &uri, &headers).await {
        Ok(response) => response,
        Err(refused) => failure(refused.challenged(&app.door)),
    }
}

async fn told(
    app: &App,
    peer: Peer,
    id: &str,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Response, Refused> {
    let Some(entry) = app.service.skill(id) else {
        return Ok(unknown(id));
    };
    let url = address(&base(app, peer, headers), id);
    match presented(headers) {
        Ok(None) => {}
        Ok(Some(payment)) => {
            door::enter(&app.door, peer, headers, uri.query()).await?;
            let back = given_back(app, &url, id, &payment).await?;
            return Ok(back.unwrap_or_else(use_post));
        }
        Err(response) => return Ok(*response),
    }
    if page::is_wanted(headers) {
        return Ok(about::page(app, entry, &url));
    }
    let Some(amount) = list_price(app, id) else {
        return Ok(about::json(app, entry, &url, None));
    };
    let required = required(app, &url, id, amount, None)?;
    let about = about::json(app, entry, &url, Some(&required));
    Ok(reply::payment_required(&required, None, Some(about)))
}

/// The payment of a request, or the answer to one that cannot be read.
fn presented(headers: &HeaderMap) -> Result<Option<Presented>, Box<Response>> {
    header::presented(headers).map_err(|malformed| {
        let (code, text) = (malformed.code(), malformed.to_string());
        Box::new(reply::failure(StatusCode::BAD_REQUEST, code, &text))
    })
}

/// What became of a payment that asks for the rest of its channel back; `None` for others.
async fn given_back(
    app: &App,
    url: &Url,
    id: &str,
    payment: &Presented,
) -> Result<Option<Response>, A2aError> {
    let (Some(payment), Some(price)) = (payment.refund(), list_price(app, id)) else {
        return Ok(None);
    };
    let answer = app.service.give_back(id, payment.clone(), price).await?;
    Ok(Some(match answer {
        Ok(answer) => reply::given_back(&answer),
        Err(refusal) => reply::refused(&refusal, || required(app, url, id, price, Some(&refusal))),
    }))
}

fn use_post() -> Response {
    let text = "a skill is paid for and asked with POST; nothing was charged";
    let mut response = reply::failure(StatusCode::METHOD_NOT_ALLOWED, "use_post", text);
    let allowed = HeaderValue::from_static("GET, HEAD, POST");
    response.headers_mut().insert(ALLOW, allowed);
    response
}

/// Does the work, if it is paid for.
pub(super) async fn post(
    State(app): State<App>,
    peer: Peer,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match answer(&app, peer, &id, &uri, &headers, body).await {
        Ok(response) => response,
        Err(refused) => failure(refused.challenged(&app.door)),
    }
}

async fn answer(
    app: &App,
    peer: Peer,
    id: &str,
    uri: &Uri,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let call = door::enter(&app.door, peer, headers, uri.query()).await?;
    if app.service.skill(id).is_none() {
        return Ok(unknown(id));
    }
    let payment = match presented(headers) {
        Ok(payment) => payment,
        Err(response) => return Ok(*response),
    };
    let base = base(app, peer, headers);
    let url = address(&base, id);
    if let Some(payment) = &payment
        && let Some(response) = given_back(app, &url, id, payment).await?
    {
        return Ok(response);
    }
    // The room is held until the answer is there: the request lives on in it.
    let (bytes, _room) =
        body::read(body, headers, &app.bodies)
            .await
            .map_err(|(status, error)| Refused {
                status,
                ..Refused::from(error)
            })?;
    // Who only wants to know the price need not know what to send.
    if let Some(amount) = list_price(app, id)
        && bytes.is_empty()
        && payment.is_none()
    {
        let required = required(app, &url, id, amount, None)?;
        return Ok(reply::payment_required(&required, None, None));
    }
    let input = match bytes.as_ref() {
        [] => "{}".to_owned(),
        bytes => String::from_utf8(bytes.to_vec())
            .map_err(|_| A2aError::invalid_params("the body is not UTF-8 text"))?,
    };
    let preference = Preference::read(headers);
    let is_v1 = payment.as_ref().is_some_and(Presented::is_v1);
    let order = Order {
        skill: id.to_owned(),
        input,
        payment,
        accepts: accepted(headers),
        at_once: preference.is_some(),
    };
    let asker = Asker {
        base: &base,
        preference,
        is_v1,
    };
    Ok(match app.service.sell(&call, order).await? {
        Sold::Unpaid(amount, None) => {
            let required = required(app, &url, id, amount, None)?;
            reply::payment_required(&required, None, None)
        }
        Sold::Unpaid(amount, Some(refusal)) => {
            reply::refused(&refusal, || required(app, &url, id, amount, Some(&refusal)))
        }
        Sold::Spent(task) => {
            let mut response = reply::failure(
                StatusCode::CONFLICT,
                "payment_already_used",
                "this payment was used before; send an id of your own with a payment to have its \
                 answer again later",
            );
            let receipt = receipt_in(&parse_task(&task)?);
            reply::seal(&mut response, receipt.as_ref(), is_v1);
            response
        }
        Sold::Sent(Sent::Still(task, _)) => asker.of_task(&task)?,
        Sold::Sent(Sent::Direct(message)) => asker.of_message(&message)?,
        Sold::Sent(Sent::Live(live)) => {
            let ended = match preference {
                None => Some(live.ended().await),
                Some(preference) => {
                    let waited = tokio::time::timeout(preference.wait, live.ended());
                    waited.await.ok()
                }
            };
            match ended {
                None => asker.later(live.id(), "the task is being worked on"),
                Some(Ended::Stored(task, _)) => asker.of_task(&task)?,
                Some(Ended::Direct(message)) => asker.of_message(&message)?,
                Some(Ended::Lost(error)) => return Err(error.into()),
            }
        }
    })
}

/// What the card says that a skill costs; `None` when it is free.
fn list_price(app: &App, id: &str) -> Option<BaseUnits> {
    let terms = app.service.gate()?.terms().skills.get(id)?;
    (!terms.amount.is_zero()).then_some(terms.amount)
}

fn required(
    app: &App,
    url: &Url,
    id: &str,
    amount: BaseUnits,
    refusal: Option<&crate::gate::GateRefusal>,
) -> Result<PaymentRequired, A2aError> {
    let gate = app.service.gate().ok_or_else(|| {
        A2aError::internal("a skill has a price, and the agent no way to be paid")
    })?;
    let about = app.service.skill(id).map(|entry| &entry.about);
    let resource = ResourceInfo {
        url: url.to_string(),
        description: about.map(|about| about.description.clone()),
        mime_type: Some("application/json".to_owned()),
    };
    Desk::new(gate).required(id, resource, amount, false, refusal)
}

/// Where we are, as whoever asks reaches us.
fn base(app: &App, peer: Peer, headers: &HeaderMap) -> Url {
    let seen = peer.0.and_then(|peer| app.door.proxy.base(headers, peer));
    seen.unwrap_or_else(|| app.cards.base().clone())
}

fn address(base: &Url, id: &str) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["skills", id]);
    }
    url
}

fn accepted(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(ACCEPT).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let ranges = values.flat_map(|value| value.split(','));
    let ranges = ranges.map(|range| range.trim().to_owned());
    ranges
        .filter(|range| !range.is_empty())
        .take(ACCEPTED_MAX)
        .collect()
}

fn unknown(id: &str) -> Response {
    let text = format!("there is no skill `{}`", shorten(id));
    reply::failure(StatusCode::NOT_FOUND, "unknown_skill", &text)
}

fn failure(refused: Refused) -> Response {
    let Refused {
        status,
        error,
        headers,
    } = refused;
    super::jsonrpc::log(&error);
    let code = error.detail().unwrap_or_else(|| error.code().reason());
    let mut text = error.message().to_owned();
    for violation in error.violations() {
        text.push_str(&format!("; {}: {}", violation.field, violation.description));
    }
    let mut response = match status {
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            reply::busy(status, code, &text)
        }
        status => reply::failure(status, code, &text),
    };
    response.headers_mut().extend(headers);
    response
}

/// The text of JSON that is JSON already.
fn text_of(json: &Json) -> Body {
    Body::from(json.get().to_owned())
}
