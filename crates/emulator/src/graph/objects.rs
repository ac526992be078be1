//! Numbers and accounts themselves: where a number's webhooks go, and what there is.

use http::Method;
use serde_json::{Map, Value, json};

use super::reply::{Reply, missing, no_object, no_waba};
use super::subscriptions::{not_too_long, subscribed};
use super::{Call, Change, Plan, tokens, url};
use crate::world::{Callback, Number, World};

/// `/{id}`
pub(super) fn one(world: &mut World, call: &Call, method: &Method, id: &str) -> Result<Plan, Reply> {
    let caller = tokens::with_scope(world, call, tokens::MANAGEMENT)?;
    if let Some(number) = world.number(id).cloned() {
        return match *method {
            Method::GET => Ok(Plan::Answer(number_shown(world, call, &number, &caller.app))),
            _ => configure(world, call, &number, caller.app),
        };
    }
    match world.waba(id).filter(|_| *method == Method::GET) {
        Some(waba) => Ok(Plan::Answer(Reply::ok(json!({ "id": waba.id, "name": waba.name })))),
        None => Err(no_object(id)),
    }
}

/// `/{waba}/phone_numbers`
pub(super) fn numbers(world: &World, call: &Call, id: &str) -> Result<Reply, Reply> {
    let caller = tokens::with_scope(world, call, tokens::MANAGEMENT)?;
    world.waba(id).ok_or_else(|| no_waba(id))?;
    let of_waba = world.numbers.iter().filter(|number| number.waba == id);
    let data: Vec<Value> = of_waba.map(|number| number_shown(world, call, number, &caller.app).body).collect();
    Ok(Reply::ok(json!({ "data": data })))
}

fn number_shown(world: &World, call: &Call, number: &Number, app: &str) -> Reply {
    let usual = "verified_name,display_phone_number,quality_rating,id";
    let mut shown = Map::new();
    for field in call.text("fields").unwrap_or(usual).split(',').map(str::trim) {
        let value = match field {
            "webhook_configuration" => configuration(world, number, app),
            "display_phone_number" => number.display.as_str().into(),
            "verified_name" => world.waba(&number.waba).map(|waba| waba.name.as_str()).into(),
            "quality_rating" => "GREEN".into(),
            "is_on_biz_app" => number.coexistence.is_some().into(),
            "platform_type" => "CLOUD_API".into(),
            _ => continue,
        };
        shown.insert(field.to_owned(), value);
    }
    shown.insert("id".to_owned(), number.id.as_str().into());
    Reply::ok(Value::Object(shown))
}

/// The callbacks of all three levels, as far as there are any.
fn configuration(world: &World, number: &Number, app: &str) -> Value {
    let of_number = number.overrides.get(app).map(|callback| callback.url.as_str());
    let of_waba = world.waba(&number.waba).and_then(|waba| waba.apps.get(app)?.as_ref());
    let of_app = world.app(app).and_then(|app| app.subscription.as_ref()).map(|known| known.callback.url.as_str());
    let levels = [
        ("phone_number", of_number),
        ("whatsapp_business_account", of_waba.map(|callback| callback.url.as_str())),
        ("application", of_app),
    ];
    let there = levels.into_iter().filter_map(|(level, url)| Some((level.to_owned(), url?.into())));
    Value::Object(there.collect())
}

/// Sets or removes a number's override.
fn configure(world: &mut World, call: &Call, number: &Number, app: String) -> Result<Plan, Reply> {
    let configuration = call.parameters.get("webhook_configuration").and_then(Value::as_object);
    let configuration = configuration.ok_or_else(|| missing("webhook_configuration"))?;
    let text = |name: &str| configuration.get(name).and_then(Value::as_str);
    let new = text("override_callback_uri").ok_or_else(|| missing("webhook_configuration[override_callback_uri]"))?;
    if new.is_empty() {
        if let Some(number) = world.numbers.iter_mut().find(|known| known.id == number.id) {
            number.overrides.remove(&app);
        }
        return Ok(Plan::Answer(Reply::success()));
    }
    subscribed(world, &number.waba, &app)?;
    url(new)?;
    not_too_long(new)?;
    let token = text("verify_token").filter(|token| !token.is_empty());
    let verify_token = token.ok_or_else(|| missing("webhook_configuration[verify_token]"))?.to_owned();
    let callback = Callback { url: new.to_owned(), verify_token };
    Ok(Plan::Verify { callback, change: Change::OverrideNumber { app, number: number.id.clone() } })
}
