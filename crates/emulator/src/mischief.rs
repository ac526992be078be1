//! Meta's bad side: what may go wrong on the way from what happened to what arrives, each fault as often as one likes.
//!
//! [`Mischief`] says how often; [`Stage`] does it. What is drawn depends on the seed alone, so a run can be had again.

mod stage;

use std::fmt;
use std::time::Duration;

use fastrand::Rng;
use serde::{Deserialize, Deserializer};

pub use stage::{Occurrence, Outgoing, Stage, Wire};

/// How often something happens, in a hundred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Percent(u8);

impl Percent {
    /// As often as this.
    ///
    /// # Errors
    /// If it is more than 100.
    pub fn new(percent: u8) -> Result<Self, String> {
        if percent <= 100 { Ok(Self(percent)) } else { Err(format!("{percent}: expected 0 to 100")) }
    }

    /// Whether it happens this time. Nothing is drawn for what never happens, so that one fault more does not change where
    /// the others fall.
    pub(crate) fn strikes(self, rng: &mut Rng) -> bool {
        self.0 > 0 && rng.u8(..100) < self.0
    }
}

impl std::str::FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.trim_end_matches('%').parse().map_err(|_| "expected 0 to 100".to_owned()).and_then(Self::new)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(u8::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// How bad the day is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Mischief {
    /// The same bytes a second time.
    pub duplicates: Percent,
    /// The same event a second time, in one body with the one before it.
    pub regroup: Percent,
    /// Events that are overtaken by later ones.
    pub reorder: Percent,
    /// Events in one body at most; 0 and 1 mean one.
    pub batch: u16,
    /// `read` without a `delivered` before it.
    pub read_without_delivered: Percent,
    /// `read` before `delivered`.
    pub read_before_delivered: Percent,
    /// `failed` after `delivered`, as for a person with several devices.
    pub delivered_and_failed: Percent,
    /// The first status of a message before the answer to the call that sent it.
    pub status_before_answer: Percent,
    /// A body close to 3 MB beside the event: a chunk of history.
    pub large: Percent,
    /// The envelope wrapped in an array.
    pub array_wrapped: Percent,
    /// A copy without its envelope, as people take it from the App Dashboard.
    pub bare_sample: Percent,
    /// The App Dashboard's test send beside the event.
    pub dashboard: Percent,
    /// A copy signed with a secret that is not the app's.
    pub wrong_signature: Percent,
    /// A copy without a signature.
    pub missing_signature: Percent,
    /// Signed with the app's second secret, where it has one.
    pub second_secret: Percent,
    /// The content is replaced by the error 131035.
    pub retention: Percent,
    /// The body comes slowly.
    pub slow: Percent,
    /// The connection is cut in the middle of the body; a whole one comes at once after it.
    pub cut: Percent,
    /// Everything is as old as this, and comes at once: what Meta kept while nobody answered.
    #[serde(deserialize_with = "length")]
    pub outage: Duration,
}

fn length<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    humantime::parse_duration(&String::deserialize(from)?).map_err(serde::de::Error::custom)
}

impl Mischief {
    /// A bad day: everything now and then, but what changes the content or the signer.
    #[must_use]
    pub fn bad_day() -> Self {
        let some = |percent| Percent(percent);
        Self {
            duplicates: some(20),
            regroup: some(10),
            reorder: some(10),
            batch: 5,
            read_without_delivered: some(10),
            read_before_delivered: some(10),
            delivered_and_failed: some(5),
            status_before_answer: some(20),
            array_wrapped: some(3),
            wrong_signature: some(3),
            missing_signature: some(3),
            slow: some(3),
            cut: some(3),
            ..Self::default()
        }
    }
}
