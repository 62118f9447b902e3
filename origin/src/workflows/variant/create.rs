//! Medusa's `createProductVariantsWorkflow`.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use vitrine_shared::id;

use super::choice::{self, Choices};
use super::{CREATED, NewVariant, emit};
use crate::modules::product::option::{self, ProductOption};
use crate::modules::product::{self, Variant};
use crate::modules::{WriteError, inventory, pricing};
use crate::outbox::Outbox;
use crate::workflows::{Done, Work, facets};

/// Adds a variant to a product; returns its id.
pub async fn create(outbox: &Outbox, product_id: &str, given: NewVariant) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let conn = work.conn();
    if product::record::lock(conn, product_id).await?.is_none() {
        return Err(WriteError::not_found("Product", product_id));
    }
    let options = option::of_product(conn, product_id).await?;
    let made = insert_all(conn, product_id, &options, vec![given]).await?;
    let product = facets::of_product(conn, product_id).await?;
    emit(&mut work, CREATED, &made, product_id, &product).await?;
    work.commit(made.into_iter().next().unwrap_or_default()).await
}

/// Adds variants to a locked product, with prices and inventory items; returns their ids.
pub(crate) async fn insert_all(
    conn: &mut PgConnection,
    product_id: &str,
    options: &[ProductOption],
    given: Vec<NewVariant>,
) -> Result<Vec<String>, WriteError> {
    let existing = product::variant::of_product(conn, product_id).await?;
    let mut choices = Choices::of(&existing, product::variant::option_values(conn, product_id).await?);
    let mut made = Vec::with_capacity(given.len());
    for variant in given {
        made.push(insert(conn, product_id, options, &mut choices, variant).await?);
    }
    Ok(made)
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    product_id: &str,
    options: &[ProductOption],
    choices: &mut Choices,
    given: NewVariant,
) -> Result<String, WriteError> {
    let variant = record(product_id, &given);
    let values = choice::resolve(&variant.title, options, &given.options)?;
    choices.take(&variant.id, &variant.title, &values)?;
    check_items(&variant.id, &given)?;
    product::variant::insert(conn, &variant).await?;
    product::variant::set_option_values(conn, &variant.id, &values).await?;
    if variant.manage_inventory {
        if given.inventory_items.is_empty() {
            inventory::insert_default(conn, &variant).await?;
        } else {
            inventory::link(conn, &variant.id, &given.inventory_items).await?;
        }
    }
    pricing::insert_set(conn, &variant.id, given.prices).await?;
    Ok(variant.id)
}

fn check_items(variant_id: &str, given: &NewVariant) -> Result<(), WriteError> {
    let distinct: BTreeSet<&str> = given.inventory_items.iter().map(|item| item.inventory_item_id.as_str()).collect();
    if distinct.len() == given.inventory_items.len() {
        return Ok(());
    }
    Err(WriteError::Invalid(format!("Cannot associate duplicate inventory items to variant(s) {variant_id}")))
}

fn record(product_id: &str, given: &NewVariant) -> Variant {
    Variant {
        id: id::new("variant"),
        product_id: product_id.to_owned(),
        title: given.title.clone(),
        sku: given.sku.clone(),
        barcode: given.barcode.clone(),
        ean: given.ean.clone(),
        upc: given.upc.clone(),
        allow_backorder: given.allow_backorder,
        manage_inventory: given.manage_inventory,
        physical: given.physical.clone(),
        variant_rank: Some(given.variant_rank.unwrap_or(0)),
        thumbnail: given.thumbnail.clone(),
        metadata: given.metadata.clone(),
    }
}
