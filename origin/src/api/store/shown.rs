//! What each Store route shows, and may be asked to show (`api/store/*/query-config.js`).

use std::sync::LazyLock;

use crate::query::fields::{Shown, prefixed};

const PRODUCT_DEFAULTS: &[&str] = &[
    "id",
    "title",
    "subtitle",
    "description",
    "handle",
    "is_giftcard",
    "discountable",
    "thumbnail",
    "collection_id",
    "type_id",
    "weight",
    "length",
    "height",
    "width",
    "hs_code",
    "origin_country",
    "mid_code",
    "material",
    "created_at",
    "updated_at",
    "*type",
    "*collection",
    "*options",
    "*options.values",
    "*tags",
    "*images",
    "*variants",
    "*variants.options",
];

/// What may be asked of a product besides: whole relations, then the columns of each that Medusa names.
const PRODUCT_EXTRA: &[&str] = &[
    "metadata",
    "categories",
    "status",
    "external_id",
    "deleted_at",
    "variants.calculated_price",
    "variants.inventory_quantity",
    "variants.images",
    "variants.options.option",
];
const PRODUCT_EXTRA_PARTS: &[(&str, &[&str])] = &[
    (
        "variants",
        &[
            "id",
            "title",
            "sku",
            "barcode",
            "ean",
            "upc",
            "hs_code",
            "origin_country",
            "mid_code",
            "material",
            "weight",
            "length",
            "height",
            "width",
            "created_at",
            "updated_at",
            "deleted_at",
            "manage_inventory",
            "allow_backorder",
            "thumbnail",
            "options.id",
            "options.value",
        ],
    ),
    ("options", &["id", "title", "is_exclusive", "values.id", "values.value"]),
    ("images", &["id", "url", "rank"]),
    ("type", &["id", "value", "created_at", "updated_at"]),
    ("tags", &["id", "value", "created_at", "updated_at"]),
    ("collection", &["id", "title", "handle", "created_at", "updated_at", "deleted_at", "metadata"]),
];

fn owned(paths: &[&str]) -> Vec<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

fn product_extra() -> Vec<String> {
    let mut extra = owned(PRODUCT_EXTRA);
    extra.extend(PRODUCT_EXTRA_PARTS.iter().flat_map(|(name, parts)| prefixed(name, parts.iter().copied())));
    extra
}

/// Paths of products below something that shows them.
fn below_products() -> Vec<String> {
    let extra = product_extra();
    let all = PRODUCT_DEFAULTS.iter().copied().chain(extra.iter().map(String::as_str));
    prefixed("products", all).collect()
}

pub(super) static PRODUCT_SHOWN: LazyLock<Shown> =
    LazyLock::new(|| Shown::new(PRODUCT_DEFAULTS, product_extra()).depth(4));
pub(super) static COLLECTION_SHOWN: LazyLock<Shown> = LazyLock::new(|| {
    let extra = owned(&["products", "metadata", "deleted_at"]).into_iter().chain(below_products());
    Shown::new(&["id", "title", "handle", "external_id", "created_at", "updated_at"], extra)
});
pub(super) static NAMED_SHOWN: LazyLock<Shown> = LazyLock::new(|| {
    Shown::new(&["id", "value", "external_id", "created_at", "updated_at", "metadata", "*products"], below_products())
});
pub(super) static CATEGORY_SHOWN: LazyLock<Shown> = LazyLock::new(|| Shown::new(CATEGORY_DEFAULTS, category_extra()));
pub(super) static REGION_SHOWN: LazyLock<Shown> = LazyLock::new(|| {
    let countries = prefixed("countries", ["id", "iso_2", "iso_3", "num_code", "name", "display_name"]);
    let providers = prefixed("payment_providers", ["id", "is_enabled"]);
    let extra = countries.chain(["payment_providers".to_owned()]).chain(providers);
    let defaults = &["id", "name", "currency_code", "created_at", "updated_at", "deleted_at", "metadata", "*countries"];
    Shown::new(defaults, extra)
});
pub(super) static CURRENCY_SHOWN: LazyLock<Shown> = LazyLock::new(|| {
    let defaults = &["code", "name", "symbol", "symbol_native", "decimal_digits", "rounding"];
    Shown::new(defaults, owned(&["created_at", "updated_at", "deleted_at"]))
});
pub(super) static OPTION_SHOWN: LazyLock<Shown> = LazyLock::new(|| {
    let defaults = &["id", "title", "is_exclusive", "values.*", "created_at", "updated_at", "metadata"];
    Shown::new(defaults, owned(&["values.id", "values.value"]))
});
pub(super) static RETURN_REASON_SHOWN: LazyLock<Shown> = LazyLock::new(|| Shown::new(RETURN_REASON_DEFAULTS, []));
pub(super) static VARIANT_SHOWN: LazyLock<Shown> = LazyLock::new(|| {
    let extra = ["deleted_at", "calculated_price", "inventory_quantity", "options.id", "options.value", "images.id"];
    Shown::new(VARIANT_DEFAULTS, owned(&extra).into_iter().chain(owned(&["images.url", "images.rank"])))
});

pub(super) static CUSTOMER_SHOWN: LazyLock<Shown> = LazyLock::new(|| {
    let addresses = prefixed("addresses", CUSTOMER_ADDRESS_DEFAULTS.iter().copied());
    Shown::new(CUSTOMER_DEFAULTS, addresses.chain(["orders".to_owned()]))
});
pub(super) static CUSTOMER_ADDRESS_SHOWN: LazyLock<Shown> = LazyLock::new(|| Shown::new(CUSTOMER_ADDRESS_DEFAULTS, []));

const CUSTOMER_DEFAULTS: &[&str] = &[
    "id",
    "email",
    "company_name",
    "first_name",
    "last_name",
    "phone",
    "metadata",
    "has_account",
    "deleted_at",
    "created_at",
    "updated_at",
    "*addresses",
];
const CUSTOMER_ADDRESS_DEFAULTS: &[&str] = &[
    "id",
    "address_name",
    "company",
    "customer_id",
    "first_name",
    "last_name",
    "address_1",
    "address_2",
    "city",
    "province",
    "postal_code",
    "country_code",
    "phone",
    "metadata",
    "is_default_shipping",
    "is_default_billing",
    "created_at",
    "updated_at",
];

const CATEGORY_DEFAULTS: &[&str] = &[
    "id",
    "name",
    "description",
    "handle",
    "rank",
    "external_id",
    "parent_category_id",
    "created_at",
    "updated_at",
    "metadata",
    "*parent_category",
    "*category_children",
];
const CATEGORY_PARTS: [&str; 10] = [
    "id",
    "name",
    "description",
    "handle",
    "rank",
    "external_id",
    "parent_category_id",
    "created_at",
    "updated_at",
    "deleted_at",
];
const CATEGORY_LEVELS: usize = 3;

/// A nested category is a category too: each level has its own exact paths.
fn category_extra() -> Vec<String> {
    let mut paths = owned(&[
        "products",
        "deleted_at",
        "products.title",
        "products.variants",
        "products.options",
        "products.images",
        "category_children.products.title",
    ]);
    let ways = ["parent_category", "category_children"];
    let mut level = owned(&ways);
    for _ in 0..CATEGORY_LEVELS {
        paths.extend(level.iter().cloned());
        paths.extend(level.iter().flat_map(|prefix| prefixed(prefix, CATEGORY_PARTS)));
        level = level.iter().flat_map(|prefix| prefixed(prefix, ways)).collect();
    }
    paths
}

const RETURN_REASON_DEFAULTS: &[&str] = &[
    "id",
    "value",
    "label",
    "parent_return_reason_id",
    "description",
    "created_at",
    "updated_at",
    "deleted_at",
    "*parent_return_reason",
    "*return_reason_children",
];
const VARIANT_DEFAULTS: &[&str] = &[
    "id",
    "title",
    "sku",
    "barcode",
    "ean",
    "upc",
    "allow_backorder",
    "manage_inventory",
    "variant_rank",
    "product_id",
    "thumbnail",
    "hs_code",
    "origin_country",
    "mid_code",
    "material",
    "weight",
    "length",
    "height",
    "width",
    "created_at",
    "updated_at",
    "metadata",
    "*options",
    "*images",
    "product.id",
    "product.type_id",
];
