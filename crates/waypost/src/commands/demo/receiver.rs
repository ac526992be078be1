//! The receiving endpoints: a small server that believes nothing it did not verify itself.

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gateway::clock::{Clock, parse_rfc3339};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::show::Show;
use super::verify::{self, Standard};
use crate::exit::Failure;

/// Larger deliveries are not read. Meta's own limit is 3 MB.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// After a connection could not be accepted.
const ACCEPT_AGAIN: Duration = Duration::from_millis(20);

/// One of the receiving endpoints.
#[derive(Debug)]
pub(super) struct Door {
    /// Its name, which is also its path.
    pub(super) name: &'static str,
    /// What it signs with: an endpoint with a hub secret expects Meta's form, one without it Waypost's.
    pub(super) hub_secret: Option<String>,
    /// The key of Standard Webhooks.
    pub(super) webhook_key: Vec<u8>,
    /// What it received.
    received: Mutex<Received>,
    /// It answers 503 while this is set.
    down: AtomicBool,
    /// It answers the next delivery 200 and forgets it.
    forgetful: AtomicBool,
}

/// What a door received. Nothing counts that it did not verify.
#[derive(Debug, Clone, Default)]
pub(super) struct Received {
    /// The ids of the events.
    ids: HashSet<String>,
    /// Events by type.
    pub(super) types: BTreeMap<String, u64>,
    /// Keys of the events as the door reads them, in order of arrival. Meta's form only.
    pub(super) keys: Vec<String>,
    /// Events that were marked as tests.
    pub(super) tests: u64,
    /// Deliveries of an event that it had already.
    pub(super) repeats: u64,
    /// Deliveries that it answered 503.
    pub(super) turned_away: u64,
    /// Deliveries whose signatures do not fit, or that are not what their headers say.
    pub(super) unfit: u64,
}

/// A delivery that was verified.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) id: String,
    pub(super) event_type: String,
    pub(super) number: String,
    pub(super) attempt: String,
    pub(super) test: bool,
    /// From its arrival at the gateway until now.
    pub(super) age_ms: Option<i64>,
    key: Option<String>,
}

/// The server.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) at: SocketAddr,
    pub(super) doors: Arc<Vec<Door>>,
    serving: JoinHandle<()>,
}

impl Door {
    pub(super) fn new(name: &'static str, hub_secret: Option<String>, webhook_key: Vec<u8>) -> Self {
        Self {
            name,
            hub_secret,
            webhook_key,
            received: Mutex::default(),
            down: AtomicBool::default(),
            forgetful: AtomicBool::default(),
        }
    }

    pub(super) fn received(&self) -> MutexGuard<'_, Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes it fail, or come back.
    pub(super) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// Makes it lose the next delivery from its ledger.
    pub(super) fn lose_one(&self) {
        self.forgetful.store(true, Ordering::SeqCst);
    }

    /// Judges a delivery, writes it down, and says what to answer.
    fn take(&self, headers: &HeaderMap, body: &[u8], show: Show) -> StatusCode {
        let now_ms = Clock::System.now_ms();
        if !self.is_genuine(headers, body, now_ms.div_euclid(1_000)) {
            self.received().unfit += 1;
            return StatusCode::UNAUTHORIZED;
        }
        let Some(arrival) = Arrival::read(headers, body, self.hub_secret.is_some(), now_ms) else {
            self.received().unfit += 1;
            return StatusCode::BAD_REQUEST;
        };
        if self.down.load(Ordering::SeqCst) {
            self.received().turned_away += 1;
            show.arrival(self.name, &arrival, "503");
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        show.arrival(self.name, &arrival, "");
        if !self.forgetful.swap(false, Ordering::SeqCst) {
            self.received().keep(arrival);
        }
        StatusCode::OK
    }

    fn is_genuine(&self, headers: &HeaderMap, body: &[u8], now_seconds: i64) -> bool {
        let standard = Standard {
            id: text(headers, "webhook-id"),
            timestamp: text(headers, "webhook-timestamp"),
            signature: text(headers, "webhook-signature"),
        };
        let hub = |secret: &String| verify::hub_fits(secret, text(headers, "x-hub-signature-256"), body);
        verify::standard_fits(&self.webhook_key, standard, body, now_seconds)
            && self.hub_secret.as_ref().is_none_or(hub)
    }
}

impl Received {
    /// Distinct events.
    pub(super) fn events(&self) -> u64 {
        self.ids.len() as u64
    }

    /// Whether this event was received.
    pub(super) fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    fn keep(&mut self, arrival: Arrival) {
        if !self.ids.insert(arrival.id) {
            self.repeats += 1;
            return;
        }
        *self.types.entry(arrival.event_type).or_default() += 1;
        self.tests += u64::from(arrival.test);
        self.keys.extend(arrival.key);
    }
}

impl Arrival {
    /// None when the body is not the one event that the headers name.
    fn read(headers: &HeaderMap, body: &[u8], in_metas_form: bool, now_ms: i64) -> Option<Self> {
        let id = text(headers, "webhook-id");
        let event_type = text(headers, "x-waypost-event");
        let key = if in_metas_form {
            let [event] = <[_; 1]>::try_from(whatsapp::read(body).events).ok()?;
            (event.event_type.as_str() == event_type).then_some(Some(event.key.text))?
        } else {
            let event: serde_json::Value = serde_json::from_slice(body).ok()?;
            let says = |name: &str, what: &str| event.get(name).and_then(serde_json::Value::as_str) == Some(what);
            (says("id", id) && says("type", event_type)).then_some(None)?
        };
        Some(Self {
            id: id.to_owned(),
            event_type: event_type.to_owned(),
            number: text(headers, "x-waypost-phone-number-id").to_owned(),
            attempt: text(headers, "x-waypost-attempt").to_owned(),
            test: text(headers, "x-waypost-test") == "true",
            age_ms: parse_rfc3339(text(headers, "x-waypost-received-at")).map(|at_ms| now_ms - at_ms),
            key,
        })
    }
}

impl Receiver {
    /// Opens these doors on a port of the system's choice.
    pub(super) async fn open(doors: Vec<Door>, show: Show) -> Result<Self, Failure> {
        let doing = "open a port for the receiving endpoints";
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(Failure::file(doing))?;
        let at = listener.local_addr().map_err(Failure::file(doing))?;
        let doors = Arc::new(doors);
        let serving = tokio::spawn(serve(listener, Arc::clone(&doors), show));
        Ok(Self { at, doors, serving })
    }

    /// Closes the doors.
    pub(super) fn close(&self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, doors: Arc<Vec<Door>>, show: Show) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(converse(stream, Arc::clone(&doors), show))),
            // Out of descriptors, for instance: the gateway comes again.
            Err(_) => sleep(ACCEPT_AGAIN).await,
        }
    }
}

async fn converse(stream: TcpStream, doors: Arc<Vec<Door>>, show: Show) {
    let answer = service_fn(|request| {
        let doors = Arc::clone(&doors);
        async move {
            let mut answer = Response::new(Empty::<Bytes>::new());
            *answer.status_mut() = status(request, &doors, show).await;
            Ok::<_, Infallible>(answer)
        }
    });
    let mut server = http1::Builder::new();
    let conversation = server.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), answer);
    // However it ends: what was not answered, the gateway sends again.
    drop(conversation.await);
}

async fn status(request: Request<Incoming>, doors: &[Door], show: Show) -> StatusCode {
    let (head, body) = request.into_parts();
    let Some(door) = doors.iter().find(|door| head.uri.path().strip_prefix('/') == Some(door.name)) else {
        return StatusCode::NOT_FOUND;
    };
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => door.take(&head.headers, &body.to_bytes(), show),
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use gateway::secret::Secret;
    use gateway::sign::{hub_signature, webhook_signature};
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    const KEY: [u8; 32] = [7; 32];
    const TEXT: &[u8] = br#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages",
        "value":{"metadata":{"phone_number_id":"7"},"messages":[{"id":"wamid.A","from":"1555","type":"text",
        "timestamp":"1758000000","text":{"body":"hi"}}]}}]}]}"#;

    fn door() -> Door {
        Door::new("everything", Some("hub".into()), KEY.to_vec())
    }

    /// The headers that a gateway with this hub secret sends.
    fn headers(hub_secret: &str, event_type: &str, body: &[u8]) -> HeaderMap {
        let now_seconds = Clock::System.now_ms() / 1_000;
        let headers = [
            ("webhook-id", "evt_1".to_owned()),
            ("webhook-timestamp", now_seconds.to_string()),
            ("webhook-signature", webhook_signature(&KEY, "evt_1", now_seconds, body)),
            ("x-hub-signature-256", hub_signature(&Secret::new(hub_secret), body)),
            ("x-waypost-event", event_type.to_owned()),
        ];
        let header = |(name, value): (&'static str, String)| {
            (HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap())
        };
        headers.into_iter().map(header).collect()
    }

    fn take(door: &Door, headers: &HeaderMap, body: &[u8]) -> (u16, u64, u64) {
        let status = door.take(headers, body, Show::new(false, false));
        let received = door.received();
        (status.as_u16(), received.events(), received.unfit)
    }

    #[test]
    fn an_event_counts_once_however_often_it_comes() {
        let door = door();
        let headers = headers("hub", "messages.text", TEXT);
        assert_eq!(take(&door, &headers, TEXT), (200, 1, 0));
        assert_eq!(take(&door, &headers, TEXT), (200, 1, 0));
        assert_eq!(door.received().repeats, 1);
        assert_eq!(door.received().keys, ["msg:7:wamid.A"]);
    }

    #[test]
    fn what_was_not_verified_does_not_count() {
        let door = door();
        assert_eq!(take(&door, &headers("other", "messages.text", TEXT), TEXT), (401, 0, 1));
        let mut unsigned = headers("hub", "messages.text", TEXT);
        unsigned.remove("webhook-signature");
        assert_eq!(take(&door, &unsigned, TEXT), (401, 0, 2));
        assert_eq!(take(&door, &headers("hub", "messages.text", TEXT), b"{}"), (401, 0, 3));
        assert_eq!(take(&door, &headers("hub", "messages.image", TEXT), TEXT), (400, 0, 4));
    }

    #[test]
    fn a_door_that_is_down_counts_nothing_until_it_is_back() {
        let door = door();
        let headers = headers("hub", "messages.text", TEXT);
        door.set_down(true);
        assert_eq!(take(&door, &headers, TEXT), (503, 0, 0));
        door.set_down(false);
        assert_eq!(take(&door, &headers, TEXT), (200, 1, 0));
        assert_eq!(door.received().turned_away, 1);
    }
}
