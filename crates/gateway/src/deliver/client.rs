//! The one HTTP client for everything that goes out: guarded at connect time, HTTP/1.1, no redirects.

use std::error::Error;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::{Client as PooledClient, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rules::retry::Answer;
use thiserror::Error;
use tower_service::Service;

use super::connect::{Timed, TooSlow, within};
use super::guard::{Guard, Refused};

const ADDRESSES_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(45);
const IDLE_PER_HOST_MAX: usize = 64;

type BoxError = Box<dyn Error + Send + Sync>;

/// Sends requests to endpoints. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    pool: PooledClient<Timed<HttpsConnector<GuardedConnector>>, Full<Bytes>>,
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
    /// A client under this rule.
    #[must_use]
    pub fn new(guard: Guard) -> Self {
        let https = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(GuardedConnector::new(guard));
        let pool = PooledClient::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
            .build(Timed(https));
        Self { pool }
    }

    /// Sends a request and waits for the head of its answer. A connection that is opened for it has `connect` to come
    /// about; the caller bounds the whole time.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
        connect: Duration,
    ) -> Result<Response<Incoming>, SendError> {
        within(connect, self.pool.request(request)).await.map_err(|error| classify(&error))
    }
}

impl SendError {
    /// What it is to the policy.
    pub(super) const fn answer(&self) -> Answer {
        match self {
            Self::Refused(_) => Answer::Forbidden,
            Self::Ours(_) => Answer::Fault,
            Self::Name | Self::Connect(_) | Self::TooSlow(_) | Self::Tls | Self::Broken => Answer::NoAnswer,
        }
    }
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
        let io = current.downcast_ref::<std::io::Error>();
        if let Some(found) = io.and_then(|io| classify_io(io, error.is_connect())) {
            return found;
        }
        cause = beneath(current);
    }
    if error.is_connect() { SendError::Connect("no connection") } else { SendError::Broken }
}

/// What lies below an error. Of an I/O error that wraps another one, `source` would skip that.
fn beneath<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
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

/// Connects under the guard: a literal address is checked here, a name when it has been resolved.
#[derive(Debug, Clone)]
struct GuardedConnector {
    guard: Arc<Guard>,
    plain: HttpConnector<GuardedResolver>,
    tls: HttpConnector<GuardedResolver>,
}

impl GuardedConnector {
    fn new(guard: Guard) -> Self {
        let guard = Arc::new(guard);
        let connector = |tls| {
            let mut connector = HttpConnector::new_with_resolver(GuardedResolver { guard: Arc::clone(&guard), tls });
            connector.enforce_http(false);
            connector.set_nodelay(true);
            // Shared out among the addresses of a name, so that one that is silent leaves time for the next.
            connector.set_connect_timeout(Some(ADDRESSES_TIMEOUT));
            connector.set_keepalive(Some(Duration::from_secs(30)));
            connector
        };
        Self { plain: connector(false), tls: connector(true), guard }
    }
}

impl Service<Uri> for GuardedConnector {
    type Response = <HttpConnector<GuardedResolver> as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let tls = uri.scheme_str() == Some("https");
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = host.parse::<IpAddr>()
            && let Err(refused) = self.guard.check(host, address, tls)
        {
            return Box::pin(std::future::ready(Err(refused.into())));
        }
        let connecting = if tls { self.tls.call(uri) } else { self.plain.call(uri) };
        Box::pin(async move { connecting.await.map_err(BoxError::from) })
    }
}

/// The system's resolver, with the addresses left out that may not be reached.
#[derive(Debug, Clone)]
struct GuardedResolver {
    guard: Arc<Guard>,
    tls: bool,
}

/// The system's resolver gave nothing.
#[derive(Debug, Clone, Copy, Error)]
#[error("the host name does not resolve")]
struct NameError;

impl Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (guard, tls) = (Arc::clone(&self.guard), self.tls);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| NameError)?;
            let mut allowed = Vec::new();
            let mut refused = None;
            for address in found {
                match guard.check(name.as_str(), address.ip(), tls) {
                    Ok(()) => allowed.push(address),
                    Err(reason) => refused = Some(reason),
                }
            }
            match (allowed.is_empty(), refused) {
                (false, _) => Ok(allowed.into_iter()),
                (true, Some(reason)) => Err(reason.into()),
                (true, None) => Err(NameError.into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Error;

    use super::*;

    #[test]
    fn what_this_machine_ran_out_of_is_a_fault_of_ours() {
        for code in [23, 24, 99] {
            let failure = classify_io(&Error::from_raw_os_error(code), true);
            assert_eq!(failure.map(|failure| failure.answer()), Some(Answer::Fault), "{code}");
        }
        let refused = classify_io(&Error::from_raw_os_error(111), true);
        assert_eq!(refused.map(|failure| failure.answer()), Some(Answer::NoAnswer));
    }

    #[test]
    fn an_error_that_another_wraps_is_found() {
        let tls = Error::new(std::io::ErrorKind::InvalidData, "a bad record");
        let wrapped = Error::other(Error::other(tls));
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&wrapped);
        let mut depth = 0;
        while let Some(current) = cause {
            let io = current.downcast_ref::<Error>();
            if io.and_then(|io| classify_io(io, true)).is_some() {
                break;
            }
            depth += 1;
            cause = beneath(current);
        }
        assert_eq!(depth, 2);
    }
}
