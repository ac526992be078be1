//! The Meta apps as they are meant: names and paths that nobody shares, secrets that are there.

use std::collections::BTreeMap;

use gateway::secret::Secret;
use gateway::settings::AppSettings;

use super::{Judge, missing};
use crate::config::problem::At;
use crate::config::raw::RawApp;
use crate::config::reference::Reference;

/// Where each name, path and group was first given.
#[derive(Default)]
struct Seen {
    names: BTreeMap<String, At<()>>,
    paths: BTreeMap<String, String>,
    groups: BTreeMap<String, Vec<At<()>>>,
}

impl Judge<'_> {
    /// Judges the apps.
    pub(super) fn apps(&mut self, raw: Vec<RawApp>, development: bool) -> Vec<AppSettings> {
        if raw.is_empty() && !development {
            self.problems.error(&missing("apps"), "no app is configured").hint(
                "add [[apps]] with a name, a verify_token and secrets, or set WAYPOST_APP_SECRET and WAYPOST_VERIFY_TOKEN",
            );
        }
        let mut seen = Seen::default();
        let apps = raw.iter().filter_map(|app| self.app(app, &mut seen)).collect();
        for (group, places) in &seen.groups {
            if let [only] = places.as_slice() {
                self.problems
                    .warning(only, format!("no other app is in the group {group:?}"))
                    .hint("a group joins apps that get the same events; one app needs none");
            }
        }
        apps
    }

    /// Every part is judged, so that all mistakes are told; the app counts only when all parts are there.
    fn app(&mut self, raw: &RawApp, seen: &mut Seen) -> Option<AppSettings> {
        let name = self.name(raw, seen);
        let paths = self.paths(raw, name.as_deref(), seen);
        let verify_token = self.required(raw, raw.verify_token.as_ref(), "verify_token", "the verify token");
        let secrets = self.secrets(raw);
        if let Some(group) = &raw.group {
            seen.groups.entry(group.value.clone()).or_default().push(group.with(()));
        }
        Some(AppSettings {
            name: name?,
            app_id: raw.app_id.as_ref().map(|id| id.value.clone()),
            group: raw.group.as_ref().map(|group| group.value.clone()),
            paths,
            verify_token: verify_token?,
            secrets,
        })
    }

    fn name(&mut self, raw: &RawApp, seen: &mut Seen) -> Option<String> {
        let Some(name) = &raw.name else {
            self.problems.error(&raw.here, "missing key `name`").hint("for instance name = \"main\"");
            return None;
        };
        if let Err(bad) = gateway::endpoint::check_id(&name.value) {
            self.problems.error(name, bad.expected);
            return None;
        }
        if name.value == gateway::OPERATOR_FIELD {
            self.problems.error(name, "this name is Waypost's own: its events bear it").hint("choose another name");
            return None;
        }
        if seen.names.insert(name.value.clone(), name.with(())).is_some() {
            let message = format!("another app is named {:?} already", name.value);
            self.problems.error(name, message);
        }
        Some(name.value.clone())
    }

    fn paths(&mut self, raw: &RawApp, name: Option<&str>, seen: &mut Seen) -> Vec<String> {
        let Some(paths) = &raw.paths else {
            let path = format!("/webhooks/{}", name.unwrap_or_default());
            self.path(&raw.here.with(path.as_str()), name, seen);
            return vec![path];
        };
        if paths.value.is_empty() {
            self.problems.error(paths, "expected at least one path").hint("leave it out for \"/webhooks/<name>\"");
        }
        for path in &paths.value {
            self.path(&paths.with(path.as_str()), name, seen);
        }
        paths.value.clone()
    }

    fn path(&mut self, path: &At<&str>, name: Option<&str>, seen: &mut Seen) {
        let fine = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '%' | '\\' | '"' | '<' | '>' | '{' | '}');
        if !path.value.starts_with('/') || !path.value.chars().all(fine) {
            let message =
                format!("expected a path that begins with `/` and has no spaces, `?` or `#`, found {:?}", path.value);
            self.problems.error(path, message);
            return;
        }
        let name = name.unwrap_or("without a name").to_owned();
        if let Some(other) = seen.paths.insert(path.value.to_owned(), name) {
            let message = format!("the path {:?} belongs to the app {other:?} already", path.value);
            self.problems
                .error(path, message)
                .hint("a callback path tells Waypost whose secrets to check: give each app its own");
        }
    }

    fn secrets(&mut self, raw: &RawApp) -> Vec<Secret> {
        let listed = raw.secrets.iter().flat_map(|list| list.value.iter().map(|secret| list.with(secret.clone())));
        let all: Vec<At<Reference>> = listed.chain(raw.secret.clone()).collect();
        if all.is_empty() {
            let at = raw.secrets.as_ref().map_or_else(|| raw.here.clone(), |list| list.with(()));
            self.problems.error(&at, "no app secret: missing key `secrets`").hint(
                "it is in Meta's dashboard under Settings, Basic; for instance secrets = [\"env:WAYPOST_APP_SECRET\"]",
            );
        }
        all.iter()
            .filter_map(|secret| {
                self.resolver.resolve(secret, "the app secret from Meta's dashboard", &mut self.problems)
            })
            .collect()
    }

    fn required(&mut self, raw: &RawApp, secret: Option<&At<Reference>>, key: &str, what: &str) -> Option<Secret> {
        let Some(secret) = secret else {
            self.problems
                .error(&raw.here, format!("missing key `{key}`"))
                .hint(format!("{what} is what you type into Meta's dashboard beside the callback URL"));
            return None;
        };
        self.resolver.resolve(secret, what, &mut self.problems)
    }
}
