//! What is to be proven, and at which scale.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::faults::Badness;

/// Proves Waypost's promises from outside; exits with 1 when one does not hold.
#[derive(Debug, Clone, Parser)]
pub(crate) struct Args {
    /// What is to be proven
    pub(crate) what: What,
    /// Repeats a run
    #[arg(long, default_value_t = fastrand::u64(..1_000_000))]
    pub(crate) seed: u64,
    /// Events a second that are sent
    #[arg(long, default_value_t = 300)]
    pub(crate) rate: u32,
    /// How long each part of the run lasts
    #[arg(long = "for", value_name = "DURATION", default_value = "40s", value_parser = humantime::parse_duration)]
    pub(crate) lasts: Duration,
    /// Endpoints; each event matches two of them
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(4..=50))]
    pub(crate) endpoints: u32,
    /// People who write and are written to
    #[arg(long, default_value_t = 10_000)]
    pub(crate) contacts: u32,
    /// Kills of r1
    #[arg(long, default_value_t = 20)]
    pub(crate) rounds: u32,
    /// Times that each event of r10 is sent
    #[arg(long, default_value_t = 20)]
    pub(crate) copies: u32,
    /// Formats whose endpoints take part in `owners`
    #[arg(long, value_delimiter = ',', default_value = "meta,waypost,cloudevents,raw,8x8")]
    pub(crate) formats: Vec<String>,
    /// Only these kinds of badness of r4 [default: all]
    #[arg(long, value_delimiter = ',')]
    pub(crate) bad: Vec<Badness>,
    /// The program [default: the release binary beside this one, built before]
    #[arg(long, value_name = "PATH")]
    pub(crate) waypost: Option<PathBuf>,
    /// The folder for the store, ledgers and report [default: target/proof/WHAT-SEED]
    #[arg(long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
}

/// A proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// SIGKILL at random moments loses nothing
    R1,
    /// The same at named points, on a build with `failpoints`
    Aimed,
    /// A disk that refuses costs time, and nothing else
    R3,
    /// So does a disk that is full
    Full,
    /// One bad endpoint does not touch the others
    R4,
    /// Storms of duplicates are suppressed, look-alikes are not
    R10,
    /// Big and odd bodies
    R12,
    /// JSON that is hostile and rightly signed
    R14,
    /// Lanes keep their order while sinks fail and the gateway restarts
    R11,
    /// No owner's endpoint sees a byte of another's events
    Owners,
}

impl Args {
    /// What it takes to do the same again.
    pub(crate) fn headline(&self) -> String {
        format!(
            "proof {} --seed {} --rate {} --for {} --endpoints {} --contacts {}",
            self.name(),
            self.seed,
            self.rate,
            humantime::format_duration(self.lasts).to_string().replace(' ', ""),
            self.endpoints,
            self.contacts
        )
    }

    /// The proof's name.
    pub(crate) const fn name(&self) -> &'static str {
        match self.what {
            What::R1 => "r1",
            What::Aimed => "aimed",
            What::R3 => "r3",
            What::Full => "full",
            What::R4 => "r4",
            What::R10 => "r10",
            What::R11 => "r11",
            What::R12 => "r12",
            What::R14 => "r14",
            What::Owners => "owners",
        }
    }

    /// Where everything is kept.
    pub(crate) fn folder(&self) -> PathBuf {
        self.out.clone().unwrap_or_else(|| PathBuf::from(format!("target/proof/{}-{}", self.name(), self.seed)))
    }
}
