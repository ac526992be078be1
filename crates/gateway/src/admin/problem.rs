//! What the API answers when it cannot do what was asked: RFC 9457 problem details with a stable code. The one module
//! that turns errors into HTTP.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rules::delivery::UnknownWord;
use serde::Serialize;
use store::StoreError;
use utoipa::ToSchema;

use crate::endpoint::BadEndpoint;
use crate::endpoints::EndpointsError;

/// A stable code. `docs/errors/` has a page for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// No such path.
    NoSuchPath,
    /// The path takes another method.
    MethodNotAllowed,
    /// No key, or an unknown or revoked one.
    Unauthorized,
    /// The key's scope or owner does not allow it.
    Forbidden,
    /// The thing is not there.
    NotFound,
    /// The request cannot be read or makes no sense.
    BadRequest,
    /// It exists already.
    Exists,
    /// Two endpoints override the same events.
    OverrideClash,
    /// The delivery has ended.
    DeliveryEnded,
    /// The endpoint takes no deliveries now.
    EndpointInactive,
    /// It was changed in the meantime.
    VersionConflict,
    /// A limit was reached.
    LimitReached,
    /// The store cannot be reached or written.
    StoreUnavailable,
    /// What the store holds of it is not what was written.
    Damaged,
    /// A fault of Waypost.
    Internal,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 15] = [
        Self::NoSuchPath,
        Self::MethodNotAllowed,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::BadRequest,
        Self::Exists,
        Self::OverrideClash,
        Self::DeliveryEnded,
        Self::EndpointInactive,
        Self::VersionConflict,
        Self::LimitReached,
        Self::StoreUnavailable,
        Self::Damaged,
        Self::Internal,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSuchPath => "no_such_path",
            Self::MethodNotAllowed => "api_method_not_allowed",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::BadRequest => "bad_request",
            Self::Exists => "exists",
            Self::OverrideClash => "override_clash",
            Self::DeliveryEnded => "delivery_ended",
            Self::EndpointInactive => "endpoint_inactive",
            Self::VersionConflict => "version_conflict",
            Self::LimitReached => "limit_reached",
            Self::StoreUnavailable => "store_unavailable",
            Self::Damaged => "damaged",
            Self::Internal => "internal",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::NoSuchPath | Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Exists | Self::OverrideClash | Self::DeliveryEnded | Self::EndpointInactive | Self::LimitReached => {
                StatusCode::CONFLICT
            }
            Self::VersionConflict => StatusCode::PRECONDITION_FAILED,
            Self::StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Damaged | Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// A problem, as answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    /// The stable code.
    code: &'static str,
    /// What is the matter, and what to do.
    detail: String,
    /// The member of the request that is wrong, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<String>,
    #[serde(skip)]
    #[schema(ignore)]
    sent_as: StatusCode,
}

impl Problem {
    /// A problem with this code and sentence.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:waypost:error:{}", code.as_str()),
            title: code.status().canonical_reason().unwrap_or_default(),
            status: code.status().as_u16(),
            code: code.as_str(),
            detail: detail.into(),
            member: None,
            sent_as: code.status(),
        }
    }

    /// The thing is not there.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what}."))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_string(&self).unwrap_or_default();
        (self.sent_as, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
    }
}

/// For paths that do not exist.
pub(super) async fn no_such_path() -> Problem {
    Problem::new(Code::NoSuchPath, "There is nothing at this path; see /api/v1/openapi.json for what there is.")
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::VersionConflict => Code::VersionConflict,
            StoreError::BadCursor => Code::BadRequest,
            StoreError::NotFound { .. } => Code::NotFound,
            StoreError::LimitReached { .. } => Code::LimitReached,
            StoreError::InUse { .. }
            | StoreError::TooNew { .. }
            | StoreError::ReadOnly { .. }
            | StoreError::Damaged { .. }
            | StoreError::DiskFull
            | StoreError::Io { .. }
            | StoreError::Unreachable { .. }
            | StoreError::Unfit { .. }
            | StoreError::Unfinished { .. }
            | StoreError::Copy { .. }
            | StoreError::OutcomeUnknown
            | StoreError::Closed => Code::StoreUnavailable,
            StoreError::Internal { .. } => Code::Internal,
        };
        if matches!(code, Code::StoreUnavailable | Code::Internal) {
            tracing::error!(error = crate::chain(&error), "a request to the API failed");
        }
        Self::new(code, sentence(&error.to_string()))
    }
}

impl From<BadEndpoint> for Problem {
    fn from(bad: BadEndpoint) -> Self {
        let detail = format!("{}: {}.", bad.member, bad.expected);
        Self { member: Some(bad.member), ..Self::new(Code::BadRequest, detail) }
    }
}

impl From<EndpointsError> for Problem {
    fn from(error: EndpointsError) -> Self {
        match error {
            EndpointsError::Bad(bad) => bad.into(),
            EndpointsError::Clash(clash) => Self::new(Code::OverrideClash, format!("{clash}.")),
            EndpointsError::Store(cause) => cause.into(),
            EndpointsError::Seal(cause) => {
                tracing::error!(error = %cause, "a secret could not be sealed or opened");
                Self::new(Code::Internal, "A secret could not be sealed or opened; the log has the cause.")
            }
        }
    }
}

impl From<UnknownWord> for Problem {
    fn from(_: UnknownWord) -> Self {
        Self::new(Code::BadRequest, "A word in the request is not one that Waypost knows.")
    }
}

/// An error's lower-case fragment as a sentence.
fn sentence(fragment: &str) -> String {
    let mut letters = fragment.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
