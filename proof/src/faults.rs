//! One endpoint that can turn bad in every way that loopback allows, and well again.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::ValueEnum;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::Outcome;
use crate::clock::Clock;
use crate::sink::{Desk, Sink};

/// Connections that wait to be accepted; few, so that an endpoint that does not accept is soon full.
const BACKLOG: u32 = 16;
/// A connection counts once it has stood this long: until then an earlier one's end may not have been seen.
const SETTLED: Duration = Duration::from_millis(30);

/// A kind of badness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Badness {
    /// Connections are never accepted, and no room is left for more
    NeverAccepts,
    /// Accepts and says nothing
    Silent,
    /// One byte of the answer a second
    Drips,
    /// Waits for 30 s, then answers 500
    Late500,
    /// 500, and a body without an end
    EndlessBody,
    /// 302 to itself
    Redirects,
    /// Answers 200 when the sender has given up
    LateSuccess,
    /// Speaks no TLS where TLS is expected
    TlsStalls,
    /// Its name does not resolve
    NoName,
    /// Resets every connection
    Resets,
}

impl Badness {
    /// The URL that the endpoint has meanwhile, where badness lies in that.
    pub(crate) fn url(self, at: SocketAddr, path: &str) -> Option<String> {
        match self {
            Self::TlsStalls => Some(format!("https://{at}/{path}")),
            Self::NoName => Some(format!("http://no-such-name.invalid:{}/{path}", at.port())),
            Self::NeverAccepts
            | Self::Silent
            | Self::Drips
            | Self::Late500
            | Self::EndlessBody
            | Self::Redirects
            | Self::LateSuccess
            | Self::Resets => None,
        }
    }

    /// Whether the attempts come by as connections that can be counted.
    pub(crate) const fn can_be_counted(self) -> bool {
        !matches!(self, Self::NeverAccepts | Self::NoName)
    }
}

/// The endpoint.
pub(crate) struct Victim {
    pub(crate) at: SocketAddr,
    mood: watch::Sender<Option<Badness>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    open: AtomicUsize,
    open_max: AtomicUsize,
    /// When connections came, while it was bad.
    came_us: Mutex<Vec<u64>>,
}

impl Victim {
    /// Starts well, with the other sinks' ledger.
    pub(crate) fn start(sink: &Sink, clock: Clock) -> Outcome<Self> {
        let _in_runtime = sink.runtime.enter();
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let listener = socket.listen(BACKLOG)?;
        let at = listener.local_addr()?;
        let (mood, moods) = watch::channel(None);
        let counts = Arc::new(Counts::default());
        let (desk, counting) = (sink.desk.clone(), Arc::clone(&counts));
        sink.runtime.spawn(async move {
            let mut changes = moods.clone();
            loop {
                if *changes.borrow_and_update() == Some(Badness::NeverAccepts) {
                    let _crowd = crowd(at).await;
                    drop(changes.changed().await);
                    continue;
                }
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    changed = changes.changed() => match changed {
                        Ok(()) => continue,
                        Err(_) => return,
                    },
                };
                let Ok((stream, _)) = accepted else { continue };
                let now = *changes.borrow();
                let connection = Connection { desk: desk.clone(), counts: Arc::clone(&counting), clock };
                tokio::spawn(connection.live(stream, now, moods.clone()));
            }
        });
        Ok(Self { at, mood, counts })
    }

    /// Turns bad, or well. Connections from before end.
    pub(crate) fn set(&self, badness: Option<Badness>) {
        self.counts.open_max.store(0, Ordering::SeqCst);
        self.counts.came_us.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.mood.send_replace(badness);
    }

    /// The most connections at once since it changed.
    pub(crate) fn open_max(&self) -> usize {
        self.counts.open_max.load(Ordering::SeqCst)
    }

    /// When connections came since it changed.
    pub(crate) fn came_us(&self) -> Vec<u64> {
        self.counts.came_us.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Fills the place in front of a door that is not opened.
async fn crowd(at: SocketAddr) -> Vec<TcpStream> {
    let mut crowd = Vec::new();
    for _ in 0..=2 * BACKLOG {
        match tokio::time::timeout(Duration::from_millis(50), TcpStream::connect(at)).await {
            Ok(Ok(stream)) => crowd.push(stream),
            Ok(Err(_)) | Err(_) => break,
        }
    }
    crowd
}

struct Connection {
    desk: Desk,
    counts: Arc<Counts>,
    clock: Clock,
}

impl Connection {
    async fn live(self, stream: TcpStream, mood: Option<Badness>, mut moods: watch::Receiver<Option<Badness>>) {
        moods.mark_unchanged();
        if *moods.borrow() != mood {
            return;
        }
        let Some(badness) = mood else {
            tokio::select! {
                () = self.desk.serve(stream) => {}
                _ = moods.changed() => {}
            }
            return;
        };
        self.counts.came_us.lock().unwrap_or_else(PoisonError::into_inner).push(self.clock.now_us());
        let counts = self.counts;
        let counted = async {
            sleep(SETTLED).await;
            let _open = Open::count(&counts);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = misbehave(stream, badness) => {}
            () = counted => {}
            _ = moods.changed() => {}
        }
    }
}

/// A connection that counts as long as it lives.
struct Open<'c>(&'c Counts);

impl<'c> Open<'c> {
    fn count(counts: &'c Counts) -> Self {
        let open = counts.open.fetch_add(1, Ordering::SeqCst) + 1;
        counts.open_max.fetch_max(open, Ordering::SeqCst);
        Self(counts)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Does its worst, until the other side has had enough.
async fn misbehave(stream: TcpStream, badness: Badness) {
    if badness == Badness::Resets {
        // Closed with unread bytes, a connection is reset.
        drop(stream.readable().await);
        return;
    }
    let (mut reader, mut writer) = stream.into_split();
    let mut some = [0; 4_096];
    if reader.read(&mut some).await.is_ok_and(|count| count == 0) {
        return;
    }
    tokio::select! {
        () = answer(&mut writer, badness) => {}
        () = async { while reader.read(&mut some).await.is_ok_and(|count| count > 0) {} } => {}
    }
}

async fn answer(writer: &mut OwnedWriteHalf, badness: Badness) {
    match badness {
        Badness::Drips => {
            for byte in b"HTTP/1.1 500 Internal Server Error, in small pieces\r\n".iter().cycle() {
                if writer.write_all(&[*byte]).await.is_err() {
                    return;
                }
                sleep(Duration::from_secs(1)).await;
            }
        }
        Badness::Late500 => {
            sleep(Duration::from_secs(30)).await;
            drop(writer.write_all(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n").await);
        }
        Badness::LateSuccess => {
            // Later than the victim's policy waits.
            sleep(Duration::from_millis(2_500)).await;
            drop(writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await);
        }
        Badness::EndlessBody => {
            let mut going = writer.write_all(b"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n").await.is_ok();
            while going {
                going = writer.write_all(&[b"400\r\n".as_slice(), &[b'y'; 1_024], b"\r\n"].concat()).await.is_ok();
                sleep(Duration::from_millis(1)).await;
            }
        }
        Badness::Redirects => {
            let again = b"HTTP/1.1 302 Found\r\nLocation: /e00\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            drop(writer.write_all(again).await);
        }
        Badness::Silent | Badness::TlsStalls | Badness::NeverAccepts | Badness::NoName | Badness::Resets => {
            std::future::pending().await
        }
    }
}
