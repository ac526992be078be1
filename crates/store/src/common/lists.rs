//! What lists of both engines keep to.

use rules::limits::PAGE_ROWS_MAX;

/// Rows that one page looks at.
pub(crate) const SCAN_ROWS_MAX: usize = 50_000;

/// The rows of a page, as asked for and as allowed.
pub(crate) fn page_rows(limit: usize) -> usize {
    match limit {
        0 => PAGE_ROWS_MAX,
        limit => limit.min(PAGE_ROWS_MAX),
    }
}

/// Whether a type is the one wanted; a `*` at the end stands for whatever follows.
pub(crate) fn type_fits(wanted: &str, event_type: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(beginning) => event_type.starts_with(beginning),
        None => wanted == event_type,
    }
}
