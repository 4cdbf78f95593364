//! Selectors and topics are those of the deployed contracts, and the bindings' are the artifacts'.

use std::collections::BTreeSet;

use agent_client::chain::bindings::{
    IIdentityRegistry::{self as identity, IIdentityRegistryCalls},
    IReputationRegistry::{self as reputation, IReputationRegistryCalls},
    IZ402Escrow::{IZ402EscrowCalls, IZ402EscrowErrors},
};
use agent_devnet::{CONTRACTS, artifacts::Artifact};
use agent_tests::{tokens::ITestToken, world::World};
use alloy_primitives::{B256, b256, keccak256};
use alloy_sol_types::{SolCall, SolError, SolEvent, SolInterface};
use serde_json::Value;

#[test]
fn topics_and_selectors_are_the_deployed_ones() {
    let topics: [(B256, B256); 6] = [
        (
            identity::Registered::SIGNATURE_HASH,
            b256!("ca52e62c367d81bb2e328eb795f7c7ba24afb478408a26c0e201d155c449bc4a"),
        ),
        (
            identity::URIUpdated::SIGNATURE_HASH,
            b256!("3a2c7fffc2cba7582c690e3b82c453ea02a308326a98a3ad7576c606336409fb"),
        ),
        (
            identity::MetadataSet::SIGNATURE_HASH,
            b256!("2c149ed548c6d2993cd73efe187df6eccabe4538091b33adbd25fafdb8a1468b"),
        ),
        (
            reputation::NewFeedback::SIGNATURE_HASH,
            b256!("6a4a61743519c9d648a14e6493f47dbe3ff1aa29e7785c96c8326a205e58febc"),
        ),
        (
            reputation::FeedbackRevoked::SIGNATURE_HASH,
            b256!("25156fd3288212246d8b008d5921fde376c71ed14ac2e072a506eb06fde6d09d"),
        ),
        (
            reputation::ResponseAppended::SIGNATURE_HASH,
            b256!("b1c6be0b5b8aef6539e2fac0fd131a2faa7b49edf8e505b5eb0ad487d56051d4"),
        ),
    ];
    for (ours, deployed) in topics {
        assert_eq!(ours, deployed);
    }
    assert_eq!(
        reputation::giveFeedbackCall::SELECTOR,
        [0x3c, 0x03, 0x6a, 0x7e]
    );
    for (ours, deployed) in [
        (identity::ERC721NonexistentToken::SELECTOR, 0x7e27_3289_u32),
        (identity::ERC721InsufficientApproval::SELECTOR, 0x177e_802f),
        (identity::ERC721InvalidReceiver::SELECTOR, 0x64a0_ae92),
        (identity::ERC721IncorrectOwner::SELECTOR, 0x6428_3d7b),
    ] {
        assert_eq!(ours, deployed.to_be_bytes());
    }
}

/// The canonical type of a parameter.
fn type_of(parameter: &Value) -> String {
    let name = parameter["type"].as_str().unwrap();
    match name.strip_prefix("tuple") {
        Some(array) => format!("({}){array}", types_of(&parameter["components"])),
        None => name.to_owned(),
    }
}

fn types_of(parameters: &Value) -> String {
    let types = parameters.as_array().unwrap().iter().map(type_of);
    types.collect::<Vec<_>>().join(",")
}

/// The selectors of one kind that a compiled contract declares.
fn declared(artifact: Artifact, kind: &str) -> BTreeSet<[u8; 4]> {
    let file: Value = serde_json::from_str(artifact.json()).unwrap();
    let entries = file["abi"].as_array().unwrap().iter();
    let of_kind = entries.filter(|entry| entry["type"] == kind);
    let selector = |entry: &Value| {
        let signature = format!(
            "{}({})",
            entry["name"].as_str().unwrap(),
            types_of(&entry["inputs"])
        );
        keccak256(signature)[..4].try_into().unwrap()
    };
    of_kind.map(selector).collect()
}

#[test]
fn what_the_bindings_call_the_contracts_have() {
    for (bound, artifact) in [
        (
            IIdentityRegistryCalls::selectors().collect::<BTreeSet<_>>(),
            Artifact::IdentityRegistry,
        ),
        (
            IReputationRegistryCalls::selectors().collect(),
            Artifact::ReputationRegistry,
        ),
    ] {
        let declared = declared(artifact, "function");
        assert!(bound.is_subset(&declared), "{artifact:?}");
    }
    let escrow: BTreeSet<_> = IZ402EscrowCalls::selectors().collect();
    assert_eq!(escrow, declared(Artifact::Escrow, "function"));
    let errors: BTreeSet<_> = IZ402EscrowErrors::selectors().collect();
    assert_eq!(errors, declared(Artifact::Escrow, "error"));
    assert!(declared(Artifact::TestUsdc, "function").contains(&ITestToken::mintCall::SELECTOR));
}

#[test]
fn the_registries_say_who_they_are() {
    let world = World::new();
    let version = world.view(CONTRACTS.identity, &identity::getVersionCall {});
    assert_eq!(version, "2.0.0");
    let version = world.view(CONTRACTS.reputation, &reputation::getVersionCall {});
    assert_eq!(version, "2.0.0");
    let registry = world.view(
        CONTRACTS.reputation,
        &reputation::getIdentityRegistryCall {},
    );
    assert_eq!(registry, CONTRACTS.identity);
    let domain = world.view(CONTRACTS.identity, &identity::eip712DomainCall {});
    assert_eq!(
        (domain.name.as_str(), domain.version.as_str()),
        ("ERC8004IdentityRegistry", "1")
    );
    assert_eq!(domain.verifyingContract, CONTRACTS.identity);
    assert_eq!(domain.chainId.to::<u64>(), world.chain.chain_id());
}
