//! Endpoints that do to a connection what no HTTP server would.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is done to each connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Nothing is read and nothing written.
    Silence,
    /// The request is read in part, then the connection is reset.
    Reset,
    /// This is written at once, and the connection stays.
    Write(&'static [u8]),
    /// The head of an answer with this status, and then a body without an end, as fast as it is taken.
    Endless(u16),
    /// The same, one byte every 50 ms.
    Drip(u16),
}

/// A listener on loopback.
pub(crate) struct Wild {
    pub(crate) at: SocketAddr,
    /// Connections that came, and those that the other side has not ended yet.
    pub(crate) came: Arc<AtomicUsize>,
    pub(crate) open: Arc<AtomicUsize>,
    kept: Arc<Mutex<Vec<TcpStream>>>,
}

impl Wild {
    pub(crate) fn start(deed: Deed) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let wild = Self {
            at: listener.local_addr().unwrap(),
            came: Arc::default(),
            open: Arc::default(),
            kept: Arc::default(),
        };
        let (came, open, kept) = (Arc::clone(&wild.came), Arc::clone(&wild.open), Arc::clone(&wild.kept));
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                came.fetch_add(1, Ordering::SeqCst);
                open.fetch_add(1, Ordering::SeqCst);
                let (open, kept) = (Arc::clone(&open), Arc::clone(&kept));
                std::thread::spawn(move || {
                    act(deed, stream, &kept);
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        wild
    }

    /// An `[[endpoints]]` block with this policy.
    pub(crate) fn endpoint(&self, name: &str, scheme: &str, policy: &str) -> String {
        format!("[[endpoints]]\nname = '{name}'\nurl = '{scheme}://{}/{name}'\npolicy = {{ {policy} }}\n", self.at)
    }
}

fn act(deed: Deed, mut stream: TcpStream, kept: &Mutex<Vec<TcpStream>>) {
    let mut some = [0; 1_024];
    match deed {
        Deed::Silence => wait_for_the_end(&mut stream),
        Deed::Reset => {
            // What was sent and is not read makes the system answer a close with a reset.
            drop(stream.read(&mut some[..16]));
            drop(stream);
        }
        Deed::Write(bytes) => {
            drop(stream.write_all(bytes));
            kept.lock().unwrap().push(stream.try_clone().unwrap());
            wait_for_the_end(&mut stream);
        }
        Deed::Endless(status) | Deed::Drip(status) => {
            drop(stream.read(&mut some));
            let head = format!("HTTP/1.1 {status} X\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
            let mut going = stream.write_all(head.as_bytes()).is_ok();
            while going {
                if matches!(deed, Deed::Drip(_)) {
                    std::thread::sleep(Duration::from_millis(50));
                    going = stream.write_all(b"1\r\nx\r\n").is_ok();
                } else {
                    going = stream.write_all(&[b"400\r\n".as_slice(), &[b'y'; 1_024], b"\r\n"].concat()).is_ok();
                }
            }
        }
    }
}

fn wait_for_the_end(stream: &mut TcpStream) {
    let mut some = [0; 1_024];
    while stream.read(&mut some).is_ok_and(|count| count > 0) {}
}
