//! What time the next block gets.

use std::time::{SystemTime, UNIX_EPOCH};

/// Where block times come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Clock {
    /// The machine's clock, moved by what time travel asked for. Two blocks never share a second, so
    /// a burst of blocks runs ahead of the machine's clock.
    #[default]
    Wall,
    /// One second a block and nothing else, so that a test is the same in every run.
    Stepped,
}

/// The clock of one chain.
#[derive(Clone, Debug)]
pub(super) struct BlockClock {
    source: Clock,
    offset: i64,
    next: Option<u64>,
}

impl BlockClock {
    /// A clock that reads `start` now.
    pub(super) fn starting_at(source: Clock, start: u64) -> Self {
        let mut clock = Self {
            source,
            offset: 0,
            next: None,
        };
        clock.read_as(start);
        clock
    }

    /// The time a block after `parent` would get if it were mined now.
    pub(super) fn next_after(&self, parent: u64) -> u64 {
        let earliest = parent.saturating_add(1);
        let time = self.next.unwrap_or_else(|| match self.source {
            Clock::Wall => wall_clock().saturating_add_signed(self.offset),
            Clock::Stepped => earliest.saturating_add_signed(self.offset),
        });
        time.max(earliest)
    }

    /// A block got `time`.
    pub(super) fn used(&mut self, time: u64) {
        if self.next.take().is_some() {
            self.read_as(time);
        }
        if self.source == Clock::Stepped {
            self.offset = 0;
        }
    }

    /// Move forward, and say by how much the clock is moved in all.
    pub(super) fn increase(&mut self, seconds: u64) -> i64 {
        self.offset = self
            .offset
            .saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX));
        if let Some(next) = &mut self.next {
            *next = next.saturating_add(seconds);
        }
        self.offset
    }

    /// The next block gets exactly `time`, and later ones follow from there.
    pub(super) fn set_next(&mut self, time: u64) {
        self.next = Some(time);
    }

    fn read_as(&mut self, time: u64) {
        if self.source == Clock::Wall {
            let distance = i128::from(time).saturating_sub(i128::from(wall_clock()));
            self.offset = i64::try_from(distance).unwrap_or(i64::MAX);
        }
    }
}

/// Seconds since the Unix epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the chain's own clock; what wants another one sets `Clock::Stepped`"
)]
pub(crate) fn wall_clock() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stepped_time_moves_by_one_and_by_what_was_asked() {
        let mut clock = BlockClock::starting_at(Clock::Stepped, 100);
        assert_eq!(clock.next_after(100), 101);
        clock.increase(50);
        assert_eq!(clock.next_after(101), 152);
        clock.used(152);
        assert_eq!(clock.next_after(152), 153);
        clock.set_next(1_000);
        assert_eq!(clock.next_after(153), 1_000);
        clock.used(1_000);
        assert_eq!(clock.next_after(1_000), 1_001);
    }

    #[test]
    fn wall_time_never_stands_still() {
        let clock = BlockClock::starting_at(Clock::Wall, 5_000);
        assert!(clock.next_after(5_000) >= 5_001);
        assert_eq!(clock.next_after(1 << 40), (1 << 40) + 1);
    }
}
