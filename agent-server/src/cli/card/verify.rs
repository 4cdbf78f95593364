use super::super::Failure;
use super::read_file;
use agent_client::call::{CardStanding, CardTrust, SignatureMode, fetch_card};
use agent_client::egress::{Egress, EgressPolicy};
use agent_core::a2a::signing::{JwkSet, ReceivedCard};
use agent_core::untrusted::shorten;
use std::path::{Path, PathBuf};
use url::Url;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where the agent is, or a file with its card.
    card: String,
    /// A file with the keys that are trusted, as a JSON Web Key Set.
    #[arg(long)]
    jwks: Option<PathBuf>,
    /// A host whose key sets are trusted; may be given again.
    #[arg(long)]
    jku_host: Vec<String>,
    /// Also fetch from this machine, for rehearsals.
    #[arg(long)]
    loopback: bool,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut trust = CardTrust::new(SignatureMode::Require);
    if let Some(path) = &arguments.jwks {
        let set = JwkSet::read(&read_file(path)?).map_err(Failure::usage)?;
        if set.keys.is_empty() {
            return Err(Failure::usage(
                "no key in the set can be used to check a card",
            ));
        }
        trust = set
            .keys
            .into_iter()
            .fold(trust, |trust, key| trust.pin(key, []));
    }
    for host in &arguments.jku_host {
        trust = trust.jku_host(host);
    }
    let mut policy = EgressPolicy::strict();
    if arguments.loopback {
        policy = policy.allow_loopback();
    }
    let egress = Egress::new(policy).map_err(Failure::work)?;
    let (url, card) = received(&egress, &arguments.card).await?;
    let standing = trust.check(&egress, &url, &card).await;
    let standing = standing.map_err(Failure::work)?;
    println!("name      {}", shorten(&card.card().name));
    println!("signature {standing}");
    if let CardStanding::Signed { form, .. } = standing {
        println!("covers    {form}");
        let uncovered = card.uncovered(form);
        if !uncovered.is_empty() {
            let names: Vec<String> = uncovered.iter().map(|name| shorten(name)).collect();
            println!("unsigned  {}", names.join(", "));
        }
    }
    Ok(())
}

async fn received(egress: &Egress, card: &str) -> Result<(Url, ReceivedCard), Failure> {
    if card.contains("://") {
        return fetch_card(egress, card).await.map_err(Failure::work);
    }
    let received = ReceivedCard::read(&read_file(Path::new(card))?).map_err(Failure::usage)?;
    // A file is at no host, so keys that are pinned for some do not count for it.
    let nowhere = Url::parse("file:///").map_err(Failure::work)?;
    Ok((nowhere, received))
}
