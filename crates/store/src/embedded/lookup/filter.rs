//! A Bloom filter whose bits of a key lie in one cache line, so that asking costs one look at the memory.
//!
//! It is asked about event ids, which are hashes already: their own bits tell the places.

/// Bits for each key; about one key in four hundred that is not there seems to be.
const BITS_PER_KEY: usize = 14;
const LINE_WORDS: usize = 8;
const LINE_BYTES: usize = LINE_WORDS * 8;

/// A line of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(64))]
struct Line([u64; LINE_WORDS]);

/// The filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    lines: Box<[Line]>,
}

impl Filter {
    /// An empty one for so many keys.
    pub(super) fn new(keys: usize) -> Self {
        let lines = keys.saturating_mul(BITS_PER_KEY).div_ceil(LINE_BYTES * 8).max(1);
        Self { lines: vec![Line([0; LINE_WORDS]); lines].into() }
    }

    pub(super) fn insert(&mut self, id: &[u8; 16]) {
        let at = self.line_of(id);
        if let Some(Line(words)) = self.lines.get_mut(at) {
            for (word, bit) in words.iter_mut().zip(bits_of(id)) {
                *word |= bit;
            }
        }
    }

    /// False only for what was never inserted.
    pub(super) fn may_hold(&self, id: &[u8; 16]) -> bool {
        let Some(Line(words)) = self.lines.get(self.line_of(id)) else { return true };
        let missing = words.iter().zip(bits_of(id)).fold(0, |missing, (word, bit)| missing | (bit & !word));
        missing == 0
    }

    /// The first half of an id, stretched over the lines.
    fn line_of(&self, id: &[u8; 16]) -> usize {
        let (first, _) = halves(id);
        let lines = u128::try_from(self.lines.len()).unwrap_or(1);
        usize::try_from((u128::from(first) * lines) >> 64).unwrap_or(0)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.lines.iter().flat_map(|Line(words)| words.iter().flat_map(|word| word.to_le_bytes())).collect()
    }

    /// Reads what [`Self::to_bytes`] wrote; None for anything else.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (lines, rest) = bytes.as_chunks::<LINE_BYTES>();
        if lines.is_empty() || !rest.is_empty() {
            return None;
        }
        let line = |bytes: &[u8; LINE_BYTES]| {
            let (words, _) = bytes.as_chunks::<8>();
            let mut line = [0; LINE_WORDS];
            for (word, bytes) in line.iter_mut().zip(words) {
                *word = u64::from_le_bytes(*bytes);
            }
            Line(line)
        };
        Some(Self { lines: lines.iter().map(line).collect() })
    }

    /// Bytes of memory.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.lines.len() * LINE_BYTES
    }
}

/// One bit for each word of a line, from the second half of an id.
fn bits_of(id: &[u8; 16]) -> impl Iterator<Item = u64> {
    let (_, second) = halves(id);
    (0..LINE_WORDS).map(move |word| 1 << ((second >> (word * 6)) & 63))
}

fn halves(id: &[u8; 16]) -> (u64, u64) {
    let both = u128::from_be_bytes(*id);
    let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0);
    (half(both >> 64), half(both))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

    use rules::identity::EventId;

    use super::*;

    fn id(n: usize) -> [u8; 16] {
        *EventId::derive("s", &n.to_string()).as_bytes()
    }

    #[test]
    fn what_was_inserted_is_held_and_little_else_seems_to_be() {
        let mut filter = Filter::new(10_000);
        (0..10_000).for_each(|n| filter.insert(&id(n)));
        assert!((0..10_000).all(|n| filter.may_hold(&id(n))));
        let wrong = (10_000..110_000).filter(|n| filter.may_hold(&id(*n))).count();
        assert!(wrong < 600, "{wrong} of 100,000");
        assert!(filter.bytes() <= 10_000 * 2, "under two bytes a key");
    }

    #[test]
    fn it_reads_back_from_its_bytes_and_from_nothing_else() {
        let mut filter = Filter::new(100);
        filter.insert(&id(1));
        let bytes = filter.to_bytes();
        assert_eq!(Filter::from_bytes(&bytes).unwrap(), filter);
        assert!(Filter::from_bytes(&[]).is_none() && Filter::from_bytes(&bytes[1..]).is_none());
    }
}
