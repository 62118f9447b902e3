//! The Store API's lists: what each is of, what it takes (`api/store/*/validators.js`), and how its answers are named.

use std::sync::LazyLock;

use vitrine_shared::tag::Tag;

use super::params::{Form, Meaning, Param};
use super::shown::{
    CATEGORY_SHOWN, COLLECTION_SHOWN, CURRENCY_SHOWN, NAMED_SHOWN, OPTION_SHOWN, PRODUCT_SHOWN, REGION_SHOWN,
    RETURN_REASON_SHOWN, VARIANT_SHOWN,
};
use crate::query::fields::Shown;
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
