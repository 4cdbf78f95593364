use super::buyer::{BuyerOptions, searched};
use super::{Failure, show};
use agent_client::buyer::{Buyer, BuyerError};
use agent_client::discover::{Candidate, Found, Query};
use serde_json::{Value, json};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The skill to look for.
    skill: String,
    /// Only at most this dear, for example "0.01 USDC".
    #[arg(long, value_name = "AMOUNT")]
    max_price: Option<String>,
    /// Only those that evidence does not show to be worse, from 0 to 1.
    #[arg(long, value_name = "SHARE")]
    min_trust: Option<f64>,
    /// Only those of whom this much is known, from 0 (all) to 1 (nothing).
    #[arg(long, value_name = "SHARE")]
    max_uncertainty: Option<f64>,
    /// Only if the skill carries this tag; can be given several times.
    #[arg(long)]
    tag: Vec<String>,
    /// Say who was left out, and why.
    #[arg(short, long)]
    verbose: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    buyer: BuyerOptions,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let buyer = arguments.buyer.open().await?;
    let done = find(&arguments, &buyer).await;
    buyer.close().await;
    done
}

async fn find(arguments: &Arguments, buyer: &Buyer) -> Result<(), Failure> {
    let mut query = Query::skill(&arguments.skill);
    if let Some(amount) = &arguments.max_price {
        query = query.max_price(amount);
    }
    if let Some(share) = arguments.min_trust {
        query = query.min_trust(share);
    }
    if let Some(share) = arguments.max_uncertainty {
        query = query.max_uncertainty(share);
    }
    for tag in &arguments.tag {
        query = query.tag(tag);
    }
    let offers = Box::pin(buyer.find(query)).await;
    let offers = offers.map_err(|error| match error {
        BuyerError::Discover(error) => searched(error),
        error => Failure::work(error),
    })?;
    let found = offers.found();
    if arguments.json {
        show::document(&in_json(arguments, buyer, found));
    } else {
        in_words(arguments, found);
    }
    // That nobody fits is an answer, and one that a script has to notice.
    found.best().map(drop).map_err(Failure::work)
}

fn in_words(arguments: &Arguments, found: &Found) {
    for (place, candidate) in (1_u32..).zip(&found.candidates) {
        println!(
            "{place}. {} at {}",
            candidate.name(),
            candidate.remote.card_url()
        );
        for reason in candidate.reasons() {
            println!("   {reason}");
        }
    }
    if arguments.verbose {
        for out in &found.left_out {
            println!("left out: {} ({}): {}", out.agent, out.code, out.why);
        }
    }
}

fn in_json(arguments: &Arguments, buyer: &Buyer, found: &Found) -> Value {
    let candidates: Vec<Value> = found
        .candidates
        .iter()
        .map(|candidate| candidate_json(buyer, candidate))
        .collect();
    let left_out = arguments.verbose.then(|| {
        let left_out = found.left_out.iter();
        left_out
            .map(|out| json!({"agent": out.agent, "code": out.code, "why": out.why}))
            .collect::<Vec<_>>()
    });
    json!({
        "candidates": candidates,
        "left_out_count": found.left_out.len(),
        "left_out": left_out,
    })
}

fn candidate_json(buyer: &Buyer, candidate: &Candidate) -> Value {
    let price = candidate
        .price
        .as_ref()
        .map(|(amount, asset)| show::amount_json(buyer.assets(), asset.id(), *amount));
    json!({
        "agent": candidate.agent,
        "name": candidate.name().as_received(),
        "url": candidate.remote.card_url().as_str(),
        "skill": candidate.skill,
        "price": price,
        "trust": super::evidence::score_json(&candidate.score),
        "domain_verified": candidate.domain_verified,
        "reasons": candidate.reasons(),
    })
}
