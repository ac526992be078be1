//! Connections under the guard: a literal address is checked here, a name when it has been resolved; through a proxy, the
//! proxy's own address is checked in the same way, and of the target what its name shows.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use thiserror::Error;
use tower_service::Service;

use super::guard::{Guard, Refused};

/// Shared out among the addresses of a name, so that one that is silent leaves time for the next.
const ADDRESSES_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;
type Connection = <HttpConnector<GuardedResolver> as Service<Uri>>::Response;

/// The system's resolver gave nothing.
#[derive(Debug, Clone, Copy, Error)]
#[error("the host name does not resolve")]
pub(super) struct NameError;

/// The proxy gave no connection.
#[derive(Debug, Clone, Copy, Error)]
#[error("the proxy gave no connection: {0}")]
pub(super) struct ProxyError(pub(super) &'static str);

/// Turns names into addresses. The system's, but for tests.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Lookup {
    #[default]
    System,
    #[cfg(test)]
    Fixed(fn(&str) -> Vec<IpAddr>),
}

impl Lookup {
    async fn addresses(self, name: &str) -> io::Result<Vec<SocketAddr>> {
        match self {
            Self::System => Ok(tokio::net::lookup_host((name, 0)).await?.collect()),
            #[cfg(test)]
            Self::Fixed(known) => Ok(known(name).into_iter().map(|address| SocketAddr::new(address, 0)).collect()),
        }
    }
}

/// Connects to a target, or to it through a proxy.
#[derive(Debug, Clone)]
pub(super) struct GuardedConnector {
    guard: Arc<Guard>,
    proxy: Option<Uri>,
    plain: HttpConnector<GuardedResolver>,
    tls: HttpConnector<GuardedResolver>,
}

impl GuardedConnector {
    pub(super) fn new(guard: Arc<Guard>, proxy: Option<Uri>, lookup: Lookup) -> Self {
        let connector = |tls| {
            let resolver = GuardedResolver { guard: Arc::clone(&guard), tls, lookup };
            let mut connector = HttpConnector::new_with_resolver(resolver);
            connector.enforce_http(false);
            connector.set_nodelay(true);
            connector.set_connect_timeout(Some(ADDRESSES_TIMEOUT));
            connector.set_keepalive(Some(Duration::from_secs(30)));
            connector
        };
        Self { plain: connector(false), tls: connector(true), guard, proxy }
    }

    fn direct(&mut self, uri: Uri) -> Boxed<Connection> {
        let tls = uri.scheme_str() == Some("https");
        if let Some(address) = literal(&uri)
            && let Err(refused) = self.guard.check(&address.to_string(), address, tls)
        {
            return failed(refused);
        }
        let connecting = if tls { self.tls.call(uri) } else { self.plain.call(uri) };
        Box::pin(async move { connecting.await.map_err(BoxError::from) })
    }

    fn through(&self, proxy: Uri, target: &Uri) -> Boxed<Connection> {
        let tls = target.scheme_str() == Some("https");
        let allowed = match literal(target) {
            Some(address) => self.guard.check(&address.to_string(), address, tls),
            None => self.guard.check_name(target.host().unwrap_or_default(), tls),
        };
        if let Err(refused) = allowed {
            return failed(refused);
        }
        let Some(target) = with_port(target, tls) else {
            return failed(ProxyError("the target's URL cannot be asked for"));
        };
        let to_proxy = Self { proxy: None, ..self.clone() };
        let connecting = Tunnel::new(proxy, to_proxy).call(target);
        Box::pin(async move { connecting.await.map_err(of_tunnel) })
    }
}

impl Service<Uri> for GuardedConnector {
    type Response = Connection;
    type Error = BoxError;
    type Future = Boxed<Connection>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        match self.proxy.clone() {
            Some(proxy) => self.through(proxy, &uri),
            None => self.direct(uri),
        }
    }
}

fn failed<T: Send + 'static>(cause: impl Into<BoxError>) -> Boxed<T> {
    Box::pin(std::future::ready(Err(cause.into())))
}

fn literal(uri: &Uri) -> Option<IpAddr> {
    uri.host()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// CONNECT names the port in any case.
fn with_port(target: &Uri, tls: bool) -> Option<Uri> {
    let host = target.host()?;
    let port = target.port_u16().unwrap_or(if tls { 443 } else { 80 });
    Uri::builder().scheme(target.scheme()?.clone()).authority(format!("{host}:{port}")).path_and_query("/").build().ok()
}

/// A refusal of ours stays what it is; for the rest the proxy answers.
fn of_tunnel(error: impl std::error::Error + Send + Sync + 'static) -> BoxError {
    let mut cause = error.source();
    while let Some(current) = cause {
        if current.is::<Refused>() {
            return Box::new(error);
        }
        cause = super::client::beneath(current);
    }
    if error.source().is_some() {
        return ProxyError("it cannot be reached, or broke off").into();
    }
    let wants_login = error.to_string().contains("authorization");
    ProxyError(if wants_login { "it wants a login, which is not supported" } else { "it refused the target" }).into()
}

/// A resolver with the addresses left out that may not be reached.
#[derive(Debug, Clone)]
pub(super) struct GuardedResolver {
    guard: Arc<Guard>,
    tls: bool,
    lookup: Lookup,
}

impl Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Boxed<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (guard, tls, lookup) = (Arc::clone(&self.guard), self.tls, self.lookup);
        Box::pin(async move {
            let found = lookup.addresses(name.as_str()).await.map_err(|_| NameError)?;
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
