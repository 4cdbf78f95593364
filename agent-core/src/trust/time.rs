//! Unix seconds as ISO 8601 text. No clock: the time comes from the caller.

/// 9999-12-31T23:59:59Z, the last moment a four-digit year can name.
const LAST: u64 = 253_402_300_799;

/// `unix_secs` as `YYYY-MM-DDThh:mm:ssZ`; `None` past the year 9999.
///
/// The calendar is worked in 400-year eras that start on the first of March, so that the leap day
/// is the last of its year (Howard Hinnant's `civil_from_days`).
pub(super) fn iso8601(unix_secs: u64) -> Option<String> {
    if unix_secs > LAST {
        return None;
    }
    let second = unix_secs % 60;
    let minute = unix_secs / 60 % 60;
    let hour = unix_secs / 3_600 % 24;
    // Days since 0000-03-01. Every number below is under 10^7, so nothing can overflow.
    let days = (unix_secs / 86_400).saturating_add(719_468);
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let leap_days = (day_of_era / 1_460)
        .saturating_sub(day_of_era / 36_524)
        .saturating_add(day_of_era / 146_096);
    let year_of_era = day_of_era.saturating_sub(leap_days) / 365;
    let days_before_year = year_of_era
        .saturating_mul(365)
        .saturating_add(year_of_era / 4)
        .saturating_sub(year_of_era / 100);
    let day_of_year = day_of_era.saturating_sub(days_before_year);
    let month_from_march = day_of_year.saturating_mul(5).saturating_add(2) / 153;
    let days_before_month = month_from_march.saturating_mul(153).saturating_add(2) / 5;
    let day = day_of_year
        .saturating_sub(days_before_month)
        .saturating_add(1);
    let month = if month_from_march < 10 {
        month_from_march.saturating_add(3)
    } else {
        month_from_march.saturating_sub(9)
    };
    let year = era
        .saturating_mul(400)
        .saturating_add(year_of_era)
        .saturating_add(u64::from(month <= 2));
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
    ))
}

#[cfg(test)]
mod tests {
    use super::{LAST, iso8601};

    #[test]
    fn known_moments() {
        for (secs, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_795_338_000, "2026-11-22T09:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (LAST, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(iso8601(secs).as_deref(), Some(text));
        }
        assert_eq!(iso8601(LAST + 1), None);
    }
}
