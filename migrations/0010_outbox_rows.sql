-- Outbox rows that SQL writes, and rows that wait for their time (invalidation protocol, rules 1 and 15).

-- Without tags the relay works them out of the event when it numbers the row: the table of which change purges what
-- exists once, in shared::event.
ALTER TABLE outbox ALTER COLUMN tags DROP NOT NULL;
ALTER TABLE outbox ADD CONSTRAINT outbox_numbered_with_tags CHECK (seq IS NULL OR tags IS NOT NULL);

-- A row is numbered once this moment has come; at once without one.
ALTER TABLE outbox ADD COLUMN due_at timestamptz;
-- What a row with a moment is about, such as price_list:ID, so that it can be taken back when the moment changes.
ALTER TABLE outbox ADD COLUMN subject text;

DROP INDEX outbox_unnumbered;
CREATE INDEX outbox_unnumbered ON outbox (id) WHERE seq IS NULL AND due_at IS NULL;
CREATE INDEX outbox_due ON outbox (due_at) WHERE seq IS NULL AND due_at IS NOT NULL;
CREATE INDEX outbox_subject ON outbox (subject) WHERE seq IS NULL AND subject IS NOT NULL;

-- The moments at which something is shown otherwise without a write: a price list begins and ends, a key is revoked.
-- They purge even where an edge's clock, and so its `valid-until`, is wrong. Whoever changes the moment writes its row.
CREATE FUNCTION outbox_schedule() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    entity CONSTANT text := TG_ARGV[0];
    told CONSTANT text := entity || '.' || TG_ARGV[1];
    about text;
    gone jsonb := to_jsonb(OLD);
    row_ jsonb := to_jsonb(NEW);
    moments timestamptz[];
BEGIN
    about := entity || ':' || coalesce(row_->>'id', gone->>'id');
    DELETE FROM outbox WHERE subject IN (about, entity || ':' || (gone->>'id')) AND seq IS NULL;
    IF row_ IS NULL OR row_->>'deleted_at' IS NOT NULL THEN
        RETURN NULL;
    END IF;
    moments := CASE
        WHEN entity = 'api_key' THEN ARRAY[(row_->>'revoked_at')::timestamptz]
        -- A list that ends at a moment still applies in that millisecond.
        WHEN row_->>'status' = 'active' THEN ARRAY[(row_->>'starts_at')::timestamptz,
            (row_->>'ends_at')::timestamptz + interval '1 millisecond']
    END;
    INSERT INTO outbox (name, event, due_at, subject)
        SELECT told, jsonb_build_object('name', told,
            'change', jsonb_build_object('entity', entity, 'id', row_->>'id')), moment, about
        FROM unnest(moments) AS moment WHERE isfinite(moment) AND moment > clock_timestamp();
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION outbox_schedule() FROM PUBLIC;
CREATE TRIGGER outbox_schedule AFTER INSERT OR DELETE OR UPDATE OF starts_at, ends_at, status, deleted_at ON price_list
    FOR EACH ROW EXECUTE FUNCTION outbox_schedule('price_list', 'due');
CREATE TRIGGER outbox_schedule AFTER INSERT OR DELETE OR UPDATE OF revoked_at, deleted_at ON api_key
    FOR EACH ROW EXECUTE FUNCTION outbox_schedule('api_key', 'due');
-- What is scheduled already when this is applied.
UPDATE price_list SET status = status WHERE status = 'active' AND (starts_at > now() OR ends_at > now());
UPDATE api_key SET revoked_at = revoked_at WHERE revoked_at > now();
