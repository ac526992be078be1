//! What Meta says: reads the webhook bodies of the WhatsApp Business Platform.
//!
//! [`read()`] takes the bytes of one POST and gives back the [`Event`]s in it, whatever the bytes are: what is unknown is
//! kept, what is broken is one event of its own, and what did not fit is told beside the value as [`Problem`]s.
//! Nothing here does I/O, reads a clock or draws a random number.
//!
//! [`Event::value`] reads an event into a Rust value of [`typed`]. What is known of Meta's JSON stands in [`outline`], once:
//! the typed values, the problems, the JSON Schemas of [`schema`] and the generators (feature `generate`) follow from it.
//!
//! Types that are ours and not Meta's: `notification.unreadable` (no envelope can be seen), `notification.entry` (an entry
//! without changes), `notification.change` (a change without a field and without known elements) and `object.<name>`
//! (meant for another product). A payment status is `messages.payment.<status>`. Elements under a field that is known but
//! not theirs carry the name of their own field; under an unknown field they carry that field's name.
//!
//! ```
//! let body = br#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":
//!     {"metadata":{"phone_number_id":"7"},"messages":[{"id":"wamid.A","from":"1555","type":"text",
//!     "timestamp":"1758000000","text":{"body":"hi"}}]}}]}]}"#;
//! let notification = whatsapp::read(body);
//! assert_eq!(notification.events[0].event_type.as_str(), "messages.text");
//! assert_eq!(notification.events[0].key.text, "msg:7:wamid.A");
//! ```

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod array;
mod calls;
mod canon;
pub mod catalogue;
pub mod cloudevents;
mod coexistence;
mod contact;
mod crowd;
mod cut;
mod draft;
mod drift;
pub mod eightbyeight;
mod element;
mod envelope;
mod event;
mod field;
#[cfg(feature = "generate")]
pub mod generate;
mod groups;
mod iso;
mod json;
mod key;
pub mod lifecycle;
mod management;
mod messages;
pub mod meta;
pub mod outline;
mod part;
mod people;
mod plan;
mod read;
mod scene;
pub mod schema;
mod statuses;
mod text;
mod time;
pub mod typed;
mod types;
mod write;

pub use event::{
    Contact, Conversation, Data, Event, EventKey, EventType, KeyScope, Lane, Notification, Origin, Problem,
};
pub use read::read;
pub use types::{is_known_type, known_types};
