//! From a file and the environment to a configuration without errors, or to all that is wrong with it.

use std::path::{Path, PathBuf};

use gateway::endpoint::EndpointInput;
use toml::de::{DeTable, DeValue};

use super::checked::{Config, Judge, StorePlace};
use super::document::Lines;
use super::environment::Environment;
use super::problem::{At, Origin, Problem, Problems};
use super::raw::{Raw, RawApp};
use super::reader::Reading;
use super::reference::{Reference, Resolver};

/// The commented default file. It is the default.
pub(crate) const DEFAULT: &str = include_str!("default.toml");

/// The file that is read when none is named and it is there.
pub(crate) const USUAL_FILE: &str = "waypost.toml";

/// Name, secret and token of the app that variables alone configure.
const APP_VARIABLES: [&str; 3] = ["WAYPOST_APP_NAME", "WAYPOST_APP_SECRET", "WAYPOST_VERIFY_TOKEN"];

/// Syntax errors told at most: those after the first are often its consequences.
const SYNTAX_ERRORS_MAX: usize = 3;

/// Loads the configuration: the named file, else the one that WAYPOST_CONFIG names, else `waypost.toml` where there is
/// one. Without any of them and without an app in the environment, it is development mode.
pub(crate) fn load(named: Option<&Path>, environment: &Environment) -> Result<Config, Problems> {
    let (file, text) = read(named, environment)?;
    check(file.as_deref(), &text, environment)
}

/// Only where everything is kept, whatever else is wrong or missing; and the folder on this machine.
pub(crate) fn store_place(named: Option<&Path>, environment: &Environment) -> Result<(StorePlace, PathBuf), Problems> {
    let (file, text) = read(named, environment)?;
    let mut others = Problems::new(file.as_deref());
    let Some((raw, _)) = parse(&text, environment, &mut others) else { return Err(others) };
    let folder = file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let problems = Problems::new(file.as_deref());
    Judge { resolver: Resolver { environment, folder }, problems }.store_alone(&raw)
}

/// The file that is meant, and what it says.
fn read(named: Option<&Path>, environment: &Environment) -> Result<(Option<PathBuf>, String), Problems> {
    let from_environment = || environment.get("WAYPOST_CONFIG").map(PathBuf::from);
    let usual = || Some(PathBuf::from(USUAL_FILE)).filter(|usual| usual.exists());
    let file = named.map(Path::to_owned).or_else(from_environment).or_else(usual);
    let text = match &file {
        Some(file) => std::fs::read_to_string(file).map_err(|error| unreadable(file, &error))?,
        None => String::new(),
    };
    Ok((file, text))
}

/// The same for a text that was read already.
pub(crate) fn check(file: Option<&Path>, text: &str, environment: &Environment) -> Result<Config, Problems> {
    let mut problems = Problems::new(file);
    let Some((mut raw, known)) = parse(text, environment, &mut problems) else {
        return Err(problems);
    };
    environment.check_unknown(&known, &mut problems);
    let app = app_of(environment);
    let implied = file.is_none() && app.is_none();
    let development = raw.development.value || (implied && raw.development.origin == Origin::Default);
    if raw.apps.is_empty() {
        raw.apps.extend(app);
    } else {
        warn_of_idle(environment, &known, &mut problems);
    }
    if file.is_some_and(crate::private_file::others_can_read) && has_written_secrets(&raw) {
        let whole = At::<()>::default();
        problems
            .warning(&whole, "holds secrets, and everybody on this machine can read it")
            .hint("chmod 600 it, or write `env:NAME` or `file:path` for its secrets");
    }
    let folder = file.and_then(Path::parent).unwrap_or(Path::new(""));
    let judge = Judge { resolver: Resolver { environment, folder }, problems };
    judge.config(raw, file, development)
}

/// What was typed, and the variables that would set or are referred to. None when the text is no TOML.
fn parse(text: &str, environment: &Environment, problems: &mut Problems) -> Option<(Raw, Vec<String>)> {
    let (file, errors) = DeTable::parse_recoverable(text);
    for error in errors.iter().take(SYNTAX_ERRORS_MAX) {
        let place = Lines::new(text).position(error.span().map_or(0, |span| span.start));
        let at = At { origin: Origin::File(place), ..At::<()>::default() };
        problems.error(&at, format!("not valid TOML: {}", error.message()));
    }
    if !errors.is_empty() {
        return None;
    }
    let (default, _) = DeTable::parse_recoverable(DEFAULT);
    let mut reading = Reading::new(text, environment, problems);
    let raw = reading.read(file.get_ref(), default.get_ref(), Raw::read);
    let mut variables: Vec<String> = reading.known.iter().filter_map(|known| known.variable.clone()).collect();
    variables_referred_to(file.get_ref(), &mut variables);
    variables.extend(environment.references());
    Some((raw, variables))
}

/// The app that variables alone configure. One of them is enough to mean it; what is missing is told later.
fn app_of(environment: &Environment) -> Option<RawApp> {
    let [name, secret, verify_token] = APP_VARIABLES.map(|name| {
        environment.get(name).map(|text| At {
            value: text.to_owned(),
            key: String::new(),
            origin: Origin::Variable(name.to_owned()),
        })
    });
    let here = secret.as_ref().or(verify_token.as_ref()).or(name.as_ref())?.with(());
    let reference = |text: At<String>| text.with(Reference::parse(&text.value));
    Some(RawApp {
        name: name.or_else(|| Some(here.with(crate::development::APP.to_owned()))),
        here,
        verify_token: verify_token.map(reference),
        secret: secret.map(reference),
        ..RawApp::default()
    })
}

/// Says which variables do nothing because the file has apps of its own. Those that it refers to do something.
fn warn_of_idle(environment: &Environment, referred: &[String], problems: &mut Problems) {
    let idle = |name: &&str| environment.get(name).is_some() && !referred.iter().any(|referred| referred == name);
    for name in APP_VARIABLES.into_iter().filter(idle) {
        let at = At { origin: Origin::Variable(name.to_owned()), ..At::<()>::default() };
        problems
            .warning(&at, "does nothing, because the file has [[apps]]")
            .hint(format!("refer to it there as \"env:{name}\", or unset it"));
    }
}

fn variables_referred_to(table: &DeTable<'_>, names: &mut Vec<String>) {
    let mut open: Vec<&DeValue<'_>> = table.values().map(|value| value.get_ref()).collect();
    while let Some(value) = open.pop() {
        if let DeValue::String(text) = value
            && let Some(name) = text.strip_prefix("env:")
        {
            names.push(name.to_owned());
        }
        open.extend(value.as_array().into_iter().flat_map(|items| items.iter().map(|item| item.get_ref())));
        open.extend(value.as_table().into_iter().flat_map(|table| table.values().map(|value| value.get_ref())));
    }
}

fn has_written_secrets(raw: &Raw) -> bool {
    let written = |reference: &Reference| matches!(reference, Reference::Literal(_));
    let apps = raw.apps.iter().any(|app| {
        let single = app.verify_token.iter().chain(&app.secret).any(|secret| written(&secret.value));
        single || app.secrets.iter().any(|secrets| secrets.value.iter().any(written))
    });
    let inputs = || raw.endpoints.iter().filter_map(|endpoint| endpoint.input.as_ref());
    let endpoints = inputs().any(|input| {
        let texts = [&input.hub_secret, &input.webhook_secret];
        let of_form = |input: &EndpointInput| {
            let mut input = input.clone();
            let secrets = input.referable().into_iter().filter(|referable| referable.is_secret);
            secrets.map(|referable| Reference::parse(referable.text)).any(|reference| written(&reference))
        };
        texts.into_iter().flatten().any(|text| written(&Reference::parse(text))) || of_form(input)
    });
    let of_database = |reference: &Reference| match reference {
        // The address of a database may hold a password, a folder is none.
        Reference::Literal(text) => text.expose().contains("://") && text.expose().contains('@'),
        Reference::Variable(_) | Reference::File(_) => false,
    };
    let keys = raw.secrets_key.iter().chain(&raw.store_password).any(|secret| written(&secret.value));
    apps || endpoints || keys || of_database(&raw.store.value)
}

fn unreadable(file: &Path, error: &std::io::Error) -> Problems {
    let mut problems = Problems::new(Some(file));
    let problem: &mut Problem = problems.error(&At::<()>::default(), format!("cannot be read: {error}"));
    if error.kind() == std::io::ErrorKind::NotFound {
        problem.hint("`waypost init` writes one");
    }
    problems
}
