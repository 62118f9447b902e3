-- What the Admin API shows of prices and stock, in Medusa's form.

ALTER TABLE inventory_item ADD COLUMN unit_of_measure text;

-- A price list with its rules as one object.
CREATE VIEW admin_price_list AS
    SELECT l.*, (SELECT coalesce(jsonb_object_agg(r.attribute, r.value), '{}') FROM price_list_rule r
                 WHERE r.price_list_id = l.id AND r.deleted_at IS NULL) AS rules
    FROM price_list l;

-- The prices of price lists, each of a variant.
CREATE VIEW price_list_price AS
    SELECT p.id, p.price_list_id, p.amount, p.currency_code, p.min_quantity, p.max_quantity, k.variant_id, p.created_at,
           p.updated_at, p.deleted_at,
           (SELECT coalesce(jsonb_object_agg(r.attribute, r.value), '{}') FROM price_rule r
            WHERE r.price_id = p.id AND r.deleted_at IS NULL) AS rules
    FROM price p LEFT JOIN product_variant_price_set k ON k.price_set_id = p.price_set_id
    WHERE p.price_list_id IS NOT NULL;

-- Levels with what is left of them, and items with the sums of their levels.
CREATE VIEW admin_inventory_level AS
    SELECT l.*, l.stocked_quantity - l.reserved_quantity AS available_quantity FROM inventory_level l;
CREATE VIEW admin_inventory_item AS
    SELECT i.*,
        (SELECT coalesce(sum(l.stocked_quantity), 0) FROM inventory_level l
         WHERE l.inventory_item_id = i.id AND l.deleted_at IS NULL) AS stocked_quantity,
        (SELECT coalesce(sum(l.reserved_quantity), 0) FROM inventory_level l
         WHERE l.inventory_item_id = i.id AND l.deleted_at IS NULL) AS reserved_quantity
    FROM inventory_item i;

-- Merchants look up stock by location, and zones by set.
CREATE INDEX inventory_level_location ON inventory_level (location_id) WHERE deleted_at IS NULL;
CREATE INDEX service_zone_set ON service_zone (fulfillment_set_id) WHERE deleted_at IS NULL;

-- One region a country and one a province, each told by its own columns.
CREATE UNIQUE INDEX tax_region_country ON tax_region (country_code) WHERE province_code IS NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX tax_region_province ON tax_region (country_code, province_code)
    WHERE province_code IS NOT NULL AND deleted_at IS NULL;
DROP INDEX tax_region_place;
