//! What is done to product types.

use vitrine_shared::event::Change;
use vitrine_shared::id;

use super::{Done, Work};
use crate::modules::metadata::{self, Metadata};
use crate::modules::product_type::{self, ProductType};
use crate::modules::{Patch, WriteError};
use crate::outbox::Outbox;

/// A product type to be made.
#[derive(Debug, Clone, Default)]
pub struct NewProductType {
    /// What it says.
    pub value: String,
    /// Its id in another system.
    pub external_id: Option<String>,
    /// The merchant's own.
    pub metadata: Metadata,
}

/// An update of a product type.
#[derive(Debug, Clone, Default)]
pub struct ProductTypePatch {
    /// What it says.
    pub value: Patch<String>,
    /// Its id in another system.
    pub external_id: Patch<Option<String>>,
    /// The merchant's own; merged.
    pub metadata: Patch<Metadata>,
}

/// Makes a product type; returns its id.
pub async fn create(outbox: &Outbox, given: NewProductType) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let made = ProductType {
        id: id::new("ptyp"),
        value: given.value,
        external_id: given.external_id,
        metadata: given.metadata,
    };
    product_type::insert(work.conn(), &made).await?;
    work.emit("product-type.created", Change::ProductType { id: made.id.clone() }).await?;
    work.commit(made.id).await
}

/// Changes a product type. Products show it, and are found under its tag.
pub async fn update(outbox: &Outbox, id: &str, patch: ProductTypePatch) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let mut record = product_type::lock(work.conn(), id)
        .await?
        .ok_or_else(|| WriteError::NotFound(format!("Product type with id \"{id}\" not found")))?;
    patch.value.apply(&mut record.value);
    patch.external_id.apply(&mut record.external_id);
    metadata::merge(patch.metadata, &mut record.metadata);
    product_type::save(work.conn(), &record).await?;
    work.emit("product-type.updated", Change::ProductType { id: id.to_owned() }).await?;
    work.commit(()).await
}

/// Deletes a product type softly; its value is free again. One that is not there is deleted.
pub async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    if product_type::lock(work.conn(), id).await?.is_none() {
        return work.commit(()).await;
    }
    product_type::delete(work.conn(), id).await?;
    work.emit("product-type.deleted", Change::ProductType { id: id.to_owned() }).await?;
    work.commit(()).await
}
