//! The store's threads.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use super::shared::Shared;
use super::writer::Writer;
use super::{checkpoint, lookup};

/// The writer's thread, and those that work beside it.
pub(super) struct Threads {
    writer: Option<JoinHandle<()>>,
    checkpointer: Option<(SyncSender<()>, JoinHandle<()>)>,
    sealer: Option<(Arc<Shared>, JoinHandle<()>)>,
}

impl Threads {
    pub(super) fn start(shared: &Arc<Shared>, writer: Writer) -> io::Result<Self> {
        let (stop, stopped) = sync_channel(0);
        let owner = Arc::clone(shared);
        let checkpointer =
            Builder::new().name("store-checkpoint".to_owned()).spawn(move || checkpoint::run(&owner, &stopped))?;
        let writer = Builder::new().name("store-writer".to_owned()).spawn(move || writer.run())?;
        let mut threads = Self { writer: Some(writer), checkpointer: Some((stop, checkpointer)), sealer: None };
        let owner = Arc::clone(shared);
        match Builder::new().name("store-sealer".to_owned()).spawn(move || lookup::run_sealer(&owner)) {
            Ok(sealer) => threads.sealer = Some((Arc::clone(shared), sealer)),
            Err(cause) => {
                shared.queue.close();
                threads.join();
                return Err(cause);
            }
        }
        Ok(threads)
    }

    /// Waits for their end. The checkpointer goes first, so that the writer is the last to close the file.
    pub(super) fn join(&mut self) {
        if let Some((stop, checkpointer)) = self.checkpointer.take() {
            drop(stop);
            // A thread that panicked has said so already.
            drop(checkpointer.join());
        }
        if let Some((shared, sealer)) = self.sealer.take() {
            shared.sealer.close();
            drop(sealer.join());
        }
        if let Some(writer) = self.writer.take() {
            drop(writer.join());
        }
    }
}
