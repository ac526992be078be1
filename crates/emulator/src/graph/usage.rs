//! How much was called, and how much may be.

use std::collections::HashMap;

use serde_json::json;

use super::Call;
use super::reply::Reply;
use crate::world::{Number, World};

const HOUR_SECONDS: i64 = 3_600;

/// How much may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Calls an hour for an app and an account.
    pub calls_per_hour: u64,
    /// Messages a second for a number.
    pub messages_per_second: u32,
    /// The same for a number that the Business app uses, too.
    pub messages_per_second_shared: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { calls_per_hour: 5_000, messages_per_second: 80, messages_per_second_shared: 20 }
    }
}

/// What was called.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    limits: Limits,
    /// Since when, and how many calls, for each object.
    calls: HashMap<String, (i64, u64)>,
    /// In which second, and how many messages, for each number.
    sent: HashMap<String, (i64, u32)>,
}

impl Memory {
    /// The account that a call is about, and how much of its hour's calls are used, in a hundred. Messages are not among
    /// them: a number has a throughput for those.
    pub(super) fn used(&mut self, world: &World, call: &Call, now_seconds: i64) -> (Option<String>, u64) {
        let (_, parts) = call.parts();
        let id = parts.first().copied().unwrap_or_default();
        let of_number = world.number(id).map(|number| number.waba.clone());
        let waba = of_number.or_else(|| world.waba(id).map(|waba| waba.id.clone()));
        let counts = parts.get(1) != Some(&"messages");
        let percent = waba.as_ref().filter(|_| counts).map_or(0, |waba| self.count(waba, now_seconds));
        (waba, percent)
    }

    /// Counts a call.
    pub(super) fn count(&mut self, object: &str, now_seconds: i64) -> u64 {
        let (since, count) = self.calls.entry(object.to_owned()).or_insert((now_seconds, 0));
        if now_seconds - *since >= HOUR_SECONDS {
            (*since, *count) = (now_seconds, 0);
        }
        *count += 1;
        *count * 100 / self.limits.calls_per_hour.max(1)
    }

    /// Counts a message; false where the number sends too fast.
    pub(super) fn may_send(&mut self, number: &Number, now_seconds: i64) -> bool {
        let shared = number.coexistence.is_some();
        let Limits { messages_per_second, messages_per_second_shared, .. } = self.limits;
        let most = if shared { messages_per_second_shared } else { messages_per_second };
        let (second, count) = self.sent.entry(number.id.clone()).or_insert((now_seconds, 0));
        if *second != now_seconds {
            (*second, *count) = (now_seconds, 0);
        }
        *count += 1;
        *count <= most
    }
}

/// The headers that tell how much is used.
pub(super) fn headers(waba: Option<&str>, percent: u64) -> Vec<(&'static str, String)> {
    let usage = json!({ "call_count": percent, "total_time": percent / 2, "total_cputime": percent / 2 });
    let wait = if percent >= 100 { 60 } else { 0 };
    let mut headers = vec![("X-App-Usage", usage.to_string())];
    if let Some(waba) = waba {
        let case = json!({ waba: [{
            "type": "whatsapp_business_management",
            "call_count": percent,
            "total_cputime": percent / 2,
            "total_time": percent / 2,
            "estimated_time_to_regain_access": wait,
        }] });
        headers.push(("X-Business-Use-Case-Usage", case.to_string()));
    }
    headers
}

/// More calls than an hour has.
pub(super) fn too_many() -> Reply {
    let message =
        "(#80008) There have been too many calls to this WhatsApp Business account. Wait a bit and try again.";
    Reply::error(429, 80_008, message).with("error_subcode", 2_446_079).with("is_transient", true)
}
