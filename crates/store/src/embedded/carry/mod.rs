//! The folder as one end of a copy. It is locked as by a gateway, and nobody else has it open.

mod checksums;
mod rows;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension};

use super::fault::{Fault, Kind};
use super::lookup::{Carrier, seal_next};
use super::open::{self, Paths};
use super::registers;
use super::shared::lock;
use crate::copy::{Cell, End, MARK, Mark, Page, Table, judge, must_be_counted, refused};
use crate::error::StoreError;

/// Slices between two times at which the log is emptied into the file.
const SLICES_LOGGED: u32 = 32;
/// Events whose keys are sealed as one segment.
const SEGMENT_EVENTS: usize = if cfg!(test) { 4 } else { 131_072 };

/// What an empty store has no row in.
const TABLES: [&str; 12] = [
    "notifications",
    "events",
    "segments",
    "event_tail",
    "deliveries",
    "endpoints",
    "replays",
    "api_keys",
    "numbers",
    "labels",
    "contact_names",
    "settings",
];

/// The folder.
pub(crate) struct Folder {
    inner: Arc<Mutex<Inner>>,
    path: PathBuf,
}

/// What is locked while it is used.
struct Inner {
    conn: Connection,
    /// Of the keys, once they were asked for.
    carrier: Option<Carrier>,
    /// Since the log was emptied.
    slices: u32,
    _lock: File,
}

impl Folder {
    /// A folder with a store in it.
    pub(crate) async fn source(path: PathBuf) -> Result<Self, StoreError> {
        if !path.join("waypost.db").exists() {
            return Err(StoreError::NotFound { what: "store in the folder that is to be copied" });
        }
        let folder = Self::open(path).await?;
        let (mark, counting) =
            folder.on("read the store", |inner| Ok((mark(&inner.conn)?, counting(&inner.conn)?))).await?;
        if mark.is_some() {
            return Err(StoreError::Unfinished { store: folder.name() });
        }
        must_be_counted(&folder.name(), counting)?;
        Ok(folder)
    }

    /// A folder in which there is none yet, or a part of a copy.
    pub(crate) async fn target(path: PathBuf) -> Result<Self, StoreError> {
        Self::open(path).await
    }

    async fn open(path: PathBuf) -> Result<Self, StoreError> {
        let folder = path.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let paths = Paths::new(&folder);
            let lock = open::lock(&paths)?;
            Ok(Inner { conn: open::writer(&paths)?, carrier: None, slices: 0, _lock: lock })
        });
        let inner = opened.await.map_err(|_| StoreError::Closed)??;
        Ok(Self { inner: Arc::new(Mutex::new(inner)), path })
    }

    /// Does something with it, on a thread that may wait for the disk.
    async fn on<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Inner) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        let done = tokio::task::spawn_blocking(move || work(&mut lock(&inner))).await;
        done.map_err(|_| StoreError::Closed)?.map_err(|fault| fault.doing(doing).to_store_error(&self.path))
    }
}

/// A store into which a copy is not whole is nobody's to open.
pub(super) fn must_be_whole(conn: &Connection, folder: &Path) -> Result<(), StoreError> {
    match mark(conn).map_err(|fault| fault.to_store_error(folder))? {
        None => Ok(()),
        Some(_) => Err(StoreError::Unfinished { store: folder.display().to_string() }),
    }
}

fn mark(conn: &Connection) -> Result<Option<String>, Fault> {
    registers::setting(conn, MARK)
}

fn counting(conn: &Connection) -> Result<i64, Fault> {
    Ok(conn.query_row("SELECT count(*) FROM replays WHERE state = 'counting'", [], |row| row.get(0))?)
}

#[async_trait]
impl End for Folder {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    async fn fingerprint(&self) -> Result<String, StoreError> {
        self.on("read the store", |inner| {
            let told = inner.conn.query_row(
                "SELECT next_notification || '.' || next_event || '.' || next_delivery || '.' || duplicates || '.'
                    || accepted || '.' || dead || '.' || skipped || '.' || endpoints_version || '.' || retention_clock || '.'
                    || coalesce((SELECT hex(notification_id) FROM notifications ORDER BY id DESC LIMIT 1), '')
                    || coalesce((SELECT max(updated_at) FROM endpoints), '')
                 FROM ledger",
                [],
                |row| row.get(0),
            );
            Ok(told?)
        })
        .await
    }

    async fn count(&self, table: &'static Table) -> Result<u64, StoreError> {
        self.on("count the rows", move |inner| {
            if rows::are_keys(table) {
                let (carrier, conn) = inner.carrier()?;
                return carrier.count(conn);
            }
            let count: i64 = inner.conn.query_row(&Table::count(&table.folder), [], |row| row.get(0))?;
            Ok(u64::try_from(count).unwrap_or_default())
        })
        .await
    }

    async fn page(&self, table: &'static Table, after: Option<&[Cell]>) -> Result<Page, StoreError> {
        let after = after.map(<[Cell]>::to_vec);
        self.on("read rows", move |inner| {
            if rows::are_keys(table) {
                let (carrier, conn) = inner.carrier()?;
                return rows::page_of_keys(carrier, conn, after.as_deref());
            }
            rows::page(&inner.conn, table, after.as_deref())
        })
        .await
    }

    async fn begin(&self, of: &str) -> Result<Mark, StoreError> {
        let (text, is_empty) =
            self.on("look at the store", |inner| Ok((mark(&inner.conn)?, is_empty(&inner.conn)?))).await?;
        let (mark, is_new) = judge(&self.name(), text.as_deref(), is_empty, of)?;
        if is_new {
            let text = mark.to_text();
            self.on("begin the copy", move |inner| {
                inner.transaction(|conn| {
                    conn.execute_batch(
                        "CREATE TABLE carried_keys (event INTEGER PRIMARY KEY, partition INTEGER NOT NULL,
                             event_id BLOB NOT NULL, digest INTEGER NOT NULL, last_arrival INTEGER NOT NULL)",
                    )?;
                    registers::put_setting(conn, MARK, &text)
                })
            })
            .await?;
        }
        Ok(mark)
    }

    async fn write(
        &self,
        table: &'static Table,
        rows: Vec<Vec<Cell>>,
        from: &Mark,
        to: &Mark,
    ) -> Result<(), StoreError> {
        let (from, to) = (from.to_text(), to.to_text());
        self.on("write rows", move |inner| {
            inner.carrier = None;
            inner.transaction(|conn| {
                move_mark(conn, &from, &to)?;
                rows::write(conn, table, &rows)
            })?;
            inner.slices += 1;
            if inner.slices >= SLICES_LOGGED {
                inner.slices = 0;
                open::empty_the_log(&inner.conn)?;
            }
            Ok(())
        })
        .await
    }

    async fn complete(&self, from: &Mark, to: &Mark) -> Result<(), StoreError> {
        let (from, to) = (from.to_text(), to.to_text());
        self.on("complete the copy", move |inner| {
            inner.carrier = None;
            // Each segment says itself how far they are sealed.
            while inner.transaction(|conn| seal_next(conn, SEGMENT_EVENTS))? {
                open::empty_the_log(&inner.conn)?;
            }
            for table in checksums::TABLES {
                let mut place = Some(i64::MIN);
                while let Some(after) = place {
                    place = inner.transaction(|conn| checksums::write(conn, table, after))?;
                    open::empty_the_log(&inner.conn)?;
                }
            }
            inner.transaction(|conn| {
                conn.execute_batch("DROP TABLE carried_keys")?;
                move_mark(conn, &from, &to)
            })
        })
        .await
    }

    async fn publish(&self, mark: &Mark) -> Result<(), StoreError> {
        let mark = mark.to_text();
        let gone = self.on("finish the copy", move |inner| {
            open::empty_the_log(&inner.conn)?;
            inner.transaction(|conn| {
                Ok(conn.execute("DELETE FROM settings WHERE name = ?1 AND value = ?2", [MARK, mark.as_str()])?)
            })
        });
        match gone.await? {
            1 => Ok(()),
            _ => Err(refused("the copy was finished by another process")),
        }
    }
}

fn is_empty(conn: &Connection) -> Result<bool, Fault> {
    for table in TABLES {
        let row = conn.query_row(&format!("SELECT 1 FROM {table} LIMIT 1"), [], |_| Ok(())).optional()?;
        if row.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn move_mark(conn: &Connection, from: &str, to: &str) -> Result<(), Fault> {
    let moved = conn
        .prepare_cached("UPDATE settings SET value = ?3 WHERE name = ?1 AND value = ?2")?
        .execute([MARK, from, to])?;
    match moved {
        1 => Ok(()),
        _ => Err(Fault::new(Kind::Internal, "move the mark", "the copy is not where it was left")),
    }
}

impl Inner {
    fn carrier(&mut self) -> Result<(&mut Carrier, &Connection), Fault> {
        if self.carrier.is_none() {
            self.carrier = Some(Carrier::new(&self.conn)?);
        }
        let none = || Fault::new(Kind::Internal, "read the keys", "they are not open");
        Ok((self.carrier.as_mut().ok_or_else(none)?, &self.conn))
    }

    /// Does something in a transaction, or leaves nothing of it.
    fn transaction<T>(&mut self, work: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        let tx = self.conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let done = work(&tx)?;
        tx.commit().map_err(|error| Fault::from(error).at_commit())?;
        Ok(done)
    }
}
