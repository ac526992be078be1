//! What both engines are made of, beside their SQL.
//!
//! | module | holds |
//! | --- | --- |
//! | `board` | what is owed and can be claimed, in memory |
//! | `digest`, `names` | when two events say the same, and by what they are found |
//! | `filter`, `walk` | what a replay repeats, and how far counting is |
//! | `lists`, `state` | bounds of lists; how states are kept |
//! | `clock` | the one place that asks the system for the time |

pub(crate) mod board;
pub(crate) mod clock;
pub(crate) mod digest;
pub(crate) mod filter;
pub(crate) mod lists;
pub(crate) mod names;
pub(crate) mod state;
pub(crate) mod walk;
