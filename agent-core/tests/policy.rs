//! The spend policy refuses what it does not know.

use agent_core::money::{AssetId, BaseUnits, Network};
use agent_core::policy::{
    LockIntent, PaymentIntent, PolicyRefusal, SpendPolicy, SpendRules, Spent,
};
use alloy_primitives::Address;
use std::collections::BTreeSet;

const ESCROW: Address = Address::repeat_byte(9);

fn asset() -> AssetId {
    AssetId {
        network: Network::eip155(1),
        address: Address::repeat_byte(1),
    }
}

fn units(units: u128) -> BaseUnits {
    BaseUnits::new(units)
}

fn policy() -> SpendPolicy {
    SpendPolicy {
        asset: asset(),
        contracts: BTreeSet::from([ESCROW]),
        per_payment: units(100),
        per_hour: units(1_000),
        per_day: units(5_000),
        per_payee_per_day: units(2_000),
        per_lock: units(500),
        locked_total: units(800),
        max_lock_secs: 3_600,
        killed: false,
        rules: SpendRules::default(),
    }
}

fn payment(max: u128) -> PaymentIntent {
    PaymentIntent {
        asset: asset(),
        payee: Address::repeat_byte(2),
        contract: ESCROW,
        skill: "shout".to_owned(),
        max: units(max),
        offered: None,
    }
}

#[test]
fn each_bound_refuses_by_its_own_name() {
    let none = Spent::default();
    let decide = |want: &PaymentIntent, spent: &Spent| policy().decide_payment(want, spent);
    assert_eq!(decide(&payment(100), &none), Ok(()));
    assert_eq!(decide(&payment(101), &none), Err(PolicyRefusal::PerPayment));
    let hour = Spent {
        last_hour: units(950),
        ..none.clone()
    };
    assert_eq!(decide(&payment(50), &hour), Ok(()));
    assert_eq!(decide(&payment(51), &hour), Err(PolicyRefusal::PerHour));
    let day = Spent {
        last_day: units(4_990),
        ..none.clone()
    };
    assert_eq!(decide(&payment(11), &day), Err(PolicyRefusal::PerDay));
    let payee = Spent {
        payee_last_day: units(1_990),
        ..none.clone()
    };
    assert_eq!(decide(&payment(11), &payee), Err(PolicyRefusal::PerPayee));
    let drift = PaymentIntent {
        offered: Some(units(9)),
        ..payment(10)
    };
    assert_eq!(decide(&drift, &none), Err(PolicyRefusal::Drift));
    let other = PaymentIntent {
        asset: AssetId {
            network: Network::eip155(2),
            ..asset()
        },
        ..payment(1)
    };
    assert_eq!(decide(&other, &none), Err(PolicyRefusal::UnknownAsset));
    let contract = PaymentIntent {
        contract: Address::ZERO,
        ..payment(1)
    };
    assert_eq!(
        decide(&contract, &none),
        Err(PolicyRefusal::UnknownContract)
    );
    let killed = SpendPolicy {
        killed: true,
        ..policy()
    };
    assert_eq!(
        killed.decide_payment(&payment(1), &none),
        Err(PolicyRefusal::Killed)
    );
}

#[test]
fn sums_that_overflow_are_over_the_bound() {
    let spent = Spent {
        last_hour: units(u128::MAX),
        ..Spent::default()
    };
    assert_eq!(
        policy().decide_payment(&payment(1), &spent),
        Err(PolicyRefusal::PerHour)
    );
}

#[test]
fn locks_are_bounded_in_amount_and_time() {
    let lock = LockIntent {
        asset: asset(),
        payee: Address::repeat_byte(2),
        contract: ESCROW,
        amount: units(400),
        held: BaseUnits::ZERO,
        lock_secs: 3_600,
    };
    let none = Spent::default();
    assert_eq!(policy().decide_lock(&lock, &none), Ok(()));
    let topped_up = LockIntent {
        held: units(101),
        ..lock.clone()
    };
    assert_eq!(
        policy().decide_lock(&topped_up, &none),
        Err(PolicyRefusal::PerLock)
    );
    let long = LockIntent {
        lock_secs: 3_601,
        ..lock.clone()
    };
    assert_eq!(
        policy().decide_lock(&long, &none),
        Err(PolicyRefusal::LockTooLong)
    );
    let full = Spent {
        locked_total: units(401),
        ..none.clone()
    };
    assert_eq!(
        policy().decide_lock(&lock, &full),
        Err(PolicyRefusal::LockedTotal)
    );
}
