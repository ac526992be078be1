//! Connections: accepted, capped, served, drained.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rules::identity::EventId;
use rules::limits;
use store::Store;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, broadcast};
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, Refusal, challenge, kept};
use super::apps::Apps;
use super::refused::RefusedBodies;
use super::{handshake, notification};
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::routing::Routing;
use crate::settings::ReceiveSettings;

/// Bytes of a request's head at most.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Everything that receiving needs.
pub struct Receiver {
    /// As configured.
    pub settings: ReceiveSettings,
    /// The apps.
    pub apps: Arc<Apps>,
    /// Where notifications are kept.
    pub store: Arc<dyn Store>,
    /// Who gets what.
    pub routing: Arc<Routing>,
    /// The time of day.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Bodies whose signature did not fit.
    pub refused: Arc<RefusedBodies>,
    /// Tells whoever watches of new events.
    pub fresh_events: broadcast::Sender<Vec<EventId>>,
    /// Places for requests that are being verified and committed.
    pub requests_in_flight: Semaphore,
    /// Bytes of bodies in memory.
    pub bytes_in_flight: Arc<Semaphore>,
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Serves callbacks until `stop`; then takes no new connection, and gives those that are open time to finish.
pub async fn serve(receiver: Arc<Receiver>, listener: TcpListener, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(receiver.settings.connections_max));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(cause) => {
                // Out of descriptors, mostly: others must finish first.
                tracing::warn!(error = %cause, "failed to accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            receiver.metrics.connection_refused();
            refuse_connection(&stream);
            continue;
        };
        // Answers are small and complete: waiting to fill a segment only delays them.
        drop(stream.set_nodelay(true));
        let connection = graceful.watch(connection(Arc::clone(&receiver), stream));
        tokio::spawn(async move {
            // A broken connection is the sender's affair; what mattered was answered or will come again.
            drop(connection.await);
            drop(place);
        });
    }
    drop(listener);
    let drain = Duration::from_secs(receiver.settings.drain_seconds);
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(drain_seconds = receiver.settings.drain_seconds, "connections were cut at the end of the drain");
    }
}

fn connection(
    receiver: Arc<Receiver>,
    stream: TcpStream,
) -> http1::Connection<
    TokioIo<TcpStream>,
    impl hyper::service::HttpService<
        Incoming,
        ResBody = http_body_util::Full<bytes::Bytes>,
        Error = Infallible,
        Future: Send,
    >,
> {
    let service = service_fn(move |request| {
        let receiver = Arc::clone(&receiver);
        async move { Ok::<_, Infallible>(answer(&receiver, request).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits::HEADER_TIMEOUT_SECONDS))
        .max_headers(64)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
}

/// Above the cap of connections: a short 503, if it can be written without waiting.
fn refuse_connection(stream: &TcpStream) {
    drop(stream.try_write(
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    ));
}

async fn answer(receiver: &Arc<Receiver>, request: Request<Incoming>) -> Answer {
    let started = Instant::now();
    let result = match (receiver.apps.at(request.uri().path()), request.method()) {
        (None, _) => Err(Refusal::UnknownPath),
        (Some(app), &Method::GET) => {
            let result = handshake::challenge(request.uri().query().unwrap_or_default(), &app.settings.verify_token);
            tracing::info!(app = app.settings.name, accepted = result.is_ok(), "a handshake was answered");
            result.map(challenge)
        }
        (Some(app), &Method::POST) => {
            let app = Arc::clone(app);
            let result = notification::take(receiver, &app, request).await;
            receiver.metrics.answered(&app.settings.name, started.elapsed(), result.err());
            result.map(|()| kept())
        }
        (Some(_), _) => Err(Refusal::Method),
    };
    result.unwrap_or_else(|refusal| {
        receiver.metrics.refused(refusal);
        tracing::debug!(code = refusal.code(), "a request was refused");
        refusal.answer()
    })
}
