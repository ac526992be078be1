//! What the callback answers: a bare 200, or a problem that says what to do.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

/// An answer of the callback.
pub(super) type Answer = Response<Full<Bytes>>;

/// Why a request was not taken. The code is stable; metrics count by it, and `docs/errors/` explains it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No app has this callback path.
    UnknownPath,
    /// Neither GET nor POST.
    Method,
    /// The handshake's token or mode is wrong.
    Handshake,
    /// No `X-Hub-Signature-256`.
    SignatureMissing,
    /// The signature fits none of the app's secrets.
    SignatureWrong,
    /// Larger than the limit.
    BodyTooLarge,
    /// It did not arrive in time.
    BodyTimeout,
    /// The connection broke, or the framing was wrong.
    BodyBroken,
    /// Too many requests or bytes at once, or the queue was too slow.
    Overloaded,
    /// The store cannot commit.
    StoreUnavailable,
    /// The gateway is stopping.
    Stopping,
}

impl Refusal {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownPath => "unknown_callback_path",
            Self::Method => "method_not_allowed",
            Self::Handshake => "handshake_refused",
            Self::SignatureMissing => "signature_missing",
            Self::SignatureWrong => "signature_wrong",
            Self::BodyTooLarge => "body_too_large",
            Self::BodyTimeout => "body_timeout",
            Self::BodyBroken => "body_broken",
            Self::Overloaded => "overloaded",
            Self::StoreUnavailable => "store_unavailable",
            Self::Stopping => "stopping",
        }
    }

    /// Every refusal, for the metrics and the docs.
    pub const ALL: [Self; 11] = [
        Self::UnknownPath,
        Self::Method,
        Self::Handshake,
        Self::SignatureMissing,
        Self::SignatureWrong,
        Self::BodyTooLarge,
        Self::BodyTimeout,
        Self::BodyBroken,
        Self::Overloaded,
        Self::StoreUnavailable,
        Self::Stopping,
    ];

    const fn status(self) -> StatusCode {
        match self {
            Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Handshake => StatusCode::FORBIDDEN,
            Self::SignatureMissing | Self::SignatureWrong => StatusCode::UNAUTHORIZED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyBroken => StatusCode::BAD_REQUEST,
            Self::Overloaded | Self::StoreUnavailable | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    const fn detail(self) -> &'static str {
        match self {
            Self::UnknownPath => "No app has this callback path. `waypost apps` lists the paths.",
            Self::Method => "A callback takes GET for the handshake and POST for notifications.",
            Self::Handshake => "hub.mode must be `subscribe` and hub.verify_token must be the app's verify token.",
            Self::SignatureMissing => "The X-Hub-Signature-256 header is missing. Only signed notifications are taken.",
            Self::SignatureWrong => {
                "X-Hub-Signature-256 fits none of the app's secrets over the raw bytes of this body. Check the app \
                 secret, and that nothing on the way rewrites the body."
            }
            Self::BodyTooLarge => "The body is larger than receive.body_bytes_max.",
            Self::BodyTimeout => "The body did not arrive in time. Send it again.",
            Self::BodyBroken => "The body ended early or its framing is wrong. Send it again.",
            Self::Overloaded => "Waypost is at its limit. Send it again after Retry-After.",
            Self::StoreUnavailable => "Waypost cannot write to its store. Send it again after Retry-After.",
            Self::Stopping => "Waypost is stopping. Send it again after Retry-After.",
        }
    }

    /// After this the connection cannot be used: the rest of the body was not read.
    const fn closes(self) -> bool {
        matches!(self, Self::BodyTooLarge | Self::BodyTimeout | Self::BodyBroken | Self::Stopping)
    }

    /// The answer for it: RFC 9457 problem details.
    pub(super) fn answer(self) -> Answer {
        let body = serde_json::json!({
            "type": format!("urn:waypost:error:{}", self.code()),
            "title": self.status().canonical_reason(),
            "status": self.status().as_u16(),
            "code": self.code(),
            "detail": self.detail(),
        });
        let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
        *answer.status_mut() = self.status();
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self == Self::Method {
            headers.insert(ALLOW, HeaderValue::from_static("GET, POST"));
        }
        if self.closes() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}

/// The bare challenge, as Meta compares it.
pub(super) fn challenge(challenge: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(challenge)));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// The notification is on stable storage.
pub(super) fn kept() -> Answer {
    Response::new(Full::new(Bytes::new()))
}
