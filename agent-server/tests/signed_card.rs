//! An agent that signs its card, and the commands that make keys, sign and check.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use agent_client::call::{CallOptions, CardStanding, CardTrust, RemoteAgent, SignatureMode};
use agent_client::egress::{Egress, EgressPolicy, ExchangeLimits};
use agent_core::a2a::AgentCard;
use agent_core::a2a::signing::{Algorithm, CardForm, CardSigner, ReceivedCard, SigningKey};
use agent_core::skill::{About, Outcome, Skill, SkillContext};
use agent_server::config::AgentConfig;
use agent_server::{Agent, Call, Caller, Error, Operation, Reply, RunningAgent};
use http::HeaderMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Shout;

/// Its schema holds emptiness: a default that is an empty text.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Words {
    text: String,
    #[serde(default)]
    ending: String,
}

impl Skill for Shout {
    type Input = Words;
    type Output = String;

    fn about(&self) -> About {
        About::new("shout", "Shouts your text back")
    }

    async fn run(&self, ask: Words, _cx: &mut SkillContext) -> Outcome<String> {
        Ok((ask.text.to_uppercase() + &ask.ending).into())
    }
}

fn agent() -> Command {
    Command::new(env!("CARGO_BIN_EXE_agent"))
}

fn ran(command: &mut Command) -> Output {
    command.output().unwrap()
}

/// A key as `agent card keygen` makes it, and the file with its public half.
fn keygen(dir: &Path, algorithm: &str) -> (PathBuf, PathBuf) {
    let (key, jwks) = (
        dir.join(format!("{algorithm}.key")),
        dir.join(format!("{algorithm}.jwks")),
    );
    let made = ran(agent()
        .args(["card", "keygen", "--algorithm", algorithm, "--kid", "2026"])
        .arg(&key));
    assert!(made.status.success(), "{made:?}");
    std::fs::write(&jwks, made.stdout).unwrap();
    (key, jwks)
}

/// A path as TOML writes it, taken literally.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}

fn config(dir: &Path, card: &str) -> AgentConfig {
    let data = quoted(&dir.join("data"));
    AgentConfig::parse(&format!("data_dir = {data}\n[card]\n{card}")).unwrap()
}

async fn start(dir: &Path, algorithm: &str, key: &Path) -> Result<RunningAgent, Error> {
    let key = quoted(key);
    let card =
        format!("sign_with = {{ file = {key} }}\nalgorithm = \"{algorithm}\"\nkid = \"2026\"");
    Agent::named("shouter")
        .sell(Shout)
        .config(config(dir, &card))
        .start()
        .await
}

fn egress() -> Egress {
    Egress::new(EgressPolicy::strict().allow_loopback()).unwrap()
}

async fn connect(agent: &RunningAgent, trust: CardTrust) -> RemoteAgent {
    let options = CallOptions::default().trusting(trust);
    let remote = RemoteAgent::connect_with(&egress(), agent.url().as_str(), options).await;
    remote.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_card_is_signed_and_the_key_served() {
    let dir = tempfile::tempdir().unwrap();
    for algorithm in ["ES256", "EdDSA", "ES256K"] {
        let (key, jwks) = keygen(dir.path(), algorithm);
        let agent = start(dir.path(), algorithm, &key).await.unwrap();
        let url = agent.url().join("/.well-known/jwks.json").unwrap();
        let limits = ExchangeLimits::default();
        let served = egress().get(url.as_str(), limits).await.unwrap();
        let printed: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&jwks).unwrap()).unwrap();
        assert_eq!(served.json::<serde_json::Value>().unwrap(), printed);

        let public = serde_json::from_value(printed["keys"][0].clone()).unwrap();
        let trust = CardTrust::new(SignatureMode::Require).pin(public, []);
        let remote = connect(&agent, trust).await;
        let CardStanding::Signed { kid, form, .. } = remote.card_standing() else {
            panic!("{}", remote.card_standing())
        };
        assert_eq!((kid.as_str(), *form), ("2026", CardForm::Received));

        let verified = ran(agent_verify(agent.url().as_str(), &jwks).arg("--loopback"));
        let text = String::from_utf8(verified.stdout).unwrap();
        assert!(text.contains("signed by kid 2026"), "{text}");
        agent.stop().await;
    }
}

fn agent_verify(card: &str, jwks: &Path) -> Command {
    let mut command = agent();
    command.args(["card", "verify", card, "--jwks"]).arg(jwks);
    command
}

/// Who asks without a version gets the words of 0.3 as well, for which nobody vouches.
#[tokio::test(flavor = "multi_thread")]
async fn the_card_of_both_versions_is_signed_as_far_as_it_is_of_1_0() {
    let dir = tempfile::tempdir().unwrap();
    let (key, _) = keygen(dir.path(), "ES256");
    let agent = start(dir.path(), "ES256", &key).await.unwrap();
    let url = agent.url().join(AgentCard::WELL_KNOWN_PATH).unwrap();
    let get = || async {
        let response = egress().get(url.as_str(), ExchangeLimits::default()).await;
        response.unwrap()
    };
    let (first, second) = (get().await, get().await);
    assert_eq!(first.headers["etag"], second.headers["etag"]);
    assert_eq!(first.bytes, second.bytes);
    let received = ReceivedCard::read(&first.bytes).unwrap();
    let keys = egress()
        .get(
            url.join("/.well-known/jwks.json").unwrap().as_str(),
            ExchangeLimits::default(),
        )
        .await
        .unwrap();
    let keys = agent_core::a2a::signing::JwkSet::read(&keys.bytes).unwrap();
    let found = received.verify(0, |header| keys.of_kid(&header.kid));
    assert_eq!(found.best().unwrap().form, CardForm::Specified);
    let uncovered = received.uncovered(CardForm::Specified);
    assert!(uncovered.contains(&"url".to_owned()), "{uncovered:?}");

    // A document that is known is not sent again.
    let mut known = HeaderMap::new();
    known.insert("if-none-match", first.headers["etag"].clone());
    let same = egress()
        .get_document(url.as_str(), &known, ExchangeLimits::default())
        .await;
    assert_eq!(same.unwrap().status, 304);
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_extended_card_is_signed_by_the_same_key() {
    let dir = tempfile::tempdir().unwrap();
    let key = SigningKey::from_seed(Algorithm::EdDsa, [3; 32]).unwrap();
    let signer = CardSigner::new(key, None).unwrap();
    let agent = Agent::named("shouter")
        .sell(Shout)
        .sign_card(signer.clone())
        .extended_card(|caller, mut card| {
            card.description = format!("for {caller}");
            Some(card)
        })
        .config(config(dir.path(), ""));
    let agent = agent.start().await.unwrap();
    let call = Call::anonymous().by(Caller::Named("ann".to_owned()));
    let operation = Operation::GetExtendedAgentCard;
    let Reply::Json(json) = agent
        .service()
        .perform(&call, operation, b"{}")
        .await
        .unwrap()
    else {
        panic!()
    };
    let received = ReceivedCard::read(json.get().as_bytes()).unwrap();
    assert_eq!(received.card().description, "for ann");
    let keys = signer.jwks();
    let found = received.verify(0, |header| keys.of_kid(&header.kid));
    assert_eq!(found.best().unwrap().form, CardForm::Received);
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_used_stops_the_agent_from_starting() {
    let dir = tempfile::tempdir().unwrap();
    let (key, _) = keygen(dir.path(), "EdDSA");
    let refused = start(dir.path(), "ES256", &key).await.unwrap_err();
    assert!(
        refused.to_string().contains("another algorithm"),
        "{refused}"
    );
    let refused = start(dir.path(), "ES256", &dir.path().join("none")).await;
    assert!(refused.unwrap_err().to_string().contains("cannot read"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        let refused = start(dir.path(), "EdDSA", &key).await.unwrap_err();
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
    }
}

#[test]
fn files_are_signed_and_checked_and_changes_found() {
    let dir = tempfile::tempdir().unwrap();
    let (key, jwks) = keygen(dir.path(), "ES256");
    let (_, others) = keygen(dir.path(), "EdDSA");
    let again = ran(agent().args(["card", "keygen"]).arg(&key));
    assert!(!again.status.success(), "a key is not written over");

    let card = dir.path().join("card.json");
    std::fs::write(
        &card,
        r#"{"name": "shouter", "description": "", "url": "https://a.example"}"#,
    )
    .unwrap();
    let signed = ran(agent()
        .args(["card", "sign", "--kid", "2026", "--key"])
        .args([&key, &card]));
    assert!(signed.status.success(), "{signed:?}");
    let said = String::from_utf8(signed.stderr).unwrap();
    assert!(
        said.contains("signed twice") && said.contains("description"),
        "{said}"
    );
    assert!(
        said.contains("not signed, being no part of A2A 1.0: url"),
        "{said}"
    );
    let mut document: serde_json::Value = serde_json::from_slice(&signed.stdout).unwrap();
    assert_eq!(document["url"], "https://a.example");
    assert_eq!(document["signatures"].as_array().unwrap().len(), 2);

    let path = dir.path().join("signed.json");
    let verify = |document: &serde_json::Value, jwks: &Path| {
        std::fs::write(&path, document.to_string()).unwrap();
        ran(&mut agent_verify(path.to_str().unwrap(), jwks))
    };
    let verified = verify(&document, &jwks);
    let text = String::from_utf8(verified.stdout).unwrap();
    assert!(
        verified.status.success() && text.contains("unsigned  url"),
        "{text}"
    );
    let refused = verify(&document, &others);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        String::from_utf8(refused.stderr)
            .unwrap()
            .contains("is not one for ES256")
    );
    document["name"] = "whisperer".into();
    let refused = verify(&document, &jwks);
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(1), 0));
}
