-- What the demo shop lacks: one of each thing that an answer can depend on.
UPDATE store SET default_region_id = (SELECT id FROM region WHERE name = 'Europe');

INSERT INTO sales_channel (id, name) VALUES ('sc_other', 'Other'), ('sc_empty', 'Empty');
INSERT INTO api_key (id, token, redacted, title, type) VALUES
    ('apk_other', 'pk_other', 'pk', 'Other', 'publishable'), ('apk_both', 'pk_both', 'pk', 'Both', 'publishable');
INSERT INTO publishable_api_key_sales_channel
    SELECT 'apk_both', id FROM sales_channel WHERE id <> 'sc_empty' UNION ALL SELECT 'apk_other', 'sc_other';
INSERT INTO product_sales_channel SELECT id, 'sc_other' FROM product WHERE handle IN ('product-0', 'product-2');

UPDATE product SET status = 'draft' WHERE handle = 'product-5';
UPDATE product_category SET is_internal = true WHERE handle = 'kids-shoes';
INSERT INTO product_category (id, name, handle, mpath, is_active, parent_category_id)
    SELECT 'pcat_deep', 'Deep', 'deep', mpath || '.pcat_deep', true, id FROM product_category WHERE handle = 'men-shirts';
INSERT INTO product_category_product SELECT id, 'pcat_deep' FROM product WHERE handle IN ('product-0', 'product-3');
INSERT INTO product_option (id, title) VALUES ('opt_alone', 'Alone');
INSERT INTO product_option_value (id, value, option_id) VALUES ('optval_alone', 'One', 'opt_alone');

-- Gone, and still referred to.
INSERT INTO product_tag (id, value, deleted_at) VALUES ('ptag_gone', 'gone', now());
INSERT INTO product_type (id, value, deleted_at) VALUES ('ptyp_gone', 'Gone', now());
INSERT INTO product_collection (id, title, handle, deleted_at) VALUES ('pcol_gone', 'Gone', 'gone', now());
INSERT INTO product_category (id, name, handle, mpath, is_active, deleted_at)
    VALUES ('pcat_gone', 'Gone', 'gone', 'pcat_gone', true, now());
INSERT INTO sales_channel (id, name, deleted_at) VALUES ('sc_gone', 'Gone', now());
INSERT INTO publishable_api_key_sales_channel VALUES ('apk_both', 'sc_gone');
INSERT INTO product_tags SELECT id, 'ptag_gone' FROM product WHERE handle = 'product-1';
INSERT INTO product_category_product SELECT id, 'pcat_gone' FROM product WHERE handle = 'product-1';
UPDATE product SET type_id = 'ptyp_gone', collection_id = 'pcol_gone' WHERE handle = 'product-1';
INSERT INTO product_category (id, name, handle, mpath, is_active, parent_category_id)
    VALUES ('pcat_orphan', 'Orphan', 'orphan', 'pcat_gone.pcat_orphan', true, 'pcat_gone');

INSERT INTO product_variant_image SELECT v.id, i.id FROM product_variant v JOIN product_image i USING (product_id)
    WHERE v.sku = 'P0-S' AND i.rank = 0;

-- Prices: of a region, of a list for a region, of a list that is over, of a list that is gone.
INSERT INTO price (id, price_set_id, currency_code, amount, rules_count)
    SELECT 'price_regional', s.price_set_id, 'eur', 8, 1 FROM product_variant_price_set s
    JOIN product_variant v ON v.id = s.variant_id WHERE v.sku = 'P0-M';
INSERT INTO price_rule (id, price_id, attribute, value)
    SELECT 'prule_regional', 'price_regional', 'region_id', id FROM region WHERE name = 'Europe';
INSERT INTO price_list (id, title, type, status, rules_count, starts_at, ends_at, deleted_at) VALUES
    ('plist_regional', 'Regional', 'override', 'active', 1, now() - interval '1 day', now() + interval '1 day', NULL),
    ('plist_over', 'Over', 'sale', 'active', 0, NULL, now() - interval '1 day', NULL),
    ('plist_gone', 'Gone', 'sale', 'active', 0, NULL, NULL, now());
INSERT INTO price_list_rule (id, price_list_id, attribute, value)
    SELECT 'plrule_regional', 'plist_regional', 'region_id', jsonb_build_array(id) FROM region WHERE name = 'Europe';
INSERT INTO price (id, price_set_id, currency_code, amount, price_list_id)
    SELECT 'price_' || l.id, s.price_set_id, 'eur', 2, l.id FROM price_list l, product_variant_price_set s
    JOIN product_variant v ON v.id = s.variant_id
    WHERE (v.sku, l.id) IN (('P0-L', 'plist_regional'), ('P1-S', 'plist_over'), ('P1-M', 'plist_gone'));
UPDATE price_preference SET is_tax_inclusive = true WHERE attribute = 'region_id';

INSERT INTO tax_rate (id, rate, code, name, tax_region_id)
    SELECT 'txr_type', 7, 'reduced', 'Reduced', id FROM tax_region WHERE country_code = 'dk';
INSERT INTO tax_rate_rule (id, tax_rate_id, reference, reference_id)
    SELECT 'txrule_type', 'txr_type', 'product_type', id FROM product_type WHERE value = 'Apparel';
INSERT INTO tax_region (id, country_code, province_code, parent_id)
    SELECT 'txreg_province', 'dk', 'zealand', id FROM tax_region WHERE country_code = 'dk';
INSERT INTO tax_rate (id, rate, code, name, is_default, tax_region_id)
    VALUES ('txr_province', 11, 'province', 'Province', true, 'txreg_province');

-- Stock: two items for one variant, one item for two variants, and a second place.
INSERT INTO stock_location (id, name) VALUES ('sloc_other', 'Other');
INSERT INTO sales_channel_stock_location VALUES ('sc_other', 'sloc_other');
INSERT INTO inventory_item (id, sku) VALUES ('iitem_shared', 'shared');
INSERT INTO inventory_level (id, inventory_item_id, location_id, stocked_quantity)
    SELECT 'ilev_shared', 'iitem_shared', id, 12 FROM stock_location WHERE id <> 'sloc_other';
INSERT INTO inventory_level (id, inventory_item_id, location_id, stocked_quantity)
    SELECT 'ilev_other', i.inventory_item_id, 'sloc_other', 3 FROM product_variant_inventory_item i
    JOIN product_variant v ON v.id = i.variant_id WHERE v.sku = 'P0-S';
INSERT INTO product_variant_inventory_item SELECT id, 'iitem_shared', 2 FROM product_variant WHERE sku IN ('P0-S', 'P2-S');
INSERT INTO return_reason (id, value, label, parent_return_reason_id)
    SELECT 'rr_child', 'child', 'Child', id FROM return_reason WHERE value = 'damaged';
