//! When a claim is made, and with which others.

use crate::seller::patient;
use agent_core::ledger::Claim;
use agent_core::money::BaseUnits;
use agent_core::voucher::{CanonicalSignature, ChannelId, Funding, Lock, Salt};
use agent_server::settle::{Due, GasPatience, ROW_BYTES, SettlePolicy, pack, plan};
use alloy_primitives::{Address, B256, Uint};
use proptest::prelude::*;

const NOW_MILLIS: u64 = 1_800_000_000_000;
const NOW: u64 = NOW_MILLIS / 1_000;

fn claim(n: u8, payee: u8, value: u128, age_millis: u64, deadline_in: u64) -> Claim {
    let mut signature = [0x11; 65];
    signature[64] = 28;
    Claim {
        funding: Funding::Lock(Lock {
            payer: Address::repeat_byte(n),
            signer: Address::repeat_byte(0xaa),
            payee: Address::repeat_byte(payee),
            token: Address::repeat_byte(0x70),
            salt: Salt(Uint::from(n)),
        }),
        channel_id: ChannelId(B256::repeat_byte(n)),
        ceiling: BaseUnits::new(value + 20),
        signature: CanonicalSignature::from_slice(&signature).unwrap(),
        charged: BaseUnits::new(value + 10),
        claimed: BaseUnits::new(10),
        deadline_unix_secs: NOW + deadline_in,
        unclaimed_since_unix_millis: NOW_MILLIS - age_millis,
    }
}

fn policy() -> SettlePolicy {
    SettlePolicy {
        value: BaseUnits::new(1_000),
        age_millis: 60_000,
        deadline_margin_secs: 3_600,
        ..patient()
    }
}

fn due(claims: &[Claim]) -> Option<Due> {
    plan(NOW_MILLIS, claims, &policy()).map(|batch| batch.due)
}

#[test]
fn each_reason_alone_is_enough_at_its_bound_and_not_before() {
    assert_eq!(due(&[]), None);
    assert_eq!(due(&[claim(1, 1, 999, 59_999, 3_601)]), None);
    assert_eq!(due(&[claim(1, 1, 1_000, 0, 9_999)]), Some(Due::Value));
    assert_eq!(due(&[claim(1, 1, 1, 60_000, 9_999)]), Some(Due::Age));
    assert_eq!(due(&[claim(1, 1, 1, 0, 3_600)]), Some(Due::Deadline));
    assert_eq!(
        due(&[claim(1, 1, 600, 0, 9_999), claim(2, 1, 400, 0, 9_999)]),
        Some(Due::Value)
    );
    assert_eq!(
        due(&[claim(1, 1, 600, 0, 9_999), claim(2, 2, 400, 0, 9_999)]),
        None
    );
    assert_eq!(
        due(&[claim(1, 1, u128::MAX - 20, 0, 9_999); 2]),
        Some(Due::Value)
    );
}

#[test]
fn dust_is_never_worth_a_row() {
    let policy = SettlePolicy {
        dust: BaseUnits::new(100),
        ..policy()
    };
    assert!(
        plan(
            NOW_MILLIS,
            &[claim(1, 1, 99, 999_999, 0)],
            &policy.everything()
        )
        .is_none()
    );
    assert!(
        plan(
            NOW_MILLIS,
            &[claim(1, 1, 100, 0, 9_999)],
            &policy.everything()
        )
        .is_some()
    );
    assert!(
        plan(
            NOW_MILLIS,
            &[claim(1, 1, 0, 999_999, 0)],
            &patient().everything()
        )
        .is_none()
    );
}

#[test]
fn a_row_is_laid_out_as_the_contract_reads_it() {
    let rows = pack(&[claim(3, 1, 0x0102, 0, 0), claim(4, 1, 5, 0, 0)]);
    assert_eq!(rows.len(), 2 * ROW_BYTES);
    assert_eq!(rows[..20], [3; 20]);
    assert_eq!(rows[20..40], [0xaa; 20]);
    assert_eq!((rows[50], rows[51]), (0, 3));
    assert_eq!(rows[52..68], (0x0102_u128 + 20).to_be_bytes());
    assert_eq!(rows[68..84], (0x0102_u128 + 10).to_be_bytes());
    assert_eq!(rows[84..116], [0x11; 32]);
    assert_eq!(
        (rows[116], rows[117]),
        (0x91, 0x11),
        "v of 28 is the top bit of s"
    );
    assert_eq!(rows[148..168], [4; 20]);
}

fn any_claim() -> impl Strategy<Value = Claim> {
    (
        any::<u8>(),
        0..3_u8,
        0..2_000_u128,
        0..120_000_u64,
        0..10_000_u64,
    )
        .prop_map(|(n, payee, value, age, deadline)| claim(n, payee, value, age, deadline))
}

proptest! {
    #[test]
    fn a_batch_can_always_be_sent(
        claims in prop::collection::vec(any_claim(), 0..40),
        rows in 0..30_usize,
    ) {
        let policy = SettlePolicy { rows, ..policy() };
        let Some(batch) = plan(NOW_MILLIS, &claims, &policy) else {
            // Nothing is near its deadline, or too old.
            for claim in claims.iter().filter(|claim| claim.charged > claim.claimed) {
                prop_assert!(claim.deadline_unix_secs > NOW + policy.deadline_margin_secs);
                prop_assert!(NOW_MILLIS - claim.unclaimed_since_unix_millis < policy.age_millis);
            }
            return Ok(());
        };
        prop_assert!(!batch.claims.is_empty() && batch.claims.len() <= rows.max(1));
        for claim in &batch.claims {
            prop_assert_eq!((claim.funding.payee(), claim.funding.token()), (batch.payee, batch.token));
            prop_assert!(claim.charged > claim.claimed);
        }
        let near = |claim: &Claim| claim.deadline_unix_secs <= NOW + policy.deadline_margin_secs;
        let all_near = claims.iter().filter(|claim| {
            near(claim) && claim.charged > claim.claimed && claim.funding.payee() == batch.payee
        });
        let wanted = all_near.count().min(rows.max(1));
        prop_assert_eq!(batch.claims.iter().filter(|claim| near(claim)).count(), wanted);
    }

    #[test]
    fn everything_leaves_nothing_behind(mut claims in prop::collection::vec(any_claim(), 0..40)) {
        let policy = SettlePolicy { rows: 7, ..policy() }.everything();
        let mut rounds = 0;
        while let Some(batch) = plan(NOW_MILLIS, &claims, &policy) {
            for paid in &batch.claims {
                for claim in claims.iter_mut().filter(|claim| claim.channel_id == paid.channel_id) {
                    claim.claimed = claim.claimed.max(paid.charged);
                }
            }
            rounds += 1;
            prop_assert!(rounds <= 40);
        }
        prop_assert!(claims.iter().all(|claim| claim.charged <= claim.claimed));
    }
}

#[test]
fn dear_gas_is_waited_out_and_paid_when_the_deadline_comes() {
    let gas = GasPatience {
        calm_wei: 100,
        climb_secs: 1_000,
    };
    let fee = |left| gas.allows_wei(left, 600);
    assert_eq!((fee(u64::MAX), fee(1_600)), (100, 100));
    assert_eq!(fee(1_100), 100 + 1_500 / 2);
    assert_eq!((fee(600), fee(0)), (u128::MAX, u128::MAX));
    // Ever more as time runs out, never less.
    let fees: Vec<_> = (0..=1_700).rev().map(fee).collect();
    assert!(fees.windows(2).all(|pair| pair[0] <= pair[1]));
    let nothing = GasPatience {
        calm_wei: u128::MAX,
        climb_secs: 0,
    };
    assert_eq!(nothing.allows_wei(u64::MAX, 0), u128::MAX);
}
