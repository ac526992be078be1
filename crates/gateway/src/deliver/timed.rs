//! How long a connection may take to come about: name, TCP and TLS together, by the endpoint's policy.
//!
//! Connections are shared by all endpoints of a host, so the limit belongs to the request that opens one. The pool calls
//! its connector within the future of that request, which is why a task-local value reaches it.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use thiserror::Error;
use tower_service::Service;

/// For what opens a connection without a limit of its own.
const LIMIT_DEFAULT: Duration = Duration::from_secs(10);

tokio::task_local! {
    static LIMIT: Duration;
}

type BoxError = Box<dyn Error + Send + Sync>;

/// The connection did not come about in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no connection within {} ms (policy.connect_timeout)", .0.as_millis())]
pub struct TooSlow(Duration);

/// Gives what `work` connects to this much time.
pub(super) async fn within<F: Future>(limit: Duration, work: F) -> F::Output {
    LIMIT.scope(limit, work).await
}

/// A connector that gives up after the limit.
#[derive(Debug, Clone)]
pub(super) struct Timed<C>(pub(super) C);

impl<C> Service<Uri> for Timed<C>
where
    C: Service<Uri>,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
    C::Response: Send,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let limit = LIMIT.try_with(|limit| *limit).unwrap_or(LIMIT_DEFAULT);
        let connecting = self.0.call(uri);
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_) => Err(TooSlow(limit).into()),
            }
        })
    }
}
