//! R3: the disk refuses writes, cuts and syncs, once and for ever. Nothing is answered 200 that is not kept, whoever asks
//! is told at once, and the gateway goes on by itself when the disk does.

use std::ops::Range;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::Outcome;
use crate::args::Args;
use crate::books::Books;
use crate::clock::{micros, unix_seconds};
use crate::events::{Talk, message, messaging, text};
use crate::gateway::Setup;
use crate::judge::{self, Interruptions};
use crate::report::{Report, say};
use crate::stage::{End, Stage};
use crate::wire::{self, Answered};

/// How soon a refusal must come, and how soon it must be known and forgotten.
const REFUSES_WITHIN: Duration = Duration::from_millis(100);
const TOLD_WITHIN: Duration = Duration::from_secs(1);
const BACK_WITHIN: Duration = Duration::from_secs(5);
/// For how long a disk that refuses for ever does so.
const FOR_EVER: Duration = Duration::from_secs(5);
/// Answers that were on their way when the disk began to refuse.
const ON_THE_WIRE_US: u64 = 20_000;

struct Kind {
    name: &'static str,
    orders: &'static str,
    /// It hits every commit from then on.
    forever: bool,
}

const KINDS: [Kind; 11] = [
    Kind { name: "one sync of the log", orders: "sync log 1 refuse", forever: false },
    Kind { name: "one write to the log", orders: "write log 1 refuse", forever: false },
    Kind { name: "half of one write to the log", orders: "write log 1 half", forever: false },
    Kind { name: "one write to the database", orders: "write main 1 refuse", forever: false },
    Kind { name: "one sync of the database", orders: "sync main 1 refuse", forever: false },
    Kind { name: "every sync", orders: "sync any 1+ refuse", forever: true },
    Kind { name: "every sync of the log", orders: "sync log 1+ refuse", forever: true },
    Kind { name: "every write", orders: "write any 1+ refuse", forever: true },
    Kind { name: "every write: full", orders: "write any 1+ full", forever: true },
    Kind { name: "half of every write", orders: "write any 1+ half", forever: true },
    Kind { name: "every write and cut: full", orders: "write any 1+ full\ntruncate any 1+ full", forever: true },
];

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// From the first refusal to when it said that it was not ready.
    pub(crate) told_after: Option<Duration>,
    /// Answers of the probe meanwhile.
    pub(crate) refusals: Vec<Answered>,
    /// When the first refusal came.
    pub(crate) refused_us: Option<u64>,
    /// From the end of the refusals to the next 200, and to when it said that it was ready.
    pub(crate) back_after: Option<Duration>,
}

pub(crate) fn run(args: &Args) -> Outcome<Report> {
    let mut stage = Stage::set_up(args, None, &Setup { failpoints: true, ..Setup::default() })?;
    stage.add(Stage::ring(args.endpoints, &json!({ "policy": { "gaps": ["200ms", "1s"] } })))?;
    let meta = stage.traffic(args)?;
    let mut probe = Probe::new();
    let mut interruptions = Interruptions::default();
    let mut episodes = Vec::new();
    for (n, kind) in KINDS.iter().enumerate() {
        std::thread::sleep(Duration::from_secs(1));
        say(kind.name);
        let begin_us = stage.clock.now_us();
        stage.home.order(kind.orders)?;
        let mut seen = probe.watch(&stage, if kind.forever { FOR_EVER } else { Duration::from_secs(2) })?;
        let end_us = stage.clock.now_us();
        stage.home.order("")?;
        probe.until_back(&stage, &mut seen)?;
        episodes.push((kind, begin_us..end_us, seen));
        if n % 3 == 2 {
            stage.restart(End::Kill, &mut interruptions)?;
        }
    }
    meta.stop()?;
    stage.drain()?;
    let books = stage.books()?;
    let mut report = Report::default();
    report.row("| the disk refuses | answers that were not 200 | not ready after ms | 503 within ms | back after ms | delivered meanwhile |".to_owned());
    report.row("| --- | --- | --- | --- | --- | --- |".to_owned());
    for (kind, window_us, seen) in &episodes {
        judge_episode(&mut report, kind.name, kind.forever, (window_us, seen), &books);
    }
    judge::basics(&mut report, &books, &stage.endpoints);
    judge::repeats(&mut report, &books, &interruptions, stage.endpoints.len());
    judge::order(&mut report, &books, &interruptions);
    report.figure("kills", interruptions.kills_us.len());
    Ok(report)
}

pub(crate) fn judge_episode(
    report: &mut Report,
    name: &str,
    forever: bool,
    (window_us, seen): (&Range<u64>, &Seen),
    books: &Books,
) {
    let ms = |length: Option<Duration>| length.map_or("-".to_owned(), |length| length.as_millis().to_string());
    let within = |asked: &&crate::books::Asked| window_us.contains(&asked.ended_us);
    let refused = books.asked.iter().filter(within).filter(|asked| asked.status != 200).count();
    let delivered = books.arrivals.iter().filter(|a| window_us.contains(&a.arrived_us) && a.accepted()).count();
    let slowest = seen.refusals.iter().map(|answer| answer.took).max();
    report.row(format!(
        "| {name} | {refused} | {} | {} | {} | {delivered} |",
        ms(seen.told_after),
        ms(slowest),
        ms(seen.back_after)
    ));
    report.claim(
        format!("{name}: ingest comes back by itself within 5 s"),
        seen.back_after.is_some_and(|after| after <= BACK_WITHIN),
        format!("after {} ms", ms(seen.back_after)),
    );
    let kept_as_503 = |answer: &Answered| answer.status == 503 && answer.has("retry-after");
    report.claim(
        format!("{name}: what is refused is refused with 503 and Retry-After within 100 ms"),
        seen.refusals.iter().all(|answer| kept_as_503(answer) && answer.took <= REFUSES_WITHIN),
        format!("{} refusals, the slowest after {} ms", seen.refusals.len(), ms(slowest)),
    );
    if !forever {
        return;
    }
    report.claim(
        format!("{name}: it says that it is not ready within 1 s"),
        seen.told_after.is_some_and(|after| after <= TOLD_WITHIN),
        format!("after {} ms", ms(seen.told_after)),
    );
    let from_us = seen.refused_us.map_or(window_us.start, |us| us + ON_THE_WIRE_US);
    let wrong =
        books.asked.iter().filter(|asked| asked.status == 200 && (from_us..window_us.end).contains(&asked.ended_us));
    let wrong = wrong.count();
    report.claim(
        format!("{name}: nothing is answered 200 meanwhile"),
        wrong == 0 && seen.refused_us.is_some(),
        format!("{wrong} answers of 200, {refused} others"),
    );
}

/// Sends a notification now and then, and looks at what is answered.
pub(crate) struct Probe {
    count: u32,
}

impl Probe {
    pub(crate) const fn new() -> Self {
        Self { count: 0 }
    }

    /// An event that no endpoint wants, and no ledger has.
    pub(crate) fn ask(&mut self, stage: &Stage) -> Outcome<Answered> {
        self.count += 1;
        let wamid = format!("wamid.PROBE{:08X}", self.count);
        let talk = Talk { contact: 9_999_999, wamid: &wamid, at_seconds: unix_seconds() };
        let body = messaging(9_999, &message(talk, "Probe", &text("probe")), None);
        wire::post(stage.home.receive, body.as_bytes())
    }

    /// Looks for so long.
    pub(crate) fn watch(&mut self, stage: &Stage, lasts: Duration) -> Outcome<Seen> {
        let mut seen = Seen::default();
        let end = Instant::now() + lasts;
        while Instant::now() < end {
            let answer = self.ask(stage)?;
            if answer.status != 200 {
                seen.refused_us.get_or_insert(stage.clock.now_us());
                seen.refusals.push(answer);
            }
            if let (Some(refused_us), None) = (seen.refused_us, seen.told_after)
                && !stage.gateway.is_ready()
            {
                seen.told_after = Some(Duration::from_micros(stage.clock.now_us().saturating_sub(refused_us)));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // What was refused before an answer could be seen is not too early.
        seen.refused_us = seen.refused_us.map(|us| us.saturating_add(micros(Duration::from_millis(20))));
        Ok(seen)
    }

    /// Looks until it answers 200 again and says that it is ready.
    pub(crate) fn until_back(&mut self, stage: &Stage, seen: &mut Seen) -> Outcome<()> {
        let healed = Instant::now();
        while healed.elapsed() < 4 * BACK_WITHIN {
            if self.ask(stage)?.status == 200 && stage.gateway.is_ready() {
                seen.back_after = Some(healed.elapsed());
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}
