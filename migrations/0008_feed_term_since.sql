-- When the term was last raised. A promoted or restored Postgres may lack members that hold a lease, so nothing is
-- acknowledged until every lease of the time before has run out (invalidation protocol, rule 9).
ALTER TABLE feed_position ADD COLUMN term_since timestamptz NOT NULL DEFAULT '-infinity';

CREATE FUNCTION feed_term_raised() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.term_since = clock_timestamp();
    RETURN NEW;
END
$$;
CREATE TRIGGER feed_term_raised BEFORE UPDATE OF term ON feed_position
    FOR EACH ROW WHEN (NEW.term IS DISTINCT FROM OLD.term) EXECUTE FUNCTION feed_term_raised();
