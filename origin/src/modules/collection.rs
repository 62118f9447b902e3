//! Module product: collections.

use sqlx::PgConnection;

use super::WriteError;
use super::metadata::{self, Metadata};

/// A collection's row, without its times.
#[derive(Debug, Clone, PartialEq)]
pub struct Collection {
    /// Its id, `pcol_…`.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Names it in URLs; unique among collections that are not deleted.
    pub handle: String,
    /// Its id in another system.
    pub external_id: Option<String>,
    /// The merchant's own.
    pub metadata: Metadata,
}

/// Adds a collection.
pub async fn insert(conn: &mut PgConnection, collection: &Collection) -> Result<(), WriteError> {
    sqlx::query!(
        "INSERT INTO product_collection (id, title, handle, external_id, metadata) VALUES ($1, $2, $3, $4, $5)",
        collection.id,
        collection.title,
        collection.handle,
        collection.external_id,
        metadata::to_json(&collection.metadata)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads a collection and locks it against all who would change or share it.
pub async fn lock(conn: &mut PgConnection, id: &str) -> Result<Option<Collection>, WriteError> {
    let row = sqlx::query!(
        "SELECT id, title, handle, external_id, metadata FROM product_collection
         WHERE id = $1 AND deleted_at IS NULL FOR UPDATE",
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Collection {
        id: row.id,
        title: row.title,
        handle: row.handle,
        external_id: row.external_id,
        metadata: metadata::from_json(row.metadata),
    }))
}

/// Whether there is such a collection; it stays until the transaction ends.
pub async fn hold(conn: &mut PgConnection, id: &str) -> Result<bool, WriteError> {
    let found =
        sqlx::query_scalar!("SELECT id FROM product_collection WHERE id = $1 AND deleted_at IS NULL FOR SHARE", id)
            .fetch_optional(conn)
            .await?;
    Ok(found.is_some())
}

/// Writes a locked collection back.
pub async fn save(conn: &mut PgConnection, collection: &Collection) -> Result<(), WriteError> {
    sqlx::query!(
        "UPDATE product_collection SET title = $2, handle = $3, external_id = $4, metadata = $5,
             updated_at = clock_timestamp() WHERE id = $1",
        collection.id,
        collection.title,
        collection.handle,
        collection.external_id,
        metadata::to_json(&collection.metadata)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a locked collection softly. Its products keep its id, as in Medusa, and show no collection.
pub async fn delete(conn: &mut PgConnection, id: &str) -> Result<(), WriteError> {
    sqlx::query!("UPDATE product_collection SET deleted_at = now(), updated_at = now() WHERE id = $1", id)
        .execute(conn)
        .await?;
    Ok(())
}
