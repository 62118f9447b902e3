//! Prices, price lists and price preferences, as the Admin API shows them.

use super::{Entity, Join, PLAIN, Relation, VARIANT, boolean, integer, json, many, numeric, one, raw, text, time};

/// A price of a price set.
pub static PRICE: Entity = Entity {
    table: "price",
    columns: &[
        text("id"),
        text("title"),
        text("currency_code"),
        integer("rules_count"),
        text("price_set_id"),
        text("price_list_id"),
        raw("raw_amount"),
        raw("raw_min_quantity"),
        raw("raw_max_quantity"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
        numeric("amount"),
        numeric("min_quantity"),
        numeric("max_quantity"),
    ],
    relations: &[
        Relation { reference: true, ..one("price_list", &PRICE_LIST, "price_list_id") },
        many("price_rules", &PRICE_RULE, Join::Holding("price_id"), "{t}.id"),
    ],
    ..PLAIN
};

/// A condition on a price.
pub static PRICE_RULE: Entity = Entity {
    table: "price_rule",
    columns: &[
        text("id"),
        text("value"),
        integer("priority"),
        text("attribute"),
        text("operator"),
        text("price_id"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    ..PLAIN
};

/// A price list with its rules: the view `admin_price_list`.
pub static PRICE_LIST: Entity = Entity {
    table: "admin_price_list",
    columns: &[
        text("id"),
        text("title"),
        text("description"),
        text("type"),
        text("status"),
        time("starts_at"),
        time("ends_at"),
        integer("rules_count"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
        json("rules"),
    ],
    relations: &[many("prices", &PRICE_LIST_PRICE, Join::Holding("price_list_id"), "{t}.id")],
    searched: &["title", "description"],
    ..PLAIN
};

/// A price of a price list: the view `price_list_price`.
pub static PRICE_LIST_PRICE: Entity = Entity {
    table: "price_list_price",
    columns: &[
        text("id"),
        numeric("amount"),
        text("currency_code"),
        numeric("min_quantity"),
        numeric("max_quantity"),
        text("variant_id"),
        text("price_list_id"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
        json("rules"),
    ],
    relations: &[one("variant", &VARIANT, "variant_id")],
    ..PLAIN
};

/// Whether prices of a region or currency include tax.
pub static PRICE_PREFERENCE: Entity = Entity {
    table: "price_preference",
    columns: &[
        text("id"),
        text("attribute"),
        text("value"),
        boolean("is_tax_inclusive"),
        time("created_at"),
        time("deleted_at"),
        time("updated_at"),
    ],
    searched: &["attribute", "value"],
    ..PLAIN
};
