//! What the gateway answers: a body to be read, or a problem (RFC 9457) that becomes a failure.

use bytes::Bytes;
use hyper::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::exit::Failure;
use crate::json_text::one_line;
use crate::table::harmless;
use crate::terminal;

/// An answer that went well.
#[derive(Debug)]
pub(crate) struct Answer {
    text: String,
}

/// A page of rows, as it came.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub(super) rows: Vec<Box<RawValue>>,
    #[serde(default)]
    pub(super) next_cursor: Option<String>,
}

/// What a gateway says when it will not or cannot.
#[derive(Debug, Deserialize)]
struct Problem {
    code: String,
    detail: String,
}

impl Answer {
    /// The answer, or the failure that it tells of.
    pub(super) fn new(status: StatusCode, bytes: &Bytes) -> Result<Self, Failure> {
        if !status.is_success() {
            return Err(match serde_json::from_slice::<Problem>(bytes) {
                Ok(Problem { code, detail }) => Failure::Refused { code: harmless(&code), detail: harmless(&detail) },
                Err(_) => Failure::Answer(format!("status {} without a reason", status.as_u16())),
            });
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { text: text.to_owned() }),
            Err(_) => Err(Failure::Answer("it is not valid UTF-8".to_owned())),
        }
    }

    /// The text as it came.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Reads it.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.text).map_err(unexpected)
    }

    /// Prints it for programs, on one line.
    pub(crate) fn print_json(&self) -> Result<(), Failure> {
        terminal::print(&one_line(&self.text))
    }
}

/// JSON of another shape than this version knows. The parser's message may quote values, so its place has to do.
pub(crate) fn unexpected(error: serde_json::Error) -> Failure {
    let (line, column) = (error.line(), error.column());
    Failure::Answer(format!("it is not the expected JSON (line {line}, column {column})"))
}
