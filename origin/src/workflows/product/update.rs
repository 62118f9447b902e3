//! Medusa's `updateProductsWorkflow`, for one product.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use vitrine_shared::event::Change;

use super::{check_handle, references};
use crate::modules::metadata::{self, Metadata};
use crate::modules::product::image::GivenImage;
use crate::modules::product::{self, PhysicalPatch, Product, Status, image, links};
use crate::modules::{Patch, WriteError, sales_channel, shipping_profile};
use crate::outbox::Outbox;
use crate::workflows::variant::{self, GivenVariant};
use crate::workflows::{Done, Work, facets};

/// An update of a product. Lists replace what the product had.
#[derive(Debug, Clone, Default)]
pub struct ProductPatch {
    /// What it is called.
    pub title: Patch<String>,
    /// Names it in URLs.
    pub handle: Patch<String>,
    /// A second line of the title.
    pub subtitle: Patch<Option<String>>,
    /// A text on it.
    pub description: Patch<Option<String>>,
    /// Whether it is a gift card, which is never discounted.
    pub is_giftcard: Patch<bool>,
    /// Whether promotions apply.
    pub discountable: Patch<bool>,
    /// Whether it is for sale.
    pub status: Patch<Status>,
    /// The picture in lists.
    pub thumbnail: Patch<Option<String>>,
    /// Measures and customs codes.
    pub physical: PhysicalPatch,
    /// Its id in another system.
    pub external_id: Patch<Option<String>>,
    /// Its type.
    pub type_id: Patch<Option<String>>,
    /// Its collection.
    pub collection_id: Patch<Option<String>>,
    /// The merchant's own; merged.
    pub metadata: Patch<Metadata>,
    /// Its images.
    pub images: Patch<Vec<GivenImage>>,
    /// Its tags.
    pub tags: Patch<BTreeSet<String>>,
    /// Its categories.
    pub categories: Patch<BTreeSet<String>>,
    /// The channels that sell it.
    pub sales_channels: Patch<BTreeSet<String>>,
    /// Its shipping profile.
    pub shipping_profile_id: Patch<Option<String>>,
    /// Its variants: those with an id are changed, others are made, and those that are not mentioned are deleted.
    pub variants: Patch<Vec<GivenVariant>>,
}

impl ProductPatch {
    /// Whether it changes nothing of where the product is found ([`ProductFacets`]).
    fn leaves_places(&self) -> bool {
        let Self { handle, tags, categories, sales_channels, collection_id, type_id, .. } = self;
        let keeps_links = tags.is_keep() && categories.is_keep() && sales_channels.is_keep();
        keeps_links && handle.is_keep() && collection_id.is_keep() && type_id.is_keep()
    }
}

/// Changes a product.
///
/// Its row is locked first, so writers of one product come one after the other and each tells what it really found.
pub async fn update(outbox: &Outbox, id: &str, patch: ProductPatch) -> Result<Done<()>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let conn = work.conn();
    let mut record = product::record::lock(conn, id)
        .await?
        // The words of Medusa's route, which differ from those of its modules.
        .ok_or_else(|| WriteError::NotFound(format!("Product with id \"{id}\" not found")))?;
    let before = facets::of_product(conn, id).await?;
    let stays = patch.leaves_places();
    change_links(conn, id, &patch).await?;
    if let Patch::Set(images) = patch.images.clone() {
        image::replace(conn, id, images).await?;
    }
    let variants = match patch.variants.clone() {
        Patch::Keep => variant::Replaced::default(),
        Patch::Set(given) => variant::replace_all(conn, id, given).await?,
    };
    change_record(conn, &mut record, patch).await?;
    product::record::save(conn, &record).await?;
    // Nobody else can have changed them: the product is locked, and what its places are called as well.
    let after = if stays { before.clone() } else { facets::of_product(conn, id).await? };
    variant::emit(&mut work, variant::CREATED, &variants.created, id, &after).await?;
    variant::emit(&mut work, variant::UPDATED, &variants.updated, id, &after).await?;
    variant::emit(&mut work, variant::DELETED, &variants.deleted, id, &after).await?;
    let change = Change::Product { id: id.to_owned(), before: Some(before), after: Some(after) };
    work.emit("product.updated", change).await?;
    work.commit(()).await
}

async fn change_links(conn: &mut PgConnection, id: &str, patch: &ProductPatch) -> Result<(), WriteError> {
    if let Some(tags) = patch.tags.as_ref() {
        links::set_tags(conn, id, tags).await?;
    }
    if let Some(categories) = patch.categories.as_ref() {
        links::set_categories(conn, id, categories).await?;
    }
    if let Some(channels) = patch.sales_channels.as_ref() {
        sales_channel::set_of_product(conn, id, channels).await?;
    }
    if let Some(profile) = patch.shipping_profile_id.as_ref() {
        shipping_profile::set_of_product(conn, id, profile.as_deref()).await?;
    }
    Ok(())
}

async fn change_record(conn: &mut PgConnection, record: &mut Product, patch: ProductPatch) -> Result<(), WriteError> {
    if let Some(collection) = patch.collection_id.as_ref() {
        references::hold_collection(conn, collection.as_deref()).await?;
    }
    if let Some(product_type) = patch.type_id.as_ref() {
        references::hold_type(conn, product_type.as_deref()).await?;
    }
    if let Some(handle) = patch.handle.as_ref() {
        check_handle(handle)?;
    }
    patch.title.apply(&mut record.title);
    patch.handle.apply(&mut record.handle);
    patch.subtitle.apply(&mut record.subtitle);
    patch.description.apply(&mut record.description);
    patch.discountable.apply(&mut record.discountable);
    if patch.is_giftcard == Patch::Set(true) {
        record.discountable = false;
    }
    patch.is_giftcard.apply(&mut record.is_giftcard);
    patch.status.apply(&mut record.status);
    patch.thumbnail.apply(&mut record.thumbnail);
    patch.physical.apply(&mut record.physical);
    patch.external_id.apply(&mut record.external_id);
    patch.type_id.apply(&mut record.type_id);
    patch.collection_id.apply(&mut record.collection_id);
    metadata::merge(patch.metadata, &mut record.metadata);
    Ok(())
}
