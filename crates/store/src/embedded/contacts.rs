//! Which lane an event is stamped with. How names become a lane is decided in [`rules::lane`]; here the names are kept.

use rules::lane::{Known, resolve};
use rusqlite::{OptionalExtension, params};

use super::fault::Fault;
use super::job::Tx;
use super::names::Name;
use crate::record::{LaneName, NewEvent, NewNotification};

/// The event's lane; learns the names that it shows.
pub(super) fn lane(tx: &mut Tx<'_>, notification: &NewNotification, event: &NewEvent) -> Result<String, Fault> {
    let conversation = match &event.lane {
        LaneName::Named(lane) => return Ok(lane.clone()),
        LaneName::Conversation(conversation) => conversation,
    };
    let place = (notification.scope.as_str(), conversation.number.as_str());
    let known = |name: &str| look_up(tx, place, name);
    match resolve(&conversation.number, &conversation.names, &conversation.previous, known)? {
        Some(resolved) => {
            for (name, entry) in resolved.learn {
                learn(tx, place, &name, entry)?;
            }
            Ok(resolved.lane)
        }
        None => Ok(format!("event:{}", event.id)),
    }
}

fn look_up(tx: &mut Tx<'_>, (scope, number): (&str, &str), name: &str) -> Result<Option<Known>, Fault> {
    let key = Name::new(scope, number, name);
    if let Some(known) = tx.names_met.get(&key) {
        return Ok(known.clone());
    }
    let known = match tx.names.get(&key) {
        Some(known) => Some(known.clone()),
        None => read(tx, (scope, number), name)?,
    };
    tx.names_met.insert(key, known.clone());
    Ok(known)
}

fn read(tx: &Tx<'_>, (scope, number): (&str, &str), name: &str) -> Result<Option<Known>, Fault> {
    let known = tx
        .conn
        .prepare_cached("SELECT lane, user_id FROM contact_names WHERE scope = ?1 AND number = ?2 AND name = ?3")?
        .query_row(params![scope, number, name], |row| Ok(Known { lane: row.get(0)?, user_id: row.get(1)? }))
        .optional()?;
    Ok(known)
}

fn learn(tx: &mut Tx<'_>, (scope, number): (&str, &str), name: &str, entry: Known) -> Result<(), Fault> {
    tx.conn
        .prepare_cached(
            "INSERT OR REPLACE INTO contact_names (scope, number, name, lane, user_id) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![scope, number, name, entry.lane, entry.user_id])?;
    tx.names_met.insert(Name::new(scope, number, name), Some(entry));
    Ok(())
}
