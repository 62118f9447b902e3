-- Leases live in the memory of the origin process that leads the relay (docs: the invalidation protocol, rule 9). Postgres keeps who
-- leads, and who may hold a lease, for the next one to lead. No clock of Postgres decides anything.

-- One row: who leads, how often the lead was taken, and in which term the members were recorded.
CREATE TABLE feed_leader (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    incarnation bigint NOT NULL DEFAULT 0,
    term integer NOT NULL DEFAULT 0,
    member_id text NOT NULL DEFAULT '',
    -- Its internal port, as other origin processes reach it.
    url text NOT NULL DEFAULT '',
    since timestamptz NOT NULL DEFAULT now()
);
INSERT INTO feed_leader DEFAULT VALUES;

-- Which history of Postgres numbers: system identifier, timeline and database. Another one begins a new term (rule 10).
ALTER TABLE feed_position ADD COLUMN history text;
DROP TRIGGER feed_term_raised ON feed_position;
DROP FUNCTION feed_term_raised();
ALTER TABLE feed_position DROP COLUMN term_since;

DROP INDEX member_seen;
ALTER TABLE member
    DROP COLUMN applied_term,
    DROP COLUMN applied_seq,
    DROP COLUMN seen_at,
    ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT now();
