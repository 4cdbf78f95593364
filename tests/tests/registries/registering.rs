//! Registering: numbers, events, metadata.

use agent_client::chain::bindings::IIdentityRegistry::{
    self as identity, IIdentityRegistryEvents as Event, MetadataEntry, MetadataUpdate, Registered,
    Transfer,
};
use agent_devnet::CONTRACTS;
use agent_tests::world::{Refusal, World, account};
use alloy_primitives::{Address, Bytes, U256};

use crate::hands::{events, metadata_set, registry, wallet_set};

fn minted(agent: u64, owner: Address, uri: &str) -> [Event; 2] {
    let id = U256::from(agent);
    let transfer = Transfer {
        from: Address::ZERO,
        to: owner,
        tokenId: id,
    };
    let registered = Registered {
        agentId: id,
        agentURI: uri.to_owned(),
        owner,
    };
    [Event::Transfer(transfer), Event::Registered(registered)]
}

#[test]
fn numbers_start_at_zero_and_events_come_in_the_deployed_order() {
    let mut world = World::new();
    let owner = account(0);
    let done = registry(&mut world, 0, &identity::register_0Call {}).unwrap();
    assert_eq!(done.returned, U256::ZERO);
    let [transfer, registered] = minted(0, owner, "");
    assert_eq!(
        events(&done),
        [transfer, registered, wallet_set(0, owner.as_slice())]
    );

    let uri = "https://agent.example/registration.json".to_owned();
    let call = identity::register_1Call {
        agentURI: uri.clone(),
    };
    let done = registry(&mut world, 0, &call).unwrap();
    assert_eq!(done.returned, U256::ONE);
    let [transfer, registered] = minted(1, owner, &uri);
    let update = Event::MetadataUpdate(MetadataUpdate {
        _tokenId: U256::ONE,
    });
    let wallet = wallet_set(1, owner.as_slice());
    assert_eq!(
        events(&done),
        [transfer, update.clone(), registered, wallet]
    );

    let entry = |key: &str, value: &'static [u8]| MetadataEntry {
        metadataKey: key.to_owned(),
        metadataValue: Bytes::from_static(value),
    };
    let call = identity::register_2Call {
        agentURI: String::new(),
        metadata: vec![entry("colour", b"red"), entry("", b"")],
    };
    let done = registry(&mut world, 3, &call).unwrap();
    let [transfer, registered] = minted(2, account(3), "");
    let update = Event::MetadataUpdate(MetadataUpdate {
        _tokenId: U256::from(2),
    });
    let expected = [
        transfer,
        update,
        registered,
        wallet_set(2, account(3).as_slice()),
        metadata_set(2, "colour", b"red"),
        metadata_set(2, "", b""),
    ];
    assert_eq!(events(&done), expected);
}

#[test]
fn the_wallets_key_is_reserved() {
    let mut world = World::new();
    let reserved = Err(Refusal::text("reserved key"));
    let entry = MetadataEntry {
        metadataKey: "agentWallet".to_owned(),
        metadataValue: account(5).to_vec().into(),
    };
    let call = identity::register_2Call {
        agentURI: String::new(),
        metadata: vec![entry],
    };
    assert_eq!(registry(&mut world, 0, &call).map(drop), reserved);
    let id = registry(&mut world, 0, &identity::register_0Call {})
        .unwrap()
        .returned;
    assert_eq!(id, U256::ZERO, "what reverted took no number");
    let set = |key: &str| identity::setMetadataCall {
        agentId: id,
        metadataKey: key.to_owned(),
        metadataValue: Bytes::from_static(b"x"),
    };
    assert_eq!(
        registry(&mut world, 0, &set("agentWallet")).map(drop),
        reserved
    );
    registry(&mut world, 0, &set("agentwallet")).unwrap();
    let get = |agent: u64, key: &str| identity::getMetadataCall {
        agentId: U256::from(agent),
        metadataKey: key.to_owned(),
    };
    let read = |call| world.view(CONTRACTS.identity, &call);
    assert_eq!(read(get(0, "agentwallet")).as_ref(), b"x");
    assert_eq!(read(get(0, "agentWallet")).as_ref(), account(0).as_slice());
    assert!(read(get(0, "unknown")).is_empty());
    assert!(
        read(get(99, "agentWallet")).is_empty(),
        "also for an unknown agent"
    );
}

#[test]
fn the_uri_belongs_to_the_owner() {
    let mut world = World::new();
    registry(&mut world, 0, &identity::register_0Call {}).unwrap();
    let set = |id: u64, uri: &str| identity::setAgentURICall {
        agentId: U256::from(id),
        newURI: uri.to_owned(),
    };
    let done = registry(&mut world, 0, &set(0, "ipfs://card")).unwrap();
    let updated = identity::URIUpdated {
        agentId: U256::ZERO,
        newURI: "ipfs://card".to_owned(),
        updatedBy: account(0),
    };
    let update = Event::MetadataUpdate(MetadataUpdate {
        _tokenId: U256::ZERO,
    });
    assert_eq!(events(&done), [update, Event::URIUpdated(updated)]);
    let ask = identity::tokenURICall {
        tokenId: U256::ZERO,
    };
    assert_eq!(world.view(CONTRACTS.identity, &ask), "ipfs://card");
    let refused = registry(&mut world, 1, &set(0, "ipfs://other")).unwrap_err();
    assert_eq!(refused, Refusal::text("Not authorized"));
    let missing = identity::ERC721NonexistentToken { tokenId: U256::ONE };
    let refused = registry(&mut world, 0, &set(1, "ipfs://none")).unwrap_err();
    assert_eq!(refused, Refusal::of(&missing));
    assert!(
        world
            .attempt(
                account(0),
                CONTRACTS.identity,
                &identity::tokenURICall { tokenId: U256::ONE }
            )
            .is_err()
    );
}
