//! The small registers: numbers, labels, API keys, settings.

use std::collections::BTreeMap;

use rules::limits::LABELS_MAX;
use rules::route::Labelled;
use tokio_postgres::types::Type;

use super::endpoints::{Refusal, next_version};
use super::fault::{Fault, Kind};
use super::session::{Sql, cell};
use super::tx::Tx;
use super::value::{text, text_opt};
use crate::error::StoreError;
use crate::labels::LabelsOf;
use crate::record::{ApiKeyRecord, NumberEntry};

static NUMBERS: Sql = Sql::new("SELECT app, display_digits, phone_number_id, waba_id FROM waypost.numbers", &[]);
static PUT_NUMBERS: Sql = Sql::new(
    "INSERT INTO waypost.numbers AS n (app, display_digits, phone_number_id, waba_id)
     SELECT * FROM unnest($1, $2, $3, $4)
     ON CONFLICT (app, display_digits) DO UPDATE SET phone_number_id = excluded.phone_number_id,
         waba_id = CASE WHEN n.phone_number_id = excluded.phone_number_id
                        THEN coalesce(excluded.waba_id, n.waba_id) ELSE excluded.waba_id END",
    &[Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY],
);
static LABELS: Sql =
    Sql::new("SELECT kind, id, label FROM waypost.labels ORDER BY kind, id COLLATE \"C\", label COLLATE \"C\"", &[]);
static DROP_LABELS: Sql = Sql::new("DELETE FROM waypost.labels WHERE kind = $1 AND id = $2", &[Type::INT2, Type::TEXT]);
static PUT_LABELS: Sql = Sql::new(
    "INSERT INTO waypost.labels (kind, id, label) SELECT $1, $2, unnest($3) ON CONFLICT DO NOTHING",
    &[Type::INT2, Type::TEXT, Type::TEXT_ARRAY],
);
static COUNT_LABELS: Sql = Sql::new("SELECT count(*) FROM waypost.labels", &[]);
static API_KEYS: Sql = Sql::new(
    "SELECT id, name, hash, scope, owner, created_at, revoked_at FROM waypost.api_keys ORDER BY id COLLATE \"C\"",
    &[],
);
static PUT_API_KEY: Sql = Sql::new(
    "INSERT INTO waypost.api_keys (id, name, hash, scope, owner, created_at, revoked_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, hash = excluded.hash, scope = excluded.scope,
         owner = excluded.owner, created_at = excluded.created_at, revoked_at = excluded.revoked_at",
    &[Type::TEXT, Type::TEXT, Type::BYTEA, Type::TEXT, Type::TEXT, Type::INT8, Type::INT8],
);
static SETTING: Sql = Sql::new("SELECT value FROM waypost.settings WHERE name = $1", &[Type::TEXT]);
static PUT_SETTING: Sql = Sql::new(
    "INSERT INTO waypost.settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    &[Type::TEXT, Type::TEXT],
);

/// The directory of numbers.
pub(super) async fn numbers(tx: &mut Tx) -> Result<Vec<NumberEntry>, Fault> {
    let entry = |row: &tokio_postgres::Row| {
        Ok(NumberEntry {
            app: cell(row, 0)?,
            display_digits: cell(row, 1)?,
            phone_number_id: cell(row, 2)?,
            waba_id: cell(row, 3)?,
        })
    };
    tx.query(&NUMBERS, &[]).await?.iter().map(entry).collect()
}

/// Adds or replaces numbers, of two for the same digits the last. A WABA that is known is not forgotten because one body
/// does not name it.
pub(super) async fn put_numbers<'n>(tx: &mut Tx, numbers: impl Iterator<Item = &'n NumberEntry>) -> Result<(), Fault> {
    // In their order, so that two batches with the same numbers do not wait for each other in a circle.
    let numbers: BTreeMap<(&str, &str), &NumberEntry> =
        numbers.map(|number| ((number.app.as_str(), number.display_digits.as_str()), number)).collect();
    if numbers.is_empty() {
        return Ok(());
    }
    let apps: Vec<_> = numbers.values().map(|number| text(&number.app)).collect();
    let digits: Vec<_> = numbers.values().map(|number| text(&number.display_digits)).collect();
    let ids: Vec<_> = numbers.values().map(|number| text(&number.phone_number_id)).collect();
    let wabas: Vec<_> = numbers.values().map(|number| text_opt(number.waba_id.as_ref())).collect();
    tx.execute(&PUT_NUMBERS, &[&apps, &digits, &ids, &wabas]).await.map(drop)
}

/// All labels.
pub(super) async fn labels(tx: &mut Tx) -> Result<Vec<LabelsOf>, Fault> {
    let mut all: Vec<LabelsOf> = Vec::new();
    for row in tx.query(&LABELS, &[]).await? {
        let (kind, id, label): (i16, String, String) = (cell(&row, 0)?, cell(&row, 1)?, cell(&row, 2)?);
        let on = if kind == 0 { Labelled::Waba } else { Labelled::Number };
        match all.last_mut().filter(|last| last.on == on && last.id == id) {
            Some(last) => last.labels.push(label),
            None => all.push(LabelsOf { on, id, labels: vec![label] }),
        }
    }
    Ok(all)
}

/// Replaces the labels of each, and gives the version of the endpoints that follows.
pub(super) async fn put_labels(tx: &mut Tx, all: &[LabelsOf]) -> Result<u64, Refusal> {
    let version = next_version(tx).await?;
    for LabelsOf { on, id, labels } in all {
        let kind: i16 = match on {
            Labelled::Waba => 0,
            Labelled::Number => 1,
        };
        let id = text(id);
        let _count = tx.execute(&DROP_LABELS, &[&kind, &id]).await?;
        let labels: Vec<_> = labels.iter().map(|label| text(label)).collect();
        let _count = tx.execute(&PUT_LABELS, &[&kind, &id, &labels]).await?;
    }
    let count: i64 = cell(&tx.query_one(&COUNT_LABELS, &[]).await?, 0)?;
    if usize::try_from(count).unwrap_or(usize::MAX) > LABELS_MAX {
        return Err(Refusal::Refused(StoreError::LimitReached { what: "labels", limit: LABELS_MAX }));
    }
    Ok(u64::try_from(version).unwrap_or_default())
}

/// All API keys.
pub(super) async fn api_keys(tx: &mut Tx) -> Result<Vec<ApiKeyRecord>, Fault> {
    let record = |row: &tokio_postgres::Row| {
        let hash: &[u8] = cell(row, 2)?;
        Ok(ApiKeyRecord {
            id: cell(row, 0)?,
            name: cell(row, 1)?,
            hash: hash.try_into().map_err(|_| Fault::new(Kind::Other, "the hash of an API key is not 32 bytes"))?,
            scope: cell(row, 3)?,
            owner: cell(row, 4)?,
            created_at_ms: cell(row, 5)?,
            revoked_at_ms: cell(row, 6)?,
        })
    };
    tx.query(&API_KEYS, &[]).await?.iter().map(record).collect()
}

/// Adds or replaces an API key.
pub(super) async fn put_api_key(tx: &mut Tx, key: &ApiKeyRecord) -> Result<(), Fault> {
    let (id, name, scope, owner) = (text(&key.id), text(&key.name), text(&key.scope), text(&key.owner));
    let hash: &[u8] = &key.hash;
    tx.execute(&PUT_API_KEY, &[&id, &name, &hash, &scope, &owner, &key.created_at_ms, &key.revoked_at_ms])
        .await
        .map(drop)
}

/// A small value.
pub(super) async fn setting(tx: &mut Tx, name: &str) -> Result<Option<String>, Fault> {
    let row = tx.query_opt(&SETTING, &[&text(name)]).await?;
    row.as_ref().map(|row| cell(row, 0)).transpose()
}

/// Keeps a small value.
pub(super) async fn put_setting(tx: &mut Tx, name: &str, value: &str) -> Result<(), Fault> {
    tx.execute(&PUT_SETTING, &[&text(name), &text(value)]).await.map(drop)
}
