//! Scenarios: a world and what happens in it, written in TOML.
//!
//! A file names what differs from the ordinary: without any line there are one app, one account with one number, and one
//! person. `docs/guide/emulate.md` documents every key.

mod people;
mod raw;
mod script;

use serde::de::Error as _;

use crate::mischief::Mischief;
use crate::world::World;

pub use people::{SECRET, VERIFY_TOKEN};
pub use script::{Act, Call, Ends, Step};

/// A world, and what happens in it.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it shows, in a sentence.
    pub about: String,
    /// What there is.
    pub world: World,
    /// What happens.
    pub script: Vec<Step>,
    /// Meta's bad side.
    pub mischief: Mischief,
}

/// A scenario that comes with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// Its name.
    pub name: &'static str,
    /// Its file.
    pub text: &'static str,
}

/// The scenarios that come with the program.
pub const READY: [Ready; 7] = [
    Ready { name: "hello", text: include_str!("../scenarios/hello.toml") },
    Ready { name: "support-desk", text: include_str!("../scenarios/support-desk.toml") },
    Ready { name: "template-life", text: include_str!("../scenarios/template-life.toml") },
    Ready { name: "account-trouble", text: include_str!("../scenarios/account-trouble.toml") },
    Ready { name: "coexistence", text: include_str!("../scenarios/coexistence.toml") },
    Ready { name: "calls", text: include_str!("../scenarios/calls.toml") },
    Ready { name: "storm", text: include_str!("../scenarios/storm.toml") },
];

/// A scenario cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct ScenarioError(#[from] toml::de::Error);

impl Scenario {
    /// The scenario in this file.
    ///
    /// # Errors
    /// If it is no TOML, has a key that means nothing, or names what it does not have.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let typed: raw::Scenario = toml::from_str(text)?;
        let world = people::world(&typed).map_err(toml::de::Error::custom)?;
        let script = script::read(&typed.script, &world).map_err(toml::de::Error::custom)?;
        Ok(Self { about: typed.about, world, script, mischief: typed.faults })
    }

    /// The ready scenario of this name.
    #[must_use]
    pub fn ready(name: &str) -> Option<Ready> {
        READY.into_iter().find(|ready| ready.name == name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]
    use super::*;

    fn refused(text: &str) -> String {
        Scenario::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn every_ready_scenario_can_be_read_and_says_what_it_shows() {
        for ready in READY {
            let scenario = Scenario::parse(ready.text);
            let scenario = scenario.unwrap_or_else(|error| panic!("{}: {error}", ready.name));
            assert!(!scenario.about.is_empty() && !scenario.script.is_empty(), "{}", ready.name);
        }
    }

    #[test]
    fn an_empty_file_is_an_ordinary_world() {
        let Scenario { world, script, .. } = Scenario::parse("").unwrap();
        let counts = [world.apps.len(), world.wabas.len(), world.numbers.len(), world.contacts.len(), script.len()];
        assert_eq!(counts, [1, 1, 1, 1, 0]);
        assert!(world.wabas[0].apps.contains_key(&world.apps[0].id));
    }

    #[test]
    fn the_guides_scenario_can_be_read() {
        let guide = include_str!("../../../docs/guide/emulate.md");
        let text = guide.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        let scenario = Scenario::parse(text).unwrap();
        assert_eq!((scenario.script.len(), scenario.world.tokens.len()), (3, 1));
    }

    #[test]
    fn what_means_nothing_is_refused_with_its_place() {
        assert!(refused("[[numbers]]\ndisply = '1'").contains("disply"));
        assert!(refused("[[script]]\ndo = 'fly'").contains("step 1 (fly): there is no such thing to do"));
        assert!(
            refused("[[script]]\ndo = 'write'\nchunks = 1").contains("step 1 (write): `chunks` means nothing here")
        );
        assert!(refused("[[script]]\ndo = 'write'\ncontact = 'nobody'").contains("no contact \"nobody\""));
        assert!(refused("[[script]]\ndo = 'event'").contains("`type` is missing"));
        assert!(refused("[[script]]\ndo = 'event'\ntype = 'messages.txet'").contains("messages.txet"));
        assert!(refused("[[numbers]]\nwaba = 'no'").contains("no account \"no\""));
        assert!(refused("[faults]\nduplicates = 101").contains("101"));
    }
}
