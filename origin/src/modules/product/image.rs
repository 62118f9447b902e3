//! Images of a product.

use sqlx::PgConnection;
use vitrine_shared::id;

use crate::modules::WriteError;

/// An image as it is given: a new one, or one that the product has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenImage {
    /// The id of one that the product has.
    pub id: Option<String>,
    /// Where it is.
    pub url: String,
}

/// Gives a product these images, ranked in this order, in place of those that it had.
pub async fn replace(conn: &mut PgConnection, product_id: &str, images: Vec<GivenImage>) -> Result<(), WriteError> {
    let kept: Vec<String> = images.iter().filter_map(|image| image.id.clone()).collect();
    let known = sqlx::query_scalar!(
        "SELECT id FROM product_image WHERE product_id = $1 AND id = ANY($2) AND deleted_at IS NULL",
        product_id,
        &kept
    )
    .fetch_all(&mut *conn)
    .await?;
    if let Some(unknown) = kept.iter().find(|id| !known.contains(id)) {
        return Err(WriteError::Invalid(format!("Image with id: {unknown} was not found on the product")));
    }
    sqlx::query!(
        "WITH gone AS (
             UPDATE product_image SET deleted_at = now()
             WHERE product_id = $1 AND deleted_at IS NULL AND NOT id = ANY($2) RETURNING id
         )
         DELETE FROM product_variant_image WHERE image_id IN (SELECT id FROM gone)",
        product_id,
        &kept
    )
    .execute(&mut *conn)
    .await?;
    let ids: Vec<String> = images.iter().map(|image| image.id.clone().unwrap_or_else(|| id::new("img"))).collect();
    let urls: Vec<String> = images.into_iter().map(|image| image.url).collect();
    sqlx::query!(
        "INSERT INTO product_image (id, product_id, url, rank)
         SELECT i.id, $1, i.url, (i.rank - 1)::int FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS i (id, url, rank)
         ON CONFLICT (id) DO UPDATE SET url = excluded.url, rank = excluded.rank, updated_at = clock_timestamp()",
        product_id,
        &ids,
        &urls
    )
    .execute(conn)
    .await?;
    Ok(())
}
