//! What arrived, and by what it is known.

use super::{Side, Table, col, side};
use crate::copy::Kind::{Big, Bytes, Flag, Int, Small, Text, Uuid};

pub(super) const NOTIFICATIONS: Table = Table {
    name: "notifications",
    columns: &[
        col("notification", Uuid).folder("t.notification_id"),
        col("app", Text),
        col("scope", Text),
        col("received_at", Big),
        col("signature", Text),
        col("secret_index", Small),
        col("event_count", Int),
        col("body", Bytes).folder("p.body").database("p.body"),
    ],
    folder: Side {
        joined: "LEFT JOIN bodies p ON p.notification = t.id",
        ..side(
            "notifications",
            &[("id", Big)],
            &[
                "INSERT INTO notifications (id, notification_id, app, scope, received_at, signature, secret_index,
                     event_count, first_event, end_event)
                 VALUES ((SELECT coalesce(max(id), 0) + 1 FROM notifications), :notification, :app, :scope, :received_at,
                     :signature, :secret_index, :event_count, 0, 0)",
                "INSERT INTO bodies (notification, received_at, checksum, body)
                 SELECT id, received_at, :checksum_of_body, :body FROM notifications
                 WHERE notification_id = :notification AND :body IS NOT NULL",
            ],
        )
    },
    database: Side {
        joined: "LEFT JOIN waypost.bodies p ON p.day = b.day AND p.notification = b.notification",
        ..side(
            "waypost.notifications",
            &[("day", Int), ("notification", Uuid)],
            &[
                ", n AS (INSERT INTO waypost.notifications (day, notification, app, scope, received_at, signature,
                       secret_index, event_count) SELECT ",
                day!(database "received_at"),
                ", notification, app, scope, received_at, signature, secret_index, event_count FROM v)
                 INSERT INTO waypost.bodies (day, notification, body) SELECT ",
                day!(database "received_at"),
                ", notification, body FROM v WHERE body IS NOT NULL",
            ],
        )
    },
};

pub(super) const EVENTS: Table = Table {
    name: "events",
    columns: &[
        col("id", Big),
        col("event_id", Uuid),
        col("notification", Uuid).folder("n.notification_id"),
        col("app", Text),
        col("key", Text),
        col("event_type", Text),
        col("field", Text),
        col("entry_id", Text),
        col("waba_id", Text),
        col("business_id", Text),
        col("phone_number_id", Text),
        col("display_phone_number", Text),
        col("wa_id", Text),
        col("user_id", Text),
        col("parent_user_id", Text),
        col("message_id", Text),
        col("lane", Text),
        col("occurred_at", Big),
        col("received_at", Big),
        col("test", Flag),
        col("problems", Text),
        col("data_start", Int),
        col("data_end", Int),
        col("data_is_json", Flag),
        col("position", Int),
        col("unrouted", Flag),
        col("whole_to", Text).database("array_to_string(b.whole_to, ',')"),
        col("copies", Int).folder("coalesce(c.copies, 0)"),
        // By what the event is found: made from its names, for the database alone.
        col("hashes", Text).folder("NULL").database("NULL::text").aside(),
    ],
    folder: Side {
        joined: "LEFT JOIN notifications n ON n.id = t.notification LEFT JOIN event_duplicates c ON c.event = t.id",
        ..side(
            "events",
            &[("id", Big)],
            &[
                "INSERT INTO events (id, event_id, notification, app, key, event_type, field, entry_id, waba_id, business_id,
                     phone_number_id, display_phone_number, wa_id, user_id, parent_user_id, message_id, lane, occurred_at,
                     received_at, test, problems, data_start, data_end, data_is_json, position, unrouted, whole_to)
                 VALUES (:id, :event_id, (SELECT id FROM notifications WHERE notification_id = :notification), :app, :key,
                     :event_type, :field, :entry_id, :waba_id, :business_id, :phone_number_id, :display_phone_number,
                     :wa_id, :user_id, :parent_user_id, :message_id, :lane, :occurred_at, :received_at, :test, :problems,
                     :data_start, :data_end, :data_is_json, :position, :unrouted, :whole_to)",
                "INSERT INTO event_duplicates (event, copies) SELECT :id, :copies WHERE :copies > 0",
                "UPDATE notifications SET first_event = CASE end_event WHEN 0 THEN :id ELSE min(first_event, :id) END,
                     end_event = max(end_event, :id + 1)
                 WHERE notification_id = :notification",
            ],
        )
    },
    database: side(
        "waypost.events",
        &[("day", Int), ("id", Big)],
        &[
            "INSERT INTO waypost.events (day, id, event_id, notification, app, key, event_type, field, entry_id, waba_id,
                 business_id, phone_number_id, display_phone_number, wa_id, user_id, parent_user_id, message_id, lane,
                 occurred_at, received_at, test, problems, data_start, data_end, data_is_json, position, unrouted, whole_to,
                 copies, hashes)
             SELECT ",
            day!(database "received_at"),
            ", id, event_id, notification, app, key, event_type, field, entry_id, waba_id, business_id, phone_number_id,
                 display_phone_number, wa_id, user_id, parent_user_id, message_id, lane, occurred_at, received_at, test,
                 problems, data_start, data_end, data_is_json, position, unrouted, ('{' || whole_to || '}')::bigint[],
                 copies, hashes::bigint[]
             FROM v",
        ],
    ),
};

pub(super) const CONFLICTS: Table = Table {
    name: "differing copies",
    columns: &[
        col("id", Big),
        col("event_id", Uuid),
        col("notification", Uuid).folder("n.notification_id"),
        col("received_at", Big),
        col("position", Int),
        col("data_start", Int),
        col("data_end", Int),
        col("digest", Big),
    ],
    folder: Side {
        joined: "LEFT JOIN notifications n ON n.id = t.notification",
        ..side(
            "conflicts",
            &[("id", Big)],
            &["INSERT INTO conflicts (id, event_id, notification, received_at, position, data_start, data_end, digest)
               VALUES (:id, :event_id, (SELECT id FROM notifications WHERE notification_id = :notification), :received_at,
                   :position, :data_start, :data_end, :digest)"],
        )
    },
    database: side(
        "waypost.conflicts",
        &[("event_id", Uuid), ("id", Big)],
        &[
            "INSERT INTO waypost.conflicts (day, id, event_id, notification, received_at, position, data_start, data_end,
                 digest) SELECT ",
            day!(database "received_at"),
            ", id, event_id, notification, received_at, position, data_start, data_end, digest FROM v",
        ],
    ),
};

pub(super) const KEYS: Table = Table {
    name: "keys",
    columns: &[
        col("partition", Big),
        col("event_id", Uuid),
        col("day", Int).database("CASE WHEN e.id IS NULL THEN 0 ELSE b.day END"),
        col("event", Big),
        col("digest", Big),
        // The last arrival of the event or a copy, rounded up: for a partition of keys, or for a segment.
        col("last_arrival", Big).database("coalesce(p.last_arrival_at, 0)").aside(),
    ],
    folder: side(
        "carried_keys",
        &[("event", Big)],
        &["INSERT INTO carried_keys (event, partition, event_id, digest, last_arrival)
           VALUES (:event, :partition, :event_id, :digest, :last_arrival)"],
    ),
    database: Side {
        joined: "LEFT JOIN waypost.events e ON e.day = b.day AND e.id = b.event
                 LEFT JOIN waypost.key_partitions p ON p.partition = b.partition",
        ..side(
            "waypost.event_keys",
            &[("piece", Small), ("event_id", Uuid), ("partition", Big)],
            &[
                ", k AS (INSERT INTO waypost.event_keys (piece, partition, event_id, day, event, digest) SELECT ",
                piece!(),
                ", partition, event_id, day, event, digest FROM v)
                 INSERT INTO waypost.key_partitions AS p (partition, piece, last_arrival_at)
                 SELECT partition, ",
                piece!(),
                ", max(last_arrival) FROM v GROUP BY partition
                 ON CONFLICT (partition) DO UPDATE
                 SET last_arrival_at = greatest(p.last_arrival_at, excluded.last_arrival_at)",
            ],
        )
    },
};
