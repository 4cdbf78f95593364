//! The rules of a policy, and the switch that stops everything, on a wallet with a file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod wallet_support;

use std::{collections::BTreeSet, sync::Arc};

use agent_client::wallet::{KillSwitch, WalletError};
use agent_core::{
    clock::Clock,
    policy::{PolicyRefusal, Recurrence, SkillBounds, SpendPolicy, SpendRules, TotalBudget},
};
use alloy_primitives::Address;
use wallet_support::*;

async fn refused_by(world: &World, max: u128) -> PolicyRefusal {
    match world.pay(max).await {
        Err(WalletError::Policy(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn ruled(rules: SpendRules) -> SpendPolicy {
    SpendPolicy { rules, ..policy() }
}

#[tokio::test]
async fn the_kill_switch_works_in_a_running_wallet_and_outlasts_it() {
    let mut world = World::new().await;
    drop(world.pay(10).await.unwrap());
    // Another process knows no more than where the file is.
    let switch = KillSwitch::of(&world.dir.path().join("wallet.db"));
    switch.kill().unwrap();
    switch.kill().unwrap();
    assert_eq!(refused_by(&world, 1).await, PolicyRefusal::Killed);
    let opening = world.wallet.ensure_channel(&other_terms(), units(5)).await;
    assert!(
        matches!(opening, Err(WalletError::Policy(PolicyRefusal::Killed))),
        "{opening:?}"
    );
    world.reopen().await;
    assert_eq!(refused_by(&world, 1).await, PolicyRefusal::Killed);
    world.wallet.set_policy(policy());
    assert_eq!(refused_by(&world, 1).await, PolicyRefusal::Killed);
    switch.resume().unwrap();
    switch.resume().unwrap();
    drop(world.pay(1).await.unwrap());
}

fn other_terms() -> agent_core::x402::PaymentTerms {
    agent_core::x402::PaymentTerms {
        pay_to: Address::repeat_byte(0x77),
        ..terms()
    }
}

#[tokio::test]
async fn a_bound_for_a_skill_holds_for_a_day_and_over_restarts() {
    let bounds = SkillBounds {
        per_payment: Some(units(60)),
        per_day: Some(units(100)),
    };
    let rules = SpendRules {
        skills: [("shout".to_owned(), bounds)].into(),
        ..SpendRules::default()
    };
    let mut world = World::with(|config| config.policy = ruled(rules.clone())).await;
    assert_eq!(refused_by(&world, 61).await, PolicyRefusal::PerSkill);
    drop(world.pay(60).await.unwrap());
    assert_eq!(refused_by(&world, 41).await, PolicyRefusal::PerSkillDay);
    world.reopen().await;
    world.wallet.set_policy(ruled(rules.clone()));
    assert_eq!(refused_by(&world, 41).await, PolicyRefusal::PerSkillDay);
    drop(world.pay(40).await.unwrap());
    world.clock.advance_millis(25 * 3_600_000);
    drop(world.pay(60).await.unwrap());
    let mut listed = rules;
    listed.listed_skills_only = true;
    listed.skills = [("whisper".to_owned(), bounds)].into();
    world.wallet.set_policy(ruled(listed));
    assert_eq!(refused_by(&world, 1).await, PolicyRefusal::Skill);
}

#[tokio::test]
async fn payees_dates_and_the_least_are_asked() {
    let world = World::new().await;
    let refuses = |rules: SpendRules| {
        world.wallet.set_policy(ruled(rules));
        refused_by(&world, 10)
    };
    let now = world.clock.now_unix_secs();
    let usual = SpendRules::default;
    let payees = Some(BTreeSet::from([Address::repeat_byte(0x77)]));
    let refusal = refuses(SpendRules { payees, ..usual() }).await;
    assert_eq!(refusal, PolicyRefusal::Payee);
    let refusal = refuses(SpendRules {
        payees: Some(BTreeSet::from([SELLER])),
        denied_payees: BTreeSet::from([SELLER]),
        ..usual()
    });
    assert_eq!(refusal.await, PolicyRefusal::PayeeDenied);
    let networks = Some(BTreeSet::new());
    let refusal = refuses(SpendRules {
        networks,
        ..usual()
    });
    assert_eq!(refusal.await, PolicyRefusal::Network);
    let not_before_unix_secs = Some(now + 1);
    let refusal = refuses(SpendRules {
        not_before_unix_secs,
        ..usual()
    });
    assert_eq!(refusal.await, PolicyRefusal::NotYet);
    let not_after_unix_secs = Some(now - 1);
    let refusal = refuses(SpendRules {
        not_after_unix_secs,
        ..usual()
    });
    assert_eq!(refusal.await, PolicyRefusal::Expired);
    let least = Some(units(11));
    let refusal = refuses(SpendRules { least, ..usual() });
    assert_eq!(refusal.await, PolicyRefusal::BelowLeast);
    assert_eq!(
        world.chain.openings(),
        0,
        "nothing was locked for any of it"
    );
}

#[tokio::test]
async fn occurrences_and_intervals_are_counted_over_restarts() {
    let since_unix_secs = NOW;
    let rules = SpendRules {
        recurrences: vec![Recurrence {
            since_unix_secs,
            max_occurrences: Some(2),
            min_interval_secs: 86_400,
        }],
        ..SpendRules::default()
    };
    let mut world = World::with(|config| config.policy = ruled(rules.clone())).await;
    drop(world.pay(10).await.unwrap());
    assert_eq!(refused_by(&world, 10).await, PolicyRefusal::TooSoon);
    world.clock.advance_millis(86_400_000);
    world.reopen().await;
    world.wallet.set_policy(ruled(rules));
    drop(world.pay(10).await.unwrap());
    world.clock.advance_millis(40 * 86_400_000);
    assert_eq!(refused_by(&world, 10).await, PolicyRefusal::Occurrences);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_budget_holds_against_callers_that_pay_at_once() {
    let rules = SpendRules {
        budgets: vec![TotalBudget {
            since_unix_secs: NOW,
            max: units(100),
        }],
        ..SpendRules::default()
    };
    let world = Arc::new(World::with(|config| config.policy = ruled(rules)).await);
    let callers: Vec<_> = (0..40)
        .map(|at| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.pay(5 + at % 3).await.map(|payment| payment.max) })
        })
        .collect();
    let mut paid = units(0);
    let mut refused = 0;
    for caller in callers {
        match caller.await.unwrap() {
            Ok(max) => paid = paid.plus(max).unwrap(),
            Err(WalletError::Policy(PolicyRefusal::Budget)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(paid <= units(100), "{paid}");
    assert!(paid > units(93), "the budget can be used up: {paid}");
    assert!(refused > 0);
}
