//! Everything of a batch but its keys: one statement, sent together with its COMMIT.

use tokio_postgres::types::Type;

use super::judge::Fates;
use super::queue::Job;
use super::rows::Rows;
use crate::postgres::fault::{Fault, Kind};
use crate::postgres::payloads;
use crate::postgres::registers;
use crate::postgres::session::Sql;
use crate::postgres::shared::{Shared, lock};
use crate::postgres::tx::Tx;
use crate::postgres::value::text_opt;

/// Arrivals are noted ahead for so long, so that few commits write them.
const NOTED_AHEAD_MS: i64 = 3_600_000;

static KEEP: Sql = Sql::new(
    "WITH n AS (
         INSERT INTO waypost.notifications (day, notification, app, scope, received_at, signature, secret_index, event_count)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
     ), b AS (
         INSERT INTO waypost.bodies (day, notification, body) SELECT * FROM unnest($1, $2, $9)
     ), e AS (
         INSERT INTO waypost.events (day, id, event_id, notification, app, key, event_type, field, entry_id, waba_id,
             business_id, phone_number_id, display_phone_number, wa_id, user_id, parent_user_id, message_id, lane,
             occurred_at, received_at, test, problems, data_start, data_end, data_is_json, position, unrouted, whole_to,
             copies, hashes)
         SELECT day, id, event_id, notification, app, key, event_type, field, entry_id, waba_id, business_id,
             phone_number_id, display_phone_number, wa_id, user_id, parent_user_id, message_id, lane, occurred_at,
             received_at, test, problems, data_start, data_end, data_is_json, position, unrouted, whole_to::bigint[],
             copies, hashes::bigint[]
         FROM unnest($10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29,
             $30, $31, $32, $33, $34, $35, $36, $37, $38, $39) AS v (day, id, event_id, notification, app, key, event_type,
             field, entry_id, waba_id, business_id, phone_number_id, display_phone_number, wa_id, user_id,
             parent_user_id, message_id, lane, occurred_at, received_at, test, problems, data_start, data_end,
             data_is_json, position, unrouted, whole_to, copies, hashes)
     ), d AS (
         INSERT INTO waypost.deliveries (id, endpoint, lane, day, event, event_id, created_at)
         SELECT * FROM unnest($40, $41, $42, $43, $44, $45, $46)
     ), t AS (
         INSERT INTO waypost.tallies (endpoint, deliveries) SELECT * FROM unnest($47, $48)
     ), s AS (
         INSERT INTO waypost.tallies (endpoint, notifications, events, duplicates, conflicts, unrouted)
         VALUES (0, $49, $50, $51, $52, $53)
     )
     INSERT INTO waypost.news (kind, block) SELECT 0, unnest($54)",
    &[
        Type::INT4_ARRAY,
        Type::UUID_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT8_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT2_ARRAY,
        Type::INT4_ARRAY,
        Type::BYTEA_ARRAY,
        // 10
        Type::INT4_ARRAY,
        Type::INT8_ARRAY,
        Type::UUID_ARRAY,
        Type::UUID_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        // 20
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT8_ARRAY,
        Type::INT8_ARRAY,
        // 30
        Type::BOOL_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT4_ARRAY,
        Type::INT4_ARRAY,
        Type::BOOL_ARRAY,
        Type::INT4_ARRAY,
        Type::BOOL_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT4_ARRAY,
        Type::TEXT_ARRAY,
        // 40
        Type::INT8_ARRAY,
        Type::INT8_ARRAY,
        Type::INT8_ARRAY,
        Type::INT4_ARRAY,
        Type::INT8_ARRAY,
        Type::UUID_ARRAY,
        Type::INT8_ARRAY,
        Type::INT8_ARRAY,
        Type::INT8_ARRAY,
        // 49
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8_ARRAY,
    ],
);
static LEARN: Sql = Sql::new(
    "INSERT INTO waypost.contact_names (scope, number, name, lane, user_id)
     SELECT * FROM unnest($1, $2, $3, $4, $5) ORDER BY 1, 2, 3
     ON CONFLICT (scope, number, name) DO UPDATE SET lane = excluded.lane, user_id = excluded.user_id",
    &[Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY],
);
static COUNT_COPIES: Sql = Sql::new(
    "UPDATE waypost.events e SET copies = e.copies + q.count FROM unnest($1, $2, $3) AS q (day, event, count)
     WHERE e.day = q.day AND e.id = q.event AND e.day = ANY ($1)",
    &[Type::INT4_ARRAY, Type::INT8_ARRAY, Type::INT4_ARRAY],
);
static LIST_CONFLICTS: Sql = Sql::new(
    "INSERT INTO waypost.conflicts (day, id, event_id, notification, received_at, position, data_start, data_end, digest)
     SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    &[
        Type::INT4_ARRAY,
        Type::INT8_ARRAY,
        Type::UUID_ARRAY,
        Type::UUID_ARRAY,
        Type::INT8_ARRAY,
        Type::INT4_ARRAY,
        Type::INT4_ARRAY,
        Type::INT4_ARRAY,
        Type::INT8_ARRAY,
    ],
);
static NOTE_ARRIVALS: Sql = Sql::new(
    "INSERT INTO waypost.key_partitions AS k (partition, piece, last_arrival_at)
     SELECT * FROM unnest($1, $2, $3) ORDER BY 1
     ON CONFLICT (partition) DO UPDATE SET last_arrival_at = greatest(k.last_arrival_at, excluded.last_arrival_at)",
    &[Type::INT8_ARRAY, Type::INT2_ARRAY, Type::INT8_ARRAY],
);
static OWING: Sql = Sql::new(
    "SELECT number FROM waypost.endpoints WHERE number = ANY ($1) AND removed_at IS NULL",
    &[Type::INT8_ARRAY],
);

/// Writes the batch and commits it.
pub(super) async fn write(shared: &Shared, mut tx: Tx, jobs: &[Job], fates: Fates) -> Result<(), Fault> {
    let rows = Rows::of(jobs, &fates);
    check_endpoints(shared, &mut tx, &rows).await?;
    let noted = note_arrivals(shared, &mut tx, &rows).await?;
    learn_names(&mut tx, &fates).await?;
    write_rarities(&mut tx, jobs, &rows).await?;
    let (n, e, o) = (&rows.notifications, &rows.events, &rows.owed);
    let (endpoints, counts) = rows.tallied();
    let [notifications, events, duplicates, conflicts, unrouted] = rows.totals();
    let blocks: &[i64] = if o.ids.is_empty() { &[] } else { &fates.blocks };
    let written = shared
        .last(
            tx,
            &KEEP,
            &[
                &n.days,
                &n.ids,
                &n.apps,
                &n.scopes,
                &n.received,
                &n.signatures,
                &n.secrets,
                &n.counts,
                &n.bodies,
                &e.days,
                &e.numbers,
                &e.ids,
                &e.notifications,
                &e.apps,
                &e.keys,
                &e.types,
                &e.fields,
                &e.entries,
                &e.wabas,
                &e.businesses,
                &e.phones,
                &e.displays,
                &e.wa_ids,
                &e.user_ids,
                &e.parents,
                &e.messages,
                &e.lanes,
                &e.occurred,
                &e.received,
                &e.tests,
                &e.problems,
                &e.starts,
                &e.ends,
                &e.json,
                &e.positions,
                &e.unrouted,
                &e.whole_to,
                &e.copies,
                &e.hashes,
                &o.ids,
                &o.endpoints,
                &o.lanes,
                &o.days,
                &o.events,
                &o.event_ids,
                &o.created,
                &endpoints,
                &counts,
                &notifications,
                &events,
                &duplicates,
                &conflicts,
                &unrouted,
                &blocks,
            ],
        )
        .await?;
    drop(written);
    lock(&shared.arrivals).extend(noted);
    payloads::keep_fresh(
        shared,
        jobs.iter().flat_map(|job| &job.batch).map(|marked| &marked.notification),
        &fates_of(&fates),
    );
    Ok(())
}

/// Row numbers and lanes of the new events, in the order of the batch; None for the others.
fn fates_of(fates: &Fates) -> Vec<Option<payloads::Kept<'_>>> {
    let kept = |fate| match fate {
        &super::judge::Fate::New { number, ref lane, is_first } => {
            Some(payloads::Kept { number, lane: lane.as_str(), is_first })
        }
        super::judge::Fate::Duplicate { .. } | super::judge::Fate::Conflicting => None,
    };
    fates.of_events.iter().map(kept).collect()
}

/// The version of the endpoints is that of the routing, so that one which is not there was never there.
async fn check_endpoints(shared: &Shared, tx: &mut Tx, rows: &Rows<'_>) -> Result<(), Fault> {
    let missing: Vec<i64> = {
        let lease = lock(&shared.lease);
        rows.of_endpoints.keys().copied().filter(|endpoint| !lease.knows(*endpoint)).collect()
    };
    if missing.is_empty() {
        return Ok(());
    }
    if tx.query(&OWING, &[&missing]).await?.len() < missing.len() {
        return Err(Fault::new(Kind::Other, "an event is owed to an endpoint that is not there"));
    }
    Ok(())
}

/// Gives what the partitions of keys are noted with once this is committed.
async fn note_arrivals(shared: &Shared, tx: &mut Tx, rows: &Rows<'_>) -> Result<Vec<(i64, i64)>, Fault> {
    let new: Vec<(i64, i64)> = {
        let noted = lock(&shared.arrivals);
        let is_new = |(partition, at): &(&i64, &i64)| noted.get(partition).is_none_or(|noted| noted < at);
        let ahead = |(partition, at): (&i64, &i64)| (*partition, at.saturating_add(NOTED_AHEAD_MS));
        rows.arrivals.iter().filter(is_new).map(ahead).collect()
    };
    if new.is_empty() {
        return Ok(new);
    }
    let (partitions, moments): (Vec<i64>, Vec<i64>) = new.iter().copied().unzip();
    let pieces: Vec<i16> = partitions.iter().map(|partition| super::judge::piece(*partition)).collect();
    let _count = tx.execute(&NOTE_ARRIVALS, &[&partitions, &pieces, &moments]).await?;
    Ok(new)
}

async fn learn_names(tx: &mut Tx, fates: &Fates) -> Result<(), Fault> {
    if fates.learned.is_empty() {
        return Ok(());
    }
    let learned = &fates.learned;
    let scopes: Vec<&str> = learned.iter().map(|(name, _)| name.0.as_str()).collect();
    let numbers: Vec<&str> = learned.iter().map(|(name, _)| name.1.as_str()).collect();
    let names: Vec<&str> = learned.iter().map(|(name, _)| name.2.as_str()).collect();
    let lanes: Vec<_> = learned.iter().map(|(_, known)| crate::postgres::value::text(&known.lane)).collect();
    let users: Vec<_> = learned.iter().map(|(_, known)| text_opt(known.user_id.as_ref())).collect();
    let _count = tx.execute(&LEARN, &[&scopes, &numbers, &names, &lanes, &users]).await?;
    Ok(())
}

/// What few batches have.
async fn write_rarities(tx: &mut Tx, jobs: &[Job], rows: &Rows<'_>) -> Result<(), Fault> {
    if !rows.copies.is_empty() {
        // In their order, so that two batches with the same copies do not wait for each other in a circle.
        let mut copies: Vec<((i32, i64), i32)> = rows.copies.iter().map(|(event, count)| (*event, *count)).collect();
        copies.sort_unstable();
        let days: Vec<i32> = copies.iter().map(|((day, _), _)| *day).collect();
        let events: Vec<i64> = copies.iter().map(|((_, event), _)| *event).collect();
        let counts: Vec<i32> = copies.iter().map(|(_, count)| *count).collect();
        let _count = tx.execute(&COUNT_COPIES, &[&days, &events, &counts]).await?;
    }
    let c = &rows.conflicts;
    if !c.numbers.is_empty() {
        let values: [crate::postgres::session::Value<'_>; 9] = [
            &c.days,
            &c.numbers,
            &c.event_ids,
            &c.notifications,
            &c.received,
            &c.positions,
            &c.starts,
            &c.ends,
            &c.digests,
        ];
        let _count = tx.execute(&LIST_CONFLICTS, &values).await?;
    }
    let numbers = jobs.iter().flat_map(|job| &job.batch).flat_map(|marked| &marked.notification.numbers);
    registers::put_numbers(tx, numbers).await
}
