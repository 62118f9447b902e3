-- Which transaction wrote a row, for the event trail. The default is set apart, so that rows of before do not get this migration's.
ALTER TABLE outbox ADD COLUMN xid xid8;
ALTER TABLE outbox ALTER COLUMN xid SET DEFAULT pg_current_xact_id();

-- What the production probe writes and reads through every edge: one number that only grows.
CREATE TABLE probe_canary (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    version bigint NOT NULL DEFAULT 0
);
INSERT INTO probe_canary DEFAULT VALUES;
