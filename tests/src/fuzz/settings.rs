//! Configuration files. Whoever writes one is trusted, and makes mistakes.

use agent_client::buyer::BuyerConfig;
use agent_server::config::AgentConfig;

pub(super) fn files(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match AgentConfig::parse(text) {
        Ok(config) => {
            assert_eq!(
                config.card.signing().is_some(),
                config.card.sign_with.is_some()
            );
            let set = |name: &str| Some(format!("{name}{text}"));
            let changed = config.with_environment(set);
            // An address is listened at, so not every text will do.
            assert!(changed.is_err());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    match BuyerConfig::parse(text) {
        Ok(config) => {
            let _ = config.cards.trust();
            let _ = config.network.policy();
            let _ = config.budget.policy(&config.chain);
        }
        Err(said) => assert!(said.starts_with("line "), "{said}"),
    }
}
