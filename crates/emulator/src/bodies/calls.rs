//! The webhooks of a call.

use super::{card, envelope, opening, quoted};
use crate::scenario::Call;
use crate::world::{Contact, Number};

/// A session as the side that calls offers it.
const OFFER: &str = "v=0\r\no=- 7020840911820123456 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=ice-lite\r\nm=audio 3480 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 192.0.2.10\r\na=ice-ufrag:dQx1\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n";

/// A moment of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It begins: the person's call asks for an answer, the business's own has got one.
    Connect,
    /// The person's phone rings.
    Ringing,
    /// The person takes it.
    Accepted,
    /// The person does not want it.
    Rejected,
    /// It ends.
    Terminate,
}

/// The webhook of one moment.
pub(crate) fn moment(
    number: &Number,
    contact: &Contact,
    (wacid, call): (&str, Call),
    moment: Moment,
    now_seconds: i64,
) -> Vec<u8> {
    let opening = format!(r#"{},"contacts":[{}]"#, opening(number), card(contact));
    let status = |word: &str| {
        format!(
            r#"{opening},"statuses":[{{"id":{},"timestamp":"{now_seconds}","type":"call","status":"{word}","recipient_id":{},"recipient_user_id":{}}}]}}"#,
            quoted(wacid),
            quoted(&contact.wa_id),
            quoted(&contact.user_id)
        )
    };
    let event = |event: &str, rest: &str| {
        let (person, business) = (quoted(&contact.wa_id), quoted(&number.display));
        let user = quoted(&contact.user_id);
        let (sides, direction) = if call.from_business {
            (format!(r#""from":{business},"to":{person},"to_user_id":{user}"#), "BUSINESS_INITIATED")
        } else {
            (format!(r#""from":{person},"from_user_id":{user},"to":{business}"#), "USER_INITIATED")
        };
        format!(
            r#"{opening},"calls":[{{"id":{},{sides},"event":"{event}","timestamp":"{now_seconds}","direction":"{direction}"{rest}}}]}}"#,
            quoted(wacid)
        )
    };
    let value = match moment {
        Moment::Ringing => status("RINGING"),
        Moment::Accepted => status("ACCEPTED"),
        Moment::Rejected => status("REJECTED"),
        Moment::Connect => {
            let kind = if call.from_business { "answer" } else { "offer" };
            event("connect", &format!(r#","session":{{"sdp_type":"{kind}","sdp":{}}}"#, quoted(OFFER)))
        }
        Moment::Terminate => event("terminate", &end(call, now_seconds)),
    };
    envelope(&number.waba, "calls", None, &value)
}

fn end(call: Call, now_seconds: i64) -> String {
    if !call.answered {
        return r#","status":"COMPLETED""#.to_owned();
    }
    let seconds = call.seconds;
    let began = now_seconds - i64::from(seconds);
    format!(r#","status":"COMPLETED","start_time":"{began}","end_time":"{now_seconds}","duration":{seconds}"#)
}
