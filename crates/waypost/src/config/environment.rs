//! The environment: variables that set something, and those that only look so.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::problem::{At, Origin, Problems, nearest};

/// What begins with this is ours.
const PREFIX: &str = "WAYPOST_";

/// Variables that are ours and no setting of the file.
pub(crate) const SPECIAL: [&str; 7] = [
    "WAYPOST_CONFIG",
    "WAYPOST_LOG",
    "WAYPOST_URL",
    "WAYPOST_API_KEY",
    "WAYPOST_APP_NAME",
    "WAYPOST_APP_SECRET",
    "WAYPOST_VERIFY_TOKEN",
];

/// The environment, read once. Values may be secrets, so its `Debug` shows none.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
    unreadable: Vec<String>,
}

impl Environment {
    /// The one of this process.
    pub(crate) fn of_this_process() -> Self {
        Self::from_pairs(std::env::vars_os())
    }

    /// One with these variables. An empty variable counts as none, as it does in most shells' scripts.
    pub(crate) fn from_pairs<T: Into<OsString>>(pairs: impl IntoIterator<Item = (T, T)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in pairs {
            let Ok(name) = name.into().into_string() else { continue };
            match value.into().into_string() {
                Ok(value) if value.is_empty() => {}
                Ok(value) => {
                    environment.variables.insert(name, value);
                }
                Err(_) => environment.unreadable.push(name),
            }
        }
        environment
    }

    /// The value of a variable.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The variables that ours refer to (`env:NAME`).
    pub(crate) fn references(&self) -> impl Iterator<Item = String> {
        let ours = self.variables.iter().filter(|(name, _)| name.starts_with(PREFIX));
        ours.filter_map(|(_, value)| value.strip_prefix("env:").map(str::to_owned))
    }

    /// Notes the variables that are ours by name and set nothing. `known` are those that would.
    pub(crate) fn check_unknown(&self, known: &[String], problems: &mut Problems) {
        let right = || known.iter().map(String::as_str).chain(SPECIAL);
        for (name, value) in &self.variables {
            if !name.starts_with(PREFIX) || right().any(|known| known == name) || made_by_kubernetes(name, value) {
                continue;
            }
            problems.error(&at(name), "no setting has this name").maybe_hint(nearest_variable(name, right()));
        }
        for name in self.unreadable.iter().filter(|name| name.starts_with(PREFIX)) {
            problems.error(&at(name), "its value is not valid UTF-8");
        }
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

/// The variable that sets this key: `receive.listen` is `WAYPOST_RECEIVE_LISTEN`.
pub(crate) fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_ascii_uppercase())
}

fn at(name: &str) -> At<()> {
    At { value: (), key: String::new(), origin: Origin::Variable(name.to_owned()) }
}

fn nearest_variable<'a>(name: &str, right: impl Iterator<Item = &'a str>) -> Option<String> {
    // All of them begin alike, which says nothing about how near they are.
    let near = nearest(name.strip_prefix(PREFIX)?, right.filter_map(|right| right.strip_prefix(PREFIX)))?;
    Some(format!("did you mean {PREFIX}{near}?"))
}

/// Kubernetes gives every pod variables about the services beside it; a service named `waypost` makes them look like ours.
fn made_by_kubernetes(name: &str, value: &str) -> bool {
    let port_of_protocol = ["_TCP", "_UDP", "_SCTP"].iter().any(|protocol| name.contains(protocol));
    let address = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || (name.contains("_PORT_") && port_of_protocol)
        || (name.ends_with("_PORT") && address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pairs: &[(&str, &str)], wanted: &str) {
        let mut problems = Problems::default();
        let known = ["WAYPOST_RECEIVE_LISTEN".to_owned()];
        Environment::from_pairs(pairs.iter().copied()).check_unknown(&known, &mut problems);
        assert_eq!(problems.to_string(), wanted);
    }

    #[test]
    fn a_variable_of_ours_that_sets_nothing_is_an_error_with_the_nearest_name() {
        check(&[("WAYPOST_RECEIVE_LISTEN", "x"), ("WAYPOST_LOG", "debug"), ("HOME", "/")], "");
        check(
            &[("WAYPOST_RECIEVE_LISTEN", "hunter2")],
            "variable WAYPOST_RECIEVE_LISTEN: no setting has this name\n    did you mean WAYPOST_RECEIVE_LISTEN?",
        );
        check(&[("WAYPOST_FOO", "x")], "variable WAYPOST_FOO: no setting has this name");
    }

    #[test]
    fn what_kubernetes_says_about_a_service_named_waypost_is_not_ours() {
        check(
            &[
                ("WAYPOST_SERVICE_HOST", "10.0.0.1"),
                ("WAYPOST_SERVICE_PORT_HTTP", "8080"),
                ("WAYPOST_PORT", "tcp://10.0.0.1:8080"),
                ("WAYPOST_PORT_8080_TCP_ADDR", "10.0.0.1"),
                ("WAYPOST_ADMIN_PORT_8081_TCP", "tcp://10.0.0.2:8081"),
            ],
            "",
        );
    }

    #[test]
    fn an_empty_variable_is_none() {
        assert_eq!(Environment::from_pairs([("WAYPOST_STORE", "")]).get("WAYPOST_STORE"), None);
    }
}
