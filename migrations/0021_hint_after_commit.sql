-- Who tells of its changes itself also wakes the relay itself, after its commit (`outbox::hint`). A notification within the transaction is
-- sent under one lock for all of Postgres, which is held until the commit is on the disk, and on the standby where that is waited for: all
-- writers would commit one after the other, and the relay after them. SQL by hand keeps its hint.
CREATE OR REPLACE FUNCTION outbox_hint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('vitrine.tells_itself', true) IS DISTINCT FROM 'on' THEN
        PERFORM pg_notify('vitrine_outbox', '');
    END IF;
    RETURN NULL;
END
$$;
