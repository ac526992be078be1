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
//! | `lock`, `migrate`, `schema/` | a lock that is a row with a lease; the steps from an empty database to the newest version |
//! | `open`, `tuning`, `shared` | opening, the tasks of a node, what they share |
//! | `lease`, `owners` | this node's right to deliver; which endpoints are its own |
//! | `commit` | keeping batches |
//! | `feed` | what the board learns of what this node and others wrote |
//! | `claim`, `settle`, `payloads` | what is owed, what came of it, and the bodies |
//! | `endpoints`, `registers` | what is set by people |
//! | `replay`, `hand`, `backlog` | what people do again, at once, or no more; what ends by its limits |
//! | `read`, `tally` | queries and totals |
//! | `days`, `retention` | partitions, made ahead and dropped whole |
//! | `inspect` | a database looked at from outside |
//! | `carry` | the database as one end of a copy into another engine, or out of one |

mod backlog;
mod carry;
mod claim;
mod commit;
mod days;
mod endpoints;
mod fault;
mod feed;
mod hand;
mod inspect;
mod lease;
mod lock;
mod migrate;
mod open;
mod options;
mod owners;
mod payloads;
mod pool;
mod read;
mod registers;
mod replay;
mod retention;
mod session;
mod settle;
mod shared;
mod store;
mod tally;
#[cfg(test)]
mod tests;
mod tls;
mod tuning;
mod tx;
mod value;

pub(crate) use self::carry::Database;
pub use self::inspect::{PostgresReport, inspect, migrate};
pub use self::open::Postgres;
pub use self::options::{BadAddress, PostgresOptions};
pub use self::tuning::PostgresTuning;
