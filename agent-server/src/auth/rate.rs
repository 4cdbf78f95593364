//! How often one caller may ask.
//!
//! Each caller has a bucket of tokens that fills evenly and from which every call takes one. Buckets
//! are slots of a table of fixed size, found by a keyed hash: a call allocates nothing, waits for no
//! other caller, and no number of callers makes the table grow. Two callers whose hashes agree would
//! share a bucket; with 64 bits and a key of the process they do not in practice, and nobody can
//! choose with whom.

use super::limits::{CALLS_BURST, CALLS_PER_SEC, RATE_SETS, RATE_WAYS};
use serde::Deserialize;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// `[rate]`: how often one caller may ask. Callers without a name count by their address, IPv6 by
/// the network of 64 bits that one subscriber has.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateConfig {
    /// Calls a second, in the long run; 0 does not count.
    pub per_sec: u32,
    /// Calls at once, after a while of none.
    pub burst: u32,
    /// Whether callers without a name from this machine count too. Behind a proxy that does not say
    /// for whom it asks, all its callers would share one allowance.
    pub count_loopback: bool,
}

impl Default for RateConfig {
    fn default() -> Self {
        Self {
            per_sec: CALLS_PER_SEC,
            burst: CALLS_BURST,
            count_loopback: false,
        }
    }
}

/// Who is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counted<'a> {
    /// A caller with a name.
    Caller(&'a str),
    /// An address, of callers without one.
    Address(IpAddr),
}

/// Counts calls.
#[derive(Debug)]
pub struct RateLimiter {
    /// Nanoseconds in which one token comes; 0 does not count.
    interval: u64,
    /// Nanoseconds in which an empty bucket fills.
    full: u64,
    count_loopback: bool,
    begin: Instant,
    hasher: RandomState,
    sets: Vec<Mutex<[Slot; RATE_WAYS]>>,
}

/// A bucket, as the time at which it will be full again. Empty slots are full buckets of nobody.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    key: u64,
    full_at: u64,
}

impl RateLimiter {
    /// A limiter by that configuration.
    #[must_use]
    pub fn new(config: &RateConfig) -> Self {
        let interval = 1_000_000_000_u64
            .checked_div(u64::from(config.per_sec))
            .unwrap_or(0);
        let counts = config.per_sec > 0;
        let sets = if counts { RATE_SETS } else { 0 };
        Self {
            interval,
            full: interval.saturating_mul(u64::from(config.burst.max(1))),
            count_loopback: config.count_loopback,
            begin: Instant::now(),
            hasher: RandomState::new(),
            sets: (0..sets).map(|_| Mutex::default()).collect(),
        }
    }

    /// Takes one call off the allowance.
    ///
    /// # Errors
    /// How long to wait when nothing is left. Then nothing was taken.
    pub fn take(&self, counted: Counted<'_>) -> Result<(), Duration> {
        self.ask(counted, self.now(), true)
    }

    /// Whether a call would be let through now, without taking it.
    ///
    /// # Errors
    /// How long to wait when not.
    pub fn peek(&self, counted: Counted<'_>) -> Result<(), Duration> {
        self.ask(counted, self.now(), false)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn ask(&self, counted: Counted<'_>, now: u64, take: bool) -> Result<(), Duration> {
        let counted = match counted {
            Counted::Address(address) => {
                let address = address.to_canonical();
                if address.is_loopback() && !self.count_loopback {
                    return Ok(());
                }
                Counted::Address(subscriber(address))
            }
            named => named,
        };
        let key = self.hasher.hash_one(counted);
        let sets = u64::try_from(self.sets.len()).unwrap_or(1);
        let set = key
            .checked_rem(sets)
            .and_then(|set| self.sets.get(usize::try_from(set).ok()?));
        let Some(set) = set else { return Ok(()) };
        let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
        // Ours, or else that of whoever has asked least of late.
        let ours = set
            .iter()
            .position(|slot| slot.key == key && slot.full_at > now);
        let slot = match ours {
            Some(at) => set.get_mut(at),
            None => set.iter_mut().min_by_key(|slot| slot.full_at),
        };
        let Some(slot) = slot else { return Ok(()) };
        let full_at = if ours.is_some() { slot.full_at } else { now };
        let after = full_at.saturating_add(self.interval);
        let latest = now.saturating_add(self.full);
        if after > latest {
            return Err(Duration::from_nanos(after.saturating_sub(latest)));
        }
        if take {
            *slot = Slot {
                key,
                full_at: after,
            };
        }
        Ok(())
    }
}

/// What one subscriber of a network has: an address, or 64 bits of them.
fn subscriber(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    fn limiter(per_sec: u32, burst: u32) -> RateLimiter {
        RateLimiter::new(&RateConfig {
            per_sec,
            burst,
            count_loopback: false,
        })
    }

    fn taken(limiter: &RateLimiter, counted: Counted<'_>, now: u64, tries: u32) -> usize {
        (0..tries)
            .filter(|_| limiter.ask(counted, now, true).is_ok())
            .count()
    }

    #[test]
    fn the_burst_is_given_at_once_and_the_rate_after_it() {
        let limiter = limiter(10, 3);
        let alice = Counted::Caller("alice");
        assert_eq!(taken(&limiter, alice, 0, 9), 3);
        let wait = limiter.ask(alice, 0, true).unwrap_err();
        assert_eq!(wait, Duration::from_millis(100));
        assert_eq!(taken(&limiter, alice, SECOND / 10, 9), 1);
        assert_eq!(taken(&limiter, alice, SECOND * 5, 9), 3);
    }

    #[test]
    fn callers_and_networks_have_allowances_of_their_own() {
        let limiter = limiter(1, 2);
        let address = |text: &str| Counted::Address(text.parse().unwrap());
        assert_eq!(taken(&limiter, Counted::Caller("a"), 0, 9), 2);
        assert_eq!(taken(&limiter, Counted::Caller("b"), 0, 9), 2);
        assert_eq!(taken(&limiter, address("192.0.2.1"), 0, 9), 2);
        assert_eq!(taken(&limiter, address("::ffff:192.0.2.1"), 0, 9), 0);
        assert_eq!(taken(&limiter, address("192.0.2.2"), 0, 9), 2);
        assert_eq!(taken(&limiter, address("2001:db8::1"), 0, 9), 2);
        assert_eq!(taken(&limiter, address("2001:db8::2"), 0, 9), 0);
        assert_eq!(taken(&limiter, address("2001:db8:0:1::2"), 0, 9), 2);
        assert_eq!(taken(&limiter, address("127.0.0.1"), 0, 9), 9);
    }

    #[test]
    fn a_look_takes_nothing_and_a_rate_of_zero_counts_nothing() {
        let one = limiter(1, 1);
        let alice = Counted::Caller("alice");
        assert!(one.ask(alice, 0, false).is_ok());
        assert_eq!(taken(&one, alice, 0, 2), 1);
        assert!(one.ask(alice, 0, false).is_err());
        assert_eq!(taken(&limiter(0, 1), alice, 0, 50), 50);
    }

    #[test]
    fn a_crowd_does_not_take_the_allowance_of_one_that_asks_much() {
        let limiter = limiter(1, 1_000);
        let busy = Counted::Caller("busy");
        assert_eq!(taken(&limiter, busy, 0, 1_000), 1_000);
        for number in 0..100_000_u32 {
            let other = number.to_string();
            let _ = limiter.ask(Counted::Caller(&other), 0, true);
        }
        assert!(limiter.ask(busy, 0, true).is_err());
    }

    proptest! {
        #[test]
        fn never_more_than_burst_and_rate_allow(
            per_sec in 1_u32..200,
            burst in 1_u32..50,
            pauses in prop::collection::vec(0_u64..SECOND / 10, 1..300),
        ) {
            let limiter = limiter(per_sec, burst);
            let mut now = 0;
            let mut given = 0_u64;
            for pause in pauses {
                now += pause;
                if limiter.ask(Counted::Caller("a"), now, true).is_ok() {
                    given += 1;
                }
                let rate = now / (SECOND / u64::from(per_sec));
                prop_assert!(given <= u64::from(burst) + rate + 1);
            }
        }
    }
}
