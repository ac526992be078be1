//! Amounts as people read them.

/// Bytes, with one decimal from the kibibyte on.
pub(super) fn bytes(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut tenths = u128::from(bytes) * 10;
    let mut shown = None;
    for unit in units {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1_024;
        shown = Some(unit);
    }
    shown.map_or_else(|| format!("{bytes} B"), |unit| format!("{}.{} {unit}", tenths / 10, tenths % 10))
}

/// A time span in its largest unit.
pub(super) fn age(seconds: i64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let fitting = units.iter().find(|(unit, _)| seconds.abs() >= *unit);
    fitting.map_or_else(|| format!("{seconds}s"), |(unit, word)| format!("{}{word}", seconds / unit))
}

/// Microseconds as milliseconds with one decimal.
pub(super) fn milliseconds(microseconds: u64) -> String {
    let tenths = microseconds.saturating_add(50) / 100;
    format!("{}.{} ms", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_shown_in_the_unit_that_fits() {
        assert_eq!(bytes(1_023), "1023 B");
        assert_eq!(bytes(1_024), "1.0 KiB");
        assert_eq!(bytes(5 * 1_024 * 1_024 * 1_024 / 2), "2.5 GiB");
        assert_eq!(bytes(u64::MAX), "15.9 EiB");
        assert_eq!((age(59), age(3_600), age(200_000)), ("59s".into(), "1h".into(), "2d".into()));
        assert_eq!(age(-120), "-2m");
        assert_eq!(milliseconds(1_250), "1.3 ms");
    }
}
