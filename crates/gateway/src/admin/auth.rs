//! Who asks: the local token, or an API key with its scope and owner.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Admin;
use super::problem::{Code, Problem};

/// What a key may do. Each includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    /// Look.
    Read,
    /// Pause, resume, replay.
    Operate,
    /// Everything: endpoints, keys, numbers.
    Admin,
}

impl Scope {
    /// The scope with this word.
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            "read" => Some(Self::Read),
            "operate" => Some(Self::Operate),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

/// Who asks.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    scope: Scope,
    /// Whose key it is; empty for everybody's.
    pub(super) owner: String,
    /// What the key is called, for the record of who did what.
    pub(super) name: String,
}

impl Caller {
    /// Refuses a caller whose scope is too small, or whose key belongs to one owner: what this guards is everybody's.
    pub(super) fn needs(&self, scope: Scope) -> Result<(), Problem> {
        if !self.owner.is_empty() {
            let detail = "This key belongs to one owner, and this call shows what belongs to all.";
            return Err(Problem::new(Code::Forbidden, detail));
        }
        self.needs_for_own(scope)
    }

    /// The same for calls that show an owner only what is theirs.
    pub(super) fn needs_for_own(&self, scope: Scope) -> Result<(), Problem> {
        if self.scope < scope {
            return Err(Problem::new(
                Code::Forbidden,
                "The key's scope does not allow this: use one with a larger scope.",
            ));
        }
        Ok(())
    }

    /// Whether something of this owner may be shown.
    pub(super) fn may_see(&self, owner: &str) -> bool {
        self.owner.is_empty() || self.owner == owner
    }
}

/// The hash by which a key is known.
pub(super) fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

impl FromRequestParts<Admin> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, admin: &Admin) -> Result<Self, Problem> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(key) = header.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim) else {
            let detail = "Send an API key: `Authorization: Bearer <key>`. `waypost keys create` makes one.";
            return Err(Problem::new(Code::Unauthorized, detail));
        };
        let local = admin.local_token.as_ref().map(|token| token.expose().as_bytes().ct_eq(key.as_bytes()).into());
        if local == Some(true) {
            return Ok(Self { scope: Scope::Admin, owner: String::new(), name: "this machine".to_owned() });
        }
        let hash = hash(key);
        let keys = admin.store.api_keys().await?;
        let known = keys.into_iter().find(|known| bool::from(known.hash.ct_eq(&hash)) && known.revoked_at_ms.is_none());
        let caller = |known: store::ApiKeyRecord| {
            Some(Self { scope: Scope::parse(&known.scope)?, owner: known.owner, name: known.name })
        };
        known.and_then(caller).ok_or_else(|| Problem::new(Code::Unauthorized, "This API key is unknown or revoked."))
    }
}
