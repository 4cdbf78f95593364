use super::buyer::BuyerOptions;
use super::{Failure, evidence, show};
use agent_client::buyer::Buyer;
use serde_json::{Value, json};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What to do.
    #[arg(value_enum)]
    action: Action,
    /// The agent: its global id, its number in the configured registry, or its URL.
    agent: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    buyer: BuyerOptions,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Action {
    /// The score, and the evidence for each piece of feedback that it is made of.
    Explain,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Action::Explain = arguments.action;
    let buyer = arguments.buyer.open().await?;
    let done = explain(&arguments, &buyer).await;
    buyer.close().await;
    done
}

async fn explain(arguments: &Arguments, buyer: &Buyer) -> Result<(), Failure> {
    let (agent, explained) = evidence::of(buyer, &arguments.agent).await?;
    if arguments.json {
        let items = explained.items.iter();
        let items: Vec<Value> = items.map(|item| evidence::item_json(buyer, item)).collect();
        let score = evidence::score_json(&explained.score);
        show::document(&json!({"agent": agent, "trust": score, "items": items}));
        return Ok(());
    }
    println!("{agent}: trust {}", explained.score);
    for reason in &explained.score.reasons {
        println!("  {reason}");
    }
    for item in &explained.items {
        println!("{}", evidence::line(buyer, item));
        for reason in evidence::reasons(item) {
            println!("  {reason}");
        }
    }
    Ok(())
}
