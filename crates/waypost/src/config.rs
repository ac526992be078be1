//! The configuration: as typed (`raw`), as meant (`checked`), and how one becomes the other (`load`).
//!
//! ```text
//! environment ─┐
//! waypost.toml ┼─▶ reader ─▶ raw ─▶ checked ─▶ Config, or every Problem with its line
//! default.toml ┘
//! ```

mod checked;
mod document;
mod endpoints;
mod environment;
mod known;
mod load;
mod problem;
mod raw;
mod reader;
mod reference;
#[cfg(test)]
mod tests;

pub(crate) use checked::{Config, LogFormat, LogSettings, SecretsKey, StorePlace, is_database};
pub(crate) use environment::Environment;
pub(crate) use load::{DEFAULT, USUAL_FILE, check, load, store_place};
pub(crate) use problem::{Problems, Report, nearest};
