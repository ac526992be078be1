//! The sink: accepts everything, notes when it came, and holds its answers while it is told to.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::bodies::{now_ns, sent_ns};
use crate::Outcome;

/// Requests that may have been held and answered before a case begins.
pub(super) const HELD_MAX: usize = 4;

/// What came.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    pub(crate) at: Vec<Instant>,
    /// How long each took from its sending, in nanoseconds.
    pub(super) took_ns: Vec<u128>,
}

/// A sink on a thread of its own.
pub(crate) struct Sink {
    pub(crate) at: SocketAddr,
    arrivals: Arc<Mutex<Arrivals>>,
    holds: watch::Sender<bool>,
}

impl Sink {
    pub(crate) fn start() -> Outcome<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let at = listener.local_addr()?;
        let (holds, held) = watch::channel(false);
        let arrivals = Arc::new(Mutex::new(Arrivals::default()));
        let kept = Arc::clone(&arrivals);
        std::thread::spawn(move || runtime.block_on(serve(listener, kept, held)));
        Ok(Self { at, arrivals, holds })
    }

    /// Holds its answers, or lets them go.
    pub(crate) fn hold(&self, holds: bool) {
        self.holds.send_replace(holds);
    }

    /// Whether it holds its answers.
    pub(crate) fn holds(&self) -> bool {
        *self.holds.borrow()
    }

    /// Forgets what came.
    pub(crate) fn clear(&self) {
        *self.arrivals.lock().unwrap_or_else(PoisonError::into_inner) = Arrivals::default();
    }

    pub(super) fn count(&self) -> usize {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).at.len()
    }

    /// Waits until so many came, and gives them.
    pub(crate) fn wait_for(&self, count: usize, within: Duration) -> Outcome<Arrivals> {
        let deadline = Instant::now() + within;
        while self.count() < count {
            if Instant::now() > deadline {
                return Err(format!("{} of {count} arrived", self.count()).into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(std::mem::take(&mut *self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

async fn serve(listener: TcpListener, arrivals: Arc<Mutex<Arrivals>>, held: watch::Receiver<bool>) {
    while let Ok((stream, _)) = listener.accept().await {
        // Without it the answers only come later.
        drop(stream.set_nodelay(true));
        let (arrivals, held) = (Arc::clone(&arrivals), held.clone());
        let service = service_fn(move |request| answer(request, Arc::clone(&arrivals), held.clone()));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    request: Request<Incoming>,
    arrivals: Arc<Mutex<Arrivals>>,
    mut held: watch::Receiver<bool>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    if *held.borrow() {
        drop(held.wait_for(|holds| !holds).await);
    } else {
        let took_ns = sent_ns(&body).map(|sent| now_ns().saturating_sub(sent)).unwrap_or_default();
        let mut arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.at.push(Instant::now());
        arrivals.took_ns.push(took_ns);
    }
    Ok(Response::new(Empty::new()))
}
