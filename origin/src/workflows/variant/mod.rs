//! What is done to variants, alone or as a part of their product.

mod choice;
mod create;
mod delete;
mod input;
mod replace;
mod update;

pub use create::create;
pub use delete::delete;
pub use input::{GivenVariant, NewVariant, VariantPatch};
pub use update::update;

pub(crate) use create::insert_all;
pub(crate) use delete::remove;
pub(crate) use replace::{Replaced, replace_all};

use vitrine_shared::event::{Change, ProductFacets};

use super::Work;
use crate::modules::WriteError;

/// Medusa's name of the event that a variant was made.
pub(crate) const CREATED: &str = "product-variant.created";
/// Medusa's name of the event that a variant was changed, or its prices.
pub(crate) const UPDATED: &str = "product-variant.updated";
/// Medusa's name of the event that a variant was deleted.
pub(crate) const DELETED: &str = "product-variant.deleted";

/// Adds an event for each of these variants.
pub(crate) async fn emit(
    work: &mut Work,
    name: &'static str,
    variants: &[String],
    product_id: &str,
    product: &ProductFacets,
) -> Result<(), WriteError> {
    for id in variants {
        let change = Change::Variant { id: id.clone(), product_id: product_id.to_owned(), product: product.clone() };
        work.emit(name, change).await?;
    }
    Ok(())
}

/// Medusa calls a variant so in its errors.
fn not_found(id: &str) -> WriteError {
    WriteError::not_found("Variant", id)
}
