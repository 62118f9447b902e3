//! How goods leave: profiles, fulfillment sets, zones, shipping options.

use super::{Computed, Entity, Join, PLAIN, PRICE, Relation, STOCK_LOCATION, boolean, json, many, one, text, time};

/// A shipping option.
pub static SHIPPING_OPTION: Entity = Entity {
    table: "shipping_option",
    columns: &[
        text("id"),
        text("name"),
        text("price_type"),
        json("data"),
        text("provider_id"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
        text("service_zone_id"),
        text("shipping_profile_id"),
        text("shipping_option_type_id"),
    ],
    relations: &[
        Relation {
            inverse: Some("shipping_option"),
            ..many("rules", &SHIPPING_OPTION_RULE, Join::Holding("shipping_option_id"), "{t}.id")
        },
        one("type", &SHIPPING_OPTION_TYPE, "shipping_option_type_id"),
        one("service_zone", &SERVICE_ZONE, "service_zone_id"),
        one("shipping_profile", &SHIPPING_PROFILE, "shipping_profile_id"),
        one("provider", &FULFILLMENT_PROVIDER, "provider_id"),
        many(
            "prices",
            &PRICE,
            Join::Where(
                "{t}.price_set_id = (SELECT k.price_set_id FROM shipping_option_price_set k \
                 WHERE k.shipping_option_id = {p}.id)",
            ),
            "{t}.id",
        ),
    ],
    computed: &[("calculated_price", Computed::Price)],
    searched: &["name"],
    ..PLAIN
};

/// A condition on a shipping option.
pub static SHIPPING_OPTION_RULE: Entity = Entity {
    table: "shipping_option_rule",
    columns: &[
        text("id"),
        text("attribute"),
        text("operator"),
        json("value"),
        text("shipping_option_id"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[Relation { reference: true, ..one("shipping_option", &SHIPPING_OPTION, "shipping_option_id") }],
    ..PLAIN
};

/// A kind of shipping option.
pub static SHIPPING_OPTION_TYPE: Entity = Entity {
    table: "shipping_option_type",
    columns: &[
        text("id"),
        text("label"),
        text("description"),
        text("code"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    searched: &["label", "description", "code"],
    ..PLAIN
};

/// What is shipped alike.
pub static SHIPPING_PROFILE: Entity = Entity {
    table: "shipping_profile",
    columns: &[
        text("id"),
        text("name"),
        text("type"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    searched: &["name"],
    ..PLAIN
};

/// Who ships.
pub static FULFILLMENT_PROVIDER: Entity = Entity {
    table: "fulfillment_provider",
    columns: &[text("id"), boolean("is_enabled"), time("created_at"), time("updated_at"), time("deleted_at")],
    ..PLAIN
};

/// The ways out of a stock location.
pub static FULFILLMENT_SET: Entity = Entity {
    table: "fulfillment_set",
    columns: &[
        text("id"),
        text("name"),
        text("type"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[
        Relation {
            inverse: Some("fulfillment_set"),
            ..many("service_zones", &SERVICE_ZONE, Join::Holding("fulfillment_set_id"), "{t}.id")
        },
        Relation {
            cardinality: super::Cardinality::One,
            ..many(
                "location",
                &STOCK_LOCATION,
                Join::Where(
                    "{t}.id = (SELECT min(k.stock_location_id) FROM location_fulfillment_set k \
                     WHERE k.fulfillment_set_id = {p}.id)",
                ),
                "",
            )
        },
    ],
    ..PLAIN
};

/// Where a fulfillment set ships to.
pub static SERVICE_ZONE: Entity = Entity {
    table: "service_zone",
    columns: &[
        text("id"),
        text("name"),
        json("metadata"),
        text("fulfillment_set_id"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[
        Relation { reference: true, ..one("fulfillment_set", &FULFILLMENT_SET, "fulfillment_set_id") },
        Relation {
            inverse: Some("service_zone"),
            ..many("geo_zones", &GEO_ZONE, Join::Holding("service_zone_id"), "{t}.id")
        },
        many("shipping_options", &SHIPPING_OPTION, Join::Holding("service_zone_id"), "{t}.id"),
    ],
    ..PLAIN
};

/// A part of the world.
pub static GEO_ZONE: Entity = Entity {
    table: "geo_zone",
    columns: &[
        text("id"),
        text("type"),
        text("country_code"),
        text("province_code"),
        text("city"),
        json("postal_expression"),
        json("metadata"),
        text("service_zone_id"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[Relation { reference: true, ..one("service_zone", &SERVICE_ZONE, "service_zone_id") }],
    ..PLAIN
};
