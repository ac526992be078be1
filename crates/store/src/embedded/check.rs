//! Checking a store: SQLite's own check of every page, the checksums of the rows, and what must hold between the tables.

mod records;

use std::path::Path;

use rusqlite::Connection;

use super::fault::{Fault, Kind};
use super::ledger::Ledger;
use super::open::{self, Paths};
use super::schema::{self, Found};
use super::{lookup, loss};
use crate::error::StoreError;

/// Problems that a report lists at most.
const PROBLEMS_MAX: usize = 100;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// The store's version.
    pub version: u32,
    /// Notifications in it.
    pub notifications: u64,
    /// Events in it.
    pub events: u64,
    /// Deliveries in it.
    pub deliveries: u64,
    /// Of them owed.
    pub owed: u64,
    /// What is wrong with the store as a whole, in a sentence each; at most a hundred.
    pub problems: Vec<String>,
    /// Events, notifications and bodies that are not what was written: each of these is lost, and the rest is not. A
    /// sentence each; at most a hundred.
    pub damaged: Vec<String>,
    /// How many there are of those.
    pub damaged_count: u64,
}

impl CheckReport {
    /// True when nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty() && self.damaged_count == 0
    }
}

/// What must count to zero, and what it means when it does not.
const MUST_BE_NONE: &[(&str, &str)] = &[
    (
        "SELECT count(*) FROM events WHERE notification NOT IN (SELECT id FROM notifications)",
        "events without their notification",
    ),
    ("SELECT count(*) FROM deliveries WHERE event NOT IN (SELECT id FROM events)", "deliveries without their event"),
    (
        "SELECT count(*) FROM deliveries WHERE endpoint NOT IN (SELECT number FROM endpoints)",
        "deliveries without their endpoint",
    ),
    (
        "SELECT count(*) FROM deliveries d JOIN events e ON e.id = d.event WHERE d.state = 0
         AND NOT EXISTS (SELECT 1 FROM bodies b WHERE b.notification = e.notification)",
        "owed deliveries whose body is gone",
    ),
    (
        "SELECT count(*) FROM replay_items WHERE replay NOT IN (SELECT number FROM replays)",
        "items to be replayed without their replay",
    ),
    (
        "SELECT count(*) FROM bodies WHERE notification NOT IN (SELECT id FROM notifications)",
        "bodies without their notification",
    ),
    (
        "SELECT count(*) FROM conflicts WHERE notification NOT IN (SELECT id FROM notifications)",
        "conflicting copies without their notification",
    ),
    (
        "SELECT count(*) FROM attempts WHERE delivery NOT IN (SELECT id FROM deliveries)",
        "attempts without their delivery",
    ),
];

/// Checks the store in a folder, reading only. A gateway may be running on it.
///
/// # Errors
///
/// [`StoreError::Damaged`] when the file cannot be read as a store at all.
pub fn check(folder: &Path) -> Result<CheckReport, StoreError> {
    let paths = Paths::new(folder);
    // Whoever has it open has looked already, and writes to the log that would be looked at.
    let lock = open::lock_to_look(&paths);
    let before = lock.as_ref().map(|_| loss::look_only(&paths)).unwrap_or_default();
    let checked = open::reader(&paths).and_then(|conn| {
        let mut report = report(&conn)?;
        if let Ok(ledger) = Ledger::load(&conn) {
            report.problems.extend(before.lost(&ledger));
        }
        Ok(report)
    });
    drop(lock);
    checked.map_err(|fault| fault.doing("check the store").to_store_error(folder))
}

/// Checks an open database, in one snapshot.
pub(super) fn report(conn: &Connection) -> Result<CheckReport, Fault> {
    let snapshot = conn.unchecked_transaction()?;
    let version = match schema::identify(&snapshot)? {
        Found::Store(version) => version,
        Found::Nothing => return Err(Fault::new(Kind::Damaged, "check the store", "the file is empty")),
    };
    let mut problems = pages(&snapshot)?;
    // Damaged pages make the rest of the questions pointless.
    if problems.is_empty() {
        relations(&snapshot, &mut problems)?;
    }
    // A damaged page ends a walk over its table, and is told already.
    let damaged = match records::damaged(&snapshot) {
        Ok(damaged) => damaged,
        Err(fault) if !problems.is_empty() && fault.kind() == Kind::Damaged => records::Damaged::default(),
        Err(fault) => return Err(fault),
    };
    let count = |sql: &str| count(&snapshot, sql).unwrap_or_default();
    Ok(CheckReport {
        version,
        notifications: count("SELECT count(*) FROM notifications"),
        events: count("SELECT count(*) FROM events"),
        deliveries: count("SELECT count(*) FROM deliveries"),
        owed: count("SELECT count(*) FROM deliveries WHERE state = 0"),
        problems,
        damaged: damaged.sentences,
        damaged_count: damaged.count,
    })
}

fn pages(conn: &Connection) -> Result<Vec<String>, Fault> {
    let mut query = conn.prepare(&format!("PRAGMA integrity_check({PROBLEMS_MAX})"))?;
    let lines = query.query_map([], |row| row.get::<_, String>(0))?;
    let lines: Vec<String> = lines.collect::<Result<_, _>>()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

fn relations(conn: &Connection, problems: &mut Vec<String>) -> Result<(), Fault> {
    for (sql, what) in MUST_BE_NONE {
        let found = count(conn, sql)?;
        if found > 0 {
            problems.push(format!("{found} {what}"));
        }
    }
    let damaged = lookup::damaged(conn)?;
    if damaged > 0 {
        problems
            .push(format!("{damaged} pieces of what events are known by are not what was written; events stand in"));
    }
    let unknown = lookup::unknown_events(conn)?;
    if unknown > 0 {
        problems.push(format!("{unknown} events that would be taken for new if they came again"));
    }
    let ledger = Ledger::load(conn)?;
    let owed = count(conn, "SELECT count(*) FROM deliveries WHERE state = 0")?;
    if u64::try_from(ledger.owed()) != Ok(owed) {
        problems.push(format!("{owed} deliveries are owed, and the totals say {}", ledger.owed()));
    }
    let reused = count(
        conn,
        "SELECT (SELECT coalesce(max(id), 0) FROM events) >= next_event
             OR (SELECT coalesce(max(id), 0) FROM deliveries) >= next_delivery
             OR (SELECT coalesce(max(id), 0) FROM notifications) >= next_notification FROM ledger",
    )?;
    if reused > 0 {
        problems.push("numbers would be given out twice".to_owned());
    }
    Ok(())
}

fn count(conn: &Connection, sql: &str) -> Result<u64, Fault> {
    let count: i64 = conn.query_row(sql, [], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or_default())
}
