//! What is done to categories. Writers of the tree come one after the other.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use vitrine_shared::event::Change;
use vitrine_shared::id;

use super::collection::Membership;
use super::{Done, Work, facets};
use crate::modules::category::{Category, record, tree};
use crate::modules::metadata::{self, Metadata};
use crate::modules::product::{self, links};
use crate::modules::{Patch, WriteError, handle};
use crate::outbox::Outbox;

/// A category to be made.
#[derive(Debug, Clone, Default)]
pub struct NewCategory {
    /// What it is called.
    pub name: String,
    /// A text on it; empty for none.
    pub description: String,
    /// Names it in URLs; without one it is made from the name.
    pub handle: Option<String>,
    /// Whether it is for the merchant alone.
    pub is_internal: bool,
    /// Whether storefronts show it.
    pub is_active: bool,
    /// The category that it is in.
    pub parent_category_id: Option<String>,
    /// Its id in another system.
    pub external_id: Option<String>,
    /// The merchant's own.
    pub metadata: Metadata,
    /// Its place among its siblings; the last without one.
    pub rank: Option<i32>,
}

/// An update of a category.
#[derive(Debug, Clone, Default)]
pub struct CategoryPatch {
    /// What it is called.
    pub name: Patch<String>,
    /// A text on it; empty for none.
    pub description: Patch<String>,
    /// Names it in URLs.
    pub handle: Patch<String>,
    /// Whether it is for the merchant alone.
    pub is_internal: Patch<bool>,
    /// Whether storefronts show it.
    pub is_active: Patch<bool>,
    /// The category that it is in.
    pub parent_category_id: Patch<Option<String>>,
    /// Its id in another system.
    pub external_id: Patch<Option<String>>,
    /// The merchant's own; merged.
    pub metadata: Patch<Metadata>,
    /// Its place among its siblings.
    pub rank: Patch<i32>,
}

/// Makes a category; returns its id.
pub async fn create(outbox: &Outbox, given: NewCategory) -> Result<Done<String>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let conn = work.conn();
    tree::lock(conn).await?;
    let parent = given.parent_category_id.as_deref();
    let above = parent_path(conn, parent).await?;
    let siblings = tree::children(conn, parent).await?;
    let rank = given.rank.unwrap_or(siblings).min(siblings);
    let id = id::new("pcat");
    let mut concerned = tree::open_gap(conn, parent, rank, &id).await?;
    let made = Category {
        mpath: joined(above.as_deref(), &id),
        handle: given.handle.unwrap_or_else(|| handle::kebab(&given.name)),
        name: given.name,
        description: given.description,
        is_active: given.is_active,
        is_internal: given.is_internal,
        rank,
        parent_category_id: given.parent_category_id,
        external_id: given.external_id,
        metadata: given.metadata,
        id,
    };
    record::insert(conn, &made).await?;
    concerned.push(made.id.clone());
    let relatives = tree::relatives(conn, &concerned).await?;
    emit(&mut work, "product-category.created", &made.id, [made.handle].into(), relatives).await?;
    work.commit(made.id).await
}

/// Changes a category, its place among its siblings, or its parent.
pub async fn update(outbox: &Outbox, id: &str, patch: CategoryPatch) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let conn = work.conn();
    tree::lock(conn).await?;
    let mut category = record::lock(conn, id).await?.ok_or_else(|| WriteError::not_found("ProductCategory", id))?;
    let handle = category.handle.clone();
    let mut relatives = tree::relatives(conn, &[id.to_owned()]).await?;
    let mut concerned = replace(conn, &mut category, &patch).await?;
    patch.name.apply(&mut category.name);
    patch.description.apply(&mut category.description);
    patch.handle.apply(&mut category.handle);
    patch.is_internal.apply(&mut category.is_internal);
    patch.is_active.apply(&mut category.is_active);
    patch.external_id.apply(&mut category.external_id);
    metadata::merge(patch.metadata, &mut category.metadata);
    record::save(conn, &category).await?;
    concerned.push(id.to_owned());
    relatives.extend(tree::relatives(conn, &concerned).await?);
    emit(&mut work, "product-category.updated", id, [handle, category.handle].into(), relatives).await?;
    work.commit(()).await
}

/// Deletes a category without children softly; its handle is free again.
pub async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let conn = work.conn();
    tree::lock(conn).await?;
    let category = record::lock(conn, id).await?.ok_or_else(|| WriteError::not_found("ProductCategory", id))?;
    if tree::children(conn, Some(id)).await? > 0 {
        return Err(WriteError::NotAllowed(format!(
            "Deleting ProductCategory ({id}) with category children is not allowed"
        )));
    }
    let parent = category.parent_category_id.as_deref();
    let mut concerned = tree::close_gap(conn, parent, category.rank, id).await?;
    concerned.push(id.to_owned());
    let relatives = tree::relatives(conn, &concerned).await?;
    record::delete(conn, id).await?;
    emit(&mut work, "product-category.deleted", id, [category.handle].into(), relatives).await?;
    work.commit(()).await
}

/// Puts products into a category and takes others out (`batchLinkProductsToCategoryWorkflow`); one that is both added
/// and removed is not in it.
pub async fn set_products(outbox: &Outbox, id: &str, given: Membership) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let conn = work.conn();
    let named: Vec<String> = given.add.union(&given.remove).cloned().collect();
    let products = product::record::lock_many(conn, &named).await?;
    let before = facets::of_products(conn, &products).await?;
    if !record::hold(conn, id).await? {
        return Err(WriteError::NotFound(format!("Product category with id: {id} was not found")));
    }
    let is_in = |product: &String| before.get(product).is_some_and(|facets| facets.categories.contains(id));
    let (removed, rest): (Vec<String>, Vec<String>) =
        products.into_iter().partition(|product| given.remove.contains(product));
    let removed: Vec<String> = removed.into_iter().filter(is_in).collect();
    let added: Vec<String> = rest.into_iter().filter(|product| !is_in(product)).collect();
    links::add_to_category(conn, &added, id).await?;
    links::remove_from_category(conn, &removed, id).await?;
    let changed: Vec<String> = added.into_iter().chain(removed).collect();
    work.emit_moved(changed, before).await?;
    work.commit(()).await
}

/// Gives a category the parent and rank of an update; returns the siblings that moved for it.
async fn replace(
    conn: &mut PgConnection,
    category: &mut Category,
    patch: &CategoryPatch,
) -> Result<Vec<String>, WriteError> {
    let parent = patch.parent_category_id.as_ref().cloned().unwrap_or_else(|| category.parent_category_id.clone());
    let is_moved = parent != category.parent_category_id;
    let rank = patch.rank.as_ref().copied();
    if !is_moved && rank.is_none_or(|rank| rank == category.rank) {
        return Ok(Vec::new());
    }
    let above = parent_path(conn, parent.as_deref()).await?;
    let is_below_itself = above.as_deref().is_some_and(|path| path.split('.').any(|part| part == category.id));
    if is_below_itself {
        return Err(WriteError::NotAllowed(format!(
            "Moving ProductCategory ({}) into itself or one of its descendants is not allowed",
            category.id
        )));
    }
    let mut concerned =
        tree::close_gap(conn, category.parent_category_id.as_deref(), category.rank, &category.id).await?;
    let others = tree::children(conn, parent.as_deref()).await? - i32::from(!is_moved);
    let rank = rank.unwrap_or(others).min(others);
    concerned.extend(tree::open_gap(conn, parent.as_deref(), rank, &category.id).await?);
    let path = joined(above.as_deref(), &category.id);
    tree::move_below(conn, &category.mpath, &path).await?;
    category.parent_category_id = parent;
    category.rank = rank;
    category.mpath = path;
    Ok(concerned)
}

async fn parent_path(conn: &mut PgConnection, parent: Option<&str>) -> Result<Option<String>, WriteError> {
    let Some(parent) = parent else {
        return Ok(None);
    };
    let path = tree::path(conn, parent).await?;
    path.map(Some).ok_or_else(|| WriteError::Invalid(format!("Parent category with id: '{parent}' does not exist")))
}

fn joined(above: Option<&str>, id: &str) -> String {
    above.map_or_else(|| id.to_owned(), |above| format!("{above}.{id}"))
}

async fn emit(
    work: &mut Work,
    name: &'static str,
    id: &str,
    handles: BTreeSet<String>,
    mut relatives: BTreeSet<String>,
) -> Result<(), WriteError> {
    relatives.remove(id);
    work.emit(name, Change::Category { id: id.to_owned(), handles, relatives }).await
}
