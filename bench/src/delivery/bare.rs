//! The yardstick: sign and send with hyper-util's pooled client, nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use emulator::{AppSecret, Signing};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::CONCURRENCY;
use super::bodies::{Bodies, now_ns};
use super::case::Round;
use super::sink::Sink;
use crate::{Outcome, servers};

const COUNT: usize = 60_000;

pub(super) type Pool = Client<HttpConnector, Full<Bytes>>;

/// Requests a second that arrive, and what one costs.
pub(super) fn round(sink: &Sink) -> Outcome<Round> {
    sink.clear();
    let port = sink.at.port().to_string();
    let mut child = servers::this_on_core_0(&["--bare-loop", &port, &COUNT.to_string()])?;
    let arrivals = sink.wait_for(COUNT, Duration::from_secs(120))?;
    let round = Round::new(&arrivals.at, servers::cpu_us_of(child.id()));
    child.wait()?;
    Ok(round)
}

/// Sends so many as fast as it can.
pub(super) fn send(port: u16, count: usize) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, begun) = (pool(), Arc::new(AtomicUsize::new(0)));
        let mut senders = tokio::task::JoinSet::new();
        for n in 0..CONCURRENCY {
            let (client, begun) = (client.clone(), Arc::clone(&begun));
            senders.spawn(async move {
                let mut bodies = Bodies::new(u64::try_from(n).unwrap_or(0), 1);
                while begun.fetch_add(1, Ordering::Relaxed) < count {
                    post(&client, port, bodies.next_body(now_ns())).await?;
                }
                Ok::<(), String>(())
            });
        }
        while let Some(sent) = senders.join_next().await {
            sent??;
        }
        Ok(())
    })
}

pub(super) fn pool() -> Pool {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).pool_max_idle_per_host(CONCURRENCY).build(connector)
}

/// One signed request.
pub(super) async fn post(client: &Pool, port: u16, body: Vec<u8>) -> Result<(), String> {
    let signature = Signing::Right.headers(&AppSecret::new("bench"), &body).sha256.unwrap_or_default();
    let request = Request::post(format!("http://127.0.0.1:{port}/"))
        .header("content-type", "application/json")
        .header("x-hub-signature-256", signature)
        .body(Full::new(Bytes::from(body)))
        .map_err(|cause| cause.to_string())?;
    let answer = client.request(request).await.map_err(|cause| cause.to_string())?;
    answer.into_body().collect().await.map(drop).map_err(|cause| cause.to_string())
}
