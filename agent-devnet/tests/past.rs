//! The past, as it was and as it is returned to.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod local;

use agent_devnet::Chain;
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U256, bytes};
use alloy_rpc_types_eth::TransactionRequest;
use local::*;
use proptest::prelude::*;

/// Stores the second word of the input in the slot that the first names.
const STORE: Bytes = bytes!("602035600035550000");

#[derive(Clone, Debug)]
enum Step {
    Store { slot: u8, value: u8 },
    Pay { value: u8 },
    SetStorage { slot: u8, value: u8 },
    SetBalance { value: u8 },
    MineNothing,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..4_u8, 0..3_u8).prop_map(|(slot, value)| Step::Store { slot, value }),
        (0..9_u8).prop_map(|value| Step::Pay { value }),
        (0..4_u8, 0..3_u8).prop_map(|(slot, value)| Step::SetStorage { slot, value }),
        (0..9_u8).prop_map(|value| Step::SetBalance { value }),
        Just(Step::MineNothing),
    ]
}

fn take(chain: &mut Chain, step: &Step) {
    let word = |n: u8| U256::from(n);
    match step {
        Step::Store { slot, value } => {
            let data = [
                word(*slot).to_be_bytes::<32>(),
                word(*value).to_be_bytes::<32>(),
            ]
            .concat();
            assert!(chain.transact(call(STRANGER, data)).unwrap().status());
        }
        Step::Pay { value } => {
            let to = Address::repeat_byte(1);
            let request = TransactionRequest {
                value: Some(word(*value)),
                ..call(to, [])
            };
            assert!(chain.transact(request).unwrap().status());
        }
        Step::SetStorage { slot, value } => {
            chain.set_storage(STRANGER, word(*slot), word(*value));
            chain.mine(1).unwrap();
        }
        Step::SetBalance { value } => {
            chain.set_balance(Address::repeat_byte(1), word(*value));
            chain.mine(1).unwrap();
        }
        Step::MineNothing => chain.mine(1).unwrap(),
    }
}

/// What a client can see of the state.
fn seen(chain: &Chain, at: BlockId) -> (U256, u64, Vec<B256>) {
    let sender = agent_devnet::DEV_ACCOUNTS[0].address;
    let slots = (0..4_u8).map(|slot| chain.storage(STRANGER, U256::from(slot), at).unwrap());
    (
        chain.balance(Address::repeat_byte(1), at).unwrap(),
        chain.transaction_count(sender, at).unwrap(),
        slots.collect(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn every_kept_block_shows_its_own_state(steps in prop::collection::vec(step(), 1..30)) {
        let mut chain = chain();
        chain.set_code(STRANGER, STORE).unwrap();
        chain.mine(1).unwrap();
        let mut record = vec![seen(&chain, BlockId::latest())];
        for step in &steps {
            take(&mut chain, step);
            record.push(seen(&chain, BlockId::latest()));
        }
        for (number, then) in (1_u64..).zip(&record) {
            prop_assert_eq!(&seen(&chain, BlockId::number(number)), then);
        }
        let snapshot = chain.snapshot();
        let last = record.last().unwrap().clone();
        for step in &steps {
            take(&mut chain, step);
        }
        prop_assert!(chain.revert(snapshot));
        prop_assert_eq!(&seen(&chain, BlockId::latest()), &last);
        for then in record.iter().rev().skip(1) {
            chain.rollback(1).unwrap();
            prop_assert_eq!(&seen(&chain, BlockId::latest()), then);
        }
    }
}
