//! R5: a steady load, then more than the gateway can take, then the steady load again. The surplus is refused at once,
//! what is taken stays quick, memory stays bounded, and nothing that was answered 200 is lost.

use std::fmt;
use std::ops::Range;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::Outcome;
use crate::args::Args;
use crate::books::Books;
use crate::gateway::Setup;
use crate::judge::{self, Interruptions, Spread};
use crate::report::{Report, say};
use crate::sender::Meta;
use crate::stage::Stage;
use crate::traffic::Traffic;

/// Requests that the gateway works on at once; few, so that this machine can offer more.
const CONFIG: &str = "receive.requests_in_flight_max = 64\n";
/// Senders beyond the usual, each of which sends as soon as it may.
const SURPLUS: u32 = 256;
const WARM_UP: Duration = Duration::from_secs(3);
/// After this it must be as before.
const CALM: Duration = Duration::from_secs(10);
const RSS_KIB_MAX: u64 = 1_024 * 1_024;

pub(crate) fn run(args: &Args) -> Outcome<Report> {
    let mut stage = Stage::set_up(args, None, &Setup { config: CONFIG, ..Setup::default() })?;
    stage.add(Stage::ring(args.endpoints, &json!({})))?;
    let meta = stage.traffic(args)?;
    std::thread::sleep(WARM_UP);
    let steady_us = phase(&stage, args.lasts)?.0;
    say("overload");
    let surplus = Meta::start_many(&stage.line, SURPLUS, 10_000_000, |n| {
        Traffic::new(!args.seed, (n, SURPLUS), args.contacts, args.endpoints).beyond(args.contacts)
    })?;
    let before = Quick::of(&stage)?;
    let (over_us, rss_kib) = phase(&stage, args.lasts / 2)?;
    let quick_refusals = Quick::of(&stage)?.since(before);
    surplus.stop()?;
    std::thread::sleep(CALM);
    let after_us = phase(&stage, args.lasts / 2)?.0;
    meta.stop()?;
    stage.drain()?;
    let books = stage.books()?;
    let mut report = Report::default();
    let [steady, over, after] = [&steady_us, &over_us, &after_us].map(|window_us| judge::ingest(&books, window_us));
    let refused = refused(&books, &over_us);
    let rate = |window_us: &Range<u64>| {
        let events = books.acked().filter(|(_, sent)| sent.acked_us.is_some_and(|us| window_us.contains(&us))).count();
        events * 1_000_000 / usize::try_from((window_us.end - window_us.start).max(1)).unwrap_or(1)
    };
    report.figure("events a second, steady", rate(&steady_us));
    report.figure("events a second taken in the overload", rate(&over_us));
    report.figure("refused in the overload", format!("{} requests; {refused}", refused.count));
    report.figure("of the refusals, by the gateway's own clock, once a request was whole", quick_refusals.to_string());
    report.figure("delivered end to end, steady", judge::delivery(&books, &steady_us, |_| true).to_string());
    let quick = |spread: Spread, p99_ms: u64| spread.count > 0 && spread.p99_us <= p99_ms * 1_000;
    report.claim_of_speed(
        "steady: p99 within 50 ms, p50 within 10 ms",
        quick(steady, 50) && steady.p50_us <= 10_000,
        steady.to_string(),
    );
    report.claim_of_speed("steady: never longer than 1 s", steady.max_us < 1_000_000, steady.to_string());
    report.claim("the overload is one: some are refused", refused.count > 0, refused.count.to_string());
    report.claim_of_speed(
        "what is refused is refused within 100 ms (p99)",
        refused.p99_us <= 100_000,
        refused.to_string(),
    );
    report.claim_of_speed("what is taken in the overload: p99 within 250 ms", quick(over, 250), over.to_string());
    report.claim("memory stays within 1 GiB", rss_kib <= RSS_KIB_MAX, format!("{rss_kib} KiB at most"));
    report.claim_of_speed("10 s later it is as before: p99 within 50 ms", quick(after, 50), after.to_string());
    let with = |is: &dyn Fn(u16) -> bool| books.asked.iter().filter(|asked| is(asked.status)).count();
    let strange = with(&|status| !matches!(status, 0 | 200 | 429 | 503));
    report.claim("every refusal is 503 or 429", strange == 0, format!("{strange} others"));
    let unanswered = with(&|status| status == 0);
    report.claim(
        "every request gets an answer",
        unanswered == 0,
        format!("{unanswered} connections ended without one"),
    );
    judge::basics(&mut report, &books, &stage.endpoints);
    judge::repeats(&mut report, &books, &Interruptions::default(), stage.endpoints.len());
    judge::order(&mut report, &books, &Interruptions::default());
    judge::totals(&mut report, &stage.gateway, &books, &stage.endpoints)?;
    Ok(report)
}

/// How many refusals the gateway made, and how many of them within 100 ms, by its own metrics.
#[derive(Debug, Clone, Copy)]
struct Quick {
    all: u64,
    within: u64,
}

impl Quick {
    fn of(stage: &Stage) -> Outcome<Self> {
        let (_, page) = stage.gateway.call_as("", "GET", "/metrics", None)?;
        let refused = |line: &&str| line.starts_with("waypost_answer_seconds_bucket") && line.contains("refused");
        let below = |bound: &str| {
            let lines = page.lines().filter(refused).filter(|line| line.contains(&format!("le=\"{bound}\"")));
            lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
        };
        Ok(Self { all: below("+Inf"), within: below("0.1") })
    }

    const fn since(self, before: Self) -> Self {
        Self { all: self.all - before.all, within: self.within - before.within }
    }
}

impl fmt::Display for Quick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} within 100 ms", self.within, self.all)
    }
}

/// A phase's window, and the most memory in it.
fn phase(stage: &Stage, lasts: Duration) -> Outcome<(Range<u64>, u64)> {
    let (begin, begin_us) = (Instant::now(), stage.clock.now_us());
    let mut rss_kib = 0;
    while begin.elapsed() < lasts {
        rss_kib = rss_kib.max(stage.gateway.rss_kib());
        std::thread::sleep(Duration::from_millis(250));
    }
    Ok((begin_us..stage.clock.now_us(), rss_kib))
}

fn refused(books: &Books, window_us: &Range<u64>) -> Spread {
    let asked = books.asked.iter().filter(|asked| window_us.contains(&asked.ended_us));
    Spread::of(asked.filter(|asked| matches!(asked.status, 503 | 429)).map(|asked| asked.took_us).collect())
}
