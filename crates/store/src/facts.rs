//! The promises of the seam, one asynchronous function each, run on every engine.
//!
//! A fact speaks to the seam alone. What it needs beside that (a crash, a disk that refuses) an [`Engine`] offers. The
//! functions are private and reach a test only through the table below, so one that is left off it is dead code.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

pub(crate) mod build;
pub(crate) mod claiming;
pub(crate) mod endpoints;
pub(crate) mod engine;
pub(crate) mod finding;
pub(crate) mod keeping;
pub(crate) mod lanes;
pub(crate) mod pruning;

/// Every fact, by the file that it is in.
macro_rules! facts_on {
    ($engine:ident) => {
        facts_on! { $engine;
            keeping: [
                a_batch_is_kept_whole_and_its_bytes_come_back,
                a_key_whose_commit_failed_is_new_again,
                what_was_committed_is_there_after_reopening,
                a_notification_is_never_half_there,
                the_same_event_a_day_later_is_one_event,
                a_duplicate_in_the_same_batch_is_one_event,
                an_identical_copy_is_counted_and_its_body_is_not_kept,
                another_spelling_of_the_same_json_is_a_copy,
                a_different_copy_is_conflicting_and_can_be_read,
                what_cannot_be_cut_is_kept,
                numbers_shown_by_a_body_are_in_the_directory,
                of_copies_committed_at_once_one_is_new,
            ],
        }
    };
    ($engine:ident; $($file:ident: [$($fact:ident),* $(,)?],)*) => {
        mod $engine {
            $($(
                #[tokio::test]
                async fn $fact() {
                    let mut engine = crate::facts::engine::$engine();
                    crate::facts::$file::$fact(&mut engine).await;
                }
            )*)*
        }
    };
}

facts_on!(embedded);
