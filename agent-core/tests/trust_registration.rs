//! The registration file: written strictly, read leniently.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use agent_core::money::Network;
use agent_core::trust::{
    AccountId, AgentId, AgentRegistryId, GlobalAgentId, MAX_REGISTRATION_BYTES, Oddity,
    Registration, RegistrationError, RegistrationFile, Service, data_uri,
};
use alloy_primitives::{Address, U256};
use proptest::prelude::*;
use serde_json::{Value, json};
use url::Url;

fn registry() -> AgentRegistryId {
    AgentRegistryId::new(Network::eip155(8_453), Address::repeat_byte(0x80))
}

fn agent(id: u64) -> GlobalAgentId {
    GlobalAgentId::new(registry(), AgentId::from(id))
}

fn written() -> RegistrationFile {
    let card = Url::parse("https://agent.example/.well-known/agent-card.json").unwrap();
    let wallet = AccountId::new(Network::eip155(137), Address::repeat_byte(0x5e));
    let mut file = RegistrationFile::new("shouter", "Shouts your text back");
    file.services = vec![Service::a2a(&card, "1.0"), Service::agent_wallet(wallet)];
    file.registrations = vec![Registration::of(&agent(22))];
    file.supported_trust = vec!["reputation".to_owned()];
    file
}

#[test]
fn writes_exactly_the_keys_of_the_standard() {
    let bytes = written().to_bytes().unwrap();
    let expected = json!({
        "type": "https://eips.ethereum.org/EIPS/eip-8004#registration-v1",
        "name": "shouter",
        "description": "Shouts your text back",
        "services": [
            {"name": "A2A", "version": "1.0",
             "endpoint": "https://agent.example/.well-known/agent-card.json"},
            {"name": "agentWallet",
             "endpoint": "eip155:137:0x5e5E5e5e5E5e5E5E5e5E5E5e5e5E5E5E5e5E5E5e"}
        ],
        "x402Support": true,
        "active": true,
        "registrations": [{
            "agentId": 22,
            "agentRegistry": "eip155:8453:0x8080808080808080808080808080808080808080"
        }],
        "supportedTrust": ["reputation"]
    });
    assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), expected);
}

#[test]
fn reads_back_what_it_writes_without_a_remark() {
    let file = written();
    let read = RegistrationFile::read(&file.to_bytes().unwrap()).unwrap();
    assert_eq!(read.oddities, []);
    assert_eq!(read.file, file);
    let inside = data_uri::decode(&file.to_data_uri().unwrap(), MAX_REGISTRATION_BYTES).unwrap();
    assert_eq!(inside, file.to_bytes().unwrap());
}

#[test]
fn reads_files_from_before_the_standard_settled() {
    let old = json!({
        "name": "old", "description": 5, "x402support": true, "updatedAt": 1_700_000_000,
        "endpoints": [
            {"name": "OASF", "endpoint": "ipfs://x", "version": 0.8, "skills": ["a"]},
            {"name": "broken"}
        ],
        "registrations": [
            {"agentId": "22", "agentRegistry": registry().to_string().to_lowercase()},
            {"agentId": 7, "agentRegistry": "solana:mainnet:Abc"},
        ],
        "supportedTrusts": ["reputation", 7],
    });
    let read = RegistrationFile::read(old.to_string().as_bytes()).unwrap();
    assert!(read.file.names_agent(&agent(22)));
    assert!(!read.file.names_agent(&agent(7)));
    assert!(read.file.active && read.file.x402_support);
    assert_eq!(read.file.services[0].version.as_deref(), Some("0.8"));
    assert_eq!(read.file.services[0].extra["skills"], json!(["a"]));
    assert_eq!(read.file.extra["updatedAt"], 1_700_000_000);
    assert_eq!(read.file.supported_trust, ["reputation"]);
    assert_eq!(read.file.other_registrations.len(), 1);
    for odd in [
        Oddity::OtherType,
        Oddity::WrongKind("description"),
        Oddity::LegacyKey("services"),
        Oddity::LegacyKey("x402Support"),
        Oddity::LegacyKey("supportedTrust"),
        Oddity::UnreadableEntry("services"),
        Oddity::UnreadableEntry("registrations"),
        Oddity::UnreadableEntry("supportedTrust"),
        Oddity::Missing("active"),
    ] {
        assert!(
            read.oddities.contains(&odd),
            "{odd:?} not in {:?}",
            read.oddities
        );
    }
    let mut file = read.file;
    file.description = written().description;
    let again: Value = serde_json::from_slice(&file.to_bytes().unwrap()).unwrap();
    assert_eq!(again["updatedAt"], 1_700_000_000);
    assert_eq!(
        again["registrations"][1]["agentRegistry"],
        "solana:mainnet:Abc"
    );
}

#[test]
fn refuses_what_is_no_file_at_all() {
    let too_large = vec![b' '; MAX_REGISTRATION_BYTES + 1];
    let deep = "[".repeat(10_000);
    assert!(matches!(
        RegistrationFile::read(&too_large),
        Err(RegistrationError::TooLarge { what: "file", .. })
    ));
    assert!(matches!(
        RegistrationFile::read(b"[]"),
        Err(RegistrationError::NotAnObject)
    ));
    for bytes in [b"".as_slice(), b"{", b"\xff", deep.as_bytes()] {
        assert!(matches!(
            RegistrationFile::read(bytes),
            Err(RegistrationError::NotJson(_))
        ));
    }
}

#[test]
fn refuses_to_write_what_others_could_not_read() {
    let mut file = written();
    file.extra.insert("active".to_owned(), json!(false));
    assert!(matches!(file.to_bytes(), Err(RegistrationError::Shadowed(key)) if key == "active"));
    let nameless = RegistrationFile::new(" ", "d");
    assert!(matches!(
        nameless.to_bytes(),
        Err(RegistrationError::Empty("name"))
    ));
    let wordy = RegistrationFile::new("n", "d".repeat(9_000));
    assert!(matches!(
        wordy.to_bytes(),
        Err(RegistrationError::TooLarge {
            what: "description",
            ..
        })
    ));
    let mut many = written();
    many.services = vec![Service::new("web", "https://a.example"); 257];
    assert!(many.to_bytes().is_err());
}

#[test]
fn back_link_is_by_registry_chain_and_id() {
    let file = written();
    assert!(file.names_agent(&agent(22)));
    assert!(!file.names_agent(&agent(23)));
    let elsewhere = AgentRegistryId::new(Network::eip155(1), registry().address());
    assert!(!file.names_agent(&GlobalAgentId::new(elsewhere, AgentId::from(22))));
    let other = AgentRegistryId::new(registry().network(), Address::repeat_byte(0x81));
    assert!(!file.names_agent(&GlobalAgentId::new(other, AgentId::from(22))));
}

#[test]
fn finds_the_card_and_the_payment_addresses() {
    let mut file = written();
    file.services
        .insert(0, Service::new("a2a", "javascript:alert(1)"));
    file.services
        .insert(0, Service::new("MCP", "https://mcp.example"));
    let card = file.a2a_card_url().unwrap();
    assert_eq!(
        card.as_str(),
        "https://agent.example/.well-known/agent-card.json"
    );
    assert!(file.takes_payment_at(Network::eip155(137), Address::repeat_byte(0x5e)));
    assert!(!file.takes_payment_at(Network::eip155(1), Address::repeat_byte(0x5e)));
    file.services.clear();
    assert_eq!(file.a2a_card_url(), None);
}

#[test]
fn names_read_from_peers_do_not_reach_a_log_raw() {
    let file = RegistrationFile::new("evil\u{1b}[2J\u{202e}", "d");
    let shown = format!("{} {:?}", file.name, file);
    assert!(!shown.contains(['\u{1b}', '\u{202e}']));
}

#[test]
fn ids_parse_and_print() {
    let text = "eip155:8453:0x8080808080808080808080808080808080808080";
    assert_eq!(text.parse::<AgentRegistryId>().unwrap(), registry());
    assert_eq!(registry().to_string(), text);
    let global = agent(0);
    assert_eq!(global.to_string(), format!("{text}:0"));
    assert_eq!(global.to_string().parse::<GlobalAgentId>().unwrap(), global);
    for bad in [
        "",
        "eip155:8453",
        "eip155:x:0x80",
        "eip155:1:8080",
        &text[..40],
        "a:b:c:d",
    ] {
        assert!(bad.parse::<AgentRegistryId>().is_err(), "{bad}");
    }
    for bad in [
        "",
        "-1",
        "+1",
        "1_0",
        "1.5",
        "0x1",
        "1e3",
        &"9".repeat(78),
        &"0".repeat(79),
    ] {
        assert!(bad.parse::<AgentId>().is_err(), "{bad}");
    }
    let large = AgentId(U256::MAX);
    assert_eq!(
        serde_json::to_value(AgentId::from(1 << 53)).unwrap(),
        json!(1_u64 << 53)
    );
    assert!(serde_json::to_value(large).unwrap().is_string());
    let back = serde_json::from_value::<AgentId>(serde_json::to_value(large).unwrap());
    assert_eq!(back.unwrap(), large);
    for bad in [json!(1.5), json!(-1), json!(null), json!([1]), json!(1e30)] {
        assert!(serde_json::from_value::<AgentId>(bad).is_err());
    }
}

#[test]
fn data_uris_are_forgiving_in_form_and_bounded_in_size() {
    for uri in [
        "data:application/json;base64,e30=",
        "DATA:application/JSON;BASE64,e30",
        "data:application/json;charset=utf-8;base64,e30=",
    ] {
        assert_eq!(data_uri::decode(uri, 2).unwrap(), b"{}");
    }
    use data_uri::DataUriError::{NotBase64, OtherForm, OtherScheme, TooLarge};
    for (uri, error) in [
        ("https://a.example", OtherScheme),
        ("data", OtherScheme),
        ("é:", OtherScheme),
        ("data:application/json,{}", OtherForm),
        ("data:text/html;base64,e30=", OtherForm),
        ("data:application/json;base64", OtherForm),
        ("data:application/json;base64,!!", NotBase64),
        ("data:application/json;base64,e30gIA==", TooLarge(2)),
    ] {
        assert_eq!(data_uri::decode(uri, 2), Err(error), "{uri}");
    }
}

proptest! {
    #[test]
    fn data_uris_round_trip(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let uri = data_uri::encode(&bytes);
        prop_assert_eq!(data_uri::decode(&uri, bytes.len()).unwrap(), bytes);
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = RegistrationFile::read(&bytes);
    }
}
