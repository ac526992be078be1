//! The life of a delivery: one event owed to one endpoint.
//!
//! *owed* → *in flight* → **accepted**, **dead** or **skipped**. Every delivery ends in one of the three, with a reason.

use std::fmt;
use std::str::FromStr;

/// Where a delivery is in its life. In flight is not a stored state: it is an owed delivery under a claim, so that a
/// crash turns it back by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// To be offered until it is accepted or its policy ends it.
    Owed,
    /// The endpoint accepted it.
    Accepted,
    /// Given up.
    Dead(EndReason),
    /// Never to be offered.
    Skipped(EndReason),
}

/// Why a delivery ended without being accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// The policy's last attempt or its time was reached.
    PolicyExhausted,
    /// The endpoint gave an answer after which its policy makes no further attempt.
    RefusedForGood,
    /// The endpoint answered 410.
    EndpointGone,
    /// The endpoint was removed while this was owed.
    EndpointRemoved,
    /// The endpoint's backlog limit (age or share of the store) was reached.
    BacklogLimit,
    /// Too old when its turn came.
    TooOld,
    /// A person gave it up.
    GivenUp,
    /// The event cannot be written in the endpoint's format.
    FormatLeftOut,
    /// What the store holds of the event is not what was written.
    Damaged,
}

/// Whose fault a failed attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// They answered, and not with success.
    TheirAnswer,
    /// No answer: name, connection, TLS, time-out.
    TheirNetwork,
    /// Our settings forbid or prevent the attempt.
    OurConfiguration,
    /// A fault of Waypost.
    Us,
}

macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $name {
            /// The stable word for storage and the API.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text { $($word => Ok(Self::$variant),)+ _ => Err(UnknownWord) }
            }
        }
    };
}

words!(EndReason {
    PolicyExhausted = "policy_exhausted",
    RefusedForGood = "refused_for_good",
    EndpointGone = "endpoint_gone",
    EndpointRemoved = "endpoint_removed",
    BacklogLimit = "backlog_limit",
    TooOld = "too_old",
    GivenUp = "given_up",
    FormatLeftOut = "format_left_out",
    Damaged = "damaged",
});

words!(FailureClass {
    TheirAnswer = "their_answer",
    TheirNetwork = "their_network",
    OurConfiguration = "our_configuration",
    Us = "us",
});

/// A word that no version of Waypost wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownWord;

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown word")
    }
}

impl std::error::Error for UnknownWord {}

impl DeliveryState {
    /// The stable word for storage and the API, without the reason.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owed => "owed",
            Self::Accepted => "accepted",
            Self::Dead(_) => "dead",
            Self::Skipped(_) => "skipped",
        }
    }

    /// Why it ended, where it ended without being accepted.
    #[must_use]
    pub const fn reason(self) -> Option<EndReason> {
        match self {
            Self::Owed | Self::Accepted => None,
            Self::Dead(reason) | Self::Skipped(reason) => Some(reason),
        }
    }

    /// True once nothing more will be tried.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Owed)
    }
}
