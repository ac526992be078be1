//! What Meta does: builds webhook bodies, signs them, sends them, repeats them and misbehaves.
//!
//! It works against any receiver, so it knows nothing of the gateway. All but [`sender`], [`run`], [`flood`] and
//! [`graph::server`] is pure: time and chance are arguments, and one seed repeats one run. [`world`] is what there is,
//! [`scenario`] and [`play`] what happens in it, [`mischief`] what goes wrong on the way, [`graph`] what a business's own code
//! calls. A body's way from the documentation to the wire:
//!
//! ```
//! use emulator::{AppSecret, Escapes, Fresh, Signing};
//!
//! let mut fresh = Fresh::new(7, 1_758_000_000);
//! let fixture = emulator::fixtures::find("messages/text.json").expect("it is documented");
//! let body = emulator::wire_form(&emulator::freshen(fixture.body, &mut fresh), Escapes::Meta);
//! let headers = Signing::Right.headers(&AppSecret::new("secret"), &body);
//! assert!(body.is_ascii() && headers.sha256.is_some_and(|header| header.len() == 71));
//! ```

pub mod bodies;
pub mod catalogue;
pub mod diagnose;
pub mod edit;
pub mod escape;
pub mod faults;
pub mod fixtures;
pub mod flood;
mod fresh;
pub mod graph;
mod json;
pub mod load;
pub mod mischief;
pub mod mix;
pub mod names;
pub mod play;
pub mod rebatch;
pub mod recipe;
pub mod retry;
pub mod run;
pub mod scenario;
pub mod sender;
pub mod sign;
pub mod tls;
pub mod world;

pub use catalogue::Sample;
pub use diagnose::{Diagnosis, diagnose};
pub use edit::Edit;
pub use escape::{Escapes, wire_form};
pub use faults::{Habit, Habits, Post, misbehave};
pub use fixtures::Fixture;
pub use fresh::{Fresh, freshen};
pub use load::{Load, LoadBody};
pub use names::Names;
pub use recipe::Recipe;
pub use sender::{Answer, Sender, Target};
pub use sign::{AppSecret, SignatureHeaders, Signing};
