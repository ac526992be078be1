//! What there is on Meta's side: apps, business accounts, numbers, templates, people. Pure; the Graph side changes it, and
//! scripts play in it.

mod resolve;

use std::collections::{BTreeMap, BTreeSet};

use crate::sign::AppSecret;

pub use resolve::{Destination, Level, OVERRIDABLE};

/// Everything that exists.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// Apps, in the order in which they get a notification.
    pub apps: Vec<App>,
    /// Business accounts.
    pub wabas: Vec<Waba>,
    /// Business numbers.
    pub numbers: Vec<Number>,
    /// Message templates.
    pub templates: Vec<Template>,
    /// People who write to the business.
    pub contacts: Vec<Contact>,
    /// Access tokens. Where none are declared, any token is good.
    pub tokens: Vec<Token>,
}

/// Where notifications go, and the word that proves the receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// Its URL.
    pub url: String,
    /// What the handshake asks with.
    pub verify_token: String,
}

/// A Meta app.
#[derive(Debug, Clone)]
pub struct App {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What signs its notifications.
    pub secret: AppSecret,
    /// What signs some of them while the secret is being changed.
    pub second_secret: Option<AppSecret>,
    /// Where it gets what, once it has subscribed.
    pub subscription: Option<Subscription>,
}

/// An app's subscription to `whatsapp_business_account`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The app's own callback.
    pub callback: Callback,
    /// The fields that it wants.
    pub fields: BTreeSet<String>,
}

/// A business account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waba {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The apps that are subscribed to it, each with its override, if it has one.
    pub apps: BTreeMap<String, Option<Callback>>,
}

/// How long Meta keeps what a number gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// In the cloud: seven days of retries.
    #[default]
    Cloud,
    /// Local or no storage: an hour, then the content is gone.
    Hour,
}

/// A business number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// Its id.
    pub id: String,
    /// The number as it is shown: digits.
    pub display: String,
    /// The account that it belongs to.
    pub waba: String,
    /// How long Meta keeps what it gets.
    pub storage: Storage,
    /// Its override for each app that set one.
    pub overrides: BTreeMap<String, Callback>,
    /// The Business app stays in use beside the API.
    pub coexistence: Option<Coexistence>,
}

/// What the one-time synchronisation has to give, and what was asked for already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coexistence {
    /// The business shares its chat history.
    pub shares_history: bool,
    /// Messages in each chunk of history.
    pub messages_per_chunk: usize,
    /// The contacts were asked for.
    pub contacts_asked: bool,
    /// The history was asked for.
    pub history_asked: bool,
}

/// A message template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its id: digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its language.
    pub language: String,
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`.
    pub category: String,
    /// Its account.
    pub waba: String,
    /// `APPROVED`, `PENDING`, `PAUSED` …
    pub status: String,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// What scripts call them.
    pub name: String,
    /// What their profile says.
    pub profile: String,
    /// Their phone number: digits.
    pub wa_id: String,
    /// Their business-scoped user id.
    pub user_id: String,
    /// They read what they get, and say so.
    pub reads: bool,
    /// Messages to them fail with this code.
    pub fails: Option<u32>,
    /// What they write back to a message of the business.
    pub reply: Option<String>,
}

/// An access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The token.
    pub text: String,
    /// The app that it was made for.
    pub app: String,
    /// It has run out.
    pub expired: bool,
    /// What it allows.
    pub scopes: BTreeSet<String>,
}

impl World {
    /// The app with this id.
    #[must_use]
    pub fn app(&self, id: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.id == id)
    }

    /// The account with this id.
    #[must_use]
    pub fn waba(&self, id: &str) -> Option<&Waba> {
        self.wabas.iter().find(|waba| waba.id == id)
    }

    /// The number with this id.
    #[must_use]
    pub fn number(&self, id: &str) -> Option<&Number> {
        self.numbers.iter().find(|number| number.id == id)
    }

    /// The person with this phone number, written with or without a plus, or this user id.
    #[must_use]
    pub fn contact(&self, address: &str) -> Option<&Contact> {
        let digits: String = address.chars().filter(char::is_ascii_digit).collect();
        self.contacts.iter().find(|contact| contact.user_id == address || contact.wa_id == digits)
    }

    /// The person that scripts call so.
    #[must_use]
    pub fn contact_named(&self, name: &str) -> Option<&Contact> {
        self.contacts.iter().find(|contact| contact.name == name)
    }

    /// The template of an account with this name.
    #[must_use]
    pub fn template(&self, waba: &str, name: &str) -> Option<&Template> {
        self.templates.iter().find(|template| template.waba == waba && template.name == name)
    }

    /// Sets what a template is; nothing where there is no such template.
    pub fn set_template_status(&mut self, name: &str, status: &str) {
        for template in self.templates.iter_mut().filter(|template| template.name == name) {
            status.clone_into(&mut template.status);
        }
    }
}
