//! What is done to customer groups. Medusa tells of them by no workflow event, and no cached answer shows them.

use vitrine_shared::id;

use super::{Done, Work};
use crate::modules::customer::group::{self, CustomerGroup};
use crate::modules::metadata::{self, Metadata};
use crate::modules::{Patch, WriteError};
use crate::outbox::Outbox;

/// A group to be made.
#[derive(Debug, Clone, Default)]
pub struct NewCustomerGroup {
    /// What it is called.
    pub name: String,
    /// The merchant's own.
    pub metadata: Metadata,
}

/// An update of a group.
#[derive(Debug, Clone, Default)]
pub struct CustomerGroupPatch {
    /// What it is called.
    pub name: Patch<String>,
    /// The merchant's own; merged.
    pub metadata: Patch<Metadata>,
}

/// Makes a group; returns its id.
pub async fn create(outbox: &Outbox, given: NewCustomerGroup, created_by: &str) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let made = CustomerGroup {
        id: id::new("cusgroup"),
        name: given.name,
        metadata: given.metadata,
        created_by: Some(created_by.to_owned()),
    };
    group::insert(work.conn(), &made).await?;
    work.commit(made.id).await
}

/// Changes a group.
pub async fn update(outbox: &Outbox, id: &str, patch: CustomerGroupPatch) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let found = group::lock(work.conn(), id).await?;
    let mut record = found.ok_or_else(|| WriteError::NotFound(format!("Customer group with id \"{id}\" not found")))?;
    patch.name.apply(&mut record.name);
    metadata::merge(patch.metadata, &mut record.metadata);
    group::save(work.conn(), &record).await?;
    work.commit(()).await
}

/// Deletes a group softly; its name is free again. One that is not there is deleted.
pub async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    if group::lock(work.conn(), id).await?.is_some() {
        group::delete(work.conn(), id).await?;
    }
    work.commit(()).await
}
