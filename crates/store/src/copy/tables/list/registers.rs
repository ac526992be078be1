//! What people set, names, totals.

use super::{Side, Table, col, side};
use crate::copy::Kind::{Big, Bytes, Flag, Small, Text};

pub(super) const SETTINGS: Table = Table {
    name: "settings",
    columns: &[col("name", Text), col("value", Text)],
    folder: Side {
        filter: "name <> 'copy.unfinished'",
        ..side("settings", &[("name", Text)], &["INSERT INTO settings (name, value) VALUES (:name, :value)"])
    },
    database: Side {
        filter: "name <> 'copy.unfinished'",
        ..side(
            "waypost.settings",
            &[("name", Text)],
            &["INSERT INTO waypost.settings (name, value) SELECT name, value FROM v"],
        )
    },
};

pub(super) const API_KEYS: Table = Table {
    name: "API keys",
    columns: &[
        col("id", Text),
        col("name", Text),
        col("hash", Bytes),
        col("scope", Text),
        col("owner", Text),
        col("created_at", Big),
        col("revoked_at", Big),
    ],
    folder: side(
        "api_keys",
        &[("id", Text)],
        &["INSERT INTO api_keys (id, name, hash, scope, owner, created_at, revoked_at)
           VALUES (:id, :name, :hash, :scope, :owner, :created_at, :revoked_at)"],
    ),
    database: side(
        "waypost.api_keys",
        &[("id", Text)],
        &["INSERT INTO waypost.api_keys (id, name, hash, scope, owner, created_at, revoked_at)
           SELECT id, name, hash, scope, owner, created_at, revoked_at FROM v"],
    ),
};

pub(super) const NUMBERS: Table = Table {
    name: "numbers",
    columns: &[col("app", Text), col("display_digits", Text), col("phone_number_id", Text), col("waba_id", Text)],
    folder: side(
        "numbers",
        &[("app", Text), ("display_digits", Text)],
        &["INSERT INTO numbers (app, display_digits, phone_number_id, waba_id)
           VALUES (:app, :display_digits, :phone_number_id, :waba_id)"],
    ),
    database: side(
        "waypost.numbers",
        &[("app", Text), ("display_digits", Text)],
        &["INSERT INTO waypost.numbers (app, display_digits, phone_number_id, waba_id)
           SELECT app, display_digits, phone_number_id, waba_id FROM v"],
    ),
};

pub(super) const LABELS: Table = Table {
    name: "labels",
    columns: &[col("kind", Small), col("id", Text), col("label", Text)],
    folder: side(
        "labels",
        &[("kind", Small), ("id", Text), ("label", Text)],
        &["INSERT INTO labels (kind, id, label) VALUES (:kind, :id, :label)"],
    ),
    database: side(
        "waypost.labels",
        &[("kind", Small), ("id", Text), ("label", Text)],
        &["INSERT INTO waypost.labels (kind, id, label) SELECT kind, id, label FROM v"],
    ),
};

pub(super) const CONTACT_NAMES: Table = Table {
    name: "names of contacts",
    columns: &[col("scope", Text), col("number", Text), col("name", Text), col("lane", Text), col("user_id", Text)],
    folder: side(
        "contact_names",
        &[("scope", Text), ("number", Text), ("name", Text)],
        &["INSERT INTO contact_names (scope, number, name, lane, user_id)
           VALUES (:scope, :number, :name, :lane, :user_id)"],
    ),
    database: side(
        "waypost.contact_names",
        &[("scope", Text), ("number", Text), ("name", Text)],
        &["INSERT INTO waypost.contact_names (scope, number, name, lane, user_id)
           SELECT scope, number, name, lane, user_id FROM v"],
    ),
};

pub(super) const ENDPOINTS: Table = Table {
    name: "endpoints",
    columns: &[
        col("number", Big),
        col("id", Text),
        col("owner", Text),
        col("state", Text),
        col("state_reason", Text),
        col("ordered", Flag),
        col("concurrency_max", Big),
        col("rate_per_second_max", Big),
        col("stood_ms", Big),
        col("standing_since", Big),
        col("definition", Text),
        col("declared", Flag),
        col("revision", Big),
        col("created_at", Big),
        col("updated_at", Big),
        col("removed_at", Big),
    ],
    folder: side(
        "endpoints",
        &[("number", Big)],
        &["INSERT INTO endpoints (number, id, owner, state, state_reason, ordered, concurrency_max, rate_per_second_max,
               stood_ms, standing_since, definition, declared, revision, created_at, updated_at, removed_at)
           VALUES (:number, :id, :owner, :state, :state_reason, :ordered, :concurrency_max, :rate_per_second_max,
               :stood_ms, :standing_since, :definition, :declared, :revision, :created_at, :updated_at, :removed_at)"],
    ),
    database: side(
        "waypost.endpoints",
        &[("number", Big)],
        &["INSERT INTO waypost.endpoints (number, id, owner, state, state_reason, ordered, concurrency_max,
               rate_per_second_max, stood_ms, standing_since, definition, declared, revision, created_at, updated_at,
               version, removed_at) OVERRIDING SYSTEM VALUE
           SELECT number, id, owner, state, state_reason, ordered, concurrency_max, rate_per_second_max, stood_ms,
               standing_since, definition, declared, revision, created_at, updated_at, 0, removed_at FROM v"],
    ),
};

pub(super) const TOTALS: Table = Table {
    name: "totals",
    columns: &[
        col("endpoints_version", Big),
        col("retention_clock", Big),
        col("notifications", Big),
        col("events", Big),
        col("duplicates", Big),
        col("conflicts", Big),
        col("unrouted", Big),
        col("deliveries", Big),
        col("accepted", Big),
        col("dead", Big),
        col("skipped", Big),
        // Above every number that was given to an event, a delivery or a differing copy.
        col("numbers_end", Big)
            .folder("max(t.next_event, t.next_delivery, (SELECT coalesce(max(id), 0) + 1 FROM conflicts))")
            .aside(),
    ],
    folder: side(
        "ledger",
        &[("id", Big)],
        &["UPDATE ledger SET endpoints_version = :endpoints_version, retention_clock = :retention_clock,
               notifications = :notifications, events = :events, duplicates = :duplicates, conflicts = :conflicts,
               unrouted = :unrouted, deliveries = :deliveries, accepted = :accepted, dead = :dead, skipped = :skipped,
               next_event = :numbers_end, next_delivery = :numbers_end,
               next_notification = (SELECT coalesce(max(id), 0) + 1 FROM notifications),
               newest_received_at = (SELECT coalesce(max(received_at), 0) FROM notifications)"],
    ),
    database: side(
        "(SELECT 1::bigint AS one, l.endpoints_version, r.clock AS retention_clock,
              coalesce(sum(s.notifications), 0)::bigint AS notifications, coalesce(sum(s.events), 0)::bigint AS events,
              coalesce(sum(s.duplicates), 0)::bigint AS duplicates, coalesce(sum(s.conflicts), 0)::bigint AS conflicts,
              coalesce(sum(s.unrouted), 0)::bigint AS unrouted, coalesce(sum(s.deliveries), 0)::bigint AS deliveries,
              coalesce(sum(s.accepted), 0)::bigint AS accepted, coalesce(sum(s.dead), 0)::bigint AS dead,
              coalesce(sum(s.skipped), 0)::bigint AS skipped,
              (SELECT (last_value + 1) * 4096 FROM waypost.blocks) AS numbers_end
          FROM waypost.ledger l CROSS JOIN waypost.retention r LEFT JOIN waypost.tallies s ON TRUE GROUP BY 1, 2, 3) AS x",
        &[("one", Big)],
        // What is owed is counted for each endpoint, when everything is there.
        &[", l AS (UPDATE waypost.ledger SET endpoints_version = v.endpoints_version FROM v),
           r AS (UPDATE waypost.retention SET clock = v.retention_clock FROM v)
           INSERT INTO waypost.tallies (endpoint, notifications, events, duplicates, conflicts, unrouted, deliveries,
               accepted, dead, skipped)
           SELECT 0, notifications, events, duplicates, conflicts, unrouted, accepted + dead + skipped, accepted, dead,
               skipped FROM v WHERE setval('waypost.blocks', numbers_end / 4096 + 1) > 0"],
    ),
};
