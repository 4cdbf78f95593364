use super::buyer::BuyerOptions;
use super::{Failure, show};
use agent_client::buyer::Buyer;
use agent_client::call::RemoteAgent;
use agent_core::untrusted::{printable_lines, shorten};
use agent_core::x402::{PaymentTerms, SkillTerms};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where the agent is.
    url: String,
    /// Print the card itself.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    buyer: BuyerOptions,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let buyer = arguments.buyer.open().await?;
    let done = show_card(&arguments, &buyer).await;
    buyer.close().await;
    done
}

async fn show_card(arguments: &Arguments, buyer: &Buyer) -> Result<(), Failure> {
    let remote = RemoteAgent::connect(buyer.egress(), &arguments.url).await;
    let remote = remote.map_err(Failure::work)?;
    let identity = identity(buyer, remote.terms()).await;
    let card = remote.card();
    if arguments.json {
        show::document(&serde_json::to_value(card).map_err(Failure::work)?);
        eprintln!("identity: {identity}");
        return Ok(());
    }
    println!("name      {}", shorten(&card.name));
    println!("about     {}", shorten(&card.description));
    println!("endpoint  {}", remote.endpoint());
    match remote.terms() {
        Some(terms) => println!("paid to   {} on {}", terms.pay_to, terms.asset.network),
        None => println!("paid to   nobody: it names no prices"),
    }
    println!("identity  {identity}");
    for skill in &card.skills {
        let price = remote
            .terms()
            .and_then(|terms| Some((terms, terms.skills.get(&skill.id)?)))
            .map_or_else(
                || "free".to_owned(),
                |(terms, skill)| price(buyer, terms, skill),
            );
        println!("skill     {}: {price}", shorten(&skill.id));
        println!("          {}", shorten(&skill.description));
        if !skill.tags.is_empty() {
            println!("          tags: {}", shorten(&skill.tags.join(", ")));
        }
    }
    Ok(())
}

/// What one task costs. Decimals and symbol are our own: the card's are a claim of its seller's.
fn price(buyer: &Buyer, terms: &PaymentTerms, skill: &SkillTerms) -> String {
    if skill.amount.is_zero() {
        return "free".to_owned();
    }
    let show = |amount| show::amount(buyer.assets(), terms.asset.id(), amount);
    let most = if skill.variable { "at most " } else { "" };
    let mut price = format!("{most}{} per task", show(skill.amount));
    if let Some(each) = skill.unit_amount {
        price.push_str(&format!(", {} per {}", show(each), shorten(&skill.unit)));
    }
    price
}

/// Whether the card is that of the agent it claims to be: the registry decides.
async fn identity(buyer: &Buyer, terms: Option<&PaymentTerms>) -> String {
    let Some(terms) = terms else {
        return "none claimed".to_owned();
    };
    let registry = buyer.discovery().registry();
    match registry.check_payee(terms, None, None).await {
        Ok(Some(agent)) => format!("{agent}, verified: the registry knows who is paid as its own"),
        Ok(None) => "none claimed".to_owned(),
        Err(refusal) => format!(
            "NOT verified: {}",
            printable_lines(&refusal.to_string()).replace('\n', " ")
        ),
    }
}
