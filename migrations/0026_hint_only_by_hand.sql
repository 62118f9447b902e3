-- The same as before (0021), without a call of a function for each write of a workflow, which tells of itself.
DROP TRIGGER outbox_hint ON outbox;
CREATE OR REPLACE FUNCTION outbox_hint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('vitrine_outbox', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER outbox_hint AFTER INSERT ON outbox FOR EACH STATEMENT
    WHEN (current_setting('vitrine.tells_itself', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION outbox_hint();
