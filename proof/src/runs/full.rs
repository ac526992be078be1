//! R3 on a filesystem that really fills up: the store lies on a volume of 64 MB in memory, no endpoint accepts anything,
//! and what arrives stays. Then some space is given back.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::r3::{Probe, Seen, judge_episode};
use crate::Outcome;
use crate::args::Args;
use crate::gateway::{PATH, Setup};
use crate::judge::{self, Interruptions};
use crate::report::{Report, say};
use crate::sink::Mood;
use crate::stage::Stage;
use crate::wire;

const VOLUME_BYTES: u64 = 64 * 1024 * 1024;
/// Something else on the volume, which a person removes when it is full.
const BALLAST_BYTES: usize = 16 * 1024 * 1024;
/// It must be full after this long.
const FILLS_WITHIN: Duration = Duration::from_secs(180);
/// How long it stays full.
const STAYS: Duration = Duration::from_secs(6);

/// More than this cannot be in flight while nothing is written.
const IN_FLIGHT_MAX: usize = 1_024;

/// The alarms that the gateway told, in per cent.
fn alarms(stage: &Stage) -> Outcome<Vec<u64>> {
    let page = stage.gateway.get("/api/v1/events?field=waypost&type=waypost.disk.filling&limit=100")?;
    let rows = page.pointer("/rows").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(rows.iter().filter_map(|row| row.pointer("/data/level").and_then(Value::as_u64)).collect())
}

pub(crate) fn run(args: &Args) -> Outcome<Report> {
    let setup = Setup { volume_bytes: Some(VOLUME_BYTES), ..Setup::default() };
    let mut stage = Stage::set_up(args, None, &setup)?;
    let ballast = stage.home.store().join("ballast");
    fs::write(&ballast, vec![b'x'; BALLAST_BYTES])?;
    let backlog = json!({ "policy": { "gaps": ["200ms", "1s"] } });
    stage.add(Stage::ring(args.endpoints, &backlog))?;
    stage.sink.desk.set_mood(Mood { fail_percent: 100, ..Mood::WELL });
    let meta = stage.traffic(args)?;
    let mut probe = Probe::new();
    let (started, begin_us) = (Instant::now(), stage.clock.now_us());
    let mut seen = Seen::default();
    while seen.refused_us.is_none() && started.elapsed() < FILLS_WITHIN {
        seen = probe.watch(&stage, Duration::from_millis(500))?;
    }
    say(&format!("full after {} s", started.elapsed().as_secs()));
    let first_us = seen.refused_us;
    let handshake = format!(
        "GET {PATH}?hub.mode=subscribe&hub.challenge=42&hub.verify_token=proof HTTP/1.1\r\nHost: p\r\nConnection: close\r\n\r\n"
    );
    let handshake = wire::send(stage.home.receive, &[handshake.as_bytes()])?;
    let more = probe.watch(&stage, STAYS)?;
    seen.refusals.extend(more.refusals);
    seen.told_after = seen.told_after.or(more.told_after);
    // The endpoints take what they can be given, while nothing can be written.
    stage.sink.desk.set_mood(Mood::WELL);
    let well_us = stage.clock.now_us();
    let more = probe.watch(&stage, STAYS)?;
    seen.refusals.extend(more.refusals);
    let owed_when_full = stage.gateway.total("owed")?;
    let (window_us, memory_kib) = (first_us.unwrap_or(begin_us)..stage.clock.now_us(), stage.gateway.rss_kib());
    fs::remove_file(&ballast)?;
    probe.until_back(&stage, &mut seen)?;
    meta.stop()?;
    stage.drain()?;
    let books = stage.books()?;
    let mut report = Report::default();
    report.row("| the disk | answers that were not 200 | not ready after ms | 503 within ms | back after ms | delivered meanwhile |".to_owned());
    report.row("| --- | --- | --- | --- | --- | --- |".to_owned());
    judge_episode(&mut report, "is full", true, (&window_us, &seen), &books);
    let delivered = books.arrivals.iter().filter(|a| (well_us..window_us.end).contains(&a.arrived_us) && a.accepted());
    let delivered = delivered.count();
    report.claim(
        "what was taken is delivered while the disk is full",
        delivered > IN_FLIGHT_MAX || owed_when_full == 0,
        format!("{delivered} in {} s, {owed_when_full} still owed", STAYS.as_secs()),
    );
    let rung = alarms(&stage)?;
    report.claim(
        "alarms rang at 80, 90 and 95 %",
        [80, 90, 95].iter().all(|at| rung.contains(at)),
        format!("{rung:?}"),
    );
    report.figure("memory KiB when it was full", memory_kib);
    report.claim("the handshake is answered all the while", handshake.status == 200, handshake.status.to_string());
    judge::basics(&mut report, &books, &stage.endpoints);
    judge::repeats(&mut report, &books, &Interruptions::default(), stage.endpoints.len());
    judge::order(&mut report, &books, &Interruptions::default());
    Ok(report)
}
