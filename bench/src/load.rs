//! The generator: closed loop, keep-alive, one thread, a fresh body and signature for each request.

use std::io::Write as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use emulator::{AppSecret, Load, Signing};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::servers::Server;

const WARM_UP: Duration = Duration::from_millis(500);

/// What one round measured.
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) cpu_us_per_request: f64,
}

/// Sends for a while over so many connections.
#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
pub(crate) fn run(server: &Server, connections: usize, measured: Duration, seed: u64) -> Outcome<Figures> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let begin = Instant::now() + WARM_UP;
        let end = begin + measured;
        let mut senders = JoinSet::new();
        for connection in 0..connections {
            let stream = TcpStream::connect(server.at).await?;
            stream.set_nodelay(true)?;
            let run_seed = seed ^ (u64::try_from(connection)? << 32) ^ u64::try_from(now().as_nanos() & 0xffff_ffff)?;
            let head = (server.path, AppSecret::new(server.secret), run_seed);
            senders.spawn(send(stream, head, begin, end));
        }
        tokio::time::sleep_until(begin.into()).await;
        let cpu_before = server.cpu_us();
        tokio::time::sleep_until(end.into()).await;
        let cpu = server.cpu_us() - cpu_before;
        let mut times: Vec<u64> = Vec::new();
        while let Some(sent) = senders.join_next().await {
            times.extend(sent?.map_err(|cause| format!("a sender ended: {cause}"))?);
        }
        times.sort_unstable();
        let at = |share: usize| times.get(times.len() * share / 100).map_or(0.0, |us| *us as f64 / 1_000.0);
        Ok(Figures {
            per_second: times.len() as f64 / measured.as_secs_f64(),
            p50_ms: at(50),
            p99_ms: at(99),
            cpu_us_per_request: cpu as f64 / times.len().max(1) as f64,
        })
    })
}

/// The times in microseconds of the requests that ended between begin and end.
async fn send(
    mut stream: TcpStream,
    (path, secret, seed): (&'static str, AppSecret, u64),
    begin: Instant,
    end: Instant,
) -> Result<Vec<u64>, String> {
    let mut load = Load::new(seed, 1_000);
    let mut times = Vec::new();
    let mut answer = [0; 1_024];
    let mut request = Vec::with_capacity(4_096);
    loop {
        let body = load.next_body(i64::try_from(now().as_secs()).unwrap_or(0)).body;
        let signature = Signing::Right.headers(&secret, &body).sha256.unwrap_or_default();
        request.clear();
        let head = write!(
            request,
            "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\nX-Hub-Signature-256: {signature}\r\n\r\n",
            body.len()
        );
        head.map_err(|cause| cause.to_string())?;
        request.extend_from_slice(&body);
        let started = Instant::now();
        stream.write_all(&request).await.map_err(|cause| cause.to_string())?;
        let read = stream.read(&mut answer).await.map_err(|cause| cause.to_string())?;
        let status = answer.get(9..12).unwrap_or_default();
        if read == 0 || status != b"200" {
            return Err(format!("answered {}", String::from_utf8_lossy(answer.get(..read).unwrap_or_default())));
        }
        let ended = Instant::now();
        if ended > end {
            return Ok(times);
        }
        if ended > begin {
            times.push(u64::try_from((ended - started).as_micros()).unwrap_or(u64::MAX));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "bodies bear the present time")]
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
