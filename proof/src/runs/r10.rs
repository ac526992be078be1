//! R10: each event is sent many times, batched anew and with other entry times, across restarts, and reaches each endpoint
//! once; different events that look alike all get through.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::json;

use crate::Outcome;
use crate::args::Args;
use crate::events::Event;
use crate::judge::{self, Interruptions};
use crate::ledger::fingerprint;
use crate::lookalikes::{copy, family};
use crate::report::{Report, say};
use crate::sender::{Line, SENDERS, runtime};
use crate::stage::{End, Stage};
use crate::traffic::Traffic;

/// Events in one body at most.
const BATCH_MAX: u32 = 50;

pub(crate) fn run(args: &Args) -> Outcome<Report> {
    let mut stage = Stage::set(args, None)?;
    // No lanes: what is judged here is what comes, not when.
    stage.add(Stage::ring(args.endpoints, &json!({ "ordered": false, "policy": { "gaps": ["200ms", "1s"] } })))?;
    let events = events(args);
    let alike = events.iter().filter(|event| event.lane.is_none()).count();
    say(&format!("{} events, {} copies of each", events.len(), args.copies));
    for event in &events {
        stage.line.introduce(event);
    }
    let sent = storm(args, &mut stage, Arc::new(events))?;
    stage.drain()?;
    let books = stage.books()?;
    let mut report = Report::default();
    judge::basics(&mut report, &books, &stage.endpoints);
    judge::repeats(&mut report, &books, &sent.interruptions, stage.endpoints.len());
    judge::totals(&mut report, &stage.gateway, &books, &stage.endpoints)?;
    let conflicts = stage.gateway.total("conflicts")?;
    report.claim("a copy is not taken for another event", conflicts == 0, format!("{conflicts} conflicts"));
    let duplicates = stage.gateway.total("duplicates")?;
    report.claim(
        "every copy that was suppressed is counted",
        // What was committed and not answered because of a kill is a copy more.
        duplicates >= sent.copies,
        format!("{duplicates} counted, {} answered 200 beyond the first", sent.copies),
    );
    let ingest = judge::ingest(&books, &(0..u64::MAX));
    report.claim("duplicates are answered within 50 ms (p99)", ingest.p99_us <= 50_000, ingest.to_string());
    report.figure("events without a lane, look-alikes among them", alike);
    report.figure("copies a second", sent.copies / sent.took.as_secs().max(1));
    report.figure("kills", sent.interruptions.kills_us.len());
    Ok(report)
}

struct Storm {
    copies: u64,
    took: Duration,
    interruptions: Interruptions,
}

/// As many as the rate allows in the time, copies included, which two senders send at once; a fourth are look-alikes.
fn events(args: &Args) -> Vec<Event> {
    let all = u64::from(args.rate) * args.lasts.as_secs().max(1) / u64::from(2 * args.copies.max(1));
    let all = usize::try_from(all).unwrap_or(usize::MAX).max(100);
    let mut traffic = Traffic::new(args.seed, (0, 1), args.contacts, args.endpoints);
    let mut events: Vec<Event> = Vec::with_capacity(all);
    while events.len() < all * 3 / 4 {
        events.extend(traffic.next_batch());
    }
    for n in 0.. {
        if events.len() >= all {
            return events;
        }
        events.extend(family(n, args.endpoints));
    }
    events
}

/// Sends every event so many times, in rounds of other batches; after a third of them the gateway is stopped and started,
/// after two thirds it is killed.
fn storm(args: &Args, stage: &mut Stage, events: Arc<Vec<Event>>) -> Outcome<Storm> {
    let runtime = runtime()?;
    let mut interruptions = Interruptions::default();
    let started = Instant::now();
    for round in 0..args.copies {
        let parts: Vec<_> = (0..SENDERS)
            .map(|n| {
                let seed = args.seed ^ u64::from(round * SENDERS + n).wrapping_mul(0x9e37_79b9);
                // Two senders share each event: copies race within a round.
                let pace = f64::from(SENDERS) / f64::from(args.rate.max(1));
                let share = Share { part: n / 2, parts: SENDERS / 2, round, seconds_each: pace, seed };
                runtime.spawn(send_share(stage.line.clone(), Arc::clone(&events), share))
            })
            .collect();
        for part in parts {
            runtime.block_on(part)?;
        }
        if round == args.copies / 3 {
            stage.restart(End::Stop, &mut interruptions)?;
        } else if round == args.copies * 2 / 3 {
            stage.restart(End::Kill, &mut interruptions)?;
        }
    }
    let copies = u64::from(args.copies * 2 - 1) * u64::try_from(events.len())?;
    Ok(Storm { copies, took: started.elapsed(), interruptions })
}

/// What one sender sends in a round.
#[derive(Debug, Clone, Copy)]
struct Share {
    /// Every event that falls to this part of so many.
    part: u32,
    parts: u32,
    round: u32,
    /// Time for each event.
    seconds_each: f64,
    seed: u64,
}

async fn send_share(line: Line, events: Arc<Vec<Event>>, share: Share) {
    let Share { part, parts, round, seconds_each, seed } = share;
    let mut rng = Rng::with_seed(seed);
    let (part, parts) = (usize::try_from(part).unwrap_or(0), usize::try_from(parts).unwrap_or(1));
    // Not all at once: a round is no burst.
    let mut due =
        tokio::time::Instant::now() + Duration::from_secs_f64(rng.f64() * f64::from(BATCH_MAX) * seconds_each);
    tokio::time::sleep_until(due).await;
    let mut mine: Vec<&Event> = events.iter().skip(part).step_by(parts).collect();
    rng.shuffle(&mut mine);
    let mut rest = mine.as_slice();
    while !rest.is_empty() {
        let size = usize::try_from(rng.u32(1..=BATCH_MAX)).unwrap_or(1);
        let (now, later) = rest.split_at(size.min(rest.len()));
        rest = later;
        let bodies: Vec<Vec<u8>> = now.iter().map(|event| copy(event, u64::from(round))).collect();
        for (event, body) in now.iter().zip(&bodies) {
            line.introduce_copy(&event.key, &fingerprint(body));
        }
        let keys: Vec<&str> = now.iter().map(|event| event.key.as_str()).collect();
        let bodies: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
        line.send(&keys, &bodies).await;
        due += Duration::from_secs_f64(seconds_each * f64::from(u32::try_from(keys.len()).unwrap_or(u32::MAX)));
        tokio::time::sleep_until(due).await;
    }
}
