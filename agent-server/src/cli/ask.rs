use super::Failure;
use agent_client::buyer::{Answer, Buyer, BuyerBuilder, Seller};
use agent_client::egress::EgressPolicy;
use agent_client::settings::ChainSettings;
use agent_core::money::BaseUnits;
use agent_core::skill::text_field;
use agent_core::x402::{PaymentTerms, SkillTerms};
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where the agent is.
    url: String,
    /// Which of its skills.
    skill: String,
    /// What to ask: JSON, or words if the skill takes text.
    #[arg(required = true)]
    input: Vec<String>,
    /// The buyer's configuration.
    #[arg(long, default_value = "buyer.toml", conflicts_with = "devnet")]
    config: PathBuf,
    /// Pay with this well-known key of the development chain on this machine, without a file.
    #[arg(long, value_name = "NUMBER")]
    devnet: Option<u8>,
    /// Where the development buyer keeps its wallet.
    #[arg(long, default_value = "buyer-data", requires = "devnet")]
    data_dir: PathBuf,
    /// Say what it would cost, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object with the answer and what was paid.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let buyer = open(&arguments).await?;
    let seller = buyer.connect(&arguments.url).await.map_err(Failure::work)?;
    let terms = seller.remote().terms();
    let skill = terms.and_then(|terms| terms.skills.get(&arguments.skill));
    if let (Some(terms), Some(skill)) = (terms, skill)
        && !skill.amount.is_zero()
    {
        eprintln!("costs at most {}", bill(&buyer, terms, skill.amount));
    }
    if !arguments.dry_run {
        ask(&arguments, &seller, skill).await?;
    }
    buyer.close().await;
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
        println!(
            "{}",
            json!({"output": output, "task_id": task.id, "charged_base_units": charged, "payment_id": payment_id})
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
        _ => println!("{output:#}"),
    }
    Ok(())
}

/// Asset, amount, chain and recipient in one line.
fn bill(buyer: &Buyer, terms: &PaymentTerms, amount: BaseUnits) -> String {
    let known = buyer.assets().by_id(terms.asset.id());
    let amount = known.map_or_else(
        || format!("{amount} base units"),
        |asset| asset.show(amount),
    );
    format!("{amount} on {} to {}", terms.asset.network, terms.pay_to)
}

async fn open(arguments: &Arguments) -> Result<Buyer, Failure> {
    let Some(number) = arguments.devnet else {
        return Buyer::open(&arguments.config).await.map_err(Failure::usage);
    };
    let key = crate::config::KeyConfig::Devnet(number)
        .read()
        .map_err(Failure::usage)?;
    let chain = ChainSettings::devnet(ChainSettings::DEVNET_RPC_URL);
    let builder: BuyerBuilder = Buyer::builder(chain, key, &arguments.data_dir);
    let builder = builder.egress(EgressPolicy::strict().allow_loopback());
    builder.open().await.map_err(Failure::usage)
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
