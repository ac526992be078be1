//! Where everything is kept: a folder, or a database and how it is reached.

use std::path::{Path, PathBuf};

use store::PostgresOptions;

use super::Judge;
use crate::config::problem::{At, Origin, Problems};
use crate::config::raw::Raw;
use crate::config::reference::Reference;

/// Where everything is kept.
#[derive(Debug, Clone)]
pub(crate) enum StorePlace {
    /// In `Config::store_folder`.
    Folder,
    /// In this database.
    Postgres(Box<PostgresOptions>),
}

/// Letters of a node's name.
const NODE_LETTERS_MAX: usize = 64;

/// Whether a store as written leads to a database.
pub(crate) fn is_database(text: &str) -> bool {
    text.contains("://") || text.starts_with("env:") || text.starts_with("file:")
}

impl Judge<'_> {
    /// Judges the store and nothing else.
    pub(in crate::config) fn store_alone(mut self, raw: &Raw) -> Result<(StorePlace, PathBuf), Problems> {
        let place = self.store(&raw.store, raw.store_password.as_ref(), &raw.node_folder);
        if self.problems.refuse() { Err(self.problems) } else { Ok(place) }
    }

    /// Judges the store, and gives the folder on this machine too.
    pub(super) fn store(
        &mut self,
        raw: &At<Reference>,
        password: Option<&At<Reference>>,
        node_folder: &At<String>,
    ) -> (StorePlace, PathBuf) {
        if let Reference::Literal(text) = &raw.value
            && !is_database(text.expose())
        {
            if text.expose().is_empty() {
                self.problems.error(raw, "expected the path of a folder, or `postgres://…`");
            }
            if let Some(password) = password {
                self.problems
                    .warning(password, "does nothing, because the store is a folder")
                    .hint("it is the password of a database: `store = \"postgres://…\"`");
            }
            return (StorePlace::Folder, self.resolver.path(raw, Path::new(text.expose())));
        }
        if node_folder.value.is_empty() {
            self.problems.error(node_folder, "expected the path of a folder");
        }
        let folder = self.resolver.path(node_folder, Path::new(&node_folder.value));
        let place = self.database(raw, password).map_or(StorePlace::Folder, StorePlace::Postgres);
        (place, folder)
    }

    /// Judges the node's name.
    pub(super) fn node(&mut self, raw: &At<String>, store: &StorePlace) -> Option<String> {
        let name = raw.value.as_str();
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if name.is_empty() || name.len() > NODE_LETTERS_MAX || !name.chars().all(fine) {
            let message = format!("expected a name of 1 to {NODE_LETTERS_MAX} letters, digits, `-`, `.` and `_`");
            self.problems.error(raw, message);
            return None;
        }
        if matches!(store, StorePlace::Folder) {
            self.problems.warning(raw, "does nothing, because the store is a folder");
            return None;
        }
        Some(name.to_owned())
    }

    fn database(&mut self, raw: &At<Reference>, password: Option<&At<Reference>>) -> Option<Box<PostgresOptions>> {
        let address = self.resolver.resolve(raw, "the address of the database", &mut self.problems)?;
        let mut options = match PostgresOptions::parse(address.expose().trim()) {
            Ok(options) => options,
            Err(why) => {
                self.problems.error(raw, why.to_string());
                return None;
            }
        };
        let is_written = matches!(raw.value, Reference::Literal(_)) && matches!(raw.origin, Origin::File(_));
        if is_written && options.has_password() {
            self.problems
                .warning(raw, "a password stands in this file")
                .hint("leave it out of the address, and write `store_password = \"file:…\"` or `\"env:…\"`");
        }
        if let Some(password) = password {
            let secret = self.resolver.resolve(password, "the password of the database", &mut self.problems)?;
            if options.has_password() {
                self.problems.error(password, "the address of the store has a password of its own");
            }
            options = options.with_password(secret.expose());
        }
        let Some(at) = options.root_certificates_at().map(PathBuf::from) else { return Some(Box::new(options)) };
        let reference = raw.with(Reference::File(at));
        let what = "the authorities that may sign the database's certificate, in PEM";
        let pem = self.resolver.resolve_public(&reference, what, &mut self.problems)?;
        Some(Box::new(options.with_root_certificates(pem.expose().to_owned())))
    }
}
