//! What only the Admin API shows.

use super::{Entity, boolean, json, numeric, text, time};

/// A default or price-list price of a variant, with its rules: the view `product_variant_price`.
pub static VARIANT_PRICE: Entity = Entity {
    table: "product_variant_price",
    key: "id",
    columns: &[
        text("id"),
        numeric("amount"),
        text("currency_code"),
        numeric("min_quantity"),
        numeric("max_quantity"),
        text("variant_id"),
        time("created_at"),
        time("updated_at"),
        json("rules"),
    ],
    relations: &[],
    computed: &[],
    searched: &[],
    searched_relations: &[],
    visible: None,
    tag: None,
    owner: None,
};

/// A sales channel.
pub static SALES_CHANNEL: Entity = Entity {
    table: "sales_channel",
    key: "id",
    columns: &[
        text("id"),
        text("name"),
        text("description"),
        boolean("is_disabled"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[],
    computed: &[],
    searched: &["name", "description"],
    searched_relations: &[],
    visible: None,
    tag: None,
    owner: None,
};

/// Someone who may sign in to the Admin API.
pub static USER: Entity = Entity {
    table: "\"user\"",
    key: "id",
    columns: &[
        text("id"),
        text("first_name"),
        text("last_name"),
        text("email"),
        text("avatar_url"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[],
    computed: &[],
    searched: &["email", "first_name", "last_name"],
    searched_relations: &[],
    visible: None,
    tag: None,
    owner: None,
};
