//! How much `waypost emulate --load` sends on one core, against a receiver that does next to nothing.
//!
//! `cargo build --release -p bench --bin flood`, then the receiver on one core and the load on another:
//! `taskset -c 1 flood sink & taskset -c 0 flood 127.0.0.1:9090`. The rate is raised until the schedule falls behind. What a
//! request costs in processor time says the limit of one core even where others use it, too.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use emulator::flood::{Progress, Settings, flood};
use emulator::run::Pace;
use emulator::scenario::Scenario;
use emulator::{AppSecret, Sender, Target};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const SINK: &str = "127.0.0.1:9090";
const RATES: [f64; 9] = [4_000.0, 8_000.0, 12_000.0, 16_000.0, 20_000.0, 25_000.0, 30_000.0, 40_000.0, 60_000.0];
const MEASURED: Duration = Duration::from_secs(5);
/// Later than this, and the rate is not held.
const BEHIND_MAX: Duration = Duration::from_millis(250);

fn main() -> ExitCode {
    let at = std::env::args().nth(1).unwrap_or_else(|| SINK.to_owned());
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let ended = runtime.block_on(async { if at == "sink" { sink().await } else { load(&at).await } });
    if ended.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[expect(clippy::print_stdout, reason = "the result of a measurement")]
async fn load(at: &str) -> Option<()> {
    println!(
        "events/s asked  events/s  requests/s  median ms  99 % ms  behind ms  CPU us/request  requests/s of a core"
    );
    for events_per_second in RATES {
        let settings = Settings {
            target: Target::parse(&format!("http://{at}/")).ok()?,
            secret: AppSecret::new("secret"),
            number: Scenario::parse("").ok()?.world.numbers.pop()?,
            events_per_second,
            length: MEASURED,
            contacts: 10_000,
            seed: 1,
            pace: Pace::default(),
        };
        let progress = Arc::new(Progress::default());
        let cpu_before = cpu_us()?;
        let report = flood(settings, Sender::new(), None, progress, std::future::pending()).await.ok()?;
        let seconds = report.took.as_secs_f64();
        let [events, bodies] = [&report.progress.acknowledged_events, &report.progress.acknowledged]
            .map(|count| f64::from(u32::try_from(count.load(Ordering::Relaxed)).unwrap_or(u32::MAX)) / seconds);
        let cost = (cpu_us()? - cpu_before) / (bodies * seconds);
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        println!(
            "{events_per_second:>14.0}  {events:>8.0}  {bodies:>10.0}  {:>9.2}  {:>7.2}  {:>9.1}  {cost:>14.0}  {:>20.0}",
            ms(report.latency.at(500)),
            ms(report.latency.at(990)),
            ms(report.behind),
            1e6 / cost
        );
        if report.behind > BEHIND_MAX {
            break;
        }
    }
    Some(())
}

/// Processor time of this process so far, by the kernel's count of hundredths of a second.
fn cpu_us() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit(") ").next()?.split(' ').collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) * 10_000.0)
}

async fn sink() -> Option<()> {
    let listener = TcpListener::bind(SINK).await.ok()?;
    loop {
        let (stream, _) = listener.accept().await.ok()?;
        tokio::spawn(answer(stream));
    }
}

/// 200 to everything whose length is told.
async fn answer(mut stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut bytes = Vec::with_capacity(16 * 1024);
    loop {
        while let Some(whole) = request(&bytes) {
            bytes.drain(..whole);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.ok()?;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// The length of the request that these bytes begin with, if it is whole.
fn request(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(bytes.get(..head)?).ok()?.to_ascii_lowercase();
    let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next()?.parse().ok());
    let whole = head + length.unwrap_or(0);
    (bytes.len() >= whole).then_some(whole)
}
