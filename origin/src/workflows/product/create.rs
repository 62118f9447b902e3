//! Medusa's `createProductsWorkflow`, for one product.

use std::collections::BTreeSet;

use vitrine_shared::event::Change;
use vitrine_shared::id;

use super::{check_handle, references};
use crate::modules::metadata::Metadata;
use crate::modules::product::option::NewOption;
use crate::modules::product::{self, Physical, Product, Status, image, links, option};
use crate::modules::{WriteError, category, handle, sales_channel, shipping_profile};
use crate::outbox::Outbox;
use crate::workflows::variant::{self, NewVariant};
use crate::workflows::{Done, Work, facets};

/// A product to be made.
#[derive(Debug, Clone, Default)]
pub struct NewProduct {
    /// What it is called.
    pub title: String,
    /// Names it in URLs; without one it is made from the title.
    pub handle: Option<String>,
    /// A second line of the title.
    pub subtitle: Option<String>,
    /// A text on it.
    pub description: Option<String>,
    /// Whether it is a gift card, which is never discounted.
    pub is_giftcard: bool,
    /// Whether promotions apply.
    pub discountable: bool,
    /// Whether it is for sale.
    pub status: Status,
    /// The picture in lists; without one, the first image.
    pub thumbnail: Option<String>,
    /// Measures and customs codes.
    pub physical: Physical,
    /// Its id in another system.
    pub external_id: Option<String>,
    /// Its type.
    pub type_id: Option<String>,
    /// Its collection.
    pub collection_id: Option<String>,
    /// The merchant's own.
    pub metadata: Metadata,
    /// URLs of its images.
    pub images: Vec<String>,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// Its categories.
    pub categories: BTreeSet<String>,
    /// The channels that sell it.
    pub sales_channels: BTreeSet<String>,
    /// Its shipping profile.
    pub shipping_profile_id: Option<String>,
    /// Its options; it has at least one.
    pub options: Vec<NewOption>,
    /// Its variants.
    pub variants: Vec<NewVariant>,
}

/// Makes a product; returns its id.
pub async fn create(outbox: &Outbox, given: NewProduct) -> Result<Done<String>, WriteError> {
    check(&given)?;
    let mut work = Work::begin(outbox).await?;
    let conn = work.conn();
    category::tree::share(conn).await?;
    references::hold_collection(conn, given.collection_id.as_deref()).await?;
    references::hold_type(conn, given.type_id.as_deref()).await?;
    let record = record(&given);
    product::record::insert(conn, &record).await?;
    let images = given.images.into_iter().map(|url| image::GivenImage { id: None, url }).collect();
    image::replace(conn, &record.id, images).await?;
    links::set_tags(conn, &record.id, &given.tags).await?;
    links::set_categories(conn, &record.id, &given.categories).await?;
    sales_channel::set_of_product(conn, &record.id, &given.sales_channels).await?;
    if let Some(profile) = &given.shipping_profile_id {
        shipping_profile::set_of_product(conn, &record.id, Some(profile)).await?;
    }
    let options = option::insert(conn, &record.id, given.options).await?;
    let variants = variant::insert_all(conn, &record.id, &options, given.variants).await?;
    let after = facets::of_product(conn, &record.id).await?;
    variant::emit(&mut work, variant::CREATED, &variants, &record.id, &after).await?;
    let change = Change::Product { id: record.id.clone(), before: None, after: Some(after) };
    work.emit("product.created", change).await?;
    work.commit(record.id).await
}

fn check(given: &NewProduct) -> Result<(), WriteError> {
    if given.title.is_empty() {
        return Err(WriteError::Invalid("Product title is required".to_owned()));
    }
    if given.options.is_empty() {
        return Err(WriteError::Invalid(format!("Product options are not provided for: [{}].", given.title)));
    }
    match given.handle.as_deref() {
        Some(handle) if !handle.is_empty() => check_handle(handle),
        _ => Ok(()),
    }
}

fn record(given: &NewProduct) -> Product {
    let handle = given.handle.clone().filter(|handle| !handle.is_empty());
    Product {
        id: id::new("prod"),
        title: given.title.clone(),
        handle: handle.unwrap_or_else(|| handle::from_title(&given.title)),
        subtitle: given.subtitle.clone(),
        description: given.description.clone(),
        is_giftcard: given.is_giftcard,
        status: given.status,
        thumbnail: given.thumbnail.clone().filter(|url| !url.is_empty()).or_else(|| given.images.first().cloned()),
        physical: given.physical.clone(),
        discountable: given.discountable && !given.is_giftcard,
        external_id: given.external_id.clone(),
        type_id: given.type_id.clone(),
        collection_id: given.collection_id.clone(),
        metadata: given.metadata.clone(),
    }
}
