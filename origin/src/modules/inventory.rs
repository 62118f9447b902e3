//! Module inventory, as far as variants go: the items whose stock is counted.

use sqlx::PgConnection;
use vitrine_shared::id;

use super::WriteError;
use super::product::Variant;

/// An inventory item that a variant takes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredItem {
    /// The item.
    pub inventory_item_id: String,
    /// How many of it one variant takes.
    pub required_quantity: i32,
}

/// Makes the item of a variant whose stock is counted (`createDefaultInventoryItem`) and links it.
pub async fn insert_default(conn: &mut PgConnection, variant: &Variant) -> Result<(), WriteError> {
    let item_id = id::new("iitem");
    let physical = &variant.physical;
    sqlx::query!(
        "INSERT INTO inventory_item (id, sku, title, description, origin_country, hs_code, mid_code, material, weight,
             length, height, width, requires_shipping)
         VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10, $11, true)",
        item_id,
        variant.sku,
        variant.title,
        physical.origin_country,
        physical.hs_code,
        physical.mid_code,
        physical.material,
        physical.weight,
        physical.length,
        physical.height,
        physical.width
    )
    .execute(&mut *conn)
    .await?;
    link(conn, &variant.id, &[RequiredItem { inventory_item_id: item_id, required_quantity: 1 }]).await
}

/// Links a variant to the items that it takes from.
pub async fn link(conn: &mut PgConnection, variant_id: &str, items: &[RequiredItem]) -> Result<(), WriteError> {
    let ids: Vec<String> = items.iter().map(|item| item.inventory_item_id.clone()).collect();
    let quantities: Vec<i32> = items.iter().map(|item| item.required_quantity).collect();
    let known = sqlx::query_scalar!(
        "SELECT id FROM inventory_item WHERE id = ANY($1) AND deleted_at IS NULL ORDER BY id FOR SHARE",
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    let missing: Vec<&str> = ids.iter().filter(|id| !known.contains(id)).map(String::as_str).collect();
    if !missing.is_empty() {
        // Medusa's `validateInventoryItems`.
        return Err(WriteError::Invalid(format!("Inventory Items with ids: {} was not found", missing.join(", "))));
    }
    sqlx::query!(
        "INSERT INTO product_variant_inventory_item (variant_id, inventory_item_id, required_quantity)
         SELECT $1, i.id, i.quantity FROM unnest($2::text[], $3::int[]) AS i (id, quantity)",
        variant_id,
        &ids,
        &quantities
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a variant is linked to an item.
pub async fn is_linked(conn: &mut PgConnection, variant_id: &str) -> Result<bool, WriteError> {
    let linked = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM product_variant_inventory_item WHERE variant_id = $1) AS "linked!""#,
        variant_id
    )
    .fetch_one(conn)
    .await?;
    Ok(linked)
}

/// Unlinks a variant from its items, which stay.
pub async fn dismiss(conn: &mut PgConnection, variant_id: &str) -> Result<(), WriteError> {
    sqlx::query!("DELETE FROM product_variant_inventory_item WHERE variant_id = $1", variant_id).execute(conn).await?;
    Ok(())
}

/// Unlinks variants that are deleted, and deletes the items (with their levels) of those that counted their stock
/// (`counted`), unless another variant takes from them.
pub async fn delete_of_variants(
    conn: &mut PgConnection,
    variants: &[String],
    counted: &[String],
) -> Result<(), WriteError> {
    let items = sqlx::query_scalar!(
        "SELECT DISTINCT inventory_item_id FROM product_variant_inventory_item WHERE variant_id = ANY($1)",
        counted
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!("DELETE FROM product_variant_inventory_item WHERE variant_id = ANY($1)", variants)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "WITH gone AS (
             UPDATE inventory_item i SET deleted_at = now(), updated_at = now()
             WHERE i.id = ANY($1) AND i.deleted_at IS NULL
             AND NOT EXISTS (SELECT 1 FROM product_variant_inventory_item l WHERE l.inventory_item_id = i.id)
             RETURNING i.id
         )
         UPDATE inventory_level SET deleted_at = now(), updated_at = now()
         WHERE inventory_item_id IN (SELECT id FROM gone) AND deleted_at IS NULL",
        &items
    )
    .execute(conn)
    .await?;
    Ok(())
}
