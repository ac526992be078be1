//! What Waypost decides: identity, routing, retries, the life of a delivery, limits.
//!
//! Pure: no I/O, no clock, no randomness. Decisions take time and chance as arguments; the caller carries them out.

pub mod age;
pub mod breaker;
pub mod delivery;
pub mod directory;
pub mod identity;
pub mod lane;
pub mod limits;
pub mod outcome;
pub mod rate;
pub mod retry;
pub mod route;
