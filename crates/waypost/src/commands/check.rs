//! `waypost check`: what a configuration means in a few lines, or everything that is wrong with it. Never a secret.

use serde::Serialize;

use crate::cli::CheckArgs;
use crate::config::{self, Config, Environment, Problems, Report};
use crate::exit::{Exit, Failure};
use crate::terminal;

/// What a good configuration means, for a program.
#[derive(Debug, Serialize)]
struct Meaning<'a> {
    development: bool,
    store: String,
    receive: String,
    admin: String,
    apps: Vec<App<'a>>,
    endpoints: Vec<Endpoint<'a>>,
}

#[derive(Debug, Serialize)]
struct App<'a> {
    name: &'a str,
    app_id: Option<&'a str>,
    group: Option<&'a str>,
    paths: &'a [String],
    secrets: usize,
}

#[derive(Debug, Serialize)]
struct Endpoint<'a> {
    name: &'a str,
    url: String,
    format: &'static str,
    rules: usize,
    paused: bool,
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    ok: bool,
    file: Option<&'a std::path::Path>,
    problems: Vec<Report<'a>>,
    configuration: Option<Meaning<'a>>,
}

/// Loads the configuration and says what came of it.
pub(crate) fn run(args: &CheckArgs) -> Result<Exit, Failure> {
    match config::load(args.config.config.as_deref(), &Environment::of_this_process()) {
        Ok(config) => tell_meaning(&config, args.json).map(|()| Exit::Ok),
        Err(problems) if args.json => tell_problems(&problems).map(|()| Exit::Configuration),
        Err(problems) => Err(Failure::Configuration(problems)),
    }
}

fn tell_meaning(config: &Config, json: bool) -> Result<(), Failure> {
    let meaning = meaning(config);
    if json {
        return terminal::print_json(&Answer {
            ok: true,
            file: config.file.as_deref(),
            problems: config.warnings.reports(),
            configuration: Some(meaning),
        });
    }
    if !config.warnings.is_empty() {
        terminal::tell(&config.warnings.to_string());
    }
    let name = config.file.as_deref().map_or("no file".into(), |file| file.display().to_string());
    let mut lines = vec![format!("{name}: good")];
    lines.extend(meaning.lines());
    terminal::print(&lines.join("\n"))
}

fn tell_problems(problems: &Problems) -> Result<(), Failure> {
    terminal::print_json(&Answer {
        ok: false,
        file: problems.file(),
        problems: problems.reports(),
        configuration: None,
    })
}

fn meaning(config: &Config) -> Meaning<'_> {
    let settings = &config.settings;
    Meaning {
        development: settings.development,
        store: config.store_name(),
        receive: settings.receive.listen.to_string(),
        admin: settings.admin.listen.to_string(),
        apps: settings
            .apps
            .iter()
            .map(|app| App {
                name: &app.name,
                app_id: app.app_id.as_deref(),
                group: app.group.as_deref(),
                paths: &app.paths,
                secrets: app.secrets.len(),
            })
            .collect(),
        endpoints: settings
            .endpoints
            .iter()
            .map(|endpoint| Endpoint {
                name: endpoint.id.as_deref().unwrap_or_default(),
                url: without_query(&endpoint.url),
                format: endpoint.format.as_str(),
                rules: endpoint.rules.len(),
                paused: endpoint.paused,
            })
            .collect(),
    }
}

impl Meaning<'_> {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.development {
            lines.push("mode      development: for trying things out on this machine".to_owned());
        }
        lines.push(format!("store     {}", self.store));
        lines.push(format!("receive   http://{}", self.receive));
        lines.push(format!("admin     http://{}", self.admin));
        for app in &self.apps {
            let group = app.group.map(|group| format!(", group {group}")).unwrap_or_default();
            let paths = app.paths.join(", ");
            lines.push(format!("app       {}: {paths} ({}{group})", app.name, count(app.secrets, "secret")));
        }
        if self.apps.is_empty() {
            lines.push("app       made at the first start, with its secrets".to_owned());
        }
        for endpoint in &self.endpoints {
            let wants = match endpoint.rules {
                0 => "everything".to_owned(),
                rules => count(rules, "rule"),
            };
            let paused = if endpoint.paused { ", paused" } else { "" };
            let Endpoint { name, url, format, .. } = endpoint;
            lines.push(format!("endpoint  {name}: {url} ({format}, {wants}{paused})"));
        }
        if self.endpoints.is_empty() {
            lines.push("endpoint  none declared: events are kept, and listed as unrouted".to_owned());
        }
        lines
    }
}

/// A query often holds a token.
fn without_query(url: &str) -> String {
    url.split_once('?').map_or_else(|| url.to_owned(), |(before, _)| format!("{before}?…"))
}

fn count(n: usize, word: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {word}{s}")
}
