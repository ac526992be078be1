//! Endpoints: reading them, and changing them under a version.

use rules::breaker::Standing;
use rules::limits::ENDPOINTS_MAX;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::fault::Fault;
use super::job::{Refusal, Tx};
use super::removal;
use super::shared::{Shared, lock};
use crate::error::StoreError;
use crate::record::{EndpointNo, EndpointRecord, EndpointState};
use crate::seam::EndpointChange;

/// What a change did, for the board to learn.
pub(super) enum Changed {
    /// The endpoint is now like this.
    Is(EndpointRecord),
    /// The endpoint is gone.
    Gone(EndpointNo),
}

const COLUMNS: &str =
    "number, id, owner, state, state_reason, ordered, concurrency_max, definition, declared, revision,
                       created_at, updated_at, rate_per_second_max, stood_ms, standing_since";

/// All endpoints; what they are owed is the board's to say.
pub(super) fn all(conn: &Connection) -> Result<Vec<EndpointRecord>, Fault> {
    let mut query =
        conn.prepare(&format!("SELECT {COLUMNS} FROM endpoints WHERE removed_at IS NULL ORDER BY number"))?;
    let rows = query.query_map([], record)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The version of the endpoints, in the same snapshot as [`all`].
pub(super) fn version(conn: &Connection) -> Result<u64, Fault> {
    let version: i64 = conn.query_row("SELECT endpoints_version FROM ledger", [], |row| row.get(0))?;
    Ok(u64::try_from(version).unwrap_or_default())
}

/// Makes the changes, all or none, and gives the version that follows.
pub(super) fn change(tx: &mut Tx<'_>, changes: &[EndpointChange], now_ms: i64) -> Result<(u64, Vec<Changed>), Refusal> {
    let mut changed = Vec::with_capacity(changes.len());
    for change in changes {
        changed.push(match change {
            EndpointChange::At { version } => {
                must_be_at(tx, *version)?;
                continue;
            }
            EndpointChange::Put { endpoint, if_revision } => put(tx, endpoint, *if_revision, now_ms)?,
            EndpointChange::State { id, state, reason } => set_state(tx, id, *state, reason, now_ms)?,
            EndpointChange::Remove { id, if_revision } => remove(tx, id, *if_revision, now_ms)?,
        });
    }
    tx.ledger.endpoints_version += 1;
    Ok((u64::try_from(tx.ledger.endpoints_version).unwrap_or_default(), changed))
}

fn must_be_at(tx: &Tx<'_>, version: u64) -> Result<(), Refusal> {
    if u64::try_from(tx.ledger.endpoints_version).is_ok_and(|now| now == version) {
        return Ok(());
    }
    Err(Refusal::Refused(StoreError::VersionConflict))
}

/// Tells the board what is durable now.
pub(super) fn learn(changed: &[Changed], shared: &Shared) {
    for change in changed {
        match change {
            Changed::Is(record) => lock(&shared.board).put_endpoint(record, None),
            Changed::Gone(number) => {
                lock(&shared.board).remove_endpoint(*number);
                removal::go_on(shared, number.0);
            }
        }
    }
    shared.wake.notify_one();
}

fn put(tx: &Tx<'_>, endpoint: &EndpointRecord, if_revision: Option<u64>, now_ms: i64) -> Result<Changed, Refusal> {
    let there = find(tx.conn, &endpoint.id)?;
    let fits = match (&there, if_revision) {
        (None, None) | (_, Some(0)) => true,
        (Some(there), Some(revision)) => there.revision == revision,
        (Some(_), None) | (None, Some(_)) => false,
    };
    if !fits {
        return Err(Refusal::Refused(StoreError::VersionConflict));
    }
    match there {
        Some(there) => update(tx, endpoint, &there, now_ms)?,
        None => insert(tx, endpoint, now_ms)?,
    }
    is_now(tx, &endpoint.id)
}

fn insert(tx: &Tx<'_>, endpoint: &EndpointRecord, now_ms: i64) -> Result<(), Refusal> {
    let count: i64 =
        tx.conn.query_row("SELECT count(*) FROM endpoints WHERE removed_at IS NULL", [], |row| row.get(0))?;
    if usize::try_from(count).unwrap_or(usize::MAX) >= ENDPOINTS_MAX {
        return Err(Refusal::Refused(StoreError::LimitReached { what: "endpoints", limit: ENDPOINTS_MAX }));
    }
    tx.conn
        .prepare_cached(
            "INSERT INTO endpoints (id, owner, state, state_reason, ordered, concurrency_max, definition, declared,
                                    revision, created_at, updated_at, rate_per_second_max, stood_ms, standing_since)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?9, ?10, 0, ?11)",
        )?
        .execute(params![
            endpoint.id,
            endpoint.owner,
            endpoint.state.as_str(),
            endpoint.state_reason,
            endpoint.ordered,
            endpoint.concurrency_max,
            endpoint.definition_json,
            endpoint.declared,
            now_ms,
            endpoint.rate_per_second_max,
            (endpoint.state != EndpointState::Active).then_some(now_ms),
        ])?;
    Ok(())
}

fn update(tx: &Tx<'_>, endpoint: &EndpointRecord, there: &EndpointRecord, now_ms: i64) -> Result<(), Refusal> {
    let standing = there.standing.changed(endpoint.state == EndpointState::Active, now_ms);
    tx.conn
        .prepare_cached(
            "UPDATE endpoints SET owner = ?2, state = ?3, state_reason = ?4, ordered = ?5, concurrency_max = ?6,
                    definition = ?7, declared = ?8, revision = revision + 1, updated_at = ?9, rate_per_second_max = ?10,
                    stood_ms = ?11, standing_since = ?12
             WHERE number = ?1",
        )?
        .execute(params![
            there.number.0,
            endpoint.owner,
            endpoint.state.as_str(),
            endpoint.state_reason,
            endpoint.ordered,
            endpoint.concurrency_max,
            endpoint.definition_json,
            endpoint.declared,
            now_ms,
            endpoint.rate_per_second_max,
            standing.stood_ms,
            standing.since_ms,
        ])?;
    Ok(())
}

fn set_state(tx: &Tx<'_>, id: &str, state: EndpointState, reason: &str, now_ms: i64) -> Result<Changed, Refusal> {
    let Changed::Is(there) = is_now(tx, id)? else {
        return Err(Refusal::Refused(missing()));
    };
    let standing = there.standing.changed(state == EndpointState::Active, now_ms);
    tx.conn
        .prepare_cached(
            "UPDATE endpoints SET state = ?2, state_reason = ?3, revision = revision + 1, updated_at = ?4, stood_ms = ?5,
                    standing_since = ?6
             WHERE id = ?1 AND removed_at IS NULL",
        )?
        .execute(params![id, state.as_str(), reason, now_ms, standing.stood_ms, standing.since_ms])?;
    is_now(tx, id)
}

fn remove(tx: &Tx<'_>, id: &str, if_revision: Option<u64>, now_ms: i64) -> Result<Changed, Refusal> {
    let Changed::Is(there) = is_now(tx, id)? else {
        return Err(Refusal::Refused(missing()));
    };
    if if_revision.is_some_and(|revision| revision != there.revision) {
        return Err(Refusal::Refused(StoreError::VersionConflict));
    }
    tx.conn
        .prepare_cached(
            "UPDATE endpoints SET removed_at = ?2, updated_at = ?2, definition = '{}', state = 'disabled',
                    revision = revision + 1
             WHERE number = ?1",
        )?
        .execute(params![there.number.0, now_ms])?;
    Ok(Changed::Gone(there.number))
}

fn is_now(tx: &Tx<'_>, id: &str) -> Result<Changed, Refusal> {
    find(tx.conn, id)?.map(Changed::Is).ok_or(Refusal::Refused(missing()))
}

fn missing() -> StoreError {
    StoreError::NotFound { what: "endpoint" }
}

fn find(conn: &Connection, id: &str) -> Result<Option<EndpointRecord>, Fault> {
    let mut query =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM endpoints WHERE id = ?1 AND removed_at IS NULL"))?;
    Ok(query.query_row([id], record).optional()?)
}

fn record(row: &Row<'_>) -> rusqlite::Result<EndpointRecord> {
    let state: String = row.get(3)?;
    let revision: i64 = row.get(9)?;
    Ok(EndpointRecord {
        number: EndpointNo(row.get(0)?),
        id: row.get(1)?,
        owner: row.get(2)?,
        state: EndpointState::of(&state),
        state_reason: row.get(4)?,
        ordered: row.get(5)?,
        concurrency_max: row.get(6)?,
        definition_json: row.get(7)?,
        declared: row.get(8)?,
        revision: u64::try_from(revision).unwrap_or_default(),
        created_at_ms: row.get(10)?,
        updated_at_ms: row.get(11)?,
        rate_per_second_max: row.get(12)?,
        standing: Standing { stood_ms: row.get(13)?, since_ms: row.get(14)? },
        owed: 0,
        last_accepted_at_ms: None,
    })
}
