//! An endpoint on loopback: verifies what comes over the raw bytes, writes it down, answers as it was told to.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use sha2::Sha256;

use super::meta::{self, Happened};
use super::until;

/// A Standard Webhooks secret for tests.
pub(crate) const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwQ0FGRUJBQkU=";
/// A hub secret for tests.
pub(crate) const HUB_SECRET: &str = "hub-secret-of-the-endpoint";

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// When it was whole.
    pub(crate) began: Instant,
    /// What it was answered, and when.
    pub(crate) answer: Say,
    pub(crate) ended: Option<Instant>,
}

impl Arrival {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The event's id.
    pub(crate) fn id(&self) -> &str {
        self.header("webhook-id")
    }

    pub(crate) fn attempt(&self) -> u32 {
        self.header("x-waypost-attempt").parse().unwrap()
    }

    pub(crate) fn accepted(&self) -> bool {
        matches!(self.answer, Say::Status(200..=299) | Say::Later(_, 200..=299))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The message or message status in a delivery of Meta's format.
    pub(crate) fn happened(&self) -> Happened {
        let body = self.json();
        let value = &body["entry"][0]["changes"][0]["value"];
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let (message, status) = (&value["messages"][0], &value["statuses"][0]);
        if message.is_null() {
            Happened(text(&status["id"]), text(&status["status"]))
        } else {
            Happened(text(&message["id"]), "message".to_owned())
        }
    }
}

/// What to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Say {
    Status(u16),
    Later(Duration, u16),
    RetryAfter(u16, u32),
    Redirect(String),
    Hang,
    Close,
}

type Plan = Box<dyn FnMut(&Arrival) -> Say + Send>;

struct State {
    ledger: Mutex<Vec<Arrival>>,
    plan: Mutex<Plan>,
    /// What came without a signature that fits.
    forged: Mutex<Vec<String>>,
    hub_secret: Option<String>,
    webhook_secret: Option<String>,
}

/// The endpoint. What came unsigned fails the test at the end.
pub(crate) struct Sink {
    pub(crate) at: SocketAddr,
    state: Arc<State>,
    /// Serves as long as it lives.
    _runtime: tokio::runtime::Runtime,
}

impl Sink {
    /// Accepts everything that is signed with the secrets for tests.
    pub(crate) fn start() -> Self {
        Self::start_with(Some(HUB_SECRET), Some(WEBHOOK_SECRET))
    }

    /// Checks the signatures whose secrets are given.
    pub(crate) fn start_with(hub_secret: Option<&str>, webhook_secret: Option<&str>) -> Self {
        let state = Arc::new(State {
            ledger: Mutex::default(),
            plan: Mutex::new(Box::new(|_| Say::Status(200))),
            forged: Mutex::default(),
            hub_secret: hub_secret.map(str::to_owned),
            webhook_secret: webhook_secret.map(str::to_owned),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let at = listener.local_addr().unwrap();
        runtime.spawn(serve(listener, Arc::clone(&state)));
        Self { at, state, _runtime: runtime }
    }

    /// The URL of a path on it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    /// An `[[endpoints]]` block with the secrets for tests, and this besides.
    pub(crate) fn endpoint(&self, name: &str, more: &str) -> String {
        format!(
            "[[endpoints]]\nname = '{name}'\nurl = '{}'\nhub_secret = '{HUB_SECRET}'\n\
             webhook_secret = '{WEBHOOK_SECRET}'\n{more}\n",
            self.url(&format!("/{name}"))
        )
    }

    /// From now on answers like this.
    pub(crate) fn answer(&self, plan: impl FnMut(&Arrival) -> Say + Send + 'static) {
        *self.state.plan.lock().unwrap() = Box::new(plan);
    }

    /// All that came so far.
    pub(crate) fn ledger(&self) -> Vec<Arrival> {
        self.state.ledger.lock().unwrap().clone()
    }

    /// What came to a path.
    pub(crate) fn at_path(&self, path: &str) -> Vec<Arrival> {
        self.ledger().into_iter().filter(|arrival| arrival.path == path).collect()
    }

    /// Waits for so many arrivals, and gives all.
    #[track_caller]
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Arrival> {
        until(&format!("{count} arrivals"), || Some(self.ledger()).filter(|ledger| ledger.len() >= count))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let forged = self.state.forged.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(std::thread::panicking() || forged.is_empty(), "{forged:?}");
    }
}

async fn serve(listener: tokio::net::TcpListener, state: Arc<State>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        drop(stream.set_nodelay(true));
        let state = Arc::clone(&state);
        let service = service_fn(move |request| answer(Arc::clone(&state), request));
        tokio::spawn(async move {
            // A connection that breaks is what some tests are about.
            drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Closed> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Closed)?.to_bytes().to_vec();
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut arrival = Arrival {
        path: parts.uri.to_string(),
        headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body,
        began: Instant::now(),
        answer: Say::Close,
        ended: None,
    };
    if let Err(what) = verify(&state, &arrival) {
        state.forged.lock().unwrap().push(format!("{what}: {arrival:?}"));
    }
    arrival.answer = (state.plan.lock().unwrap())(&arrival);
    let say = arrival.answer.clone();
    let place = {
        let mut ledger = state.ledger.lock().unwrap();
        ledger.push(arrival);
        ledger.len() - 1
    };
    let answer = speak(say).await;
    state.ledger.lock().unwrap()[place].ended = Some(Instant::now());
    answer
}

async fn speak(say: Say) -> Result<Response<Full<Bytes>>, Closed> {
    let respond = |status: u16| Response::builder().status(status);
    let answer = match say {
        Say::Status(status) => respond(status),
        Say::Later(wait, status) => {
            tokio::time::sleep(wait).await;
            respond(status)
        }
        Say::RetryAfter(status, seconds) => respond(status).header("retry-after", seconds),
        Say::Redirect(location) => respond(302).header("location", location),
        Say::Hang => std::future::pending::<Result<_, Infallible>>().await.unwrap(),
        Say::Close => return Err(Closed),
    };
    Ok(answer.body(Full::default()).unwrap())
}

/// Ends a connection without an answer.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed as planned")
    }
}

impl std::error::Error for Closed {}

/// Both signatures, made anew over the raw bytes.
fn verify(state: &State, arrival: &Arrival) -> Result<(), &'static str> {
    if let Some(secret) = &state.hub_secret
        && arrival.header("x-hub-signature-256") != meta::signature(secret, &arrival.body)
    {
        return Err("the hub signature does not fit");
    }
    let Some(secret) = &state.webhook_secret else {
        return Ok(());
    };
    let timestamp = arrival.header("webhook-timestamp");
    let age = timestamp.parse().map(|at: i64| meta::now_seconds() - at);
    if !age.is_ok_and(|age| (-5..=60).contains(&age)) {
        return Err("the timestamp is not that of the attempt");
    }
    let expected = webhook_signature(secret, arrival.id(), timestamp, &arrival.body);
    if arrival.header("webhook-signature") != expected {
        return Err("the webhook signature does not fit");
    }
    Ok(())
}

/// `webhook-signature` as the standard makes it.
pub(crate) fn webhook_signature(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
    let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
}
