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
    /// Kills of r1, disturbances of r8 and r9
    #[arg(long, default_value_t = 20)]
    pub(crate) rounds: u32,
    /// Between two kills of r1, at most
    #[arg(long, value_name = "DURATION", default_value = "4s", value_parser = humantime::parse_duration)]
    pub(crate) gap_max: Duration,
    /// Moments of `power` at which power is lost, and damages of each kind
    #[arg(long, default_value_t = 1_000)]
    pub(crate) cuts: u32,
    /// Of `all`, only these
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<What>,
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
    /// Three gateways on one PostgreSQL that crashes, is cut off and fails over
    R8,
    /// Three gateways on one PostgreSQL, paused, killed and rolled
    R9,
    /// Storms of duplicates are suppressed, look-alikes are not
    R10,
    /// More load than can be taken
    R5,
    /// Big and odd bodies
    R12,
    /// Hostile connections
    R13,
    /// JSON that is hostile and rightly signed
    R14,
    /// Lanes keep their order while sinks fail and the gateway restarts
    R11,
    /// Loss of power at any moment loses nothing: the store's own tests at full length
    Power,
    /// R1, R12 and R14 in about two minutes
    Short,
    /// All of them at full length; renews the table in docs/reliability.md
    All,
    /// No owner's endpoint sees a byte of another's events
    Owners,
}

impl Args {
    /// What it takes to do the same again.
    pub(crate) fn headline(&self) -> String {
        let has_rounds = matches!(self.what, What::R1 | What::Aimed | What::R8 | What::R9);
        let rounds = if has_rounds { format!(" --rounds {}", self.rounds) } else { String::new() };
        format!(
            "proof {} --seed {} --rate {} --for {} --endpoints {} --contacts {}{rounds}",
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
        self.what.name()
    }

    /// Where everything is kept.
    pub(crate) fn folder(&self) -> PathBuf {
        self.out.clone().unwrap_or_else(|| PathBuf::from(format!("target/proof/{}-{}", self.name(), self.seed)))
    }
}

impl What {
    /// Its name, as it is typed.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::R1 => "r1",
            Self::Aimed => "aimed",
            Self::R3 => "r3",
            Self::Full => "full",
            Self::R4 => "r4",
            Self::R5 => "r5",
            Self::R8 => "r8",
            Self::R9 => "r9",
            Self::R10 => "r10",
            Self::R11 => "r11",
            Self::R12 => "r12",
            Self::R13 => "r13",
            Self::R14 => "r14",
            Self::Power => "power",
            Self::Short => "short",
            Self::All => "all",
            Self::Owners => "owners",
        }
    }
}
