//! The last few bodies whose signature did not fit, in memory, so that `verify --last-refused` can say why.
//!
//! Unsigned bytes are never stored; this is on in development mode, and where the operator asks for it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Bodies kept at most.
const BODIES_MAX: usize = 32;
/// Bytes kept of each at most. A longer one is not kept: a cut body explains nothing.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// A body whose signature did not fit.
#[derive(Debug, Clone)]
pub struct RefusedBody {
    /// The app whose callback it came to.
    pub app: String,
    /// When, in Unix milliseconds.
    pub received_at_ms: i64,
    /// Its signature header, where it had one.
    pub signature: Option<String>,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// The last few of them.
#[derive(Debug)]
pub struct RefusedBodies {
    kept: Option<Mutex<VecDeque<RefusedBody>>>,
}

impl RefusedBodies {
    /// Keeps bodies only when asked to.
    #[must_use]
    pub fn new(keep: bool) -> Self {
        Self { kept: keep.then(Mutex::default) }
    }

    /// Remembers a body.
    pub fn remember(&self, body: RefusedBody) {
        let Some(kept) = &self.kept else { return };
        if body.body.len() > BODY_BYTES_MAX {
            return;
        }
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == BODIES_MAX {
            kept.pop_front();
        }
        kept.push_back(body);
    }

    /// The last one.
    #[must_use]
    pub fn last(&self) -> Option<RefusedBody> {
        self.kept.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).back().cloned()
    }
}
