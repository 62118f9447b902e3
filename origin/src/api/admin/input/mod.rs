//! What the routes take: Medusa's validators (`api/admin/*/validators.js`), with its texts for what is wrong
//! (`@medusajs/framework` `zod/zod-helpers.js`). How fields and objects are read is [`crate::api::input`]'s.

use crate::api::input::{field, object};

mod api_key;
mod category;
mod collection;
mod customer;
mod membership;
mod price;
mod product;
mod user;
mod value;
mod variant;

pub(super) use api_key::{api_key_patch, new_api_key, revocation};
pub(super) use category::{category_patch, new_category};
pub(super) use collection::{collection_patch, new_collection};
pub(super) use customer::{address_patch, customer_patch, group_patch, links, new_address, new_customer, new_group};
pub(super) use membership::membership;
pub(super) use product::{new_product, product_patch};
pub(super) use user::user_patch;
pub(super) use value::{new_tag, new_type, tag_patch, type_patch};
pub(super) use variant::{new_variant, variant_patch};
