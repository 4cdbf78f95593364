//! The token: owners, operators, approvals.

use agent_client::chain::bindings::IIdentityRegistry as identity;
use agent_devnet::CONTRACTS;
use agent_tests::world::{Refusal, World, account};
use alloy_primitives::{Address, U256};

use crate::hands::{registry, with_agent};

const AGENT: U256 = U256::ZERO;

fn may(world: &World, who: usize) -> bool {
    let call = identity::isAuthorizedOrOwnerCall {
        spender: account(who),
        agentId: AGENT,
    };
    world.view(CONTRACTS.identity, &call)
}

#[test]
fn owner_approved_and_operator_may_and_others_not() {
    let mut world = with_agent();
    registry(
        &mut world,
        0,
        &identity::approveCall {
            to: account(1),
            tokenId: AGENT,
        },
    )
    .unwrap();
    let operator = identity::setApprovalForAllCall {
        operator: account(2),
        approved: true,
    };
    registry(&mut world, 0, &operator).unwrap();
    assert_eq!(
        [0, 1, 2, 3].map(|who| may(&world, who)),
        [true, true, true, false]
    );
    for who in 0..4 {
        let call = identity::setAgentURICall {
            agentId: AGENT,
            newURI: "x".to_owned(),
        };
        assert_eq!(registry(&mut world, who, &call).is_ok(), who < 3);
    }
    let missing = identity::isAuthorizedOrOwnerCall {
        spender: account(0),
        agentId: U256::ONE,
    };
    let refused = world
        .attempt(account(0), CONTRACTS.identity, &missing)
        .unwrap_err();
    let unknown = identity::ERC721NonexistentToken { tokenId: U256::ONE };
    assert_eq!(refused, Refusal::of(&unknown));
}

#[test]
fn a_transfer_is_the_owners_and_ends_the_approval() {
    let mut world = with_agent();
    let give = |from: usize, to: Address| identity::transferFromCall {
        from: account(from),
        to,
        tokenId: AGENT,
    };
    let refused = registry(&mut world, 3, &give(0, account(3))).unwrap_err();
    let unapproved = identity::ERC721InsufficientApproval {
        operator: account(3),
        tokenId: AGENT,
    };
    assert_eq!(refused, Refusal::of(&unapproved));
    let refused = registry(&mut world, 0, &give(1, account(3))).unwrap_err();
    let incorrect = identity::ERC721IncorrectOwner {
        sender: account(1),
        tokenId: AGENT,
        owner: account(0),
    };
    assert_eq!(refused, Refusal::of(&incorrect));
    let refused = registry(&mut world, 0, &give(0, Address::ZERO)).unwrap_err();
    let receiver = identity::ERC721InvalidReceiver {
        receiver: Address::ZERO,
    };
    assert_eq!(refused, Refusal::of(&receiver));

    registry(
        &mut world,
        0,
        &identity::approveCall {
            to: account(1),
            tokenId: AGENT,
        },
    )
    .unwrap();
    registry(&mut world, 1, &give(0, account(3))).unwrap();
    assert_eq!([0, 1, 3].map(|who| may(&world, who)), [false, false, true]);
    let owner = identity::ownerOfCall { tokenId: AGENT };
    assert_eq!(world.view(CONTRACTS.identity, &owner), account(3));
    let balances = [0, 3].map(|who| {
        let call = identity::balanceOfCall {
            owner: account(who),
        };
        world.view(CONTRACTS.identity, &call)
    });
    assert_eq!(balances, [U256::ZERO, U256::ONE]);
}

#[test]
fn a_contract_that_takes_no_tokens_gets_none() {
    let mut world = with_agent();
    let to = CONTRACTS.usdc;
    let safe = identity::safeTransferFromCall {
        from: account(0),
        to,
        tokenId: AGENT,
    };
    let refused = registry(&mut world, 0, &safe).unwrap_err();
    let receiver = identity::ERC721InvalidReceiver { receiver: to };
    assert_eq!(refused, Refusal::of(&receiver));
    let plain = identity::transferFromCall {
        from: account(0),
        to,
        tokenId: AGENT,
    };
    registry(&mut world, 0, &plain).unwrap();
}
