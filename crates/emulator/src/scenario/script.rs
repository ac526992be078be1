//! What happens, step by step, as it is meant.

use std::time::Duration;

use super::raw;
use crate::edit::Edit;
use crate::world::World;

/// Steps and repetitions at most: longer scripts are loads.
const STEPS_MAX: u32 = 100_000;

/// Something that happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Since the step before began.
    pub after: Duration,
    /// How often.
    pub repeat: u32,
    /// From one time to the next.
    pub every: Duration,
    /// What later steps call its message or call by.
    pub label: Option<String>,
    /// The number that it happens on, by its id.
    pub number: String,
    /// The account, by its id.
    pub waba: String,
    /// The person, by their name.
    pub contact: String,
    /// What happens.
    pub act: Act,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// The person writes.
    Write {
        /// What they write.
        text: String,
        /// The label of the message that they answer to.
        reply_to: Option<String>,
    },
    /// The business writes, and the message goes its way.
    Answer {
        /// The template that it uses, by its name.
        template: Option<String>,
        /// How far it gets.
        ends: Ends,
    },
    /// The business writes with its app on the phone.
    Echo {
        /// What it writes.
        text: String,
    },
    /// A template changes its state.
    Template {
        /// Its name.
        template: String,
        /// Its new state, as the webhook says it.
        status: String,
        /// Why.
        reason: Option<String>,
    },
    /// A call, from its beginning to its end.
    Call(Call),
    /// The chat history comes, as if it had been asked for.
    History {
        /// In this many bodies. None: the business declined.
        chunks: Option<u32>,
    },
    /// The address book comes, as if it had been asked for.
    Contacts,
    /// Anything of the catalogue.
    Event {
        /// The event type, or a documented body.
        event_type: String,
        /// What is set in it. A text that begins with `$` names a label.
        set: Vec<(String, String)>,
    },
    /// The mix of a busy day.
    Storm {
        /// How many events.
        events: u32,
        /// How many of them a second.
        per_second: u32,
    },
    /// Nothing.
    Pause,
}

/// How far a message of the business gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// As far as the person lets it.
    Usual,
    /// It left Meta.
    Sent,
    /// It reached the phone.
    Delivered,
    /// It was read.
    Read,
    /// It failed, with this code.
    Failed(u32),
}

/// A call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// The business calls; otherwise the person does.
    pub from_business: bool,
    /// Somebody takes it.
    pub answered: bool,
    /// How long they talk.
    pub seconds: u32,
}

pub(super) fn read(typed: &[raw::Step], world: &World) -> Result<Vec<Step>, String> {
    typed
        .iter()
        .enumerate()
        .map(|(position, step)| {
            self::step(step, world).map_err(|why| format!("step {} ({}): {why}", position + 1, step.act))
        })
        .collect()
}

fn step(typed: &raw::Step, world: &World) -> Result<Step, String> {
    let act = act(typed, world)?;
    let number = match &typed.number {
        Some(id) => world.number(id).ok_or_else(|| format!("there is no number {id:?}"))?,
        None => world.numbers.first().ok_or("there is no number")?,
    };
    let waba = typed.waba.clone().unwrap_or_else(|| number.waba.clone());
    world.waba(&waba).ok_or_else(|| format!("there is no account {waba:?}"))?;
    let contact = match &typed.contact {
        Some(name) => world.contact_named(name).ok_or_else(|| format!("there is no contact {name:?}"))?,
        None => world.contacts.first().ok_or("there is no contact")?,
    };
    Ok(Step {
        after: duration(typed.after.as_deref(), Duration::from_secs(1))?,
        repeat: typed.repeat.unwrap_or(1).clamp(1, STEPS_MAX),
        every: duration(typed.every.as_deref(), Duration::from_secs(1))?,
        label: typed.label.clone(),
        number: number.id.clone(),
        waba,
        contact: contact.name.clone(),
        act,
    })
}

fn duration(typed: Option<&str>, otherwise: Duration) -> Result<Duration, String> {
    let Some(text) = typed else { return Ok(otherwise) };
    humantime::parse_duration(text).map_err(|error| format!("{text:?} is no length of time: {error}"))
}

/// The keys that only some acts know, and whether they were typed.
fn particular(typed: &raw::Step) -> [(&'static str, bool); 15] {
    [
        ("text", typed.text.is_some()),
        ("reply-to", typed.reply_to.is_some()),
        ("template", typed.template.is_some()),
        ("ends", typed.ends.is_some()),
        ("error", typed.error.is_some()),
        ("status", typed.status.is_some()),
        ("reason", typed.reason.is_some()),
        ("from-business", typed.from_business.is_some()),
        ("answered", typed.answered.is_some()),
        ("seconds", typed.seconds.is_some()),
        ("chunks", typed.chunks.is_some()),
        ("type", typed.event_type.is_some()),
        ("set", typed.set.is_some()),
        ("events", typed.events.is_some()),
        ("per-second", typed.per_second.is_some()),
    ]
}

fn act(typed: &raw::Step, world: &World) -> Result<Act, String> {
    let knows = |keys: &[&str]| match particular(typed).into_iter().find(|(key, there)| *there && !keys.contains(key)) {
        Some((key, _)) => Err(format!("`{key}` means nothing here")),
        None => Ok(()),
    };
    let text = || typed.text.clone().unwrap_or_else(|| "Hello".to_owned());
    Ok(match typed.act.as_str() {
        "write" => {
            knows(&["text", "reply-to"])?;
            Act::Write { text: text(), reply_to: typed.reply_to.clone() }
        }
        "answer" => {
            knows(&["text", "template", "ends", "error"])?;
            let template = typed.template.as_ref().map(|name| template(world, name)).transpose()?;
            Act::Answer { template, ends: ends(typed)? }
        }
        "echo" => {
            knows(&["text"])?;
            Act::Echo { text: text() }
        }
        "template" => {
            knows(&["template", "status", "reason"])?;
            let template = template(world, typed.template.as_ref().ok_or("`template` is missing")?)?;
            let status = typed.status.as_ref().ok_or("`status` is missing")?.to_uppercase();
            Act::Template { template, status, reason: typed.reason.clone() }
        }
        "call" => {
            knows(&["from-business", "answered", "seconds"])?;
            Act::Call(Call {
                from_business: typed.from_business.unwrap_or(false),
                answered: typed.answered.unwrap_or(true),
                seconds: typed.seconds.unwrap_or(20),
            })
        }
        "history" => {
            knows(&["chunks"])?;
            let chunks = typed.chunks.unwrap_or(3).min(1_000);
            Act::History { chunks: (chunks > 0).then_some(chunks) }
        }
        "contacts" => {
            knows(&[])?;
            Act::Contacts
        }
        "event" => {
            knows(&["type", "set"])?;
            event(typed)?
        }
        "storm" => {
            knows(&["events", "per-second"])?;
            Act::Storm {
                events: typed.events.unwrap_or(1_000).min(STEPS_MAX),
                per_second: typed.per_second.unwrap_or(100).max(1),
            }
        }
        "pause" => {
            knows(&[])?;
            Act::Pause
        }
        _ => return Err("there is no such thing to do".to_owned()),
    })
}

fn template(world: &World, name: &str) -> Result<String, String> {
    let found = world.templates.iter().any(|template| template.name == name);
    if found { Ok(name.to_owned()) } else { Err(format!("there is no template {name:?}")) }
}

fn ends(typed: &raw::Step) -> Result<Ends, String> {
    let ends = match typed.ends.as_deref() {
        None if typed.error.is_some() => Ends::Failed(typed.error.unwrap_or_default()),
        None => Ends::Usual,
        Some("sent") => Ends::Sent,
        Some("delivered") => Ends::Delivered,
        Some("read") => Ends::Read,
        Some("failed") => Ends::Failed(typed.error.unwrap_or(131_026)),
        Some(other) => return Err(format!("a message cannot end as {other:?}: sent, delivered, read or failed")),
    };
    Ok(ends)
}

fn event(typed: &raw::Step) -> Result<Act, String> {
    let event_type = typed.event_type.clone().ok_or("`type` is missing")?;
    let there = if event_type.contains('/') {
        crate::fixtures::find(&event_type).is_some()
    } else {
        whatsapp::is_known_type(&event_type) || crate::catalogue::sample(&event_type).is_some()
    };
    if !there {
        return Err(format!("there is no event type {event_type:?}; `waypost trigger --list` lists all"));
    }
    let mut set = Vec::new();
    for (path, value) in typed.set.iter().flatten() {
        let json = serde_json::to_string(value).map_err(|error| format!("`{path}`: {error}"))?;
        Edit::new(path, json.as_str()).map_err(|error| error.to_string())?;
        set.push((path.clone(), json));
    }
    Ok(Act::Event { event_type, set })
}
