-- The outbox and what numbers and acknowledges it (docs: the invalidation protocol, rules 1, 2 and 9).

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Medusa's name of the event, such as product.updated.
    name text NOT NULL,
    -- shared::event::Event as JSON.
    event jsonb NOT NULL,
    -- What it purges, by shared::event's table, worked out when it was written.
    tags text[] NOT NULL,
    mode text NOT NULL DEFAULT 'hard' CHECK (mode IN ('hard', 'soft')),
    everything boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The epoch; set after commit by the relay, never by the writer.
    term integer,
    seq bigint,
    CHECK ((term IS NULL) = (seq IS NULL))
);
-- Rows are taken by having no number, never by an id cursor: ids do not commit in order.
CREATE INDEX outbox_unnumbered ON outbox (id) WHERE seq IS NULL;
CREATE UNIQUE INDEX outbox_epoch ON outbox (seq, term) WHERE seq IS NOT NULL;

-- One row: where numbering stands, and the oldest number that the outbox still holds the history after.
CREATE TABLE feed_position (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    term integer NOT NULL DEFAULT 1,
    seq bigint NOT NULL DEFAULT 0,
    history_after bigint NOT NULL DEFAULT 0
);
INSERT INTO feed_position DEFAULT VALUES;

-- A hint that wakes the relay; hints get lost, so it polls as well.
CREATE FUNCTION outbox_hint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('vitrine_outbox', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER outbox_hint AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_hint();

-- Edges and origin processes, one row a process start.
CREATE TABLE member (
    id text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('edge', 'origin')),
    name text NOT NULL,
    applied_term integer NOT NULL,
    applied_seq bigint NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX member_seen ON member (seen_at);
