//! Where products are found: what an event tells of them, before and after.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use vitrine_shared::event::ProductFacets;

use crate::modules::WriteError;
use crate::modules::category::tree;

/// The facets of products that the caller has locked, by id; channels are another module's.
///
/// Their categories and collections are locked against renaming until the transaction ends: else a page made under a new
/// handle, while this transaction still told the old one, would not be purged.
pub async fn of_products(
    conn: &mut PgConnection,
    ids: &[String],
) -> Result<BTreeMap<String, ProductFacets>, WriteError> {
    tree::share_with_places(conn, ids).await?;
    let rows = sqlx::query!(
        r#"SELECT p.id AS "id!", p.handle AS "handle!", p.collection_id, p.type_id, c.handle AS "collection_handle?",
               ARRAY(SELECT l.product_category_id FROM product_category_product l WHERE l.product_id = p.id)
                   AS "categories!",
               ARRAY(SELECT k.handle FROM product_category_product l
                   JOIN product_category k ON k.id = l.product_category_id WHERE l.product_id = p.id)
                   AS "category_handles!",
               ARRAY(SELECT l.product_tag_id FROM product_tags l WHERE l.product_id = p.id) AS "tags!"
           FROM product p LEFT JOIN product_collection c ON c.id = p.collection_id
           WHERE p.id = ANY($1)"#,
        ids
    )
    .fetch_all(conn)
    .await?;
    let facets = rows.into_iter().map(|row| {
        let facets = ProductFacets {
            handle: row.handle,
            categories: row.categories.into_iter().collect(),
            category_handles: row.category_handles.into_iter().collect(),
            collection: row.collection_id,
            collection_handle: row.collection_handle,
            tags: row.tags.into_iter().collect(),
            product_type: row.type_id,
            ..ProductFacets::default()
        };
        (row.id, facets)
    });
    Ok(facets.collect())
}
