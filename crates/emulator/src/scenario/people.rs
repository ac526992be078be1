//! The world of a scenario, completed from what was typed.

use std::collections::{BTreeMap, BTreeSet};

use super::raw;
use crate::sign::AppSecret;
use crate::world::{App, Callback, Coexistence, Contact, Number, Storage, Subscription, Template, Token, Waba, World};

/// The secret of apps that say nothing. It is no secret: whoever writes a receiver gives it this one.
pub const SECRET: &str = "emulator-app-secret";
/// The verify token of callbacks that say nothing.
pub const VERIFY_TOKEN: &str = "emulator-verify-token";

const WABA: &str = "102290129340398";
const NUMBER: &str = "106540352242922";
/// Messages in a chunk of history, unless the number says otherwise.
const MESSAGES_PER_CHUNK: usize = 40;

/// Whatever is counted in the thousands is told apart by its position.
fn nth(first: &str, position: usize) -> String {
    let number: u64 = first.parse().unwrap_or_default();
    (number + u64::try_from(position).unwrap_or_default()).to_string()
}

pub(super) fn world(typed: &raw::Scenario) -> Result<World, String> {
    let apps: Vec<App> = or_one(&typed.apps).enumerate().map(|(position, app)| self::app(position, app)).collect();
    let ids: Vec<String> = apps.iter().map(|app| app.id.clone()).collect();
    let wabas = or_one(&typed.wabas).enumerate().map(|(position, waba)| self::waba(position, waba, &ids));
    let wabas = wabas.collect::<Result<Vec<_>, _>>()?;
    let first_waba = wabas.first().map(|waba| waba.id.clone()).unwrap_or_default();
    let known = |id: &Option<String>| match id {
        Some(id) if wabas.iter().any(|waba| waba.id == *id) => Ok(id.clone()),
        Some(id) => Err(format!("there is no account {id:?}")),
        None => Ok(first_waba.clone()),
    };
    let mut numbers = Vec::new();
    for (position, number) in or_one(&typed.numbers).enumerate() {
        let waba = known(&number.waba)?;
        let app = wabas.iter().find(|known| known.id == waba).and_then(|waba| waba.apps.keys().next());
        numbers.push(self::number(position, number, waba, app));
    }
    let mut templates = Vec::new();
    for (position, template) in typed.templates.iter().enumerate() {
        templates.push(self::template(position, template, known(&template.waba)?));
    }
    let people = typed.contacts.iter().enumerate().map(|(position, contact)| self::contact(position, contact));
    let mut contacts: Vec<Contact> = people.collect();
    if contacts.is_empty() {
        contacts.push(zoe());
    }
    let tokens = typed.tokens.iter().map(|token| self::token(token, &ids)).collect::<Result<_, _>>()?;
    Ok(World { apps, wabas, numbers, templates, contacts, tokens })
}

/// What was typed, or one of which nothing was said.
fn or_one<T: Default>(typed: &[T]) -> impl Iterator<Item = Typed<'_, T>> {
    let default = typed.is_empty().then(|| Typed::Default(T::default()));
    typed.iter().map(Typed::Said).chain(default)
}

enum Typed<'a, T> {
    Said(&'a T),
    Default(T),
}

impl<T> std::ops::Deref for Typed<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Said(said) => said,
            Self::Default(default) => default,
        }
    }
}

fn callback(url: Option<&String>, verify_token: Option<&String>) -> Callback {
    Callback {
        url: url.cloned().unwrap_or_default(),
        verify_token: verify_token.cloned().unwrap_or_else(|| VERIFY_TOKEN.to_owned()),
    }
}

fn own(own: Option<&raw::Callback>) -> Option<Callback> {
    own.map(|own| callback(Some(&own.callback), own.verify_token.as_ref()))
}

fn app(position: usize, typed: Typed<'_, raw::App>) -> App {
    let every = || whatsapp::catalogue::fields().iter().map(|field| field.name.to_owned()).collect();
    let subscription = Subscription {
        callback: callback(typed.callback.as_ref(), typed.verify_token.as_ref()),
        fields: typed.fields.as_ref().map_or_else(every, |fields| fields.iter().cloned().collect::<BTreeSet<_>>()),
    };
    App {
        id: typed.id.clone().unwrap_or_else(|| nth("670843887433847", position)),
        name: typed.name.clone().unwrap_or_else(|| "Emulated App".to_owned()),
        secret: AppSecret::new(typed.secret.as_deref().unwrap_or(SECRET)),
        second_secret: typed.second_secret.as_deref().map(AppSecret::new),
        subscription: typed.subscribed.unwrap_or(true).then_some(subscription),
    }
}

fn waba(position: usize, typed: Typed<'_, raw::Waba>, apps: &[String]) -> Result<Waba, String> {
    let linked = typed.apps.clone().unwrap_or_else(|| apps.to_vec());
    if let Some(unknown) = linked.iter().find(|id| !apps.contains(id)) {
        return Err(format!("there is no app {unknown:?}"));
    }
    let mut apps: BTreeMap<String, Option<Callback>> = linked.iter().cloned().map(|id| (id, None)).collect();
    if let Some(first) = linked.first().and_then(|id| apps.get_mut(id)) {
        *first = own(typed.own.as_ref());
    }
    Ok(Waba {
        id: typed.id.clone().unwrap_or_else(|| nth(WABA, position)),
        name: typed.name.clone().unwrap_or_else(|| "Lantern Street Books".to_owned()),
        apps,
    })
}

fn number(position: usize, typed: Typed<'_, raw::Number>, waba: String, app: Option<&String>) -> Number {
    let overrides = own(typed.own.as_ref()).and_then(|own| Some((app?.clone(), own)));
    Number {
        id: typed.id.clone().unwrap_or_else(|| nth(NUMBER, position)),
        display: typed.display.clone().unwrap_or_else(|| nth("15550783881", position)),
        waba,
        storage: match typed.storage {
            None | Some(raw::Storage::Cloud) => Storage::Cloud,
            Some(raw::Storage::Local | raw::Storage::None) => Storage::Hour,
        },
        overrides: overrides.into_iter().collect(),
        coexistence: typed.coexistence.then(|| Coexistence {
            shares_history: typed.shares_history.unwrap_or(true),
            messages_per_chunk: typed.messages_per_chunk.unwrap_or(MESSAGES_PER_CHUNK).clamp(1, 10_000),
            contacts_asked: false,
            history_asked: false,
        }),
    }
}

fn template(position: usize, typed: &raw::Template, waba: String) -> Template {
    let or = |said: &Option<String>, otherwise: &str| said.clone().unwrap_or_else(|| otherwise.to_owned());
    Template {
        id: typed.id.clone().unwrap_or_else(|| nth("1689556908129832", position)),
        name: typed.name.clone(),
        language: or(&typed.language, "en_US"),
        category: or(&typed.category, "UTILITY"),
        waba,
        status: or(&typed.status, "APPROVED"),
    }
}

fn contact(position: usize, typed: &raw::Contact) -> Contact {
    Contact {
        name: typed.name.clone(),
        profile: typed.profile.clone().unwrap_or_else(|| typed.name.clone()),
        wa_id: typed.wa_id.clone().unwrap_or_else(|| nth("16505551234", position)),
        user_id: typed.user_id.clone().unwrap_or_else(|| format!("US.{}", nth("1349120865530274191", position))),
        reads: typed.reads.unwrap_or(true),
        fails: typed.fails,
        reply: typed.reply.clone(),
    }
}

fn zoe() -> Contact {
    let typed = raw::Contact {
        name: "zoe".to_owned(),
        profile: Some("Zoë Ångström".to_owned()),
        wa_id: None,
        user_id: None,
        reads: None,
        fails: None,
        reply: None,
    };
    contact(0, &typed)
}

fn token(typed: &raw::Token, apps: &[String]) -> Result<Token, String> {
    let app = typed.app.clone().or_else(|| apps.first().cloned()).unwrap_or_default();
    if !apps.contains(&app) {
        return Err(format!("there is no app {app:?}"));
    }
    let both = || ["whatsapp_business_management", "whatsapp_business_messaging"].map(str::to_owned).to_vec();
    Ok(Token {
        text: typed.token.clone(),
        app,
        expired: typed.expired,
        scopes: typed.scopes.clone().unwrap_or_else(both).into_iter().collect(),
    })
}
