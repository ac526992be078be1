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
use thiserror::Error;

use super::connect::{GuardedConnector, Lookup, NameError, ProxyError};
use super::guard::{Guard, Refused};
use super::link::Link;
use crate::endpoint::ProxyChoice;

const IDLE_TIMEOUT: Duration = Duration::from_secs(45);
const IDLE_PER_HOST_MAX: usize = 64;
/// Pools beside the common one, at most. Beyond it the one that was made first goes; its connections end with the
/// requests on them.
const POOLS_MAX: usize = 1_024;

type Pool = PooledClient<HttpsConnector<GuardedConnector>, Full<Bytes>>;

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

    /// Sends a request and waits for the head of its answer. The caller bounds the time.
    pub async fn send(
        &self,
        link: Option<&Link>,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, SendError> {
        let sending = match link {
            None => self.common.request(request),
            Some(link) => self.own.pool(link).request(request),
        };
        sending.await.map_err(|error| classify(&error))
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
        .build(connector)
}

/// Finds the cause in the chain of errors.
fn classify(error: &ClientError) -> SendError {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(current) = cause {
        if let Some(refused) = find::<Refused>(current) {
            return SendError::Refused(*refused);
        }
        if find::<NameError>(current).is_some() {
            return SendError::Name;
        }
        if let Some(ProxyError(why)) = find::<ProxyError>(current) {
            return SendError::Proxy(why);
        }
        if let Some(io) = innermost_io(current) {
            // Errors of rustls come wrapped in an I/O error of kind InvalidData.
            if io.kind() == std::io::ErrorKind::InvalidData {
                return SendError::Tls;
            }
            if error.is_connect() && io.get_ref().is_none() {
                return SendError::Connect(io_words(io.kind()));
            }
        }
        cause = current.source();
    }
    if error.is_connect() { SendError::Connect("no connection") } else { SendError::Broken }
}

/// The I/O error that it is, or the one that it wraps: connectors wrap those of TLS once more.
fn innermost_io<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a std::io::Error> {
    let mut io = error.downcast_ref::<std::io::Error>()?;
    while let Some(inner) = io.get_ref().and_then(|inner| inner.downcast_ref::<std::io::Error>()) {
        io = inner;
    }
    Some(io)
}

/// The error itself, or the one that an I/O error wraps.
pub(super) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.downcast_ref().or_else(|| wrapped.and_then(|inner| inner.downcast_ref()))
}

fn io_words(kind: std::io::ErrorKind) -> &'static str {
    use std::io::ErrorKind;
    let words = [
        (ErrorKind::ConnectionRefused, "refused"),
        (ErrorKind::ConnectionReset, "reset"),
        (ErrorKind::TimedOut, "timed out"),
        (ErrorKind::HostUnreachable, "host unreachable"),
        (ErrorKind::NetworkUnreachable, "network unreachable"),
        (ErrorKind::AddrNotAvailable, "address not available"),
    ];
    words.iter().find(|(known, _)| *known == kind).map_or("no connection", |(_, words)| words)
}

#[cfg(test)]
mod tests;
