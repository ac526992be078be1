//! Counting: walking over what a replay may repeat, a bounded slice at a time.
//!
//! Deliveries that ended badly have an index of their own; everything else is found by the time of its event.

use std::sync::Mutex;

use rules::limits::REPLAY_ITEMS_MAX;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::seen::{Plan, SEEN, Seen, plan};
use super::{known, note, set_state};
use crate::common::walk::{BY_TIME, DEAD, LOOKED_MAX, NAMED, OVER, SKIPPED, Walk};
use crate::embedded::fault::Fault;
use crate::embedded::job::{Refusal, Tx};
use crate::embedded::lookup::Index;
use crate::embedded::read::numbers_of;
use crate::replay::{ReplayNo, ReplayOf, ReplayRecord, ReplayState};

/// What a slice found.
#[derive(Debug)]
pub(in crate::embedded) struct Found {
    from: Walk,
    next: Walk,
    items: Vec<Item>,
}

/// An event and the endpoint that gets it.
#[derive(Debug, Clone, Copy)]
struct Item {
    event: i64,
    endpoint: i64,
    /// As in the table `replay_items`.
    gone: i64,
}

/// Looks at the next slice, beside the writer.
pub(in crate::embedded) fn look(conn: &Connection, index: &Mutex<Index>, number: ReplayNo) -> Result<Found, Fault> {
    // Before the snapshot, which may be older than a segment that the index leads to.
    let named = named_events(conn, index, number)?;
    let snapshot = conn.unchecked_transaction()?;
    let Some(plan) = plan(&snapshot, number)? else {
        return Ok(Found { from: Walk::over(), next: Walk::over(), items: Vec::new() });
    };
    let mut looker = Looker::new(&snapshot, &plan)?;
    let next = match plan.walk.number {
        DEAD | SKIPPED => looker.failed()?,
        BY_TIME => looker.by_time()?,
        NAMED => looker.named(&named)?,
        _ => Walk::over(),
    };
    Ok(Found { from: plan.walk, next, items: looker.items })
}

/// The rows of the events that a replay names.
fn named_events(conn: &Connection, index: &Mutex<Index>, number: ReplayNo) -> Result<Vec<i64>, Fault> {
    let Some(plan) = plan(conn, number)?.filter(|plan| plan.walk.number == NAMED) else {
        return Ok(Vec::new());
    };
    let mut events = Vec::new();
    for id in &plan.filter.events {
        events.extend(numbers_of(conn, index, *id)?);
    }
    Ok(events)
}

/// A slice being looked at.
struct Looker<'c> {
    conn: &'c Connection,
    plan: &'c Plan,
    /// Whether the receiving endpoint is owed the event, and whether it has accepted it.
    had: CachedStatement<'c>,
    is_there: CachedStatement<'c>,
    /// The deliveries of one event.
    of_event: CachedStatement<'c>,
    items: Vec<Item>,
}

impl<'c> Looker<'c> {
    fn new(conn: &'c Connection, plan: &'c Plan) -> Result<Self, Fault> {
        Ok(Self {
            conn,
            plan,
            had: conn.prepare_cached(
                "SELECT coalesce(max(state = 0), 0), coalesce(max(state = 1), 0) FROM deliveries
                 WHERE event = ?1 AND endpoint = ?2",
            )?,
            is_there: conn.prepare_cached("SELECT 1 FROM endpoints WHERE number = ?1 AND removed_at IS NULL")?,
            of_event: conn.prepare_cached("SELECT id, endpoint, state FROM deliveries WHERE event = ?1 ORDER BY id")?,
            items: Vec::new(),
        })
    }

    /// Deliveries that are dead, or were skipped.
    fn failed(&mut self) -> Result<Walk, Fault> {
        let (plan, walk) = (self.plan, self.plan.walk);
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT {SEEN}, d.id, d.endpoint FROM deliveries d JOIN events e ON e.id = d.event
             WHERE d.state >= 2 AND d.state = ?1 AND d.id > ?2 AND d.id <= ?3 ORDER BY d.id LIMIT ?4"
        ))?;
        let mut rows = query.query(params![walk.number, walk.first, plan.upto_delivery, LOOKED_MAX])?;
        let (mut looked, mut last) = (0, walk.first);
        while let Some(row) = rows.next()? {
            looked += 1;
            last = row.get(9)?;
            let (seen, endpoint) = (Seen::read(row)?, row.get(10)?);
            if seen.fits(plan) && plan.filter.endpoint.is_none_or(|wanted| wanted.0 == endpoint) {
                self.choose(&seen, plan.to.unwrap_or(endpoint))?;
            }
        }
        Ok(if looked == LOOKED_MAX {
            Walk { first: last, ..walk }
        } else if walk.number == DEAD && plan.filter.skipped {
            Walk { number: SKIPPED, first: 0, second: 0 }
        } else {
            Walk::over()
        })
    }

    /// Events in the order in which they arrived, with their deliveries.
    fn by_time(&mut self) -> Result<Walk, Fault> {
        let (plan, walk) = (self.plan, self.plan.walk);
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT {SEEN} FROM events e WHERE (e.received_at, e.id) > (?1, ?2) AND e.received_at < ?3
             ORDER BY e.received_at, e.id LIMIT ?4"
        ))?;
        let until = plan.filter.until_ms.unwrap_or(i64::MAX);
        let mut rows = query.query(params![walk.first, walk.second, until, LOOKED_MAX])?;
        let (mut looked, mut last) = (0, walk);
        while let Some(row) = rows.next()? {
            looked += 1;
            let seen = Seen::read(row)?;
            last = Walk { first: seen.named.received_at_ms, second: seen.event, ..walk };
            self.event(&seen)?;
        }
        Ok(if looked == LOOKED_MAX { last } else { Walk::over() })
    }

    /// What was named by id. There are few.
    fn named(&mut self, events: &[i64]) -> Result<Walk, Fault> {
        let plan = self.plan;
        let mut by_number = self.conn.prepare_cached(&format!("SELECT {SEEN} FROM events e WHERE e.id = ?1"))?;
        for number in events {
            if let Some(seen) = by_number.query_row([number], Seen::read).optional()? {
                self.event(&seen)?;
            }
        }
        let mut by_delivery = self.conn.prepare_cached(&format!(
            "SELECT {SEEN}, d.id, d.endpoint, d.state FROM deliveries d JOIN events e ON e.id = d.event WHERE d.id = ?1"
        ))?;
        for delivery in plan.filter.deliveries.iter().filter(|delivery| delivery.0 <= plan.upto_delivery) {
            let found = by_delivery.query_row([delivery.0], |row| Ok((Seen::read(row)?, row.get(10)?, row.get(11)?)));
            if let Some((seen, endpoint, state)) = found.optional()?
                && seen.fits(plan)
                && plan.filter.takes(endpoint, state)
            {
                self.choose(&seen, plan.to.unwrap_or(endpoint))?;
            }
        }
        Ok(Walk::over())
    }

    fn event(&mut self, seen: &Seen) -> Result<(), Fault> {
        let plan = self.plan;
        if !seen.fits(plan) {
            return Ok(());
        }
        if let (ReplayOf::Unrouted | ReplayOf::Events, Some(to)) = (plan.of, plan.to) {
            return self.choose(seen, to);
        }
        let deliveries = self.of_event.query_map([seen.event], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let deliveries: Vec<(i64, i64, i64)> = deliveries.collect::<Result<_, _>>()?;
        for (id, endpoint, state) in deliveries {
            if id <= plan.upto_delivery && plan.filter.takes(endpoint, state) {
                self.choose(seen, plan.to.unwrap_or(endpoint))?;
            }
        }
        Ok(())
    }

    /// Chooses the event for an endpoint, unless that is still owed it, or has accepted it and that does not count.
    fn choose(&mut self, seen: &Seen, endpoint: i64) -> Result<(), Fault> {
        let had: (bool, bool) = self.had.query_row([seen.event, endpoint], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (owed, accepted) = had;
        if owed || (accepted && !self.plan.filter.accepted) {
            return Ok(());
        }
        let gone = match (self.is_there.exists([endpoint])?, seen.has_body) {
            (false, _) => 2,
            (true, false) => 1,
            (true, true) => 0,
        };
        self.items.push(Item { event: seen.event, endpoint, gone });
        Ok(())
    }
}

/// Writes down what a slice found, unless another one was quicker.
pub(in crate::embedded) fn count(
    tx: &mut Tx<'_>,
    number: ReplayNo,
    found: &Found,
    now_ms: i64,
) -> Result<ReplayRecord, Refusal> {
    let record = known(tx, number)?;
    if record.state != ReplayState::Counting || plan(tx.conn, number)?.is_none_or(|plan| plan.walk != found.from) {
        return Ok(record);
    }
    let mut insert = tx
        .conn
        .prepare_cached("INSERT OR IGNORE INTO replay_items (replay, event, endpoint, gone) VALUES (?1, ?2, ?3, ?4)")?;
    let (mut matched, mut bodies, mut endpoints) = (0, 0, 0);
    for Item { event, endpoint, gone } in &found.items {
        if insert.execute(params![number.0, event, endpoint, gone])? > 0 {
            matched += 1;
            bodies += i64::from(*gone == 1);
            endpoints += i64::from(*gone == 2);
        }
    }
    let Walk { number: walk, first, second } = found.next;
    tx.conn
        .prepare_cached(
            "UPDATE replays SET walk = ?2, at_first = ?3, at_second = ?4, matched = matched + ?5,
                    bodies_gone = bodies_gone + ?6, endpoints_gone = endpoints_gone + ?7
             WHERE number = ?1",
        )?
        .execute(params![number.0, walk, first, second, matched, bodies, endpoints])?;
    if record.matched.saturating_add(u64::try_from(matched).unwrap_or_default()) > REPLAY_ITEMS_MAX {
        set_state(tx, number, ReplayState::Cancelled, now_ms)?;
        note(tx, number, now_ms, "", &format!("cancelled: it matches more than {REPLAY_ITEMS_MAX}"))?;
    } else if walk == OVER {
        let starts: bool = tx
            .conn
            .prepare_cached("SELECT starts FROM replays WHERE number = ?1")?
            .query_row([number.0], |row| row.get(0))?;
        let state = if starts { ReplayState::Running } else { ReplayState::Planned };
        set_state(tx, number, state, now_ms)?;
        note(tx, number, now_ms, "", if starts { "counted and started" } else { "counted" })?;
    }
    known(tx, number)
}
