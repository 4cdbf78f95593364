//! A token that calls back: every function that changes something, from inside every transfer.

use std::collections::BTreeSet;

use agent_client::chain::bindings::IZ402Escrow::{
    self, Reentered, authorizeCall, authorizeManyCall,
};
use agent_core::voucher::Lock;
use agent_devnet::{CONTRACTS, artifacts::Artifact};
use agent_tests::{
    rows, sign,
    tokens::{Hostile, ITestToken},
    world::{World, account, key, lock, on_chain},
};
use alloy_primitives::{Address, Bytes, U256, aliases::U40};
use alloy_sol_types::{SolCall, SolError};

/// The selectors of the functions in the compiled contract that can change its state.
fn declared() -> BTreeSet<[u8; 4]> {
    let compiled: serde_json::Value = serde_json::from_str(Artifact::Escrow.json()).unwrap();
    let functions = compiled["abi"].as_array().unwrap().iter().filter(|item| {
        let mutability = item["stateMutability"].as_str();
        item["type"] == "function" && !matches!(mutability, Some("view" | "pure"))
    });
    let signature = |item: &serde_json::Value| {
        let kind = |input: &serde_json::Value| match input["type"].as_str().unwrap() {
            "tuple" => "(address,address,address,address,uint96)".to_owned(),
            "tuple[]" => "(address,address,address,address,uint96)[]".to_owned(),
            plain => plain.to_owned(),
        };
        let inputs: Vec<_> = item["inputs"]
            .as_array()
            .unwrap()
            .iter()
            .map(kind)
            .collect();
        format!("{}({})", item["name"].as_str().unwrap(), inputs.join(","))
    };
    let hash = |item| {
        alloy_primitives::keccak256(signature(item))[..4]
            .try_into()
            .unwrap()
    };
    functions.map(hash).collect()
}

struct Stage {
    world: World,
    token: Address,
    mine: Lock,
    deadline: u64,
}

impl Stage {
    /// Locks with the token, one of them past its deadline at the end of this.
    fn new() -> Self {
        let mut world = World::new();
        let token = Hostile::Reentrant.place(&mut world, account(0), 10_000);
        world.deposit(account(0), token, 1_000).unwrap();
        let mine = Lock {
            token,
            ..lock(0, 5, 1)
        };
        let deadline = world.now() + 5_000;
        let open = sign::open(&key(0), &world.domain, &mine, 500, deadline, 1);
        world.escrow(account(9), &open).unwrap();
        world.wait(6_000);
        Self {
            world,
            token,
            mine,
            deadline,
        }
    }

    /// Calls that would succeed, of every function: who sends it, what.
    fn calls(&self) -> Vec<(usize, Bytes)> {
        let (domain, token) = (&self.world.domain, self.token);
        let (of, amount, deadline) = (
            on_chain(&self.mine),
            U256::from(10),
            U40::from(self.deadline),
        );
        let row = rows::signed(&key(0), domain, &self.mine, 10, 10);
        let many = authorizeManyCall {
            locks: vec![of.clone()],
            amounts: vec![amount],
            deadlines: vec![deadline],
        };
        let encoded: [(usize, Vec<u8>); 12] = [
            (0, IZ402Escrow::depositCall { token, amount }.abi_encode()),
            (9, sign::deposit(&key(0), domain, token, 10, 1).abi_encode()),
            (
                9,
                sign::open(&key(0), domain, &self.mine, 10, self.deadline, 2).abi_encode(),
            ),
            (5, rows::settle(account(5), token, &[row]).abi_encode()),
            (
                0,
                IZ402Escrow::releaseCall { lock: of.clone() }.abi_encode(),
            ),
            (
                5,
                IZ402Escrow::releaseByPayeeCall {
                    lock: of.clone(),
                    amount,
                }
                .abi_encode(),
            ),
            (
                9,
                sign::release(&key(5), domain, &self.mine, 10, 3).abi_encode(),
            ),
            (
                0,
                IZ402Escrow::withdrawCall {
                    token,
                    amount,
                    to: account(0),
                }
                .abi_encode(),
            ),
            (
                0,
                authorizeCall {
                    lock: of,
                    amount,
                    deadline,
                }
                .abi_encode(),
            ),
            (0, many.abi_encode()),
            (
                0,
                rows::open(&[(self.mine, 10)], self.deadline).abi_encode(),
            ),
            (
                9,
                sign::authorize(&key(0), domain, &self.mine, 10, self.deadline, 4).abi_encode(),
            ),
        ];
        encoded.map(|(from, data)| (from, data.into())).to_vec()
    }
}

/// The first so many of the calls move tokens.
const MOVING: usize = 8;

#[test]
fn nothing_can_be_called_from_inside_any_transfer() {
    let stage = Stage::new();
    let calls = stage.calls();
    let covered: BTreeSet<[u8; 4]> = calls
        .iter()
        .map(|(_, data)| data[..4].try_into().unwrap())
        .collect();
    assert_eq!(
        covered,
        declared(),
        "every function that changes state is tried"
    );
    for (from, outer) in &calls[..MOVING] {
        for (_, inner) in &calls {
            for after_move in [false, true] {
                let mut world = stage.world.clone();
                let call = ITestToken::setCallCall {
                    target: CONTRACTS.escrow,
                    data: inner.clone(),
                    afterMove: after_move,
                };
                world.send(account(0), stage.token, &call).unwrap();
                let before = world.view(stage.token, &ITestToken::callsCall {});
                let sent = world.raw(account(*from), CONTRACTS.escrow, outer.clone());
                assert!(sent.status(), "the outer call goes on");
                let calls = world.view(stage.token, &ITestToken::callsCall {});
                assert_eq!(calls - before, U256::ONE);
                assert!(!world.view(stage.token, &ITestToken::lastOkCall {}));
                let answer = world.view(stage.token, &ITestToken::lastAnswerCall {});
                assert_eq!(answer, Bytes::from(Reentered {}.abi_encode()));
            }
        }
    }
}
