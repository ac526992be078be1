//! The small registers: numbers, API keys, settings.

use rusqlite::{Connection, OptionalExtension, params};

use super::fault::Fault;
use crate::record::{ApiKeyRecord, NumberEntry};

pub(super) fn numbers(conn: &Connection) -> Result<Vec<NumberEntry>, Fault> {
    let mut query = conn.prepare_cached("SELECT app, display_digits, phone_number_id, waba_id FROM numbers")?;
    let rows = query.query_map([], |row| {
        Ok(NumberEntry {
            app: row.get(0)?,
            display_digits: row.get(1)?,
            phone_number_id: row.get(2)?,
            waba_id: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Adds or replaces a number. A WABA that is known is not forgotten because one body does not name it.
pub(super) fn put_number(conn: &Connection, number: &NumberEntry) -> Result<(), Fault> {
    conn.prepare_cached(
        "INSERT INTO numbers (app, display_digits, phone_number_id, waba_id) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (app, display_digits) DO UPDATE SET phone_number_id = excluded.phone_number_id,
             waba_id = CASE WHEN phone_number_id = excluded.phone_number_id
                            THEN coalesce(excluded.waba_id, waba_id) ELSE excluded.waba_id END",
    )?
    .execute(params![number.app, number.display_digits, number.phone_number_id, number.waba_id])?;
    Ok(())
}

pub(super) fn api_keys(conn: &Connection) -> Result<Vec<ApiKeyRecord>, Fault> {
    let mut query =
        conn.prepare_cached("SELECT id, name, hash, scope, owner, created_at, revoked_at FROM api_keys ORDER BY id")?;
    let rows = query.query_map([], |row| {
        Ok(ApiKeyRecord {
            id: row.get(0)?,
            name: row.get(1)?,
            hash: row.get(2)?,
            scope: row.get(3)?,
            owner: row.get(4)?,
            created_at_ms: row.get(5)?,
            revoked_at_ms: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn put_api_key(conn: &Connection, key: &ApiKeyRecord) -> Result<(), Fault> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO api_keys (id, name, hash, scope, owner, created_at, revoked_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![key.id, key.name, key.hash, key.scope, key.owner, key.created_at_ms, key.revoked_at_ms])?;
    Ok(())
}

pub(super) fn setting(conn: &Connection, name: &str) -> Result<Option<String>, Fault> {
    let mut query = conn.prepare_cached("SELECT value FROM settings WHERE name = ?1")?;
    Ok(query.query_row([name], |row| row.get(0)).optional()?)
}

pub(super) fn put_setting(conn: &Connection, name: &str, value: &str) -> Result<(), Fault> {
    conn.prepare_cached("INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)")?.execute([name, value])?;
    Ok(())
}
