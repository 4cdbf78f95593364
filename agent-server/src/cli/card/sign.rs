use super::super::{Failure, show};
use super::read_file;
use crate::signing::{CardKey, CardSigning, signing_algorithm};
use agent_core::a2a::signing::{Algorithm, CardForm, ReceivedCard, empty_fields};
use serde_json::Value;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The card, as JSON. It is printed with its signature, in place of those it has.
    file: PathBuf,
    /// The file with the private key, as `keygen` writes it.
    #[arg(long, required_unless_present = "key_env", conflicts_with = "key_env")]
    key: Option<PathBuf>,
    /// The environment variable with the private key.
    #[arg(long)]
    key_env: Option<String>,
    /// ES256, EdDSA or ES256K.
    #[arg(long, default_value = "ES256", value_parser = signing_algorithm)]
    algorithm: Algorithm,
    /// The name of the key, in place of its thumbprint.
    #[arg(long)]
    kid: Option<String>,
    /// Where others find the public key.
    #[arg(long)]
    jku: Option<String>,
    /// Keep the signatures that the card has.
    #[arg(long)]
    append: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let key = match (arguments.key, arguments.key_env) {
        (Some(path), _) => CardKey::File(path),
        (None, Some(variable)) => CardKey::Env(variable),
        (None, None) => return Err(Failure::usage("name a key: --key or --key-env")),
    };
    let signing = CardSigning {
        key,
        algorithm: arguments.algorithm,
        kid: arguments.kid,
        jku: arguments.jku,
    };
    let signer = signing.signer().map_err(Failure::usage)?;
    let json = read_file(&arguments.file)?;
    let received = ReceivedCard::read(&json).map_err(Failure::usage)?;
    let card = received.card();
    let mut signatures = if arguments.append {
        card.signatures.clone()
    } else {
        Vec::new()
    };
    signatures.extend(signer.sign(card).map_err(Failure::usage)?);

    // What this version does not know stays in the document.
    let mut document: Value = serde_json::from_slice(&json).map_err(Failure::usage)?;
    let signatures = serde_json::to_value(signatures).map_err(Failure::work)?;
    if let Value::Object(fields) = &mut document {
        fields.insert("signatures".to_owned(), signatures);
    }
    show::document(&document);
    let empty = empty_fields(card).map_err(Failure::work)?;
    if !empty.is_empty() {
        eprintln!(
            "signed twice, since the official SDKs leave out what is empty; once would do if these \
             were filled: {}",
            empty.join(", ")
        );
    }
    let uncovered = received.uncovered(CardForm::Specified);
    if !uncovered.is_empty() {
        eprintln!(
            "not signed, being no part of A2A 1.0: {}",
            uncovered.join(", ")
        );
    }
    Ok(())
}
