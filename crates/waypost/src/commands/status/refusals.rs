//! What was refused, from the page of metrics.

use std::collections::BTreeMap;

/// How often each code was answered.
pub(super) fn read(page: &str) -> BTreeMap<String, u64> {
    page.lines().filter_map(count).collect()
}

/// `waypost_refusals_total{code="…"} 3`. Codes are words of ours and need no unescaping.
fn count(line: &str) -> Option<(String, u64)> {
    let rest = line.strip_prefix("waypost_refusals_total{code=\"")?;
    let (code, value) = rest.split_once("\"} ")?;
    Some((code.to_owned(), value.split(' ').next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_read_from_the_page_that_the_gateway_writes() {
        let metrics = gateway::metrics::Metrics::default();
        let refusal = gateway::receive::Refusal::SignatureWrong;
        metrics.refused(refusal);
        metrics.refused(refusal);
        let page = metrics.page(&health(), &store::StoreCounts::default());
        assert_eq!(read(&page), BTreeMap::from([(refusal.code().to_owned(), 2)]));
    }

    fn health() -> store::Health {
        store::Health {
            caution: None,
            writable: true,
            reason: None,
            store_bytes: 0,
            free_bytes: 0,
            volume_bytes: 0,
            last_commit_us: 0,
            queued: 0,
            damaged: 0,
        }
    }
}
