-- SQL that is typed by hand purges as the origin's own writes do (invalidation protocol, rule 1): triggers on every
-- table that answers of the Store API are made of add outbox rows in the transaction of the change.
--
-- A transaction that adds rows of its own says so, and is left alone: SET LOCAL vitrine.tells_itself = on.

-- Where products are found: values of before or after, each kind together (shared::event::Places).
CREATE FUNCTION outbox_places(ids text[]) RETURNS jsonb STABLE LANGUAGE sql AS $$
    SELECT jsonb_build_object(
        'handles', (SELECT coalesce(jsonb_agg(DISTINCT p.handle), '[]') FROM product p WHERE p.id = ANY(ids)),
        'categories', (SELECT coalesce(jsonb_agg(DISTINCT l.product_category_id), '[]')
            FROM product_category_product l WHERE l.product_id = ANY(ids)),
        'category_handles', (SELECT coalesce(jsonb_agg(DISTINCT c.handle), '[]')
            FROM product_category_product l JOIN product_category c ON c.id = l.product_category_id
            WHERE l.product_id = ANY(ids)),
        'collections', (SELECT coalesce(jsonb_agg(DISTINCT p.collection_id), '[]')
            FROM product p WHERE p.id = ANY(ids) AND p.collection_id IS NOT NULL),
        'collection_handles', (SELECT coalesce(jsonb_agg(DISTINCT c.handle), '[]')
            FROM product p JOIN product_collection c ON c.id = p.collection_id WHERE p.id = ANY(ids)),
        'tags', (SELECT coalesce(jsonb_agg(DISTINCT l.product_tag_id), '[]')
            FROM product_tags l WHERE l.product_id = ANY(ids)),
        'types', (SELECT coalesce(jsonb_agg(DISTINCT p.type_id), '[]')
            FROM product p WHERE p.id = ANY(ids) AND p.type_id IS NOT NULL),
        'channels', (SELECT coalesce(jsonb_agg(DISTINCT l.sales_channel_id), '[]')
            FROM product_sales_channel l WHERE l.product_id = ANY(ids)))
$$;

-- What a storefront that shows no quantities shows of one: up to 5 pieces are few.
CREATE FUNCTION stock_state(quantity numeric) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT CASE WHEN quantity IS NULL THEN 'none' WHEN quantity <= 0 THEN 'out' WHEN quantity <= 5 THEN 'low' ELSE 'in' END
$$;

-- The trigger of all tables. Arguments: what is told of a change, a query over `changed` that finds it, and columns
-- that no answer shows.
--
-- `changed` has a row for each row that is really another now: `now` says of which side, `r` is the row as JSON. What
-- is told: `products`, where the query gives (product, variant, place); `links`, the same where the table decides in
-- which lists products are; `options`, the same, told even where no product is concerned; `changes`, where it gives
-- JSON of shared::event::Change; `categories`, the same where other rows are looked at; and `stock`, without a query.
--
-- One outbox row names at most 1,000 products, variants or other things. Run by its owner, so that whoever may change
-- the data tells of it; nobody else may make a trigger of it.
CREATE FUNCTION outbox_tell() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $tell$
DECLARE
    kind CONSTANT text := TG_ARGV[0];
    told CONSTANT text := format('sql.%s.%s', TG_TABLE_NAME, lower(TG_OP));
    per_row CONSTANT int := 1000;
    whole CONSTANT text := format('(to_jsonb(r) - %L::text[])::text AS whole', coalesce(TG_ARGV[2], '{}'));
    before CONSTANT text := format('SELECT %s FROM old_rows r', whole);
    after CONSTANT text := format('SELECT %s FROM new_rows r', whole);
    changed text;
    found_any boolean;
BEGIN
    IF TG_OP <> 'TRUNCATE' THEN
        changed := CASE TG_OP
            WHEN 'INSERT' THEN format('SELECT true AS now, whole::jsonb AS r FROM (%s) a', after)
            WHEN 'DELETE' THEN format('SELECT false AS now, whole::jsonb AS r FROM (%s) b', before)
            ELSE format('SELECT false AS now, whole::jsonb AS r FROM (%1$s EXCEPT %2$s) b
                         UNION ALL SELECT true, whole::jsonb FROM (%2$s EXCEPT %1$s) a', before, after)
        END;
        EXECUTE format('SELECT EXISTS (%s)', changed) INTO found_any;
        IF NOT found_any THEN
            RETURN NULL;
        END IF;
    END IF;
    -- With an old snapshot it is not known where products are by now: another transaction may have moved them.
    IF TG_OP = 'TRUNCATE'
        OR kind <> 'changes' AND current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
    THEN
        INSERT INTO outbox (name, event, tags, everything) VALUES (told, jsonb_build_object('name', told,
            'change', jsonb_build_object('entity', 'set', 'name', TG_TABLE_NAME)), '{}', true);
        RETURN NULL;
    END IF;
    -- What is deleted is not named by what would show it. So who brings it back waits for those who refer to it.
    IF TG_NAME = 'outbox_revive' THEN
        changed := format('SELECT * FROM (%s) c WHERE NOT now AND r->>''deleted_at'' IS NOT NULL', changed);
        EXECUTE format('SELECT EXISTS (%s)', changed) INTO found_any;
        IF NOT found_any THEN
            RETURN NULL;
        END IF;
        PERFORM pg_advisory_xact_lock(x'564954520002'::bigint);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(x'564954520002'::bigint);
    END IF;
    IF kind = 'links' THEN
        -- Another transaction that shows or hides these products waits, or was waited for: whoever is last sees both.
        EXECUTE format('WITH changed AS MATERIALIZED (%s) SELECT 1 FROM product p
            WHERE p.id IN (SELECT t.product FROM (%s) t (product, variant, place)) ORDER BY p.id FOR NO KEY UPDATE',
            changed, TG_ARGV[1]);
    END IF;
    IF kind IN ('changes', 'categories', 'stock') THEN
        EXECUTE format('INSERT INTO outbox (name, event)
            WITH changed AS MATERIALIZED (%s), told AS (%s),
            parts AS (SELECT change, (row_number() OVER () - 1) / %s AS part FROM told)
            SELECT $1, jsonb_build_object(''name'', $1, ''change'', CASE WHEN count(*) = 1 THEN (array_agg(change))[1]
                ELSE jsonb_build_object(''entity'', ''several'', ''changes'', jsonb_agg(change)) END)
            FROM parts GROUP BY part',
            changed, CASE kind WHEN 'stock' THEN outbox_stock(TG_TABLE_NAME) ELSE TG_ARGV[1] END, per_row) USING told;
        RETURN NULL;
    END IF;
    EXECUTE format('INSERT INTO outbox (name, event)
        WITH changed AS MATERIALIZED (%s),
        touched AS (SELECT DISTINCT t.product, t.variant, t.place FROM (%s) t (product, variant, place)
            WHERE t.product IS NOT NULL),
        parts AS MATERIALIZED (SELECT *, (row_number() OVER (ORDER BY product, variant) - 1) / %s AS part FROM touched),
        grouped AS (SELECT part, array_agg(DISTINCT product) AS ids,
                array_agg(DISTINCT variant) FILTER (WHERE variant IS NOT NULL) AS variants
            FROM parts GROUP BY part
            UNION ALL SELECT 0, ''{}'', NULL WHERE %L AND NOT EXISTS (SELECT 1 FROM parts))
        SELECT $1, jsonb_build_object(''name'', $1, ''change'', jsonb_build_object(''entity'', ''products'',
            ''ids'', to_jsonb(g.ids), ''variant_ids'', coalesce(to_jsonb(g.variants), ''[]''),
            ''before'', (SELECT coalesce(jsonb_object_agg(left_.key, left_.values), ''{}'') FROM (
                SELECT e.key, jsonb_agg(DISTINCT e.value) AS values FROM parts p, jsonb_each_text(p.place) e
                WHERE p.part = g.part AND e.value IS NOT NULL GROUP BY e.key) left_),
            ''after'', outbox_places(g.ids)))
        FROM grouped g',
        changed, TG_ARGV[1], per_row, kind = 'options') USING told;
    RETURN NULL;
END
$tell$;
REVOKE EXECUTE ON FUNCTION outbox_tell() FROM PUBLIC;

-- The query that finds changes of stock, over `changed` of one of three tables: each variant whose quantity may be
-- another, and whether in, low or out is another in some channel. Quantities are worked out as the Store API does;
-- those of before by taking back what changed.
CREATE FUNCTION outbox_stock(relation text) RETURNS text IMMUTABLE LANGUAGE sql AS $stock$
    SELECT replace($query$
    WITH variants AS MATERIALIZED (
        SELECT k.variant_id FROM product_variant_inventory_item k WHERE RELATION = 'inventory_level'
            AND k.inventory_item_id IN (SELECT r->>'inventory_item_id' FROM changed)
        UNION SELECT r->>'variant_id' FROM changed WHERE RELATION = 'product_variant_inventory_item'
        UNION SELECT k.variant_id FROM product_variant_inventory_item k
            JOIN inventory_level l ON l.inventory_item_id = k.inventory_item_id
            WHERE RELATION = 'sales_channel_stock_location'
            AND l.location_id IN (SELECT r->>'stock_location_id' FROM changed)
    ),
    channels AS MATERIALIZED (
        SELECT sales_channel_id AS channel FROM sales_channel_stock_location
        UNION SELECT r->>'sales_channel_id' FROM changed WHERE RELATION = 'sales_channel_stock_location'
    ),
    taken_back AS MATERIALIZED (
        SELECT item, channel, sum(free) AS free FROM (
            SELECT r->>'inventory_item_id' AS item, p.sales_channel_id AS channel, CASE WHEN now THEN -1 ELSE 1 END
                    * ((r->>'stocked_quantity')::numeric - (r->>'reserved_quantity')::numeric)
                    -- No condition: the planner would take nearly all for deleted, and join them in a loop.
                    * (r->>'deleted_at' IS NULL)::int AS free
                FROM changed JOIN sales_channel_stock_location p ON p.stock_location_id = r->>'location_id'
                WHERE RELATION = 'inventory_level'
            UNION ALL SELECT l.inventory_item_id, r->>'sales_channel_id', CASE WHEN now THEN -1 ELSE 1 END
                    * (l.stocked_quantity - l.reserved_quantity)
                FROM changed JOIN inventory_level l ON l.location_id = r->>'stock_location_id'
                WHERE RELATION = 'sales_channel_stock_location' AND l.deleted_at IS NULL
        ) each GROUP BY item, channel
    ),
    needed AS (
        SELECT k.variant_id, k.inventory_item_id AS item, k.required_quantity AS required, true AS is_now
            FROM variants JOIN product_variant_inventory_item k USING (variant_id)
        UNION ALL SELECT k.variant_id, k.inventory_item_id, k.required_quantity, false
            FROM variants JOIN product_variant_inventory_item k USING (variant_id)
            WHERE RELATION <> 'product_variant_inventory_item' OR (k.variant_id, k.inventory_item_id) NOT IN
                (SELECT r->>'variant_id', r->>'inventory_item_id' FROM changed WHERE now)
        UNION ALL SELECT r->>'variant_id', r->>'inventory_item_id', (r->>'required_quantity')::int, false
            FROM changed WHERE NOT now AND RELATION = 'product_variant_inventory_item'
    ),
    free AS (
        SELECT n.*, c.channel, coalesce((SELECT sum(l.stocked_quantity - l.reserved_quantity) FROM inventory_level l
                JOIN sales_channel_stock_location p ON p.stock_location_id = l.location_id
                WHERE l.inventory_item_id = n.item AND l.deleted_at IS NULL AND p.sales_channel_id = c.channel), 0)
            + CASE WHEN n.is_now THEN 0 ELSE coalesce(b.free, 0) END AS free
        FROM needed n CROSS JOIN channels c LEFT JOIN taken_back b ON b.item = n.item AND b.channel = c.channel
    ),
    states AS (
        SELECT variant_id, stock_state(min(floor(free / nullif(required, 0))) FILTER (WHERE is_now))
            <> stock_state(min(floor(free / nullif(required, 0))) FILTER (WHERE NOT is_now)) AS other
        FROM free GROUP BY variant_id, channel
    )
    SELECT jsonb_build_object('entity', 'stock', 'variant_id', v.variant_id,
        'availability_changed', coalesce(bool_or(s.other), false)) AS change
    FROM variants v LEFT JOIN states s USING (variant_id) GROUP BY v.variant_id
    $query$, 'RELATION', quote_literal(relation))
$stock$;

DO $do$
DECLARE
    -- Products with their variants, from the variants of `changed`.
    of_variant CONSTANT text := 'SELECT v.product_id, v.id, NULL::jsonb FROM changed JOIN product_variant v
        ON v.id = r->>''variant_id''';
    -- Those whose prices are in a price set.
    of_prices CONSTANT text := 'JOIN product_variant_price_set s ON s.price_set_id = p.price_set_id
        JOIN product_variant v ON v.id = s.variant_id';
    one CONSTANT text := 'SELECT DISTINCT jsonb_build_object(''entity'', %L, ''id'', r->>%L) AS change
        FROM changed WHERE r->>%2$L IS NOT NULL';
    a_set CONSTANT text := 'SELECT jsonb_build_object(''entity'', ''set'', ''name'', %L) AS change';
    line record;
BEGIN
    FOR line IN SELECT * FROM (VALUES
        ('product', 'products', $q$SELECT r->>'id', NULL, CASE WHEN NOT now THEN jsonb_build_object(
            'handles', r->>'handle', 'collections', r->>'collection_id', 'types', r->>'type_id', 'collection_handles',
            (SELECT c.handle FROM product_collection c WHERE c.id = r->>'collection_id')) END FROM changed$q$, '{}'),
        ('product_variant', 'products', $q$SELECT r->>'product_id', r->>'id', NULL::jsonb FROM changed$q$, '{}'),
        ('product_image', 'products', $q$SELECT r->>'product_id', NULL, NULL::jsonb FROM changed$q$, '{}'),
        ('product_variant_image', 'products', of_variant || $q$ UNION ALL SELECT i.product_id, NULL, NULL FROM changed
            JOIN product_image i ON i.id = r->>'image_id'$q$, '{}'),
        ('product_variant_option', 'products', of_variant, '{}'),
        ('product_variant_price_set', 'products', of_variant, '{}'),
        ('product_product_option', 'products', $q$SELECT r->>'product_id', NULL, NULL::jsonb FROM changed$q$, '{}'),
        ('product_option', 'options', $q$SELECT l.product_id, NULL, NULL::jsonb FROM changed
            JOIN product_product_option l ON l.product_option_id = r->>'id'
            UNION ALL SELECT v.product_id, v.id, NULL FROM changed JOIN product_option_value o ON o.option_id = r->>'id'
            JOIN product_variant_option h ON h.option_value_id = o.id JOIN product_variant v ON v.id = h.variant_id$q$,
            '{}'),
        ('product_option_value', 'options', $q$SELECT l.product_id, NULL, NULL::jsonb FROM changed
            JOIN product_product_option l ON l.product_option_id = r->>'option_id'
            UNION ALL SELECT v.product_id, v.id, NULL FROM changed
            JOIN product_variant_option h ON h.option_value_id = r->>'id' JOIN product_variant v ON v.id = h.variant_id$q$,
            '{}'),
        ('product_tags', 'links', $q$SELECT r->>'product_id', NULL, CASE WHEN NOT now THEN
            jsonb_build_object('tags', r->>'product_tag_id') END FROM changed$q$, '{}'),
        ('product_category_product', 'links', $q$SELECT r->>'product_id', NULL, CASE WHEN NOT now THEN
            jsonb_build_object('categories', r->>'product_category_id', 'category_handles',
            (SELECT c.handle FROM product_category c WHERE c.id = r->>'product_category_id')) END FROM changed$q$, '{}'),
        ('product_sales_channel', 'links', $q$SELECT r->>'product_id', NULL, CASE WHEN NOT now THEN
            jsonb_build_object('channels', r->>'sales_channel_id') END FROM changed$q$, '{}'),
        ('price_set', 'products', 'SELECT v.product_id, v.id, NULL::jsonb FROM changed
            JOIN (SELECT id AS price_set_id FROM price_set) p ON p.price_set_id = r->>''id'' ' || of_prices, '{}'),
        ('price', 'products', 'SELECT v.product_id, v.id, NULL::jsonb FROM (SELECT r->>''price_set_id'' AS price_set_id
            FROM changed) p ' || of_prices, '{}'),
        ('price_rule', 'products', 'SELECT v.product_id, v.id, NULL::jsonb FROM changed
            JOIN price p ON p.id = r->>''price_id'' ' || of_prices, '{}'),
        ('price_list', 'changes', format(one, 'price_list', 'id'), '{}'),
        ('price_list_rule', 'changes', format(one, 'price_list', 'price_list_id'), '{}'),
        ('price_preference', 'changes', format(a_set, 'price-preferences'), '{}'),
        ('product_type', 'changes', format(one, 'product_type', 'id'), '{}'),
        ('product_tag', 'changes', format(one, 'product_tag', 'id'), '{}'),
        ('product_collection', 'changes', $q$SELECT jsonb_build_object('entity', 'collection', 'id', r->>'id',
            'handles', jsonb_agg(DISTINCT r->>'handle')) AS change FROM changed GROUP BY r->>'id'$q$, '{}'),
        ('product_category', 'categories', $q$
            WITH c AS (SELECT r->>'id' AS id, r->>'handle' AS handle, r->>'parent_category_id' AS parent,
                r->>'mpath' AS path FROM changed),
            related AS (
                SELECT id, parent AS relative FROM c
                UNION SELECT id, unnest(string_to_array(path, '.')) FROM c
                UNION SELECT c.id, k.id FROM c JOIN product_category k ON k.parent_category_id = c.id
                UNION SELECT c.id, k.id FROM c JOIN product_category k ON k.mpath ~>=~ (c.path || '.')
                    AND k.mpath ~<~ (c.path || '/') AND k.deleted_at IS NULL),
            each AS (SELECT id, jsonb_agg(relative) AS relatives FROM related
                WHERE relative IS NOT NULL AND relative <> id GROUP BY id)
            SELECT jsonb_build_object('entity', 'category', 'id', c.id, 'handles', jsonb_agg(DISTINCT c.handle),
                'relatives', coalesce((array_agg(each.relatives))[1], '[]')) AS change
            FROM c LEFT JOIN each USING (id) GROUP BY c.id$q$, '{}'),
        ('region', 'changes', format(one, 'region', 'id'), '{}'),
        ('region_country', 'changes', format(one, 'region', 'region_id'), '{}'),
        ('region_payment_provider', 'changes', format(one, 'region', 'region_id'), '{}'),
        ('currency', 'changes', format(a_set, 'currencies'), '{}'),
        ('store', 'changes', format(a_set, 'stores'), '{}'),
        ('store_currency', 'changes', format(a_set, 'stores'), '{}'),
        ('tax_region', 'changes', format(a_set, 'tax-rates'), '{}'),
        ('tax_rate', 'changes', format(a_set, 'tax-rates'), '{}'),
        ('tax_rate_rule', 'changes', format(a_set, 'tax-rates'), '{}'),
        ('return_reason', 'changes', format(a_set, 'return-reasons'), '{}'),
        ('sales_channel', 'changes', format(one, 'sales_channel', 'id'), '{}'),
        ('api_key', 'changes', format(one, 'api_key', 'id'), '{last_used_at,updated_at}'),
        ('publishable_api_key_sales_channel', 'changes', format(one, 'api_key', 'publishable_key_id'), '{}'),
        ('inventory_level', 'stock', '', '{incoming_quantity,metadata,created_at,updated_at}'),
        ('product_variant_inventory_item', 'stock', '', '{}'),
        ('sales_channel_stock_location', 'stock', '', '{}')
    ) AS lines (relation, kind, question, unseen)
    LOOP
        EXECUTE format('CREATE TRIGGER outbox_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT WHEN (current_setting(''vitrine.tells_itself'', true) IS DISTINCT FROM ''on'')
            EXECUTE FUNCTION outbox_tell(%L, %L, %L)', line.relation, line.kind, line.question, line.unseen);
        EXECUTE format('CREATE TRIGGER outbox_update AFTER UPDATE ON %I
            REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
            FOR EACH STATEMENT WHEN (current_setting(''vitrine.tells_itself'', true) IS DISTINCT FROM ''on'')
            EXECUTE FUNCTION outbox_tell(%L, %L, %L)', line.relation, line.kind, line.question, line.unseen);
        EXECUTE format('CREATE TRIGGER outbox_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows
            FOR EACH STATEMENT WHEN (current_setting(''vitrine.tells_itself'', true) IS DISTINCT FROM ''on'')
            EXECUTE FUNCTION outbox_tell(%L, %L, %L)', line.relation, line.kind, line.question, line.unseen);
        EXECUTE format('CREATE TRIGGER outbox_truncate AFTER TRUNCATE ON %I FOR EACH STATEMENT
            EXECUTE FUNCTION outbox_tell(%L)', line.relation, line.kind);
    END LOOP;

    -- What was deleted and is back is shown again by answers that did not name it.
    FOR line IN SELECT * FROM (VALUES
        ('product_type', 'products', $q$SELECT p.id, NULL, NULL::jsonb FROM changed
            JOIN product p ON p.type_id = r->>'id'$q$),
        ('product_collection', 'products', $q$SELECT p.id, NULL, NULL::jsonb FROM changed
            JOIN product p ON p.collection_id = r->>'id'$q$),
        ('product_tag', 'products', $q$SELECT l.product_id, NULL, NULL::jsonb FROM changed
            JOIN product_tags l ON l.product_tag_id = r->>'id'$q$),
        ('product_category', 'products', $q$SELECT l.product_id, NULL, NULL::jsonb FROM changed
            JOIN product_category_product l ON l.product_category_id = r->>'id'$q$),
        ('price_list', 'products', 'SELECT v.product_id, v.id, NULL::jsonb FROM changed
            JOIN price p ON p.price_list_id = r->>''id'' ' || of_prices),
        ('sales_channel', 'changes', $q$SELECT DISTINCT jsonb_build_object('entity', 'api_key',
            'id', l.publishable_key_id) AS change FROM changed
            JOIN publishable_api_key_sales_channel l ON l.sales_channel_id = r->>'id'$q$)
    ) AS lines (relation, kind, question)
    LOOP
        EXECUTE format('CREATE TRIGGER outbox_revive AFTER UPDATE ON %I
            REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
            FOR EACH STATEMENT WHEN (current_setting(''vitrine.tells_itself'', true) IS DISTINCT FROM ''on'')
            EXECUTE FUNCTION outbox_tell(%L, %L, ''{}'')', line.relation, line.kind, line.question);
    END LOOP;
END
$do$;
