//! What is played, where to, and with which secrets: as typed, else as this machine's gateway has it, else as the scenario
//! has it.

use std::path::Path;

use emulator::scenario::{SECRET, Scenario, VERIFY_TOKEN};
use emulator::world::Callback;
use emulator::{AppSecret, Escapes, Target, run};
use gateway::secret::Secret;

use super::ready;
use crate::api::store_folder;
use crate::cli::EmulateArgs;
use crate::config::Environment;
use crate::development;
use crate::exit::Failure;
use crate::{apps_here, secret_argument};

/// What is played.
pub(super) struct Job {
    pub(super) settings: run::Settings,
    /// What it is called.
    pub(super) name: String,
    pub(super) about: String,
    /// The secrets are the well-known ones of the emulator: whoever writes the receiver needs to be told.
    pub(super) well_known: bool,
}

/// An address and the secrets that go with it.
struct Place {
    url: String,
    secret: Option<String>,
    verify_token: Option<String>,
}

impl Job {
    /// The job that was typed.
    pub(super) fn new(args: &EmulateArgs, environment: &Environment) -> Result<Self, Failure> {
        let mut scenario = scenario(&args.scenario)?;
        scenario.mischief = args.faults.over(scenario.mischief);
        let own = scenario.world.callbacks().all(|callback| !callback.url.is_empty());
        let place = place(args, environment, own)?;
        let typed = args.secret.is_some() && args.verify_token.is_some();
        let well_known = !typed && (place.secret.is_none() || place.verify_token.is_none());
        fill(&mut scenario, args, environment, &place)?;
        for callback in scenario.world.callbacks() {
            Target::parse(&callback.url).map_err(|error| Failure::Arguments(format!("{:?}: {error}", callback.url)))?;
        }
        let mut seed = [0; 4];
        getrandom::fill(&mut seed).map_err(|_| Failure::NoChance)?;
        Ok(Self {
            name: args.scenario.clone(),
            about: scenario.about.clone(),
            well_known,
            settings: run::Settings {
                scenario,
                seed: args.seed.unwrap_or_else(|| u64::from(u32::from_ne_bytes(seed))),
                pace: args.speed,
                escapes: escapes(args),
                handshake: !args.no_handshake,
                again: args.again,
                stays: args.graph.is_some(),
            },
        })
    }
}

fn escapes(args: &EmulateArgs) -> Escapes {
    match (args.raw_utf8, args.full_escapes) {
        (true, _) => Escapes::None,
        (_, true) => Escapes::Full,
        (false, false) => Escapes::Meta,
    }
}

fn scenario(name: &str) -> Result<Scenario, Failure> {
    let is_file = Path::new(name).extension().is_some() || name.contains('/');
    let text = if is_file {
        std::fs::read_to_string(name).map_err(Failure::file(format!("read {name}")))?
    } else {
        ready::find(name)?.to_owned()
    };
    Scenario::parse(&text).map_err(|error| Failure::Arguments(format!("{name}: {error}")))
}

/// The address that was typed, else that of this machine's gateway; with the secrets of the app that has it here.
fn place(args: &EmulateArgs, environment: &Environment, own: bool) -> Result<Place, Failure> {
    let folder = store_folder(args.config.config.as_deref(), environment)?;
    let local = development::way_in(&folder).ok().flatten().and_then(|local| local.callback_url);
    let url = match (&args.to, local) {
        (Some(url), _) => url.clone(),
        // A scenario with callbacks of its own needs no other.
        (None, _) if own => return Ok(Place { url: String::new(), secret: None, verify_token: None }),
        (None, Some(url)) => url,
        (None, None) => return Err(Failure::NoGateway { folder }),
    };
    // A broken configuration is the gateway's affair; this may be for another receiver.
    let apps = apps_here::apps(args.config.config.as_deref(), environment).unwrap_or_default();
    let app = apps.iter().find(|app| app.paths.iter().any(|path| url.ends_with(path.as_str())));
    let text = |secret: &Secret| secret.expose().to_owned();
    Ok(Place {
        url,
        secret: app.and_then(|app| app.secrets.first()).map(text),
        verify_token: app.map(|app| text(&app.verify_token)),
    })
}

/// Gives the apps what the scenario leaves open.
fn fill(scenario: &mut Scenario, args: &EmulateArgs, environment: &Environment, place: &Place) -> Result<(), Failure> {
    let read = |option, text: &Option<String>| {
        let text = text.as_ref().map(|text| secret_argument::read(option, text, environment)).transpose();
        text.map(|secret| secret.map(|secret| secret.expose().to_owned()))
    };
    let secret = read("--secret", &args.secret)?.or_else(|| place.secret.clone());
    let second = read("--other-secret", &args.other_secret)?;
    let verify_token = read("--verify-token", &args.verify_token)?.or_else(|| place.verify_token.clone());
    let world = &mut scenario.world;
    let one_app = world.apps.len() == 1;
    for (position, app) in world.apps.iter_mut().enumerate() {
        let open = app.secret.is(SECRET) && (one_app || position == 0);
        if let Some(secret) = secret.as_ref().filter(|_| open) {
            app.secret = AppSecret::new(secret.as_str());
        }
        if position == 0 && second.is_some() {
            app.second_secret = second.as_deref().map(AppSecret::new);
        }
        if let Some(subscription) = &mut app.subscription {
            open_callback(&mut subscription.callback, &place.url, verify_token.as_deref());
        }
    }
    Ok(())
}

fn open_callback(callback: &mut Callback, url: &str, verify_token: Option<&str>) {
    if callback.url.is_empty() {
        url.clone_into(&mut callback.url);
    }
    if let Some(token) = verify_token.filter(|_| callback.verify_token == VERIFY_TOKEN) {
        token.clone_into(&mut callback.verify_token);
    }
}
