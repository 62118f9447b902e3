//! What is done to product tags.

use vitrine_shared::event::Change;
use vitrine_shared::id;

use super::{Done, Work};
use crate::modules::metadata::{self, Metadata};
use crate::modules::product_tag::{self, ProductTag};
use crate::modules::{Patch, WriteError};
use crate::outbox::Outbox;

/// A product tag to be made.
#[derive(Debug, Clone, Default)]
pub struct NewProductTag {
    /// What it says.
    pub value: String,
    /// Its id in another system.
    pub external_id: Option<String>,
    /// The merchant's own.
    pub metadata: Metadata,
}

/// An update of a product tag.
#[derive(Debug, Clone, Default)]
pub struct ProductTagPatch {
    /// What it says.
    pub value: Patch<String>,
    /// Its id in another system.
    pub external_id: Patch<Option<String>>,
    /// The merchant's own; merged.
    pub metadata: Patch<Metadata>,
}

/// Makes a product tag; returns its id.
pub async fn create(outbox: &Outbox, given: NewProductTag) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let made = ProductTag {
        id: id::new("ptag"),
        value: given.value,
        external_id: given.external_id,
        metadata: given.metadata,
    };
    product_tag::insert(work.conn(), &made).await?;
    work.emit("product-tag.created", Change::ProductTag { id: made.id.clone() }).await?;
    work.commit(made.id).await
}

/// Changes a product tag. Products show it, and are found under its tag.
pub async fn update(outbox: &Outbox, id: &str, patch: ProductTagPatch) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let mut record = product_tag::lock(work.conn(), id)
        .await?
        .ok_or_else(|| WriteError::NotFound(format!("Product tag with id \"{id}\" not found")))?;
    patch.value.apply(&mut record.value);
    patch.external_id.apply(&mut record.external_id);
    metadata::merge(patch.metadata, &mut record.metadata);
    product_tag::save(work.conn(), &record).await?;
    work.emit("product-tag.updated", Change::ProductTag { id: id.to_owned() }).await?;
    work.commit(()).await
}

/// Deletes a product tag softly; its value is free again. One that is not there is deleted.
pub async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    if product_tag::lock(work.conn(), id).await?.is_none() {
        return work.commit(()).await;
    }
    product_tag::delete(work.conn(), id).await?;
    work.emit("product-tag.deleted", Change::ProductTag { id: id.to_owned() }).await?;
    work.commit(()).await
}
