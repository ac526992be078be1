//! The two subscriptions: the app's to fields, and the account's to the app.

use http::Method;
use serde_json::{Value, json};

use super::reply::{Reply, bad, missing, no_object, no_waba};
use super::{Call, Change, OVERRIDE_CHARS_MAX, Plan, VERSION, callback, tokens};
use crate::world::{App, World};

/// The object that WhatsApp's webhooks are of.
const OBJECT: &str = "whatsapp_business_account";
/// What Meta answers when an app sets an override for an account that it is not subscribed to.
const SUBSCRIBE_FIRST: &str = "Before override the current callback uri, your app must be subscribed to receive messages for WhatsApp Business Account";

/// `/{app}/subscriptions`
pub(super) fn of_app(world: &mut World, call: &Call, method: &Method, id: &str) -> Result<Plan, Reply> {
    if world.app(id).is_none() {
        return Err(no_object(id));
    }
    tokens::the_app(world, call, id)?;
    match *method {
        Method::GET => Ok(Plan::Answer(shown(world.app(id)))),
        Method::POST => {
            object(call)?;
            let url = call.text("callback_url").ok_or_else(|| missing("callback_url"))?;
            let fields = fields(call)?;
            if fields.is_empty() {
                return Err(missing("fields"));
            }
            let callback = callback(call, url, "verify_token")?;
            Ok(Plan::Verify { callback, change: Change::Subscribe { app: id.to_owned(), fields } })
        }
        Method::DELETE => {
            object(call)?;
            let fields = fields(call)?;
            if let Some(app) = world.apps.iter_mut().find(|app| app.id == id) {
                match &mut app.subscription {
                    Some(subscription) if !fields.is_empty() => {
                        subscription.fields.retain(|field| !fields.contains(field));
                    }
                    subscription => *subscription = None,
                }
            }
            Ok(Plan::Answer(Reply::success()))
        }
        _ => Err(no_object(id)),
    }
}

fn shown(app: Option<&App>) -> Reply {
    let one = app.and_then(|app| app.subscription.as_ref()).map(|subscription| {
        let fields: Vec<Value> =
            subscription.fields.iter().map(|name| json!({ "name": name, "version": VERSION })).collect();
        json!({ "object": OBJECT, "callback_url": subscription.callback.url, "active": true, "fields": fields })
    });
    Reply::ok(json!({ "data": one.into_iter().collect::<Vec<_>>() }))
}

fn object(call: &Call) -> Result<(), Reply> {
    match call.text("object") {
        Some(OBJECT) => Ok(()),
        Some(_) => Err(bad(format!("Param object must be one of {{{OBJECT}}}"))),
        None => Err(missing("object")),
    }
}

/// The fields that the call names: a comma list, or an array.
fn fields(call: &Call) -> Result<Vec<String>, Reply> {
    let named: Vec<String> = match call.parameters.get("fields") {
        Some(Value::String(list)) => list.split(',').map(|field| field.trim().to_owned()).collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(_) | None => Vec::new(),
    };
    let named: Vec<String> = named.into_iter().filter(|field| !field.is_empty()).collect();
    let known = |name: &String| whatsapp::catalogue::fields().iter().any(|field| field.name == name);
    match named.iter().position(|field| !known(field)) {
        Some(position) => Err(bad(format!("Param fields[{position}] must be one of the fields of {OBJECT}"))),
        None => Ok(named),
    }
}

/// `/{waba}/subscribed_apps`
pub(super) fn of_waba(world: &mut World, call: &Call, method: &Method, id: &str) -> Result<Plan, Reply> {
    let caller = tokens::with_scope(world, call, tokens::MANAGEMENT)?;
    let waba = world.wabas.iter_mut().find(|waba| waba.id == id).ok_or_else(|| no_waba(id))?;
    match *method {
        Method::POST => match call.text("override_callback_uri").filter(|url| !url.is_empty()) {
            // Subscribing anew removes the override, too.
            None => {
                waba.apps.insert(caller.app, None);
                Ok(Plan::Answer(Reply::success()))
            }
            Some(_) if !waba.apps.contains_key(&caller.app) => Err(Reply::error(400, 100, SUBSCRIBE_FIRST)),
            Some(url) => {
                let callback = callback(call, url, "verify_token")?;
                not_too_long(url)?;
                Ok(Plan::Verify { callback, change: Change::OverrideWaba { app: caller.app, waba: id.to_owned() } })
            }
        },
        Method::DELETE => {
            waba.apps.remove(&caller.app);
            Ok(Plan::Answer(Reply::success()))
        }
        Method::GET => {
            let waba = waba.clone();
            let data: Vec<Value> = waba
                .apps
                .iter()
                .filter_map(|(app, own)| {
                    let app = world.app(app)?;
                    let link = format!("https://www.facebook.com/games/?app_id={}", app.id);
                    let mut one =
                        json!({ "whatsapp_business_api_data": { "id": app.id, "link": link, "name": app.name } });
                    if let (Some(own), Some(members)) = (own, one.as_object_mut()) {
                        members.insert("override_callback_uri".to_owned(), own.url.as_str().into());
                    }
                    Some(one)
                })
                .collect();
            Ok(Plan::Answer(Reply::ok(json!({ "data": data }))))
        }
        _ => Err(no_object(id)),
    }
}

/// An override's URL has a limit.
pub(super) fn not_too_long(url: &str) -> Result<(), Reply> {
    if url.chars().count() > OVERRIDE_CHARS_MAX {
        return Err(bad(format!("Param override_callback_uri must be at most {OVERRIDE_CHARS_MAX} characters long.")));
    }
    Ok(())
}

/// The caller's app is subscribed to this account.
pub(super) fn subscribed(world: &World, waba: &str, app: &str) -> Result<(), Reply> {
    let linked = world.waba(waba).is_some_and(|waba| waba.apps.contains_key(app));
    if linked { Ok(()) } else { Err(Reply::error(400, 100, SUBSCRIBE_FIRST)) }
}
