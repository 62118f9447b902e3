-- Locks that a write of products takes, in one round trip: the shape of the category tree (`tree_lock` is its advisory lock), and the
-- categories and collections that the products are in, against renaming until the transaction ends.
--
-- Each statement within has a snapshot of its own, so what is locked is looked at after the tree's lock was taken.
CREATE FUNCTION hold_places(products text[], tree_lock bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(tree_lock);
    PERFORM 1 FROM product_category c WHERE c.id IN (
        SELECT l.product_category_id FROM product_category_product l WHERE l.product_id = ANY(products)
    ) ORDER BY c.id FOR SHARE;
    PERFORM 1 FROM product_collection c WHERE c.id IN (
        SELECT p.collection_id FROM product p WHERE p.id = ANY(products)
    ) ORDER BY c.id FOR SHARE;
END
$$;
