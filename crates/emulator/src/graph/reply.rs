//! What the Graph side answers, and its errors.

use serde_json::{Value, json};

use super::Effects;

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body. An error's trace id is added when it is sent.
    pub body: Value,
    /// What the call causes.
    pub(crate) effects: Effects,
}

impl Reply {
    /// 200 with this body.
    pub(crate) fn ok(body: Value) -> Self {
        Self { status: 200, body, effects: Effects::new() }
    }

    /// `{"success": true}`
    pub(crate) fn success() -> Self {
        Self::ok(json!({ "success": true }))
    }

    pub(crate) fn causing(self, effects: Effects) -> Self {
        Self { effects, ..self }
    }

    /// An error object.
    pub(crate) fn error(status: u16, code: i64, message: impl Into<String>) -> Self {
        let message: String = message.into();
        let body = json!({ "error": { "message": message, "type": "OAuthException", "code": code } });
        Self { status, body, effects: Effects::new() }
    }

    /// With another member in the error object.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Some(error) = self.body.get_mut("error").and_then(Value::as_object_mut) {
            error.insert(name.to_owned(), value.into());
        }
        self
    }

    /// The error's code, where it is one.
    #[must_use]
    pub fn code(&self) -> Option<i64> {
        self.body.get("error")?.get("code")?.as_i64()
    }
}

/// The object does not exist, or the token may not see it.
pub(super) fn no_object(id: &str) -> Reply {
    let message = format!(
        "Unsupported request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation"
    );
    Reply::error(400, 100, message).with("type", "GraphMethodException").with("error_subcode", 33)
}

/// The account does not exist.
pub(super) fn no_waba(id: &str) -> Reply {
    let message = format!("(#803) Some of the aliases you requested do not exist: {id}");
    Reply::error(404, 803, message).with("type", "GraphMethodException")
}

/// A parameter is missing.
pub(super) fn missing(parameter: &str) -> Reply {
    Reply::error(400, 100, format!("(#100) The parameter {parameter} is required."))
}

/// A parameter is not good.
pub(super) fn bad(message: impl std::fmt::Display) -> Reply {
    Reply::error(400, 100, format!("(#100) {message}"))
}
