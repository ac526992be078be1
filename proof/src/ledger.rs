//! A file that is only ever appended to: one line per thing that happened, written when it happens.

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::Outcome;

/// A ledger. Clones write to the same file.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    path: PathBuf,
    file: Arc<Mutex<BufWriter<File>>>,
}

impl Ledger {
    /// A new one.
    pub(crate) fn create(folder: &Path, name: &str) -> Outcome<Self> {
        let path = folder.join(name);
        let file = BufWriter::new(File::create(&path)?);
        Ok(Self { path, file: Arc::new(Mutex::new(file)) })
    }

    /// Appends a line.
    pub(crate) fn line(&self, line: fmt::Arguments<'_>) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A ledger that cannot be written shows as events that are missing from it.
        drop(writeln!(file, "{line}"));
    }

    /// All of it, from the file.
    pub(crate) fn read(&self) -> Outcome<String> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).flush()?;
        Ok(std::fs::read_to_string(&self.path)?)
    }
}

/// 128 bits of a hash of a body, in hexadecimal: what a ledger says of its bytes.
pub(crate) fn fingerprint(body: &[u8]) -> String {
    Sha256::digest(body).iter().take(16).fold(String::with_capacity(32), |text, byte| format!("{text}{byte:02x}"))
}
