//! Secrets as they are written: `env:NAME`, `file:path`, or the secret itself.

use std::path::{Path, PathBuf};

use gateway::secret::Secret;

use super::environment::Environment;
use super::problem::{At, Origin, Problems};

/// A secret as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference {
    /// In this environment variable.
    Variable(String),
    /// In this file.
    File(PathBuf),
    /// Written out.
    Literal(Secret),
}

/// Where references lead.
#[derive(Debug)]
pub(crate) struct Resolver<'a> {
    /// The variables.
    pub(crate) environment: &'a Environment,
    /// The folder from which the paths in the file go: the file's own.
    pub(crate) folder: &'a Path,
}

impl Reference {
    /// Reads one. Anything without a known prefix is the secret itself.
    pub(crate) fn parse(text: &str) -> Self {
        if let Some(name) = text.strip_prefix("env:") {
            Self::Variable(name.to_owned())
        } else if let Some(path) = text.strip_prefix("file:") {
            Self::File(PathBuf::from(path))
        } else {
            Self::Literal(Secret::new(text))
        }
    }
}

impl Resolver<'_> {
    /// The secret behind a reference. What is wrong with it is noted; `what` says which secret it is ("the app secret").
    pub(crate) fn resolve(&self, reference: &At<Reference>, what: &str, problems: &mut Problems) -> Option<Secret> {
        if let Reference::File(path) = &reference.value {
            self.tell_if_open(&reference.with(path.as_path()), problems);
        }
        self.resolve_public(reference, what, problems)
    }

    /// The same for what everybody may read.
    pub(crate) fn resolve_public(
        &self,
        reference: &At<Reference>,
        what: &str,
        problems: &mut Problems,
    ) -> Option<Secret> {
        let secret = match &reference.value {
            Reference::Variable(name) => self.variable(&reference.with(name.as_str()), what, problems)?,
            Reference::File(path) => self.file(&reference.with(path.as_path()), what, problems)?,
            Reference::Literal(secret) => secret.clone(),
        };
        if secret.expose().trim().is_empty() {
            problems
                .error(reference, format!("{what} is empty"))
                .hint("write `env:NAME` or `file:path` to take it from elsewhere");
            return None;
        }
        Some(secret)
    }

    /// A path as written: those in variables go from the working folder, all others from the file's folder, so that
    /// typing a default changes nothing.
    pub(crate) fn path<T>(&self, at: &At<T>, path: &Path) -> PathBuf {
        match at.origin {
            Origin::File(_) | Origin::Default => self.folder.join(path),
            Origin::Variable(_) => path.to_owned(),
        }
    }

    fn variable(&self, name: &At<&str>, what: &str, problems: &mut Problems) -> Option<Secret> {
        let value = self.environment.get(name.value).map(Secret::new);
        if value.is_none() {
            problems
                .error(name, format!("the environment variable {:?} is not set, or empty", name.value))
                .hint(format!("set it to {what}"));
        }
        value
    }

    fn tell_if_open(&self, file: &At<&Path>, problems: &mut Problems) {
        let path = self.path(file, file.value);
        if crate::private_file::others_can_read(&path) {
            problems
                .warning(file, format!("everybody on this machine can read {}", path.display()))
                .hint(format!("chmod 600 {}", path.display()));
        }
    }

    fn file(&self, file: &At<&Path>, what: &str, problems: &mut Problems) -> Option<Secret> {
        let path = self.path(file, file.value);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                problems
                    .error(file, format!("cannot read {}: {}", path.display(), plain(&error)))
                    .hint(format!("the file must hold {what}"));
                return None;
            }
        };
        let line = text.strip_suffix('\n').unwrap_or(&text);
        Some(Secret::new(line.strip_suffix('\r').unwrap_or(line)))
    }
}

/// An error of the system in words for a person.
fn plain(error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::InvalidData {
        return "it is not valid UTF-8".to_owned();
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    fn resolve(text: &str, folder: &Path) -> (Option<Secret>, String) {
        let environment = Environment::from_pairs([("APP_SECRET", "hunter2"), ("HOLLOW", "")]);
        let resolver = Resolver { environment: &environment, folder };
        let reference = At {
            value: Reference::parse(text),
            key: "apps[0].secrets".into(),
            origin: Origin::File(super::super::document::Lines::new("").position(0)),
        };
        let mut problems = Problems::default();
        let secret = resolver.resolve(&reference, "the app secret", &mut problems);
        (secret, problems.to_string())
    }

    #[test]
    fn a_secret_comes_from_a_variable_a_file_or_as_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        crate::private_file::write(&folder.path().join("secret"), "hunter2\n").unwrap();
        for text in ["env:APP_SECRET", "file:secret", "hunter2"] {
            let (secret, problems) = resolve(text, folder.path());
            assert_eq!(secret.unwrap().expose(), "hunter2", "{text}");
            assert_eq!(problems, "", "{text}");
        }
    }

    #[test]
    fn a_secret_that_is_not_there_is_an_error_with_a_remedy() {
        for (text, wanted) in [
            ("env:HOLLOW", "set it to the app secret"),
            ("file:nothing", "the file must hold the app secret"),
            ("", "the app secret is empty"),
        ] {
            let (secret, problems) = resolve(text, Path::new("/nonexistent"));
            assert_eq!(secret, None);
            assert!(problems.contains(wanted), "{problems}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_that_everybody_can_read_is_told() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "hunter2").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let (secret, problems) = resolve("file:secret", folder.path());
        assert!(secret.is_some());
        assert!(problems.contains("warning: "), "{problems}");
        assert!(!problems.contains("hunter2"), "{problems}");
    }
}
