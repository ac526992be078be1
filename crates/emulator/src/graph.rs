//! The Graph side: what a business's own code calls, as far as webhooks hang on it.
//!
//! Pure but for [`server`]: a call and the world go in, an answer and what it causes come out. A call that sets a callback
//! asks for a handshake first; once the receiver has proved itself, `apply` makes the change.

mod messages;
mod objects;
mod reply;
pub mod server;
mod subscriptions;
mod sync;
mod tokens;
mod usage;

use std::time::Duration;

use fastrand::Rng;
use http::Method;
use serde_json::{Map, Value};

use crate::mischief::Mischief;
use crate::play::Deed;
use crate::sender::{HandshakeError, Target};
use crate::world::{Callback, Subscription, World};

pub use reply::Reply;
pub use usage::{Limits, Memory};

/// The latest version of the Graph API, and what calls without one get.
const VERSION: &str = "v26.0";
/// An override's URL may not be longer.
const OVERRIDE_CHARS_MAX: usize = 200;

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The path, with or without a version.
    pub path: String,
    /// Query, form and JSON in one, the body last.
    pub parameters: Map<String, Value>,
    /// The access token, from the header or a parameter.
    pub token: Option<String>,
}

/// What to do about a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// Answer it.
    Answer(Reply),
    /// Have the receiver prove itself, then change this.
    Verify {
        /// Who has to.
        callback: Callback,
        /// What is changed then.
        change: Change,
    },
}

/// A change that a handshake stands before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The app's subscription.
    Subscribe {
        /// The app.
        app: String,
        /// Its fields.
        fields: Vec<String>,
    },
    /// An account's override.
    OverrideWaba {
        /// The app that sets it.
        app: String,
        /// The account.
        waba: String,
    },
    /// A number's override.
    OverrideNumber {
        /// The app that sets it.
        app: String,
        /// The number.
        number: String,
    },
}

/// What a call causes.
pub(crate) type Effects = Vec<(Duration, Deed)>;

/// Chance, time, and how bad the day is.
pub(crate) struct Moment<'a> {
    pub(crate) now_seconds: i64,
    pub(crate) rng: &'a mut Rng,
    pub(crate) mischief: &'a Mischief,
    pub(crate) memory: &'a mut Memory,
}

impl Call {
    /// A parameter as text; an empty one is there.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).and_then(Value::as_str)
    }

    /// The version in the path, and what stands behind it.
    fn parts(&self) -> (&str, Vec<&str>) {
        let parts: Vec<&str> = self.path.split('/').filter(|part| !part.is_empty()).collect();
        let is_version = |part: &str| {
            let number = part.strip_prefix('v').and_then(|rest| rest.split_once('.'));
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            number.is_some_and(|(major, minor)| digits(major) && digits(minor))
        };
        match parts.split_first() {
            Some((first, rest)) if is_version(first) => (first, rest.to_vec()),
            Some(_) | None => (VERSION, parts),
        }
    }

    /// The version that answers.
    pub(crate) fn version(&self) -> &str {
        self.parts().0
    }
}

/// What to do about this call.
pub(crate) fn plan(world: &mut World, call: &Call, moment: &mut Moment<'_>) -> Plan {
    let (_, parts) = call.parts();
    let answered = match (&call.method, parts.as_slice()) {
        (&Method::GET, ["oauth", "access_token"]) => Ok(Plan::Answer(tokens::make(world, call))),
        (&Method::GET, ["debug_token"]) => tokens::debug(world, call).map(Plan::Answer),
        (method, [app, "subscriptions"]) => subscriptions::of_app(world, call, method, app),
        (method, [waba, "subscribed_apps"]) => subscriptions::of_waba(world, call, method, waba),
        (&Method::GET, [waba, "phone_numbers"]) => objects::numbers(world, call, waba).map(Plan::Answer),
        (&Method::POST, [number, "messages"]) => messages::send(world, call, number, moment).map(Plan::Answer),
        (&Method::POST, [number, "smb_app_data"]) => sync::ask(world, call, number, moment).map(Plan::Answer),
        (method @ (&Method::GET | &Method::POST), [object]) => objects::one(world, call, method, object),
        (_, parts) => Err(reply::no_object(parts.first().copied().unwrap_or_default())),
    };
    answered.unwrap_or_else(Plan::Answer)
}

/// Makes the change, now that the receiver has proved itself.
pub(crate) fn apply(world: &mut World, change: Change, callback: Callback) -> Reply {
    match change {
        Change::Subscribe { app, fields } => {
            let subscription = Subscription { callback, fields: fields.into_iter().collect() };
            if let Some(app) = world.apps.iter_mut().find(|known| known.id == app) {
                app.subscription = Some(subscription);
            }
        }
        Change::OverrideWaba { app, waba } => {
            if let Some(waba) = world.wabas.iter_mut().find(|known| known.id == waba) {
                waba.apps.insert(app, Some(callback));
            }
        }
        Change::OverrideNumber { app, number } => {
            if let Some(number) = world.numbers.iter_mut().find(|known| known.id == number) {
                number.overrides.insert(app, callback);
            }
        }
    }
    Reply::success()
}

/// What to answer where the receiver did not.
pub(crate) fn not_verified(error: &HandshakeError) -> Reply {
    const PREFIX: &str = "(#2200) Callback verification failed with the following errors:";
    let text = error.to_string();
    let message = if text.starts_with(PREFIX) { text } else { format!("{PREFIX} {text}") };
    Reply::error(400, 2200, message)
}

/// A URL that a callback may have.
fn callback(call: &Call, url: &str, verify_token: &str) -> Result<Callback, Reply> {
    let whole = call.text(verify_token).filter(|token| !token.is_empty());
    let verify_token = whole.ok_or_else(|| reply::missing(verify_token))?.to_owned();
    self::url(url)?;
    Ok(Callback { url: url.to_owned(), verify_token })
}

fn url(url: &str) -> Result<(), Reply> {
    Target::parse(url).map(drop).map_err(|_| Reply::error(400, 100, "Invalid callback URI format"))
}

#[cfg(test)]
mod tests;
