//! R13: hostile connections. While thousands stand idle, drip, flood and forge, good traffic goes on as before, and
//! nothing that is not signed is kept.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

use crate::Outcome;
use crate::args::Args;
use crate::gateway::{PATH, Setup};
use crate::judge::{self, Interruptions};
use crate::report::{Report, say};
use crate::stage::Stage;
use crate::wire;

/// Descriptors that are left for everything else.
const SPARE: u64 = 2_000;
/// Connections of each further kind.
const EACH: usize = 100;
/// Before anything is measured.
const WARM_UP: Duration = Duration::from_secs(3);

/// What came back.
#[derive(Debug, Default)]
struct Counts {
    open: AtomicUsize,
    open_max: AtomicUsize,
    /// Wrongly signed, and answered 401.
    refused: AtomicU64,
    /// Wrongly signed or not even whole, and answered 200.
    taken: AtomicU64,
    headers_refused: AtomicU64,
    ended: AtomicU64,
}

pub(crate) fn run(args: &Args) -> Outcome<Report> {
    let idle = descriptors()?.saturating_sub(SPARE);
    // Places for all of them, and for those that behave.
    let config: &'static str = Box::leak(format!("receive.connections_max = {}\n", idle + 1_000).into_boxed_str());
    let mut stage = Stage::set_up(args, None, &Setup { config, ..Setup::default() })?;
    stage.add(Stage::ring(args.endpoints, &json!({})))?;
    let meta = stage.traffic(args)?;
    std::thread::sleep(WARM_UP);
    let begin_us = stage.clock.now_us();
    std::thread::sleep(args.lasts);
    let baseline_us = begin_us..stage.clock.now_us();
    let mut report = Report::default();
    let counts = Arc::new(Counts::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let events_before = stage.gateway.total("events")?;
    let sent_before = stage.books()?.acked().count();
    let mut windows: Vec<(String, Range<u64>)> = Vec::new();
    // The kinds that only wait come first and stay; what they cost is seen with them all.
    crowd(&runtime, &stage, usize::try_from(idle)?, &counts);
    settle(&counts, usize::try_from(idle)?);
    let rss_kib_idle = stage.gateway.rss_kib();
    let begin_us = stage.clock.now_us();
    std::thread::sleep(args.lasts);
    windows.push((format!("{idle} idle connections"), begin_us..stage.clock.now_us()));
    drips(&runtime, &stage, &counts);
    let begin_us = stage.clock.now_us();
    std::thread::sleep(args.lasts);
    windows.push((format!("and {} that drip heads, bodies and reads", 3 * EACH), begin_us..stage.clock.now_us()));
    floods(&runtime, &stage, &counts);
    let begin_us = stage.clock.now_us();
    std::thread::sleep(args.lasts);
    windows.push((
        "and floods of heads, of wrong signatures, of forged addresses".to_owned(),
        begin_us..stage.clock.now_us(),
    ));
    let handshake = format!(
        "GET {PATH}?hub.mode=subscribe&hub.challenge=42&hub.verify_token=proof HTTP/1.1\r\nHost: p\r\nConnection: close\r\n\r\n"
    );
    let handshake = wire::send(stage.home.receive, &[handshake.as_bytes()])?;
    let handles = stage.gateway.handles();
    runtime.shutdown_background();
    meta.stop()?;
    stage.drain()?;
    let books = stage.books()?;
    let baseline = judge::ingest(&books, &baseline_us);
    report.figure("baseline", baseline.to_string());
    for (name, window_us) in &windows {
        let seen = judge::ingest(&books, window_us);
        say(&format!("{name}: {seen}"));
        let a_fifth = baseline.p99_us + baseline.p99_us / 5;
        report.claim(
            format!("{name}: good traffic keeps its p99 within a fifth, or 20 ms"),
            seen.count > 0 && seen.p99_us <= a_fifth.max(baseline.p99_us + 20_000),
            seen.to_string(),
        );
    }
    judge_counts(&mut report, &counts, idle);
    report.claim("the handshake is answered all the while", handshake.status == 200, handshake.status.to_string());
    report.figure("descriptors of the gateway", handles);
    report.figure("memory KiB with all of them idle", rss_kib_idle);
    let events = stage.gateway.total("events")? - events_before;
    let sent = u64::try_from(books.acked().count() - sent_before)?;
    report.claim("nothing unsigned is kept", events <= sent + 16 * 50, format!("{events} events, {sent} sent rightly"));
    judge::basics(&mut report, &books, &stage.endpoints);
    judge::repeats(&mut report, &books, &Interruptions::default(), stage.endpoints.len());
    judge::totals(&mut report, &stage.gateway, &books, &stage.endpoints)?;
    Ok(report)
}

fn judge_counts(report: &mut Report, counts: &Counts, idle: u64) {
    let of = |count: &AtomicU64| count.load(Ordering::SeqCst);
    let open = counts.open_max.load(Ordering::SeqCst);
    report.claim(
        "as many stood idle at once as the limit of descriptors less 2,000",
        u64::try_from(open).is_ok_and(|open| open >= idle),
        format!("{open} of {idle}"),
    );
    report.claim("a wrong signature is never answered 200", of(&counts.taken) == 0, of(&counts.taken).to_string());
    report.claim("wrong signatures are answered 401", of(&counts.refused) > 0, of(&counts.refused).to_string());
    report.claim(
        "heads beyond the limit are refused",
        of(&counts.headers_refused) > 0,
        of(&counts.headers_refused).to_string(),
    );
    report.claim("what drips is ended", of(&counts.ended) > 0, of(&counts.ended).to_string());
}

/// How many descriptors a process may have.
fn descriptors() -> Outcome<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find(|line| line.starts_with("Max open files")).ok_or("no limit of descriptors")?;
    Ok(line.split_whitespace().nth(3).and_then(|soft| soft.parse().ok()).ok_or("no limit of descriptors")?)
}

fn settle(counts: &Counts, wanted: usize) {
    for _ in 0..400 {
        if counts.open_max.load(Ordering::SeqCst) >= wanted {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A connection from one of many addresses: one address alone has not enough ports.
async fn connect(to: SocketAddr, n: usize) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().ok()?;
    let last = u8::try_from(2 + n % 200).unwrap_or(2);
    socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).ok()?;
    timeout(Duration::from_secs(5), socket.connect(to)).await.ok()?.ok()
}

/// Connections that say nothing, and come again when they are closed.
fn crowd(runtime: &Runtime, stage: &Stage, count: usize, counts: &Arc<Counts>) {
    let to = stage.home.receive;
    for n in 0..count {
        let counts = Arc::clone(counts);
        runtime.spawn(async move {
            // Not all at once.
            sleep(Duration::from_micros(u64::try_from(n).unwrap_or(0) * 200)).await;
            loop {
                let Some(mut stream) = connect(to, n).await else {
                    sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let open = counts.open.fetch_add(1, Ordering::SeqCst) + 1;
                counts.open_max.fetch_max(open, Ordering::SeqCst);
                let mut some = [0; 256];
                drop(stream.read(&mut some).await);
                counts.open.fetch_sub(1, Ordering::SeqCst);
            }
        });
    }
}

/// Heads a byte a second, bodies a byte in ten, and answers that nobody reads.
fn drips(runtime: &Runtime, stage: &Stage, counts: &Arc<Counts>) {
    let to = stage.home.receive;
    for n in 0..3 * EACH {
        let counts = Arc::clone(counts);
        runtime.spawn(async move {
            loop {
                let Some(mut stream) = connect(to, n).await else {
                    sleep(Duration::from_millis(100)).await;
                    continue;
                };
                match n % 3 {
                    0 => drip(&mut stream, b"POST /webhooks/main HTTP/1.1\r\nHost: drips-and-drips-and-drips", 1).await,
                    1 => {
                        let head = wire::head(100_000, "sha256=00", "");
                        drop(stream.write_all(head.as_bytes()).await);
                        drip(&mut stream, &[b'x'; 60], 10).await;
                    }
                    _ => unread(&mut stream).await,
                }
                counts.ended.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
}

/// Until the other side has had enough.
async fn drip(stream: &mut TcpStream, bytes: &[u8], seconds: u64) {
    let (mut reader, mut writer) = stream.split();
    let mut some = [0; 256];
    let dripping = async {
        for byte in bytes {
            if writer.write_all(&[*byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_secs(seconds)).await;
        }
    };
    tokio::select! {
        () = dripping => {}
        _ = reader.read(&mut some) => {}
    }
}

/// Asks and asks, and reads no answer.
async fn unread(stream: &mut TcpStream) {
    let ask = format!(
        "GET {PATH}?hub.mode=subscribe&hub.challenge={}&hub.verify_token=proof HTTP/1.1\r\nHost: p\r\n\r\n",
        "7".repeat(500)
    );
    while let Ok(Ok(())) = timeout(Duration::from_secs(5), stream.write_all(ask.as_bytes())).await {
        // Fast enough to fill every buffer on the way, and no flood.
        sleep(Duration::from_millis(2)).await;
    }
}

fn floods(runtime: &Runtime, stage: &Stage, counts: &Arc<Counts>) {
    let to = stage.home.receive;
    for n in 0..20 {
        let counts = Arc::clone(counts);
        runtime.spawn(async move {
            loop {
                if n % 4 == 0 {
                    heads(to, n, &counts).await;
                } else {
                    forge(to, n, &counts).await;
                }
                // A flood that leaves this machine's two processors to nobody else proves nothing.
                sleep(Duration::from_millis(10)).await;
            }
        });
    }
}

/// A head that is too long, or has too many lines.
async fn heads(to: SocketAddr, n: usize, counts: &Counts) {
    let Some(mut stream) = connect(to, n).await else { return };
    let lines: String = (0..200).map(|line| format!("X-Flood-{line}: {}\r\n", "f".repeat(1_000))).collect();
    drop(stream.write_all(format!("POST {PATH} HTTP/1.1\r\nHost: p\r\n{lines}\r\n").as_bytes()).await);
    let mut some = [0; 256];
    // Refused with an answer, or cut off while it still talks.
    let read = timeout(Duration::from_secs(5), stream.read(&mut some)).await;
    if read.is_ok() && !some.starts_with(b"HTTP/1.1 2") {
        counts.headers_refused.fetch_add(1, Ordering::SeqCst);
    }
}

/// Wrongly signed bodies on one connection, with addresses that are not theirs.
async fn forge(to: SocketAddr, n: usize, counts: &Counts) {
    let Some(mut stream) = connect(to, n).await else { return };
    for at in 0..200 {
        let body = format!(r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{n}-{at}"}}]}}"#);
        let forged = format!("X-Forwarded-For: 10.0.{n}.{at}\r\nForwarded: for=10.0.{n}.{at}\r\n");
        let wrong = format!("sha256={:064x}", n * 1_000 + at);
        let request = wire::head(body.len(), &wrong, &forged) + &body;
        if stream.write_all(request.as_bytes()).await.is_err() {
            return;
        }
        let mut some = [0; 2_048];
        let Ok(Ok(count)) = timeout(Duration::from_secs(5), stream.read(&mut some)).await else { return };
        match some.get(..count.min(12)) {
            Some(b"HTTP/1.1 401") => counts.refused.fetch_add(1, Ordering::SeqCst),
            Some(b"HTTP/1.1 200") => counts.taken.fetch_add(1, Ordering::SeqCst),
            Some(_) | None => return,
        };
        sleep(Duration::from_millis(1)).await;
    }
}
