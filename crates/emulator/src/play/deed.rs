//! One thing that happens, and its webhook.

use fastrand::Rng;

use crate::bodies::{self, Chunk, Moment, Stage};
use crate::catalogue;
use crate::edit::Edit;
use crate::fixtures;
use crate::fresh::Fresh;
use crate::mischief::Occurrence;
use crate::names::{Names, with_card, with_user_ids};
use crate::recipe::Recipe;
use crate::scenario::Call;
use crate::world::{Contact, World};

/// Something that happens to a number, an account, a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// The number's id.
    pub number: Option<String>,
    /// The account's id.
    pub waba: String,
    /// The person.
    pub contact: Contact,
    /// What happens.
    pub what: What,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A person's text.
    Message {
        /// Its id.
        wamid: String,
        /// What it says.
        text: String,
        /// The id of the message that it quotes.
        reply_to: Option<String>,
    },
    /// What became of a message of the business.
    Status {
        /// Its id.
        wamid: String,
        /// How far it got.
        stage: Stage,
        /// What it is charged as.
        category: String,
        /// What the send call gave along.
        opaque: Option<String>,
    },
    /// A message from the business's own phone.
    Echo {
        /// Its id.
        wamid: String,
        /// What it says.
        text: String,
    },
    /// A moment of a call.
    Call {
        /// The call's id.
        wacid: String,
        /// What kind of call it is.
        call: Call,
        /// The moment.
        moment: Moment,
    },
    /// A template changes its state.
    Template {
        /// Its name.
        name: String,
        /// Its new state.
        status: String,
        /// Why.
        reason: Option<String>,
    },
    /// A part of the chat history.
    History(Chunk),
    /// The business does not share its history.
    HistoryDeclined,
    /// The address book.
    Contacts,
    /// Anything of the catalogue.
    Event {
        /// The event type, or a documented body.
        event_type: String,
        /// Paths and the JSON that is set there.
        set: Vec<(String, String)>,
    },
    /// The next of the mix.
    Mixed,
}

impl Deed {
    /// The webhook, once it is written.
    pub(super) fn happened(&self, world: &World, field: String, body: Vec<u8>) -> Occurrence {
        let (waba, number) = (self.waba.clone(), self.number.clone());
        let places = world.destinations(&waba, number.as_deref(), &field);
        let route = places.map(|place| (place.app.to_owned(), place.callback.url.clone())).collect();
        Occurrence { waba, number, field, body, route }
    }

    pub(super) fn body(&self, world: &World, now_seconds: i64, fresh: &mut Fresh, rng: &mut Rng) -> Option<Vec<u8>> {
        let number = self.number.as_deref().and_then(|id| world.number(id));
        let contact = &self.contact;
        Some(match &self.what {
            What::Message { wamid, text, reply_to } => {
                bodies::message(number?, contact, (wamid, text), reply_to.as_deref(), now_seconds)
            }
            What::Status { wamid, stage, category, opaque } => {
                bodies::status(number?, contact, (wamid, *stage), (category, opaque.as_deref()), now_seconds)
            }
            What::Echo { wamid, text } => bodies::echo(number?, contact, (wamid, text), now_seconds),
            What::Call { wacid, call, moment } => {
                bodies::moment(number?, contact, (wacid, *call), *moment, now_seconds)
            }
            What::History(chunk) => bodies::history(number?, &world.contacts, *chunk, now_seconds, rng),
            What::HistoryDeclined => bodies::history_declined(number?),
            What::Contacts => bodies::contacts(number?, &world.contacts, now_seconds),
            What::Template { name, status, reason } => {
                self.template(world, (name, status, reason.as_deref()), fresh)?
            }
            What::Event { event_type, set } => self.event(world, event_type, set, fresh)?,
            What::Mixed => return None,
        })
    }

    fn template(
        &self,
        world: &World,
        (name, status, reason): (&str, &str, Option<&str>),
        fresh: &mut Fresh,
    ) -> Option<Vec<u8>> {
        let template = world.template(&self.waba, name)?;
        let event_type = format!("message_template_status_update.{}", status.to_lowercase());
        let text = |path: &str, text: &str| (path.to_owned(), bodies::quoted(text));
        let mut set = vec![
            text("event", status),
            ("message_template_id".to_owned(), template.id.clone()),
            text("message_template_name", &template.name),
            text("message_template_language", &template.language),
        ];
        set.extend(reason.map(|reason| text("reason", reason)));
        self.event(world, &event_type, &set, fresh)
    }

    /// A body of the catalogue, made this world's.
    fn event(&self, world: &World, event_type: &str, set: &[(String, String)], fresh: &mut Fresh) -> Option<Vec<u8>> {
        let body = match event_type.contains('/') {
            true => fixtures::find(event_type)?.body.to_vec(),
            false => catalogue::sample(event_type)?.body,
        };
        let number = self.number.as_deref().and_then(|id| world.number(id));
        let recipe = Recipe {
            body,
            fresh: true,
            names: Names {
                waba_id: Some(self.waba.clone()),
                phone_number_id: number.map(|number| number.id.clone()),
                display_phone_number: number.map(|number| number.display.clone()),
                contact: Some(self.contact.wa_id.clone()),
            },
            edits: set.iter().filter_map(|(path, json)| Edit::new(path, json.as_str()).ok()).collect(),
            spelling: None,
        };
        let body = recipe.next_body(1, fresh).ok()?;
        let body = with_user_ids(&body, &self.contact.wa_id, &self.contact.user_id);
        Some(with_card(&body, &bodies::card(&self.contact)))
    }
}
