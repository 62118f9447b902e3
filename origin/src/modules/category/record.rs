//! One row of `product_category`.

use sqlx::PgConnection;

use crate::modules::WriteError;
use crate::modules::metadata::{self, Metadata};

/// A category's row, without its times.
#[derive(Debug, Clone, PartialEq)]
pub struct Category {
    /// Its id, `pcat_…`.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// A text on it; empty for none.
    pub description: String,
    /// Names it in URLs; unique among categories that are not deleted.
    pub handle: String,
    /// Ids from the root to this one, joined by dots.
    pub mpath: String,
    /// Whether storefronts show it.
    pub is_active: bool,
    /// Whether it is for the merchant alone.
    pub is_internal: bool,
    /// Its place among its siblings, from 0.
    pub rank: i32,
    /// The category that it is in.
    pub parent_category_id: Option<String>,
    /// Its id in another system.
    pub external_id: Option<String>,
    /// The merchant's own.
    pub metadata: Metadata,
}

/// Adds a category.
pub async fn insert(conn: &mut PgConnection, category: &Category) -> Result<(), WriteError> {
    sqlx::query!(
        "INSERT INTO product_category (id, name, description, handle, mpath, is_active, is_internal, rank,
             parent_category_id, external_id, metadata)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        category.id,
        category.name,
        category.description,
        category.handle,
        category.mpath,
        category.is_active,
        category.is_internal,
        category.rank,
        category.parent_category_id,
        category.external_id,
        metadata::to_json(&category.metadata)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads a category and locks it against all who would change or share it.
pub async fn lock(conn: &mut PgConnection, id: &str) -> Result<Option<Category>, WriteError> {
    let row = sqlx::query!(
        "SELECT id, name, description, handle, mpath, is_active, is_internal, rank, parent_category_id, external_id,
             metadata
         FROM product_category WHERE id = $1 AND deleted_at IS NULL FOR UPDATE",
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Category {
        id: row.id,
        name: row.name,
        description: row.description,
        handle: row.handle,
        mpath: row.mpath,
        is_active: row.is_active,
        is_internal: row.is_internal,
        rank: row.rank,
        parent_category_id: row.parent_category_id,
        external_id: row.external_id,
        metadata: metadata::from_json(row.metadata),
    }))
}

/// Whether there is such a category; it stays until the transaction ends.
pub async fn hold(conn: &mut PgConnection, id: &str) -> Result<bool, WriteError> {
    let found =
        sqlx::query_scalar!("SELECT id FROM product_category WHERE id = $1 AND deleted_at IS NULL FOR SHARE", id)
            .fetch_optional(conn)
            .await?;
    Ok(found.is_some())
}

/// Writes a locked category back.
pub async fn save(conn: &mut PgConnection, category: &Category) -> Result<(), WriteError> {
    sqlx::query!(
        "UPDATE product_category SET name = $2, description = $3, handle = $4, mpath = $5, is_active = $6,
             is_internal = $7, rank = $8, parent_category_id = $9, external_id = $10, metadata = $11,
             updated_at = clock_timestamp()
         WHERE id = $1",
        category.id,
        category.name,
        category.description,
        category.handle,
        category.mpath,
        category.is_active,
        category.is_internal,
        category.rank,
        category.parent_category_id,
        category.external_id,
        metadata::to_json(&category.metadata)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a locked category softly. Its links to products stay, and lead to nothing.
pub async fn delete(conn: &mut PgConnection, id: &str) -> Result<(), WriteError> {
    sqlx::query!("UPDATE product_category SET deleted_at = now(), updated_at = now() WHERE id = $1", id)
        .execute(conn)
        .await?;
    Ok(())
}
