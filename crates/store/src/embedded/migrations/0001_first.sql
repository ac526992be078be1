-- One row: numbers given out, totals, versions. Written once per transaction.
CREATE TABLE ledger (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    endpoints_version INTEGER NOT NULL,
    next_notification INTEGER NOT NULL,
    next_event INTEGER NOT NULL,
    next_delivery INTEGER NOT NULL,
    notifications INTEGER NOT NULL,
    events INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    conflicts INTEGER NOT NULL,
    unrouted INTEGER NOT NULL,
    deliveries INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    dead INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    newest_received_at INTEGER NOT NULL,
    retention_clock INTEGER NOT NULL
);
INSERT INTO ledger VALUES (1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

CREATE TABLE notifications (
    id INTEGER PRIMARY KEY,
    notification_id BLOB NOT NULL,
    app TEXT NOT NULL,
    scope TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    signature TEXT,
    secret_index INTEGER,
    event_count INTEGER NOT NULL,
    -- Its new events have the numbers first_event (inclusive) to end_event (exclusive).
    first_event INTEGER NOT NULL,
    end_event INTEGER NOT NULL,
    -- Of all the other columns, here and below: SQLite has none in its database. 0: none was made.
    checksum INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX notifications_by_id ON notifications (notification_id);

-- Apart from the rest, so that dropping a body rewrites nothing else.
CREATE TABLE bodies (
    notification INTEGER PRIMARY KEY,
    received_at INTEGER NOT NULL,
    checksum INTEGER NOT NULL DEFAULT 0,
    body BLOB NOT NULL
);

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    event_id BLOB NOT NULL,
    notification INTEGER NOT NULL,
    app TEXT NOT NULL,
    key TEXT NOT NULL,
    event_type TEXT NOT NULL,
    field TEXT NOT NULL,
    entry_id TEXT,
    waba_id TEXT,
    business_id TEXT,
    phone_number_id TEXT,
    display_phone_number TEXT,
    wa_id TEXT,
    user_id TEXT,
    parent_user_id TEXT,
    message_id TEXT,
    lane TEXT NOT NULL,
    occurred_at INTEGER,
    received_at INTEGER NOT NULL,
    test INTEGER NOT NULL,
    problems TEXT NOT NULL,
    data_start INTEGER NOT NULL,
    data_end INTEGER NOT NULL,
    data_is_json INTEGER NOT NULL,
    position INTEGER NOT NULL,
    unrouted INTEGER NOT NULL,
    -- Numbers of the endpoints to which this event's delivery is that of the whole notification, parted by commas.
    whole_to TEXT,
    checksum INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX events_by_time ON events (received_at);

-- By what the newest events are known, a row for each transaction: appended by the commit, deleted when a segment holds
-- them. What no segment holds has a greater last_event than all segments.
CREATE TABLE event_tail (
    id INTEGER PRIMARY KEY,
    last_event INTEGER NOT NULL,
    arrived_at INTEGER NOT NULL,
    entries BLOB NOT NULL
);

-- What the events from one number to another are known by. The row is written last: blocks without it are of nothing.
CREATE TABLE segments (
    id INTEGER PRIMARY KEY,
    first_event INTEGER NOT NULL,
    last_event INTEGER NOT NULL,
    -- Of an event or a copy, within an hour.
    last_arrival_at INTEGER NOT NULL,
    keys_expired INTEGER NOT NULL
);

-- What is read of a segment at opening, apart from what changes.
CREATE TABLE segment_fences (
    segment INTEGER PRIMARY KEY,
    name_fences BLOB NOT NULL,
    partitions BLOB NOT NULL,
    filter BLOB NOT NULL,
    key_fences BLOB NOT NULL,
    -- Of these, and of the segment's numbers.
    checksum INTEGER NOT NULL DEFAULT 0
);

-- Sorted records, a page each; the numbers of a segment's blocks begin at its own times 2^20.
CREATE TABLE key_blocks (
    id INTEGER PRIMARY KEY,
    records BLOB NOT NULL
);
CREATE TABLE name_blocks (
    id INTEGER PRIMARY KEY,
    records BLOB NOT NULL
);

CREATE TABLE event_duplicates (
    event INTEGER PRIMARY KEY,
    copies INTEGER NOT NULL
);

CREATE TABLE conflicts (
    id INTEGER PRIMARY KEY,
    event_id BLOB NOT NULL,
    notification INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    data_start INTEGER NOT NULL,
    data_end INTEGER NOT NULL,
    digest INTEGER NOT NULL
);
CREATE INDEX conflicts_by_event ON conflicts (event_id);
CREATE INDEX conflicts_by_notification ON conflicts (notification);

CREATE TABLE contact_names (
    scope TEXT NOT NULL,
    number TEXT NOT NULL,
    name TEXT NOT NULL,
    lane TEXT NOT NULL,
    user_id TEXT,
    PRIMARY KEY (scope, number, name)
) WITHOUT ROWID;

CREATE TABLE numbers (
    app TEXT NOT NULL,
    display_digits TEXT NOT NULL,
    phone_number_id TEXT NOT NULL,
    waba_id TEXT,
    PRIMARY KEY (app, display_digits)
) WITHOUT ROWID;

CREATE TABLE labels (
    -- 0 a WABA, 1 a number.
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    label TEXT NOT NULL,
    PRIMARY KEY (kind, id, label)
) WITHOUT ROWID;

CREATE TABLE endpoints (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    owner TEXT NOT NULL,
    state TEXT NOT NULL,
    state_reason TEXT NOT NULL,
    ordered INTEGER NOT NULL,
    concurrency_max INTEGER NOT NULL,
    rate_per_second_max INTEGER,
    -- The endpoint's clock: for how long it has stood still, and since when it stands still now.
    stood_ms INTEGER NOT NULL,
    standing_since INTEGER,
    definition TEXT NOT NULL,
    declared INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- A removed endpoint stays as a tombstone that names it in old deliveries; its definition is emptied.
    removed_at INTEGER
);
CREATE UNIQUE INDEX endpoints_by_id ON endpoints (id) WHERE removed_at IS NULL;

-- state: 0 owed, 1 accepted, 2 dead, 3 skipped.
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    endpoint INTEGER NOT NULL,
    event INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    state INTEGER NOT NULL,
    late INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER,
    -- On the endpoint's clock, which stands still while it gets no deliveries.
    hold_until INTEGER,
    first_attempt_at INTEGER,
    -- The same moment on the endpoint's clock.
    clock_from INTEGER,
    -- Attempts that found the endpoint down while it was suspended; the policy does not count them.
    uncounted INTEGER NOT NULL DEFAULT 0,
    ended_at INTEGER,
    reason TEXT,
    -- The attempt that was accepted, which is the last and ended at ended_at; those that failed stand in attempts. Most
    -- deliveries are accepted at once, and need no second row.
    accepted_status INTEGER,
    accepted_ms INTEGER,
    replay INTEGER
);
CREATE INDEX deliveries_owed ON deliveries (endpoint, id, lane) WHERE state = 0;
CREATE INDEX deliveries_failed ON deliveries (state, id) WHERE state >= 2;
CREATE INDEX deliveries_by_event ON deliveries (event);
CREATE INDEX deliveries_replayed ON deliveries (replay, state, endpoint, id) WHERE replay IS NOT NULL;

CREATE TABLE replays (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL,
    of TEXT NOT NULL,
    filter TEXT NOT NULL,
    target INTEGER,
    as_new INTEGER NOT NULL,
    per_second INTEGER,
    starts INTEGER NOT NULL,
    request TEXT NOT NULL,
    idempotency_key TEXT,
    -- What came later is none of it.
    upto_event INTEGER NOT NULL,
    upto_delivery INTEGER NOT NULL,
    -- How far it is counted: which walk, and where that is.
    walk INTEGER NOT NULL,
    at_first INTEGER NOT NULL,
    at_second INTEGER NOT NULL,
    -- The endpoint that had its turn last.
    turn INTEGER NOT NULL,
    matched INTEGER NOT NULL,
    made INTEGER NOT NULL,
    bodies_gone INTEGER NOT NULL,
    endpoints_gone INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER
);
CREATE UNIQUE INDEX replays_by_key ON replays (idempotency_key) WHERE idempotency_key IS NOT NULL;

-- What a replay is still to make. gone: 0 to be made, 1 its body was gone when it was counted, 2 its endpoint.
CREATE TABLE replay_items (
    replay INTEGER NOT NULL,
    endpoint INTEGER NOT NULL,
    event INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    PRIMARY KEY (replay, endpoint, event)
) WITHOUT ROWID;

CREATE TABLE replay_steps (
    id INTEGER PRIMARY KEY,
    replay INTEGER NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL
);
CREATE INDEX replay_steps_by_replay ON replay_steps (replay, id);

-- Attempts that failed.
CREATE TABLE attempts (
    delivery INTEGER NOT NULL,
    number INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    http_status INTEGER,
    failure TEXT,
    error TEXT,
    response_snippet TEXT,
    PRIMARY KEY (delivery, number)
) WITHOUT ROWID;

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    hash BLOB NOT NULL,
    scope TEXT NOT NULL,
    owner TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) WITHOUT ROWID;

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- For people with an SQLite tool (open with mode=ro, or a backup). Members may be added, never renamed.
CREATE VIEW v_events AS
SELECT 'evt_' || lower(hex(e.event_id)) AS id,
       'ntf_' || lower(hex(n.notification_id)) AS notification,
       e.event_type AS type, e.field, e.app, e.entry_id, e.waba_id, e.business_id, e.phone_number_id,
       e.display_phone_number, e.wa_id, e.user_id, e.parent_user_id, e.message_id, e.key, e.lane,
       datetime(e.occurred_at, 'unixepoch') AS occurred_at,
       strftime('%Y-%m-%d %H:%M:%f', e.received_at / 1000.0, 'unixepoch') AS received_at,
       e.test, e.problems, e.unrouted, coalesce(d.copies, 0) AS duplicates,
       CASE WHEN b.body IS NULL THEN NULL
            ELSE CAST(substr(b.body, e.data_start + 1, e.data_end - e.data_start) AS TEXT) END AS data
FROM events e
LEFT JOIN notifications n ON n.id = e.notification
LEFT JOIN bodies b ON b.notification = e.notification
LEFT JOIN event_duplicates d ON d.event = e.id;

CREATE VIEW v_deliveries AS
SELECT d.id AS number, p.id AS endpoint, 'evt_' || lower(hex(e.event_id)) AS event, e.event_type AS type,
       CASE d.state WHEN 0 THEN 'owed' WHEN 1 THEN 'accepted' WHEN 2 THEN 'dead' ELSE 'skipped' END AS state,
       d.reason, d.late, d.replay, d.attempts,
       strftime('%Y-%m-%d %H:%M:%f', d.created_at / 1000.0, 'unixepoch') AS created_at,
       strftime('%Y-%m-%d %H:%M:%f', d.first_attempt_at / 1000.0, 'unixepoch') AS first_attempt_at,
       strftime('%Y-%m-%d %H:%M:%f', d.due_at / 1000.0, 'unixepoch') AS due_at,
       strftime('%Y-%m-%d %H:%M:%f', d.ended_at / 1000.0, 'unixepoch') AS ended_at
FROM deliveries d
LEFT JOIN endpoints p ON p.number = d.endpoint
LEFT JOIN events e ON e.id = d.event;

CREATE VIEW v_attempts AS
SELECT delivery, number, started_at, duration_ms, http_status, failure, error, response_snippet FROM attempts
UNION ALL
SELECT id, attempts, ended_at - accepted_ms, accepted_ms, accepted_status, NULL, NULL, NULL
FROM deliveries WHERE accepted_ms IS NOT NULL;
