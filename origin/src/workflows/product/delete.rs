//! Medusa's `deleteProductsWorkflow`, for one product.

use vitrine_shared::event::Change;

use crate::modules::{WriteError, product, sales_channel, shipping_profile};
use crate::outbox::Outbox;
use crate::workflows::{Done, Work, facets, variant};

/// Deletes a product softly, with its variants, their prices and inventory items, its images and exclusive options.
/// Its handle and its variants' codes are free again. One that is not there is deleted, as in Medusa.
pub async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let conn = work.conn();
    if product::record::lock(conn, id).await?.is_none() {
        return work.commit(()).await;
    }
    let before = facets::of_product(conn, id).await?;
    let variants = product::variant::of_product(conn, id).await?;
    variant::remove(conn, &variants).await?;
    sales_channel::set_of_product(conn, id, &std::collections::BTreeSet::new()).await?;
    shipping_profile::set_of_product(conn, id, None).await?;
    product::record::delete(conn, id).await?;
    let ids: Vec<String> = variants.into_iter().map(|variant| variant.id).collect();
    variant::emit(&mut work, variant::DELETED, &ids, id, &before).await?;
    let change = Change::Product { id: id.to_owned(), before: Some(before), after: None };
    work.emit("product.deleted", change).await?;
    work.commit(()).await
}
