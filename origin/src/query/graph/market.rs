//! Regions, currencies, the store and return reasons.

use super::{Entity, Join, PLAIN, Relation, boolean, integer, json, many, numeric, one, raw, text, time};
use vitrine_shared::tag::Tag;

/// A region.
pub static REGION: Entity = Entity {
    table: "region",
    key: "id",
    columns: &[
        text("id"),
        text("name"),
        text("currency_code"),
        boolean("automatic_taxes"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[
        many("countries", &COUNTRY, Join::Holding("region_id"), "{t}.iso_2"),
        many(
            "payment_providers",
            &PAYMENT_PROVIDER,
            Join::Link { table: "region_payment_provider", near: "region_id", far: "payment_provider_id" },
            "{t}.id",
        ),
    ],
    computed: &[],
    searched: &["name", "currency_code"],
    searched_relations: &[],
    visible: None,
    tag: Some(Tag::region),
    owner: None,
};

/// A country of a region.
pub static COUNTRY: Entity = Entity {
    table: "region_country",
    key: "iso_2",
    columns: &[
        text("iso_2"),
        text("iso_3"),
        text("num_code"),
        text("name"),
        text("display_name"),
        text("region_id"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[],
    computed: &[],
    searched: &[],
    searched_relations: &[],
    visible: None,
    tag: None,
    owner: None,
};

/// A payment provider of a region, as the link names it: providers are code and have no table of their own.
pub static PAYMENT_PROVIDER: Entity = Entity {
    table: "(SELECT DISTINCT payment_provider_id AS id, true AS is_enabled, NULL::timestamptz AS deleted_at \
            FROM region_payment_provider)",
    key: "id",
    columns: &[text("id"), boolean("is_enabled")],
    relations: &[],
    computed: &[],
    searched: &[],
    searched_relations: &[],
    visible: None,
    tag: None,
    owner: None,
};

/// A currency.
pub static CURRENCY: Entity = Entity {
    table: "currency",
    key: "code",
    columns: &[
        text("code"),
        text("name"),
        text("symbol"),
        text("symbol_native"),
        integer("decimal_digits"),
        raw("raw_rounding"),
        numeric("rounding"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[],
    computed: &[],
    searched: &["code", "name"],
    searched_relations: &[],
    visible: None,
    tag: None,
    owner: None,
};

/// A store.
pub static STORE: Entity = Entity {
    table: "store",
    columns: &[
        text("id"),
        text("name"),
        text("default_sales_channel_id"),
        text("default_region_id"),
        text("default_location_id"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[many("supported_currencies", &STORE_CURRENCY, Join::Holding("store_id"), "{t}.id")],
    searched: &["name"],
    ..PLAIN
};

/// A currency of a store.
pub static STORE_CURRENCY: Entity = Entity {
    table: "store_currency",
    columns: &[
        text("id"),
        text("currency_code"),
        boolean("is_default"),
        text("store_id"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[one("currency", &CURRENCY, "currency_code")],
    ..PLAIN
};

/// A reason to return something.
pub static RETURN_REASON: Entity = Entity {
    table: "return_reason",
    key: "id",
    columns: &[
        text("id"),
        text("value"),
        text("label"),
        text("parent_return_reason_id"),
        text("description"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[
        one("parent_return_reason", &RETURN_REASON, "parent_return_reason_id"),
        Relation {
            inverse: Some("parent_return_reason"),
            ..many("return_reason_children", &RETURN_REASON, Join::Holding("parent_return_reason_id"), "{t}.id")
        },
    ],
    computed: &[],
    searched: &[],
    searched_relations: &[],
    visible: None,
    tag: None,
    owner: None,
};
