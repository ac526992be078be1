//! A relay of TCP connections that can deal them out, hold them, and cut them at the worst moment.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::Outcome;

/// How PostgreSQL's simple protocol spells the end of a transaction.
const COMMIT: &[u8] = b"COMMIT\0";
const CHUNK: usize = 64 * 1024;
/// A server that has not answered a COMMIT by then waits for its standby.
const ANSWERED: Duration = Duration::from_millis(100);

/// What the relay does with connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Bytes go through.
    Through,
    /// Nothing moves; connections stand.
    Silent,
    /// Of a hundred COMMITs so many are followed by a cut: half of them after the server had it, half before.
    CutCommits(u8),
}

/// The relay.
pub(crate) struct Relay {
    pub(crate) at: SocketAddr,
    state: Arc<State>,
    /// Relays as long as it lives.
    _runtime: Runtime,
}

struct State {
    targets: Mutex<Vec<SocketAddr>>,
    turn: AtomicUsize,
    mode: watch::Sender<Mode>,
    /// Whose connections are cut; grows with each cut.
    cuts: watch::Sender<(u64, Option<SocketAddr>)>,
    chance: Mutex<Rng>,
    /// COMMITs after which a connection was cut: had by the server, and not.
    cut_after: AtomicU64,
    cut_before: AtomicU64,
}

impl Relay {
    /// Starts one towards these targets, each connection to the next that takes it.
    pub(crate) fn start(seed: u64, targets: Vec<SocketAddr>) -> Outcome<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("relay").enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let at = listener.local_addr()?;
        let state = Arc::new(State {
            targets: Mutex::new(targets),
            turn: AtomicUsize::new(0),
            mode: watch::Sender::new(Mode::Through),
            cuts: watch::Sender::new((0, None)),
            chance: Mutex::new(Rng::with_seed(seed)),
            cut_after: AtomicU64::new(0),
            cut_before: AtomicU64::new(0),
        });
        let relaying = Arc::clone(&state);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(relay(Arc::clone(&relaying), stream));
            }
        });
        Ok(Self { at, state, _runtime: runtime })
    }

    /// From now on does this.
    pub(crate) fn set(&self, mode: Mode) {
        self.state.mode.send_replace(mode);
    }

    /// Cuts every connection.
    pub(crate) fn cut_all(&self) {
        self.state.cuts.send_modify(|(count, of)| (*count, *of) = (*count + 1, None));
    }

    /// Deals connections to this target too.
    pub(crate) fn add(&self, target: SocketAddr) {
        let mut targets = lock(&self.state.targets);
        if !targets.contains(&target) {
            targets.push(target);
        }
    }

    /// Deals no more connections to it, and cuts those that it has.
    pub(crate) fn remove(&self, target: SocketAddr, cut: bool) {
        lock(&self.state.targets).retain(|known| *known != target);
        if cut {
            self.state.cuts.send_modify(|(count, of)| (*count, *of) = (*count + 1, Some(target)));
        }
    }

    /// Leads new connections to this target alone, and cuts the others.
    pub(crate) fn lead_to(&self, target: SocketAddr) {
        *lock(&self.state.targets) = vec![target];
        self.cut_all();
    }

    /// COMMITs after which a connection was cut: those that the server had, and those that it never saw.
    pub(crate) fn commits_cut(&self) -> (u64, u64) {
        (self.state.cut_after.load(Ordering::SeqCst), self.state.cut_before.load(Ordering::SeqCst))
    }
}

/// What happens to a chunk on its way to the target.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Goes,
    CutAfter,
    CutBefore,
}

impl State {
    fn fate(&self, chunk: &[u8]) -> Fate {
        let Mode::CutCommits(percent) = *self.mode.borrow() else { return Fate::Goes };
        if !chunk.windows(COMMIT.len()).any(|window| window == COMMIT) {
            return Fate::Goes;
        }
        let mut chance = lock(&self.chance);
        match (chance.u8(..100) < percent, chance.bool()) {
            (false, _) => Fate::Goes,
            (true, true) => Fate::CutAfter,
            (true, false) => Fate::CutBefore,
        }
    }

    /// The next target that takes a connection.
    async fn connect(&self) -> Option<(SocketAddr, TcpStream)> {
        let targets = lock(&self.targets).clone();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        for n in 0..targets.len() {
            let target = *targets.get((turn + n) % targets.len())?;
            if let Ok(stream) = TcpStream::connect(target).await {
                return Some((target, stream));
            }
        }
        None
    }
}

async fn relay(state: Arc<State>, near: TcpStream) {
    let mut cuts = state.cuts.subscribe();
    let Some((target, far)) = state.connect().await else { return };
    drop(near.set_nodelay(true));
    drop(far.set_nodelay(true));
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    let cut = async {
        while cuts.changed().await.is_ok() {
            if cuts.borrow_and_update().1.is_none_or(|of| of == target) {
                return;
            }
        }
    };
    let mute = AtomicBool::new(false);
    tokio::select! {
        () = forth(&state, near_read, far_write, &mute) => {}
        () = back(&state, far_read, near_write, &mute) => {}
        () = cut => {}
    }
}

/// To the target. Ends with the connection.
async fn forth(state: &State, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mute: &AtomicBool) {
    let mut buffer = vec![0; CHUNK];
    while let Some(chunk) = read(&mut from, &mut buffer).await {
        pass(state).await;
        let fate = state.fate(chunk);
        if fate == Fate::CutBefore {
            state.cut_before.fetch_add(1, Ordering::SeqCst);
            return;
        }
        if fate == Fate::CutAfter {
            mute.store(true, Ordering::SeqCst);
        }
        if to.write_all(chunk).await.is_err() {
            return;
        }
        if fate == Fate::CutAfter {
            state.cut_after.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(ANSWERED).await;
            return;
        }
    }
}

/// From the target. Its answer to a COMMIT that is to be cut ends the connection instead of getting through.
async fn back(state: &State, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mute: &AtomicBool) {
    let mut buffer = vec![0; CHUNK];
    while let Some(chunk) = read(&mut from, &mut buffer).await {
        pass(state).await;
        if mute.load(Ordering::SeqCst) || to.write_all(chunk).await.is_err() {
            return;
        }
    }
}

async fn read<'b>(from: &mut OwnedReadHalf, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let count = from.read(buffer).await.ok().filter(|count| *count > 0)?;
    buffer.get(..count)
}

/// Waits while nothing is to move.
async fn pass(state: &State) {
    let mut mode = state.mode.subscribe();
    // Ends when the relay does.
    drop(mode.wait_for(|mode| *mode != Mode::Silent).await);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener as Listener, TcpStream as Stream};

    use super::*;

    /// A server that answers each chunk with the same, once.
    fn echo() -> SocketAddr {
        let listener = Listener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                std::thread::spawn(move || {
                    let mut buffer = [0; 64];
                    while let Ok(count) = stream.read(&mut buffer) {
                        if count == 0 || stream.write_all(buffer.get(..count).unwrap()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        at
    }

    fn ask(stream: &mut Stream, text: &[u8]) -> Option<Vec<u8>> {
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.write_all(text).ok()?;
        let mut buffer = [0; 64];
        let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        Some(buffer.get(..count).unwrap().to_vec())
    }

    #[test]
    fn a_commit_is_cut_before_or_after_the_server_had_it_and_its_answer_never_gets_through() {
        let relay = Relay::start(1, vec![echo()]).unwrap();
        let mut stream = Stream::connect(relay.at).unwrap();
        assert_eq!(ask(&mut stream, b"INSERT").unwrap(), b"INSERT");
        assert_eq!(ask(&mut stream, COMMIT).unwrap(), COMMIT);
        relay.set(Mode::CutCommits(100));
        assert_eq!(ask(&mut stream, b"INSERT").unwrap(), b"INSERT");
        for _ in 0..20 {
            assert_eq!(ask(&mut Stream::connect(relay.at).unwrap(), COMMIT), None);
        }
        let (after, before) = relay.commits_cut();
        assert!(after > 0 && before > 0 && after + before == 20, "{after} {before}");
    }

    #[test]
    fn connections_are_cut_and_led_elsewhere() {
        let (first, second) = (echo(), echo());
        let relay = Relay::start(1, vec![first]).unwrap();
        let mut stream = Stream::connect(relay.at).unwrap();
        assert!(ask(&mut stream, b"a").is_some());
        relay.lead_to(second);
        assert_eq!(ask(&mut stream, b"b"), None);
        assert!(ask(&mut Stream::connect(relay.at).unwrap(), b"c").is_some());
        relay.remove(second, true);
        assert_eq!(ask(&mut Stream::connect(relay.at).unwrap(), b"d"), None, "there is no target");
    }
}
