//! How the program ends: its exit codes, the failures behind them, and the one place that tells a failure.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use gateway::StartError;
use thiserror::Error;

use crate::config::Problems;
use crate::terminal;

/// An exit code. `docs/reference/exit-codes.md` documents them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Ok = 0,
    /// It failed, in a way that has no code of its own.
    Failed = 1,
    /// The arguments are wrong.
    Usage = 2,
    /// The configuration is not good.
    Configuration = 3,
    /// The gateway cannot be reached.
    Unreachable = 4,
    /// The store cannot be opened.
    Store = 5,
    /// An address cannot be listened on.
    Listen = 6,
    /// `apply --plan`: something would change.
    Differs = 7,
}

impl Exit {
    /// Every code.
    pub(crate) const ALL: [Self; 8] = [
        Self::Ok,
        Self::Failed,
        Self::Usage,
        Self::Configuration,
        Self::Unreachable,
        Self::Store,
        Self::Listen,
        Self::Differs,
    ];

    /// The code.
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    /// What it means.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "done",
            Self::Failed => "failed",
            Self::Usage => "wrong arguments",
            Self::Configuration => "the configuration is not good",
            Self::Unreachable => "the gateway cannot be reached",
            Self::Store => "the store cannot be opened",
            Self::Listen => "an address cannot be listened on",
            Self::Differs => "something would change (`apply --plan`)",
        }
    }

    /// The end of `waypost --help`.
    pub(crate) fn help() -> String {
        let lines = Self::ALL.map(|exit| format!("  {}  {}", exit.code(), exit.meaning()));
        format!("Exit codes:\n{}", lines.join("\n"))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command failed.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The configuration is not good.
    #[error("the configuration is not good")]
    Configuration(#[source] Problems),
    /// A file could not be read or written.
    #[error("failed to {doing}")]
    File {
        /// What we were doing, with the path: "write waypost.toml".
        doing: String,
        /// What to do about it.
        hint: Option<&'static str>,
        /// Why.
        source: io::Error,
    },
    /// What a command prints could not be written.
    #[error("failed to write the output")]
    Output(#[source] io::Error),
    /// The store's folder cannot be made.
    #[error("failed to make the folder {folder} for the store")]
    Folder {
        /// The folder.
        folder: String,
        /// Why.
        source: io::Error,
    },
    /// The store cannot be opened.
    #[error("failed to open the store")]
    Store(#[source] store::StoreError),
    /// A store was not copied.
    #[error("failed to copy the store")]
    Copy(#[source] store::StoreError),
    /// An address cannot be listened on.
    #[error("failed to listen on {at} ({setting})")]
    Listen {
        /// The address.
        at: std::net::SocketAddr,
        /// The setting that gives it.
        setting: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The gateway did not start.
    #[error("failed to start the gateway")]
    Start(#[source] StartError),
    /// A part of the program broke.
    #[error("failed to {0}: a part of the program broke")]
    Broken(&'static str),
    /// The system gave no random numbers.
    #[error("failed to make a secret: the system gave no random numbers")]
    NoChance,
    /// The arguments make no sense, in a way that only shows when they are used.
    #[error("{0}")]
    Arguments(String),
    /// The emulator did not begin: a receiver did not prove itself.
    #[error("{0}")]
    Emulation(String),
    /// No gateway on this machine left a way in, and no other was named.
    #[error("no gateway has run with the store {}", .folder.display())]
    NoGateway {
        /// The store's folder.
        folder: std::path::PathBuf,
    },
    /// The gateway cannot be reached, or did not answer.
    #[error("failed to reach the gateway at {url}: {because}")]
    Unreachable {
        /// Where it should be.
        url: String,
        /// What happened.
        because: String,
    },
    /// The gateway answered that it will not or cannot.
    #[error("{detail} ({code})")]
    Refused {
        /// The stable code; `docs/errors/` has a page for each.
        code: String,
        /// The gateway's own sentence.
        detail: String,
    },
    /// What answered is no gateway, or not one of this version.
    #[error("failed to use the gateway's answer: {0}")]
    Answer(String),
}

impl Failure {
    /// Wraps what went wrong with a file.
    pub(crate) fn file(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::File { doing, hint: None, source }
    }

    /// The code with which the program ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Configuration(_) => Exit::Configuration,
            // Whoever read the output has read enough (`waypost … | head`).
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
            Self::Arguments(_) => Exit::Usage,
            Self::NoGateway { .. } | Self::Unreachable { .. } => Exit::Unreachable,
            Self::Store(_)
            | Self::Copy(_)
            | Self::Start(StartError::Store(_) | StartError::Key(_))
            | Self::Folder { .. } => Exit::Store,
            Self::Listen { .. } => Exit::Listen,
            Self::File { .. }
            | Self::Output(_)
            | Self::NoChance
            | Self::Start(_)
            | Self::Broken(_)
            | Self::Refused { .. }
            | Self::Emulation(_)
            | Self::Answer(_) => Exit::Failed,
        }
    }

    /// What to do about it.
    fn hint(&self) -> Option<&str> {
        match self {
            Self::File { hint, .. } => *hint,
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                Some("another program listens there, perhaps another Waypost: stop it, or set another address")
            }
            Self::Folder { .. } => {
                Some("something else has this name, or this user may not write there: set another `store`")
            }
            Self::Listen { .. } => Some("set an address of this machine, and a port that this user may bind"),
            Self::NoGateway { .. } => {
                Some("start it with `waypost serve`, name its configuration with -c, or give --url and --api-key")
            }
            Self::Unreachable { .. } => Some("is the gateway running? start it with `waypost serve`"),
            Self::Answer(_) => Some("does the URL lead to the admin listener of a gateway of this version?"),
            Self::Configuration(_)
            | Self::Arguments(_)
            | Self::Emulation(_)
            | Self::Refused { .. }
            | Self::Store(_)
            | Self::Copy(_)
            | Self::Start(_)
            | Self::Broken(_)
            | Self::Output(_)
            | Self::NoChance => None,
        }
    }
}

/// Tells a failure on standard error, with its causes and its hint, and says how the program ends.
pub(crate) fn report(failure: &Failure) -> Exit {
    let exit = failure.exit();
    if exit != Exit::Ok {
        terminal::tell(&text(failure));
    }
    exit
}

fn text(failure: &Failure) -> String {
    let mut text = format!("waypost: {failure}");
    let mut cause = failure.source();
    while let Some(error) = cause {
        // A list of problems stands below, a cause behind.
        let list = matches!(failure, Failure::Configuration(_));
        let between = if list { "\n" } else { ": " };
        text.push_str(&format!("{between}{error}"));
        cause = error.source();
    }
    if let Some(hint) = failure.hint() {
        text.push_str(&format!("\n    {hint}"));
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn the_page_of_exit_codes_has_every_code() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/exit-codes.md");
        let page = std::fs::read_to_string(page).unwrap();
        for exit in Exit::ALL {
            let row = format!("| {} | {}", exit.code(), exit.meaning());
            assert!(page.contains(&row), "{row}");
        }
    }

    #[test]
    fn a_failure_is_told_with_its_cause_and_its_hint() {
        let failure = Failure::File {
            doing: "write waypost.toml".into(),
            hint: Some("look"),
            source: io::Error::new(io::ErrorKind::NotFound, "no such folder"),
        };
        assert_eq!(text(&failure), "waypost: failed to write waypost.toml: no such folder\n    look");
    }

    #[test]
    fn a_reader_that_leaves_early_is_no_failure() {
        let gone = Failure::Output(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(gone.exit(), Exit::Ok);
    }
}
