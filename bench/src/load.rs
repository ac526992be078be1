//! The generator: one thread, kept connections, a fresh signature for each request. Closed loops send as soon as they are
//! answered; open ones at moments set before, from which their times count.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::bodies::{Shape, Template};
use crate::servers::Server;

const WARM_UP: Duration = Duration::from_millis(500);
/// How long a sender waits after a 503.
const AGAIN: Duration = Duration::from_millis(100);

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) connections: usize,
    pub(crate) shape: Shape,
    pub(crate) measured: Duration,
    /// Requests a second of an open loop; None for a closed one.
    pub(crate) per_second: Option<f64>,
}

/// What one round measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) cpu_us: f64,
    /// Answers of 503, after each of which the same request was sent again; its time goes on.
    pub(crate) refused: u64,
}

/// Events that were acknowledged, by who sent them: those below the number.
#[derive(Debug, Default)]
pub(crate) struct Ledger(pub(crate) HashMap<u64, u64>);

impl Ledger {
    pub(crate) fn events(&self) -> u64 {
        self.0.values().sum()
    }
}

/// Sends for a while.
pub(crate) fn run(server: &Server, plan: Plan, ledger: &mut Ledger) -> Outcome<Figures> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(rounds(server, plan, ledger))
}

/// Sends so many requests as fast as they are answered.
pub(crate) fn fill(
    server: &Server,
    shape: Shape,
    connections: usize,
    requests: u64,
    ledger: &mut Ledger,
) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let begin = Instant::now();
        let left = Arc::new(Slots { next: AtomicU64::new(0), requests, gap: None, begin, end: None });
        let mut senders = senders(server, shape, connections, &left).await?;
        while let Some(sent) = senders.join_next().await {
            note(ledger, sent??);
        }
        Ok(())
    })
}

async fn rounds(server: &Server, plan: Plan, ledger: &mut Ledger) -> Outcome<Figures> {
    let begin = Instant::now() + WARM_UP;
    let end = begin + plan.measured;
    let gap = plan.per_second.map(|per_second| Duration::from_secs_f64(1.0 / per_second));
    let slots = Slots { next: AtomicU64::new(0), requests: u64::MAX, gap, begin: Instant::now(), end: Some(end) };
    let mut senders = senders(server, plan.shape, plan.connections, &Arc::new(slots)).await?;
    tokio::time::sleep_until(begin.into()).await;
    let cpu_before = server.cpu_us();
    tokio::time::sleep_until(end.into()).await;
    let cpu = server.cpu_us() - cpu_before;
    let (mut times, mut refused) = (Vec::new(), 0);
    while let Some(sent) = senders.join_next().await {
        let sent = sent?.map_err(|cause| format!("a sender ended: {cause}"))?;
        times.extend(sent.times.iter().filter(|(at, _)| (begin..=end).contains(at)).map(|(_, us)| *us));
        refused += sent.refused;
        note(ledger, sent);
    }
    Ok(Figures { refused, ..figures(times, plan.measured, cpu) })
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
fn figures(mut times: Vec<u64>, measured: Duration, cpu_us: u64) -> Figures {
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).map_or(0.0, |us| *us as f64 / 1_000.0);
    Figures {
        per_second: times.len() as f64 / measured.as_secs_f64(),
        p50_ms: at(50),
        p99_ms: at(99),
        cpu_us: cpu_us as f64 / times.len().max(1) as f64,
        refused: 0,
    }
}

fn note(ledger: &mut Ledger, sent: Sent) {
    if sent.acknowledged > 0 {
        ledger.0.insert(sent.sender, sent.acknowledged);
    }
}

/// Whose turn is when.
struct Slots {
    next: AtomicU64,
    requests: u64,
    gap: Option<Duration>,
    begin: Instant,
    end: Option<Instant>,
}

impl Slots {
    /// When the next request is due; None when there is none.
    fn take(&self) -> Option<Instant> {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let due = match self.gap {
            Some(gap) => self.begin + gap.mul_f64(f64::from(u32::try_from(n).ok()?)),
            None => now,
        };
        (n < self.requests && self.end.is_none_or(|end| due < end)).then_some(due)
    }
}

/// What a sender did.
struct Sent {
    sender: u64,
    /// When each request was answered, and how many microseconds after it was due.
    times: Vec<(Instant, u64)>,
    acknowledged: u64,
    refused: u64,
}

type Senders = JoinSet<Result<Sent, String>>;

async fn senders(server: &Server, shape: Shape, connections: usize, slots: &Arc<Slots>) -> Outcome<Senders> {
    let mut senders = JoinSet::new();
    let template =
        Template::new(shape, server.path, server.secret, now().as_secs()).ok_or("a secret that no HMAC takes")?;
    let run = u64::try_from(now().as_nanos() & 0xffff_ffff_ffff)?;
    for connection in 0..connections {
        let stream = TcpStream::connect(server.at).await?;
        stream.set_nodelay(true)?;
        let sender = (run << 16) | u64::try_from(connection)?;
        senders.spawn(send(stream, template.clone(), sender, Arc::clone(slots)));
    }
    Ok(senders)
}

async fn send(mut stream: TcpStream, mut template: Template, sender: u64, slots: Arc<Slots>) -> Result<Sent, String> {
    let mut sent = Sent { sender, times: Vec::new(), acknowledged: 0, refused: 0 };
    while let Some(due) = slots.take() {
        if slots.gap.is_some() {
            tokio::time::sleep_until(due.into()).await;
        }
        while !is_kept(&mut stream, template.request(sender, sent.acknowledged)).await? {
            sent.refused += 1;
            tokio::time::sleep(AGAIN).await;
        }
        sent.acknowledged += template.events();
        let ended = Instant::now();
        let took = ended.saturating_duration_since(due);
        sent.times.push((ended, u64::try_from(took.as_micros()).unwrap_or(u64::MAX)));
    }
    Ok(sent)
}

/// One request: true when it is answered 200, false when it is to be sent again.
async fn is_kept(stream: &mut TcpStream, request: &[u8]) -> Result<bool, String> {
    stream.write_all(request).await.map_err(|cause| cause.to_string())?;
    let mut answer = [0; 1_024];
    let mut length = 0;
    loop {
        let room = answer.get_mut(length..).unwrap_or_default();
        let read = stream.read(room).await.map_err(|cause| cause.to_string())?;
        length += read;
        let so_far = answer.get(..length).unwrap_or_default();
        match so_far.get(9..12) {
            Some(b"200") if so_far.ends_with(b"\r\n\r\n") => return Ok(true),
            Some(b"503") if is_whole(so_far) => return Ok(false),
            None | Some(b"200" | b"503") if read > 0 => {}
            _ => return Err(format!("answered {}", String::from_utf8_lossy(so_far))),
        }
    }
}

/// Whether the body of an answer is there as well.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

#[expect(clippy::disallowed_methods, reason = "bodies bear the present time")]
pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
