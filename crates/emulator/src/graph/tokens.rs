//! Who calls.

use std::collections::BTreeSet;

use serde_json::json;

use super::Call;
use super::reply::{Reply, missing};
use crate::world::{App, World};

/// What `messages` needs.
pub(super) const MESSAGING: &str = "whatsapp_business_messaging";
/// What all else needs.
pub(super) const MANAGEMENT: &str = "whatsapp_business_management";

/// Who a token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) app: String,
    /// The app itself, not somebody who uses it.
    pub(super) is_app: bool,
    pub(super) scopes: BTreeSet<String>,
}

/// Who this token speaks for. Where the world declares no tokens, any text is one of the first app, with every scope.
fn read(world: &World, token: &str) -> Result<Caller, Reply> {
    if let Some((id, secret)) = token.split_once('|') {
        let app = world.app(id).filter(|app| app.secret.bytes() == secret.as_bytes());
        let app = app.ok_or_else(|| invalid("Invalid OAuth access token signature."))?;
        return Ok(Caller { app: app.id.clone(), is_app: true, scopes: BTreeSet::new() });
    }
    if world.tokens.is_empty() {
        let app = world.apps.first().ok_or_else(|| invalid("Cannot parse access token"))?;
        let scopes = [MESSAGING, MANAGEMENT].map(str::to_owned).into();
        return Ok(Caller { app: app.id.clone(), is_app: false, scopes });
    }
    let known = world.tokens.iter().find(|known| known.text == token);
    let known = known.ok_or_else(|| invalid("Invalid OAuth access token - Cannot parse access token"))?;
    if known.expired {
        let message = "Error validating access token: Session has expired";
        return Err(Reply::error(401, 190, message).with("error_subcode", 463));
    }
    Ok(Caller { app: known.app.clone(), is_app: false, scopes: known.scopes.clone() })
}

fn invalid(message: &str) -> Reply {
    Reply::error(401, 190, message).with("error_subcode", 467)
}

/// Whoever calls.
pub(super) fn anybody(world: &World, call: &Call) -> Result<Caller, Reply> {
    let token = call.token.as_deref().filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| Reply::error(401, 190, "An access token is required to request this resource."))?;
    read(world, token)
}

/// Somebody with this scope.
pub(super) fn with_scope(world: &World, call: &Call, scope: &str) -> Result<Caller, Reply> {
    let caller = anybody(world, call)?;
    if caller.is_app || caller.scopes.contains(scope) {
        return Ok(caller);
    }
    let message = format!("(#200) The token does not have the permission {scope} for this WhatsApp Business Account");
    Err(Reply::error(403, 200, message).with("error_subcode", 1_349_174))
}

/// The app itself.
pub(super) fn the_app(world: &World, call: &Call, app: &str) -> Result<(), Reply> {
    let caller = anybody(world, call)?;
    if caller.is_app && caller.app == app {
        return Ok(());
    }
    Err(Reply::error(400, 15, "(#15) This method must be called with an app access_token."))
}

/// `/oauth/access_token` with `client_credentials`.
pub(super) fn make(world: &World, call: &Call) -> Reply {
    let Some(id) = call.text("client_id") else { return missing("client_id") };
    let Some(secret) = call.text("client_secret") else { return missing("client_secret") };
    match world.app(id) {
        Some(app) if app.secret.bytes() == secret.as_bytes() => {
            Reply::ok(json!({ "access_token": format!("{id}|{secret}"), "token_type": "bearer" }))
        }
        Some(_) => Reply::error(400, 1, "Error validating client secret."),
        None => {
            Reply::error(400, 101, "Error validating application. Cannot get application info due to a system error.")
        }
    }
}

/// `/debug_token`
pub(super) fn debug(world: &World, call: &Call) -> Result<Reply, Reply> {
    anybody(world, call)?;
    let input = call.text("input_token").ok_or_else(|| missing("input_token"))?;
    let caller = match read(world, input) {
        Ok(caller) => caller,
        Err(error) => {
            let inner = error.body.get("error").cloned().unwrap_or_default();
            let subcode = inner.get("error_subcode").cloned().unwrap_or_default();
            let error = json!({ "code": 190, "message": inner.get("message"), "subcode": subcode });
            return Ok(Reply::ok(json!({ "data": { "error": error, "is_valid": false, "scopes": [] } })));
        }
    };
    let granular: Vec<_> = caller.scopes.iter().map(|scope| json!({ "scope": scope })).collect();
    let data = json!({
        "app_id": caller.app,
        "type": if caller.is_app { "APP" } else { "SYSTEM_USER" },
        "application": world.app(&caller.app).map(|app: &App| app.name.as_str()),
        "expires_at": 0,
        "is_valid": true,
        "scopes": caller.scopes,
        "granular_scopes": granular,
    });
    Ok(Reply::ok(json!({ "data": data })))
}
