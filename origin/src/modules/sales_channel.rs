//! Module sales channel: which products are sold where.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;

use super::WriteError;

/// Sells a product in these channels in place of those that sold it.
pub async fn set_of_product(
    conn: &mut PgConnection,
    product_id: &str,
    channels: &BTreeSet<String>,
) -> Result<(), WriteError> {
    let channels: Vec<String> = channels.iter().cloned().collect();
    let known = sqlx::query_scalar!(
        "SELECT id FROM sales_channel WHERE id = ANY($1) AND deleted_at IS NULL ORDER BY id FOR SHARE",
        &channels
    )
    .fetch_all(&mut *conn)
    .await?;
    if let Some(unknown) = channels.iter().find(|id| !known.contains(id)) {
        return Err(WriteError::no_such("sales_channel_id", unknown));
    }
    sqlx::query!(
        "DELETE FROM product_sales_channel WHERE product_id = $1 AND NOT sales_channel_id = ANY($2)",
        product_id,
        &channels
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO product_sales_channel (product_id, sales_channel_id)
         SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING",
        product_id,
        &channels
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The channels that sell each of these products.
pub async fn of_products(
    conn: &mut PgConnection,
    products: &[String],
) -> Result<BTreeMap<String, BTreeSet<String>>, WriteError> {
    let rows = sqlx::query!(
        "SELECT product_id, sales_channel_id FROM product_sales_channel WHERE product_id = ANY($1)",
        products
    )
    .fetch_all(conn)
    .await?;
    let mut channels: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        channels.entry(row.product_id).or_default().insert(row.sales_channel_id);
    }
    Ok(channels)
}
