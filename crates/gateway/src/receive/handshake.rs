//! The handshake: `GET <path>?hub.mode=subscribe&hub.challenge=…&hub.verify_token=…`. No database on this path.

use subtle::ConstantTimeEq;

use super::answer::Refusal;
use crate::secret::Secret;

/// The challenge to echo, byte for byte; or the refusal. Parameters may come in any order, beside others.
pub(super) fn challenge(query: &str, verify_token: &Secret) -> Result<String, Refusal> {
    let mut mode = None;
    let mut challenge = None;
    let mut token = None;
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match decode(name).as_str() {
            "hub.mode" => mode = Some(decode(value)),
            "hub.challenge" => challenge = Some(decode(value)),
            "hub.verify_token" => token = Some(decode(value)),
            _ => {}
        }
    }
    let fits = token.is_some_and(|token| token.as_bytes().ct_eq(verify_token.expose().as_bytes()).into());
    match (mode.as_deref(), challenge, fits) {
        (Some("subscribe"), Some(challenge), true) => Ok(challenge),
        _ => Err(Refusal::Handshake),
    }
}

/// `application/x-www-form-urlencoded`: `+` is a space, `%XX` a byte; what is no escape stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = match (first, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
        bytes.push(escaped.unwrap_or(if first == b'+' { b' ' } else { first }));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expected: Result<&str, Refusal>) {
        let token = Secret::new("t+k n%");
        assert_eq!(challenge(query, &token), expected.map(str::to_owned), "{query}");
    }

    #[test]
    fn the_challenge_is_echoed_when_mode_and_token_fit_in_any_order() {
        check("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=t%2Bk+n%25", Ok("1158201444"));
        check("x=1&hub.verify_token=t%2bk%20n%25&hub.challenge=a%22b&hub.mode=subscribe&y", Ok("a\"b"));
        check("hub%2Emode=subscribe&hub%2Echallenge=&hub%2Everify_token=t%2Bk+n%", Ok(""));
    }

    #[test]
    fn everything_else_is_refused() {
        for query in [
            "",
            "hub.mode=subscribe&hub.challenge=1",
            "hub.mode=subscribe&hub.challenge=1&hub.verify_token=",
            "hub.mode=subscribe&hub.challenge=1&hub.verify_token=t%2Bk+n%25x",
            "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=t%2Bk+n%25",
            "hub.mode=subscribe&hub.verify_token=t%2Bk+n%25",
            "hub_mode=subscribe&hub_challenge=1&hub_verify_token=t%2Bk+n%25",
        ] {
            check(query, Err(Refusal::Handshake));
        }
    }
}
