//! The one HTTP client for everything that goes out: guarded at connect time, HTTP/1.1, no redirects.
//!
//! Endpoints with the same certificate, authorities and proxy share a pool of connections; most have none of the three and
//! share one.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client as PooledClient, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rules::retry::Answer;
use thiserror::Error;

use super::connect::{GuardedConnector, Lookup, NameError, ProxyError};
use super::guard::{Guard, Refused};
use super::link::Link;
use super::timed::{Timed, TooSlow, within};
use crate::endpoint::ProxyChoice;

const IDLE_TIMEOUT: Duration = Duration::from_secs(45);
/// As many as go out at once by default: many endpoints of one host share its connections, and one that is closed after a
/// request costs the next as much as several requests.
const IDLE_PER_HOST_MAX: usize = 1_024;
/// Pools beside the common one, at most. Beyond it the one that was made first goes; its connections end with the
/// requests on them.
const POOLS_MAX: usize = 1_024;

type Pool = PooledClient<Timed<HttpsConnector<GuardedConnector>>, Full<Bytes>>;

/// Sends requests to endpoints. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    common: Pool,
    own: Arc<Own>,
}

/// What it takes to make further pools, and those that were made.
#[derive(Debug)]
struct Own {
    guard: Arc<Guard>,
    proxy: Option<Uri>,
    lookup: Lookup,
    pools: Mutex<Pools>,
}

#[derive(Debug, Default)]
struct Pools {
    by_link: HashMap<[u8; 32], (u64, Pool)>,
    made: u64,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum SendError {
    /// Our own settings forbid the address.
    #[error(transparent)]
    Refused(Refused),
    /// The name does not resolve.
    #[error("the host name does not resolve")]
    Name,
    /// The proxy gave no connection.
    #[error("the proxy gave no connection: {0}")]
    Proxy(&'static str),
    /// No connection came about.
    #[error("the connection failed: {0}")]
    Connect(&'static str),
    /// The connection took too long.
    #[error(transparent)]
    TooSlow(TooSlow),
    /// This machine could not open a connection.
    #[error("this machine could not open a connection: {0}")]
    Ours(&'static str),
    /// The TLS handshake failed.
    #[error("the TLS handshake failed: check the certificate and its chain")]
    Tls,
    /// The connection broke before the answer.
    #[error("the connection broke before the answer came")]
    Broken,
}

impl Client {
    /// A client under this rule, with the proxy for endpoints that name none.
    #[must_use]
    pub fn new(guard: Guard, proxy: Option<Uri>) -> Self {
        Self::with_lookup(guard, proxy, Lookup::System)
    }

    pub(super) fn with_lookup(guard: Guard, proxy: Option<Uri>, lookup: Lookup) -> Self {
        let own = Own { guard: Arc::new(guard), proxy, lookup, pools: Mutex::default() };
        let https = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1();
        let connector = GuardedConnector::new(Arc::clone(&own.guard), own.proxy.clone(), lookup);
        Self { common: pool(https.wrap_connector(connector)), own: Arc::new(own) }
    }

    /// Sends a request and waits for the head of its answer. A connection that is opened for it has `connect` to come
    /// about; the caller bounds the whole time.
    pub async fn send(
        &self,
        link: Option<&Link>,
        request: Request<Full<Bytes>>,
        connect: Duration,
    ) -> Result<Response<Incoming>, SendError> {
        let sending = match link {
            None => self.common.request(request),
            Some(link) => self.own.pool(link).request(request),
        };
        within(connect, sending).await.map_err(|error| classify(&error))
    }
}

impl SendError {
    /// What it is to the policy.
    pub(super) const fn answer(&self) -> Answer {
        match self {
            Self::Refused(_) => Answer::Forbidden,
            Self::Ours(_) => Answer::Fault,
            Self::Name | Self::Connect(_) | Self::TooSlow(_) | Self::Proxy(_) | Self::Tls | Self::Broken => {
                Answer::NoAnswer
            }
        }
    }
}

impl Own {
    fn pool(&self, link: &Link) -> Pool {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, pool)) = pools.by_link.get(link.digest()) {
            return pool.clone();
        }
        let pool = self.make(link);
        let first = pools.by_link.iter().min_by_key(|(_, (made, _))| *made).map(|(digest, _)| *digest);
        if let Some(first) = first.filter(|_| pools.by_link.len() >= POOLS_MAX) {
            pools.by_link.remove(&first);
        }
        pools.made += 1;
        let entry = (pools.made, pool.clone());
        pools.by_link.insert(*link.digest(), entry);
        pool
    }

    fn make(&self, link: &Link) -> Pool {
        let proxy = match link.proxy() {
            ProxyChoice::AsAll => self.proxy.clone(),
            ProxyChoice::Direct => None,
            ProxyChoice::Through(proxy) => Some(proxy.clone()),
        };
        let connector = GuardedConnector::new(Arc::clone(&self.guard), proxy, self.lookup);
        let https = HttpsConnectorBuilder::new().with_tls_config(link.tls()).https_or_http().enable_http1();
        pool(https.wrap_connector(connector))
    }
}

fn pool(connector: HttpsConnector<GuardedConnector>) -> Pool {
    PooledClient::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
        .build(Timed(connector))
}

/// Finds the cause in the chain of errors.
fn classify(error: &ClientError) -> SendError {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(current) = cause {
        if let Some(refused) = current.downcast_ref::<Refused>() {
            return SendError::Refused(*refused);
        }
        if let Some(slow) = current.downcast_ref::<TooSlow>() {
            return SendError::TooSlow(*slow);
        }
        if current.downcast_ref::<NameError>().is_some() {
            return SendError::Name;
        }
        if let Some(ProxyError(why)) = current.downcast_ref::<ProxyError>() {
            return SendError::Proxy(why);
        }
        let io = current.downcast_ref::<std::io::Error>();
        if let Some(found) = io.and_then(|io| classify_io(io, error.is_connect())) {
            return found;
        }
        cause = beneath(current);
    }
    if error.is_connect() { SendError::Connect("no connection") } else { SendError::Broken }
}

/// What lies below an error. Of an I/O error that wraps another one, `source` would skip that.
pub(super) fn beneath<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn classify_io(io: &std::io::Error, connecting: bool) -> Option<SendError> {
    use std::io::ErrorKind;
    if let Some(what) = ours(io) {
        return Some(SendError::Ours(what));
    }
    let kind = io.kind();
    // Errors of rustls come wrapped in the first kind; the second means that the other side hung up within the handshake.
    if kind == ErrorKind::InvalidData || (connecting && kind == ErrorKind::UnexpectedEof) {
        return Some(SendError::Tls);
    }
    (connecting && io.get_ref().is_none()).then(|| SendError::Connect(io_words(kind)))
}

/// What this machine ran out of.
fn ours(io: &std::io::Error) -> Option<&'static str> {
    // EMFILE and ENFILE have no kind of their own.
    if matches!(io.raw_os_error(), Some(23 | 24)) {
        return Some("too many open files; raise the limit (ulimit -n, LimitNOFILE)");
    }
    (io.kind() == std::io::ErrorKind::AddrNotAvailable).then_some("no local port or address is free")
}

fn io_words(kind: std::io::ErrorKind) -> &'static str {
    use std::io::ErrorKind;
    let words = [
        (ErrorKind::ConnectionRefused, "refused"),
        (ErrorKind::ConnectionReset, "reset"),
        (ErrorKind::TimedOut, "timed out"),
        (ErrorKind::HostUnreachable, "host unreachable"),
        (ErrorKind::NetworkUnreachable, "network unreachable"),
    ];
    words.iter().find(|(known, _)| *known == kind).map_or("no connection", |(_, words)| words)
}

#[cfg(test)]
mod tests;
