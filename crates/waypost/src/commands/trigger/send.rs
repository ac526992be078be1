//! Sending, one after the other, at the rate that was asked for.

use std::time::Duration;

use bytes::Bytes;
use emulator::{Sender, Signing};
use tokio::time::{Instant, sleep_until};

use super::job::Job;
use super::report::Report;
use crate::exit::{Exit, Failure};

/// Sends everything. It fails when an answer is not 200.
pub(super) async fn run(job: &mut Job, json: bool) -> Result<Exit, Failure> {
    let sender = Sender::new();
    let started = Instant::now();
    let mut report = Report::new(json);
    let mut bodies = 0;
    let mut requests: u32 = 0;
    while let Some(body) = job.next_body(bodies)? {
        bodies += 1;
        let signatures = Signing::Right.headers(&job.secret, &body);
        let body = Bytes::from(body);
        for _ in 0..job.times {
            if let Some(rate) = job.rate {
                sleep_until(started + Duration::from_secs_f64(f64::from(requests) / rate)).await;
            }
            requests = requests.saturating_add(1);
            let answer = sender.send(&job.target, body.clone(), &signatures).await;
            report.add(&answer)?;
        }
    }
    report.end(job, started.elapsed())
}
