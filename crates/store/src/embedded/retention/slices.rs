//! One slice of each kind: a walk over a table from its oldest row, that stops at what is too young.
//!
//! A walk that met its bound goes on from there in the next slice; one that came to what is too young begins at the
//! oldest again, because what was owed may have ended since.

use rusqlite::{Connection, params};

use super::Sliced;
use crate::embedded::fault::Fault;

/// Rows that one slice looks at, of each kind.
const ROWS_MAX: i64 = 500;

/// Drops the oldest bodies of notifications of which nothing is owed.
pub(super) fn bodies(conn: &Connection, before_ms: i64, sliced: &mut Sliced) -> Result<(), Fault> {
    let Sliced { report, bodies_to, walks, .. } = sliced;
    let from = &mut walks.bodies;
    let candidates: Vec<(i64, i64)> = conn
        .prepare_cached(
            "SELECT notification, received_at FROM bodies WHERE notification >= ?1 ORDER BY notification LIMIT ?2",
        )?
        .query_map(params![*from, ROWS_MAX], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let walked = walk(
        &candidates,
        before_ms,
        |candidate| *candidate,
        from,
        |(notification, _)| {
            if owed_of_notification(conn, *notification)? {
                return Ok(());
            }
            conn.prepare_cached("DELETE FROM bodies WHERE notification = ?1")?.execute([notification])?;
            report.bodies += 1;
            *bodies_to = (*bodies_to).max(*notification);
            Ok(())
        },
    );
    report.more |= walked?;
    Ok(())
}

/// Drops the oldest events of which nothing is owed, with all that hangs on them.
pub(super) fn events(conn: &Connection, before_ms: i64, sliced: &mut Sliced) -> Result<(), Fault> {
    let Sliced { report, events_to, walks, .. } = sliced;
    let from = &mut walks.events;
    let candidates: Vec<(i64, i64)> = conn
        .prepare_cached("SELECT id, received_at FROM events WHERE id >= ?1 ORDER BY id LIMIT ?2")?
        .query_map(params![*from, ROWS_MAX], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let walked = walk(
        &candidates,
        before_ms,
        |candidate| *candidate,
        from,
        |(event, _)| {
            let mut owed = conn.prepare_cached("SELECT 1 FROM deliveries WHERE event = ?1 AND state = 0")?;
            if owed.exists([event])? {
                return Ok(());
            }
            drop_event(conn, *event)?;
            report.events += 1;
            *events_to = (*events_to).max(*event);
            Ok(())
        },
    );
    report.more |= walked?;
    Ok(())
}

/// Drops the oldest notifications that hold no event any more, with the conflicting copies that they held.
pub(super) fn notifications(conn: &Connection, before_ms: i64, sliced: &mut Sliced) -> Result<(), Fault> {
    let Sliced { report, walks, .. } = sliced;
    let from = &mut walks.notifications;
    let candidates: Vec<(i64, i64)> = conn
        .prepare_cached("SELECT id, received_at FROM notifications WHERE id >= ?1 ORDER BY id LIMIT ?2")?
        .query_map(params![*from, ROWS_MAX], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let walked = walk(
        &candidates,
        before_ms,
        |candidate| *candidate,
        from,
        |(notification, _)| {
            let mut filled = conn.prepare_cached(
            "SELECT 1 FROM notifications n JOIN events e ON e.id >= n.first_event AND e.id < n.end_event WHERE n.id = ?1",
        )?;
            if filled.exists([notification])? {
                return Ok(());
            }
            for sql in [
                "DELETE FROM conflicts WHERE notification = ?1",
                "DELETE FROM bodies WHERE notification = ?1",
                "DELETE FROM notifications WHERE id = ?1",
            ] {
                conn.prepare_cached(sql)?.execute([notification])?;
            }
            Ok(())
        },
    );
    report.more |= walked?;
    Ok(())
}

/// Visits what is old enough. True when the bound was met first, and there may be more.
fn walk<T>(
    candidates: &[T],
    before_ms: i64,
    place: impl Fn(&T) -> (i64, i64),
    from: &mut i64,
    mut visit: impl FnMut(&T) -> Result<(), Fault>,
) -> Result<bool, Fault> {
    for candidate in candidates {
        let (number, received_at) = place(candidate);
        if received_at >= before_ms {
            *from = 0;
            return Ok(false);
        }
        *from = number + 1;
        visit(candidate)?;
    }
    let full = i64::try_from(candidates.len()) == Ok(ROWS_MAX);
    if !full {
        *from = 0;
    }
    Ok(full)
}

fn owed_of_notification(conn: &Connection, notification: i64) -> Result<bool, Fault> {
    let mut query = conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM notifications n JOIN deliveries d
                        ON d.event >= n.first_event AND d.event < n.end_event
                        WHERE n.id = ?1 AND d.state = 0)",
    )?;
    Ok(query.query_row([notification], |row| row.get(0))?)
}

fn drop_event(conn: &Connection, number: i64) -> Result<(), Fault> {
    for sql in [
        "DELETE FROM attempts WHERE delivery IN (SELECT id FROM deliveries WHERE event = ?1)",
        "DELETE FROM deliveries WHERE event = ?1",
        "DELETE FROM event_duplicates WHERE event = ?1",
        "DELETE FROM events WHERE id = ?1",
    ] {
        conn.prepare_cached(sql)?.execute([number])?;
    }
    Ok(())
}
