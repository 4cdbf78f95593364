//! The channel machine against a plain model, under any order of events.

use agent_core::channel::{Admission, AdmissionRules, Channel, LockState, Refusal};
use agent_core::money::BaseUnits;
use proptest::prelude::*;

const RULES: AdmissionRules = AdmissionRules {
    max_in_flight: 8,
    max_unclaimed: BaseUnits::new(5_000),
    deadline_margin_secs: 100,
};

fn units(units: u128) -> BaseUnits {
    BaseUnits::new(units)
}

fn open(authorized: u128) -> Channel {
    Channel::opened(LockState {
        authorized: units(authorized),
        claimed: BaseUnits::ZERO,
        deadline_unix_secs: 10_000,
    })
}

fn ask(max: u128, ceiling: u128) -> Admission {
    Admission {
        max: units(max),
        ceiling: units(ceiling),
        now_unix_secs: 1_000,
    }
}

#[test]
fn a_ceiling_that_covers_everything_in_flight_is_admitted() {
    let one = open(1_000).admit(ask(10, 10), &RULES).unwrap();
    let two = one.admit(ask(10, 20), &RULES).unwrap();
    assert_eq!(
        (two.signed, two.reserved, two.in_flight),
        (units(20), units(20), 2)
    );
}

#[test]
fn vouchers_may_arrive_out_of_order() {
    let late_first = open(1_000).admit(ask(10, 20), &RULES).unwrap();
    let both = late_first.admit(ask(10, 10), &RULES).unwrap();
    assert_eq!(both.reserved, units(20));
    assert_eq!(
        both.admit(ask(10, 15), &RULES),
        Err(Refusal::CeilingTooLow {
            required: units(30),
            signed: units(20)
        })
    );
}

#[test]
fn a_ceiling_below_equal_and_above_what_is_needed() {
    let channel = open(100).admit(ask(10, 10), &RULES).unwrap();
    assert!(matches!(
        channel.admit(ask(10, 19), &RULES),
        Err(Refusal::CeilingTooLow { .. })
    ));
    assert!(channel.admit(ask(10, 20), &RULES).is_ok());
    assert!(channel.admit(ask(10, 100), &RULES).is_ok());
    assert_eq!(
        channel.admit(ask(10, 101), &RULES),
        Err(Refusal::CeilingAboveAuthorized {
            authorized: units(100)
        })
    );
}

#[test]
fn nothing_is_admitted_near_the_deadline() {
    let at = |now_unix_secs| {
        open(100)
            .admit(
                Admission {
                    now_unix_secs,
                    ..ask(1, 1)
                },
                &RULES,
            )
            .is_ok()
    };
    assert!(at(9_900));
    assert!(!at(9_901));
    assert!(!at(20_000));
}

#[test]
fn the_cap_on_unclaimed_value_counts_what_is_in_flight() {
    let full = open(100_000).admit(ask(5_000, 5_000), &RULES).unwrap();
    assert!(matches!(
        full.admit(ask(1, 5_001), &RULES),
        Err(Refusal::ExposureExceeded { .. })
    ));
    let posted = full.post(units(5_000), units(5_000)).unwrap();
    let lock = LockState {
        authorized: units(100_000),
        claimed: units(5_000),
        deadline_unix_secs: 10_000,
    };
    assert!(
        posted
            .chain_says(lock)
            .unwrap()
            .admit(ask(1, 5_001), &RULES)
            .is_ok()
    );
}

#[test]
fn a_release_closes_the_channel_and_a_top_up_does_not() {
    let channel = open(100).admit(ask(50, 50), &RULES).unwrap();
    let lock = |authorized| LockState {
        authorized: units(authorized),
        claimed: BaseUnits::ZERO,
        deadline_unix_secs: 10_000,
    };
    let released = channel.chain_says(lock(0)).unwrap();
    assert_eq!(
        released.admit(ask(1, 60), &RULES),
        Err(Refusal::ChannelClosed)
    );
    assert!(
        released.post(units(50), units(50)).is_ok(),
        "work in flight still ends"
    );
    let topped_up = channel.chain_says(lock(200)).unwrap();
    assert!(topped_up.admit(ask(100, 150), &RULES).is_ok());
}

#[test]
fn a_claim_of_more_than_was_charged_is_money_in_advance() {
    let lock = |claimed| LockState {
        authorized: units(100),
        claimed: units(claimed),
        deadline_unix_secs: 10_000,
    };
    let channel = open(100).admit(ask(50, 50), &RULES).unwrap();
    let ahead = channel.chain_says(lock(30)).unwrap();
    assert_eq!(ahead.claimable(), units(0));
    // What runs goes on and is charged; what exceeds the advance is claimed as ever.
    let posted = ahead.post(units(50), units(50)).unwrap();
    assert_eq!(posted.claimable(), units(20));
    assert!(posted.admit(ask(10, 60), &RULES).is_ok());
    // A lock pays out no more than it was given.
    assert!(channel.chain_says(lock(101)).is_err());
}

#[test]
fn extreme_amounts_are_refused_and_never_wrap() {
    let channel = open(u128::MAX);
    let max = channel.admit(ask(u128::MAX, u128::MAX), &RULES);
    assert!(matches!(max, Err(Refusal::ExposureExceeded { .. })));
    let loose = AdmissionRules {
        max_unclaimed: units(u128::MAX),
        ..RULES
    };
    let held = channel.admit(ask(u128::MAX, u128::MAX), &loose).unwrap();
    assert!(held.admit(ask(1, u128::MAX), &loose).is_err());
}

#[derive(Debug, Clone)]
enum Step {
    Admit { max: u128, above: i64 },
    Post { which: usize, part: u8 },
    Void { which: usize },
    Claim { part: u8 },
    TopUp { more: u128 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u128..400, -50i64..400).prop_map(|(max, above)| Step::Admit { max, above }),
        3 => (any::<usize>(), any::<u8>()).prop_map(|(which, part)| Step::Post { which, part }),
        1 => any::<usize>().prop_map(|which| Step::Void { which }),
        1 => any::<u8>().prop_map(|part| Step::Claim { part }),
        1 => (0u128..500).prop_map(|more| Step::TopUp { more }),
    ]
}

proptest! {
    /// Whatever happens, C ≤ H ≤ H + R ≤ S ≤ A, S never falls, and the numbers are the model's.
    #[test]
    fn the_invariant_holds_under_any_order(steps in prop::collection::vec(step(), 1..80)) {
        let mut channel = open(2_000);
        let mut in_flight: Vec<u128> = Vec::new();
        let (mut charged, mut claimed, mut signed, mut authorized) = (0u128, 0u128, 0u128, 2_000u128);
        for step in steps {
            match step {
                Step::Admit { max, above } => {
                    let held: u128 = in_flight.iter().sum();
                    let needed = i64::try_from(charged + held + max).unwrap();
                    let ceiling = u128::try_from((needed + above).max(0)).unwrap();
                    if let Ok(next) = channel.admit(ask(max, ceiling), &RULES) {
                        channel = next;
                        in_flight.push(max);
                        signed = signed.max(ceiling);
                    }
                }
                Step::Post { which, part } if !in_flight.is_empty() => {
                    let max = in_flight.swap_remove(which % in_flight.len());
                    let actual = max * u128::from(part) / 255;
                    channel = channel.post(units(max), units(actual)).unwrap();
                    charged += actual;
                }
                Step::Void { which } if !in_flight.is_empty() => {
                    let max = in_flight.swap_remove(which % in_flight.len());
                    channel = channel.void(units(max)).unwrap();
                }
                Step::Post { .. } | Step::Void { .. } => {
                    prop_assert!(channel.void(units(0)).is_err(), "nothing is in flight");
                }
                Step::Claim { part } => {
                    claimed += (charged - claimed) * u128::from(part) / 255;
                    channel = channel.chain_says(state(authorized, claimed)).unwrap();
                }
                Step::TopUp { more } => {
                    authorized += more;
                    channel = channel.chain_says(state(authorized, claimed)).unwrap();
                }
            }
            channel.checked().unwrap();
            prop_assert_eq!(channel.charged, units(charged));
            prop_assert_eq!(channel.reserved, units(in_flight.iter().sum()));
            prop_assert_eq!(channel.signed, units(signed));
            prop_assert_eq!(channel.claimable(), units(charged - claimed));
            prop_assert_eq!(usize::try_from(channel.in_flight).unwrap(), in_flight.len());
        }
    }
}

fn state(authorized: u128, claimed: u128) -> LockState {
    LockState {
        authorized: units(authorized),
        claimed: units(claimed),
        deadline_unix_secs: 10_000,
    }
}
