//! What a skill is and what it costs, for programs and for people.

use super::super::App;
use super::super::page::{self, Page};
use crate::paid::reply;
use crate::skills::SkillEntry;
use agent_core::json::Json;
use agent_core::x402::{PaymentRequired, PaymentTerms, SkillTerms, v1};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, VARY};
use axum::response::Response;
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

/// For programs.
pub(super) fn json(
    app: &App,
    entry: &SkillEntry,
    url: &Url,
    required: Option<&PaymentRequired>,
) -> Response {
    let about = &entry.about;
    let priced = priced(app, entry);
    let about = json!({
        "id": about.id,
        "name": about.name,
        "description": about.description,
        "tags": about.tags,
        "examples": about.examples,
        "url": url.as_str(),
        "method": "POST",
        "price": priced.map(|(terms, skill)| json!({
            "text": text(terms, skill),
            "amount": skill.amount,
            "asset": terms.asset.address,
            "network": terms.asset.network.to_string(),
            "unit": skill.unit,
            "unitAmount": skill.unit_amount,
            "variable": skill.variable,
        })),
        "inputSchema": schema(&entry.skill.input_schema()),
        "outputSchema": schema(&entry.skill.output_schema()),
    });
    let terms = required.map(reply::in_v1);
    let mut response = reply::json(&Told { about, terms });
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    response
}

/// What a skill is, and beside it the terms where clients of x402 version 1 look for them.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    about: Value,
    #[serde(flatten)]
    terms: Option<v1::PaymentRequired>,
}

/// For people.
pub(super) fn page(app: &App, entry: &SkillEntry, url: &Url) -> Response {
    let priced = priced(app, entry);
    let price = priced.map(|(terms, skill)| text(terms, skill));
    page::response(&Page {
        title: &entry.about.name,
        about: Some(&entry.about.description),
        method: "POST",
        url: url.as_str(),
        price: price.as_deref(),
        terms: priced.map(|(terms, _)| terms),
        schema: Some(&schema(&entry.skill.input_schema())),
    })
}

fn priced<'a>(app: &'a App, entry: &SkillEntry) -> Option<(&'a PaymentTerms, &'a SkillTerms)> {
    let terms = app.service.gate()?.terms();
    let skill = terms.skills.get(&entry.about.id)?;
    (!skill.amount.is_zero()).then_some((terms, skill))
}

/// A price as people say it.
fn text(terms: &PaymentTerms, skill: &SkillTerms) -> String {
    let ceiling = terms.asset.show(skill.amount);
    match (skill.unit_amount, skill.variable) {
        (Some(each), _) => {
            let each = terms.asset.show(each);
            format!("{each} per {}, at most {ceiling}", skill.unit)
        }
        (None, true) => format!("at most {ceiling}"),
        (None, false) => ceiling,
    }
}

fn schema(schema: &schemars::Schema) -> Json {
    Json::from_value(schema).unwrap_or_default()
}
