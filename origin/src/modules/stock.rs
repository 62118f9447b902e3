//! Module inventory: items, how much of each is where, and what that means for variants.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::WriteError;
use super::row::Table;

/// What stock is kept of.
pub const ITEM: Table = Table { name: "inventory_item", prefix: "iitem", title: "Inventory item" };
/// How much of an item is where.
pub const LEVEL: Table = Table { name: "inventory_level", prefix: "ilev", title: "Inventory level" };

/// What is shown of the stock of variants: in, low, out or none, by variant and sales channel.
pub type States = BTreeMap<String, BTreeMap<Option<String>, Option<String>>>;

/// What is shown of the variants that take from these items.
pub async fn states(conn: &mut PgConnection, items: &[String]) -> Result<States, WriteError> {
    let rows = sqlx::query!(
        r#"WITH variants AS (SELECT DISTINCT variant_id FROM product_variant_inventory_item WHERE inventory_item_id = ANY($1)),
             channels AS (SELECT DISTINCT sales_channel_id AS channel FROM sales_channel_stock_location)
           SELECT v.variant_id, c.channel AS "channel?", stock_state((
               SELECT min(floor(coalesce((
                   SELECT sum(l.stocked_quantity - l.reserved_quantity) FROM inventory_level l
                   JOIN sales_channel_stock_location p ON p.stock_location_id = l.location_id
                   WHERE l.inventory_item_id = k.inventory_item_id AND l.deleted_at IS NULL
                   AND p.sales_channel_id = c.channel), 0) / nullif(k.required_quantity, 0)))
               FROM product_variant_inventory_item k WHERE k.variant_id = v.variant_id)) AS state
           FROM variants v LEFT JOIN channels c ON true"#,
        items
    )
    .fetch_all(conn)
    .await?;
    let mut states = States::new();
    for row in rows {
        states.entry(row.variant_id).or_default().insert(row.channel, row.state);
    }
    Ok(states)
}

/// The level of an item at a location, whole and locked.
pub async fn lock_level(
    conn: &mut PgConnection,
    item: &str,
    location: &str,
) -> Result<Option<Map<String, Value>>, WriteError> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM inventory_level WHERE inventory_item_id = $1 AND location_id = $2 AND deleted_at IS NULL FOR UPDATE",
        item,
        location
    )
    .fetch_optional(&mut *conn)
    .await?;
    match id {
        Some(id) => LEVEL.lock(conn, &id).await,
        None => Ok(None),
    }
}

/// Items that are kept at a location.
pub async fn items_at(conn: &mut PgConnection, location: &str) -> Result<Vec<String>, WriteError> {
    Ok(sqlx::query_scalar!(
        "SELECT inventory_item_id FROM inventory_level WHERE location_id = $1 AND deleted_at IS NULL",
        location
    )
    .fetch_all(conn)
    .await?)
}

/// Items of these levels.
pub async fn items_of_levels(conn: &mut PgConnection, levels: &[String]) -> Result<Vec<String>, WriteError> {
    Ok(sqlx::query_scalar!(
        "SELECT DISTINCT inventory_item_id FROM inventory_level WHERE id = ANY($1) AND deleted_at IS NULL",
        levels
    )
    .fetch_all(conn)
    .await?)
}

/// Unlinks an item from all variants.
pub async fn unlink_item(conn: &mut PgConnection, item: &str) -> Result<(), WriteError> {
    sqlx::query!("DELETE FROM product_variant_inventory_item WHERE inventory_item_id = $1", item).execute(conn).await?;
    Ok(())
}
