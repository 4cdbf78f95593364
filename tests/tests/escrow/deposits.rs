//! Money into the vault and out of it.

use agent_client::chain::bindings::{IToken, IZ402Escrow};
use agent_devnet::{CONTRACTS, GENESIS_USDC};
use agent_tests::{
    sign,
    world::{Refusal, World, account, key, lock},
};
use alloy_primitives::{Address, U256};

const USDC: Address = CONTRACTS.usdc;

#[test]
fn a_deposit_is_the_callers_and_can_be_withdrawn_to_anyone() {
    let mut world = World::new();
    let done = world.deposit(account(0), USDC, 700).unwrap();
    let deposited = IZ402Escrow::Deposited {
        payer: account(0),
        token: USDC,
        amount: U256::from(700),
    };
    assert_eq!(done.events::<IZ402Escrow::Deposited>(), [deposited]);
    assert_eq!(world.vault(account(0), USDC), U256::from(700));
    assert_eq!(world.balance(USDC, CONTRACTS.escrow), U256::from(700));

    let take = |amount: u64| IZ402Escrow::withdrawCall {
        token: USDC,
        amount: U256::from(amount),
        to: account(5),
    };
    let done = world.escrow(account(0), &take(300)).unwrap();
    let withdrawn = IZ402Escrow::Withdrawn {
        payer: account(0),
        token: USDC,
        to: account(5),
        amount: U256::from(300),
    };
    assert_eq!(done.events::<IZ402Escrow::Withdrawn>(), [withdrawn]);
    assert_eq!(
        world.balance(USDC, account(5)),
        U256::from(GENESIS_USDC + 300)
    );
    assert_eq!(world.vault(account(0), USDC), U256::from(400));
    for (who, amount) in [(0, 401), (5, 1)] {
        let refused = world.escrow(account(who), &take(amount)).unwrap_err();
        assert_eq!(
            refused,
            Refusal::of(&IZ402Escrow::InsufficientVault {}),
            "a vault is its payer's only"
        );
    }
}

#[test]
fn a_signed_deposit_can_be_sent_by_anyone_and_once() {
    let mut world = World::new();
    let call = sign::deposit(&key(0), &world.domain, USDC, 500, 1);
    world.escrow(account(9), &call).unwrap();
    assert_eq!(world.vault(account(0), USDC), U256::from(500));
    let again = world.escrow(account(9), &call).unwrap_err();
    assert_eq!(again, Refusal::of(&IZ402Escrow::TransferFailed {}));

    // The nonce binds the payer and the salt, the signature the amount.
    let mut changed = sign::deposit(&key(0), &world.domain, USDC, 500, 2);
    changed.amount = U256::from(501);
    assert!(world.escrow(account(9), &changed).is_err());
    changed.amount = U256::from(500);
    changed.payer = account(1);
    assert!(world.escrow(account(9), &changed).is_err());
    assert_eq!(world.vault(account(1), USDC), U256::ZERO);
}

#[test]
fn nobody_else_can_use_a_deposit_signature() {
    let mut world = World::new();
    let call = sign::deposit(&key(0), &world.domain, USDC, 500, 1);
    let nonce = {
        use alloy_sol_types::SolValue;
        alloy_primitives::keccak256((account(0), call.salt).abi_encode())
    };
    let stolen = IToken::receiveWithAuthorization_1Call {
        from: account(0),
        to: CONTRACTS.escrow,
        value: call.amount,
        validAfter: call.validAfter,
        validBefore: call.validBefore,
        nonce,
        signature: call.signature.clone(),
    };
    let refused = world.send(account(9), USDC, &stolen).unwrap_err();
    assert_eq!(
        refused,
        Refusal::text("FiatTokenV2: caller must be the payee"),
        "else it would leave the payer's money in the escrow and in no vault"
    );

    // A signature for opening a lock does not deposit, nor the other way round.
    let lock = lock(0, 1, 1);
    let deadline = world.now() + 5_000;
    let mut open = sign::open(&key(0), &world.domain, &lock, 500, deadline, 1);
    open.signature = call.signature.clone();
    assert_eq!(
        world.escrow(account(9), &open).unwrap_err(),
        Refusal::of(&IZ402Escrow::TransferFailed {})
    );
    world.escrow(account(9), &call).unwrap();
}

#[test]
fn a_vault_holds_one_token_of_one_payer() {
    let mut world = World::new();
    world.deposit(account(0), USDC, 100).unwrap();
    world.deposit(account(1), USDC, 20).unwrap();
    assert_eq!(world.vault(account(0), USDC), U256::from(100));
    assert_eq!(world.vault(account(1), USDC), U256::from(20));
    assert_eq!(world.vault(account(0), CONTRACTS.identity), U256::ZERO);
}
