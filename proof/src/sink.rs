//! Endpoints that behave, or fail now and then: one server on loopback, told apart by their paths.
//!
//! A line is written when the answer is decided, just before it goes out: the lines stand in the order in which answers
//! were given.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::Outcome;
use crate::clock::Clock;
use crate::ledger::{Ledger, fingerprint};

/// How endpoints answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mood {
    /// Of a hundred requests, so many fail: half of them with 500, half by a closed connection.
    pub(crate) fail_percent: u8,
    /// So many are answered late.
    pub(crate) slow_percent: u8,
    /// How late.
    pub(crate) slow: Duration,
}

impl Mood {
    /// Everything is accepted at once.
    pub(crate) const WELL: Self = Self { fail_percent: 0, slow_percent: 0, slow: Duration::ZERO };
    /// 20 % fail, 5 % are slow.
    pub(crate) const SHAKY: Self = Self { fail_percent: 20, slow_percent: 5, slow: Duration::from_millis(300) };
}

/// Called with the endpoint's name and everything that came: the head as text, and the body.
pub(crate) type Look = Arc<dyn Fn(&str, &str, &[u8]) + Send + Sync>;

/// What answers, and writes down what came.
#[derive(Clone)]
pub(crate) struct Desk {
    ledger: Ledger,
    clock: Clock,
    mood: Arc<Mutex<(Mood, Rng)>>,
    look: Option<Look>,
}

/// The server.
pub(crate) struct Sink {
    pub(crate) at: SocketAddr,
    pub(crate) desk: Desk,
    /// Serves as long as it lives.
    pub(crate) runtime: Runtime,
}

impl Sink {
    pub(crate) fn start(ledger: Ledger, clock: Clock, seed: u64, look: Option<Look>) -> Outcome<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("sink").enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let at = listener.local_addr()?;
        let desk = Desk { ledger, clock, mood: Arc::new(Mutex::new((Mood::WELL, Rng::with_seed(seed)))), look };
        let serving = desk.clone();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        Ok(Self { at, desk, runtime })
    }
}

impl Desk {
    /// From now on answers like this.
    pub(crate) fn set_mood(&self, mood: Mood) {
        self.mood().0 = mood;
    }

    fn mood(&self) -> MutexGuard<'_, (Mood, Rng)> {
        self.mood.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves a connection to its end.
    pub(crate) async fn serve(self, stream: TcpStream) {
        drop(stream.set_nodelay(true));
        let service = service_fn(move |request| self.clone().answer(request));
        // Connections break: that is what this is about.
        drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Closed> {
        let arrived_us = self.clock.now_us();
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
        let endpoint = parts.uri.path().trim_matches('/').to_owned();
        if let Some(look) = &self.look {
            look(&endpoint, &format!("{} {:?}", parts.uri, parts.headers), &body);
        }
        let (status, wait) = self.decide();
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        self.note(arrived_us, &endpoint, &parts.headers, status, &body);
        if status == 0 {
            return Err(Closed);
        }
        let answer = Response::builder().status(status).body(Full::default());
        answer.map_err(|_| Closed)
    }

    /// A status, 0 for none, and how long it takes.
    fn decide(&self) -> (u16, Duration) {
        let mut mood = self.mood();
        let (now, chance) = (mood.0, mood.1.u8(..100));
        if chance < now.fail_percent {
            return (if mood.1.bool() { 500 } else { 0 }, Duration::ZERO);
        }
        let slow = chance < now.fail_percent.saturating_add(now.slow_percent);
        (200, if slow { now.slow } else { Duration::ZERO })
    }

    fn note(&self, arrived_us: u64, endpoint: &str, headers: &HeaderMap, status: u16, body: &[u8]) {
        let text = |name: &str| headers.get(name).map_or("-", |value: &HeaderValue| value.to_str().unwrap_or("-"));
        self.ledger.line(format_args!(
            "{arrived_us} {} {endpoint} {} {} {} {status} {}",
            self.clock.now_us(),
            text("webhook-id"),
            text("x-waypost-attempt"),
            u8::from(text("x-waypost-late") == "true"),
            fingerprint(body)
        ));
    }
}

/// Ends a connection without an answer.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed on purpose")
    }
}

impl std::error::Error for Closed {}
