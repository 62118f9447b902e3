-- Prices as the Admin API shows them below a variant: those of its price set, with their rules as one object.
CREATE VIEW product_variant_price AS
    SELECT p.id, p.amount, p.currency_code, p.min_quantity, p.max_quantity, l.variant_id, p.created_at, p.updated_at,
           p.deleted_at,
           (SELECT coalesce(jsonb_object_agg(r.attribute, r.value), '{}') FROM price_rule r
            WHERE r.price_id = p.id AND r.deleted_at IS NULL) AS rules
    FROM product_variant_price_set l JOIN price p ON p.price_set_id = l.price_set_id;
