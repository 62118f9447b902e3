//! Variants: what of a product can be bought.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;

use super::Physical;
use crate::modules::WriteError;
use crate::modules::metadata::{self, Metadata};

/// A variant's row, without its times.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// Its id, `variant_…`.
    pub id: String,
    /// The product that it belongs to.
    pub product_id: String,
    /// What it is called.
    pub title: String,
    /// Stock keeping unit; unique among variants that are not deleted, as are the three that follow.
    pub sku: Option<String>,
    /// Barcode.
    pub barcode: Option<String>,
    /// European article number.
    pub ean: Option<String>,
    /// Universal product code.
    pub upc: Option<String>,
    /// Whether it can be bought when there is none in stock.
    pub allow_backorder: bool,
    /// Whether its stock is counted.
    pub manage_inventory: bool,
    /// Measures and customs codes.
    pub physical: Physical,
    /// Its place among the product's variants.
    pub variant_rank: Option<i32>,
    /// A picture of its own.
    pub thumbnail: Option<String>,
    /// The merchant's own.
    pub metadata: Metadata,
}

/// Adds a variant.
pub async fn insert(conn: &mut PgConnection, variant: &Variant) -> Result<(), WriteError> {
    let physical = &variant.physical;
    sqlx::query!(
        "INSERT INTO product_variant (id, product_id, title, sku, barcode, ean, upc, allow_backorder, manage_inventory,
             hs_code, origin_country, mid_code, material, weight, length, height, width, variant_rank, thumbnail,
             metadata)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
        variant.id,
        variant.product_id,
        variant.title,
        variant.sku,
        variant.barcode,
        variant.ean,
        variant.upc,
        variant.allow_backorder,
        variant.manage_inventory,
        physical.hs_code,
        physical.origin_country,
        physical.mid_code,
        physical.material,
        physical.weight,
        physical.length,
        physical.height,
        physical.width,
        variant.variant_rank,
        variant.thumbnail,
        metadata::to_json(&variant.metadata)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The variants of a product that the caller has locked, in the order of their ids.
pub async fn of_product(conn: &mut PgConnection, product_id: &str) -> Result<Vec<Variant>, WriteError> {
    let rows = sqlx::query!(
        "SELECT id, product_id, title, sku, barcode, ean, upc, allow_backorder, manage_inventory, hs_code,
             origin_country, mid_code, material, weight, length, height, width, variant_rank, thumbnail, metadata
         FROM product_variant WHERE product_id = $1 AND deleted_at IS NULL ORDER BY id",
        product_id
    )
    .fetch_all(conn)
    .await?;
    let variants = rows.into_iter().map(|row| Variant {
        id: row.id,
        product_id: row.product_id,
        title: row.title,
        sku: row.sku,
        barcode: row.barcode,
        ean: row.ean,
        upc: row.upc,
        allow_backorder: row.allow_backorder,
        manage_inventory: row.manage_inventory,
        physical: Physical {
            weight: row.weight,
            length: row.length,
            height: row.height,
            width: row.width,
            origin_country: row.origin_country,
            hs_code: row.hs_code,
            mid_code: row.mid_code,
            material: row.material,
        },
        variant_rank: row.variant_rank,
        thumbnail: row.thumbnail,
        metadata: metadata::from_json(row.metadata),
    });
    Ok(variants.collect())
}

/// Writes a variant back.
pub async fn save(conn: &mut PgConnection, variant: &Variant) -> Result<(), WriteError> {
    let physical = &variant.physical;
    sqlx::query!(
        "UPDATE product_variant SET title = $2, sku = $3, barcode = $4, ean = $5, upc = $6, allow_backorder = $7,
             manage_inventory = $8, hs_code = $9, origin_country = $10, mid_code = $11, material = $12, weight = $13,
             length = $14, height = $15, width = $16, variant_rank = $17, thumbnail = $18, metadata = $19,
             updated_at = clock_timestamp()
         WHERE id = $1",
        variant.id,
        variant.title,
        variant.sku,
        variant.barcode,
        variant.ean,
        variant.upc,
        variant.allow_backorder,
        variant.manage_inventory,
        physical.hs_code,
        physical.origin_country,
        physical.mid_code,
        physical.material,
        physical.weight,
        physical.length,
        physical.height,
        physical.width,
        variant.variant_rank,
        variant.thumbnail,
        metadata::to_json(&variant.metadata)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes variants softly; their sku, barcode, ean and upc are free again.
pub async fn delete(conn: &mut PgConnection, ids: &[String]) -> Result<(), WriteError> {
    sqlx::query!(
        "UPDATE product_variant SET deleted_at = now(), updated_at = now() WHERE id = ANY($1) AND deleted_at IS NULL",
        ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The product that a variant belongs to.
pub async fn product_of(conn: &mut PgConnection, id: &str) -> Result<Option<String>, WriteError> {
    let product =
        sqlx::query_scalar!("SELECT product_id FROM product_variant WHERE id = $1 AND deleted_at IS NULL", id)
            .fetch_optional(conn)
            .await?;
    Ok(product)
}

/// Gives a variant its option values in place of those that it had.
pub async fn set_option_values(
    conn: &mut PgConnection,
    id: &str,
    value_ids: &BTreeSet<String>,
) -> Result<(), WriteError> {
    let value_ids: Vec<String> = value_ids.iter().cloned().collect();
    sqlx::query!("DELETE FROM product_variant_option WHERE variant_id = $1", id).execute(&mut *conn).await?;
    sqlx::query!(
        "INSERT INTO product_variant_option (variant_id, option_value_id) SELECT $1, unnest($2::text[])",
        id,
        &value_ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The option values of a product's variants, by variant.
pub async fn option_values(
    conn: &mut PgConnection,
    product_id: &str,
) -> Result<BTreeMap<String, BTreeSet<String>>, WriteError> {
    let rows = sqlx::query!(
        "SELECT l.variant_id, l.option_value_id FROM product_variant_option l
         JOIN product_variant v ON v.id = l.variant_id WHERE v.product_id = $1 AND v.deleted_at IS NULL",
        product_id
    )
    .fetch_all(conn)
    .await?;
    let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        values.entry(row.variant_id).or_default().insert(row.option_value_id);
    }
    Ok(values)
}
