//! The address at which an agent is paid.

use agent_client::chain::bindings::{
    AgentWalletSet,
    IIdentityRegistry::{self as identity, IIdentityRegistryEvents as Event},
};
use agent_devnet::CONTRACTS;
use agent_tests::{
    sign,
    world::{Refusal, World, account, key},
};
use alloy_primitives::{Address, Bytes, U256};

use crate::hands::{events, registry, wallet_set, with_agent};

fn wallet_of(world: &World, agent: u64) -> Address {
    let call = identity::getAgentWalletCall {
        agentId: U256::from(agent),
    };
    world.view(CONTRACTS.identity, &call)
}

/// Account 4's consent, signed by this account.
fn consent(
    world: &World,
    signer: usize,
    owner: usize,
    deadline: u64,
) -> identity::setAgentWalletCall {
    let message = AgentWalletSet {
        agentId: U256::ZERO,
        newWallet: account(4),
        owner: account(owner),
        deadline: U256::from(deadline),
    };
    let chain_id = world.chain.chain_id();
    let signature = sign::agent_wallet(&key(signer), chain_id, CONTRACTS.identity, &message);
    identity::setAgentWalletCall {
        agentId: U256::ZERO,
        newWallet: account(4),
        deadline: message.deadline,
        signature,
    }
}

#[test]
fn a_wallet_consents_within_five_minutes() {
    let mut world = with_agent();
    assert_eq!(wallet_of(&world, 0), account(0), "the owner's at first");
    assert_eq!(
        wallet_of(&world, 7),
        Address::ZERO,
        "an unknown agent has none"
    );
    // Each transaction is in the block after the one that is asked.
    for (ahead, error) in [(0, "expired"), (302, "deadline too far")] {
        let call = consent(&world, 4, 0, world.now() + ahead);
        assert_eq!(
            registry(&mut world, 0, &call).unwrap_err(),
            Refusal::text(error)
        );
    }
    for ahead in [1, 301] {
        let call = consent(&world, 4, 0, world.now() + ahead);
        let done = registry(&mut world, 0, &call).unwrap();
        assert_eq!(events(&done), [wallet_set(0, account(4).as_slice())]);
    }
    assert_eq!(wallet_of(&world, 0), account(4));
}

#[test]
fn consent_is_the_wallets_own_for_this_agent_owner_and_registry() {
    let mut world = with_agent();
    let deadline = world.now() + 200;
    let bad = Refusal::text("invalid wallet sig");
    let mut wrong = vec![
        consent(&world, 0, 0, deadline),
        consent(&world, 4, 1, deadline),
    ];
    let mut late = consent(&world, 4, 0, deadline);
    late.deadline += U256::ONE;
    wrong.push(late);
    let mut short = consent(&world, 4, 0, deadline);
    short.signature = short.signature.slice(..64);
    wrong.push(short);
    for call in wrong {
        assert_eq!(registry(&mut world, 0, &call).unwrap_err(), bad);
    }
    let mut nobody = consent(&world, 4, 0, deadline);
    nobody.newWallet = Address::ZERO;
    assert_eq!(
        registry(&mut world, 0, &nobody).unwrap_err(),
        Refusal::text("bad wallet")
    );
    // The consenting wallet cannot set itself.
    let good = consent(&world, 4, 0, deadline);
    assert_eq!(
        registry(&mut world, 4, &good).unwrap_err(),
        Refusal::text("Not authorized")
    );
    registry(&mut world, 0, &good).unwrap();
}

#[test]
fn a_contract_consents_by_erc_1271() {
    let mut world = with_agent();
    let deadline = world.now() + 100;
    let mut call = consent(&world, 4, 0, deadline);
    call.newWallet = Address::repeat_byte(0x71);
    call.signature = Bytes::from_static(b"anything");
    let refused = registry(&mut world, 0, &call).unwrap_err();
    assert_eq!(refused, Refusal::text("invalid wallet sig"));
    // Answers every call with the magic value.
    let yes = alloy_primitives::bytes!("631626ba7e60e01b5f5260205ff3");
    world.chain.set_code(call.newWallet, yes).unwrap();
    registry(&mut world, 0, &call).unwrap();
    assert_eq!(wallet_of(&world, 0), call.newWallet);
}

#[test]
fn a_transfer_clears_the_wallet_first() {
    let mut world = with_agent();
    let transfer = identity::transferFromCall {
        from: account(0),
        to: account(2),
        tokenId: U256::ZERO,
    };
    let done = registry(&mut world, 0, &transfer).unwrap();
    let moved = identity::Transfer {
        from: account(0),
        to: account(2),
        tokenId: U256::ZERO,
    };
    assert_eq!(events(&done), [wallet_set(0, b""), Event::Transfer(moved)]);
    assert_eq!(wallet_of(&world, 0), Address::ZERO);
    // A consent given to the old owner is void.
    let call = consent(&world, 4, 0, world.now() + 100);
    let refused = registry(&mut world, 2, &call).unwrap_err();
    assert_eq!(refused, Refusal::text("invalid wallet sig"));
    let call = consent(&world, 4, 2, world.now() + 100);
    registry(&mut world, 2, &call).unwrap();

    let unset = identity::unsetAgentWalletCall {
        agentId: U256::ZERO,
    };
    assert!(registry(&mut world, 0, &unset).is_err());
    let done = registry(&mut world, 2, &unset).unwrap();
    assert_eq!(events(&done), [wallet_set(0, b"")]);
    assert_eq!(wallet_of(&world, 0), Address::ZERO);
}
