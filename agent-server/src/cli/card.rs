mod keygen;
mod sign;
mod verify;

use super::buyer::BuyerOptions;
use super::{Failure, show};
use agent_client::buyer::Buyer;
use agent_client::call::limits::CARD_BYTES_MAX;
use agent_client::call::{CallOptions, RemoteAgent};
use agent_core::untrusted::{printable_lines, shorten};
use agent_core::x402::{PaymentTerms, SkillTerms};
use std::io::Read as _;
use std::path::Path;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// Where the agent is.
    #[arg(required = true)]
    url: Option<String>,
    /// Print the card itself.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    buyer: BuyerOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a key that signs cards.
    Keygen(keygen::Arguments),
    /// Sign a card in a file.
    Sign(sign::Arguments),
    /// Check the signatures of a card.
    Verify(verify::Arguments),
}

pub(super) async fn run(mut arguments: Arguments) -> Result<(), Failure> {
    match arguments.action.take() {
        Some(Action::Keygen(arguments)) => return keygen::run(&arguments),
        Some(Action::Sign(arguments)) => return sign::run(arguments),
        Some(Action::Verify(arguments)) => return verify::run(arguments).await,
        None => {}
    }
    let buyer = arguments.buyer.open().await?;
    let done = show_card(&arguments, &buyer).await;
    buyer.close().await;
    done
}

async fn show_card(arguments: &Arguments, buyer: &Buyer) -> Result<(), Failure> {
    let url = arguments.url.as_deref().unwrap_or_default();
    let options = CallOptions::default().trusting(buyer.card_trust().clone());
    let remote = RemoteAgent::connect_with(buyer.egress(), url, options).await;
    let remote = remote.map_err(Failure::work)?;
    let identity = identity(buyer, remote.terms()).await;
    let card = remote.card();
    if arguments.json {
        show::document(&serde_json::to_value(card).map_err(Failure::work)?);
        eprintln!("identity: {identity}");
        eprintln!("signature: {}", remote.card_standing());
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
    println!("signature {}", remote.card_standing());
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

/// A file of at most as many bytes as a card may have.
fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::usage(format!("cannot read {}: {error}", path.display()));
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    let max = u64::try_from(CARD_BYTES_MAX).unwrap_or(u64::MAX);
    file.take(max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > CARD_BYTES_MAX {
        let shown = path.display();
        return Err(Failure::usage(format!(
            "{shown} has more than {CARD_BYTES_MAX} bytes"
        )));
    }
    Ok(bytes)
}
