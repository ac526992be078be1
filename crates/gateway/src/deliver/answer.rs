//! What an endpoint answered: its status decides, the rest is read only for the record and the connection's sake.

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{HeaderMap, LOCATION, RETRY_AFTER};
use hyper::{Response, Uri};
use rules::outcome::Meaning;
use rules::retry::{Answer, Policy};
use tokio::time::{Duration, Instant, timeout_at};

use super::attempt::Outcome;
use crate::clock::{Clock, parse_http_date};

/// Bytes of an answer that are read so that the connection can be used again.
const DRAIN_BYTES_MAX: usize = 64 * 1024;
/// For how long an answer's body is read. Whoever needs longer loses the connection, and nothing else.
const DRAIN_MAX: Duration = Duration::from_secs(2);

/// The outcome of an attempt whose answer begins like this. Nothing is read beyond `deadline`.
pub(super) async fn read(response: Response<Incoming>, policy: &Policy, deadline: Instant, clock: &Clock) -> Outcome {
    let code = response.status().as_u16();
    let headers = response.headers();
    let retry_after_ms = header(headers, &RETRY_AFTER).and_then(|text| retry_after_ms(text, clock.now_ms()));
    let accepted = policy.answers.meaning(code) == Meaning::Success;
    let error = (!accepted).then(|| sentence(code, headers));
    let keep = if accepted { 0 } else { policy.snippet_bytes };
    let start = beginning(response.into_body(), keep, deadline).await;
    Outcome {
        answer: Answer::Status { code, retry_after_ms },
        status: Some(code),
        error,
        snippet: (!start.is_empty()).then(|| String::from_utf8_lossy(&start).into_owned()),
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &hyper::header::HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Why this answer is no success. Of a redirect only the host is told: the rest of an address may hold secrets.
fn sentence(code: u16, headers: &HeaderMap) -> String {
    if !matches!(code, 301 | 302 | 303 | 307 | 308) {
        return format!("answered {code}");
    }
    let location = header(headers, &LOCATION).and_then(|text| text.parse::<Uri>().ok());
    let host = location.as_ref().and_then(Uri::host).map_or_else(String::new, |host| format!(" to {host}"));
    format!(
        "answered {code}, a redirect{host}; redirects are not followed: set the endpoint's url to the address itself"
    )
}

/// Seconds or an HTTP date (RFC 9110, 10.2.3), as milliseconds from now.
fn retry_after_ms(text: &str, now_ms: i64) -> Option<i64> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than fit are as good as very many.
        return Some(text.parse::<u32>().map_or(i64::MAX, |seconds| i64::from(seconds) * 1_000));
    }
    parse_http_date(text).map(|at_ms| at_ms.saturating_sub(now_ms).max(0))
}

/// The first bytes of an answer, at most `keep`.
async fn beginning(mut body: Incoming, keep: usize, deadline: Instant) -> Vec<u8> {
    let deadline = deadline.min(Instant::now() + DRAIN_MAX);
    let (mut kept, mut read) = (Vec::new(), 0);
    while read < DRAIN_BYTES_MAX {
        let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await else { break };
        let Ok(data) = frame.into_data() else { continue };
        read += data.len();
        let room = keep - kept.len();
        kept.extend_from_slice(data.get(..data.len().min(room)).unwrap_or_default());
    }
    kept
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        // Wed, 21 Oct 2015 07:28:00 GMT.
        let now_ms = 1_445_412_480_000;
        for (text, expected) in [
            ("120", Some(120_000)),
            (" 0 ", Some(0)),
            ("99999999999999999999", Some(i64::MAX)),
            ("Wed, 21 Oct 2015 07:29:30 GMT", Some(90_000)),
            ("Wed, 21 Oct 2015 07:27:00 GMT", Some(0)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after_ms(text, now_ms), expected, "{text:?}");
        }
    }

    #[test]
    fn of_a_redirect_the_host_is_told_and_nothing_else_of_the_address() {
        let told = |location: &'static str| {
            sentence(302, &HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))]))
        };
        let elsewhere = told("https://user:hunter2@crm.example.com:8443/in?token=hunter2");
        assert_eq!(
            elsewhere,
            "answered 302, a redirect to crm.example.com; redirects are not followed: set the endpoint's url to the \
             address itself"
        );
        for location in ["/login?next=hunter2", "not an address: hunter2", ""] {
            let told = told(location);
            assert!(told.starts_with("answered 302, a redirect; ") && !told.contains("hunter2"), "{told}");
        }
        assert_eq!(sentence(304, &HeaderMap::new()), "answered 304");
        assert_eq!(sentence(500, &HeaderMap::new()), "answered 500");
    }
}
