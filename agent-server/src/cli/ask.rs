use super::approve::AtTerminal;
use super::buyer::BuyerOptions;
use super::calling::CallArguments;
use super::{Failure, show};
use agent_client::buyer::{Answer, Buyer, Seller};
use agent_client::call::CallOptions;
use agent_core::money::BaseUnits;
use agent_core::skill::text_field;
use agent_core::x402::{PaymentTerms, SkillTerms};
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where the agent is.
    url: String,
    /// Which of its skills.
    skill: String,
    /// What to ask: JSON, or words if the skill takes text.
    #[arg(required = true)]
    input: Vec<String>,
    /// Say what it would cost, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object with the answer and what was paid.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    calling: CallArguments,
    #[command(flatten)]
    buyer: BuyerOptions,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let options = arguments.calling.options(&arguments.url)?;
    let buyer = arguments.buyer.open().await?;
    if let Some(terminal) = AtTerminal::if_there(buyer.assets().clone()) {
        buyer.wallet().set_approver(Arc::new(terminal));
    }
    let done = Box::pin(ask_or_tell(&arguments, &buyer, options)).await;
    buyer.close().await;
    done
}

async fn ask_or_tell(
    arguments: &Arguments,
    buyer: &Buyer,
    options: CallOptions,
) -> Result<(), Failure> {
    let seller = buyer.connect_with(&arguments.url, options).await;
    let seller = seller.map_err(Failure::work)?;
    let terms = seller.remote().terms();
    let skill = terms.and_then(|terms| terms.skills.get(&arguments.skill));
    if let (Some(terms), Some(skill)) = (terms, skill)
        && !skill.amount.is_zero()
    {
        eprintln!("costs at most {}", bill(buyer, terms, skill.amount));
    }
    if !arguments.dry_run {
        ask(arguments, &seller, skill).await?;
    }
    Ok(())
}

async fn ask(
    arguments: &Arguments,
    seller: &Seller,
    skill: Option<&SkillTerms>,
) -> Result<(), Failure> {
    let input = input(&arguments.input.join(" "), skill)?;
    let asked = Box::pin(seller.ask_in_full(&arguments.skill, &input)).await;
    let Answer::<Value> { output, paid, task } = asked.map_err(Failure::work)?;
    if let (Some(paid), Some(terms)) = (&paid, seller.remote().terms()) {
        eprintln!("paid {}", bill(seller.buyer(), terms, paid.charged));
    }
    if arguments.json {
        let charged = paid.as_ref().map(|paid| paid.charged);
        let payment_id = paid.as_ref().map(|paid| paid.payment_id.as_str());
        show::document(
            &json!({"output": output, "task_id": task.id, "charged_base_units": charged, "payment_id": payment_id}),
        );
        return Ok(());
    }
    // An answer of one text is for reading; anything else is data.
    match output
        .as_object()
        .map(|object| object.values().collect::<Vec<_>>())
        .as_deref()
    {
        Some([Value::String(text)]) => println!("{}", agent_core::untrusted::printable_lines(text)),
        _ => show::document(&output),
    }
    Ok(())
}

/// Asset, amount, chain and recipient in one line.
fn bill(buyer: &Buyer, terms: &PaymentTerms, amount: BaseUnits) -> String {
    let amount = show::amount(buyer.assets(), terms.asset.id(), amount);
    format!("{amount} on {} to {}", terms.asset.network, terms.pay_to)
}

fn input(text: &str, skill: Option<&SkillTerms>) -> Result<Value, Failure> {
    if text.trim_start().starts_with(['{', '[', '"']) {
        return serde_json::from_str(text).map_err(Failure::usage);
    }
    let schema = skill.and_then(|skill| skill.input_schema.parse::<Value>().ok());
    let field = schema
        .as_ref()
        .and_then(text_field)
        .unwrap_or_else(|| "text".to_owned());
    Ok(json!({ field: text }))
}
