//! A client for the gateway's API.

use std::net::SocketAddr;

use serde_json::Value;

use super::until;
use super::wire::{self, Reply};

/// The API with one key.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) at: SocketAddr,
    pub(crate) key: Option<String>,
}

impl Api {
    /// The same API with another key, or none.
    pub(crate) fn with_key(&self, key: Option<&str>) -> Self {
        Self { at: self.at, key: key.map(str::to_owned) }
    }

    /// Any call.
    pub(crate) fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Reply {
        let bearer = self.key.as_ref().map(|key| format!("Bearer {key}"));
        let mut all = headers.to_vec();
        if let Some(bearer) = &bearer {
            all.push(("Authorization", bearer));
        }
        if body.is_some() {
            all.push(("Content-Type", "application/json"));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        wire::exchange(self.at, &wire::request(method, path, &all, body.as_bytes())).unwrap()
    }

    /// A call without headers and what it answered.
    pub(crate) fn answer(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let reply = self.call(method, path, &[], body);
        (reply.status, serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
    }

    /// What is at a path that must be there.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, body) = self.answer("GET", path, None);
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    /// A POST that must succeed.
    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.answer("POST", path, body);
        assert!((200..300).contains(&status), "POST {path}: {status} {answer}");
        answer
    }

    /// Every row of a list, page by page.
    #[track_caller]
    pub(crate) fn rows(&self, path: &str) -> Vec<Value> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{path}{joint}limit=500{cursor}"));
            rows.extend(page["rows"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return rows,
            }
        }
    }

    /// The events.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        self.rows("/api/v1/events")
    }

    /// A figure among the totals of the status.
    #[track_caller]
    pub(crate) fn total(&self, name: &str) -> u64 {
        self.get("/api/v1/status")["totals"][name].as_u64().unwrap()
    }

    /// The deliveries to an endpoint, once one of them fits.
    #[track_caller]
    pub(crate) fn delivery(&self, endpoint: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let path = format!("/api/v1/deliveries?endpoint={endpoint}");
        let found = until(what, || self.rows(&path).into_iter().find(&fits));
        self.get(&format!("/api/v1/deliveries/{}", found["number"]))
    }
}
