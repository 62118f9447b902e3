//! Products and what they are made of. Columns and their order: `@medusajs/product` models, as the Store API shows them.

use super::admin::{SALES_CHANNEL, VARIANT_PRICE};
use super::{Column, Computed, Entity, Join, Relation, boolean, integer, json, many, numeric, one, text, time};
use vitrine_shared::tag::Tag;

/// Sold by the key's channels, and published.
const PRODUCT_VISIBLE: &str = "{t}.status = 'published' AND EXISTS (SELECT 1 FROM product_sales_channel sold \
     WHERE sold.product_id = {t}.id AND sold.sales_channel_id = ANY({channels}))";
/// Of a product that is.
const VARIANT_VISIBLE: &str = "EXISTS (SELECT 1 FROM product_sales_channel sold JOIN product p ON p.id = sold.product_id \
     WHERE sold.product_id = {t}.product_id AND sold.sales_channel_id = ANY({channels}) \
     AND p.status = 'published' AND p.deleted_at IS NULL)";
/// Offered to the public.
const CATEGORY_VISIBLE: &str = "{t}.is_active AND NOT {t}.is_internal";
/// A variant's own images and those of its product that belong to no variant (`ProductModuleService.getVariantImages`).
const VARIANT_IMAGES: &str = "{t}.product_id = {p}.product_id AND (\
     NOT EXISTS (SELECT 1 FROM product_variant_image any_ WHERE any_.image_id = {t}.id) OR \
     EXISTS (SELECT 1 FROM product_variant_image own WHERE own.image_id = {t}.id AND own.variant_id = {p}.id))";

/// Values of options that variants of a product have: not shown, but filtered by.
const OPTION_VALUES: &str = "EXISTS (SELECT 1 FROM product_variant_option has JOIN product_variant v ON v.id = has.variant_id \
     WHERE has.option_value_id = {t}.id AND v.product_id = {p}.id AND v.deleted_at IS NULL)";

/// A product.
pub static PRODUCT: Entity = Entity {
    table: "product",
    key: "id",
    columns: &[
        text("id"),
        text("title"),
        text("handle"),
        text("subtitle"),
        text("description"),
        boolean("is_giftcard"),
        text("status"),
        text("thumbnail"),
        numeric("weight"),
        numeric("length"),
        numeric("height"),
        numeric("width"),
        text("origin_country"),
        text("hs_code"),
        text("mid_code"),
        text("material"),
        boolean("discountable"),
        text("external_id"),
        json("metadata"),
        text("type_id"),
        text("collection_id"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[
        Relation { reference: true, ..one("type", &TYPE, "type_id") },
        Relation { reference: true, ..one("collection", &COLLECTION, "collection_id") },
        many(
            "options",
            &OPTION,
            Join::Link { table: "product_product_option", near: "product_id", far: "product_option_id" },
            "{t}.id",
        ),
        many("tags", &TAG, Join::Link { table: "product_tags", near: "product_id", far: "product_tag_id" }, "{t}.id"),
        many("images", &IMAGE, Join::Holding("product_id"), "{t}.rank, {t}.id"),
        Relation {
            inverse: Some("product"),
            ..many("variants", &VARIANT, Join::Holding("product_id"), "{t}.variant_rank, {t}.id")
        },
        Relation {
            guarded: true,
            ..many(
                "categories",
                &CATEGORY,
                Join::Link { table: "product_category_product", near: "product_id", far: "product_category_id" },
                "{t}.id",
            )
        },
        many("option_values", &OPTION_VALUE, Join::Where(OPTION_VALUES), "{t}.id"),
        many(
            "sales_channels",
            &SALES_CHANNEL,
            Join::Link { table: "product_sales_channel", near: "product_id", far: "sales_channel_id" },
            "{t}.id",
        ),
    ],
    computed: &[],
    searched: &["title", "subtitle", "description"],
    searched_relations: &["variants"],
    visible: Some(PRODUCT_VISIBLE),
    tag: Some(Tag::product),
    owner: None,
};

/// A product variant.
pub static VARIANT: Entity = Entity {
    table: "product_variant",
    key: "id",
    columns: &[
        text("id"),
        text("title"),
        text("sku"),
        text("barcode"),
        text("ean"),
        text("upc"),
        boolean("allow_backorder"),
        boolean("manage_inventory"),
        text("hs_code"),
        text("origin_country"),
        text("mid_code"),
        text("material"),
        numeric("weight"),
        numeric("length"),
        numeric("height"),
        numeric("width"),
        json("metadata"),
        integer("variant_rank"),
        text("thumbnail"),
        text("product_id"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[
        Relation { reference: true, ..one("product", &PRODUCT, "product_id") },
        many("images", &IMAGE, Join::Where(VARIANT_IMAGES), "{t}.rank, {t}.id"),
        many(
            "options",
            &OPTION_VALUE,
            Join::Link { table: "product_variant_option", near: "variant_id", far: "option_value_id" },
            "{t}.id",
        ),
        many("prices", &VARIANT_PRICE, Join::Holding("variant_id"), "{t}.id"),
    ],
    computed: &[("calculated_price", Computed::Price), ("inventory_quantity", Computed::Stock)],
    searched: &["title", "sku", "barcode", "ean", "upc"],
    searched_relations: &["product"],
    visible: Some(VARIANT_VISIBLE),
    // Whatever shows a variant shows its product, and every event of a variant purges that.
    tag: None,
    owner: Some("product"),
};

/// An option of products, such as Size.
pub static OPTION: Entity = Entity {
    table: "product_option",
    key: "id",
    columns: &[
        text("id"),
        text("title"),
        boolean("is_exclusive"),
        json("metadata"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[Relation {
        inverse: Some("option"),
        ..many("values", &OPTION_VALUE, Join::Holding("option_id"), "{t}.position, {t}.id")
    }],
    computed: &[],
    searched: &["title"],
    searched_relations: &[],
    visible: None,
    tag: None,
    owner: None,
};

/// A value of an option, such as XL.
pub static OPTION_VALUE: Entity = Entity {
    table: "product_option_value",
    key: "id",
    columns: &[
        text("id"),
        text("value"),
        integer("rank"),
        json("metadata"),
        text("option_id"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[Relation { reference: true, ..one("option", &OPTION, "option_id") }],
    computed: &[],
    searched: &["value"],
    searched_relations: &[],
    visible: None,
    tag: None,
    owner: None,
};

/// An image of a product.
pub static IMAGE: Entity = Entity {
    table: "product_image",
    key: "id",
    columns: &[
        text("id"),
        text("url"),
        json("metadata"),
        integer("rank"),
        text("product_id"),
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

const NAMED_BY_TITLE: [Column; 8] = [
    text("id"),
    text("title"),
    text("handle"),
    text("external_id"),
    json("metadata"),
    time("created_at"),
    time("updated_at"),
    time("deleted_at"),
];
const NAMED_BY_VALUE: [Column; 7] = [
    text("id"),
    text("value"),
    text("external_id"),
    json("metadata"),
    time("created_at"),
    time("updated_at"),
    time("deleted_at"),
];

/// A collection of products.
pub static COLLECTION: Entity = Entity {
    table: "product_collection",
    key: "id",
    columns: &NAMED_BY_TITLE,
    relations: &[Relation {
        inverse: Some("collection"),
        guarded: true,
        members: Some(Tag::products_of_collection),
        ..many("products", &PRODUCT, Join::Holding("collection_id"), "{t}.id")
    }],
    computed: &[],
    searched: &["title"],
    searched_relations: &[],
    visible: None,
    tag: Some(Tag::collection),
    owner: None,
};

/// A product type.
pub static TYPE: Entity = Entity {
    table: "product_type",
    key: "id",
    columns: &NAMED_BY_VALUE,
    relations: &[Relation {
        inverse: Some("type"),
        guarded: true,
        members: Some(Tag::products_of_type),
        ..many("products", &PRODUCT, Join::Holding("type_id"), "{t}.id")
    }],
    computed: &[],
    searched: &["value"],
    searched_relations: &[],
    visible: None,
    tag: Some(Tag::product_type),
    owner: None,
};

/// A product tag.
pub static TAG: Entity = Entity {
    table: "product_tag",
    key: "id",
    columns: &NAMED_BY_VALUE,
    relations: &[Relation {
        guarded: true,
        members: Some(Tag::products_of_tag),
        ..many(
            "products",
            &PRODUCT,
            Join::Link { table: "product_tags", near: "product_tag_id", far: "product_id" },
            "{t}.id",
        )
    }],
    computed: &[],
    searched: &["value"],
    searched_relations: &[],
    visible: None,
    tag: Some(Tag::product_tag),
    owner: None,
};

/// A category.
pub static CATEGORY: Entity = Entity {
    table: "product_category",
    key: "id",
    columns: &[
        text("id"),
        text("name"),
        text("description"),
        text("handle"),
        text("mpath"),
        boolean("is_active"),
        boolean("is_internal"),
        integer("rank"),
        text("external_id"),
        json("metadata"),
        text("parent_category_id"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[
        Relation { guarded: true, ..one("parent_category", &CATEGORY, "parent_category_id") },
        Relation {
            inverse: Some("parent_category"),
            guarded: true,
            ..many("category_children", &CATEGORY, Join::Holding("parent_category_id"), "{t}.rank, {t}.id")
        },
        Relation {
            guarded: true,
            members: Some(Tag::products_of_category),
            ..many(
                "products",
                &PRODUCT,
                Join::Link { table: "product_category_product", near: "product_category_id", far: "product_id" },
                "{t}.id",
            )
        },
    ],
    computed: &[],
    searched: &["name", "description", "handle"],
    searched_relations: &[],
    visible: Some(CATEGORY_VISIBLE),
    tag: Some(Tag::category),
    owner: None,
};
