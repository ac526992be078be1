//! Unix seconds as ISO 8601 in UTC, without a clock and without a calendar library.

const DAY_SECONDS: i64 = 86_400;
/// The last second of the year 9999, beyond which the form has no room.
const SECONDS_MAX: i64 = 253_402_300_799;

/// `2026-01-19T13:50:20` and an end of the caller's choice (`Z`, `.00Z`). `None` before 1970 and after 9999.
pub(crate) fn utc(seconds: i64, end: &str) -> Option<String> {
    if !(0..=SECONDS_MAX).contains(&seconds) {
        return None;
    }
    let (days, rest) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{end}"))
}

/// The date of a day since 1970-01-01. Years are counted from March, so that the leap day is the last of its year.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_written_as_the_calendar_has_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_641_848_057, "2022-01-10T20:54:17Z"),
            (1_769_435_420, "2026-01-26T13:50:20Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (SECONDS_MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(utc(seconds, "Z").as_deref(), Some(text));
        }
        assert_eq!(utc(-1, "Z"), None);
        assert_eq!(utc(SECONDS_MAX + 1, "Z"), None);
    }

    #[test]
    fn a_day_follows_on_the_day_before() {
        let mut before = date(0);
        for day in 1..200_000 {
            let (year, month, of_month) = date(day);
            let next_day = (year, month) == (before.0, before.1) && of_month == before.2 + 1;
            let next_month = of_month == 1 && (28..=31).contains(&before.2);
            assert!(next_day || next_month, "{day}");
            before = (year, month, of_month);
        }
    }
}
