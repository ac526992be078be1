//! `/{number}/smb_app_data`: the one-time synchronisation of a number that stays in the Business app.

use std::time::Duration;

use serde_json::json;

use super::reply::{Reply, bad, missing, no_object};
use super::{Call, Effects, Moment, messages, tokens};
use crate::play::{Deed, What, history};
use crate::world::World;

/// Until the address book comes.
const CONTACTS_AFTER: Duration = Duration::from_secs(2);
/// Chunks of a history.
const CHUNKS: u32 = 6;

pub(super) fn ask(world: &mut World, call: &Call, id: &str, moment: &mut Moment<'_>) -> Result<Reply, Reply> {
    tokens::with_scope(world, call, tokens::MANAGEMENT)?;
    let contact = world.contacts.first().cloned();
    let number = world.numbers.iter_mut().find(|number| number.id == id).ok_or_else(|| no_object(id))?;
    messages::product(call)?;
    let (id, waba) = (number.id.clone(), number.waba.clone());
    let coexistence = number.coexistence.as_mut();
    let state = coexistence.ok_or_else(|| bad("The phone number is not used with the WhatsApp Business app"))?;
    let (asked, whats) = match call.text("sync_type") {
        Some("smb_app_state_sync") => (&mut state.contacts_asked, vec![(CONTACTS_AFTER, What::Contacts)]),
        Some("history") => {
            let chunks = state.shares_history.then_some(CHUNKS);
            (&mut state.history_asked, history(chunks, state.messages_per_chunk))
        }
        Some(_) => return Err(bad("Param sync_type must be one of {SMB_APP_STATE_SYNC, HISTORY}")),
        None => return Err(missing("sync_type")),
    };
    if *asked {
        return Err(bad("This synchronisation was requested before; it can be requested once after onboarding"));
    }
    *asked = true;
    let deed = |what| Some(Deed { number: Some(id.clone()), waba: waba.clone(), contact: contact.clone()?, what });
    let effects: Effects = whats.into_iter().filter_map(|(after, what)| Some((after, deed(what)?))).collect();
    let request_id = format!("{:016x}", moment.rng.u64(..));
    Ok(Reply::ok(json!({ "messaging_product": "whatsapp", "request_id": request_id })).causing(effects))
}
