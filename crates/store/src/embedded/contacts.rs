//! Which lane an event is stamped with. How names become a lane is decided in [`rules::lane`]; here the names are kept.

use rules::lane::{Known, resolve};
use rusqlite::{OptionalExtension, params};

use super::fault::Fault;
use super::job::Tx;
use crate::record::{LaneName, NewConversation, NewEvent, NewNotification};

/// The event's lane; learns the names that it shows.
pub(super) fn lane(tx: &Tx<'_>, notification: &NewNotification, event: &NewEvent) -> Result<String, Fault> {
    let conversation = match &event.lane {
        LaneName::Named(lane) => return Ok(lane.clone()),
        LaneName::Conversation(conversation) => conversation,
    };
    let known = |name: &str| look_up(tx, &notification.scope, &conversation.number, name);
    match resolve(&conversation.number, &conversation.names, &conversation.previous, known)? {
        Some(resolved) => {
            for (name, entry) in &resolved.learn {
                learn(tx, &notification.scope, conversation, name, entry)?;
            }
            Ok(resolved.lane)
        }
        None => Ok(format!("event:{}", event.id)),
    }
}

fn look_up(tx: &Tx<'_>, scope: &str, number: &str, name: &str) -> Result<Option<Known>, Fault> {
    let known = tx
        .conn
        .prepare_cached("SELECT lane, user_id FROM contact_names WHERE scope = ?1 AND number = ?2 AND name = ?3")?
        .query_row(params![scope, number, name], |row| Ok(Known { lane: row.get(0)?, user_id: row.get(1)? }))
        .optional()?;
    Ok(known)
}

fn learn(tx: &Tx<'_>, scope: &str, conversation: &NewConversation, name: &str, entry: &Known) -> Result<(), Fault> {
    tx.conn
        .prepare_cached(
            "INSERT OR REPLACE INTO contact_names (scope, number, name, lane, user_id) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![scope, conversation.number, name, entry.lane, entry.user_id])?;
    Ok(())
}
