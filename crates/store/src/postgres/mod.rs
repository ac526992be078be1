//! The PostgreSQL engine: any number of nodes on one database, 15 or newer.
//!
//! No extension, no superuser and no session state is used, so that it runs on managed services and behind a pooler that
//! gives out a session for each transaction. Every name in SQL is qualified with the schema `waypost`; settings are local
//! to their transaction; statements go unnamed unless the address asks otherwise; nobody takes an advisory lock.
//!
//! | file | holds |
//! | --- | --- |
//! | `options`, `tls` | how the database is reached, and how it proves who it is |
//! | `pool`, `session` | a bounded number of sessions, and no storm of them when the database comes back |
//! | `tx`, `fault` | one transaction, and how it ended: committed, not committed, or not known |
//! | `lock`, `migrate` | a lock that is a row with a lease; the steps from an empty database to the newest version |

mod fault;
mod lock;
mod migrate;
mod options;
mod pool;
mod session;
#[cfg(test)]
mod tests;
mod tls;
mod tx;

pub use self::options::{BadAddress, PostgresOptions};
