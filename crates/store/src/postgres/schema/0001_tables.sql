-- Numbers. A transaction takes its block when it begins, and numbers what it keeps within it (4,096 to a block): what was
-- committed before another began has the lower numbers. Nobody concludes from a number that all lower ones can be seen.
CREATE SEQUENCE waypost.blocks;

-- One row. The version of the endpoints is locked (shared) by every commit of notifications, and alone by whoever changes
-- endpoints or labels.
CREATE TABLE waypost.ledger (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    endpoints_version bigint NOT NULL DEFAULT 0
);
INSERT INTO waypost.ledger DEFAULT VALUES;

-- One row, locked by the node that prunes: retention's own clock, and when it last moved.
CREATE TABLE waypost.retention (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    clock bigint NOT NULL DEFAULT 0,
    stepped_at timestamptz NOT NULL DEFAULT 'epoch'
);
INSERT INTO waypost.retention DEFAULT VALUES;

-- Differences, added up when somebody asks and folded into one row now and then: commits that counted in one row would
-- wait for each other. Endpoint 0 is the store as a whole.
CREATE TABLE waypost.tallies (
    endpoint bigint NOT NULL,
    notifications bigint NOT NULL DEFAULT 0,
    events bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    conflicts bigint NOT NULL DEFAULT 0,
    unrouted bigint NOT NULL DEFAULT 0,
    deliveries bigint NOT NULL DEFAULT 0,
    accepted bigint NOT NULL DEFAULT 0,
    dead bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0
);

-- What nodes tell each other. A reader's place is a snapshot: it reads what transactions wrote that had not ended at its
-- last look, and knows those that it has read. kind: 0 a block of deliveries is there, 1 owed deliveries are due at once,
-- 2 owed deliveries have ended, 3 what an endpoint is owed is to be read again, 4 nodes or owners changed. Rows are
-- dropped after an hour; a node that has not looked for so long holds no endpoint.
CREATE TABLE waypost.news (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind smallint NOT NULL,
    block bigint,
    endpoint bigint,
    deliveries bigint[],
    lanes bigint[],
    node bigint,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX news_by_xid ON waypost.news (xid);
CREATE INDEX news_by_age ON waypost.news (made_at);

-- Processes. One whose lease has run out is fenced by another before its endpoints are taken; what is fenced writes no
-- more.
CREATE TABLE waypost.nodes (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name text UNIQUE,
    lease_until timestamptz NOT NULL,
    fenced boolean NOT NULL DEFAULT false
);

-- Who delivers to an endpoint. No row for a removed one.
CREATE TABLE waypost.owners (
    endpoint bigint PRIMARY KEY,
    node bigint,
    -- Grows with each owner.
    fence bigint NOT NULL DEFAULT 0
);
CREATE INDEX owners_by_node ON waypost.owners (node);

-- The tables below that are partitioned by day have a partition for each day (UTC) on which something arrived, made ahead
-- and dropped whole by the nodes.
CREATE TABLE waypost.notifications (
    day integer NOT NULL,
    notification uuid NOT NULL,
    app text NOT NULL,
    scope text NOT NULL,
    received_at bigint NOT NULL,
    signature text,
    secret_index smallint,
    event_count integer NOT NULL,
    PRIMARY KEY (day, notification)
) PARTITION BY LIST (day);

CREATE TABLE waypost.bodies (
    day integer NOT NULL,
    notification uuid NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (day, notification)
) PARTITION BY LIST (day);
-- Compressing small bodies costs more than it saves.
ALTER TABLE waypost.bodies ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE waypost.events (
    day integer NOT NULL,
    id bigint NOT NULL,
    event_id uuid NOT NULL,
    notification uuid NOT NULL,
    app text NOT NULL,
    key text NOT NULL,
    event_type text NOT NULL,
    field text NOT NULL,
    entry_id text,
    waba_id text,
    business_id text,
    phone_number_id text,
    display_phone_number text,
    wa_id text,
    user_id text,
    parent_user_id text,
    message_id text,
    lane text NOT NULL,
    occurred_at bigint,
    received_at bigint NOT NULL,
    test boolean NOT NULL,
    problems text NOT NULL,
    data_start integer NOT NULL,
    data_end integer NOT NULL,
    data_is_json boolean NOT NULL,
    position integer NOT NULL,
    unrouted boolean NOT NULL,
    -- Endpoints to which this event's delivery is that of the whole notification.
    whole_to bigint[],
    -- Identical copies that came after it.
    copies integer NOT NULL DEFAULT 0,
    -- Of everything by which it can be found.
    hashes bigint[] NOT NULL,
    PRIMARY KEY (day, id)
) PARTITION BY LIST (day);
CREATE INDEX events_by_time ON waypost.events (received_at, id);
-- Its pending list is filled by the commits and sorted in behind them.
CREATE INDEX events_by_hash ON waypost.events USING gin (hashes);

CREATE TABLE waypost.conflicts (
    day integer NOT NULL,
    id bigint NOT NULL,
    event_id uuid NOT NULL,
    notification uuid NOT NULL,
    received_at bigint NOT NULL,
    position integer NOT NULL,
    data_start integer NOT NULL,
    data_end integer NOT NULL,
    digest bigint NOT NULL
) PARTITION BY LIST (day);
CREATE INDEX conflicts_by_event ON waypost.conflicts (event_id);

-- Keys lie in a ring of pieces by the event's own day (its number modulo 32), and those without a time in 16 more. The same
-- key always meets the same piece. A piece is emptied when all days in it have expired.
CREATE TABLE waypost.event_keys (
    piece smallint NOT NULL,
    partition bigint NOT NULL,
    event_id uuid NOT NULL,
    day integer NOT NULL,
    event bigint NOT NULL,
    digest bigint NOT NULL,
    PRIMARY KEY (piece, event_id, partition)
) PARTITION BY LIST (piece);

-- The last arrival in a partition of keys, rounded up.
CREATE TABLE waypost.key_partitions (
    partition bigint PRIMARY KEY,
    piece smallint NOT NULL,
    last_arrival_at bigint NOT NULL
);

CREATE TABLE waypost.contact_names (
    scope text NOT NULL,
    number text NOT NULL,
    name text NOT NULL,
    lane text NOT NULL,
    user_id text,
    PRIMARY KEY (scope, number, name)
);

CREATE TABLE waypost.numbers (
    app text NOT NULL,
    display_digits text NOT NULL,
    phone_number_id text NOT NULL,
    waba_id text,
    PRIMARY KEY (app, display_digits)
);

CREATE TABLE waypost.labels (
    -- 0 a WABA, 1 a number.
    kind smallint NOT NULL,
    id text NOT NULL,
    label text NOT NULL,
    PRIMARY KEY (kind, id, label)
);

CREATE TABLE waypost.endpoints (
    number bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    id text NOT NULL,
    owner text NOT NULL,
    state text NOT NULL,
    state_reason text NOT NULL,
    ordered boolean NOT NULL,
    concurrency_max bigint NOT NULL,
    rate_per_second_max bigint,
    -- The endpoint's clock: for how long it has stood still, and since when it stands still now.
    stood_ms bigint NOT NULL,
    standing_since bigint,
    definition text NOT NULL,
    declared boolean NOT NULL,
    revision bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    -- Of the endpoints, at its last change.
    version bigint NOT NULL,
    -- A removed endpoint stays as a tombstone that names it in old deliveries; its definition is emptied.
    removed_at bigint
);
CREATE UNIQUE INDEX endpoints_by_id ON waypost.endpoints (id) WHERE removed_at IS NULL;
CREATE INDEX endpoints_by_version ON waypost.endpoints (version);

-- What is owed. A delivery that ends moves to `ended`.
CREATE TABLE waypost.deliveries (
    id bigint PRIMARY KEY,
    endpoint bigint NOT NULL,
    lane bigint NOT NULL,
    day integer NOT NULL,
    event bigint NOT NULL,
    event_id uuid NOT NULL,
    late boolean NOT NULL DEFAULT false,
    attempts integer NOT NULL DEFAULT 0,
    uncounted integer NOT NULL DEFAULT 0,
    created_at bigint NOT NULL,
    due_at bigint,
    -- On the endpoint's clock, which stands still while it gets no deliveries.
    hold_until bigint,
    first_attempt_at bigint,
    -- The same moment on the endpoint's clock.
    clock_from bigint,
    replay bigint
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX deliveries_by_endpoint ON waypost.deliveries (endpoint, id);
CREATE INDEX deliveries_by_event ON waypost.deliveries (day, event);
CREATE INDEX deliveries_replayed ON waypost.deliveries (replay, endpoint) WHERE replay IS NOT NULL;

-- state: 1 accepted, 2 dead, 3 skipped. By the day of the event.
CREATE TABLE waypost.ended (
    day integer NOT NULL,
    id bigint NOT NULL,
    endpoint bigint NOT NULL,
    event bigint NOT NULL,
    event_id uuid NOT NULL,
    state smallint NOT NULL,
    late boolean NOT NULL,
    attempts integer NOT NULL,
    created_at bigint NOT NULL,
    first_attempt_at bigint,
    ended_at bigint NOT NULL,
    reason text,
    -- The attempt that was accepted, which is the last and ended at ended_at; those that failed stand in attempts.
    accepted_status integer,
    accepted_ms bigint,
    replay bigint
) PARTITION BY LIST (day);
CREATE INDEX ended_by_id ON waypost.ended (id);
CREATE INDEX ended_by_event ON waypost.ended (event);
CREATE INDEX ended_badly ON waypost.ended (state, id) WHERE state >= 2;
CREATE INDEX ended_replayed ON waypost.ended (replay, state) WHERE replay IS NOT NULL;

-- Attempts that failed.
CREATE TABLE waypost.attempts (
    day integer NOT NULL,
    delivery bigint NOT NULL,
    number integer NOT NULL,
    started_at bigint NOT NULL,
    duration_ms bigint NOT NULL,
    http_status integer,
    failure text,
    error text,
    response_snippet text,
    PRIMARY KEY (day, delivery, number)
) PARTITION BY LIST (day);

CREATE TABLE waypost.replays (
    number bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    state text NOT NULL,
    of text NOT NULL,
    filter text NOT NULL,
    target bigint,
    as_new boolean NOT NULL,
    per_second bigint,
    starts boolean NOT NULL,
    request text NOT NULL,
    idempotency_key text UNIQUE,
    -- What came later is none of it.
    upto bigint NOT NULL,
    -- How far it is counted: which walk, and where that is.
    walk bigint NOT NULL,
    at_first bigint NOT NULL,
    at_second bigint NOT NULL,
    -- The endpoint that had its turn last.
    turn bigint NOT NULL DEFAULT 0,
    matched bigint NOT NULL DEFAULT 0,
    made bigint NOT NULL DEFAULT 0,
    bodies_gone bigint NOT NULL DEFAULT 0,
    endpoints_gone bigint NOT NULL DEFAULT 0,
    made_by text NOT NULL,
    made_at bigint NOT NULL,
    started_at bigint,
    ended_at bigint
);

-- What a replay is still to make. gone: 0 to be made, 1 its body was gone when it was counted, 2 its endpoint.
CREATE TABLE waypost.replay_items (
    replay bigint NOT NULL,
    endpoint bigint NOT NULL,
    event bigint NOT NULL,
    day integer NOT NULL,
    gone smallint NOT NULL,
    PRIMARY KEY (replay, endpoint, event)
);

CREATE TABLE waypost.replay_steps (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    replay bigint NOT NULL,
    at bigint NOT NULL,
    who text NOT NULL,
    what text NOT NULL
);
CREATE INDEX replay_steps_by_replay ON waypost.replay_steps (replay, id);

CREATE TABLE waypost.api_keys (
    id text PRIMARY KEY,
    name text NOT NULL,
    hash bytea NOT NULL,
    scope text NOT NULL,
    owner text NOT NULL,
    created_at bigint NOT NULL,
    revoked_at bigint
);

CREATE TABLE waypost.settings (
    name text PRIMARY KEY,
    value text NOT NULL
);
