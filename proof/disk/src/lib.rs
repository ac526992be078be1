//! A disk for tests: it fails when told to, kills the process at a named moment, and remembers every write, so that a
//! loss of power at any moment can be replayed.
//!
//! It is a layer between SQLite and the system's files ([`install`] makes it SQLite's default for this process), so that
//! the store runs on it unchanged. Locks, shared memory and reads are the system's own. What it does is said per folder:
//! [`Disk::at`]. [`follow`] takes the same orders for the whole process from a file, for a program that is driven from
//! outside.
//!
//! Linked into tests and into builds with the feature `failpoints`; never into what is shipped.

mod disk;
mod orders;
mod power;
mod record;
mod vfs;

pub use disk::{Disk, follow, point};
pub use orders::{Call, Order, Then, Which, parse};
pub use power::{Cut, Held};
pub use record::{Op, Recording};
pub use vfs::install;
