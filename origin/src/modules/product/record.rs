//! The product itself: one row of `product`.

use sqlx::PgConnection;

use super::Physical;
use crate::modules::WriteError;
use crate::modules::metadata::{self, Metadata};

/// A product's row, without its times.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// Its id, `prod_…`.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Names it in URLs; unique among products that are not deleted.
    pub handle: String,
    /// A second line of the title.
    pub subtitle: Option<String>,
    /// A text on it.
    pub description: Option<String>,
    /// Whether it is a gift card, which is never discounted.
    pub is_giftcard: bool,
    /// Whether it is for sale.
    pub status: Status,
    /// The picture in lists.
    pub thumbnail: Option<String>,
    /// Measures and customs codes.
    pub physical: Physical,
    /// Whether promotions apply.
    pub discountable: bool,
    /// Its id in another system.
    pub external_id: Option<String>,
    /// Its type.
    pub type_id: Option<String>,
    /// Its collection.
    pub collection_id: Option<String>,
    /// The merchant's own.
    pub metadata: Metadata,
}

/// Whether a product is for sale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Status {
    /// Being written.
    #[default]
    Draft,
    /// Waiting for approval.
    Proposed,
    /// For sale.
    Published,
    /// Not approved.
    Rejected,
}

// === impl Status ===

impl Status {
    /// All of them, in Medusa's order (`ProductStatus`).
    pub const ALL: [Self; 4] = [Self::Draft, Self::Proposed, Self::Published, Self::Rejected];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Proposed => "proposed",
            Self::Published => "published",
            Self::Rejected => "rejected",
        }
    }

    /// The status of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// Adds a product.
pub async fn insert(conn: &mut PgConnection, product: &Product) -> Result<(), WriteError> {
    let physical = &product.physical;
    sqlx::query!(
        "INSERT INTO product (id, title, handle, subtitle, description, is_giftcard, status, thumbnail, weight, length,
             height, width, origin_country, hs_code, mid_code, material, discountable, external_id, type_id,
             collection_id, metadata)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)",
        product.id,
        product.title,
        product.handle,
        product.subtitle,
        product.description,
        product.is_giftcard,
        product.status.name(),
        product.thumbnail,
        physical.weight,
        physical.length,
        physical.height,
        physical.width,
        physical.origin_country,
        physical.hs_code,
        physical.mid_code,
        physical.material,
        product.discountable,
        product.external_id,
        product.type_id,
        product.collection_id,
        metadata::to_json(&product.metadata)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads a product and locks its row until the transaction ends: writers of one product wait here for each other.
pub async fn lock(conn: &mut PgConnection, id: &str) -> Result<Option<Product>, WriteError> {
    let row = sqlx::query!(
        "SELECT id, title, handle, subtitle, description, is_giftcard, status, thumbnail, weight, length, height, width,
             origin_country, hs_code, mid_code, material, discountable, external_id, type_id, collection_id, metadata
         FROM product WHERE id = $1 AND deleted_at IS NULL FOR UPDATE",
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Product {
        id: row.id,
        title: row.title,
        handle: row.handle,
        subtitle: row.subtitle,
        description: row.description,
        is_giftcard: row.is_giftcard,
        status: Status::from_name(&row.status).unwrap_or_default(),
        thumbnail: row.thumbnail,
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
        discountable: row.discountable,
        external_id: row.external_id,
        type_id: row.type_id,
        collection_id: row.collection_id,
        metadata: metadata::from_json(row.metadata),
    }))
}

/// Locks products in the order of their ids, so that two who lock several cannot wait for each other; returns those
/// that exist.
pub async fn lock_many(conn: &mut PgConnection, ids: &[String]) -> Result<Vec<String>, WriteError> {
    let found = sqlx::query_scalar!(
        "SELECT id FROM product WHERE id = ANY($1) AND deleted_at IS NULL ORDER BY id FOR UPDATE",
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// Writes a locked product back.
pub async fn save(conn: &mut PgConnection, product: &Product) -> Result<(), WriteError> {
    let physical = &product.physical;
    sqlx::query!(
        "UPDATE product SET title = $2, handle = $3, subtitle = $4, description = $5, is_giftcard = $6, status = $7,
             thumbnail = $8, weight = $9, length = $10, height = $11, width = $12, origin_country = $13, hs_code = $14,
             mid_code = $15, material = $16, discountable = $17, external_id = $18, type_id = $19, collection_id = $20,
             metadata = $21, updated_at = clock_timestamp()
         WHERE id = $1",
        product.id,
        product.title,
        product.handle,
        product.subtitle,
        product.description,
        product.is_giftcard,
        product.status.name(),
        product.thumbnail,
        physical.weight,
        physical.length,
        physical.height,
        physical.width,
        physical.origin_country,
        physical.hs_code,
        physical.mid_code,
        physical.material,
        product.discountable,
        product.external_id,
        product.type_id,
        product.collection_id,
        metadata::to_json(&product.metadata)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts locked products into a collection, or into none.
pub async fn set_collection(
    conn: &mut PgConnection,
    ids: &[String],
    collection: Option<&str>,
) -> Result<(), WriteError> {
    sqlx::query!(
        "UPDATE product SET collection_id = $2, updated_at = clock_timestamp() WHERE id = ANY($1)",
        ids,
        collection
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a locked product softly, with its images and exclusive options; its handle is free again.
///
/// Its variants are deleted by [`super::variant::delete`].
pub async fn delete(conn: &mut PgConnection, id: &str) -> Result<(), WriteError> {
    sqlx::query!("UPDATE product SET deleted_at = now(), updated_at = now() WHERE id = $1", id)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("UPDATE product_image SET deleted_at = now() WHERE product_id = $1 AND deleted_at IS NULL", id)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "WITH own AS (
             UPDATE product_option o SET deleted_at = now() FROM product_product_option l
             WHERE l.product_id = $1 AND o.id = l.product_option_id AND o.is_exclusive AND o.deleted_at IS NULL
             RETURNING o.id
         )
         UPDATE product_option_value SET deleted_at = now()
         WHERE option_id IN (SELECT id FROM own) AND deleted_at IS NULL",
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}
