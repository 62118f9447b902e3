//! Promotions, as carts show them.

use super::{Entity, Join, Relation, boolean, integer, json, numeric, one, raw, text, time};

/// A promotion.
pub static PROMOTION: Entity = Entity {
    table: "promotion",
    key: "id",
    columns: &[
        text("id"),
        text("code"),
        boolean("is_automatic"),
        boolean("is_tax_inclusive"),
        integer("limit"),
        integer("used"),
        text("type"),
        text("status"),
        text("campaign_id"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[
        Relation { reference: true, ..one("campaign", &CAMPAIGN, "campaign_id") },
        Relation {
            join: Join::Where("{t}.promotion_id = {p}.id"),
            inverse: Some("promotion"),
            ..one("application_method", &APPLICATION_METHOD, "id")
        },
    ],
    computed: &[],
    searched: &["code"],
    searched_relations: &[],
    visible: None,
    tag: None,
    owner: None,
};

/// What a promotion takes off, and how.
pub static APPLICATION_METHOD: Entity = Entity {
    table: "promotion_application_method",
    key: "id",
    columns: &[
        text("id"),
        numeric("value"),
        raw("raw_value"),
        text("currency_code"),
        integer("max_quantity"),
        integer("apply_to_quantity"),
        integer("buy_rules_min_quantity"),
        text("type"),
        text("target_type"),
        text("allocation"),
        text("promotion_id"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[Relation { reference: true, ..one("promotion", &PROMOTION, "promotion_id") }],
    computed: &[],
    searched: &[],
    searched_relations: &[],
    visible: None,
    tag: None,
    owner: None,
};

static CAMPAIGN: Entity = Entity {
    table: "promotion_campaign",
    key: "id",
    columns: &[
        text("id"),
        text("name"),
        text("description"),
        text("campaign_identifier"),
        time("starts_at"),
        time("ends_at"),
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
