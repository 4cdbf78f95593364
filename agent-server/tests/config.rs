//! Configuration: what ships parses, and what is wrong is said.

use agent_client::settings::ChainSettings;
use agent_server::config::{AgentConfig, KeyConfig, PaymentConfig, PushConfig};
use agent_server::prelude::*;
use agent_server::{Agent, Error};

#[test]
fn the_shipped_file_is_a_configuration() {
    let config = AgentConfig::parse(include_str!("../../examples/agent.toml")).unwrap();
    assert_eq!(config.commands.len(), 1);
    let payment = config.payment.unwrap();
    assert_eq!(
        payment.chain,
        ChainSettings::devnet(ChainSettings::DEVNET_RPC_URL)
    );
    assert!(payment.register);
}

#[test]
fn the_default_amounts_are_amounts() {
    let chain = ChainSettings::devnet(ChainSettings::DEVNET_RPC_URL);
    let payment = PaymentConfig::new(chain, KeyConfig::Devnet(1));
    let assets = payment.chain.assets();
    assert!(assets.resolve(&payment.max_unclaimed).is_ok());
    assert!(assets.resolve(&payment.settle_at).is_ok());
}

#[test]
fn notifications_are_on_and_go_nowhere_but_to_the_public_internet_unless_told_so() {
    let strict = PushConfig {
        enabled: true,
        allow_http: false,
        allow_private: false,
    };
    assert_eq!(AgentConfig::parse("").unwrap().push, strict);
    let told = AgentConfig::parse("[push]\nenabled = false\nallow_private = true").unwrap();
    let expected = PushConfig {
        enabled: false,
        allow_private: true,
        ..strict
    };
    assert_eq!(told.push, expected);
}

#[test]
fn what_is_not_known_is_an_error_that_names_it() {
    for (text, named) in [
        ("nmae = \"x\"", "nmae"),
        (
            "[payment]\nchain = \"mainnet\"\nkey = { devnet = 1 }",
            "devnet",
        ),
        (
            "[payment]\nchain = \"devnet\"\nkey = { secret = \"0x1\" }",
            "secret",
        ),
        (
            "[payment]\nchain = \"devnet\"\nkey = { devnet = 1 }\nsettle_at = 5",
            "settle_at",
        ),
        ("[limits]\nconections = 1", "conections"),
        ("[push]\nallow_privat = true", "allow_privat"),
    ] {
        let error = AgentConfig::parse(text).unwrap_err().to_string();
        assert!(error.contains(named), "{text}: {error}");
    }
}

#[test]
fn the_environment_wins_over_the_file() {
    let config = AgentConfig::parse("name = \"file\"\nlisten = \"127.0.0.1:1\"").unwrap();
    let set = |name: &str| match name {
        "AGENT_NAME" => Some("environment".to_owned()),
        "AGENT_LISTEN" => Some("127.0.0.1:2".to_owned()),
        _ => None,
    };
    let config = config.with_environment(set).unwrap();
    assert_eq!(config.name.as_deref(), Some("environment"));
    assert_eq!(config.listen.port(), 2);
    let wrong = |name: &str| (name == "AGENT_LISTEN").then(|| "nowhere".to_owned());
    let error = AgentConfig::default().with_environment(wrong).unwrap_err();
    assert!(error.to_string().contains("AGENT_LISTEN"));
}

#[derive(Deserialize, JsonSchema)]
struct Ask {
    #[allow(dead_code, reason = "only its schema is used")]
    text: String,
}

struct Echo(&'static str);

impl Skill for Echo {
    type Input = Ask;
    type Output = String;
    fn about(&self) -> About {
        About::new("echo", "Says it again")
    }
    fn price(&self) -> Price {
        Price::per_task(self.0)
    }
    async fn run(&self, _ask: Ask, _cx: &mut SkillContext) -> Outcome<String> {
        Ok(String::new().into())
    }
}

#[tokio::test]
async fn an_agent_that_cannot_work_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let free = AgentConfig {
        data_dir: dir.path().to_owned(),
        ..AgentConfig::default()
    };
    let start = |agent: Agent| async { agent.start().await.unwrap_err() };

    assert!(matches!(
        start(Agent::named("a").config(free.clone())).await,
        Error::NoSkill
    ));
    let priced = Agent::named("a").sell(Echo("1 USDC")).config(free.clone());
    let error = start(priced).await;
    assert!(matches!(error, Error::NoPayment(_)));
    assert!(
        error.to_string().contains("chain = \"devnet\""),
        "it says what to do: {error}"
    );
    let twice = Agent::named("a")
        .sell(Echo("0 USDC"))
        .sell(Echo("0 USDC"))
        .config(free.clone());
    assert!(matches!(start(twice).await, Error::DuplicateSkill(_)));

    let chain = ChainSettings::devnet(ChainSettings::DEVNET_RPC_URL);
    let payment = PaymentConfig::new(chain, KeyConfig::Devnet(1));
    let mut paid = AgentConfig {
        payment: Some(payment),
        ..free
    };
    let wrong = Agent::named("a")
        .sell(Echo("one dollar"))
        .config(paid.clone());
    assert!(matches!(start(wrong).await, Error::Price { .. }));
    paid.limits.skill_timeout_secs = 10_000;
    let long = Agent::named("a").sell(Echo("1 USDC")).config(paid);
    assert!(matches!(start(long).await, Error::TimeoutBeyondMargin));
}

#[tokio::test]
async fn who_is_paid_keeps_books_on_disk() {
    let config = AgentConfig::parse(
        "durability = \"memory\"\n[payment]\nchain = \"devnet\"\nkey = { devnet = 1 }\n\
         [commands.cat]\nabout = \"gives back\"\nrun = [\"cat\"]",
    );
    let started = Agent::configured(config.unwrap()).start().await;
    let error = started.expect_err("there is nowhere to keep books");
    assert!(matches!(error, Error::PaidInMemory), "{error}");
    assert!(error.to_string().contains("durability = \"disk\""));
}
