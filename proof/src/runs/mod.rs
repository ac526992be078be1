//! The proofs, one file each.

pub(crate) mod owners;
pub(crate) mod r1;
pub(crate) mod r10;
pub(crate) mod r11;
pub(crate) mod r4;
