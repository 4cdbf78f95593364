use super::super::{Failure, show};
use crate::signing::signing_algorithm;
use agent_core::a2a::signing::{Algorithm, CardSigner, SigningKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where the private key goes; there must be no such file yet.
    file: PathBuf,
    /// ES256, EdDSA or ES256K.
    #[arg(long, default_value = "ES256", value_parser = signing_algorithm)]
    algorithm: Algorithm,
    /// The name of the key, in place of its thumbprint.
    #[arg(long)]
    kid: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let key = random(arguments.algorithm)?;
    let signer = CardSigner::new(key.clone(), arguments.kid.as_deref()).map_err(Failure::usage)?;
    let text = key.to_text().map_err(Failure::work)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let shown = arguments.file.display();
    let failed = |error| Failure::work(format!("cannot write {shown}: {error}"));
    let mut file = options.open(&arguments.file).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    let public = serde_json::to_value(signer.jwks()).map_err(Failure::work)?;
    show::document(&public);
    eprintln!("the private key is in {shown}; above is its public half, as others need it");
    Ok(())
}

fn random(algorithm: Algorithm) -> Result<SigningKey, Failure> {
    // One number in about 2^32 or fewer is none of the curve's; more than a few are a broken source.
    for _ in 0..8 {
        let mut seed = [0_u8; 32];
        SystemRandom::new()
            .fill(&mut seed)
            .map_err(|_| Failure::work("the system has no random numbers"))?;
        if let Ok(key) = SigningKey::from_seed(algorithm, seed) {
            return Ok(key);
        }
    }
    Err(Failure::work("the system's random numbers make no key"))
}
