//! The bodies that endpoints can get.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{BadEndpoint, EndpointInput};

/// Bytes of an account's name at most.
const ACCOUNT_ID_BYTES_MAX: usize = 256;

/// The body that an endpoint gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Meta's own envelope, with this event alone.
    #[default]
    Meta,
    /// Waypost's event.
    Waypost,
    /// CloudEvents 1.0, structured.
    CloudEvents,
    /// What 8x8 makes of business management events. Other events are left out.
    #[serde(rename = "8x8")]
    EightByEight,
    /// The notification byte for byte with Meta's own signature, where all of it is within the endpoint's rules.
    Raw,
}

impl Format {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Waypost => "waypost",
            Self::CloudEvents => "cloudevents",
            Self::EightByEight => "8x8",
            Self::Raw => "raw",
        }
    }

    /// Whether an event goes in Meta's envelope. That is also what a `raw` endpoint gets of a notification that is not
    /// all its own.
    #[must_use]
    pub const fn writes_meta(self) -> bool {
        matches!(self, Self::Meta | Self::Raw)
    }
}

/// What the format `8x8` needs to know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EightByEight {
    /// `accountId` in each body.
    pub account_id: String,
    /// Leaves out what 8x8 does not document, instead of writing it in the extension.
    #[serde(default)]
    pub documented_only: bool,
}

impl EndpointInput {
    /// Whether its deliveries keep the order of their lanes: those of whole notifications have no lane.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        self.ordered && self.format != Format::Raw
    }

    pub(super) fn check_format(&self) -> Result<(), BadEndpoint> {
        match (&self.eight_by_eight, self.format) {
            (None, Format::EightByEight) => Err(BadEndpoint::new(
                "eight_by_eight",
                "the format `8x8` needs `eight_by_eight = { account_id = \"…\" }`",
            )),
            (Some(settings), _)
                if settings.account_id.is_empty() || settings.account_id.len() > ACCOUNT_ID_BYTES_MAX =>
            {
                Err(BadEndpoint::new("eight_by_eight.account_id", "expected 1 to 256 bytes"))
            }
            (Some(_) | None, _) => Ok(()),
        }
    }
}
