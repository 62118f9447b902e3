-- Which products a storefront's lists hold, kept beside the tables that say so, since asking these costs more the more
-- products there are: the lists of a sales channel, whole and by collection, type, category and tag, and how long each is.
--
-- A product has rows as long as it is published and not deleted. Triggers keep them in the transaction of every change, by
-- whomever, so that a list is never older or newer than the products in it.
CREATE TABLE product_place (
    sales_channel_id text NOT NULL,
    -- '' for all products, or the id of a collection, type, category or tag.
    place text NOT NULL,
    product_id text NOT NULL,
    PRIMARY KEY (sales_channel_id, place, product_id)
);
CREATE INDEX product_place_product ON product_place (product_id);

-- A list is as long as the sum of its rows here. Writers add rows, so that none waits for another.
CREATE TABLE product_place_count (
    sales_channel_id text NOT NULL,
    place text NOT NULL,
    products bigint NOT NULL
);
CREATE INDEX product_place_count_of ON product_place_count (sales_channel_id, place) INCLUDE (products);

-- Where products are.
CREATE FUNCTION product_places(ids text[]) RETURNS TABLE (sales_channel_id text, place text, product_id text)
STABLE LANGUAGE sql AS $$
    SELECT c.sales_channel_id, at.place, p.id
    FROM product p JOIN product_sales_channel c ON c.product_id = p.id
    CROSS JOIN LATERAL (
        SELECT '' UNION ALL SELECT p.collection_id UNION ALL SELECT p.type_id
        UNION ALL SELECT l.product_category_id FROM product_category_product l WHERE l.product_id = p.id
        UNION ALL SELECT l.product_tag_id FROM product_tags l WHERE l.product_id = p.id
    ) AS at (place)
    WHERE p.id = ANY(ids) AND p.status = 'published' AND p.deleted_at IS NULL AND at.place IS NOT NULL
$$;

-- Puts products where they are now. Their rows are locked first: whoever changes another of their tables at the same time
-- waits, and then finds what was done here.
-- A plan that is made while the tables are small must do when they are large.
CREATE FUNCTION place_products(ids text[]) RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    PERFORM 1 FROM product WHERE id = ANY(ids) ORDER BY id FOR NO KEY UPDATE;
    WITH now AS MATERIALIZED (SELECT * FROM product_places(ids)),
    gone AS (
        DELETE FROM product_place p WHERE p.product_id = ANY(ids) AND NOT EXISTS (
            SELECT 1 FROM now n WHERE n.product_id = p.product_id AND n.place = p.place
            AND n.sales_channel_id = p.sales_channel_id)
        RETURNING p.sales_channel_id, p.place
    ),
    come AS (
        INSERT INTO product_place SELECT n.sales_channel_id, n.place, n.product_id FROM now n
        ON CONFLICT DO NOTHING RETURNING sales_channel_id, place
    ),
    change AS (
        SELECT c.sales_channel_id, c.place, sum(c.products) AS products FROM (
            SELECT *, -1 AS products FROM gone UNION ALL SELECT *, 1 FROM come
        ) c GROUP BY 1, 2 HAVING sum(c.products) <> 0
    )
    INSERT INTO product_place_count SELECT * FROM change;
END
$$;

-- Makes one row of the many that a list's length may have come to. Who folds at the same time lets it be, and so does a
-- transaction whose snapshot is older than its last statement: it could not tell what others folded meanwhile.
CREATE FUNCTION fold_place_counts(ids text[]) RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed'
        OR NOT pg_try_advisory_xact_lock(hashtextextended('vitrine.fold_place_counts', 0)) THEN
        RETURN;
    END IF;
    WITH lists AS (SELECT DISTINCT sales_channel_id, place FROM product_place WHERE product_id = ANY(ids)),
    old AS (
        DELETE FROM product_place_count c USING lists l
        WHERE c.sales_channel_id = l.sales_channel_id AND c.place = l.place
        RETURNING c.sales_channel_id, c.place, c.products
    )
    INSERT INTO product_place_count
    SELECT sales_channel_id, place, sum(products) FROM old GROUP BY 1, 2 HAVING sum(products) <> 0;
END
$$;

-- All anew.
CREATE FUNCTION place_all_products() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE product_place, product_place_count IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM product_place;
    DELETE FROM product_place_count;
    INSERT INTO product_place SELECT p.* FROM product_places(ARRAY(SELECT id FROM product)) p ON CONFLICT DO NOTHING;
    INSERT INTO product_place_count SELECT sales_channel_id, place, count(*) FROM product_place GROUP BY 1, 2;
END
$$;

-- The trigger of all tables that decide. Its argument: the column that names the product. Run by its owner, so that whoever may
-- change the tables keeps the lists.
CREATE FUNCTION product_place_keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $keep$
DECLARE
    ids text[];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM place_all_products();
        RETURN NULL;
    ELSIF TG_TABLE_NAME = 'product' THEN
        SELECT array_agg(n.id) INTO ids FROM new_rows n JOIN old_rows o ON o.id = n.id
        WHERE (n.status, n.deleted_at IS NULL, n.collection_id, n.type_id)
            IS DISTINCT FROM (o.status, o.deleted_at IS NULL, o.collection_id, o.type_id);
    ELSIF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT product_id) INTO ids FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT product_id) INTO ids FROM old_rows;
    ELSE
        SELECT array_agg(product_id) INTO ids FROM (SELECT product_id FROM old_rows UNION SELECT product_id FROM new_rows) r;
    END IF;
    IF ids IS NOT NULL THEN
        PERFORM place_products(ids);
        -- Now and then, so that a list's length stays a few dozen rows; or at once after many products.
        IF cardinality(ids) > 100 OR random() < 0.03 THEN
            PERFORM fold_place_counts(ids);
        END IF;
    END IF;
    RETURN NULL;
END
$keep$;

-- A product comes without links and leaves without them, so its own coming and going changes no list.
CREATE TRIGGER product_place_update AFTER UPDATE ON product REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION product_place_keep();

DO $do$
DECLARE
    link text;
BEGIN
    FOREACH link IN ARRAY ARRAY['product_sales_channel', 'product_category_product', 'product_tags'] LOOP
        EXECUTE format('CREATE TRIGGER product_place_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION product_place_keep()', link);
        EXECUTE format('CREATE TRIGGER product_place_update AFTER UPDATE ON %I
            REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION product_place_keep()', link);
        EXECUTE format('CREATE TRIGGER product_place_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows
            FOR EACH STATEMENT EXECUTE FUNCTION product_place_keep()', link);
        EXECUTE format('CREATE TRIGGER product_place_truncate AFTER TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION product_place_keep()', link);
    END LOOP;
END
$do$;

SELECT place_all_products();
