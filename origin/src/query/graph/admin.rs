//! What only the Admin API shows.

use super::{Entity, Join, boolean, json, many, numeric, text, time};

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

/// An API key. Of secret ones the token is never shown: there is only its hash.
pub static API_KEY: Entity = Entity {
    table: "(SELECT id, CASE WHEN type = 'secret' THEN '' ELSE token END AS token, redacted, title, type, last_used_at, \
            created_by, revoked_by, revoked_at, created_at, updated_at, deleted_at FROM api_key)",
    key: "id",
    columns: &[
        text("id"),
        text("token"),
        text("redacted"),
        text("title"),
        text("type"),
        time("last_used_at"),
        text("created_by"),
        text("revoked_by"),
        time("revoked_at"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[many(
        "sales_channels",
        &SALES_CHANNEL,
        Join::Link { table: "publishable_api_key_sales_channel", near: "publishable_key_id", far: "sales_channel_id" },
        "{t}.id",
    )],
    computed: &[],
    searched: &["redacted", "title"],
    searched_relations: &[],
    visible: None,
    tag: None,
    owner: None,
};
