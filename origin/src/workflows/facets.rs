//! Where products are found, over all modules that decide it.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use vitrine_shared::event::ProductFacets;

use crate::modules::{WriteError, product, sales_channel};

/// The facets of products that the caller has locked, by id.
pub async fn of_products(
    conn: &mut PgConnection,
    ids: &[String],
) -> Result<BTreeMap<String, ProductFacets>, WriteError> {
    let mut facets = product::facets::of_products(conn, ids).await?;
    for (id, channels) in sales_channel::of_products(conn, ids).await? {
        if let Some(facets) = facets.get_mut(&id) {
            facets.channels = channels;
        }
    }
    Ok(facets)
}

/// The facets of one product.
pub async fn of_product(conn: &mut PgConnection, id: &str) -> Result<ProductFacets, WriteError> {
    let mut facets = of_products(conn, &[id.to_owned()]).await?;
    facets.remove(id).ok_or_else(|| WriteError::not_found("Product", id))
}
