//! What is sent, where to, and with which secret: as typed, else as this machine's gateway has it.

use std::io::IsTerminal as _;

use emulator::names::names_in;
use emulator::sender::notification_headers;
use emulator::{AppSecret, Edit, Escapes, Fresh, Names, Recipe, Signing, Target};
use gateway::clock::Clock;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::catalogue;
use crate::api::{self, Api, store_folder};
use crate::cli::{GatewayArgs, TriggerArgs, TriggerBodyArgs};
use crate::config::Environment;
use crate::development::{self, Local};
use crate::exit::Failure;
use crate::{apps_here, body_file, secret_argument, terminal};

/// Requests to be made.
pub(super) struct Job {
    /// What they are called when something is told of them.
    pub(super) name: String,
    pub(super) url: String,
    pub(super) target: Target,
    pub(super) secret: AppSecret,
    /// Requests a second at most.
    pub(super) rate: Option<f64>,
    /// How often each body is sent.
    pub(super) times: u64,
    pub(super) events: u64,
    batch: u64,
    recipe: Recipe,
    fresh: Fresh,
}

/// A number that the gateway knows.
#[derive(Deserialize)]
struct Number {
    display_phone_number: String,
    phone_number_id: String,
    waba_id: Option<String>,
}

impl Job {
    /// The job that was typed.
    pub(super) fn new(args: &TriggerArgs, environment: &Environment) -> Result<Self, Failure> {
        let folder = store_folder(args.config.config.as_deref(), environment)?;
        let local = development::way_in(&folder);
        let url = match &args.to {
            Some(url) => url.clone(),
            None => local
                .as_ref()
                .ok()
                .and_then(Option::as_ref)
                .and_then(|local| local.callback_url.clone())
                .ok_or(Failure::NoGateway { folder })?,
        };
        let target = Target::parse(&url).map_err(|error| Failure::Arguments(format!("--to: {error}")))?;
        let recipe = recipe(args, local.ok().flatten().as_ref())?;
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(|_| Failure::NoChance)?;
        Ok(Self {
            name: args.event_type.clone().unwrap_or_else(|| "a body of your own".to_owned()),
            target,
            secret: secret(args, &url, environment)?,
            url,
            rate: args.rate,
            times: if args.duplicate { 2 } else { 1 },
            events: args.count,
            batch: args.batch,
            recipe,
            fresh: Fresh::new(u64::from_ne_bytes(seed), now_seconds()),
        })
    }

    /// The next body, None when all were made.
    pub(super) fn next_body(&mut self, made: u64) -> Result<Option<Vec<u8>>, Failure> {
        let done = made.saturating_mul(self.batch);
        let Some(left) = self.events.checked_sub(done).filter(|left| *left > 0) else { return Ok(None) };
        let elements = usize::try_from(left.min(self.batch)).unwrap_or(usize::MAX);
        self.fresh.set_now(now_seconds());
        let body = self.recipe.next_body(elements, &mut self.fresh);
        body.map(Some).map_err(|error| Failure::Arguments(error.to_string()))
    }

    /// Prints the requests instead of making them: the bodies on standard output, the heads on standard error, so that one
    /// body goes into a file byte for byte.
    pub(super) fn print(&mut self) -> Result<(), Failure> {
        let several = self.events > self.batch || self.times > 1;
        let newline = several || std::io::stdout().is_terminal();
        let mut made = 0;
        while let Some(body) = self.next_body(made)? {
            made += 1;
            let signatures = Signing::Right.headers(&self.secret, &body);
            let headers = notification_headers(body.len(), &signatures).into_iter();
            let head: String = headers.map(|(name, value)| format!("{name}: {value}\n")).collect();
            for _ in 0..self.times {
                terminal::tell(&format!("POST {}\n{head}", self.url));
                terminal::print_bytes(&body, newline)?;
            }
        }
        Ok(())
    }
}

fn recipe(args: &TriggerArgs, local: Option<&Local>) -> Result<Recipe, Failure> {
    let TriggerBodyArgs { file, fresh, set, raw_utf8, full_escapes, .. } = &args.body;
    let body = match (file, &args.event_type) {
        (Some(file), _) => {
            let doing = format!("read {}", body_file::name(file));
            body_file::read(file).map_err(Failure::file(doing))?
        }
        (None, Some(word)) => catalogue::find(word)?,
        (None, None) => return Err(Failure::Arguments("name an event type, or --file".to_owned())),
    };
    let spelling = match (raw_utf8, full_escapes) {
        (true, _) => Some(Escapes::None),
        (_, true) => Some(Escapes::Full),
        (false, false) => file.is_none().then_some(Escapes::Meta),
    };
    Ok(Recipe {
        names: names(args, &body, local)?,
        edits: set.iter().map(|text| edit(text)).collect::<Result<_, _>>()?,
        fresh: file.is_none() || *fresh,
        spelling,
        body,
    })
}

fn edit(text: &str) -> Result<Edit, Failure> {
    let wrong = |why: String| Failure::Arguments(format!("--set {text}: {why}"));
    let (path, value) = text.split_once('=').ok_or_else(|| wrong("expected PATH=VALUE".to_owned()))?;
    let json = match serde_json::from_str::<&RawValue>(value) {
        Ok(_) => value.to_owned(),
        Err(_) => serde_json::Value::from(value).to_string(),
    };
    Edit::new(path, json).map_err(|error| wrong(error.to_string()))
}

/// The ids that were typed; beside them those of a number that the gateway knows. A body of one's own keeps its own.
fn names(args: &TriggerArgs, body: &[u8], local: Option<&Local>) -> Result<Names, Failure> {
    let TriggerBodyArgs { file, waba_id, phone_number_id, from, .. } = &args.body;
    let own = names_in(body);
    for (option, typed, there) in [
        ("--waba-id", waba_id, own.waba_id.is_some()),
        ("--phone-number-id", phone_number_id, own.phone_number_id.is_some()),
        ("--from", from, own.contact.is_some()),
    ] {
        if let Some(id) = typed {
            let fine = !id.is_empty()
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-' | b'_'));
            let problem = match (there, fine) {
                (false, _) => "the body has no such id to replace; `--set` can add one",
                (true, false) => "not an id: expected letters and digits",
                (true, true) => continue,
            };
            return Err(Failure::Arguments(format!("{option}: {problem}")));
        }
    }
    let mut names = Names {
        waba_id: waba_id.clone(),
        phone_number_id: phone_number_id.clone(),
        display_phone_number: None,
        contact: from.clone(),
    };
    let is_anybodys = waba_id.is_none() && phone_number_id.is_none() && file.is_none();
    if let Some(number) = local.filter(|_| is_anybodys).and_then(number) {
        names.waba_id = number.waba_id;
        names.phone_number_id = Some(number.phone_number_id);
        names.display_phone_number = Some(number.display_phone_number);
    }
    Ok(names)
}

/// The first number that the gateway knows. One that does not run knows none, and sending will tell.
fn number(local: &Local) -> Option<Number> {
    let args = GatewayArgs {
        url: Some(local.admin_url.clone()),
        api_key: Some(local.token().expose().to_owned()),
        ..GatewayArgs::default()
    };
    let numbers = Api::of(&args).and_then(|api| api.get(&api::Target::new("/api/v1/numbers"))).ok()?;
    numbers.read::<Vec<Number>>().ok()?.into_iter().next()
}

/// The secret that was typed; else that of the app with this callback, or of the first.
fn secret(args: &TriggerArgs, url: &str, environment: &Environment) -> Result<AppSecret, Failure> {
    if let Some(text) = &args.secret {
        return secret_argument::read("--secret", text, environment).map(|secret| AppSecret::new(secret.expose()));
    }
    let apps = apps_here::apps(args.config.config.as_deref(), environment)?;
    let its_own = apps.iter().find(|app| app.paths.iter().any(|path| url.ends_with(path.as_str())));
    let secret = its_own.or(apps.first()).and_then(|app| app.secrets.first());
    let secret =
        secret.ok_or_else(|| Failure::Arguments("there is no app with a secret here: give --secret".to_owned()))?;
    Ok(AppSecret::new(secret.expose()))
}

fn now_seconds() -> i64 {
    Clock::System.now_ms().div_euclid(1_000)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn what_is_json_is_set_as_json_and_all_else_as_text() {
        let body = br#"{"field":"f","value":{"a":1}}"#;
        for (text, wanted) in
            [("a=2", "2"), ("a=hi", "\"hi\""), ("a=\"7\"", "\"7\""), ("a={\"b\":[]}", "{\"b\":[]}"), ("a=", "\"\"")]
        {
            let edited = String::from_utf8(edit(text).unwrap().apply(body).unwrap()).unwrap();
            assert_eq!(edited, format!(r#"{{"field":"f","value":{{"a":{wanted}}}}}"#), "{text}");
        }
        assert!(edit("a").is_err() && edit("a[=1").is_err());
    }
}
