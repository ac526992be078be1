//! Meta's two requests: the handshake before anything is sent, and the notification.
//!
//! HTTP/1.1 with connections kept alive. Clones share them; concurrency is many clones. Redirects are not followed.

mod paced;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Limited};
use hyper_rustls::builderstates::WantsProtocols1;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout};

use self::paced::Paced;
use crate::mischief::Wire;
use crate::sign::SignatureHeaders;

/// After this Meta counts a notification as not delivered.
pub const NOTIFICATION_TIMEOUT: Duration = Duration::from_secs(20);
/// After this Meta counts a handshake as failed.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(6);
/// More of an answer is not read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// More of a wrong challenge is not repeated.
const RECEIVED_CHARS_MAX: usize = 200;
/// What captures show.
const USER_AGENT: &str = "facebookexternalua";
const ACCEPT: &str = "*/*";
/// Idle connections are closed after this.
const IDLE: Duration = Duration::from_secs(30);

/// A callback URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(Uri);

/// The URL is not one that this sender can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not a URL with a host.
    #[error("the callback is not a URL with a host")]
    Url,
    /// Another scheme than `http` and `https`.
    #[error("the callback is neither an http:// nor an https:// URL")]
    Scheme,
}

impl Target {
    /// The callback at this URL.
    ///
    /// # Errors
    /// If it is no URL with a host, or its scheme is neither `http` nor `https`.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        let uri: Uri = url.parse().map_err(|_| TargetError::Url)?;
        uri.host().ok_or(TargetError::Url)?;
        match uri.scheme_str() {
            Some("http" | "https") => Ok(Self(uri)),
            Some(_) | None => Err(TargetError::Scheme),
        }
    }

    /// The address of the handshake: Meta adds its parameters to those that the URL has.
    fn handshake(&self, verify_token: &str, challenge: &str) -> String {
        let separator = if self.0.query().is_some() { '&' } else { '?' };
        let (challenge, token) = (escaped(challenge), escaped(verify_token));
        let url = &self.0;
        format!("{url}{separator}hub.mode=subscribe&hub.challenge={challenge}&hub.verify_token={token}")
    }
}

/// What came of one notification.
#[derive(Debug)]
pub struct Answer {
    /// The status, or why there is none.
    pub result: Result<u16, SendError>,
    /// What the receiver said, its beginning; Meta ignores it.
    pub body: Bytes,
    /// From the first byte out to the last byte in.
    pub duration: Duration,
}

impl Answer {
    /// True if Meta would count this as delivered: 200, and no other status.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        matches!(self.result, Ok(200))
    }
}

impl Answer {
    /// What comes of a notification whose callback is no URL.
    pub(crate) fn nowhere() -> Self {
        Self { result: Err(SendError::Target), body: Bytes::new(), duration: Duration::ZERO }
    }
}

/// Why a notification got no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The callback is no URL.
    #[error("the callback is not a URL with a host")]
    Target,
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// No connection.
    #[error("no connection to the receiver")]
    Connect(#[source] Error),
    /// The connection ended before the answer.
    #[error("the receiver ended the connection before its answer")]
    Broken(#[source] Error),
    /// The request could not be built.
    #[error("the request is not valid HTTP")]
    Request(#[source] http::Error),
}

/// Why a handshake failed, in the words in which Meta tells it.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The status is not 200.
    #[error("{REFUSED} HTTP Status Code = {}; HTTP Message = {}", .0.as_u16(), .0.canonical_reason().unwrap_or(""))]
    Status(StatusCode),
    /// The body is not the bare challenge.
    #[error("Response does not match challenge, expected value={expected:?}, received={received:?}")]
    Challenge {
        /// What was asked for.
        expected: String,
        /// What came, cut short if it is long.
        received: String,
    },
    /// No answer in time.
    #[error("{REFUSED} curl_errno = 28; curl_error = Connection timed out after {} milliseconds", .0.as_millis())]
    Timeout(Duration),
    /// No connection.
    #[error("{REFUSED} curl_errno = 7; curl_error = Failed to connect to host")]
    Connect(#[source] SendError),
    /// The connection ended before the answer.
    #[error("{REFUSED} curl_errno = 56; curl_error = Recv failure")]
    Broken(#[source] SendError),
}

const REFUSED: &str = "(#2200) Callback verification failed with the following errors:";

/// Meta's sending side.
#[derive(Debug, Clone)]
pub struct Sender {
    client: Client<HttpsConnector<HttpConnector>, Paced>,
    notification_timeout: Duration,
    handshake_timeout: Duration,
}

impl Default for Sender {
    fn default() -> Self {
        Self::new()
    }
}

impl Sender {
    /// A sender with Meta's timeouts.
    #[must_use]
    pub fn new() -> Self {
        Self::with_timeouts(NOTIFICATION_TIMEOUT, HANDSHAKE_TIMEOUT)
    }

    /// A sender with other timeouts than Meta's.
    #[must_use]
    pub fn with_timeouts(notification_timeout: Duration, handshake_timeout: Duration) -> Self {
        let tls = HttpsConnectorBuilder::new().with_webpki_roots();
        Self::over(tls.https_or_http(), notification_timeout, handshake_timeout)
    }

    /// A sender with a TLS of its own: see [`crate::tls::client`].
    #[must_use]
    pub fn with_tls(tls: rustls::ClientConfig, notification_timeout: Duration) -> Self {
        let tls = HttpsConnectorBuilder::new().with_tls_config(tls);
        Self::over(tls.https_or_http(), notification_timeout, HANDSHAKE_TIMEOUT)
    }

    fn over(
        tls: HttpsConnectorBuilder<WantsProtocols1>,
        notification_timeout: Duration,
        handshake_timeout: Duration,
    ) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.enforce_http(false);
        let connector = tls.enable_http1().wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            // Captures show Meta's spelling; names mean the same in any case.
            .http1_title_case_headers(true)
            .build(connector);
        Self { client, notification_timeout, handshake_timeout }
    }

    /// Asks the receiver to prove that it knows the verify token. The challenge is the caller's: Meta's are ten digits.
    ///
    /// # Errors
    /// If the answer is anything but status 200 and the bare challenge, in time.
    pub async fn handshake(&self, target: &Target, verify_token: &str, challenge: &str) -> Result<(), HandshakeError> {
        let request =
            common(Method::GET, &target.handshake(verify_token, challenge)).body(Paced::new(Bytes::new(), Wire::Whole));
        let answer = timeout(self.handshake_timeout, self.exchange(request)).await;
        let (status, body) =
            answer.map_err(|_| HandshakeError::Timeout(self.handshake_timeout))?.map_err(|error| match error {
                SendError::Connect(_) => HandshakeError::Connect(error),
                SendError::Target | SendError::Timeout | SendError::Broken(_) | SendError::Request(_) => {
                    HandshakeError::Broken(error)
                }
            })?;
        if status != StatusCode::OK {
            return Err(HandshakeError::Status(status));
        }
        if body != challenge.as_bytes() {
            return Err(HandshakeError::Challenge {
                expected: challenge.to_owned(),
                received: String::from_utf8_lossy(&body).chars().take(RECEIVED_CHARS_MAX).collect(),
            });
        }
        Ok(())
    }

    /// Sends one notification.
    pub async fn send(&self, target: &Target, body: Bytes, signatures: &SignatureHeaders) -> Answer {
        self.send_so(target, body, signatures, Wire::Whole).await
    }

    /// Sends one notification, its bytes at this pace.
    pub async fn send_so(&self, target: &Target, body: Bytes, signatures: &SignatureHeaders, wire: Wire) -> Answer {
        let started = Instant::now();
        let request = notification(target, body, signatures, wire);
        let (result, body) = match timeout(self.notification_timeout, self.exchange(request)).await {
            Ok(Ok((status, body))) => (Ok(status.as_u16()), body),
            Ok(Err(error)) => (Err(error), Bytes::new()),
            Err(_) => (Err(SendError::Timeout), Bytes::new()),
        };
        Answer { result, body, duration: started.elapsed() }
    }

    async fn exchange(&self, request: http::Result<Request<Paced>>) -> Result<(StatusCode, Bytes), SendError> {
        let request = request.map_err(SendError::Request)?;
        let response =
            self.client.request(request).await.map_err(|error| {
                if error.is_connect() { SendError::Connect(error) } else { SendError::Broken(error) }
            })?;
        Ok((response.status(), whole_body(response).await))
    }
}

/// The answer's body, read to its end so that the connection can be used again. Meta ignores what it says, so a body
/// that breaks off is as good as none.
async fn whole_body<B>(response: Response<B>) -> Bytes
where
    B: http_body::Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
    body.map(http_body_util::Collected::to_bytes).unwrap_or_default()
}

/// The headers of a notification, in their order.
#[must_use]
pub fn notification_headers(body_bytes: usize, signatures: &SignatureHeaders) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("User-Agent", USER_AGENT.to_owned()),
        ("Accept", ACCEPT.to_owned()),
        ("Content-Type", "application/json".to_owned()),
        ("Content-Length", body_bytes.to_string()),
    ];
    headers.extend(signatures.sha1.clone().map(|sha1| ("X-Hub-Signature", sha1)));
    headers.extend(signatures.sha256.clone().map(|sha256| ("X-Hub-Signature-256", sha256)));
    headers
}

fn notification(
    target: &Target,
    body: Bytes,
    signatures: &SignatureHeaders,
    wire: Wire,
) -> http::Result<Request<Paced>> {
    let headers = notification_headers(body.len(), signatures);
    let request = Request::builder().method(Method::POST).uri(target.0.to_string());
    headers.into_iter().fold(request, |request, (name, value)| request.header(name, value)).body(Paced::new(body, wire))
}

fn common(method: Method, url: &str) -> http::request::Builder {
    Request::builder().method(method).uri(url).header(header::USER_AGENT, USER_AGENT).header(header::ACCEPT, ACCEPT)
}

/// The text for a query: all but unreserved characters escaped.
fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests;
