//! A product's variants as its update gives them (`updateProductsWorkflow` with `variants`).

use std::collections::BTreeSet;

use sqlx::PgConnection;

use super::choice::Choices;
use super::{GivenVariant, NewVariant, VariantPatch, create, delete, update};
use crate::modules::product::{self, Physical, option};
use crate::modules::{WriteError, metadata};

/// Ids of the variants that an update of their product concerned.
#[derive(Debug, Default)]
pub(crate) struct Replaced {
    /// New ones.
    pub(crate) created: Vec<String>,
    /// Those that were mentioned by id.
    pub(crate) updated: Vec<String>,
    /// Those that were not mentioned.
    pub(crate) deleted: Vec<String>,
}

/// Changes those with an id, makes the others and deletes those that are not mentioned. The product is locked.
pub(crate) async fn replace_all(
    conn: &mut PgConnection,
    product_id: &str,
    given: Vec<GivenVariant>,
) -> Result<Replaced, WriteError> {
    let mut known = product::variant::of_product(conn, product_id).await?;
    let named: BTreeSet<&str> = given.iter().filter_map(|variant| variant.id.as_deref()).collect();
    let missing: Vec<&str> = named.iter().copied().filter(|id| known.iter().all(|variant| variant.id != *id)).collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return Err(WriteError::Invalid(format!("Cannot update non-existing variants with ids: {missing}")));
    }
    let options = option::of_product(conn, product_id).await?;
    let mut choices = Choices::of(&known, product::variant::option_values(conn, product_id).await?);
    let (kept, gone): (Vec<_>, Vec<_>) = known.drain(..).partition(|variant| named.contains(variant.id.as_str()));
    let mut replaced =
        Replaced { deleted: gone.iter().map(|variant| variant.id.clone()).collect(), ..Replaced::default() };
    // Those that go leave first: others may take their codes and option values.
    delete::remove(conn, &gone).await?;
    for variant in gone {
        choices.release(&variant.id);
    }
    for variant in given {
        let current = variant.id.as_ref().and_then(|id| kept.iter().find(|kept| kept.id == *id));
        if let Some(current) = current {
            replaced.updated.push(current.id.clone());
            update::change(conn, &options, &mut choices, current.clone(), variant.patch).await?;
        } else {
            let new = as_new(variant.patch)?;
            replaced.created.push(create::insert(conn, product_id, &options, &mut choices, new).await?);
        }
    }
    Ok(replaced)
}

/// A variant without an id is a new one, and must have a title.
fn as_new(patch: VariantPatch) -> Result<NewVariant, WriteError> {
    let title = patch
        .title
        .value()
        .ok_or_else(|| WriteError::Invalid("Cannot set field 'title' of Product variant to null".to_owned()))?;
    let mut physical = Physical::default();
    patch.physical.apply(&mut physical);
    let mut own = None;
    metadata::merge(patch.metadata, &mut own);
    Ok(NewVariant {
        title,
        sku: patch.sku.value().flatten(),
        barcode: patch.barcode.value().flatten(),
        ean: patch.ean.value().flatten(),
        upc: patch.upc.value().flatten(),
        allow_backorder: patch.allow_backorder.value().unwrap_or(false),
        manage_inventory: patch.manage_inventory.value().unwrap_or(true),
        physical,
        variant_rank: patch.variant_rank.value(),
        thumbnail: patch.thumbnail.value().flatten(),
        metadata: own,
        prices: patch.prices.value().unwrap_or_default(),
        options: patch.options.value().unwrap_or_default(),
        inventory_items: Vec::new(),
    })
}
