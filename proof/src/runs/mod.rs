//! The proofs, one file each.

pub(crate) mod aimed;
pub(crate) mod full;
pub(crate) mod owners;
pub(crate) mod r1;
pub(crate) mod r10;
pub(crate) mod r11;
pub(crate) mod r12;
pub(crate) mod r13;
pub(crate) mod r14;
pub(crate) mod r3;
pub(crate) mod r4;
pub(crate) mod r5;
pub(crate) mod r8;
pub(crate) mod r9;
