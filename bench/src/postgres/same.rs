//! The loop with the same rows: what a node writes of such a batch, into tables with the same columns and indexes, in one
//! statement of 256 rows on two connections, prepared, durable. It receives nothing, judges nothing and learns nothing.

use std::time::Duration;

use private_postgres::Server as Database;
use tokio_postgres::types::ToSql;

use super::bare::Loop;
use crate::Outcome;

/// Columns and indexes as the nodes made them; without the partitions.
const TABLES: &str = "
    CREATE SCHEMA same;
    CREATE SEQUENCE same.numbers;
    CREATE TABLE same.event_keys (LIKE waypost.event_keys INCLUDING ALL);
    CREATE TABLE same.notifications (LIKE waypost.notifications INCLUDING ALL);
    CREATE TABLE same.bodies (LIKE waypost.bodies INCLUDING ALL);
    CREATE TABLE same.events (LIKE waypost.events INCLUDING ALL);
    CREATE TABLE same.deliveries (LIKE waypost.deliveries INCLUDING ALL);
    CREATE TABLE same.one AS SELECT * FROM waypost.events LIMIT 1;";
/// What is the same in all rows is an event's of a node.
const STATEMENT: &str = "
    WITH q AS (SELECT v.id::uuid AS id, v.body, v.hashes::bigint[] AS hashes
               FROM unnest($1::text[], $2::bytea[], $4::text[]) AS v (id, body, hashes)),
    k AS (INSERT INTO same.event_keys (piece, partition, event_id, day, event, digest)
          SELECT 0, t.day, q.id, t.day, nextval('same.numbers'), 1 FROM q, same.one t ORDER BY q.id
          ON CONFLICT DO NOTHING RETURNING event_id, event),
    n AS (INSERT INTO same.notifications (day, notification, app, scope, received_at, signature, secret_index, event_count)
          SELECT t.day, q.id, t.app, t.app, $3, 'sha256=' || repeat('0', 64), 0, 1 FROM q, same.one t),
    b AS (INSERT INTO same.bodies (day, notification, body) SELECT t.day, q.id, q.body FROM q, same.one t),
    e AS (INSERT INTO same.events
          SELECT t.day, k.event, k.event_id, k.event_id, t.app, t.key, t.event_type, t.field, t.entry_id, t.waba_id,
              t.business_id, t.phone_number_id, t.display_phone_number, t.wa_id, t.user_id, t.parent_user_id, t.message_id,
              t.lane, t.occurred_at, $3, t.test, t.problems, t.data_start, t.data_end, t.data_is_json, t.position,
              t.unrouted, t.whole_to, t.copies, q.hashes
          FROM k JOIN q ON q.id = k.event_id, same.one t)
    INSERT INTO same.deliveries (id, endpoint, lane, day, event, event_id, created_at)
    SELECT k.event, 1, k.event, t.day, k.event, k.event_id, $3 FROM k, same.one t";

/// Numbers of contacts, each with a hash of its own.
const CONTACTS: u64 = 10_000;

/// The loop. The nodes' tables are there, with an event in them.
pub(super) struct Same(Loop);

impl Same {
    pub(super) fn make(database: &Database) -> Outcome<Self> {
        Ok(Self(Loop::make(database, TABLES, STATEMENT)?))
    }

    /// Events a second.
    pub(super) fn round(&self, lasts: Duration) -> Outcome<f64> {
        self.0.round(lasts, |batch| {
            let hashes: Vec<String> = batch.iter().map(|n| hashes(*n)).collect();
            vec![Box::new(hashes) as Box<dyn ToSql + Sync + Send>]
        })
    }
}

/// By what an event is found: itself, its message, its contact, the two names of its number.
fn hashes(n: u64) -> String {
    let of = |kind: u64, n: u64| (n + kind).wrapping_mul(0x9e37_79b9_7f4a_7c15).cast_signed();
    format!("{{{},{},{},1,2}}", of(1, n), of(1 << 40, n), of(1 << 50, n % CONTACTS))
}
