//! `getSummary` with all that makes it no score; the reason why this project computes its own.

use agent_client::chain::bindings::IReputationRegistry as ratings;
use agent_devnet::CONTRACTS;
use agent_tests::world::{Refusal, World, account};
use alloy_primitives::U256;

use crate::hands::{rating, reputation, with_agent};

fn ask(clients: &[usize], tag1: &str, tag2: &str) -> ratings::getSummaryCall {
    ratings::getSummaryCall {
        agentId: U256::ZERO,
        clientAddresses: clients.iter().map(|at| account(*at)).collect(),
        tag1: tag1.to_owned(),
        tag2: tag2.to_owned(),
    }
}

fn summary(world: &World, clients: &[usize], tag1: &str) -> (u64, i128, u8) {
    let answer = world.view(CONTRACTS.reputation, &ask(clients, tag1, ""));
    (
        answer.count,
        answer.summaryValue,
        answer.summaryValueDecimals,
    )
}

fn rated(ratings: &[(i128, u8, &str)]) -> World {
    let mut world = with_agent();
    for (value, decimals, tag) in ratings {
        reputation(&mut world, 1, &rating(*value, *decimals, tag)).unwrap();
    }
    world
}

#[test]
fn clients_must_be_named_and_count_as_often_as_they_are() {
    let world = rated(&[(10, 0, "a"), (20, 0, "b")]);
    let refused = world.attempt(account(1), CONTRACTS.reputation, &ask(&[], "", ""));
    assert_eq!(
        refused.map(drop),
        Err(Refusal::text("clientAddresses required"))
    );
    assert_eq!(summary(&world, &[1], ""), (2, 15, 0));
    assert_eq!(summary(&world, &[1, 1], ""), (4, 15, 0));
    assert_eq!(summary(&world, &[1, 2], "a"), (1, 10, 0));
    assert_eq!(summary(&world, &[2], ""), (0, 0, 0));
    assert_eq!(summary(&world, &[1], "A"), (0, 0, 0), "tags are exact");
}

#[test]
fn the_mean_is_cut_to_the_commonest_decimals() {
    assert_eq!(
        summary(
            &rated(&[(1, 0, ""), (1, 0, ""), (1, 0, ""), (0, 0, "")]),
            &[1],
            ""
        ),
        (4, 0, 0)
    );
    assert_eq!(
        summary(&rated(&[(-1, 0, ""), (0, 0, "")]), &[1], ""),
        (2, 0, 0),
        "toward zero"
    );
    // 99.77 % and 5 stars: one number out of two units.
    assert_eq!(
        summary(&rated(&[(9_977, 2, "uptime"), (5, 0, "starred")]), &[1], ""),
        (2, 52, 0)
    );
    let world = rated(&[(9_977, 2, ""), (5, 0, ""), (100, 2, "")]);
    assert_eq!(summary(&world, &[1], ""), (3, 3_525, 2));
    let world = rated(&[(1, 18, ""), (3, 18, "")]);
    assert_eq!(summary(&world, &[1], ""), (2, 2, 18));
}

#[test]
fn a_mean_beyond_128_bits_wraps_around() {
    // Two tiny ratings with 18 decimals outvote one large one without. The number is what the
    // deployed contract's code says.
    let world = rated(&[(1, 18, ""), (1, 18, ""), (10_i128.pow(38), 0, "")]);
    let wrapped = -886_533_759_346_574_857_640_019_685_980_940_970;
    assert_eq!(summary(&world, &[1], ""), (3, wrapped, 18));
}

#[test]
fn what_is_revoked_does_not_count() {
    let mut world = rated(&[(10, 0, ""), (90, 0, "")]);
    let revoke = ratings::revokeFeedbackCall {
        agentId: U256::ZERO,
        feedbackIndex: 2,
    };
    reputation(&mut world, 1, &revoke).unwrap();
    assert_eq!(summary(&world, &[1], ""), (1, 10, 0));
}
