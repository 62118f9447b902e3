//! Carts with all that belongs to them. Columns and their order: `@medusajs/cart` models, as the Store API shows them.
//!
//! Nothing of it has tags: a cart is its visitor's, and no edge keeps it.

use super::{
    CUSTOMER, Computed, Entity, Join, PRODUCT, PROMOTION, REGION, Relation, VARIANT, boolean, integer, json, many,
    numeric, one, raw, text, text_if_any, time,
};

const fn total(name: &'static str) -> (&'static str, Computed) {
    (name, Computed::Total)
}

/// Names of a cart's totals ([`crate::totals::CartTotals::named`]).
const CART_TOTALS: &[(&str, Computed)] = &[
    total("total"),
    total("subtotal"),
    total("tax_total"),
    total("discount_total"),
    total("discount_subtotal"),
    total("discount_tax_total"),
    total("original_total"),
    total("original_subtotal"),
    total("original_tax_total"),
    total("item_total"),
    total("item_subtotal"),
    total("item_tax_total"),
    total("item_discount_total"),
    total("original_item_total"),
    total("original_item_subtotal"),
    total("original_item_tax_total"),
    total("shipping_total"),
    total("shipping_subtotal"),
    total("shipping_tax_total"),
    total("shipping_discount_total"),
    total("original_shipping_tax_total"),
    total("original_shipping_subtotal"),
    total("original_shipping_total"),
    total("credit_line_subtotal"),
    total("credit_line_tax_total"),
    total("credit_line_total"),
];
/// Names of a line's totals ([`crate::totals::LineTotals::named`]), and the same as raw values.
const LINE_TOTALS: &[(&str, Computed)] = &[
    total("subtotal"),
    total("total"),
    total("original_subtotal"),
    total("original_total"),
    total("discount_subtotal"),
    total("discount_tax_total"),
    total("discount_total"),
    total("tax_total"),
    total("original_tax_total"),
    total("raw_subtotal"),
    total("raw_total"),
    total("raw_original_subtotal"),
    total("raw_original_total"),
    total("raw_discount_subtotal"),
    total("raw_discount_tax_total"),
    total("raw_discount_total"),
    total("raw_tax_total"),
    total("raw_original_tax_total"),
];
/// Totals of a tax line, discount or credit.
const PART_TOTALS: &[(&str, Computed)] =
    &[total("total"), total("subtotal"), total("raw_total"), total("raw_subtotal")];

/// A cart.
pub static CART: Entity = Entity {
    columns: &[
        text("id"),
        text("currency_code"),
        text("email"),
        text("locale"),
        text("region_id"),
        time("created_at"),
        time("updated_at"),
        time("completed_at"),
        json("metadata"),
        text("sales_channel_id"),
        text_if_any("shipping_address_id"),
        text_if_any("billing_address_id"),
        text("customer_id"),
    ],
    relations: &[
        many("items", &LINE_ITEM, Join::Holding("cart_id"), "{t}.id"),
        many("shipping_methods", &SHIPPING_METHOD, Join::Holding("cart_id"), "{t}.id"),
        one("shipping_address", &CART_ADDRESS, "shipping_address_id"),
        one("billing_address", &CART_ADDRESS, "billing_address_id"),
        many("credit_lines", &CREDIT_LINE, Join::Holding("cart_id"), "{t}.id"),
        Relation { absent: true, ..one("customer", &CUSTOMER, "customer_id") },
        one("region", &REGION, "region_id"),
        many(
            "promotions",
            &PROMOTION,
            Join::Link { table: "cart_promotion", near: "cart_id", far: "promotion_id" },
            "{t}.id",
        ),
    ],
    computed: CART_TOTALS,
    ..part("cart")
};

/// What parts of a cart have in common.
const fn part(table: &'static str) -> Entity {
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

/// A line item.
pub static LINE_ITEM: Entity = Entity {
    columns: &[
        text("id"),
        text("title"),
        text("subtitle"),
        text("thumbnail"),
        integer("quantity"),
        text("variant_id"),
        text("product_id"),
        text("product_title"),
        text("product_description"),
        text("product_subtitle"),
        text("product_type"),
        text("product_type_id"),
        text("product_collection"),
        text("product_handle"),
        text("variant_sku"),
        text("variant_barcode"),
        text("variant_title"),
        json("variant_option_values"),
        boolean("requires_shipping"),
        boolean("is_discountable"),
        boolean("is_giftcard"),
        boolean("is_tax_inclusive"),
        boolean("is_custom_price"),
        json("metadata"),
        text("cart_id"),
        raw("raw_compare_at_unit_price"),
        raw("raw_unit_price"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
        numeric("compare_at_unit_price"),
        numeric("unit_price"),
    ],
    relations: &[
        many("adjustments", &LINE_ITEM_ADJUSTMENT, Join::Holding("item_id"), "{t}.id"),
        many("tax_lines", &LINE_ITEM_TAX_LINE, Join::Holding("item_id"), "{t}.id"),
        one("product", &PRODUCT, "product_id"),
        one("variant", &VARIANT, "variant_id"),
    ],
    computed: LINE_TOTALS,
    ..part("cart_line_item")
};

/// A shipping method.
pub static SHIPPING_METHOD: Entity = Entity {
    columns: &[
        text("id"),
        text("name"),
        json("description"),
        boolean("is_tax_inclusive"),
        text("shipping_option_id"),
        json("data"),
        json("metadata"),
        text("cart_id"),
        raw("raw_amount"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
        numeric("amount"),
    ],
    relations: &[
        many("tax_lines", &SHIPPING_METHOD_TAX_LINE, Join::Holding("shipping_method_id"), "{t}.id"),
        many("adjustments", &SHIPPING_METHOD_ADJUSTMENT, Join::Holding("shipping_method_id"), "{t}.id"),
    ],
    computed: LINE_TOTALS,
    ..part("cart_shipping_method")
};

static LINE_ITEM_TAX_LINE: Entity = Entity {
    columns: &[
        text("id"),
        text("description"),
        text("tax_rate_id"),
        text("code"),
        numeric("rate"),
        text("provider_id"),
        json("metadata"),
        json("data"),
        text("item_id"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    computed: PART_TOTALS,
    ..part("cart_line_item_tax_line")
};

static LINE_ITEM_ADJUSTMENT: Entity = Entity {
    columns: &[
        text("id"),
        text("description"),
        text("code"),
        text("promotion_id"),
        text("provider_id"),
        boolean("is_tax_inclusive"),
        json("metadata"),
        text("item_id"),
        raw("raw_amount"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
        numeric("amount"),
    ],
    computed: PART_TOTALS,
    ..part("cart_line_item_adjustment")
};

static SHIPPING_METHOD_TAX_LINE: Entity = Entity {
    columns: &[
        text("id"),
        text("description"),
        text("tax_rate_id"),
        text("code"),
        numeric("rate"),
        text("provider_id"),
        json("metadata"),
        json("data"),
        text("shipping_method_id"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    computed: PART_TOTALS,
    ..part("cart_shipping_method_tax_line")
};

static SHIPPING_METHOD_ADJUSTMENT: Entity = Entity {
    columns: &[
        text("id"),
        text("description"),
        text("code"),
        text("promotion_id"),
        text("provider_id"),
        json("metadata"),
        text("shipping_method_id"),
        raw("raw_amount"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
        numeric("amount"),
    ],
    computed: PART_TOTALS,
    ..part("cart_shipping_method_adjustment")
};

/// A credit.
pub static CREDIT_LINE: Entity = Entity {
    columns: &[
        text("id"),
        text("cart_id"),
        text("reference"),
        text("reference_id"),
        raw("raw_amount"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
        numeric("amount"),
    ],
    computed: PART_TOTALS,
    ..part("credit_line")
};

static CART_ADDRESS: Entity = Entity {
    columns: &[
        text("id"),
        text("customer_id"),
        text("company"),
        text("first_name"),
        text("last_name"),
        text("address_1"),
        text("address_2"),
        text("city"),
        text("country_code"),
        text("province"),
        text("postal_code"),
        text("phone"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    ..part("cart_address")
};
