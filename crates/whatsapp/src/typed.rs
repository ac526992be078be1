//! What the events say, as Rust values.
//!
//! [`crate::Event::value`] gives the value of an event; it is made when it is asked for and not before. A value is a
//! view: it never replaces [`crate::Event::data`], which is Meta's JSON byte for byte.
//!
//! Nearly every member is an `Option`, also those that Meta says are always there, because Meta leaves them out: reading
//! never fails. `null` reads as absent. Ids are texts, whether Meta wrote a string or a number, and are never rounded.
//! Sets of words are enums whose `Unknown` keeps the word. What is not understood stays in `other`, so that a value shows
//! all that was sent.
//!
//! ```
//! # let body = br#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":
//! #     {"metadata":{"phone_number_id":"7"},"messages":[{"id":"wamid.A","from":"1555","type":"text",
//! #     "timestamp":"1758000000","text":{"body":"hi"}}]}}]}]}"#;
//! use whatsapp::typed::Value;
//!
//! for event in whatsapp::read(body).events {
//!     if let Value::Message(message) = event.value() {
//!         println!("{}: {}", message.from.as_deref().unwrap_or("?"), message.text().unwrap_or("(no text)"));
//!     }
//! }
//! ```

mod account;
mod calls;
mod content;
mod echo;
mod family;
mod flow;
mod group;
mod history;
mod interactive;
mod message;
mod number;
mod payment;
mod people;
mod scalar;
mod shared;
mod standby;
mod status;
mod system;
mod template;
mod value;

pub use account::*;
pub use calls::*;
pub use content::*;
pub use echo::*;
pub(crate) use family::Family;
pub use family::{Value, read};
pub use flow::*;
pub use group::*;
pub use history::*;
pub use interactive::*;
pub use message::*;
pub use number::*;
pub use payment::*;
pub use people::*;
pub(crate) use scalar::{Element, Slot, Typed, put};
pub use scalar::{Others, Raw, Time};
pub use shared::*;
pub use standby::*;
pub use status::*;
pub use system::*;
pub use template::*;
pub use value::*;
