//! Whether the store can be written, and the figures about its disk. Told from memory: nobody who asks waits for a disk.

use std::path::Path;
use std::sync::Mutex;

use super::fault::Fault;
use super::shared::lock;

/// How the store is.
#[derive(Debug, Default)]
pub(super) struct Condition {
    state: Mutex<State>,
    disk: Mutex<Disk>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Well,
    /// Nothing is taken that needs room; the reserve is for what makes it.
    Full(Fault),
    Broken(Fault),
    Closed,
}

/// Bytes of the store's files and of their volume, as last measured.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Disk {
    pub(super) store_bytes: u64,
    pub(super) free_bytes: u64,
    pub(super) volume_bytes: u64,
}

impl Condition {
    pub(super) fn broken(&self, fault: &Fault) {
        let mut state = lock(&self.state);
        if !matches!(*state, State::Closed) {
            *state = State::Broken(fault.clone());
        }
    }

    pub(super) fn well(&self) {
        let mut state = lock(&self.state);
        if !matches!(*state, State::Closed) {
            *state = State::Well;
        }
    }

    /// There is no room. False when that was known.
    pub(super) fn full(&self, fault: &Fault) -> bool {
        let mut state = lock(&self.state);
        let is_news = matches!(*state, State::Well);
        if is_news {
            *state = State::Full(fault.clone());
        }
        is_news
    }

    pub(super) fn is_full(&self) -> bool {
        matches!(*lock(&self.state), State::Full(_))
    }

    pub(super) fn closed(&self) {
        *lock(&self.state) = State::Closed;
    }

    /// Fails while the store cannot be written.
    pub(super) fn check(&self) -> Result<(), Fault> {
        match &*lock(&self.state) {
            State::Well | State::Full(_) => Ok(()),
            State::Broken(fault) => Err(fault.clone()),
            State::Closed => Err(Fault::closed()),
        }
    }

    /// Fails while nothing can be written that makes the store grow.
    pub(super) fn check_room(&self) -> Result<(), Fault> {
        match &*lock(&self.state) {
            State::Well => Ok(()),
            State::Full(fault) | State::Broken(fault) => Err(fault.clone()),
            State::Closed => Err(Fault::closed()),
        }
    }

    /// Fails once the store is closed.
    pub(super) fn check_open(&self) -> Result<(), Fault> {
        match &*lock(&self.state) {
            State::Well | State::Full(_) | State::Broken(_) => Ok(()),
            State::Closed => Err(Fault::closed()),
        }
    }

    /// Why the store cannot be written.
    pub(super) fn fault(&self) -> Fault {
        self.check_room().err().unwrap_or_else(Fault::closed)
    }

    /// Why nothing can be kept, in a sentence; None when it can.
    pub(super) fn reason(&self, folder: &Path) -> Option<String> {
        self.check_room().err().map(|fault| fault.sentence(folder))
    }

    pub(super) fn disk(&self) -> Disk {
        *lock(&self.disk)
    }

    pub(super) fn set_disk(&self, disk: Disk) {
        *lock(&self.disk) = disk;
    }
}
