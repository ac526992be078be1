//! What Waypost remembers: one seam, [`Store`], and the engines behind it.
//!
//! The seam speaks in domain words and in batches, and each method is one transaction. No driver type, constructor or
//! transaction handle appears in it. Only this crate contains SQL; it is told what to write and decides nothing.

mod common;
mod copy;
mod embedded;
mod error;
#[cfg(test)]
mod facts;
mod labels;
mod postgres;
mod record;
mod replay;
mod seam;
mod tenure;

pub use copy::{CopiedTable, CopyEnd, CopyProgress, CopyStep, copy};
pub use embedded::{BackupProgress, CheckReport, Embedded, EmbeddedOptions, backup, check, restore};
pub use error::{CommitError, StoreError};
pub use labels::LabelsOf;
pub use postgres::{
    BadAddress, Postgres, PostgresOptions, PostgresReport, PostgresTuning, inspect as inspect_postgres,
    migrate as migrate_postgres,
};
pub use record::{
    ApiKeyRecord, AttemptRecord, BacklogLimit, Claim, Claims, Committed, ConflictRecord, DeliveryNo, DeliveryRecord,
    EndpointNo, EndpointRecord, EndpointState, EventOutcome, EventRecord, Health, LaneName, NewConversation, NewEvent,
    NewNotification, NotificationRecord, NumberEntry, Page, Payload, PruneReport, Retention, Settlement, StoreCounts,
    TrimReport,
};
pub use replay::{
    HandSlice, NewReplay, OwedOf, ReplayFilter, ReplayMark, ReplayNo, ReplayOf, ReplayOutcomes, ReplayRecord,
    ReplayState, ReplayStep, Steer,
};
pub use seam::{DeliveryQuery, EndpointChange, EventQuery, Find, Store};
pub use tenure::Tenure;
