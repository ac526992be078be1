//! Headers of the operator's own: the prefix of Waypost's, custom ones, `Authorization`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::BadEndpoint;

/// The beginning of the names of Waypost's headers, unless the endpoint has another.
pub const PREFIX: &str = "X-Waypost-";
/// Custom headers of an endpoint at most.
const HEADERS_MAX: usize = 32;
/// Bytes of a header's value at most.
const VALUE_BYTES_MAX: usize = 4_096;
/// Bytes of a prefix at most.
const PREFIX_BYTES_MAX: usize = 40;

/// Headers that the connection, the body or the signatures decide about.
const NOT_OURS_TO_GIVE: [&str; 14] = [
    "connection",
    "date",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-hub-signature",
    "x-hub-signature-256",
];
/// The same for names that begin like this.
const NOT_OURS_TO_BEGIN: [&str; 4] = ["content-", "proxy-", "sec-", "webhook-"];

/// What goes into `Authorization`. Empty: nothing.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthInput {
    /// A token: `Authorization: Bearer …`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer: Option<String>,
    /// A name and a password: `Authorization: Basic …`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic: Option<BasicInput>,
}

/// A name and a password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicInput {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Says which kind it is, and nothing of what is in it.
impl std::fmt::Debug for AuthInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AuthInput").field(&self.kind()).finish()
    }
}

impl std::fmt::Debug for BasicInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BasicInput")
    }
}

impl AuthInput {
    /// `bearer` or `basic`; None when it is neither.
    #[must_use]
    pub fn kind(&self) -> Option<&'static str> {
        if self.bearer.is_some() {
            return Some("bearer");
        }
        self.basic.as_ref().map(|_| "basic")
    }

    pub(super) fn check(&self, headers: Option<&BTreeMap<String, String>>) -> Result<(), BadEndpoint> {
        if self.bearer.is_some() && self.basic.is_some() {
            return Err(BadEndpoint::new("auth", "expected either `bearer` or `basic`"));
        }
        if self.basic.as_ref().is_some_and(|basic| basic.user.contains(':')) {
            return Err(BadEndpoint::new("auth.basic.user", "a name with a colon cannot be told from its password"));
        }
        let given =
            |headers: &BTreeMap<String, String>| headers.keys().any(|name| name.eq_ignore_ascii_case("authorization"));
        if self.kind().is_some() && headers.is_some_and(given) {
            return Err(BadEndpoint::new("auth", "`headers` gives Authorization already"));
        }
        match self.value() {
            Some(None) => Err(BadEndpoint::new("auth", "expected visible ASCII characters")),
            Some(Some(_)) | None => Ok(()),
        }
    }

    /// The header's value. `Some(None)` where no header can carry it.
    fn value(&self) -> Option<Option<HeaderValue>> {
        let text = match (&self.bearer, &self.basic) {
            (Some(token), _) => format!("Bearer {token}"),
            (None, Some(BasicInput { user, password })) => {
                format!("Basic {}", BASE64.encode(format!("{user}:{password}")))
            }
            (None, None) => return None,
        };
        Some(header_value(&text).filter(|_| self.bearer.as_deref() != Some("")))
    }
}

/// Checks the prefix of Waypost's headers.
pub(super) fn check_prefix(prefix: &str) -> Result<(), BadEndpoint> {
    let bad = |expected: &str| Err(BadEndpoint::new("header_prefix", expected));
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if prefix.is_empty() || prefix.len() > PREFIX_BYTES_MAX || !prefix.chars().all(fine) {
        return bad("expected the beginning of header names, like `X-Waypost-`: 1 to 40 letters, digits, `-` or `_`");
    }
    if is_taken(&prefix.to_ascii_lowercase()) || prefix.to_ascii_lowercase().starts_with("x-hub-") {
        return bad("headers that begin like this have a meaning of their own");
    }
    Ok(())
}

/// Checks custom headers.
pub(super) fn check(headers: &BTreeMap<String, String>, prefix: &str) -> Result<(), BadEndpoint> {
    if headers.len() > HEADERS_MAX {
        return Err(BadEndpoint::new("headers", format!("at most {HEADERS_MAX}")));
    }
    let mut names: Vec<String> = Vec::new();
    for (name, value) in headers {
        let bad = |expected: &str| Err(BadEndpoint::new(format!("headers.{name}"), expected));
        let lower = name.to_ascii_lowercase();
        if HeaderName::from_bytes(lower.as_bytes()).is_err() {
            return bad("not the name of a header");
        }
        if is_taken(&lower) || lower.starts_with(&prefix.to_ascii_lowercase()) {
            return bad("Waypost or the connection decides about this header");
        }
        if names.contains(&lower) {
            return bad("given twice");
        }
        if header_value(value).is_none() {
            return bad("expected 1 to 4096 visible ASCII characters or spaces, no space at either end");
        }
        names.push(lower);
    }
    Ok(())
}

/// Custom headers and `Authorization`, ready to be sent. They were checked.
#[must_use]
pub fn ready(headers: &BTreeMap<String, String>, auth: Option<&AuthInput>) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(headers.len() + 1);
    for (name, value) in headers {
        if let (Ok(name), Some(value)) = (HeaderName::from_bytes(name.as_bytes()), header_value(value)) {
            map.insert(name, value);
        }
    }
    if let Some(Some(value)) = auth.and_then(AuthInput::value) {
        map.insert(AUTHORIZATION, value);
    }
    map
}

fn is_taken(lower: &str) -> bool {
    NOT_OURS_TO_GIVE.contains(&lower) || NOT_OURS_TO_BEGIN.iter().any(|begin| lower.starts_with(begin))
}

fn header_value(text: &str) -> Option<HeaderValue> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    let fits = !text.is_empty() && text.len() <= VALUE_BYTES_MAX && text.trim() == text;
    let mut value = HeaderValue::from_str(text).ok().filter(|_| visible && fits)?;
    // Custom headers are how many receivers are given their keys.
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    fn headers(all: &[(&str, &str)]) -> BTreeMap<String, String> {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn headers_that_others_decide_about_are_refused() {
        for name in [
            "Host",
            "connection",
            "Keep-Alive",
            "Proxy-Authorization",
            "TE",
            "Trailer",
            "Transfer-Encoding",
            "Upgrade",
            "Content-Length",
            "content-type",
            "Content-Encoding",
            "X-Hub-Signature-256",
            "x-hub-signature",
            "webhook-id",
            "Webhook-Signature",
            "User-Agent",
            "Expect",
            "X-Waypost-Event",
            "bad name",
            "n\u{e4}me",
            "",
        ] {
            assert!(check(&headers(&[(name, "x")]), PREFIX).is_err(), "{name}");
        }
        assert!(check(&headers(&[("X-Other-Event", "x")]), "X-Other-").is_err());
        assert!(check(&headers(&[("X-Key", "x"), ("x-key", "y")]), PREFIX).is_err());
        assert!(check(&headers(&[("X-Api-Key", "k 1"), ("Authorization", "Custom abc")]), PREFIX).is_ok());
    }

    #[test]
    fn values_that_no_header_can_carry_are_refused() {
        for value in ["", " x", "x ", "a\r\nInjected: yes", "a\tb", "\u{e4}", &"x".repeat(4_097)] {
            let bad = check(&headers(&[("X-Key", value)]), PREFIX).unwrap_err();
            assert!(value.trim().len() < 3 || !bad.to_string().contains(value.trim()), "{bad}");
        }
    }

    #[test]
    fn a_prefix_begins_names_that_nobody_else_has() {
        for bad in ["", "Content-", "X-Hub-", "webhook-", "Proxy-", "with space", "a:b", &"x".repeat(41)] {
            assert!(check_prefix(bad).is_err(), "{bad}");
        }
        assert!(check_prefix("X-Dualhook-").is_ok());
    }

    #[test]
    fn authorization_is_either_a_token_or_a_name_and_a_password() {
        let basic = AuthInput {
            basic: Some(BasicInput { user: "Aladdin".to_owned(), password: "open sesame".to_owned() }),
            bearer: None,
        };
        let sent = ready(&BTreeMap::new(), Some(&basic));
        assert_eq!(sent.get("authorization").unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        let bearer = AuthInput { bearer: Some("abc".to_owned()), basic: None };
        assert_eq!(ready(&BTreeMap::new(), Some(&bearer)).get("authorization").unwrap(), "Bearer abc");
        let both = AuthInput { bearer: bearer.bearer.clone(), ..basic.clone() };
        assert!(both.check(None).is_err());
        assert!(bearer.check(Some(&headers(&[("authorization", "x")]))).is_err());
        assert!(AuthInput { bearer: Some("a\nb".to_owned()), basic: None }.check(None).is_err());
        assert!(!format!("{basic:?}{bearer:?}{:?}", basic.basic).contains("abc"));
        assert!(!format!("{basic:?}{:?}", basic.basic).contains("sesame"));
    }
}
