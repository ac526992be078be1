//! Which events of a batch are new, and which lanes those have.
//!
//! The keys are entered first, in their order, so that of two batches with a common key one waits for the other and then
//! knows. Nothing is concluded from a key that was looked up before it was entered.

use std::collections::{HashMap, HashSet};

use rules::lane::{Known, resolve};
use tokio_postgres::types::Type;

use super::queue::{Job, Marked};
use crate::common::digest::{element, same_json};
use crate::postgres::days;
use crate::postgres::fault::Fault;
use crate::postgres::session::{Sql, cell};
use crate::postgres::shared::Shared;
use crate::postgres::tx::{Mode, Tx};
use crate::postgres::value::{Uid, int8, text};
use crate::record::{LaneName, NewEvent, NewNotification};

/// Numbers in a block.
pub(in crate::postgres) const BLOCK: i64 = 4_096;

/// What came of the keys.
pub(super) enum Judged {
    /// The endpoints have another version.
    Moved { current: u64 },
    /// The fates of all events.
    Fates(Fates),
}

/// The fates of the events of a batch, in their order.
pub(super) struct Fates {
    pub(super) of_events: Vec<Fate>,
    /// The transaction's blocks of numbers, ascending.
    pub(super) blocks: Vec<i64>,
    /// Names that the new events show.
    pub(super) learned: Vec<(Name, Known)>,
}

/// What an event turned out to be.
pub(super) enum Fate {
    /// Unknown so far.
    New { number: i64, lane: String, is_first: bool },
    /// A copy of another: of one kept before, by its day and number, or of this batch, by its place.
    Duplicate { first: First },
    /// Another content under a known key.
    Conflicting,
}

#[derive(Clone, Copy)]
pub(super) enum First {
    Kept(i32, i64),
    Here(usize),
}

/// Scope, business number, name.
pub(super) type Name = (String, String, String);

/// An event of the batch.
#[derive(Clone, Copy)]
struct One<'b> {
    notification: &'b NewNotification,
    event: &'b NewEvent,
    digest: i64,
}

type Key = (i16, Uid, i64);

// Rows are looked up one by one, by whole keys (`LATERAL … LIMIT 1`): as joins the planner would read whole tables for a
// batch, and the more the more contacts there are.
static ENTER: Sql = Sql::new(
    "WITH ledger AS MATERIALIZED (
         SELECT endpoints_version FROM waypost.ledger FOR SHARE
     ), blocks AS MATERIALIZED (
         SELECT array_agg(nextval('waypost.blocks')) AS numbers FROM generate_series(1, $2)
     ), fresh AS (
         INSERT INTO waypost.event_keys (piece, partition, event_id, day, event, digest)
         SELECT k.piece, k.partition, k.event_id, k.day,
                b.numbers[1 + k.place / 4096] * 4096 + k.place % 4096, k.digest
         FROM ledger l, blocks b,
              unnest($3, $4, $5, $6, $7, $8) AS k (piece, event_id, partition, day, place, digest)
         WHERE l.endpoints_version = $1
         ON CONFLICT DO NOTHING
         RETURNING event
     )
     SELECT 0::int2, endpoints_version, NULL::text, NULL::text FROM ledger
     UNION ALL SELECT 1::int2, unnest(numbers), NULL, NULL FROM blocks
     UNION ALL SELECT 2::int2, event, NULL, NULL FROM fresh
     UNION ALL SELECT 3::int2, n.place, c.lane, c.user_id
     FROM unnest($9, $10, $11) WITH ORDINALITY AS n (scope, number, name, place)
     CROSS JOIN LATERAL (SELECT c.lane, c.user_id FROM waypost.contact_names c
         WHERE c.scope = n.scope AND c.number = n.number AND c.name = n.name LIMIT 1) c",
    &[
        Type::INT8,
        Type::INT4,
        Type::INT2_ARRAY,
        Type::UUID_ARRAY,
        Type::INT8_ARRAY,
        Type::INT4_ARRAY,
        Type::INT4_ARRAY,
        Type::INT8_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
    ],
);
static KNOWN: Sql = Sql::new(
    "SELECT k.piece, k.event_id, k.partition, k.day, k.event, k.digest
     FROM unnest($1, $2, $3) AS q (piece, event_id, partition)
     CROSS JOIN LATERAL (SELECT * FROM waypost.event_keys k
         WHERE k.piece = q.piece AND k.event_id = q.event_id AND k.partition = q.partition LIMIT 1) k",
    &[Type::INT2_ARRAY, Type::UUID_ARRAY, Type::INT8_ARRAY],
);
static FIRSTS: Sql = Sql::new(
    "SELECT e.id, substring(b.body FROM e.data_start + 1 FOR e.data_end - e.data_start)
     FROM unnest($1, $2) AS q (day, event)
     CROSS JOIN LATERAL (SELECT * FROM waypost.events e
         WHERE e.day = q.day AND e.id = q.event AND e.day = ANY ($1) LIMIT 1) e
     CROSS JOIN LATERAL (SELECT b.body FROM waypost.bodies b
         WHERE b.day = e.day AND b.notification = e.notification AND b.day = ANY ($1) LIMIT 1) b",
    &[Type::INT4_ARRAY, Type::INT8_ARRAY],
);
static LISTED: Sql =
    Sql::new("SELECT c.event_id, c.digest FROM waypost.conflicts c WHERE c.event_id = ANY ($1)", &[Type::UUID_ARRAY]);

/// Enters the keys of a batch, in a transaction that goes on.
pub(super) async fn judge(shared: &Shared, jobs: &[Job]) -> Result<(Tx, Judged), Fault> {
    let all: Vec<One<'_>> = jobs.iter().flat_map(|job| &job.batch).flat_map(each).collect();
    let version = int8(jobs.first().map_or(0, |job| job.version));
    let mut first_at: HashMap<Key, usize> = HashMap::with_capacity(all.len());
    for (place, one) in all.iter().enumerate() {
        let _first = first_at.entry(key(one)).or_insert(place);
    }
    let owed: usize = all.iter().map(|one| one.event.owed_to.len()).sum();
    let mut tx = shared.pool.begin(Mode::Durable).await?;
    let entered = enter(&mut tx, &all, &first_at, (version, owed)).await?;
    if entered.version != version {
        return Ok((tx, Judged::Moved { current: u64::try_from(entered.version).unwrap_or_default() }));
    }
    let known = known(&mut tx, &all, &first_at, &entered).await?;
    let fates = decide(&all, &first_at, entered, &known);
    Ok((tx, Judged::Fates(fates)))
}

fn each(marked: &Marked) -> impl Iterator<Item = One<'_>> {
    let notification = &marked.notification;
    notification.events.iter().zip(&marked.digests).map(move |(event, digest)| One {
        notification,
        event,
        digest: *digest,
    })
}

fn key(one: &One<'_>) -> Key {
    (piece(one.event.key_partition), Uid(*one.event.id.as_bytes()), one.event.key_partition)
}

/// Where in the ring of pieces a partition of keys lies.
pub(in crate::postgres) fn piece(partition: i64) -> i16 {
    let piece = if partition >= 0 { partition % 32 } else { 32 + (-(partition + 1)) % 16 };
    i16::try_from(piece).unwrap_or(47)
}

/// What entering the keys gave.
struct Entered {
    version: i64,
    blocks: Vec<i64>,
    /// Numbers of the events whose keys are new.
    fresh: HashSet<i64>,
    names: HashMap<Name, Option<Known>>,
}

impl Entered {
    /// The number of the event at a place of the batch.
    fn number(&self, place: usize) -> i64 {
        number(&self.blocks, place)
    }
}

/// The number at a place of these blocks.
pub(super) fn number(blocks: &[i64], place: usize) -> i64 {
    let place = int8(place);
    let block = usize::try_from(place / BLOCK).ok().and_then(|at| blocks.get(at)).copied().unwrap_or_default();
    block * BLOCK + place % BLOCK
}

async fn enter(
    tx: &mut Tx,
    all: &[One<'_>],
    first_at: &HashMap<Key, usize>,
    (version, owed): (i64, usize),
) -> Result<Entered, Fault> {
    let mut keys: Vec<(Key, usize)> = first_at.iter().map(|(key, place)| (*key, *place)).collect();
    keys.sort_unstable();
    let of = |place: usize| all.get(place);
    let pieces: Vec<i16> = keys.iter().map(|((piece, ..), _)| *piece).collect();
    let ids: Vec<Uid> = keys.iter().map(|((_, id, _), _)| *id).collect();
    let partitions: Vec<i64> = keys.iter().map(|((.., partition), _)| *partition).collect();
    let day = |one: &One<'_>| days::of(one.notification.received_at_ms);
    let days: Vec<i32> = keys.iter().map(|(_, place)| of(*place).map_or(0, day)).collect();
    let places: Vec<i32> = keys.iter().map(|(_, place)| super::rows::place(*place)).collect();
    let digests: Vec<i64> = keys.iter().map(|(_, place)| of(*place).map_or(0, |one| one.digest)).collect();
    let blocks = i32::try_from(all.len().max(owed)).unwrap_or(i32::MAX) / 4_096 + 1;
    let names: Vec<Name> = names_in(all);
    let [scopes, numbers, names_of] = [
        names.iter().map(|name| name.0.as_str()).collect::<Vec<_>>(),
        names.iter().map(|name| name.1.as_str()).collect(),
        names.iter().map(|name| name.2.as_str()).collect(),
    ];
    let rows = tx
        .query(
            &ENTER,
            &[&version, &blocks, &pieces, &ids, &partitions, &days, &places, &digests, &scopes, &numbers, &names_of],
        )
        .await?;
    let mut entered = Entered { version: 0, blocks: Vec::new(), fresh: HashSet::new(), names: HashMap::new() };
    let mut found: HashMap<usize, Known> = HashMap::new();
    for row in &rows {
        let (kind, number): (i16, i64) = (cell(row, 0)?, cell(row, 1)?);
        match kind {
            0 => entered.version = number,
            1 => entered.blocks.push(number),
            2 => drop(entered.fresh.insert(number)),
            _ => {
                let at = usize::try_from(number).unwrap_or_default().saturating_sub(1);
                let _none = found.insert(at, Known { lane: cell(row, 2)?, user_id: cell(row, 3)? });
            }
        }
    }
    entered.blocks.sort_unstable();
    entered.names = names.into_iter().enumerate().map(|(at, name)| (name, found.remove(&at))).collect();
    Ok(entered)
}

/// Every name that may be asked for, each once.
fn names_in(all: &[One<'_>]) -> Vec<Name> {
    let mut names = HashSet::new();
    for one in all {
        let LaneName::Conversation(conversation) = &one.event.lane else { continue };
        let ask = |name: &str| {
            let _new = names.insert(name_of(one.notification, &conversation.number, name));
            Ok::<_, std::convert::Infallible>(None)
        };
        let Ok(_) = resolve(&conversation.number, &conversation.names, &conversation.previous, ask);
    }
    names.into_iter().collect()
}

fn name_of(notification: &NewNotification, number: &str, name: &str) -> Name {
    (text(&notification.scope).into_owned(), text(number).into_owned(), text(name).into_owned())
}

/// What is kept under keys that were known already.
#[derive(Default)]
struct Kept {
    /// Day, number and digest of the first.
    firsts: HashMap<Key, (i32, i64, i64)>,
    /// The bytes of those firsts whose digest some copy does not share.
    bytes: HashMap<i64, Vec<u8>>,
    /// Differing copies that are listed already.
    listed: HashSet<(Uid, i64)>,
}

async fn known(tx: &mut Tx, all: &[One<'_>], first_at: &HashMap<Key, usize>, entered: &Entered) -> Result<Kept, Fault> {
    let mut kept = Kept::default();
    let old: Vec<Key> = first_at
        .iter()
        .filter(|(_, place)| !entered.fresh.contains(&entered.number(**place)))
        .map(|(key, _)| *key)
        .collect();
    if old.is_empty() {
        return Ok(kept);
    }
    let pieces: Vec<i16> = old.iter().map(|key| key.0).collect();
    let ids: Vec<Uid> = old.iter().map(|key| key.1).collect();
    let partitions: Vec<i64> = old.iter().map(|key| key.2).collect();
    for row in tx.query(&KNOWN, &[&pieces, &ids, &partitions]).await? {
        let key = (cell(&row, 0)?, cell(&row, 1)?, cell(&row, 2)?);
        let _none = kept.firsts.insert(key, (cell(&row, 3)?, cell(&row, 4)?, cell(&row, 5)?));
    }
    let differs = |one: &&One<'_>| kept.firsts.get(&key(one)).is_some_and(|(.., digest)| *digest != one.digest);
    let differing: HashSet<Key> = all.iter().filter(differs).map(key).collect();
    if differing.is_empty() {
        return Ok(kept);
    }
    let firsts: Vec<(i32, i64)> =
        differing.iter().filter_map(|key| kept.firsts.get(key)).map(|(day, event, _)| (*day, *event)).collect();
    let days: Vec<i32> = firsts.iter().map(|first| first.0).collect();
    let events: Vec<i64> = firsts.iter().map(|first| first.1).collect();
    for row in tx.query(&FIRSTS, &[&days, &events]).await? {
        let _none = kept.bytes.insert(cell(&row, 0)?, cell(&row, 1)?);
    }
    let ids: Vec<Uid> = differing.iter().map(|key| key.1).collect();
    for row in tx.query(&LISTED, &[&ids]).await? {
        let _new = kept.listed.insert((cell(&row, 0)?, cell(&row, 1)?));
    }
    Ok(kept)
}

fn decide(all: &[One<'_>], first_at: &HashMap<Key, usize>, mut entered: Entered, kept: &Kept) -> Fates {
    let mut of_events = Vec::with_capacity(all.len());
    let mut listed = kept.listed.clone();
    let mut learned = HashMap::new();
    let mut before: Option<*const NewNotification> = None;
    for (place, one) in all.iter().enumerate() {
        let at = first_at.get(&key(one)).copied().unwrap_or(place);
        let number = entered.number(at);
        let is_new = entered.fresh.contains(&number);
        let fate = if is_new && at == place {
            let is_first = before != Some(std::ptr::from_ref(one.notification));
            before = Some(std::ptr::from_ref(one.notification));
            Fate::New { number, lane: lane(one, &mut entered.names, &mut learned), is_first }
        } else {
            judge_copy(one, is_new.then(|| (at, all.get(at))), kept, &mut listed)
        };
        of_events.push(fate);
    }
    let learned = learned.into_iter().collect();
    Fates { of_events, blocks: entered.blocks, learned }
}

fn judge_copy(
    one: &One<'_>,
    here: Option<(usize, Option<&One<'_>>)>,
    kept: &Kept,
    listed: &mut HashSet<(Uid, i64)>,
) -> Fate {
    let bytes = element(one.notification, one.event);
    let known = kept.firsts.get(&key(one));
    let (first, is_same) = match (here, known) {
        (Some((at, Some(first))), _) => {
            let same = first.digest == one.digest || same_json(element(first.notification, first.event), bytes);
            (First::Here(at), same)
        }
        (_, Some((day, event, digest))) => {
            let same = *digest == one.digest || kept.bytes.get(event).is_some_and(|first| same_json(first, bytes));
            (First::Kept(*day, *event), same)
        }
        // The key went away between two statements, with the partition that it expired in.
        (Some((_, None)) | None, None) => (First::Kept(0, 0), true),
    };
    if is_same || !listed.insert((Uid(*one.event.id.as_bytes()), one.digest)) {
        return Fate::Duplicate { first };
    }
    Fate::Conflicting
}

/// The lane of a new event; learns the names that it shows.
fn lane(one: &One<'_>, names: &mut HashMap<Name, Option<Known>>, learned: &mut HashMap<Name, Known>) -> String {
    let conversation = match &one.event.lane {
        LaneName::Named(lane) => return lane.clone(),
        LaneName::Conversation(conversation) => conversation,
    };
    let key = |name: &str| name_of(one.notification, &conversation.number, name);
    let known = |name: &str| Ok::<_, std::convert::Infallible>(names.get(&key(name)).cloned().flatten());
    let Ok(resolved) = resolve(&conversation.number, &conversation.names, &conversation.previous, known);
    let Some(resolved) = resolved else { return format!("event:{}", one.event.id) };
    for (name, entry) in resolved.learn {
        let _before = names.insert(key(&name), Some(entry.clone()));
        let _before = learned.insert(key(&name), entry);
    }
    resolved.lane
}
