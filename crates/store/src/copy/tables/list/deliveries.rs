//! What is owed, what became of it, and what is repeated.

use super::{Side, Table, col, side};
use crate::copy::Kind::{Big, Flag, Int, Small, Text, Uuid};

/// By their numbers, and by no index that would have to be sorted for each page.
const UNINDEXED: &str = "NOT INDEXED LEFT JOIN events e ON e.id = t.event";

pub(super) const OWED: Table = Table {
    name: "deliveries owed",
    columns: &[
        col("id", Big),
        col("endpoint", Big),
        col("lane", Big),
        col("day", Int).folder(day!(folder "e.received_at")),
        col("event", Big),
        col("event_id", Uuid).folder("e.event_id"),
        col("late", Flag),
        col("attempts", Int),
        col("uncounted", Int),
        col("created_at", Big),
        col("due_at", Big),
        col("hold_until", Big),
        col("first_attempt_at", Big),
        col("clock_from", Big),
        col("replay", Big),
    ],
    folder: Side {
        filter: "state = 0",
        joined: UNINDEXED,
        ..side(
            "deliveries",
            &[("id", Big)],
            &["INSERT INTO deliveries (id, endpoint, lane, event, state, late, attempts, uncounted, created_at, due_at,
                   hold_until, first_attempt_at, clock_from, replay)
               VALUES (:id, :endpoint, :lane, :event, 0, :late, :attempts, :uncounted, :created_at, :due_at, :hold_until,
                   :first_attempt_at, :clock_from, :replay)"],
        )
    },
    database: side(
        "waypost.deliveries",
        &[("id", Big)],
        &["INSERT INTO waypost.deliveries (id, endpoint, lane, day, event, event_id, late, attempts, uncounted, created_at,
               due_at, hold_until, first_attempt_at, clock_from, replay)
           SELECT id, endpoint, lane, day, event, event_id, late, attempts, uncounted, created_at, due_at, hold_until,
               first_attempt_at, clock_from, replay FROM v"],
    ),
};

pub(super) const ENDED: Table = Table {
    name: "deliveries that ended",
    columns: &[
        col("day", Int).folder(day!(folder "e.received_at")),
        col("id", Big),
        col("endpoint", Big),
        col("event", Big),
        col("event_id", Uuid).folder("e.event_id"),
        col("state", Small),
        col("late", Flag),
        col("attempts", Int),
        col("created_at", Big),
        col("first_attempt_at", Big),
        col("ended_at", Big).folder("coalesce(t.ended_at, t.created_at)"),
        col("reason", Text),
        col("accepted_status", Int),
        col("accepted_ms", Big),
        col("replay", Big),
    ],
    folder: Side {
        filter: "state <> 0",
        joined: UNINDEXED,
        ..side(
            "deliveries",
            &[("id", Big)],
            &["INSERT INTO deliveries (id, endpoint, lane, event, state, late, attempts, created_at, first_attempt_at,
                   ended_at, reason, accepted_status, accepted_ms, replay)
               VALUES (:id, :endpoint, :lane_of_event, :event, :state, :late, :attempts, :created_at, :first_attempt_at, :ended_at,
                   :reason, :accepted_status, :accepted_ms, :replay)"],
        )
    },
    database: side(
        "waypost.ended",
        &[("id", Big)],
        &["INSERT INTO waypost.ended (day, id, endpoint, event, event_id, state, late, attempts, created_at,
               first_attempt_at, ended_at, reason, accepted_status, accepted_ms, replay)
           SELECT day, id, endpoint, event, event_id, state, late, attempts, created_at, first_attempt_at, ended_at,
               reason, accepted_status, accepted_ms, replay FROM v"],
    ),
};

pub(super) const ATTEMPTS: Table = Table {
    name: "attempts that failed",
    columns: &[
        col("day", Int).folder(day!(folder "e.received_at")),
        col("delivery", Big),
        col("number", Int),
        col("started_at", Big),
        col("duration_ms", Big),
        col("http_status", Int),
        col("failure", Text),
        col("error", Text),
        col("response_snippet", Text),
    ],
    folder: Side {
        joined: "LEFT JOIN deliveries d ON d.id = t.delivery LEFT JOIN events e ON e.id = d.event",
        ..side(
            "attempts",
            &[("delivery", Big), ("number", Int)],
            &["INSERT INTO attempts (delivery, number, started_at, duration_ms, http_status, failure, error,
                   response_snippet)
               VALUES (:delivery, :number, :started_at, :duration_ms, :http_status, :failure, :error, :response_snippet)"],
        )
    },
    database: side(
        "waypost.attempts",
        &[("day", Int), ("delivery", Big), ("number", Int)],
        &["INSERT INTO waypost.attempts (day, delivery, number, started_at, duration_ms, http_status, failure, error,
               response_snippet)
           SELECT day, delivery, number, started_at, duration_ms, http_status, failure, error, response_snippet FROM v"],
    ),
};

pub(super) const REPLAYS: Table = Table {
    name: "replays",
    columns: &[
        col("number", Big),
        col("state", Text),
        col("of", Text),
        col("filter", Text),
        col("target", Big),
        col("as_new", Flag),
        col("per_second", Big),
        col("starts", Flag),
        col("request", Text),
        col("idempotency_key", Text),
        col("upto", Big).folder("max(t.upto_event, t.upto_delivery) + 1"),
        col("walk", Big),
        col("at_first", Big),
        col("at_second", Big),
        col("turn", Big),
        col("matched", Big),
        col("made", Big),
        col("bodies_gone", Big),
        col("endpoints_gone", Big),
        col("made_by", Text),
        col("made_at", Big),
        col("started_at", Big),
        col("ended_at", Big),
    ],
    folder: side(
        "replays",
        &[("number", Big)],
        &["INSERT INTO replays (number, state, of, filter, target, as_new, per_second, starts, request, idempotency_key,
               upto_event, upto_delivery, walk, at_first, at_second, turn, matched, made, bodies_gone, endpoints_gone,
               made_by, made_at, started_at, ended_at)
           VALUES (:number, :state, :of, :filter, :target, :as_new, :per_second, :starts, :request, :idempotency_key,
               :upto - 1, :upto - 1, :walk, :at_first, :at_second, :turn, :matched, :made, :bodies_gone, :endpoints_gone,
               :made_by, :made_at, :started_at, :ended_at)"],
    ),
    database: side(
        "waypost.replays",
        &[("number", Big)],
        &["INSERT INTO waypost.replays (number, state, of, filter, target, as_new, per_second, starts, request,
               idempotency_key, upto, walk, at_first, at_second, turn, matched, made, bodies_gone, endpoints_gone, made_by,
               made_at, started_at, ended_at) OVERRIDING SYSTEM VALUE
           SELECT number, state, \"of\", filter, target, as_new, per_second, starts, request, idempotency_key, upto, walk,
               at_first, at_second, turn, matched, made, bodies_gone, endpoints_gone, made_by, made_at, started_at,
               ended_at FROM v"],
    ),
};

pub(super) const REPLAY_ITEMS: Table = Table {
    name: "what replays are to make",
    columns: &[
        col("replay", Big),
        col("endpoint", Big),
        col("event", Big),
        col("day", Int)
            .folder(concat!("CASE WHEN e.id IS NULL THEN 0 ELSE ", day!(folder "e.received_at"), " END"))
            .database("CASE WHEN e.id IS NULL THEN 0 ELSE b.day END"),
        col("gone", Small),
    ],
    folder: Side {
        joined: "LEFT JOIN events e ON e.id = t.event",
        ..side(
            "replay_items",
            &[("replay", Big), ("endpoint", Big), ("event", Big)],
            &["INSERT INTO replay_items (replay, endpoint, event, gone) VALUES (:replay, :endpoint, :event, :gone)"],
        )
    },
    database: Side {
        joined: "LEFT JOIN waypost.events e ON e.day = b.day AND e.id = b.event",
        ..side(
            "waypost.replay_items",
            &[("replay", Big), ("endpoint", Big), ("event", Big)],
            &["INSERT INTO waypost.replay_items (replay, endpoint, event, day, gone)
               SELECT replay, endpoint, event, day, gone FROM v"],
        )
    },
};

pub(super) const REPLAY_STEPS: Table = Table {
    name: "steps of replays",
    columns: &[col("id", Big), col("replay", Big), col("at", Big), col("who", Text), col("what", Text)],
    folder: side(
        "replay_steps",
        &[("id", Big)],
        &["INSERT INTO replay_steps (id, replay, at, who, what) VALUES (:id, :replay, :at, :who, :what)"],
    ),
    database: side(
        "waypost.replay_steps",
        &[("id", Big)],
        &["INSERT INTO waypost.replay_steps (id, replay, at, who, what) OVERRIDING SYSTEM VALUE
           SELECT id, replay, at, who, what FROM v"],
    ),
};
