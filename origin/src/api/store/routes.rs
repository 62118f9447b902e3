//! The Store API's lists: what each shows, may show, and takes (`api/store/*/query-config.js`, `validators.js`).

use std::sync::LazyLock;

use vitrine_shared::tag::Tag;

use super::params::{Form, Meaning, Param};
use crate::query::fields::{Shown, prefixed};
use crate::query::graph::{self, Entity};

/// A list and its retrieval.
#[derive(Debug)]
pub struct Route {
    /// What it shows.
    pub entity: &'static Entity,
    /// Which fields.
    pub shown: &'static LazyLock<Shown>,
    /// What the list takes.
    pub params: &'static [Param],
    /// What the retrieval takes.
    pub retrieve_params: &'static [Param],
    /// The default of `limit`.
    pub limit: i64,
    /// The default of `order`.
    pub order: Option<&'static str>,
    /// The name of a list in the answer.
    pub many: &'static str,
    /// The name of one in the answer.
    pub one: &'static str,
    /// What one is called in sentences.
    pub title: &'static str,
    /// The tag of one, by its key.
    pub tag: fn(&str) -> Tag,
    /// The set that lists are of, for its `all:` tag; none for products, whose lists have finer tags.
    pub set: Option<&'static str>,
    /// Where its variants are, for prices and stock.
    pub variants: Variants,
}

/// Where the variants of an answer are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variants {
    /// Not shown with prices.
    None,
    /// The answer is of variants.
    Root,
    /// Below `variants`.
    Below,
}

const fn filter(name: &'static str, form: Form, meaning: Meaning) -> Param {
    Param { name, form, meaning, tag: None }
}

const fn texts(name: &'static str) -> Param {
    filter(name, Form::Texts, Meaning::Column(name))
}

const fn tagged(name: &'static str, tag: fn(&str) -> Tag) -> Param {
    Param { tag: Some(tag), ..texts(name) }
}

const fn flag(name: &'static str) -> Param {
    filter(name, Form::Flag, Meaning::Column(name))
}

const fn times(name: &'static str) -> Param {
    filter(name, Form::Operators, Meaning::Column(name))
}

const fn context(name: &'static str) -> Param {
    filter(name, Form::Text, Meaning::Context)
}

const SEARCH: Param = filter("q", Form::Text, Meaning::Search);
const CHANNELS: Param = filter("sales_channel_id", Form::Texts, Meaning::Context);
const OPTION_PARTS: &[Param] = &[
    filter("value", Form::Text, Meaning::Column("value")),
    filter("option_id", Form::Text, Meaning::Column("option_id")),
];
const VARIANT_OPTIONS: Param = filter("options", Form::Group(OPTION_PARTS), Meaning::Inside("options"));
const VARIANT_PARTS: &[Param] = &[
    SEARCH,
    texts("id"),
    texts("sku"),
    texts("ean"),
    texts("upc"),
    texts("barcode"),
    VARIANT_OPTIONS,
    times("created_at"),
    times("updated_at"),
    times("deleted_at"),
];

/// Parameters of product lists and, as in Medusa, of retrievals too.
const PRODUCT_PARAMS: &[Param] = &[
    context("region_id"),
    context("country_code"),
    context("province"),
    context("cart_id"),
    CHANNELS,
    SEARCH,
    tagged("id", Tag::product),
    texts("title"),
    tagged("handle", Tag::product_handle),
    flag("is_giftcard"),
    Param {
        tag: Some(Tag::products_of_category),
        ..filter("category_id", Form::Texts, Meaning::Related("categories", "id"))
    },
    filter("option_id", Form::Texts, Meaning::Related("options", "id")),
    filter("option_value_id", Form::Texts, Meaning::Related("option_values", "id")),
    texts("external_id"),
    tagged("collection_id", Tag::products_of_collection),
    Param { tag: Some(Tag::products_of_tag), ..filter("tag_id", Form::Texts, Meaning::Related("tags", "id")) },
    tagged("type_id", Tag::products_of_type),
    times("created_at"),
    times("updated_at"),
    times("deleted_at"),
    filter("variants", Form::Group(VARIANT_PARTS), Meaning::Inside("variants")),
];

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

static PRODUCT_SHOWN: LazyLock<Shown> = LazyLock::new(|| Shown::new(PRODUCT_DEFAULTS, product_extra()).depth(4));
static COLLECTION_SHOWN: LazyLock<Shown> = LazyLock::new(|| {
    let extra = owned(&["products", "metadata", "deleted_at"]).into_iter().chain(below_products());
    Shown::new(&["id", "title", "handle", "external_id", "created_at", "updated_at"], extra)
});
static NAMED_SHOWN: LazyLock<Shown> = LazyLock::new(|| {
    Shown::new(&["id", "value", "external_id", "created_at", "updated_at", "metadata", "*products"], below_products())
});
static CATEGORY_SHOWN: LazyLock<Shown> = LazyLock::new(|| Shown::new(CATEGORY_DEFAULTS, category_extra()));
static REGION_SHOWN: LazyLock<Shown> = LazyLock::new(|| {
    let countries = prefixed("countries", ["id", "iso_2", "iso_3", "num_code", "name", "display_name"]);
    let providers = prefixed("payment_providers", ["id", "is_enabled"]);
    let extra = countries.chain(["payment_providers".to_owned()]).chain(providers);
    let defaults = &["id", "name", "currency_code", "created_at", "updated_at", "deleted_at", "metadata", "*countries"];
    Shown::new(defaults, extra)
});
static CURRENCY_SHOWN: LazyLock<Shown> = LazyLock::new(|| {
    let defaults = &["code", "name", "symbol", "symbol_native", "decimal_digits", "rounding"];
    Shown::new(defaults, owned(&["created_at", "updated_at", "deleted_at"]))
});
static OPTION_SHOWN: LazyLock<Shown> = LazyLock::new(|| {
    let defaults = &["id", "title", "is_exclusive", "values.*", "created_at", "updated_at", "metadata"];
    Shown::new(defaults, owned(&["values.id", "values.value"]))
});
static RETURN_REASON_SHOWN: LazyLock<Shown> = LazyLock::new(|| Shown::new(RETURN_REASON_DEFAULTS, []));
static VARIANT_SHOWN: LazyLock<Shown> = LazyLock::new(|| {
    let extra = ["deleted_at", "calculated_price", "inventory_quantity", "options.id", "options.value", "images.id"];
    Shown::new(VARIANT_DEFAULTS, owned(&extra).into_iter().chain(owned(&["images.url", "images.rank"])))
});

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

/// `/store/products`.
pub static PRODUCTS: Route = Route {
    entity: &graph::PRODUCT,
    shown: &PRODUCT_SHOWN,
    params: PRODUCT_PARAMS,
    retrieve_params: PRODUCT_PARAMS,
    limit: 50,
    order: None,
    many: "products",
    one: "product",
    title: "Product",
    tag: Tag::product,
    set: None,
    variants: Variants::Below,
};

/// `/store/product-variants`.
pub static VARIANTS: Route = Route {
    entity: &graph::VARIANT,
    shown: &VARIANT_SHOWN,
    params: &[
        context("region_id"),
        context("country_code"),
        context("province"),
        context("cart_id"),
        CHANNELS,
        SEARCH,
        texts("id"),
        texts("sku"),
        tagged("product_id", Tag::product),
        VARIANT_OPTIONS,
        flag("allow_backorder"),
        flag("manage_inventory"),
        times("created_at"),
        times("updated_at"),
        times("deleted_at"),
    ],
    retrieve_params: &[
        context("region_id"),
        context("country_code"),
        context("province"),
        context("cart_id"),
        CHANNELS,
    ],
    limit: 20,
    order: None,
    many: "variants",
    one: "variant",
    title: "Product variant",
    tag: Tag::variant,
    set: None,
    variants: Variants::Root,
};

/// `/store/product-categories`.
pub static CATEGORIES: Route = Route {
    entity: &graph::CATEGORY,
    shown: &CATEGORY_SHOWN,
    params: &[
        SEARCH,
        texts("id"),
        texts("name"),
        texts("description"),
        tagged("handle", Tag::category_handle),
        filter("parent_category_id", Form::Texts, Meaning::ColumnOrNull("parent_category_id")),
        texts("external_id"),
        filter("include_ancestors_tree", Form::Flag, Meaning::Context),
        filter("include_descendants_tree", Form::Flag, Meaning::Context),
        times("created_at"),
        times("updated_at"),
        times("deleted_at"),
    ],
    retrieve_params: &[
        filter("include_ancestors_tree", Form::Flag, Meaning::Context),
        filter("include_descendants_tree", Form::Flag, Meaning::Context),
    ],
    limit: 50,
    order: None,
    many: "product_categories",
    one: "product_category",
    title: "Product category",
    tag: Tag::category,
    set: Some("categories"),
    variants: Variants::None,
};

/// `/store/collections`.
pub static COLLECTIONS: Route = Route {
    entity: &graph::COLLECTION,
    shown: &COLLECTION_SHOWN,
    params: &[
        SEARCH,
        texts("id"),
        texts("title"),
        tagged("handle", Tag::collection_handle),
        texts("external_id"),
        times("created_at"),
        times("updated_at"),
    ],
    retrieve_params: &[],
    limit: 10,
    order: Some("-created_at"),
    many: "collections",
    one: "collection",
    title: "Collection",
    tag: Tag::collection,
    set: Some("collections"),
    variants: Variants::None,
};

const VALUE_PARAMS: &[Param] = &[
    SEARCH,
    texts("id"),
    texts("value"),
    texts("external_id"),
    times("created_at"),
    times("updated_at"),
    times("deleted_at"),
];

/// `/store/product-tags`.
pub static TAGS: Route = Route {
    entity: &graph::TAG,
    shown: &NAMED_SHOWN,
    params: VALUE_PARAMS,
    retrieve_params: &[],
    limit: 50,
    order: None,
    many: "product_tags",
    one: "product_tag",
    title: "Product tag",
    tag: Tag::product_tag,
    set: Some("product-tags"),
    variants: Variants::None,
};

/// `/store/product-types`.
pub static TYPES: Route = Route {
    entity: &graph::TYPE,
    params: VALUE_PARAMS,
    many: "product_types",
    one: "product_type",
    title: "Product type",
    tag: Tag::product_type,
    set: Some("product-types"),
    ..TAGS
};

/// `/store/product-options`.
pub static OPTIONS: Route = Route {
    entity: &graph::OPTION,
    shown: &OPTION_SHOWN,
    params: &[
        SEARCH,
        texts("id"),
        texts("title"),
        flag("is_exclusive"),
        times("created_at"),
        times("updated_at"),
        times("deleted_at"),
    ],
    retrieve_params: &[],
    limit: 50,
    order: None,
    many: "product_options",
    one: "product_option",
    title: "Product option",
    tag: option_tag,
    set: Some("product-options"),
    variants: Variants::None,
};

/// An option's change is told as a change of its products, so whatever shows options depends on all products.
fn option_tag(_: &str) -> Tag {
    Tag::products_any()
}

/// `/store/regions`.
pub static REGIONS: Route = Route {
    entity: &graph::REGION,
    shown: &REGION_SHOWN,
    params: &[SEARCH, texts("id"), texts("currency_code"), texts("name")],
    retrieve_params: &[],
    limit: 50,
    order: None,
    many: "regions",
    one: "region",
    title: "Region",
    tag: Tag::region,
    set: Some("regions"),
    variants: Variants::None,
};

/// `/store/currencies`.
pub static CURRENCIES: Route = Route {
    entity: &graph::CURRENCY,
    shown: &CURRENCY_SHOWN,
    params: &[SEARCH, texts("code")],
    retrieve_params: &[],
    limit: 50,
    order: None,
    many: "currencies",
    one: "currency",
    title: "Currency",
    tag: |_| Tag::all("currencies"),
    set: Some("currencies"),
    variants: Variants::None,
};

/// `/store/return-reasons`.
pub static RETURN_REASONS: Route = Route {
    entity: &graph::RETURN_REASON,
    shown: &RETURN_REASON_SHOWN,
    params: &[],
    retrieve_params: &[],
    limit: 20,
    order: None,
    many: "return_reasons",
    one: "return_reason",
    title: "Return reason",
    tag: |_| Tag::all("return-reasons"),
    set: Some("return-reasons"),
    variants: Variants::None,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Selection;

    const ALL: [&Route; 10] = [
        &PRODUCTS,
        &VARIANTS,
        &CATEGORIES,
        &COLLECTIONS,
        &TAGS,
        &TYPES,
        &OPTIONS,
        &REGIONS,
        &CURRENCIES,
        &RETURN_REASONS,
    ];

    /// Paths that Medusa allows and the graph does not have: `id` where the key has another name.
    const NOT_IN_THE_GRAPH: [&str; 1] = ["countries.id"];

    #[test]
    fn the_graph_has_what_the_routes_allow() {
        for route in ALL {
            for path in &route.shown.allowed {
                let known = Selection::of(route.entity).add(path);
                assert_eq!(known, !NOT_IN_THE_GRAPH.contains(&path.as_str()), "{}: {path}", route.many);
            }
        }
    }

    #[test]
    fn the_graph_has_what_parameters_mean() {
        fn check(entity: &'static Entity, params: &[Param]) {
            for param in params {
                match param.meaning {
                    Meaning::Column(name) | Meaning::ColumnOrNull(name) => {
                        assert!(entity.column(name).is_some(), "{name}");
                    }
                    Meaning::Related(relation, column) => {
                        let (_, relation) = entity.relation(relation).expect(relation);
                        assert!(relation.target.column(column).is_some(), "{column}");
                    }
                    Meaning::Inside(relation) => {
                        let (_, relation) = entity.relation(relation).expect(relation);
                        let Form::Group(inner) = param.form else { panic!("{}", param.name) };
                        check(relation.target, inner);
                    }
                    Meaning::Context | Meaning::Search => {}
                }
            }
        }
        for route in ALL {
            check(route.entity, route.params);
            check(route.entity, route.retrieve_params);
        }
    }
}
