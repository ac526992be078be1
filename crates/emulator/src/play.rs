//! A script played: which webhooks its steps cause, when, and with which ids.
//!
//! Pure. [`Play::step`] says what a step causes; [`Play::occurrence`] writes the webhook at the moment when it happens.

mod deed;
mod life;

use std::collections::HashMap;
use std::time::Duration;

use fastrand::Rng;

use crate::bodies::{self, Chunk, Moment};
use crate::fresh::Fresh;
use crate::mischief::{Mischief, Occurrence};
use crate::mix::Mix;
use crate::scenario::{Act, Call, Step};
use crate::world::{Contact, World};

pub use deed::{Deed, What};
pub use life::{Sending, life};

/// What a script needs to know of its past.
#[derive(Debug)]
pub struct Play {
    rng: Rng,
    fresh: Fresh,
    /// Ids of messages and calls, by the labels of their steps.
    labels: HashMap<String, String>,
    mix: Option<Mix>,
}

impl Play {
    /// A play that depends on the seed alone.
    #[must_use]
    pub fn new(seed: u64, now_seconds: i64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let fresh = Fresh::new(rng.u64(..), now_seconds);
        Self { rng, fresh, labels: HashMap::new(), mix: None }
    }

    /// The play's chance, for what else is to be drawn.
    pub fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// What one time of this step causes, and how long after it began.
    pub fn step(&mut self, step: &Step, world: &World, mischief: &Mischief) -> Vec<(Duration, Deed)> {
        let Some(contact) = world.contact_named(&step.contact).cloned() else { return Vec::new() };
        let id = match &step.act {
            Act::Call(_) => bodies::wacid(&mut self.rng),
            Act::Answer { .. } | Act::Echo { .. } => bodies::wamid(true, &mut self.rng),
            Act::Write { .. }
            | Act::Template { .. }
            | Act::History { .. }
            | Act::Contacts
            | Act::Event { .. }
            | Act::Storm { .. }
            | Act::Pause => bodies::wamid(false, &mut self.rng),
        };
        let whats = self.whats(step, &id, (&contact, world), mischief);
        if let Some(label) = &step.label {
            self.labels.insert(label.clone(), id);
        }
        let deed =
            |what| Deed { number: Some(step.number.clone()), waba: step.waba.clone(), contact: contact.clone(), what };
        whats.into_iter().map(|(after, what)| (after, deed(what))).collect()
    }

    fn whats(
        &mut self,
        step: &Step,
        id: &str,
        (contact, world): (&Contact, &World),
        mischief: &Mischief,
    ) -> Vec<(Duration, What)> {
        let at_once = |what| vec![(Duration::ZERO, what)];
        let id = || id.to_owned();
        match &step.act {
            Act::Write { text, reply_to } => {
                let reply_to = reply_to.as_ref().and_then(|label| self.labels.get(label)).cloned();
                at_once(What::Message { wamid: id(), text: text.clone(), reply_to })
            }
            Act::Answer { template, ends } => {
                let category = template.as_ref().and_then(|name| world.template(&step.waba, name));
                let category =
                    category.map_or_else(|| "service".to_owned(), |template| template.category.to_lowercase());
                let sending = Sending { wamid: id(), category, opaque: None };
                life(&sending, contact, *ends, mischief, &mut self.rng)
            }
            Act::Echo { text } => at_once(What::Echo { wamid: id(), text: text.clone() }),
            Act::Template { template, status, reason } => {
                at_once(What::Template { name: template.clone(), status: status.clone(), reason: reason.clone() })
            }
            Act::Call(call) => moments(*call, &id()),
            Act::History { chunks } => history(*chunks, messages_per_chunk(world, &step.number)),
            Act::Contacts => at_once(What::Contacts),
            Act::Event { event_type, set } => {
                let mut set: Vec<(String, String)> =
                    set.iter().map(|(path, json)| (path.clone(), self.resolved(json))).collect();
                if step.label.is_some() && event_type.starts_with("messages") {
                    set.push(("messages[0].id".to_owned(), bodies::quoted(&id())));
                }
                at_once(What::Event { event_type: event_type.clone(), set })
            }
            Act::Storm { events, per_second } => (0..*events)
                .map(|n| (Duration::from_secs_f64(f64::from(n) / f64::from(*per_second)), What::Mixed))
                .collect(),
            Act::Pause => Vec::new(),
        }
    }

    /// The JSON, or the id that its text names.
    fn resolved(&self, json: &str) -> String {
        let label = json.strip_prefix("\"$").and_then(|rest| rest.strip_suffix('"'));
        let id = label.and_then(|label| self.labels.get(label));
        id.map_or_else(|| json.to_owned(), |id| bodies::quoted(id))
    }

    /// The webhook of a deed, at this moment; and the change of the world that goes with it. None where the world does not
    /// have what it needs.
    pub fn occurrence(&mut self, deed: &Deed, world: &mut World, now_seconds: i64) -> Option<Occurrence> {
        if let What::Template { name, status, .. } = &deed.what {
            world.set_template_status(name, status);
        }
        self.fresh.set_now(now_seconds);
        let mix = &mut self.mix;
        let rng = &mut self.rng;
        if matches!(deed.what, What::Mixed) {
            let mix = mix.get_or_insert_with(|| Mix::new(rng.u64(..), MIXED_CONTACTS));
            let number = world.number(deed.number.as_deref()?)?;
            let (field, body) = mix.one(number, now_seconds);
            return Some(deed.happened(world, field, body));
        }
        let body = deed.body(world, now_seconds, &mut self.fresh, rng)?;
        let field = whatsapp::read(&body).events.first().map(|event| event.field.clone().into_owned())?;
        Some(deed.happened(world, field, body))
    }
}

/// People in a storm.
const MIXED_CONTACTS: u32 = 200;

fn messages_per_chunk(world: &World, number: &str) -> usize {
    let coexistence = world.number(number).and_then(|number| number.coexistence.as_ref());
    coexistence.map_or(40, |coexistence| coexistence.messages_per_chunk)
}

/// The chunks of a history, each some time after the one before.
pub(crate) fn history(chunks: Option<u32>, messages: usize) -> Vec<(Duration, What)> {
    let Some(chunks) = chunks else { return vec![(Duration::from_secs(2), What::HistoryDeclined)] };
    (0..chunks)
        .map(|n| {
            let phase = u8::try_from(n * 3 / chunks.max(1)).unwrap_or(2);
            let first_of_phase = (0..n).filter(|before| before * 3 / chunks == u32::from(phase)).count();
            let order = u32::try_from(first_of_phase).unwrap_or_default() + 1;
            let progress = (n + 1) * 100 / chunks;
            let chunk = Chunk { phase, order, progress, messages };
            (Duration::from_secs(2) * (n + 1), What::History(chunk))
        })
        .collect()
}

/// The moments of a call.
fn moments(call: Call, wacid: &str) -> Vec<(Duration, What)> {
    let seconds = Duration::from_secs;
    let talk = seconds(u64::from(call.seconds));
    let moments = match (call.from_business, call.answered) {
        (false, true) => vec![(seconds(0), Moment::Connect), (seconds(3) + talk, Moment::Terminate)],
        (false, false) => vec![(seconds(0), Moment::Connect), (seconds(12), Moment::Terminate)],
        (true, true) => vec![
            (seconds(0), Moment::Ringing),
            (seconds(3), Moment::Connect),
            (seconds(4), Moment::Accepted),
            (seconds(4) + talk, Moment::Terminate),
        ],
        (true, false) => {
            vec![(seconds(0), Moment::Ringing), (seconds(5), Moment::Rejected), (seconds(6), Moment::Terminate)]
        }
    };
    let what = |moment| What::Call { wacid: wacid.to_owned(), call, moment };
    moments.into_iter().map(|(after, moment)| (after, what(moment))).collect()
}

#[cfg(test)]
mod tests;
