//! Medusa's `updateProductVariantsWorkflow`, for one variant.

use sqlx::PgConnection;

use super::choice::{self, Choices};
use super::{UPDATED, VariantPatch, emit, not_found};
use crate::modules::product::option::{self, ProductOption};
use crate::modules::product::{self, Variant};
use crate::modules::{Patch, WriteError, inventory, metadata, pricing};
use crate::outbox::Outbox;
use crate::workflows::{Done, Work, facets};

/// Changes a variant of a product.
pub async fn update(outbox: &Outbox, product_id: &str, id: &str, patch: VariantPatch) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let conn = work.conn();
    if product::record::lock(conn, product_id).await?.is_none() {
        return Err(WriteError::not_found("Product", product_id));
    }
    let options = option::of_product(conn, product_id).await?;
    let variants = product::variant::of_product(conn, product_id).await?;
    let mut choices = Choices::of(&variants, product::variant::option_values(conn, product_id).await?);
    let variant = variants.into_iter().find(|variant| variant.id == id).ok_or_else(|| not_found(id))?;
    change(conn, &options, &mut choices, variant, patch).await?;
    let product = facets::of_product(conn, product_id).await?;
    emit(&mut work, UPDATED, &[id.to_owned()], product_id, &product).await?;
    work.commit(()).await
}

/// Changes a variant of a locked product.
pub(super) async fn change(
    conn: &mut PgConnection,
    options: &[ProductOption],
    choices: &mut Choices,
    mut variant: Variant,
    patch: VariantPatch,
) -> Result<(), WriteError> {
    patch.title.apply(&mut variant.title);
    if let Some(given) = patch.options.as_ref() {
        let values = choice::resolve(&variant.title, options, given)?;
        if !values.is_empty() {
            choices.take(&variant.id, &variant.title, &values)?;
            product::variant::set_option_values(conn, &variant.id, &values).await?;
        }
    }
    patch.sku.apply(&mut variant.sku);
    patch.barcode.apply(&mut variant.barcode);
    patch.ean.apply(&mut variant.ean);
    patch.upc.apply(&mut variant.upc);
    patch.allow_backorder.apply(&mut variant.allow_backorder);
    patch.physical.apply(&mut variant.physical);
    if let Patch::Set(rank) = patch.variant_rank {
        variant.variant_rank = Some(rank);
    }
    patch.thumbnail.apply(&mut variant.thumbnail);
    metadata::merge(patch.metadata, &mut variant.metadata);
    let counts = patch.manage_inventory.clone();
    patch.manage_inventory.apply(&mut variant.manage_inventory);
    product::variant::save(conn, &variant).await?;
    match counts {
        Patch::Set(true) if !inventory::is_linked(conn, &variant.id).await? => {
            inventory::insert_default(conn, &variant).await?;
        }
        Patch::Set(false) => inventory::dismiss(conn, &variant.id).await?,
        _ => {}
    }
    if let Patch::Set(prices) = patch.prices {
        pricing::replace(conn, &variant.id, prices).await?;
    }
    Ok(())
}
