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

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Action {
    /// What was said of the agent, each item with its grade of evidence.
    List,
    /// The same with every step of the evidence; fails unless the chain confirms a payment behind
    /// every item that was not taken back.
    Verify,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let buyer = arguments.buyer.open().await?;
    let done = review(&arguments, &buyer).await;
    buyer.close().await;
    done
}

async fn review(arguments: &Arguments, buyer: &Buyer) -> Result<(), Failure> {
    let (agent, explained) = evidence::of(buyer, &arguments.agent).await?;
    let verify = arguments.action == Action::Verify;
    let standing = || explained.items.iter().filter(|item| !item.feedback.revoked);
    let said = standing().count();
    let confirmed = standing()
        .filter(|item| evidence::is_paid_for(item))
        .count();
    if arguments.json {
        let items = explained.items.iter();
        let items: Vec<Value> = items.map(|item| evidence::item_json(buyer, item)).collect();
        show::document(
            &json!({"agent": agent, "items": items, "standing": said, "confirmed": confirmed}),
        );
    } else {
        for item in &explained.items {
            println!("{}", evidence::line(buyer, item));
            if verify {
                for reason in evidence::reasons(item) {
                    println!("  {reason}");
                }
            }
        }
        eprintln!("{confirmed} of {said} are by somebody who paid, as the chain confirms");
    }
    if verify && confirmed < said {
        let unproven = said.saturating_sub(confirmed);
        return Err(Failure::work(format!(
            "{unproven} of {said} items have no confirmed payment behind them"
        )));
    }
    Ok(())
}
