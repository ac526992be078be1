//! Texts, numbers and times that look like Meta's.

use super::Maker;
use crate::outline::{Form, Kind, Spelling};
use crate::schema::Node;

/// What people write: among it what breaks careless receivers.
const PROSE: &[&str] = &[
    "Hello",
    "Zoë 👍🏽",
    "line one\nline two",
    "\"quoted\" \\ back",
    "مرحبا",
    "tab\tand \u{200e}mark",
    "Is this still there?",
];

impl Maker<'_> {
    /// A value that has no members.
    pub(super) fn scalar(&mut self, kind: &Kind) -> Node {
        match kind {
            Kind::Text(form) => Node::Text(self.text(*form)),
            Kind::Mixed(form) => self.mixed(*form),
            Kind::NumberId => Node::Literal(self.digits(16)),
            Kind::Time(spelling) => {
                let seconds = self.time();
                self.spelled(*spelling, seconds)
            }
            Kind::Integer(spelling) => {
                let number = self.small();
                self.spelled(*spelling, number)
            }
            Kind::Number(_) => {
                let (whole, part) = (self.small(), self.below(100));
                Node::Literal(format!("{whole}.{part:02}"))
            }
            Kind::Flag => Node::Flag(self.coin()),
            Kind::Words(_) | Kind::Object(_) | Kind::List(_) | Kind::Map(_) | Kind::OneOrMany(_) | Kind::Any(_) => {
                Node::Null
            }
        }
    }

    fn spelled(&mut self, spelling: Spelling, number: i64) -> Node {
        let quoted = match spelling {
            Spelling::Quoted => true,
            Spelling::Plain => false,
            Spelling::Either => self.coin(),
        };
        if quoted { Node::Text(number.to_string()) } else { Node::Number(number) }
    }

    fn small(&mut self) -> i64 {
        i64::try_from(self.below(100)).unwrap_or_default()
    }

    /// A moment in the last hour.
    fn time(&mut self) -> i64 {
        let ago = i64::try_from(self.below(3_600)).unwrap_or_default();
        self.now_seconds.saturating_sub(ago)
    }

    fn mixed(&mut self, form: Form) -> Node {
        if form == Form::Date {
            let seconds = self.time();
            return self.spelled(Spelling::Either, seconds);
        }
        let is_text = self.coin();
        match (form == Form::Limit, is_text) {
            (true, true) => Node::text("TIER_2K"),
            (true, false) => Node::Number(2_000),
            (false, true) => Node::Text(self.digits(15)),
            (false, false) => Node::Literal(self.digits(15)),
        }
    }

    /// This many digits, the first of them not 0.
    pub(super) fn digits(&mut self, count: usize) -> String {
        let digit = |index: usize| {
            char::from(
                b'0' + u8::try_from(if index == 0 { 1 + self.below(9) } else { self.below(10) }).unwrap_or_default(),
            )
        };
        (0..count).map(digit).collect()
    }

    /// This many characters that ids are made of.
    fn letters(&mut self, count: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..count).filter_map(|_| self.pick(LETTERS)).map(char::from).collect()
    }

    fn text(&mut self, form: Form) -> String {
        match form {
            Form::Prose => self.pick(PROSE).unwrap_or_default().to_owned(),
            Form::Phone => format!("1{}", self.digits(10)),
            Form::Display => format!("1555{}", self.digits(7)),
            Form::UserId => format!("US.{}", self.digits(20)),
            Form::ParentUserId => format!("US.ENT.{}", self.digits(20)),
            Form::Username => format!("user_{}", self.letters(8).to_lowercase()),
            Form::MessageId => format!("wamid.{}=", self.letters(40)),
            Form::CallId => format!("wacid.{}", self.letters(30)),
            Form::GroupId => format!("Y2FwaV9ncm91cDo{}", self.letters(30)),
            Form::Digits => self.digits(15),
            Form::Token => format!("t-{}", self.letters(12)),
            Form::Url => format!("https://example.com/{}", self.letters(8)),
            Form::Hash => format!("{}=", self.letters(43)),
            Form::Mime => self.pick(&["image/jpeg", "audio/ogg; codecs=opus"]).unwrap_or_default().to_owned(),
            Form::Language => self.pick(&["en", "en_US", "de", "zh_CN"]).unwrap_or_default().to_owned(),
            Form::Country => self.pick(&["IN", "BR", "DE"]).unwrap_or_default().to_owned(),
            Form::Currency => self.pick(&["USD", "INR", "BRL"]).unwrap_or_default().to_owned(),
            Form::Date => self.pick(&["2026-01-31", "April 17, 2027"]).unwrap_or_default().to_owned(),
            Form::Month => "2026-11".to_owned(),
            Form::Clock => self.pick(&["0000", "0900", "2359"]).unwrap_or_default().to_owned(),
            Form::Json => format!(r#"{{"flow_token":"{}"}}"#, self.letters(8)),
            Form::Limit => "TIER_2K".to_owned(),
        }
    }
}
