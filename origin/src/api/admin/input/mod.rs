//! What the routes take: Medusa's validators (`api/admin/*/validators.js`), with its texts for what is wrong
//! (`@medusajs/framework` `zod/zod-helpers.js`).

mod category;
mod collection;
mod field;
mod issues;
mod membership;
mod object;
mod price;
mod product;
mod value;
mod variant;

pub(super) use category::{category_patch, new_category};
pub(super) use collection::{collection_patch, new_collection};
pub(super) use membership::membership;
pub(super) use product::{new_product, product_patch};
pub(super) use value::{new_tag, new_type, tag_patch, type_patch};
pub(super) use variant::{new_variant, variant_patch};
