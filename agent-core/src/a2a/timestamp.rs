//! Points in time as A2A writes them.

use super::protojson::Field;
use crate::clock::Clock;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

const MILLIS_PER_SECOND: i64 = 1_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: what `google.protobuf.Timestamp` holds.
const FIRST: i64 = -62_135_596_800_000;
const LAST: i64 = 253_402_300_799_999;

/// A point in time, to the millisecond: `google.protobuf.Timestamp` (A2A §5.6.1).
///
/// Written in UTC as `YYYY-MM-DDTHH:mm:ss.sssZ`. Peers write anything from whole seconds to
/// nanoseconds and some write offsets, so every RFC 3339 form is read; what is finer than a
/// millisecond is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time that many milliseconds after the start of 1970 in UTC. What lies before the year
    /// 1 or after the year 9999 cannot be written and becomes the first or last time that can.
    pub fn from_unix_millis(millis: i64) -> Self {
        Self(millis.clamp(FIRST, LAST))
    }

    /// What `clock` shows.
    pub fn now(clock: &dyn Clock) -> Self {
        Self::from_unix_millis(i64::try_from(clock.now_unix_millis()).unwrap_or(LAST))
    }

    /// Milliseconds since the start of 1970 in UTC.
    pub const fn unix_millis(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.rem_euclid(MILLIS_PER_SECOND);
        let seconds = self.0.div_euclid(MILLIS_PER_SECOND);
        let in_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let (year, month, day) = date_of(seconds.div_euclid(SECONDS_PER_DAY));
        let (hour, minute, second) = (in_day / 3_600, in_day / 60 % 60, in_day % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"
        )
    }
}

/// The text is not an RFC 3339 time between the years 1 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a time such as 2025-10-28T10:30:00.000Z")]
#[non_exhaustive]
pub struct TimestampError;

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let mut rest = Rest(text.as_bytes());
        read(&mut rest)
            .filter(|_| rest.0.is_empty())
            .ok_or(TimestampError)
    }
}

fn read(rest: &mut Rest<'_>) -> Option<Timestamp> {
    let year = rest.number(4, 1..=9999)?;
    rest.one_of(b"-")?;
    let month = rest.number(2, 1..=12)?;
    rest.one_of(b"-")?;
    let day = rest.number(2, 1..=days_in(year, month))?;
    rest.one_of(b"Tt ")?;
    let hour = rest.number(2, 0..=23)?;
    rest.one_of(b":")?;
    let minute = rest.number(2, 0..=59)?;
    rest.one_of(b":")?;
    // 60 is a leap second, which Unix time does not have: it is the second after it.
    let second = rest.number(2, 0..=60)?;
    let millis = if rest.one_of(b".").is_some() {
        rest.fraction()?
    } else {
        0
    };
    let offset_minutes = match rest.one_of(b"Zz+-")? {
        sign @ (b'+' | b'-') => {
            let hours = rest.number(2, 0..=23)?;
            rest.one_of(b":")?;
            let minutes = hours * 60 + rest.number(2, 0..=59)?;
            if sign == b'-' { -minutes } else { minutes }
        }
        _ => 0,
    };
    let of_day = hour * 3_600 + (minute - offset_minutes) * 60 + second;
    let seconds = day_number(year, month, day) * SECONDS_PER_DAY + of_day;
    let millis = seconds * MILLIS_PER_SECOND + millis;
    (FIRST..=LAST)
        .contains(&millis)
        .then_some(Timestamp(millis))
}

/// The bytes that are still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn one_of(&mut self, allowed: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        allowed.contains(first).then(|| self.0 = rest)?;
        Some(*first)
    }

    fn digit(&mut self) -> Option<i64> {
        self.one_of(b"0123456789")
            .map(|byte| i64::from(byte) - i64::from(b'0'))
    }

    fn number(&mut self, digits: usize, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let mut number = 0;
        for _ in 0..digits {
            number = number * 10 + self.digit()?;
        }
        range.contains(&number).then_some(number)
    }

    /// One digit or more, of which the first three count.
    fn fraction(&mut self) -> Option<i64> {
        let mut millis = self.digit()? * 100;
        let mut weight = 10;
        while let Some(digit) = self.digit() {
            millis += digit * weight;
            weight /= 10;
        }
        Some(millis)
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

// Both ways between a date and the number of days since 1970-01-01 follow Howard Hinnant's "chrono-
// compatible low-level date algorithms": years start in March, so that the leap day comes last, and
// eras are 400 years long, after which the calendar repeats.
const DAYS_PER_ERA: i64 = 146_097;
const DAYS_BEFORE_1970: i64 = 719_468;

fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_PER_ERA + day_of_era - DAYS_BEFORE_1970
}

fn date_of(day_number: i64) -> (i64, i64, i64) {
    let days = day_number + DAYS_BEFORE_1970;
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = era * 400 + year_of_era;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A field that holds a time is always optional: see `Option<T>`.
impl Field for Timestamp {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }

    fn is_unset(&self) -> bool {
        false
    }
}
