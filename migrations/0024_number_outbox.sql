-- Numbering in one statement (invalidation protocol, rule 2): commit to acknowledgement is mostly round trips to Postgres.
--
-- Numbers at most `most` committed rows that have no number and are due, gap-free. `upto` is the caller's clock: a row is due when it and
-- Postgres's both say so. Rows that have no tags yet are left to the caller, which works them out, and so is all that comes after the first
-- of them: `untold`. There is always at least one row of the answer, without an id where nothing was numbered; each says where numbering
-- stood before and stands now, and when the next row is due.
--
-- Each statement within has a snapshot of its own: what is numbered is looked at after the position's lock was taken. So the numbers are
-- gap-free even if two relays ran at once.
CREATE FUNCTION number_outbox(most integer, upto timestamptz)
RETURNS TABLE (term integer, before bigint, newest bigint, next_due timestamptz, untold boolean,
    id bigint, seq bigint, name text, mode text, tags text[], everything boolean, waited double precision)
LANGUAGE plpgsql
-- Plans are kept for the session's life, and must not be those for the small table that it may be at its beginning.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    at feed_position%ROWTYPE;
    waiting bigint[];
    first_untold bigint;
    next_at timestamptz;
    numbered bigint;
BEGIN
    SELECT array_agg(found.id ORDER BY found.id), min(found.id) FILTER (WHERE found.untold) INTO waiting, first_untold FROM (
        (SELECT o.id, o.tags IS NULL AS untold FROM outbox o WHERE o.seq IS NULL AND o.due_at IS NULL ORDER BY o.id LIMIT most)
        UNION ALL
        (SELECT o.id, o.tags IS NULL FROM outbox o
         WHERE o.seq IS NULL AND o.due_at <= least(upto, clock_timestamp()) ORDER BY o.due_at LIMIT most)
    ) AS found;
    SELECT min(o.due_at) INTO next_at FROM outbox o WHERE o.seq IS NULL AND o.due_at IS NOT NULL;
    IF first_untold IS NOT NULL THEN
        waiting := ARRAY(SELECT w FROM unnest(waiting) AS w WHERE w < first_untold);
    END IF;
    IF coalesce(cardinality(waiting), 0) > 0 THEN
        -- What was numbered must not be lost, whatever the database's default is.
        PERFORM set_config('synchronous_commit', 'on', true);
        SELECT * INTO at FROM feed_position FOR UPDATE;
        RETURN QUERY
            -- A row that somebody is taking back is passed over: it is gone soon, or there again.
            WITH held AS MATERIALIZED (
                SELECT o.id FROM outbox o WHERE o.id = ANY(waiting[:most]) AND o.seq IS NULL ORDER BY o.id FOR UPDATE SKIP LOCKED
            ), numbers AS (
                SELECT h.id, row_number() OVER (ORDER BY h.id) AS number, count(*) OVER () AS many FROM held h
            )
            UPDATE outbox o SET term = at.term, seq = at.seq + n.number, created_at = greatest(o.created_at, o.due_at)
            FROM numbers n WHERE o.id = n.id
            RETURNING at.term, at.seq, at.seq + n.many, next_at, first_untold IS NOT NULL,
                o.id, o.seq, o.name, o.mode, o.tags, o.everything, extract(epoch FROM clock_timestamp() - o.created_at)::float8;
        GET DIAGNOSTICS numbered = ROW_COUNT;
        IF numbered > 0 THEN
            UPDATE feed_position SET seq = at.seq + numbered;
            RETURN;
        END IF;
    END IF;
    RETURN QUERY SELECT p.term, p.seq, p.seq, next_at, first_untold IS NOT NULL,
        NULL::bigint, NULL::bigint, NULL::text, NULL::text, NULL::text[], NULL::boolean, NULL::float8 FROM feed_position p;
END
$$;
REVOKE EXECUTE ON FUNCTION number_outbox(integer, timestamptz) FROM PUBLIC;
