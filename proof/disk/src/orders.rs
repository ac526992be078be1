//! What the disk is told to do: one order a line.

/// A call of SQLite to its file layer, or a named point in the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A write, before it is made.
    Write,
    /// The log is begun anew, before its first bytes are written.
    LogBegun,
    /// A cut of a file, before it is made.
    Truncate,
    /// A sync, before it is made.
    Sync,
    /// A sync of the log right after something was committed to it. `synchronous=NORMAL` leaves these out.
    SyncOfCommit,
    /// A sync that was made.
    Synced,
    /// The program passes here.
    Point(String),
}

/// Which file of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The database itself.
    Main,
    /// Its write-ahead log.
    Log,
    /// Any.
    Any,
}

/// What happens instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The disk refuses. What was not synced when a sync is refused is lost for good, although it can still be read.
    Refuse,
    /// The disk is full.
    Full,
    /// Half of it is written, then the disk refuses.
    Half,
    /// A sync that says it was made, and was not.
    Skip,
    /// The process ends as by SIGKILL.
    Kill,
}

/// From the `from`th such call on, so many times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The calls that count.
    pub call: Call,
    /// Of which file.
    pub which: Which,
    /// The first that is hit; 1 is the next one.
    pub from: u64,
    /// How many are hit; `u64::MAX` is for ever.
    pub times: u64,
    /// What happens to them.
    pub then: Then,
}

impl Order {
    /// Hits one call.
    #[must_use]
    pub const fn once(call: Call, which: Which, from: u64, then: Then) -> Self {
        Self { call, which, from, times: 1, then }
    }

    /// Hits every call from that one on.
    #[must_use]
    pub const fn forever(call: Call, which: Which, from: u64, then: Then) -> Self {
        Self { call, which, from, times: u64::MAX, then }
    }
}

/// Reads orders: `CALL FILE FROM[+] THEN` in each line, as `sync log 12+ refuse` or `point gateway.sent 40 kill`.
///
/// # Errors
///
/// A sentence that names the line.
pub fn parse(text: &str) -> Result<Vec<Order>, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| order(line).ok_or_else(|| format!("not an order: {line}"))).collect()
}

fn order(line: &str) -> Option<Order> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [call, place, from, then] = words.as_slice() else { return None };
    let (call, which) = match *call {
        "point" => (Call::Point((*place).to_owned()), Which::Any),
        "write" => (Call::Write, which(place)?),
        "begin" => (Call::LogBegun, which(place)?),
        "truncate" => (Call::Truncate, which(place)?),
        "sync" => (Call::Sync, which(place)?),
        "commit-sync" => (Call::SyncOfCommit, which(place)?),
        "synced" => (Call::Synced, which(place)?),
        _ => return None,
    };
    let then = match *then {
        "refuse" => Then::Refuse,
        "full" => Then::Full,
        "half" => Then::Half,
        "skip" => Then::Skip,
        "kill" => Then::Kill,
        _ => return None,
    };
    let (from, times) = match from.strip_suffix('+') {
        Some(from) => (from, u64::MAX),
        None => (*from, 1),
    };
    Some(Order { call, which, from: from.parse().ok().filter(|from| *from > 0)?, times, then })
}

fn which(word: &str) -> Option<Which> {
    match word {
        "main" => Some(Which::Main),
        "log" => Some(Which::Log),
        "any" => Some(Which::Any),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn an_order_is_read_from_a_line() {
        let orders = parse("sync log 12+ refuse\n\n  point gateway.sent 40 kill\n").unwrap();
        let expected = [
            Order::forever(Call::Sync, Which::Log, 12, Then::Refuse),
            Order::once(Call::Point("gateway.sent".to_owned()), Which::Any, 40, Then::Kill),
        ];
        assert_eq!(orders, expected);
    }

    #[test]
    fn what_is_no_order_is_told() {
        for line in ["sync log 0 refuse", "sync log refuse", "sink log 1 refuse", "sync lag 1 refuse", "write any 1 x"]
        {
            assert_eq!(parse(line).unwrap_err(), format!("not an order: {line}"));
        }
    }
}
