//! Shipping options, as carts may choose them.

use super::{Computed, Entity, Join, Relation, boolean, integer, json, many, numeric, one, raw, text, time};

const fn entity(table: &'static str) -> Entity {
    Entity {
        table,
        key: "id",
        columns: &[],
        relations: &[],
        computed: &[],
        searched: &[],
        searched_relations: &[],
        visible: None,
        tag: None,
        owner: None,
    }
}

/// A shipping option.
pub static SHIPPING_OPTION: Entity = Entity {
    columns: &[
        text("id"),
        text("name"),
        text("price_type"),
        text("service_zone_id"),
        text("shipping_profile_id"),
        text("provider_id"),
        text("shipping_option_type_id"),
        json("data"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[
        one("service_zone", &SERVICE_ZONE, "service_zone_id"),
        one("type", &SHIPPING_OPTION_TYPE, "shipping_option_type_id"),
        one("provider", &FULFILLMENT_PROVIDER, "provider_id"),
        many("rules", &SHIPPING_OPTION_RULE, Join::Holding("shipping_option_id"), "{t}.id"),
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
    ..entity("shipping_option")
};

static SERVICE_ZONE: Entity = Entity {
    columns: &[
        text("id"),
        text("name"),
        text("fulfillment_set_id"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[one("fulfillment_set", &FULFILLMENT_SET, "fulfillment_set_id")],
    ..entity("service_zone")
};

static FULFILLMENT_SET: Entity = Entity {
    columns: &[
        text("id"),
        text("name"),
        text("type"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[Relation {
        join: Join::Where(
            "{t}.id = (SELECT min(k.stock_location_id) FROM location_fulfillment_set k \
             WHERE k.fulfillment_set_id = {p}.id)",
        ),
        ..one("location", &STOCK_LOCATION, "id")
    }],
    ..entity("fulfillment_set")
};

static STOCK_LOCATION: Entity = Entity {
    columns: &[
        text("id"),
        text("name"),
        text("address_id"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[one("address", &STOCK_LOCATION_ADDRESS, "address_id")],
    ..entity("stock_location")
};

static STOCK_LOCATION_ADDRESS: Entity = Entity {
    columns: &[
        text("id"),
        text("address_1"),
        text("address_2"),
        text("company"),
        text("city"),
        text("country_code"),
        text("phone"),
        text("province"),
        text("postal_code"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    ..entity("stock_location_address")
};

static SHIPPING_OPTION_TYPE: Entity = Entity {
    columns: &[
        text("id"),
        text("label"),
        text("description"),
        text("code"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    ..entity("shipping_option_type")
};

static FULFILLMENT_PROVIDER: Entity = Entity {
    columns: &[text("id"), boolean("is_enabled"), time("created_at"), time("updated_at"), time("deleted_at")],
    ..entity("fulfillment_provider")
};

static SHIPPING_OPTION_RULE: Entity = Entity {
    columns: &[
        text("id"),
        text("attribute"),
        json("value"),
        text("operator"),
        text("shipping_option_id"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    ..entity("shipping_option_rule")
};

static PRICE: Entity = Entity {
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
    ..entity("price")
};

static PRICE_LIST: Entity = Entity { columns: &[text("id"), text("title"), text("type")], ..entity("price_list") };

static PRICE_RULE: Entity = Entity {
    columns: &[
        text("id"),
        text("attribute"),
        text("value"),
        text("operator"),
        integer("priority"),
        text("price_id"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    ..entity("price_rule")
};
