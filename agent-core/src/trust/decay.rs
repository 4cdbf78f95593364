//! Half-life decay in integers, so that everyone computes the same score.

/// The weight of something that has just happened; weights are parts per billion.
pub(super) const ONE: u64 = 1_000_000_000;

/// 10^9 · 2^(−k/32) for k from 0 to 32, rounded to the nearest integer.
const TABLE: [u64; 33] = [
    1_000_000_000,
    978_572_062,
    957_603_281,
    937_083_817,
    917_004_043,
    897_354_538,
    878_126_080,
    859_309_649,
    840_896_415,
    822_877_739,
    805_245_166,
    787_990_423,
    771_105_413,
    754_582_214,
    738_413_073,
    722_590_403,
    707_106_781,
    691_954_941,
    677_127_773,
    662_618_322,
    648_419_777,
    634_525_479,
    620_928_906,
    607_623_680,
    594_603_558,
    581_862_429,
    569_394_317,
    557_193_371,
    545_253_866,
    533_570_200,
    522_136_891,
    510_948_574,
    500_000_000,
];

/// Steps of the table in one half-life.
const STEPS: u128 = 32;

/// What is left of [`ONE`] after `age` of a `half_life` (same unit): 2^(−age/half_life).
///
/// Whole half-lives are shifts; in between, the table is interpolated linearly, which is off by
/// less than 6 parts in 100,000. Never rises with age, and is zero from the 30th half-life on.
pub(super) fn decay(age: u64, half_life: std::num::NonZeroU64) -> u64 {
    let halvings = u32::try_from(age / half_life).unwrap_or(u32::MAX);
    let half_life = u128::from(half_life.get());
    // Under 2^64 · 32, so the multiplications below stay under 2^128.
    let position = (u128::from(age) % half_life).saturating_mul(STEPS);
    let step = usize::try_from(position / half_life).unwrap_or(usize::MAX);
    let into_step = position % half_life;
    let at = |step: usize| TABLE.get(step).copied().unwrap_or(0);
    let drop = u128::from(at(step).saturating_sub(at(step.saturating_add(1))));
    let dropped = u64::try_from(drop.saturating_mul(into_step) / half_life).unwrap_or(u64::MAX);
    at(step)
        .saturating_sub(dropped)
        .checked_shr(halvings)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{ONE, TABLE, decay};
    use std::num::NonZeroU64;

    const HALF_LIFE: NonZeroU64 = NonZeroU64::new(7_776_000).unwrap();

    #[test]
    #[expect(clippy::as_conversions, reason = "the reference is the float function")]
    fn close_to_the_exponential_and_never_rising() {
        for (k, entry) in TABLE.iter().enumerate() {
            let exact = 1e9 * (-(k as f64) / 32.0).exp2();
            assert_eq!(*entry, exact.round() as u64);
        }
        let mut last = ONE;
        for age in (0..HALF_LIFE.get() * 8).step_by(9_973) {
            let now = decay(age, HALF_LIFE);
            let exact = 1e9 * (-(age as f64) / HALF_LIFE.get() as f64).exp2();
            assert!(now <= last);
            assert!(
                (now as f64 - exact).abs() <= exact * 6e-5 + 1.0,
                "{age}: {now} {exact}"
            );
            last = now;
        }
    }

    #[test]
    fn ends_at_zero_for_any_half_life() {
        assert_eq!(decay(0, HALF_LIFE), ONE);
        assert_eq!(decay(HALF_LIFE.get(), HALF_LIFE), ONE / 2);
        assert_eq!(decay(HALF_LIFE.get() * 30, HALF_LIFE), 0);
        assert_eq!(decay(u64::MAX, NonZeroU64::MIN), 0);
        assert_eq!(decay(u64::MAX, NonZeroU64::MAX), ONE / 2);
        assert!(decay(u64::MAX - 1, NonZeroU64::MAX) >= ONE / 2);
    }
}
