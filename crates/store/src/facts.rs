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
pub(crate) mod hands;
pub(crate) mod keeping;
pub(crate) mod lanes;
pub(crate) mod life;
pub(crate) mod pruning;
pub(crate) mod replaying;
pub(crate) mod standing;
pub(crate) mod together;

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
                a_notification_is_owed_as_a_whole_once_with_its_first_new_event,
                a_notification_without_news_is_owed_as_a_whole_to_nobody,
            ],
            finding: [
                an_event_is_found_by_each_of_its_names,
                a_look_up_while_commits_go_on_finds_each_event_once,
                a_payload_is_the_same_now_and_after_reopening,
                a_payload_is_of_the_newest_event_with_its_id,
                pages_by_cursor_show_each_row_once_while_commits_go_on,
                deliveries_are_listed_by_endpoint_event_and_state,
                filters_leave_out_what_they_do_not_name,
                a_cursor_that_the_store_did_not_give_is_refused,
                a_delivery_shows_its_attempts,
            ],
            lanes: [
                a_person_keeps_one_lane_under_all_names,
                a_stranger_does_not_inherit_a_lane,
                a_conversation_with_nobody_is_a_lane_of_its_own,
                a_repeated_old_event_changes_no_link,
            ],
            claiming: [
                a_lane_gives_one_delivery_at_a_time_and_in_order,
                a_waiting_head_holds_its_lane_until_it_is_due,
                an_endpoint_that_asked_for_quiet_gets_nothing_before_its_time,
                a_refused_head_is_set_aside_only_after_the_hold,
                a_head_holds_its_lane_while_the_endpoint_accepts_nothing,
                a_lane_that_is_held_for_ever_is_never_passed,
                a_released_claim_is_due_at_once,
                a_lane_goes_on_while_an_acceptance_is_being_written,
                a_lost_claim_cannot_settle,
                what_was_in_flight_is_owed_again_after_reopening,
                a_settlement_is_durable,
                a_settlement_with_time_goes_with_one_that_has_none,
                unordered_endpoints_do_not_wait_for_a_lane,
                no_endpoint_gets_more_at_once_than_it_allows,
                claims_are_fair_between_endpoints,
                a_backlog_beyond_the_window_is_claimed_in_order,
                a_blocked_lane_does_not_stop_the_others,
                claims_survive_a_refusal_of_the_disk,
            ],
            endpoints: [
                a_paused_endpoint_gets_nothing_and_then_everything_in_order,
                a_batch_routed_by_an_old_version_is_refused_and_leaves_nothing,
                removing_an_endpoint_ends_what_it_is_owed,
                a_change_with_an_old_revision_is_refused_whole,
                a_change_judged_by_older_endpoints_is_refused_whole,
                an_endpoint_that_turns_unordered_gives_its_lanes_at_once,
                settings_and_api_keys_read_back,
                labels_are_replaced_whole_and_move_the_routes_on,
            ],
            standing: [
                time_in_which_an_endpoint_stands_still_does_not_count,
                a_probe_takes_the_head_that_was_tried_least,
                a_probe_that_finds_the_endpoint_down_is_not_counted,
                a_probe_finds_what_lies_on_disk_alone,
                only_a_suspended_endpoint_is_probed,
                what_failed_while_the_endpoint_was_down_is_due_when_it_goes_on,
                an_endpoint_that_comes_back_is_loaded_little_by_little,
                a_lane_is_not_passed_because_its_endpoint_stood_still,
                the_oldest_beyond_a_backlog_limit_end_and_the_rest_goes_on_in_order,
                a_backlog_keeps_no_more_than_its_share_of_the_store,
                no_endpoint_gets_more_in_a_second_than_its_rate,
            ],
            replaying: [
                a_count_that_was_told_holds_whatever_arrives_or_ends_later,
                a_replay_goes_on_after_reopening_and_makes_nothing_twice,
                a_refused_commit_leaves_a_replay_as_it_was,
                the_same_replay_made_twice_repeats_nothing,
                a_replay_repeats_what_its_filter_names,
                unrouted_events_go_to_an_endpoint_made_later,
                bodies_and_endpoints_that_are_gone_are_counted_and_told,
                a_replay_is_never_further_ahead_than_its_share,
                an_endpoint_that_takes_nothing_holds_up_no_other_in_a_replay,
                a_replay_that_is_paused_or_cancelled_makes_nothing_more,
                a_replay_made_again_with_its_key_is_found,
            ],
            hands: [
                what_waits_is_due_at_once_when_a_hand_says_so,
                a_hand_ends_the_quiet_that_an_endpoint_asked_for,
                what_is_given_up_is_dead_and_its_lane_goes_on,
                what_is_given_up_in_flight_stays_given_up,
                all_that_an_endpoint_is_owed_is_given_up,
            ],
            life: [
                a_long_life_of_accidents_loses_nothing_and_keeps_every_lane_in_order,
            ],
            pruning: [
                nothing_owed_is_pruned,
                what_is_old_and_ended_is_pruned,
                one_jump_of_the_clock_prunes_no_more_than_a_day,
                a_key_outlives_its_event,
                a_key_lives_on_while_its_partition_sees_arrivals,
            ],
        }
    };
    ($engine:ident; $($file:ident: [$($fact:ident),* $(,)?],)*) => {
        mod $engine {
            $($(
                #[tokio::test]
                async fn $fact() {
                    // An engine that this machine lacks has said so.
                    let Some(mut engine) = crate::facts::engine::$engine().await else { return };
                    crate::facts::$file::$fact(&mut engine).await;
                }
            )*)*
        }
    };
}

facts_on!(embedded);
facts_on!(postgres);
// A node in another process of the operating system beside this one's.
facts_on!(two_processes);
// Through PgBouncer in transaction mode: what could lean on a session.
facts_on! { pooled;
    keeping: [
        a_batch_is_kept_whole_and_its_bytes_come_back,
        a_key_whose_commit_failed_is_new_again,
        what_was_committed_is_there_after_reopening,
        of_copies_committed_at_once_one_is_new,
    ],
    finding: [pages_by_cursor_show_each_row_once_while_commits_go_on],
    claiming: [a_lost_claim_cannot_settle, a_backlog_beyond_the_window_is_claimed_in_order],
    endpoints: [a_batch_routed_by_an_old_version_is_refused_and_leaves_nothing],
    replaying: [a_replay_goes_on_after_reopening_and_makes_nothing_twice],
    life: [a_long_life_of_accidents_loses_nothing_and_keeps_every_lane_in_order],
    pruning: [what_is_old_and_ended_is_pruned],
}
