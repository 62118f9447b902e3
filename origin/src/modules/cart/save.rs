//! Writing what is different about a cart, in one statement.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgExecutor;

use crate::cart::changes::Changes;
use crate::config::Carts;

/// How long a cart is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime(TimeDelta);

/// Each table is one part: rows that are gone, and rows that are written, new or not. `$2` holds [`Changes`] as JSON.
const SAVE: &str = "WITH given AS (SELECT $2::jsonb AS d), \
     ids AS (SELECT \
     ARRAY(SELECT jsonb_array_elements_text(d #> '{items,removed}')) AS items, \
     ARRAY(SELECT jsonb_array_elements_text(d #> '{item_tax_lines,removed}')) AS item_taxes, \
     ARRAY(SELECT jsonb_array_elements_text(d #> '{item_adjustments,removed}')) AS item_discounts, \
     ARRAY(SELECT jsonb_array_elements_text(d #> '{methods,removed}')) AS methods, \
     ARRAY(SELECT jsonb_array_elements_text(d #> '{method_tax_lines,removed}')) AS method_taxes, \
     ARRAY(SELECT jsonb_array_elements_text(d #> '{method_adjustments,removed}')) AS method_discounts, \
     ARRAY(SELECT jsonb_array_elements_text(d -> 'removed_addresses')) AS addresses, \
     ARRAY(SELECT jsonb_array_elements_text(d -> 'removed_promotions')) AS promotions, \
     ARRAY(SELECT jsonb_array_elements_text(d -> 'promotions')) AS new_promotions FROM given), \
     head AS (INSERT INTO cart (id, region_id, customer_id, sales_channel_id, email, currency_code, locale, \
     shipping_address_id, billing_address_id, metadata, expires_at) \
     SELECT n.id, n.region_id, n.customer_id, n.sales_channel_id, n.email, n.currency_code, n.locale, \
     n.shipping_address_id, n.billing_address_id, n.metadata, $3 \
     FROM given, jsonb_populate_recordset(NULL::cart, given.d -> 'cart') n \
     ON CONFLICT (id) DO UPDATE SET region_id = excluded.region_id, customer_id = excluded.customer_id, \
     sales_channel_id = excluded.sales_channel_id, email = excluded.email, currency_code = excluded.currency_code, \
     locale = excluded.locale, shipping_address_id = excluded.shipping_address_id, \
     billing_address_id = excluded.billing_address_id, metadata = excluded.metadata, \
     expires_at = excluded.expires_at, updated_at = now()), \
     kept AS (UPDATE cart SET expires_at = $3 FROM given WHERE id = $1 AND expires_at < $3 - interval '1 hour' \
     AND jsonb_array_length(given.d -> 'cart') = 0), \
     old_addresses AS (DELETE FROM cart_address USING ids WHERE id = ANY(ids.addresses)), \
     new_addresses AS (INSERT INTO cart_address (id, company, first_name, last_name, address_1, address_2, city, \
     country_code, province, postal_code, phone, metadata) \
     SELECT n.id, n.company, n.first_name, n.last_name, n.address_1, n.address_2, n.city, n.country_code, n.province, \
     n.postal_code, n.phone, n.metadata FROM given, jsonb_populate_recordset(NULL::cart_address, given.d -> 'addresses') n \
     ON CONFLICT (id) DO UPDATE SET company = excluded.company, first_name = excluded.first_name, \
     last_name = excluded.last_name, address_1 = excluded.address_1, address_2 = excluded.address_2, city = excluded.city, \
     country_code = excluded.country_code, province = excluded.province, postal_code = excluded.postal_code, \
     phone = excluded.phone, metadata = excluded.metadata, updated_at = now()), \
     old_items AS (DELETE FROM cart_line_item USING ids WHERE id = ANY(ids.items) AND cart_id = $1), \
     new_items AS (INSERT INTO cart_line_item (id, cart_id, title, subtitle, thumbnail, quantity, variant_id, product_id, \
     product_title, product_description, product_subtitle, product_type, product_type_id, product_collection, \
     product_handle, variant_sku, variant_barcode, variant_title, requires_shipping, is_discountable, is_giftcard, \
     is_tax_inclusive, is_custom_price, compare_at_unit_price, unit_price, metadata) \
     SELECT n.id, $1, n.title, n.subtitle, n.thumbnail, n.quantity, n.variant_id, n.product_id, n.product_title, \
     n.product_description, n.product_subtitle, n.product_type, n.product_type_id, n.product_collection, n.product_handle, \
     n.variant_sku, n.variant_barcode, n.variant_title, n.requires_shipping, n.is_discountable, n.is_giftcard, \
     n.is_tax_inclusive, n.is_custom_price, n.compare_at_unit_price, n.unit_price, n.metadata \
     FROM given, jsonb_populate_recordset(NULL::cart_line_item, given.d #> '{items,written}') n \
     ON CONFLICT (id) DO UPDATE SET quantity = excluded.quantity, is_tax_inclusive = excluded.is_tax_inclusive, \
     compare_at_unit_price = excluded.compare_at_unit_price, unit_price = excluded.unit_price, \
     metadata = excluded.metadata, updated_at = now()), \
     old_methods AS (DELETE FROM cart_shipping_method USING ids WHERE id = ANY(ids.methods) AND cart_id = $1), \
     new_methods AS (INSERT INTO cart_shipping_method (id, cart_id, name, amount, is_tax_inclusive, shipping_option_id, data) \
     SELECT n.id, $1, n.name, n.amount, n.is_tax_inclusive, n.shipping_option_id, n.data \
     FROM given, jsonb_populate_recordset(NULL::cart_shipping_method, given.d #> '{methods,written}') n \
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, amount = excluded.amount, \
     is_tax_inclusive = excluded.is_tax_inclusive, updated_at = now()), \
     old_item_taxes AS (DELETE FROM cart_line_item_tax_line USING ids WHERE id = ANY(ids.item_taxes)), \
     new_item_taxes AS (INSERT INTO cart_line_item_tax_line (id, item_id, description, tax_rate_id, code, rate, provider_id) \
     SELECT n.id, n.item_id, n.description, n.tax_rate_id, n.code, n.rate, n.provider_id \
     FROM given, jsonb_populate_recordset(NULL::cart_line_item_tax_line, given.d #> '{item_tax_lines,written}') n), \
     old_item_discounts AS (DELETE FROM cart_line_item_adjustment USING ids WHERE id = ANY(ids.item_discounts)), \
     new_item_discounts AS (INSERT INTO cart_line_item_adjustment (id, item_id, code, promotion_id, amount, is_tax_inclusive) \
     SELECT n.id, n.item_id, n.code, n.promotion_id, n.amount, n.is_tax_inclusive \
     FROM given, jsonb_populate_recordset(NULL::cart_line_item_adjustment, given.d #> '{item_adjustments,written}') n), \
     old_method_taxes AS (DELETE FROM cart_shipping_method_tax_line USING ids WHERE id = ANY(ids.method_taxes)), \
     new_method_taxes AS (INSERT INTO cart_shipping_method_tax_line (id, shipping_method_id, description, tax_rate_id, code, \
     rate, provider_id) SELECT n.id, n.shipping_method_id, n.description, n.tax_rate_id, n.code, n.rate, n.provider_id \
     FROM given, jsonb_populate_recordset(NULL::cart_shipping_method_tax_line, given.d #> '{method_tax_lines,written}') n), \
     old_method_discounts AS (DELETE FROM cart_shipping_method_adjustment USING ids WHERE id = ANY(ids.method_discounts)), \
     new_method_discounts AS (INSERT INTO cart_shipping_method_adjustment (id, shipping_method_id, code, promotion_id, amount) \
     SELECT n.id, n.shipping_method_id, n.code, n.promotion_id, n.amount \
     FROM given, jsonb_populate_recordset(NULL::cart_shipping_method_adjustment, given.d #> '{method_adjustments,written}') n), \
     old_promotions AS (DELETE FROM cart_promotion USING ids WHERE cart_id = $1 AND promotion_id = ANY(ids.promotions)), \
     new_promotions AS (INSERT INTO cart_promotion (cart_id, promotion_id) SELECT $1, unnest(ids.new_promotions) FROM ids) \
     SELECT CASE WHEN $4 THEN 'on' ELSE set_config('synchronous_commit', 'off', true) END";

/// Writes changes of one cart, which a caller that changes it holds locked. Without `flush` the commit does not wait for the disk
/// ([`Carts::flush`]).
pub async fn save(
    executor: impl PgExecutor<'_>,
    id: &str,
    changes: &Changes,
    lifetime: Lifetime,
    flush: bool,
) -> Result<(), sqlx::Error> {
    let changes = serde_json::to_value(changes).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let query = sqlx::query(SAVE).bind(id).bind(changes).bind(lifetime.end(Utc::now())).bind(flush);
    query.execute(executor).await?;
    Ok(())
}

// === impl Lifetime ===

impl Lifetime {
    /// How long a cart of somebody is kept, or of nobody who is known.
    pub fn of(config: &Carts, has_customer: bool) -> Self {
        Self(TimeDelta::days(if has_customer { config.customer_days } else { config.guest_days }.into()))
    }

    fn end(self, now: DateTime<Utc>) -> DateTime<Utc> {
        now.checked_add_signed(self.0).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}
