//! What prices and stock are worked out from, as columns of the statement that also gives the documents.

/// Candidate prices of the variants of row `t`, as JSON text for [`crate::pricing::VariantPrices`].
///
/// `currency` is a bound value; without it, prices of all currencies. Rows of deleted price lists are none.
pub(super) fn prices(of_variant: bool, currency: Option<&str>) -> String {
    let candidates = candidates("s.price_set_id", currency);
    let (product, product_type, from) = if of_variant {
        ("t.product_id", "(SELECT pp.type_id FROM product pp WHERE pp.id = t.product_id)", "v.id = t.id")
    } else {
        ("t.id", "t.type_id", "v.product_id = t.id")
    };
    format!(
        "(SELECT json_agg(json_build_object('variant', v.id, 'product', {product}, 'product_type', {product_type}, \
         'set', s.price_set_id, 'prices', {candidates}))::text \
         FROM product_variant v JOIN product_variant_price_set s ON s.variant_id = v.id \
         WHERE {from} AND v.deleted_at IS NULL)"
    )
}

/// Candidate prices of a price set, as JSON for [`crate::pricing::Candidate`]. `set` is the price set's id, as SQL.
pub(super) fn candidates(set: &str, currency: Option<&str>) -> String {
    let currency = currency.map(|currency| format!(" AND p.currency_code = {currency}")).unwrap_or_default();
    format!(
        "coalesce((SELECT json_agg(json_build_object(\
         'id', p.id, 'currency_code', p.currency_code, 'amount', p.amount::text, 'min_quantity', p.min_quantity::text, \
         'max_quantity', p.max_quantity::text, 'rules_count', p.rules_count, \
         'rules', coalesce((SELECT json_agg(json_build_object('attribute', r.attribute, 'operator', r.operator, \
         'value', r.value) ORDER BY r.id) FROM price_rule r WHERE r.price_id = p.id AND r.deleted_at IS NULL), '[]'), \
         'list', CASE WHEN l.id IS NOT NULL THEN json_build_object('id', l.id, 'type', l.type, 'status', l.status, \
         'starts_at', (extract(epoch FROM l.starts_at) * 1000)::bigint, \
         'ends_at', (extract(epoch FROM l.ends_at) * 1000)::bigint, 'rules_count', l.rules_count, \
         'rules', coalesce((SELECT json_agg(json_build_object('attribute', r.attribute, 'value', r.value) ORDER BY r.id) \
         FROM price_list_rule r WHERE r.price_list_id = l.id AND r.deleted_at IS NULL), '[]')) END) ORDER BY p.id) \
         FROM price p LEFT JOIN price_list l ON l.id = p.price_list_id AND l.deleted_at IS NULL \
         WHERE p.price_set_id = {set} AND p.deleted_at IS NULL{currency} \
         AND (p.price_list_id IS NULL OR l.id IS NOT NULL)), '[]')"
    )
}

/// Quantities of the variants of row `t` that keep stock, as a JSON object by variant.
///
/// For each inventory item what is free in the channel's stock locations, over what one variant needs; the least of these
/// (`getVariantAvailability` of `@medusajs/utils`).
pub(super) fn stock(of_variant: bool, channel: &str) -> String {
    let from = if of_variant { "v.id = t.id" } else { "v.product_id = t.id" };
    format!(
        "(SELECT json_object_agg(v.id, (SELECT min(floor(coalesce((SELECT sum(l.stocked_quantity - l.reserved_quantity) \
         FROM inventory_level l JOIN sales_channel_stock_location place ON place.stock_location_id = l.location_id \
         WHERE l.inventory_item_id = i.inventory_item_id AND l.deleted_at IS NULL \
         AND place.sales_channel_id = {channel}), 0) / nullif(i.required_quantity, 0))) \
         FROM product_variant_inventory_item i WHERE i.variant_id = v.id))::text \
         FROM product_variant v WHERE {from} AND v.deleted_at IS NULL AND v.manage_inventory)"
    )
}

/// What the totals of cart `t` are worked out from, as JSON text for [`crate::totals::Cart`].
pub(super) const TOTALS: &str = "json_build_object('items', (SELECT coalesce(json_agg(json_build_object('id', i.id, \
     'price', i.unit_price::text, 'quantity', i.quantity::text, 'is_tax_inclusive', i.is_tax_inclusive, \
     'tax_lines', (SELECT coalesce(json_agg(json_build_object('id', l.id, 'rate', l.rate::text) ORDER BY l.id), '[]') \
     FROM cart_line_item_tax_line l WHERE l.item_id = i.id), \
     'adjustments', (SELECT coalesce(json_agg(json_build_object('id', l.id, 'amount', l.amount::text, \
     'is_tax_inclusive', l.is_tax_inclusive) ORDER BY l.id), '[]') \
     FROM cart_line_item_adjustment l WHERE l.item_id = i.id)) ORDER BY i.id), '[]') \
     FROM cart_line_item i WHERE i.cart_id = t.id), \
     'shipping_methods', (SELECT coalesce(json_agg(json_build_object('id', i.id, \
     'price', i.amount::text, 'quantity', '1', 'is_tax_inclusive', i.is_tax_inclusive, \
     'tax_lines', (SELECT coalesce(json_agg(json_build_object('id', l.id, 'rate', l.rate::text) ORDER BY l.id), '[]') \
     FROM cart_shipping_method_tax_line l WHERE l.shipping_method_id = i.id), \
     'adjustments', (SELECT coalesce(json_agg(json_build_object('id', l.id, 'amount', l.amount::text) ORDER BY l.id), '[]') \
     FROM cart_shipping_method_adjustment l WHERE l.shipping_method_id = i.id)) ORDER BY i.id), '[]') \
     FROM cart_shipping_method i WHERE i.cart_id = t.id), \
     'credit_lines', (SELECT coalesce(json_agg(json_build_object('id', i.id, 'amount', i.amount::text) ORDER BY i.id), '[]') \
     FROM credit_line i WHERE i.cart_id = t.id), \
     'decimal_digits', coalesce((SELECT y.decimal_digits FROM currency y WHERE y.code = t.currency_code), 2))::text";
