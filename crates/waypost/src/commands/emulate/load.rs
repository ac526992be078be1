//! `waypost emulate --load`: a rate that does not wait for the receiver.

use std::fs::File;
use std::io::{BufWriter, IsTerminal as _, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use emulator::Target;
use emulator::flood::{self, Progress, Report};
use serde_json::json;
use tokio::time::{Instant, interval};

use super::job::Job;
use super::{stop, tls};
use crate::cli::EmulateArgs;
use crate::exit::{Exit, Failure};
use crate::terminal;

/// How long a load is where nothing is said.
const LENGTH: Duration = Duration::from_secs(60);
/// How often the line on a terminal is written anew.
const LOOK: Duration = Duration::from_millis(500);
/// Half this late, and the figures are not the receiver's.
const BEHIND_MAX: Duration = Duration::from_millis(500);

pub(super) async fn run(args: &EmulateArgs, job: Job, rate: f64) -> Result<Exit, Failure> {
    let sender = tls::sender(args)?;
    let world = &job.settings.scenario.world;
    let broken = || Failure::Broken("make a load: the scenario has no app with a callback, or no number");
    let app = world.apps.iter().find(|app| app.subscription.is_some()).ok_or_else(broken)?;
    let callback = app.subscription.as_ref().map(|subscription| &subscription.callback).ok_or_else(broken)?;
    let target =
        Target::parse(&callback.url).map_err(|error| Failure::Arguments(format!("{:?}: {error}", callback.url)))?;
    if job.settings.handshake {
        let challenge = "1158201444";
        sender.handshake(&target, &callback.verify_token, challenge).await.map_err(|error| {
            Failure::Emulation(format!(
                "nothing was sent: {}: {error}\n    --no-handshake sends without it",
                callback.url
            ))
        })?;
    }
    let settings = flood::Settings {
        target,
        secret: app.secret.clone(),
        number: world.numbers.first().cloned().ok_or_else(broken)?,
        events_per_second: rate,
        length: args.length.unwrap_or(LENGTH),
        contacts: args.load.contacts,
        seed: job.settings.seed,
        pace: job.settings.pace,
    };
    let length = settings.length;
    let ledger = args.load.ledger.as_ref().map(|path| {
        let file = File::create(path).map_err(Failure::file(format!("write {}", path.display())))?;
        Ok::<_, Failure>(Box::new(BufWriter::new(file)) as Box<dyn Write + Send>)
    });
    let ledger = ledger.transpose()?;
    if !args.json {
        terminal::tell(&format!("{rate} events a second to {} for {length:?}, seed {}", callback.url, settings.seed));
    }
    let progress = Arc::new(Progress::default());
    let flooding = flood::flood(settings, sender, ledger, Arc::clone(&progress), stop(None));
    let report = tokio::select! {
        report = flooding => report.map_err(Failure::file("write the ledger"))?,
        () = shown(&progress, length) => return Err(Failure::Broken("show progress")),
    };
    end(&report, args.json)
}

/// The line on a terminal, for ever.
async fn shown(progress: &Progress, length: Duration) {
    let terminal = std::io::stderr().is_terminal();
    let begun = Instant::now();
    let mut looks = interval(LOOK);
    loop {
        looks.tick().await;
        if !terminal {
            continue;
        }
        let read = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
        let (sent, acknowledged) = (read(&progress.bodies), read(&progress.acknowledged));
        let late = Duration::from_micros(read(&progress.late_us));
        let mut out = std::io::stderr().lock();
        let line = format!(
            "\r{:4.0} of {} s: {} events and {sent} bodies sent, {acknowledged} answered 200, {} waiting, schedule {:.0} ms late   ",
            begun.elapsed().as_secs_f64(),
            length.as_secs(),
            read(&progress.events),
            sent.saturating_sub(acknowledged),
            late.as_secs_f64() * 1e3
        );
        drop(out.write_all(line.as_bytes()).and_then(|()| out.flush()));
    }
}

fn end(report: &Report, as_json: bool) -> Result<Exit, Failure> {
    let Progress { events, bodies, requests, acknowledged, acknowledged_events, .. } = &*report.progress;
    let [events, bodies, requests, acknowledged, acknowledged_events] =
        [events, bodies, requests, acknowledged, acknowledged_events].map(|count| count.load(Ordering::Relaxed));
    let milliseconds = |duration: Duration| (duration.as_secs_f64() * 1e6).round() / 1e3;
    let at = |thousandths| milliseconds(report.latency.at(thousandths));
    let seconds = report.took.as_secs_f64();
    let pending = bodies.saturating_sub(acknowledged);
    #[expect(clippy::cast_precision_loss, reason = "a rate is shown in whole numbers")]
    let per_second = |count: u64| (count as f64 / seconds.max(1e-9)).round();
    if as_json {
        terminal::print(
            &json!({
                "what": "end",
                "events": events,
                "bodies": bodies,
                "requests": requests,
                "acknowledged": acknowledged,
                "acknowledged_events": acknowledged_events,
                "pending": pending,
                "seconds": seconds,
                "latency_ms": { "p50": at(500), "p99": at(990), "p999": at(999), "max": milliseconds(report.latency.max()) },
                "behind_ms": milliseconds(report.behind),
            })
            .to_string(),
        )?;
    } else {
        if std::io::stderr().is_terminal() {
            terminal::tell("");
        }
        terminal::print(&format!(
            "{events} events in {bodies} bodies: {acknowledged} answered 200, {pending} not; {} events and {} requests a second\n\
             from the scheduled moment to the 200: {:.1} ms at the median, {:.1} ms for 99 of 100, {:.1} ms for 999 of 1000, {:.1} ms at most",
            per_second(events),
            per_second(requests),
            at(500),
            at(990),
            at(999),
            milliseconds(report.latency.max()),
        ))?;
        if report.behind > BEHIND_MAX {
            terminal::tell(&format!(
                "the schedule fell {:.0} ms behind: the receiver was full, or this side was",
                milliseconds(report.behind)
            ));
        }
    }
    Ok(if pending == 0 { Exit::Ok } else { Exit::Failed })
}
