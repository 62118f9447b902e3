-- Purges that operators order at an edge (`POST /v1/purges` of the internal port): the key under which one is numbered once, as long as its
-- row is kept.
ALTER TABLE outbox ADD COLUMN order_key text;
CREATE UNIQUE INDEX outbox_order_key ON outbox (order_key) WHERE order_key IS NOT NULL;
