//! R4: one endpoint turns bad in every way in turn; the others notice nothing, and it comes back by itself.

use std::ops::Range;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::Outcome;
use crate::args::Args;
use crate::books::Books;
use crate::clock::micros;
use crate::faults::{Badness, Victim};
use crate::judge::{self, Interruptions, Spread};
use crate::report::{Report, say};
use crate::stage::{Endpoint, Stage, definition, wait};

/// The endpoint that turns bad.
const VICTIM: &str = "e00";
/// Requests in flight to it at most.
const VICTIM_IN_FLIGHT_MAX: usize = 8;
/// It must be suspended after this long.
const OPENS_MAX: Duration = Duration::from_secs(30);
/// Between two probes lies at least this much.
const PROBE_GAP_MIN: Duration = Duration::from_millis(4_900);
/// It must have everything after this long.
const RECOVERS_MAX: Duration = Duration::from_secs(120);
/// Memory may grow by this much at most.
const RSS_GROWTH_KIB_MAX: u64 = 64 * 1024;
/// Before anything is measured.
const WARM_UP: Duration = Duration::from_secs(5);

/// What was seen while the endpoint was bad.
struct Episode {
    badness: Badness,
    window_us: Range<u64>,
    /// Memory when it began, and the most while it lasted.
    rss_kib: (u64, u64),
    opened: Option<Duration>,
    /// Connections that came once it was suspended.
    probes_us: Vec<u64>,
    open_max: usize,
    recovered: Option<Duration>,
}

pub(crate) fn run(args: &Args) -> Outcome<Report> {
    let mut stage = Stage::set(args, None)?;
    let victim = Victim::start(&stage.sink, stage.clock)?;
    let mut endpoints = Stage::ring(args.endpoints, &json!({}));
    let bad = Endpoint {
        more: json!({ "concurrency_max": VICTIM_IN_FLIGHT_MAX,
            "policy": { "timeout": "2s", "connect_timeout": "1s", "gaps": ["1s", "5s", "30s"] } }),
        ..endpoints.remove(0)
    };
    stage.add(endpoints)?;
    let well = format!("http://{}/{VICTIM}", victim.at);
    stage.gateway.ask("POST", "/api/v1/endpoints", Some(&definition(&bad, &well)))?;
    stage.endpoints.push(bad.clone());
    let meta = stage.traffic(args)?;
    std::thread::sleep(WARM_UP);
    let begin_us = stage.clock.now_us();
    watch(&stage, args.lasts, |_| Ok(()))?;
    let baseline_us = begin_us..stage.clock.now_us();
    let mut interruptions = Interruptions::default();
    let mut episodes = Vec::new();
    for badness in kinds(args) {
        say(&format!("{badness:?}"));
        let episode = episode(&stage, &victim, &bad, badness, args.lasts, &mut interruptions)?;
        episodes.push(episode);
    }
    let rss_kib_end = stage.gateway.rss_kib();
    meta.stop()?;
    stage.drain()?;
    let books = stage.books()?;
    let mut report = Report::default();
    let baseline = Figures::of(&books, &baseline_us);
    report.figure("scale", format!("{} events/s to {} endpoints, two each", args.rate, args.endpoints));
    report.figure("deliveries a second", per_second(baseline.delivery.count, &baseline_us));
    report.figure("baseline delivery to the others", baseline.delivery.to_string());
    report.figure("baseline ingest", baseline.ingest.to_string());
    report.figure("memory KiB when the first turned bad", episodes.first().map_or(0, |first| first.rss_kib.0));
    report.figure("memory KiB at the end", rss_kib_end);
    report.row(
        "| badness | p99 others ms | p99 ingest ms | memory KiB | suspended s | in flight | probes | well again s |"
            .to_owned(),
    );
    report.row("| --- | --- | --- | --- | --- | --- | --- | --- |".to_owned());
    for episode in &episodes {
        judge_episode(&mut report, episode, &Figures::of(&books, &episode.window_us), &baseline);
    }
    judge::basics(&mut report, &books, &stage.endpoints);
    judge::repeats(&mut report, &books, &interruptions, stage.endpoints.len());
    judge::order(&mut report, &books, &interruptions);
    judge::totals(&mut report, &stage.gateway, &books, &stage.endpoints)?;
    Ok(report)
}

fn kinds(args: &Args) -> Vec<Badness> {
    use clap::ValueEnum as _;
    if args.bad.is_empty() { Badness::value_variants().to_vec() } else { args.bad.clone() }
}

/// Looks four times a second for so long, and gives the most memory that was seen.
fn watch(stage: &Stage, lasts: Duration, mut look: impl FnMut(&Stage) -> Outcome<()>) -> Outcome<u64> {
    let end = Instant::now() + lasts;
    let mut rss_kib_max = 0;
    while Instant::now() < end {
        rss_kib_max = rss_kib_max.max(stage.gateway.rss_kib());
        look(stage)?;
        std::thread::sleep(Duration::from_millis(250));
    }
    Ok(rss_kib_max)
}

fn episode(
    stage: &Stage,
    victim: &Victim,
    endpoint: &Endpoint,
    badness: Badness,
    lasts: Duration,
    interruptions: &mut Interruptions,
) -> Outcome<Episode> {
    let path = format!("/api/v1/endpoints/{VICTIM}");
    let set_url = |url: &str| stage.gateway.ask("PUT", &path, Some(&definition(endpoint, url)));
    let bad_url = badness.url(victim.at, VICTIM);
    bad_url.as_deref().map(set_url).transpose()?;
    victim.set(Some(badness));
    interruptions.cuts_us.push((VICTIM.to_owned(), stage.clock.now_us()));
    let (begin, begin_us) = (Instant::now(), stage.clock.now_us());
    let rss_kib_before = stage.gateway.rss_kib();
    let mut opened = None;
    let rss_kib_max = watch(stage, lasts, |stage| {
        if opened.is_none() && state(stage, &path)? == "suspended" {
            opened = Some(begin.elapsed());
        }
        Ok(())
    })?;
    let window_us = begin_us..stage.clock.now_us();
    // Attempts that were begun before the suspension end within the time-out.
    let from_us = opened.map_or(u64::MAX, |after| begin_us + micros(after));
    let probes_us = victim.came_us().into_iter().filter(|came_us| *came_us > from_us).collect();
    let open_max = victim.open_max();
    victim.set(None);
    interruptions.cuts_us.push((VICTIM.to_owned(), stage.clock.now_us()));
    if bad_url.is_some() {
        set_url(&format!("http://{}/{VICTIM}", victim.at))?;
    }
    let healed = Instant::now();
    let recovered = wait("the victim's recovery", RECOVERS_MAX, || {
        let shown = stage.gateway.get(&path)?;
        let owed = shown.get("owed").and_then(serde_json::Value::as_u64);
        // What is under way at any moment is owed too.
        Ok(shown.get("state").is_some_and(|state| state == "active") && owed.is_some_and(|owed| owed < 50))
    });
    let recovered = recovered.ok().map(|()| healed.elapsed());
    Ok(Episode { badness, window_us, rss_kib: (rss_kib_before, rss_kib_max), opened, probes_us, open_max, recovered })
}

fn state(stage: &Stage, path: &str) -> Outcome<String> {
    let shown = stage.gateway.get(path)?;
    Ok(shown.get("state").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned())
}

struct Figures {
    delivery: Spread,
    ingest: Spread,
}

impl Figures {
    fn of(books: &Books, window_us: &Range<u64>) -> Self {
        Self {
            delivery: judge::delivery(books, window_us, |endpoint| endpoint != VICTIM),
            ingest: judge::ingest(books, window_us),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures of a run")]
fn judge_episode(report: &mut Report, episode: &Episode, seen: &Figures, baseline: &Figures) {
    let Episode { badness, rss_kib: (rss_kib_before, rss_kib_max), opened, probes_us, open_max, recovered, .. } =
        episode;
    let seconds =
        |length: &Option<Duration>| length.map_or("never".to_owned(), |length| format!("{:.1}", length.as_secs_f64()));
    let ms = |us: u64| us as f64 / 1_000.0;
    let growth = rss_kib_max.saturating_sub(*rss_kib_before);
    let gaps = probes_us.windows(2).map(|pair| pair.iter().copied().fold(0, |before, at: u64| at.abs_diff(before)));
    let shortest_us = gaps.min();
    report.row(format!(
        "| {badness:?} | {:.1} | {:.1} | +{growth} | {} | {open_max} | {} | {} |",
        ms(seen.delivery.p99_us),
        ms(seen.ingest.p99_us),
        seconds(opened),
        probes_us.len(),
        seconds(recovered)
    ));
    let mut claim = |what: &str, held: bool, told: String| report.claim(format!("{badness:?}: {what}"), held, told);
    claim("the others are as fast", seen.delivery.is_near(baseline.delivery), seen.delivery.to_string());
    claim("so is ingest", seen.ingest.is_near(baseline.ingest), seen.ingest.to_string());
    claim("memory grows by 64 MiB at most", growth <= RSS_GROWTH_KIB_MAX, format!("{growth} KiB"));
    claim("no more in flight than its cap", *open_max <= VICTIM_IN_FLIGHT_MAX, open_max.to_string());
    claim("it is suspended within 30 s", opened.is_some_and(|opened| opened <= OPENS_MAX), seconds(opened));
    if badness.can_be_counted() {
        let told = shortest_us.map_or("fewer than two".to_owned(), |us| format!("{:.1} ms apart", ms(us)));
        claim("probes come one an interval", shortest_us.is_none_or(|us| us >= micros(PROBE_GAP_MIN)), told);
    }
    claim("it comes back by itself", recovered.is_some(), seconds(recovered));
}

fn per_second(count: usize, window_us: &Range<u64>) -> u64 {
    let us = (window_us.end - window_us.start).max(1);
    u64::try_from(count).unwrap_or(0).saturating_mul(1_000_000) / us
}
