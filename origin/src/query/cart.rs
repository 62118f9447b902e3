//! A cart and all that a call on it looks at, in one statement.
//!
//! Whoever changes the cart holds its row lock before this is asked ([`crate::modules::cart::lock`]): within one statement, what is read beside a row
//! that was waited for is older than the row.

use std::sync::LazyLock;

use sqlx::PgExecutor;
use vitrine_shared::clock::unix_millis;

use super::facts;
use crate::cart::Facts;
use crate::error::ApiError;
use crate::promotion;

/// What is asked for besides the cart itself.
#[derive(Debug, Clone, Default)]
pub struct Ask<'a> {
    /// The cart; none where it is to be made.
    pub cart_id: Option<&'a str>,
    /// The region that it is to be in.
    pub region_id: Option<&'a str>,
    /// The sales channel that it is to be sold in.
    pub sales_channel_id: Option<&'a str>,
    /// The customer that it is to belong to.
    pub customer_id: Option<&'a str>,
    /// The e-mail address that it is to have.
    pub email: Option<&'a str>,
    /// The place that it is to go to; none: where it goes now.
    pub place: Option<Place<'a>>,
    /// Variants.
    pub variants: Variants<'a>,
    /// Shipping options.
    pub options: Options<'a>,
    /// Promotion codes.
    pub codes: &'a [String],
}

/// A place, as far as taxes and shipping look at it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place<'a> {
    /// The country, in two letters.
    pub country_code: Option<&'a str>,
    /// The province.
    pub province: Option<&'a str>,
    /// The town.
    pub city: Option<&'a str>,
    /// The postal code.
    pub postal_code: Option<&'a str>,
}

/// Which variants are looked at.
#[derive(Debug, Clone, Default)]
pub enum Variants<'a> {
    /// None.
    #[default]
    None,
    /// These.
    These(Vec<&'a str>),
    /// Those of a line item.
    OfItem(&'a str),
    /// Those of all line items.
    OfAll,
}

/// Which shipping options are looked at, besides those that the cart has.
#[derive(Debug, Clone, Default)]
pub enum Options<'a> {
    /// None.
    #[default]
    None,
    /// These.
    These(Vec<&'a str>),
    /// All that the sales channel has.
    All,
}

/// The cart's row with what the call overrides, its region, and the place that it goes to once the call is done (`prepare-cart-to-update`).
const SURROUNDINGS: &str = "cur AS (SELECT x.id, x.region_id AS own_region_id, x.customer_id AS own_customer_id, \
     x.email, x.currency_code, x.locale, x.shipping_address_id, x.billing_address_id, x.metadata, \
     x.completed_at IS NOT NULL AS is_completed, x.sales_channel_id AS own_channel_id, \
     coalesce($2, x.region_id, s.default_region_id) AS region_id, \
     coalesce($3, x.sales_channel_id, s.default_sales_channel_id) AS sales_channel_id, \
     coalesce($4, x.customer_id) AS customer_id \
     FROM (SELECT 1) one LEFT JOIN cart x ON x.id = $1 AND x.deleted_at IS NULL \
     LEFT JOIN LATERAL (SELECT default_region_id, default_sales_channel_id FROM store WHERE deleted_at IS NULL \
     ORDER BY id LIMIT 1) s ON true), \
     reg AS (SELECT g.id, g.name, g.currency_code, g.automatic_taxes, ARRAY(SELECT k.iso_2 FROM region_country k \
     WHERE k.region_id = g.id AND k.deleted_at IS NULL ORDER BY k.iso_2) AS countries \
     FROM cur JOIN region g ON g.id = cur.region_id AND g.deleted_at IS NULL), \
     sa AS (SELECT a.* FROM cur JOIN cart_address a ON a.id = cur.shipping_address_id), \
     place AS (SELECT CASE WHEN moved AND only_one IS NOT NULL AND (cur.id IS NOT NULL OR NOT $6) THEN only_one \
     WHEN $6 THEN lower($7) WHEN NOT moved THEN lower(sa.country_code) END AS country, \
     lower(CASE WHEN moved AND only_one IS NOT NULL AND cur.id IS NOT NULL THEN NULL WHEN $6 THEN $8 \
     WHEN NOT moved THEN sa.province END) AS province, \
     CASE WHEN $6 THEN $9 WHEN NOT moved THEN sa.city END AS city, \
     CASE WHEN $6 THEN $10 WHEN NOT moved THEN sa.postal_code END AS postal_code \
     FROM cur LEFT JOIN reg ON true LEFT JOIN sa ON true, \
     LATERAL (SELECT cur.id IS NULL OR cur.own_region_id IS DISTINCT FROM cur.region_id AS moved, \
     CASE WHEN cardinality(reg.countries) = 1 THEN reg.countries[1] END AS only_one) how)";

const ITEMS: &str = "(SELECT coalesce(json_agg(row_to_json(q)), '[]') FROM (SELECT i.id, i.title, i.subtitle, i.thumbnail, i.quantity, \
     i.variant_id, i.product_id, i.product_title, i.product_description, i.product_subtitle, i.product_type, i.product_type_id, \
     i.product_collection, i.product_handle, i.variant_sku, i.variant_barcode, i.variant_title, i.requires_shipping, \
     i.is_discountable, i.is_giftcard, i.is_tax_inclusive, i.is_custom_price, \
     i.compare_at_unit_price::text AS compare_at_unit_price, i.unit_price::text AS unit_price, i.metadata, \
     (SELECT coalesce(json_agg(json_build_object('id', t.id, 'description', t.description, 'tax_rate_id', t.tax_rate_id, \
     'code', t.code, 'rate', t.rate::text, 'provider_id', t.provider_id) ORDER BY t.id), '[]') \
     FROM cart_line_item_tax_line t WHERE t.item_id = i.id) AS tax_lines, \
     (SELECT coalesce(json_agg(json_build_object('id', d.id, 'code', d.code, 'promotion_id', d.promotion_id, \
     'amount', d.amount::text, 'is_tax_inclusive', d.is_tax_inclusive) ORDER BY d.id), '[]') \
     FROM cart_line_item_adjustment d WHERE d.item_id = i.id) AS adjustments, \
     (SELECT {product} FROM product p WHERE p.id = i.product_id AND p.deleted_at IS NULL) AS product \
     FROM cart_line_item i WHERE i.cart_id = $1 ORDER BY i.id) q)";

const METHODS: &str = "(SELECT coalesce(json_agg(row_to_json(q)), '[]') FROM (SELECT m.id, m.name, m.amount::text AS amount, \
     m.is_tax_inclusive, m.shipping_option_id, m.data, \
     (SELECT coalesce(json_agg(json_build_object('id', t.id, 'description', t.description, 'tax_rate_id', t.tax_rate_id, \
     'code', t.code, 'rate', t.rate::text, 'provider_id', t.provider_id) ORDER BY t.id), '[]') \
     FROM cart_shipping_method_tax_line t WHERE t.shipping_method_id = m.id) AS tax_lines, \
     (SELECT coalesce(json_agg(json_build_object('id', d.id, 'code', d.code, 'promotion_id', d.promotion_id, \
     'amount', d.amount::text) ORDER BY d.id), '[]') \
     FROM cart_shipping_method_adjustment d WHERE d.shipping_method_id = m.id) AS adjustments \
     FROM cart_shipping_method m WHERE m.cart_id = $1 ORDER BY m.id) q)";

/// What rules look at of product `p`.
const PRODUCT: &str = "json_build_object('id', p.id, 'collection_id', p.collection_id, 'type_id', p.type_id, \
     'categories', (SELECT coalesce(json_agg(json_build_object('id', k.product_category_id)), '[]') \
     FROM product_category_product k WHERE k.product_id = p.id), \
     'tags', (SELECT coalesce(json_agg(json_build_object('id', k.product_tag_id)), '[]') \
     FROM product_tags k WHERE k.product_id = p.id), \
     'shipping_profile_id', (SELECT k.shipping_profile_id FROM product_shipping_profile k WHERE k.product_id = p.id))";

const VARIANTS: &str = "(SELECT coalesce(json_agg(row_to_json(q)), '[]') FROM (SELECT v.id, v.title, v.sku, v.barcode, v.thumbnail, \
     v.manage_inventory, v.allow_backorder, p.title AS product_title, p.description AS product_description, \
     p.subtitle AS product_subtitle, p.thumbnail AS product_thumbnail, p.handle AS product_handle, \
     (SELECT y.value FROM product_type y WHERE y.id = p.type_id AND y.deleted_at IS NULL) AS product_type, \
     (SELECT y.title FROM product_collection y WHERE y.id = p.collection_id AND y.deleted_at IS NULL) AS product_collection, \
     p.status = 'published' AS is_published, p.discountable, p.is_giftcard, {product} AS product, \
     (SELECT coalesce(json_agg(json_build_object('required_quantity', n.required_quantity, \
     'requires_shipping', coalesce(w.requires_shipping, false), 'levels', (SELECT coalesce(json_agg(json_build_object(\
     'location_id', e.location_id, 'available', (e.stocked_quantity - e.reserved_quantity)::text)), '[]') \
     FROM inventory_level e JOIN sales_channel_stock_location h ON h.stock_location_id = e.location_id \
     WHERE e.inventory_item_id = n.inventory_item_id AND e.deleted_at IS NULL \
     AND h.sales_channel_id = cur.sales_channel_id))), '[]') \
     FROM product_variant_inventory_item n LEFT JOIN inventory_item w ON w.id = n.inventory_item_id AND w.deleted_at IS NULL \
     WHERE n.variant_id = v.id) AS inventory, \
     (SELECT {variant_prices} FROM product_variant_price_set b WHERE b.variant_id = v.id) AS prices \
     FROM product_variant v JOIN product p ON p.id = v.product_id AND p.deleted_at IS NULL \
     WHERE v.deleted_at IS NULL AND v.id = ANY(CASE $11 WHEN 1 THEN $12 \
     WHEN 2 THEN ARRAY(SELECT i.variant_id FROM cart_line_item i WHERE i.cart_id = $1 AND i.id = ANY($12)) \
     WHEN 3 THEN ARRAY(SELECT i.variant_id FROM cart_line_item i WHERE i.cart_id = $1) ELSE '{}' END)) q)";

const OPTIONS: &str = "(SELECT coalesce(json_agg(row_to_json(q)), '[]') FROM (SELECT o.id, o.name, o.price_type, o.shipping_profile_id, \
     o.shipping_option_type_id, (SELECT min(f.stock_location_id) FROM location_fulfillment_set f \
     WHERE f.fulfillment_set_id = z.fulfillment_set_id) AS location_id, \
     place.country IS NULL AND place.province IS NULL AND place.city IS NULL AND place.postal_code IS NULL \
     OR EXISTS (SELECT 1 FROM geo_zone u WHERE u.service_zone_id = z.id AND u.deleted_at IS NULL \
     AND (place.country IS NULL OR lower(u.country_code) = place.country) AND CASE u.type \
     WHEN 'country' THEN place.country IS NOT NULL \
     WHEN 'province' THEN lower(u.province_code) = place.province \
     WHEN 'city' THEN u.city = place.city AND (place.province IS NULL OR lower(u.province_code) = place.province) \
     ELSE u.postal_expression = to_jsonb(place.postal_code) AND (place.city IS NULL OR u.city = place.city) \
     AND (place.province IS NULL OR lower(u.province_code) = place.province) END) AS is_in_zone, \
     (SELECT coalesce(json_agg(json_build_object('attribute', u.attribute, 'operator', u.operator, 'value', u.value)), '[]') \
     FROM shipping_option_rule u WHERE u.shipping_option_id = o.id AND u.deleted_at IS NULL) AS rules, \
     b.price_set_id, CASE WHEN b.price_set_id IS NULL THEN '[]' ELSE {option_prices} END AS prices \
     FROM shipping_option o JOIN service_zone z ON z.id = o.service_zone_id AND z.deleted_at IS NULL \
     LEFT JOIN shipping_option_price_set b ON b.shipping_option_id = o.id \
     WHERE o.deleted_at IS NULL AND EXISTS (SELECT 1 FROM location_fulfillment_set f \
     JOIN sales_channel_stock_location h ON h.stock_location_id = f.stock_location_id \
     WHERE f.fulfillment_set_id = z.fulfillment_set_id AND h.sales_channel_id = cur.sales_channel_id) \
     AND ($13 OR o.id = ANY($14 || ARRAY(SELECT m.shipping_option_id FROM cart_shipping_method m WHERE m.cart_id = $1))) \
     ORDER BY o.id) q)";

/// Rules of rates are told as far as they name something of the cart: a rate may name thousands of products.
const RATES: &str = "(SELECT coalesce(json_agg(json_build_object('id', x.id, 'name', x.name, 'code', x.code, 'rate', x.rate::text, \
     'region', g.id, 'parent', g.parent_id, 'is_province', g.province_code IS NOT NULL, 'is_default', x.is_default, \
     'is_combinable', x.is_combinable, 'rules', (SELECT coalesce(json_agg(json_build_object('reference', u.reference, \
     'reference_id', u.reference_id)), '[]') FROM tax_rate_rule u WHERE u.tax_rate_id = x.id AND u.deleted_at IS NULL \
     AND u.reference_id = ANY(taxed.ids))) ORDER BY x.id), '[]') \
     FROM tax_region g JOIN tax_rate x ON x.tax_region_id = g.id AND x.deleted_at IS NULL \
     WHERE g.deleted_at IS NULL AND g.country_code = place.country \
     AND (g.province_code IS NULL OR g.province_code = place.province) \
     AND EXISTS (SELECT 1 FROM tax_region whole WHERE whole.country_code = place.country AND whole.province_code IS NULL \
     AND whole.deleted_at IS NULL))";

/// Ids that tax rules may name: products and types of items and variants, and shipping options.
const TAXED: &str = "taxed AS (SELECT ARRAY(\
     SELECT unnest(ARRAY[i.product_id, i.product_type_id]) FROM cart_line_item i WHERE i.cart_id = $1 \
     UNION ALL SELECT unnest(ARRAY[p.id, p.type_id]) FROM product_variant v JOIN product p ON p.id = v.product_id \
     WHERE $11 = 1 AND v.id = ANY($12) \
     UNION ALL SELECT m.shipping_option_id FROM cart_shipping_method m WHERE m.cart_id = $1 \
     UNION ALL SELECT unnest($14)) AS ids)";

const CUSTOMER: &str = "json_build_object('id', u.id, 'email', u.email, 'has_account', u.has_account, \
     'groups', (SELECT coalesce(json_agg(k.customer_group_id ORDER BY k.customer_group_id), '[]') \
     FROM customer_group_customer k JOIN customer_group y ON y.id = k.customer_group_id AND y.deleted_at IS NULL \
     WHERE k.customer_id = u.id AND k.deleted_at IS NULL))";

/// The statement, and the same without variants: the less there is in it, the less Postgres prepares at each execution.
static STATEMENTS: [LazyLock<String>; 2] =
    [LazyLock::new(|| statement("'[]'::json")), LazyLock::new(|| statement(&variants()))];

fn prices() -> String {
    facts::candidates("b.price_set_id", Some("reg.currency_code"))
}

fn variants() -> String {
    VARIANTS.replace("{product}", PRODUCT).replace("{variant_prices}", &prices())
}

fn statement(variants: &str) -> String {
    let items = ITEMS.replace("{product}", PRODUCT);
    let options = OPTIONS.replace("{option_prices}", &prices());
    let promotions = promotion::rows(
        "($15::text[] || ARRAY(SELECT o.code FROM cart_promotion k JOIN promotion o ON o.id = k.promotion_id \
         WHERE k.cart_id = $1))",
        "array_remove(ARRAY[cur.customer_id, $5::text, cur.email], NULL)",
    );
    format!(
        "WITH {SURROUNDINGS}, {TAXED} SELECT json_build_object(\
         'cart', CASE WHEN cur.id IS NOT NULL THEN json_build_object('id', cur.id, 'region_id', cur.own_region_id, \
         'customer_id', cur.own_customer_id, 'sales_channel_id', cur.own_channel_id, 'email', cur.email, \
         'currency_code', cur.currency_code, 'locale', cur.locale, 'shipping_address_id', cur.shipping_address_id, \
         'billing_address_id', cur.billing_address_id, 'metadata', cur.metadata, 'is_completed', cur.is_completed) END, \
         'shipping_address', (SELECT row_to_json(sa) FROM sa), \
         'billing_address', (SELECT row_to_json(a) FROM cart_address a WHERE a.id = cur.billing_address_id), \
         'items', {items}, 'shipping_methods', {METHODS}, \
         'cart_promotions', (SELECT coalesce(json_agg(k.promotion_id ORDER BY k.promotion_id), '[]') \
         FROM cart_promotion k WHERE k.cart_id = $1), \
         'region', CASE WHEN reg.id IS NOT NULL THEN row_to_json(reg) END, \
         'sales_channel', (SELECT json_build_object('id', h.id, 'name', h.name, 'is_disabled', h.is_disabled) \
         FROM sales_channel h WHERE h.id = cur.sales_channel_id AND h.deleted_at IS NULL), \
         'customer', (SELECT {CUSTOMER} FROM customer u WHERE u.id = cur.customer_id AND u.deleted_at IS NULL), \
         'namesakes', (SELECT coalesce(json_agg({CUSTOMER} ORDER BY u.id), '[]') FROM customer u \
         WHERE u.email = $5 AND u.deleted_at IS NULL), \
         'variants', {variants}, 'shipping_options', {options}, \
         'preferences', (SELECT coalesce(json_agg(json_build_object('attribute', y.attribute, 'value', y.value, \
         'is_tax_inclusive', y.is_tax_inclusive)), '[]') FROM price_preference y WHERE y.deleted_at IS NULL \
         AND ((y.attribute = 'region_id' AND y.value = reg.id) \
         OR (y.attribute = 'currency_code' AND y.value = reg.currency_code))), \
         'rates', {RATES})::text, {promotions} \
         FROM cur LEFT JOIN reg ON true, place, taxed"
    )
}

/// A cart could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Postgres failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// What Postgres wrote was not what this version reads.
    #[error("a cart cannot be read: {0}")]
    Json(#[from] serde_json::Error),
}

impl From<LoadError> for ApiError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Database(error) => error.into(),
            error @ LoadError::Json(_) => Self::unknown(&error),
        }
    }
}

/// Reads it.
pub async fn load(executor: impl PgExecutor<'_>, ask: &Ask<'_>) -> Result<Facts, LoadError> {
    let (which, variants): (i32, Vec<&str>) = match &ask.variants {
        Variants::None => (0, Vec::new()),
        Variants::These(ids) => (1, ids.clone()),
        Variants::OfItem(id) => (2, vec![*id]),
        Variants::OfAll => (3, Vec::new()),
    };
    let (all_options, options): (bool, Vec<&str>) = match &ask.options {
        Options::None => (false, Vec::new()),
        Options::These(ids) => (false, ids.clone()),
        Options::All => (true, Vec::new()),
    };
    let place = ask.place.unwrap_or_default();
    let [without, with] = &STATEMENTS;
    let statement = if matches!(ask.variants, Variants::None) { without } else { with };
    let (facts, promotions): (String, String) = sqlx::query_as(statement.as_str())
        .bind(ask.cart_id)
        .bind(ask.region_id)
        .bind(ask.sales_channel_id)
        .bind(ask.customer_id)
        .bind(ask.email)
        .bind(ask.place.is_some())
        .bind(place.country_code)
        .bind(place.province)
        .bind(place.city)
        .bind(place.postal_code)
        .bind(which)
        .bind(variants)
        .bind(all_options)
        .bind(options)
        .bind(ask.codes)
        .fetch_one(executor)
        .await?;
    let mut facts: Facts = serde_json::from_str(&facts)?;
    facts.promotions = serde_json::from_str(&promotions)?;
    facts.now = i64::try_from(unix_millis()).unwrap_or(i64::MAX);
    Ok(facts)
}
