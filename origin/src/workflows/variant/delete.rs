//! Medusa's `deleteProductVariantsWorkflow`, for one variant.

use sqlx::PgConnection;

use super::{DELETED, emit};
use crate::modules::product::{self, Variant};
use crate::modules::{WriteError, inventory, pricing};
use crate::outbox::Outbox;
use crate::workflows::{Done, Work, facets};

/// Deletes a variant of a product softly, with its prices and inventory items. One that is not there is deleted.
pub async fn delete(outbox: &Outbox, product_id: &str, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let conn = work.conn();
    if product::record::lock(conn, product_id).await?.is_none() {
        return Err(WriteError::not_found("Product", product_id));
    }
    let mut variants = product::variant::of_product(conn, product_id).await?;
    variants.retain(|variant| variant.id == id);
    if variants.is_empty() {
        return work.commit(()).await;
    }
    remove(conn, &variants).await?;
    let product = facets::of_product(conn, product_id).await?;
    emit(&mut work, DELETED, &[id.to_owned()], product_id, &product).await?;
    work.commit(()).await
}

/// Deletes variants of a locked product.
pub(crate) async fn remove(conn: &mut PgConnection, variants: &[Variant]) -> Result<(), WriteError> {
    let ids: Vec<String> = variants.iter().map(|variant| variant.id.clone()).collect();
    let counted: Vec<String> =
        variants.iter().filter(|variant| variant.manage_inventory).map(|variant| variant.id.clone()).collect();
    inventory::delete_of_variants(conn, &ids, &counted).await?;
    pricing::delete_of_variants(conn, &ids).await?;
    product::variant::delete(conn, &ids).await
}
