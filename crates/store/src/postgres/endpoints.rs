//! Endpoints: reading them, and changing them under a version.

use rules::breaker::Standing;
use rules::limits::ENDPOINTS_MAX;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::fault::Fault;
use super::session::{Sql, cell};
use super::tx::Tx;
use super::value::text;
use crate::error::StoreError;
use crate::record::{EndpointNo, EndpointRecord, EndpointState};
use crate::seam::EndpointChange;

/// Why a transaction is not committed.
pub(super) enum Refusal {
    /// What was asked for must not be done.
    Refused(StoreError),
    /// The database did not do it.
    Fault(Fault),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// An endpoint as the tables have it.
pub(super) struct Seen {
    pub(super) record: EndpointRecord,
    pub(super) is_removed: bool,
}

macro_rules! columns {
    () => {
        "SELECT number, id, owner, state, state_reason, ordered, concurrency_max, definition, declared, revision,
                created_at, updated_at, rate_per_second_max, stood_ms, standing_since, removed_at IS NOT NULL
         FROM waypost.endpoints "
    };
}
static ALL: Sql = Sql::new(concat!(columns!(), "WHERE removed_at IS NULL ORDER BY number"), &[]);
static SINCE: Sql = Sql::new(concat!(columns!(), "WHERE version > $1"), &[Type::INT8]);
static OF: Sql = Sql::new(concat!(columns!(), "WHERE number = ANY ($1)"), &[Type::INT8_ARRAY]);
static FIND: Sql = Sql::new(concat!(columns!(), "WHERE id = $1 AND removed_at IS NULL"), &[Type::TEXT]);
static VERSION: Sql = Sql::new("SELECT endpoints_version FROM waypost.ledger", &[]);
static NEXT_VERSION: Sql =
    Sql::new("UPDATE waypost.ledger SET endpoints_version = endpoints_version + 1 RETURNING endpoints_version", &[]);
static COUNT: Sql = Sql::new("SELECT count(*) FROM waypost.endpoints WHERE removed_at IS NULL", &[]);
static INSERT: Sql = Sql::new(
    "WITH made AS (
         INSERT INTO waypost.endpoints (id, owner, state, state_reason, ordered, concurrency_max, definition, declared,
             revision, created_at, updated_at, rate_per_second_max, stood_ms, standing_since, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9, $10, 0, $11, $12) RETURNING number
     )
     INSERT INTO waypost.owners (endpoint, node, fence)
     SELECT number, (SELECT id FROM waypost.nodes WHERE id = $13 AND NOT fenced), 1 FROM made RETURNING endpoint",
    &[
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::BOOL,
        Type::INT8,
        Type::TEXT,
        Type::BOOL,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
    ],
);
static UPDATE: Sql = Sql::new(
    "UPDATE waypost.endpoints SET owner = $2, state = $3, state_reason = $4, ordered = $5, concurrency_max = $6,
         definition = $7, declared = $8, revision = revision + 1, updated_at = $9, rate_per_second_max = $10,
         stood_ms = $11, standing_since = $12, version = $13
     WHERE number = $1",
    &[
        Type::INT8,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::BOOL,
        Type::INT8,
        Type::TEXT,
        Type::BOOL,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
    ],
);
static SET_STATE: Sql = Sql::new(
    "UPDATE waypost.endpoints SET state = $2, state_reason = $3, revision = revision + 1, updated_at = $4, stood_ms = $5,
         standing_since = $6, version = $7
     WHERE number = $1",
    &[Type::INT8, Type::TEXT, Type::TEXT, Type::INT8, Type::INT8, Type::INT8, Type::INT8],
);
static REMOVE: Sql = Sql::new(
    "WITH gone AS (DELETE FROM waypost.owners WHERE endpoint = $1)
     UPDATE waypost.endpoints SET removed_at = $2, updated_at = $2, definition = '{}', state = 'disabled',
         revision = revision + 1, version = $3
     WHERE number = $1",
    &[Type::INT8, Type::INT8, Type::INT8],
);

/// All endpoints, without what they are owed.
pub(super) async fn all(tx: &mut Tx) -> Result<Vec<EndpointRecord>, Fault> {
    let rows = tx.query(&ALL, &[]).await?;
    rows.iter().map(|row| seen(row).map(|seen| seen.record)).collect()
}

/// Those that were changed after a version, removed ones included.
pub(super) async fn since(tx: &mut Tx, version: i64) -> Result<Vec<Seen>, Fault> {
    tx.query(&SINCE, &[&version]).await?.iter().map(seen).collect()
}

/// These.
pub(super) async fn of(tx: &mut Tx, numbers: &[i64]) -> Result<Vec<Seen>, Fault> {
    tx.query(&OF, &[&numbers]).await?.iter().map(seen).collect()
}

/// The version of the endpoints.
pub(super) async fn version(tx: &mut Tx) -> Result<u64, Fault> {
    let version: i64 = cell(&tx.query_one(&VERSION, &[]).await?, 0)?;
    Ok(u64::try_from(version).unwrap_or_default())
}

/// Gives the endpoints a new version. No batch that was routed by the old one is committed from here on.
pub(super) async fn next_version(tx: &mut Tx) -> Result<i64, Fault> {
    cell(&tx.query_one(&NEXT_VERSION, &[]).await?, 0)
}

/// What a change did.
pub(super) struct Changed {
    pub(super) version: u64,
    /// Endpoints that were made, and are this node's.
    pub(super) made: Vec<EndpointNo>,
    /// Some were removed.
    pub(super) removed: bool,
}

/// Makes the changes, all or none.
pub(super) async fn change(
    tx: &mut Tx,
    changes: &[EndpointChange],
    now_ms: i64,
    node: i64,
) -> Result<Changed, Refusal> {
    // The version comes first: its row keeps other changes out until this one is over.
    let version = next_version(tx).await?;
    let mut changed = Changed { version: u64::try_from(version).unwrap_or_default(), made: Vec::new(), removed: false };
    for change in changes {
        match change {
            EndpointChange::At { version: seen } => {
                if u64::try_from(version - 1).ok() != Some(*seen) {
                    return Err(Refusal::Refused(StoreError::VersionConflict));
                }
            }
            EndpointChange::Put { endpoint, if_revision } => {
                changed.made.extend(put(tx, endpoint, *if_revision, (now_ms, version, node)).await?);
            }
            EndpointChange::State { id, state, reason } => {
                let there = there(tx, id).await?;
                let standing = there.standing.changed(*state == EndpointState::Active, now_ms);
                let (number, word, reason) = (there.number.0, state.as_str(), text(reason));
                let values: [super::session::Value<'_>; 7] =
                    [&number, &word, &reason, &now_ms, &standing.stood_ms, &standing.since_ms, &version];
                let _count = tx.execute(&SET_STATE, &values).await?;
            }
            EndpointChange::Remove { id, if_revision } => {
                let there = there(tx, id).await?;
                if if_revision.is_some_and(|revision| revision != there.revision) {
                    return Err(Refusal::Refused(StoreError::VersionConflict));
                }
                let _count = tx.execute(&REMOVE, &[&there.number.0, &now_ms, &version]).await?;
                changed.removed = true;
            }
        }
    }
    Ok(changed)
}

async fn put(
    tx: &mut Tx,
    endpoint: &EndpointRecord,
    if_revision: Option<u64>,
    (now_ms, version, node): (i64, i64, i64),
) -> Result<Option<EndpointNo>, Refusal> {
    let there = find(tx, &endpoint.id).await?;
    let fits = match (&there, if_revision) {
        (None, None) | (_, Some(0)) => true,
        (Some(there), Some(revision)) => there.revision == revision,
        (Some(_), None) | (None, Some(_)) => false,
    };
    if !fits {
        return Err(Refusal::Refused(StoreError::VersionConflict));
    }
    let (id, owner, reason, definition) =
        (text(&endpoint.id), text(&endpoint.owner), text(&endpoint.state_reason), text(&endpoint.definition_json));
    let (state, concurrency) = (endpoint.state.as_str(), i64::from(endpoint.concurrency_max));
    let rate = endpoint.rate_per_second_max.map(i64::from);
    let Some(there) = there else {
        let count: i64 = cell(&tx.query_one(&COUNT, &[]).await?, 0)?;
        if usize::try_from(count).unwrap_or(usize::MAX) >= ENDPOINTS_MAX {
            return Err(Refusal::Refused(StoreError::LimitReached { what: "endpoints", limit: ENDPOINTS_MAX }));
        }
        let standing_since = (endpoint.state != EndpointState::Active).then_some(now_ms);
        let values: [super::session::Value<'_>; 13] = [
            &id,
            &owner,
            &state,
            &reason,
            &endpoint.ordered,
            &concurrency,
            &definition,
            &endpoint.declared,
            &now_ms,
            &rate,
            &standing_since,
            &version,
            &node,
        ];
        let made: i64 = cell(&tx.query_one(&INSERT, &values).await?, 0)?;
        return Ok(Some(EndpointNo(made)));
    };
    let standing = there.standing.changed(endpoint.state == EndpointState::Active, now_ms);
    let values: [super::session::Value<'_>; 13] = [
        &there.number.0,
        &owner,
        &state,
        &reason,
        &endpoint.ordered,
        &concurrency,
        &definition,
        &endpoint.declared,
        &now_ms,
        &rate,
        &standing.stood_ms,
        &standing.since_ms,
        &version,
    ];
    let _count = tx.execute(&UPDATE, &values).await?;
    Ok(None)
}

async fn there(tx: &mut Tx, id: &str) -> Result<EndpointRecord, Refusal> {
    find(tx, id).await?.ok_or(Refusal::Refused(StoreError::NotFound { what: "endpoint" }))
}

async fn find(tx: &mut Tx, id: &str) -> Result<Option<EndpointRecord>, Fault> {
    let row = tx.query_opt(&FIND, &[&text(id)]).await?;
    Ok(row.as_ref().map(seen).transpose()?.map(|seen| seen.record))
}

fn seen(row: &Row) -> Result<Seen, Fault> {
    let (state, revision): (String, i64) = (cell(row, 3)?, cell(row, 9)?);
    let (concurrency, rate): (i64, Option<i64>) = (cell(row, 6)?, cell(row, 12)?);
    let record = EndpointRecord {
        number: EndpointNo(cell(row, 0)?),
        id: cell(row, 1)?,
        owner: cell(row, 2)?,
        state: EndpointState::of(&state),
        state_reason: cell(row, 4)?,
        ordered: cell(row, 5)?,
        concurrency_max: u32::try_from(concurrency).unwrap_or(u32::MAX),
        definition_json: cell(row, 7)?,
        declared: cell(row, 8)?,
        revision: u64::try_from(revision).unwrap_or_default(),
        created_at_ms: cell(row, 10)?,
        updated_at_ms: cell(row, 11)?,
        rate_per_second_max: rate.map(|rate| u32::try_from(rate).unwrap_or(u32::MAX)),
        standing: Standing { stood_ms: cell(row, 13)?, since_ms: cell(row, 14)? },
        owed: 0,
        last_accepted_at_ms: None,
    };
    Ok(Seen { record, is_removed: cell(row, 15)? })
}
