//! Counting: walking over what a replay may repeat, a bounded slice at a time.
//!
//! Deliveries that ended badly have an index of their own; everything else is found by the time of its event.

use std::collections::{HashMap, HashSet};

use rules::limits::REPLAY_ITEMS_MAX;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::rows::lock_row;
use super::{known, note, set_state};
use crate::common::filter::{self, Named};
use crate::common::walk::{BY_TIME, DEAD, LOOKED_MAX, NAMED, OVER, SKIPPED, Walk};
use crate::postgres::endpoints::Refusal;
use crate::postgres::fault::Fault;
use crate::postgres::read::places_of;
use crate::postgres::session::{Sql, cell};
use crate::postgres::tx::Tx;
use crate::postgres::value::int8;
use crate::replay::{ReplayFilter, ReplayNo, ReplayOf, ReplayRecord, ReplayState};

/// The row of a replay, as far as counting needs it.
struct Plan {
    of: ReplayOf,
    filter: ReplayFilter,
    to: Option<i64>,
    /// Numbers from here on came later.
    upto: i64,
    walk: Walk,
    starts: bool,
}

/// What the filter looks at.
struct Seen {
    event: i64,
    day: i32,
    named: Named,
    /// Number, endpoint and state of a delivery that ended, where one is looked at.
    delivery: Option<(i64, i64, i16)>,
}

macro_rules! seen {
    () => {
        "SELECT e.id, e.day, e.received_at, e.app, e.field, e.event_type, e.waba_id, e.phone_number_id, e.unrouted, "
    };
}
static PLAN: Sql = Sql::new(
    "SELECT of, filter, target, upto, walk, at_first, at_second, starts FROM waypost.replays WHERE number = $1",
    &[Type::INT8],
);
static FAILED: Sql = Sql::new(
    concat!(
        seen!(),
        "d.id, d.endpoint, d.state FROM waypost.ended d JOIN waypost.events e ON e.day = d.day AND e.id = d.event
         WHERE d.state >= 2 AND d.state = $1 AND d.id > $2 AND d.id < $3 ORDER BY d.id LIMIT $4"
    ),
    &[Type::INT2, Type::INT8, Type::INT8, Type::INT8],
);
static EVENTS: Sql = Sql::new(
    concat!(
        seen!(),
        "NULL::bigint, NULL::bigint, NULL::int2 FROM waypost.events e
         WHERE (e.received_at, e.id) > ($1, $2) AND e.received_at < $3 ORDER BY e.received_at, e.id LIMIT $4"
    ),
    &[Type::INT8, Type::INT8, Type::INT8, Type::INT8],
);
static THESE: Sql = Sql::new(
    concat!(
        seen!(),
        "NULL::bigint, NULL::bigint, NULL::int2 FROM unnest($1, $2) AS q (day, event)
         JOIN waypost.events e ON e.day = q.day AND e.id = q.event WHERE e.day = ANY ($1)"
    ),
    &[Type::INT4_ARRAY, Type::INT8_ARRAY],
);
static DELIVERIES: Sql = Sql::new(
    concat!(
        seen!(),
        "d.id, d.endpoint, d.state FROM waypost.ended d JOIN waypost.events e ON e.day = d.day AND e.id = d.event
         WHERE d.id = ANY ($1) ORDER BY d.id"
    ),
    &[Type::INT8_ARRAY],
);
static OF_EVENTS: Sql = Sql::new(
    "SELECT d.event, d.id, d.endpoint, d.state FROM unnest($1, $2) AS q (day, event)
     JOIN waypost.ended d ON d.day = q.day AND d.event = q.event WHERE d.day = ANY ($1) ORDER BY d.id",
    &[Type::INT4_ARRAY, Type::INT8_ARRAY],
);
/// Of (day, event, endpoint): what is written down, unless the endpoint is owed the event already or has accepted it.
static ENTER: Sql = Sql::new(
    "WITH q AS MATERIALIZED (
         SELECT DISTINCT v.day, v.event, v.endpoint FROM unnest($2, $3, $4) AS v (day, event, endpoint)
     ), chosen AS (
         SELECT q.day, q.event, q.endpoint,
             CASE WHEN NOT EXISTS (SELECT 1 FROM waypost.endpoints p WHERE p.number = q.endpoint AND p.removed_at IS NULL)
                  THEN 2
                  WHEN NOT EXISTS (SELECT 1 FROM waypost.events e JOIN waypost.bodies b
                                   ON b.day = e.day AND b.notification = e.notification
                                   WHERE e.day = q.day AND e.id = q.event)
                  THEN 1 ELSE 0 END AS gone
         FROM q
         WHERE NOT EXISTS (SELECT 1 FROM waypost.deliveries d
                           WHERE d.day = q.day AND d.event = q.event AND d.endpoint = q.endpoint)
           AND ($5 OR NOT EXISTS (SELECT 1 FROM waypost.ended d WHERE d.day = q.day AND d.event = q.event
                                  AND d.endpoint = q.endpoint AND d.state = 1))
     )
     INSERT INTO waypost.replay_items (replay, endpoint, event, day, gone)
     SELECT $1, endpoint, event, day, gone FROM chosen ON CONFLICT DO NOTHING RETURNING gone",
    &[Type::INT8, Type::INT4_ARRAY, Type::INT8_ARRAY, Type::INT8_ARRAY, Type::BOOL],
);
static GO_ON: Sql = Sql::new(
    "UPDATE waypost.replays SET walk = $2, at_first = $3, at_second = $4, matched = matched + $5,
         bodies_gone = bodies_gone + $6, endpoints_gone = endpoints_gone + $7
     WHERE number = $1",
    &[Type::INT8, Type::INT8, Type::INT8, Type::INT8, Type::INT8, Type::INT8, Type::INT8],
);

/// What a slice chooses: day, event, endpoint.
type Chosen = Vec<(i32, i64, i64)>;

/// Looks at the next slice and writes down what it holds.
pub(in crate::postgres) async fn count(tx: &mut Tx, number: ReplayNo, now_ms: i64) -> Result<ReplayRecord, Refusal> {
    lock_row(tx, number).await?;
    let record = known(tx, number).await?;
    if record.state != ReplayState::Counting {
        return Ok(record);
    }
    let plan = plan(tx, number).await?;
    let (chosen, next) = look(tx, &plan).await?;
    let entered = enter(tx, number, &chosen, plan.filter.accepted).await?;
    let [_, bodies, gone] = entered;
    let matched: i64 = entered.iter().sum();
    let Walk { number: walk, first, second } = next;
    let _count = tx.execute(&GO_ON, &[&number.0, &walk, &first, &second, &matched, &bodies, &gone]).await?;
    if record.matched.saturating_add(u64::try_from(matched).unwrap_or_default()) > REPLAY_ITEMS_MAX {
        set_state(tx, number, ReplayState::Cancelled, now_ms).await?;
        note(tx, number, now_ms, "", &format!("cancelled: it matches more than {REPLAY_ITEMS_MAX}")).await?;
    } else if walk == OVER {
        let state = if plan.starts { ReplayState::Running } else { ReplayState::Planned };
        set_state(tx, number, state, now_ms).await?;
        note(tx, number, now_ms, "", if plan.starts { "counted and started" } else { "counted" }).await?;
    }
    known(tx, number).await
}

/// Writes items down; counts them by what is gone of them: nothing, the body, the endpoint.
async fn enter(tx: &mut Tx, number: ReplayNo, chosen: &Chosen, accepted: bool) -> Result<[i64; 3], Fault> {
    let mut entered = [0_i64; 3];
    if chosen.is_empty() {
        return Ok(entered);
    }
    let days: Vec<i32> = chosen.iter().map(|(day, ..)| *day).collect();
    let events: Vec<i64> = chosen.iter().map(|(_, event, _)| *event).collect();
    let endpoints: Vec<i64> = chosen.iter().map(|(.., endpoint)| *endpoint).collect();
    for row in tx.query(&ENTER, &[&number.0, &days, &events, &endpoints, &accepted]).await? {
        let gone: i16 = cell(&row, 0)?;
        if let Some(count) = usize::try_from(gone).ok().and_then(|gone| entered.get_mut(gone)) {
            *count += 1;
        }
    }
    Ok(entered)
}

async fn plan(tx: &mut Tx, number: ReplayNo) -> Result<Plan, Fault> {
    let row = tx.query_one(&PLAN, &[&number.0]).await?;
    let (of, text): (String, String) = (cell(&row, 0)?, cell(&row, 1)?);
    Ok(Plan {
        of: ReplayOf::of(&of),
        filter: filter::from_json(&text),
        to: cell(&row, 2)?,
        upto: cell(&row, 3)?,
        walk: Walk { number: cell(&row, 4)?, first: cell(&row, 5)?, second: cell(&row, 6)? },
        starts: cell(&row, 7)?,
    })
}

async fn look(tx: &mut Tx, plan: &Plan) -> Result<(Chosen, Walk), Fault> {
    match plan.walk.number {
        DEAD | SKIPPED => failed(tx, plan).await,
        BY_TIME => by_time(tx, plan).await,
        NAMED => named(tx, plan).await,
        _ => Ok((Vec::new(), Walk::over())),
    }
}

/// Deliveries that are dead, or were skipped.
async fn failed(tx: &mut Tx, plan: &Plan) -> Result<(Chosen, Walk), Fault> {
    let walk = plan.walk;
    let state = i16::try_from(walk.number).unwrap_or(2);
    let rows = tx.query(&FAILED, &[&state, &walk.first, &plan.upto, &LOOKED_MAX]).await?;
    let seen: Vec<Seen> = rows.iter().map(Seen::read).collect::<Result<_, _>>()?;
    let last = seen.last().and_then(|seen| seen.delivery).map_or(walk.first, |(id, ..)| id);
    let next = if int8(seen.len()) == LOOKED_MAX {
        Walk { first: last, ..walk }
    } else if walk.number == DEAD && plan.filter.skipped {
        Walk { number: SKIPPED, first: 0, second: 0 }
    } else {
        Walk::over()
    };
    Ok((seen.iter().filter_map(|seen| plan.of_delivery(seen)).collect(), next))
}

/// Events in the order in which they arrived, with their deliveries.
async fn by_time(tx: &mut Tx, plan: &Plan) -> Result<(Chosen, Walk), Fault> {
    let walk = plan.walk;
    let until = plan.filter.until_ms.unwrap_or(i64::MAX);
    let rows = tx.query(&EVENTS, &[&walk.first, &walk.second, &until, &LOOKED_MAX]).await?;
    let seen: Vec<Seen> = rows.iter().map(Seen::read).collect::<Result<_, _>>()?;
    let last = seen.last().map(|seen| Walk { first: seen.named.received_at_ms, second: seen.event, ..walk });
    let next = last.filter(|_| int8(seen.len()) == LOOKED_MAX).unwrap_or(Walk::over());
    Ok((of_events(tx, plan, seen).await?, next))
}

/// What was named by id. There are few.
async fn named(tx: &mut Tx, plan: &Plan) -> Result<(Chosen, Walk), Fault> {
    let mut chosen = Vec::new();
    if !plan.filter.events.is_empty() {
        let places = places_of(tx, &plan.filter.events).await?;
        let (days, events): (Vec<i32>, Vec<i64>) = places.into_iter().unzip();
        let rows = tx.query(&THESE, &[&days, &events]).await?;
        let seen: Vec<Seen> = rows.iter().map(Seen::read).collect::<Result<_, _>>()?;
        chosen.extend(of_events(tx, plan, seen).await?);
    }
    let deliveries: Vec<i64> = plan.filter.deliveries.iter().map(|delivery| delivery.0).collect();
    for row in tx.query(&DELIVERIES, &[&deliveries]).await? {
        chosen.extend(plan.of_delivery(&Seen::read(&row)?));
    }
    Ok((chosen, Walk::over()))
}

async fn of_events(tx: &mut Tx, plan: &Plan, seen: Vec<Seen>) -> Result<Chosen, Fault> {
    let seen: Vec<Seen> = seen.into_iter().filter(|seen| seen.fits(plan)).collect();
    if let (ReplayOf::Unrouted | ReplayOf::Events, Some(to)) = (plan.of, plan.to) {
        return Ok(seen.iter().map(|seen| (seen.day, seen.event, to)).collect());
    }
    let days: Vec<i32> = seen.iter().map(|seen| seen.day).collect();
    let events: Vec<i64> = seen.iter().map(|seen| seen.event).collect();
    let day_of: HashMap<i64, i32> = seen.iter().map(|seen| (seen.event, seen.day)).collect();
    let mut chosen = HashSet::new();
    for row in tx.query(&OF_EVENTS, &[&days, &events]).await? {
        let (event, id, endpoint, state): (i64, i64, i64, i16) =
            (cell(&row, 0)?, cell(&row, 1)?, cell(&row, 2)?, cell(&row, 3)?);
        if id < plan.upto && plan.filter.takes(endpoint, state.into()) {
            let day = day_of.get(&event).copied().unwrap_or_default();
            let _new = chosen.insert((day, event, plan.to.unwrap_or(endpoint)));
        }
    }
    Ok(chosen.into_iter().collect())
}

impl Plan {
    fn of_delivery(&self, seen: &Seen) -> Option<(i32, i64, i64)> {
        let (id, endpoint, state) = seen.delivery?;
        let fits = id < self.upto && seen.fits(self) && self.filter.takes(endpoint, state.into());
        fits.then(|| (seen.day, seen.event, self.to.unwrap_or(endpoint)))
    }
}

impl Seen {
    fn read(row: &Row) -> Result<Self, Fault> {
        let delivery: Option<i64> = cell(row, 9)?;
        Ok(Self {
            event: cell(row, 0)?,
            day: cell(row, 1)?,
            named: Named {
                received_at_ms: cell(row, 2)?,
                app: cell(row, 3)?,
                field: cell(row, 4)?,
                event_type: cell(row, 5)?,
                waba_id: cell(row, 6)?,
                phone_number_id: cell(row, 7)?,
                unrouted: cell(row, 8)?,
            },
            delivery: match delivery {
                Some(id) => Some((id, cell(row, 10)?, cell(row, 11)?)),
                None => None,
            },
        })
    }

    fn fits(&self, plan: &Plan) -> bool {
        self.event < plan.upto && self.named.fits(plan.of, &plan.filter)
    }
}
