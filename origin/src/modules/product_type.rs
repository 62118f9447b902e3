//! Module product: product types.

use sqlx::PgConnection;

use super::WriteError;
use super::metadata::{self, Metadata};

/// A product type's row, without its times.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductType {
    /// Its id, `ptyp_…`.
    pub id: String,
    /// What it says; unique among those that are not deleted.
    pub value: String,
    /// Its id in another system.
    pub external_id: Option<String>,
    /// The merchant's own.
    pub metadata: Metadata,
}

/// Adds one.
pub async fn insert(conn: &mut PgConnection, given: &ProductType) -> Result<(), WriteError> {
    sqlx::query!(
        "INSERT INTO product_type (id, value, external_id, metadata) VALUES ($1, $2, $3, $4)",
        given.id,
        given.value,
        given.external_id,
        metadata::to_json(&given.metadata)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads one and locks it against all who would change or share it.
pub async fn lock(conn: &mut PgConnection, id: &str) -> Result<Option<ProductType>, WriteError> {
    let row = sqlx::query!(
        "SELECT id, value, external_id, metadata FROM product_type WHERE id = $1 AND deleted_at IS NULL FOR UPDATE",
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| ProductType {
        id: row.id,
        value: row.value,
        external_id: row.external_id,
        metadata: metadata::from_json(row.metadata),
    }))
}

/// Writes a locked one back.
pub async fn save(conn: &mut PgConnection, given: &ProductType) -> Result<(), WriteError> {
    sqlx::query!(
        "UPDATE product_type SET value = $2, external_id = $3, metadata = $4, updated_at = clock_timestamp() WHERE id = $1",
        given.id,
        given.value,
        given.external_id,
        metadata::to_json(&given.metadata)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a locked one softly. Its products keep its id, as in Medusa, and show no type.
pub async fn delete(conn: &mut PgConnection, id: &str) -> Result<(), WriteError> {
    sqlx::query!("UPDATE product_type SET deleted_at = now(), updated_at = now() WHERE id = $1", id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether there is such a type; it stays until the transaction ends.
pub async fn hold(conn: &mut PgConnection, id: &str) -> Result<bool, WriteError> {
    let found = sqlx::query_scalar!("SELECT id FROM product_type WHERE id = $1 AND deleted_at IS NULL FOR SHARE", id)
        .fetch_optional(conn)
        .await?;
    Ok(found.is_some())
}
