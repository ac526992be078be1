//! What becomes of a message of the business.

use std::time::Duration;

use fastrand::Rng;

use super::What;
use crate::bodies::{self, Stage};
use crate::mischief::Mischief;
use crate::scenario::Ends;
use crate::world::Contact;

/// Until Meta has passed it on.
const SENT: Duration = Duration::from_millis(300);
/// Until it is on the phone.
const DELIVERED: Duration = Duration::from_millis(1_200);
/// Until somebody looks.
const READ: Duration = Duration::from_millis(3_500);
/// Until somebody has written back.
const REPLY: Duration = Duration::from_secs(6);
/// Until another device gives up.
const FAILED_AFTER: Duration = Duration::from_millis(2_000);

/// A message that the business sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    /// Its id.
    pub wamid: String,
    /// What it is charged as: its template's category, or `service`.
    pub category: String,
    /// What comes back with every status.
    pub opaque: Option<String>,
}

/// Its statuses, and how long after the sending.
#[must_use]
pub fn life(
    sending: &Sending,
    contact: &Contact,
    ends: Ends,
    mischief: &Mischief,
    rng: &mut Rng,
) -> Vec<(Duration, What)> {
    let as_usual = || match contact.fails {
        Some(code) => Ends::Failed(code),
        None if contact.reads => Ends::Read,
        None => Ends::Delivered,
    };
    let ends = if ends == Ends::Usual { as_usual() } else { ends };
    let mut stages = match ends {
        Ends::Failed(code) => vec![(SENT, Stage::Failed(code))],
        Ends::Sent => vec![(SENT, Stage::Sent)],
        Ends::Delivered => vec![(SENT, Stage::Sent), (DELIVERED, Stage::Delivered)],
        Ends::Read | Ends::Usual => vec![(SENT, Stage::Sent), (DELIVERED, Stage::Delivered), (READ, Stage::Read)],
    };
    let is_read = stages.iter().any(|(_, stage)| *stage == Stage::Read);
    let is_delivered = stages.iter().any(|(_, stage)| *stage == Stage::Delivered);
    if is_read && mischief.read_without_delivered.strikes(rng) {
        stages.retain(|(_, stage)| *stage != Stage::Delivered);
    } else if is_read && mischief.read_before_delivered.strikes(rng) {
        for (after, stage) in &mut stages {
            match stage {
                Stage::Delivered => *after = READ,
                Stage::Read => *after = DELIVERED,
                Stage::Sent | Stage::Failed(_) => {}
            }
        }
        stages.sort_by_key(|(after, _)| *after);
    }
    if is_delivered && mischief.delivered_and_failed.strikes(rng) {
        stages.push((FAILED_AFTER, Stage::Failed(131_026)));
        stages.sort_by_key(|(after, _)| *after);
    }
    let what = |stage| What::Status {
        wamid: sending.wamid.clone(),
        stage,
        category: sending.category.clone(),
        opaque: sending.opaque.clone(),
    };
    let mut life: Vec<(Duration, What)> = stages.into_iter().map(|(after, stage)| (after, what(stage))).collect();
    if let Some(text) = contact.reply.as_ref().filter(|_| is_read) {
        let reply = What::Message { wamid: bodies::wamid(false, rng), text: text.clone(), reply_to: None };
        life.push((REPLY, reply));
    }
    life
}
