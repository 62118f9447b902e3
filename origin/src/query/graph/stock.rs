//! Inventory items, their levels, and stock locations, as the Admin API shows them.

use super::{
    Entity, FULFILLMENT_PROVIDER, FULFILLMENT_SET, Join, PLAIN, SALES_CHANNEL, VARIANT, boolean, json, many, numeric,
    one, raw, text, time,
};

/// What stock is kept of, with the sums of its levels: the view `admin_inventory_item`.
pub static INVENTORY_ITEM: Entity = Entity {
    table: "admin_inventory_item",
    columns: &[
        text("id"),
        text("sku"),
        text("title"),
        text("description"),
        text("thumbnail"),
        text("origin_country"),
        text("hs_code"),
        boolean("requires_shipping"),
        text("mid_code"),
        text("material"),
        text("unit_of_measure"),
        numeric("weight"),
        numeric("length"),
        numeric("height"),
        numeric("width"),
        json("metadata"),
        numeric("reserved_quantity"),
        numeric("stocked_quantity"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[
        many("location_levels", &INVENTORY_LEVEL, Join::Holding("inventory_item_id"), "{t}.id"),
        many(
            "variants",
            &VARIANT,
            Join::Link { table: "product_variant_inventory_item", near: "inventory_item_id", far: "variant_id" },
            "{t}.id",
        ),
    ],
    searched: &["sku", "title", "description"],
    ..PLAIN
};

/// How much of an item is where: the view `admin_inventory_level`.
pub static INVENTORY_LEVEL: Entity = Entity {
    table: "admin_inventory_level",
    columns: &[
        text("id"),
        text("location_id"),
        json("metadata"),
        text("inventory_item_id"),
        raw("raw_stocked_quantity"),
        raw("raw_reserved_quantity"),
        raw("raw_incoming_quantity"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
        numeric("available_quantity"),
        numeric("stocked_quantity"),
        numeric("reserved_quantity"),
        numeric("incoming_quantity"),
    ],
    relations: &[many("stock_locations", &STOCK_LOCATION, Join::Where("{t}.id = {p}.location_id"), "{t}.id")],
    ..PLAIN
};

/// A place that keeps stock.
pub static STOCK_LOCATION: Entity = Entity {
    table: "stock_location",
    columns: &[
        text("id"),
        text("name"),
        text("address_id"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[
        one("address", &STOCK_LOCATION_ADDRESS, "address_id"),
        many(
            "sales_channels",
            &SALES_CHANNEL,
            Join::Link { table: "sales_channel_stock_location", near: "stock_location_id", far: "sales_channel_id" },
            "{t}.id",
        ),
        many(
            "fulfillment_sets",
            &FULFILLMENT_SET,
            Join::Link { table: "location_fulfillment_set", near: "stock_location_id", far: "fulfillment_set_id" },
            "{t}.id",
        ),
        many(
            "fulfillment_providers",
            &FULFILLMENT_PROVIDER,
            Join::Link {
                table: "location_fulfillment_provider",
                near: "stock_location_id",
                far: "fulfillment_provider_id",
            },
            "{t}.id",
        ),
    ],
    searched: &["name"],
    ..PLAIN
};

/// Where a stock location is.
pub static STOCK_LOCATION_ADDRESS: Entity = Entity {
    table: "stock_location_address",
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
    ..PLAIN
};
