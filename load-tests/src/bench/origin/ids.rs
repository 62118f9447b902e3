//! The ids of Medusa's shop, for ours to give the same.

use sqlx::Connection as _;

use crate::bench::BenchError;
use crate::stack::connect;

/// By prefix and natural key, as `vitrine-origin seed --ids` reads them. Tables and columns are Medusa's.
const IDS: &str = "SELECT json_object_agg(prefix, ids)::text FROM (SELECT prefix, json_object_agg(key, id) AS ids FROM (
      SELECT 'prod' AS prefix, handle AS key, id FROM product
      UNION ALL SELECT 'opt', p.handle || '/' || o.title, o.id FROM product_option o
        JOIN product_product_option l ON l.product_option_id = o.id JOIN product p ON p.id = l.product_id
      UNION ALL SELECT 'optval', p.handle || '/' || o.title || '/' || v.value, v.id FROM product_option_value v
        JOIN product_option o ON o.id = v.option_id
        JOIN product_product_option l ON l.product_option_id = o.id JOIN product p ON p.id = l.product_id
      UNION ALL SELECT 'variant', sku, id FROM product_variant
      UNION ALL SELECT 'img', p.handle || '/' || i.rank, i.id FROM image i JOIN product p ON p.id = i.product_id
      UNION ALL SELECT 'pcat', handle, id FROM product_category
      UNION ALL SELECT 'pcol', handle, id FROM product_collection
      UNION ALL SELECT 'ptag', value, id FROM product_tag
      UNION ALL SELECT 'ptyp', value, id FROM product_type
      UNION ALL SELECT 'reg', name, id FROM region
      UNION ALL SELECT 'plist', title, id FROM price_list
      UNION ALL SELECT 'promo', code, id FROM promotion
      UNION ALL SELECT 'sp', type, id FROM shipping_profile
      UNION ALL SELECT 'pset', v.sku, l.price_set_id FROM product_variant_price_set l JOIN product_variant v ON v.id = l.variant_id
      UNION ALL SELECT 'price', CASE WHEN r.price_list_id IS NULL THEN '' ELSE 'sale/' END || v.sku || '/' || r.currency_code, r.id
        FROM price r JOIN product_variant_price_set l ON l.price_set_id = r.price_set_id JOIN product_variant v ON v.id = l.variant_id
      UNION ALL SELECT 'so', t.code, o.id FROM shipping_option o JOIN shipping_option_type t ON t.id = o.shipping_option_type_id
    ) all_ids GROUP BY prefix) by_prefix";

/// Reads them; JSON.
pub(super) async fn of_medusa(database_url: &str) -> Result<String, BenchError> {
    let mut connection = connect(database_url).await?;
    let ids = sqlx::query_scalar(IDS).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(ids)
}
