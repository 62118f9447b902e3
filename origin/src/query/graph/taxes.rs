//! Tax regions and rates.

use super::{Entity, Join, PLAIN, Relation, boolean, json, many, numeric, one, text, time};

/// A country, or a province of one.
pub static TAX_REGION: Entity = Entity {
    table: "tax_region",
    columns: &[
        text("id"),
        text("country_code"),
        text("province_code"),
        json("metadata"),
        text("created_by"),
        text("provider_id"),
        text("parent_id"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[
        Relation { reference: true, ..one("provider", &TAX_PROVIDER, "provider_id") },
        Relation { reference: true, ..one("parent", &TAX_REGION, "parent_id") },
        Relation { inverse: Some("parent"), ..many("children", &TAX_REGION, Join::Holding("parent_id"), "{t}.id") },
        Relation {
            inverse: Some("tax_region"),
            ..many("tax_rates", &TAX_RATE, Join::Holding("tax_region_id"), "{t}.id")
        },
    ],
    searched: &["country_code", "province_code"],
    ..PLAIN
};

/// Who works taxes out, as regions name it: providers are code and have no table of their own.
pub static TAX_PROVIDER: Entity = Entity {
    table: "(SELECT DISTINCT provider_id AS id, true AS is_enabled, NULL::timestamptz AS deleted_at \
            FROM tax_region WHERE provider_id IS NOT NULL)",
    columns: &[text("id"), boolean("is_enabled")],
    ..PLAIN
};

/// A rate of a tax region.
pub static TAX_RATE: Entity = Entity {
    table: "tax_rate",
    columns: &[
        text("id"),
        numeric("rate"),
        text("code"),
        text("name"),
        boolean("is_default"),
        boolean("is_combinable"),
        text("tax_region_id"),
        json("metadata"),
        text("created_by"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[
        Relation { reference: true, ..one("tax_region", &TAX_REGION, "tax_region_id") },
        Relation { inverse: Some("tax_rate"), ..many("rules", &TAX_RATE_RULE, Join::Holding("tax_rate_id"), "{t}.id") },
    ],
    searched: &["name", "code"],
    ..PLAIN
};

/// What a rate is for.
pub static TAX_RATE_RULE: Entity = Entity {
    table: "tax_rate_rule",
    columns: &[
        text("id"),
        text("reference"),
        text("reference_id"),
        text("tax_rate_id"),
        json("metadata"),
        text("created_by"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[Relation { reference: true, ..one("tax_rate", &TAX_RATE, "tax_rate_id") }],
    ..PLAIN
};
