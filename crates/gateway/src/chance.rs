//! Chance for jitter, which spreads what would otherwise come at once, and for ids that nobody has to guess at. No secret
//! depends on it.

use std::cell::RefCell;

/// Bytes that one call of the system brings.
const STOCK: usize = 1_024;

thread_local! {
    static BYTES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A random byte; 0 where the system gives none, which means no jitter.
pub(crate) fn byte() -> u8 {
    BYTES.with_borrow_mut(|bytes| bytes.pop().or_else(|| refill(bytes)).unwrap_or(0))
}

/// Random bytes; None where the system gives none.
pub(crate) fn bytes<const N: usize>() -> Option<[u8; N]> {
    BYTES.with_borrow_mut(|stock| {
        let mut drawn = [0; N];
        for byte in &mut drawn {
            *byte = stock.pop().or_else(|| refill(stock))?;
        }
        Some(drawn)
    })
}

fn refill(bytes: &mut Vec<u8>) -> Option<u8> {
    bytes.resize(STOCK, 0);
    if getrandom::fill(bytes).is_err() {
        bytes.clear();
    }
    bytes.pop()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn bytes_differ_within_a_stock_and_beyond_it() {
        let drawn: Vec<u8> = std::iter::repeat_with(super::byte).take(2 * super::STOCK).collect();
        assert!(drawn.iter().collect::<HashSet<_>>().len() > 100);
        assert_ne!(drawn.get(..super::STOCK), drawn.get(super::STOCK..));
    }

    #[test]
    fn ids_of_many_bytes_do_not_repeat_across_stocks() {
        let ids: HashSet<[u8; 10]> = std::iter::repeat_with(super::bytes).take(1_000).flatten().collect();
        assert_eq!(ids.len(), 1_000);
    }
}
