//! `waypost endpoints test`: one test event to one endpoint, by the way that every event takes.

use serde::Deserialize;

use super::one;
use crate::api::Api;
use crate::cli::EndpointArgs;
use crate::exit::{Exit, Failure};
use crate::table::facts;
use crate::terminal;

#[derive(Debug, Deserialize)]
struct Tested {
    accepted: bool,
    event_id: String,
    delivery: Delivery,
}

#[derive(Debug, Deserialize)]
struct Delivery {
    state: String,
    attempt_log: Vec<Attempt>,
}

#[derive(Debug, Deserialize)]
struct Attempt {
    duration_ms: u32,
    http_status: Option<u16>,
    error: Option<String>,
    response_snippet: Option<String>,
}

/// Sends it. A test that was not accepted fails the command.
pub(super) fn run(args: &EndpointArgs) -> Result<Exit, Failure> {
    let answer = Api::of(&args.gateway)?.post(&one(&args.id).segment("test"), &serde_json::json!({}))?;
    let tested: Tested = answer.read()?;
    if args.gateway.json {
        answer.print_json()?;
    } else {
        terminal::print(&tested.facts())?;
    }
    Ok(if tested.accepted { Exit::Ok } else { Exit::Failed })
}

impl Tested {
    fn facts(&self) -> String {
        let outcome =
            if self.accepted { "accepted".to_owned() } else { format!("not accepted ({})", self.delivery.state) };
        let mut lines = vec![("test", self.event_id.clone()), ("outcome", outcome)];
        if let Some(attempt) = self.delivery.attempt_log.last() {
            lines.push(("took", format!("{} ms", attempt.duration_ms)));
            lines.extend(attempt.http_status.map(|status| ("status", status.to_string())));
            lines.extend(attempt.error.clone().map(|error| ("error", error)));
            lines.extend(attempt.response_snippet.clone().map(|answer| ("answer", answer)));
        }
        facts(&lines)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn a_failed_test_tells_what_the_endpoint_said() {
        let json = r#"{"accepted":false,"event_id":"evt_1","delivery":{"state":"dead","attempt_log":[
            {"number":1,"duration_ms":12,"http_status":500,"error":"answered 500","response_snippet":"oops"}]}}"#;
        let tested: Tested = serde_json::from_str(json).unwrap();
        let expected = "test     evt_1
outcome  not accepted (dead)
took     12 ms
status   500
error    answered 500
answer   oops";
        assert_eq!(tested.facts(), expected);
    }
}
