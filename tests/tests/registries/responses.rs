//! Responses to feedback, which anybody may append.

use agent_client::chain::bindings::IReputationRegistry::{self as ratings, ResponseAppended};
use agent_devnet::CONTRACTS;
use agent_tests::world::{Refusal, World, account};
use alloy_primitives::{Address, B256, U256};

use crate::hands::{rating, reputation, with_agent};

fn respond(client: usize, index: u64, uri: &str) -> ratings::appendResponseCall {
    ratings::appendResponseCall {
        agentId: U256::ZERO,
        clientAddress: account(client),
        feedbackIndex: index,
        responseURI: uri.to_owned(),
        responseHash: B256::repeat_byte(3),
    }
}

fn count(world: &World, client: Address, index: u64, responders: &[usize]) -> u64 {
    let call = ratings::getResponseCountCall {
        agentId: U256::ZERO,
        clientAddress: client,
        feedbackIndex: index,
        responders: responders.iter().map(|at| account(*at)).collect(),
    };
    world.view(CONTRACTS.reputation, &call)
}

#[test]
fn anybody_responds_as_often_as_they_like() {
    let mut world = with_agent();
    for client in [1, 1, 2] {
        reputation(&mut world, client, &rating(5, 0, "starred")).unwrap();
    }
    for (client, index, uri, error) in [
        (1, 0, "x", "index must be > 0"),
        (1, 3, "x", "index out of bounds"),
        (3, 1, "x", "index out of bounds"),
        (1, 1, "", "Empty URI"),
    ] {
        let refused = reputation(&mut world, 0, &respond(client, index, uri)).unwrap_err();
        assert_eq!(refused, Refusal::text(error));
    }
    for (responder, client, index) in [(0, 1, 1), (0, 1, 1), (7, 1, 1), (7, 1, 2), (0, 2, 1)] {
        let done = reputation(&mut world, responder, &respond(client, index, "ipfs://r")).unwrap();
        let told = ResponseAppended {
            agentId: U256::ZERO,
            clientAddress: account(client),
            feedbackIndex: index,
            responder: account(responder),
            responseURI: "ipfs://r".to_owned(),
            responseHash: B256::repeat_byte(3),
        };
        assert_eq!(done.events::<ResponseAppended>(), [told]);
    }
    let (one, two) = (account(1), account(2));
    let counts = [
        count(&world, one, 1, &[]),
        count(&world, one, 1, &[0]),
        count(&world, one, 1, &[9]),
        count(&world, one, 0, &[]),
        count(&world, two, 0, &[7]),
        count(&world, Address::ZERO, 0, &[]),
        count(&world, Address::ZERO, 0, &[7]),
    ];
    assert_eq!(counts, [3, 2, 0, 4, 0, 5, 2]);
}
