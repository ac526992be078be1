//! The cases: how many endpoints there are, and who gets what.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::bodies::number_id;
use super::fill::fill;
use super::sink::Sink;
use super::{CONCURRENCY, sink};
use crate::Outcome;
use crate::servers::Server;

/// A case.
pub(super) struct Case {
    pub(super) name: &'static str,
    events: usize,
    /// Business numbers, with an endpoint for each.
    numbers: usize,
    /// Endpoints that get every event.
    everything: usize,
    /// One more that gets every event, and is down.
    dead: bool,
}

impl Case {
    pub(super) const ALL: [Self; 5] = [
        Self { name: "one endpoint", events: 40_000, numbers: 0, everything: 1, dead: false },
        Self { name: "one of 100 endpoints", events: 40_000, numbers: 100, everything: 0, dead: false },
        Self { name: "one of 10,000 endpoints", events: 40_000, numbers: 10_000, everything: 0, dead: false },
        Self { name: "each to 20 endpoints", events: 4_000, numbers: 0, everything: 20, dead: false },
        Self { name: "one endpoint beside a dead one", events: 40_000, numbers: 0, everything: 1, dead: true },
    ];

    /// Deliveries a second, and what one costs.
    pub(super) fn round(&self, sink: &Sink) -> Outcome<Round> {
        let folder = tempfile::tempdir_in("target")?;
        sink.hold(true);
        sink.clear();
        self.configure(folder.path(), sink, true)?;
        let server = Server::waypost_with(folder.path())?;
        let events = self.events / 64 * 64;
        fill(&server, events, self.numbers)?;
        server.stop()?;
        sink.hold(false);
        self.configure(folder.path(), sink, false)?;
        let server = Server::waypost_with(folder.path())?;
        let wanted = events * self.everything.max(1);
        // What was held was answered in the end, and may have been written.
        let arrivals = sink.wait_for(wanted - sink::HELD_MAX, Duration::from_secs(300))?;
        Ok(Round::new(&arrivals.at, server.cpu_us()))
    }

    /// While a store is filled, one request in flight in all is enough to hold everything up.
    fn configure(&self, folder: &Path, sink: &Sink, filling: bool) -> Outcome<()> {
        let in_flight_max = if filling { 1 } else { 1_024 };
        let mut config = format!(
            "secrets_key = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='\n[[apps]]\nname = 'main'\nverify_token = 'bench'\n\
             secrets = ['bench']\n[outbound]\nallow_networks = ['127.0.0.0/8']\nin_flight_max = {in_flight_max}\n"
        );
        let mut endpoint = |name: &str, port: u16, rules: &str| {
            write!(
                config,
                "[[endpoints]]\nname = '{name}'\nurl = 'http://127.0.0.1:{port}/'\nhub_secret = 'bench'\n\
                 concurrency_max = {CONCURRENCY}\n{rules}"
            )
        };
        for n in 0..self.everything {
            endpoint(&format!("all-{n}"), sink.at.port(), "")?;
        }
        for n in 0..self.numbers {
            let number = number_id(u64::try_from(n)?);
            endpoint(
                &format!("number-{n}"),
                sink.at.port(),
                &format!("rules = [{{ phone_number_ids = ['{number}'] }}]\n"),
            )?;
        }
        if self.dead {
            // Nothing listens on the discard port.
            endpoint("dead", 9, "")?;
        }
        Ok(std::fs::write(folder.join("waypost.toml"), config)?)
    }
}

/// One round.
pub(super) struct Round {
    /// Deliveries a second.
    pub(super) rate: f64,
    /// CPU time of the sender, start included, for a delivery; in microseconds.
    pub(super) cpu_us: f64,
}

impl Round {
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
    pub(super) fn new(at: &[Instant], cpu_us: u64) -> Self {
        Self { rate: middle_rate(at), cpu_us: cpu_us as f64 / at.len().max(1) as f64 }
    }
}

/// Arrivals a second in the middle four fifths.
#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
fn middle_rate(at: &[Instant]) -> f64 {
    let (first, last) = (at.len() / 10, at.len() * 9 / 10);
    match (at.get(first), at.get(last)) {
        (Some(begin), Some(end)) if end > begin => (last - first) as f64 / (*end - *begin).as_secs_f64(),
        _ => 0.0,
    }
}
