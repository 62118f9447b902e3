//! Promotions and campaigns.

use super::{Cardinality, Entity, Join, PLAIN, Relation, boolean, integer, json, many, numeric, one, raw, text, time};

/// A promotion.
pub static PROMOTION: Entity = Entity {
    table: "promotion",
    columns: &[
        text("id"),
        text("code"),
        boolean("is_automatic"),
        boolean("is_tax_inclusive"),
        text("type"),
        integer("limit"),
        integer("used"),
        text("status"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
        text("campaign_id"),
    ],
    relations: &[
        single("application_method", &APPLICATION_METHOD, "{t}.promotion_id = {p}.id"),
        many("rules", &PROMOTION_RULE, rules("promotion_promotion_rule", "promotion_id"), "{t}.id"),
        Relation { reference: true, ..one("campaign", &CAMPAIGN, "campaign_id") },
    ],
    searched: &["code"],
    ..PLAIN
};

/// What a promotion takes off.
pub static APPLICATION_METHOD: Entity = Entity {
    table: "promotion_application_method",
    columns: &[
        text("id"),
        text("currency_code"),
        integer("max_quantity"),
        integer("apply_to_quantity"),
        integer("buy_rules_min_quantity"),
        text("type"),
        text("target_type"),
        text("allocation"),
        raw("raw_value"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
        text("promotion_id"),
        numeric("value"),
    ],
    relations: &[
        many(
            "target_rules",
            &PROMOTION_RULE,
            rules("application_method_target_rules", "application_method_id"),
            "{t}.id",
        ),
        many("buy_rules", &PROMOTION_RULE, rules("application_method_buy_rules", "application_method_id"), "{t}.id"),
    ],
    ..PLAIN
};

/// A rule of a promotion.
pub static PROMOTION_RULE: Entity = Entity {
    table: "promotion_rule",
    columns: &[
        text("id"),
        text("description"),
        text("attribute"),
        text("operator"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[many("values", &PROMOTION_RULE_VALUE, Join::Holding("promotion_rule_id"), "{t}.id")],
    ..PLAIN
};

/// A value that a rule compares with.
pub static PROMOTION_RULE_VALUE: Entity = Entity {
    table: "promotion_rule_value",
    columns: &[
        text("id"),
        text("value"),
        text("promotion_rule_id"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    ..PLAIN
};

/// A campaign.
pub static CAMPAIGN: Entity = Entity {
    table: "promotion_campaign",
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
    relations: &[
        single("budget", &CAMPAIGN_BUDGET, "{t}.campaign_id = {p}.id"),
        many("promotions", &PROMOTION, Join::Holding("campaign_id"), "{t}.id"),
    ],
    searched: &["name", "description"],
    ..PLAIN
};

/// What a campaign may spend.
pub static CAMPAIGN_BUDGET: Entity = Entity {
    table: "promotion_campaign_budget",
    columns: &[
        text("id"),
        text("type"),
        text("currency_code"),
        text("attribute"),
        text("campaign_id"),
        raw("raw_limit"),
        raw("raw_used"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
        numeric("limit"),
        numeric("used"),
    ],
    ..PLAIN
};

/// To the one row that names its parent.
const fn single(name: &'static str, target: &'static Entity, condition: &'static str) -> Relation {
    Relation { cardinality: Cardinality::One, ..many(name, target, Join::Where(condition), "") }
}

const fn rules(table: &'static str, near: &'static str) -> Join {
    Join::Link { table, near, far: "promotion_rule_id" }
}
