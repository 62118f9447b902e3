//! What is done to collections.

use std::collections::BTreeSet;

use vitrine_shared::event::Change;
use vitrine_shared::id;

use super::{Done, Work, facets};
use crate::modules::collection::{self, Collection};
use crate::modules::metadata::{self, Metadata};
use crate::modules::{Patch, WriteError, handle, product};
use crate::outbox::Outbox;

/// A collection to be made.
#[derive(Debug, Clone, Default)]
pub struct NewCollection {
    /// What it is called.
    pub title: String,
    /// Names it in URLs; without one it is made from the title.
    pub handle: Option<String>,
    /// Its id in another system.
    pub external_id: Option<String>,
    /// The merchant's own.
    pub metadata: Metadata,
}

/// An update of a collection.
#[derive(Debug, Clone, Default)]
pub struct CollectionPatch {
    /// What it is called.
    pub title: Patch<String>,
    /// Names it in URLs.
    pub handle: Patch<String>,
    /// Its id in another system.
    pub external_id: Patch<Option<String>>,
    /// The merchant's own; merged.
    pub metadata: Patch<Metadata>,
}

/// Products to be put into a collection or category, and taken out of it. Those that do not exist are passed over, as in
/// Medusa.
#[derive(Debug, Clone, Default)]
pub struct Membership {
    /// Products to put in.
    pub add: BTreeSet<String>,
    /// Products to take out.
    pub remove: BTreeSet<String>,
}

/// Makes a collection; returns its id.
pub async fn create(outbox: &Outbox, given: NewCollection) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let made = Collection {
        id: id::new("pcol"),
        handle: given.handle.filter(|given| !given.is_empty()).unwrap_or_else(|| handle::kebab(&given.title)),
        title: given.title,
        external_id: given.external_id,
        metadata: given.metadata,
    };
    collection::insert(work.conn(), &made).await?;
    let change = Change::Collection { id: made.id.clone(), handles: [made.handle].into() };
    work.emit("product-collection.created", change).await?;
    work.commit(made.id).await
}

/// Changes a collection. Products show it, and are found under its tag.
pub async fn update(outbox: &Outbox, id: &str, patch: CollectionPatch) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let mut record = collection::lock(work.conn(), id)
        .await?
        .ok_or_else(|| WriteError::NotFound(format!("Collection with id \"{id}\" not found")))?;
    let before = record.handle.clone();
    patch.title.apply(&mut record.title);
    patch.handle.apply(&mut record.handle);
    patch.external_id.apply(&mut record.external_id);
    metadata::merge(patch.metadata, &mut record.metadata);
    collection::save(work.conn(), &record).await?;
    let change = Change::Collection { id: id.to_owned(), handles: [before, record.handle].into() };
    work.emit("product-collection.updated", change).await?;
    work.commit(()).await
}

/// Deletes a collection softly; its handle is free again. One that is not there is deleted.
pub async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let Some(record) = collection::lock(work.conn(), id).await? else {
        return work.commit(()).await;
    };
    collection::delete(work.conn(), id).await?;
    let change = Change::Collection { id: id.to_owned(), handles: [record.handle].into() };
    work.emit("product-collection.deleted", change).await?;
    work.commit(()).await
}

/// Puts products into a collection and takes others out (`batchLinkProductsToCollectionWorkflow`); one that is both
/// added and removed is in it.
pub async fn set_products(outbox: &Outbox, id: &str, given: Membership) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let conn = work.conn();
    let named: Vec<String> = given.add.union(&given.remove).cloned().collect();
    let products = product::record::lock_many(conn, &named).await?;
    if !collection::hold(conn, id).await? {
        return Err(WriteError::not_found("ProductCollection", id));
    }
    let before = facets::of_products(conn, &products).await?;
    let is_in = |product: &String| before.get(product).is_some_and(|facets| facets.collection.as_deref() == Some(id));
    let (added, rest): (Vec<String>, Vec<String>) =
        products.into_iter().partition(|product| given.add.contains(product));
    let added: Vec<String> = added.into_iter().filter(|product| !is_in(product)).collect();
    let removed: Vec<String> = rest.into_iter().filter(is_in).collect();
    product::record::set_collection(conn, &added, Some(id)).await?;
    product::record::set_collection(conn, &removed, None).await?;
    let changed: Vec<String> = added.into_iter().chain(removed).collect();
    work.emit_moved(changed, before).await?;
    work.commit(()).await
}
