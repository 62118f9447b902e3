//! What each kind of thing shows, and what its list takes (`api/admin/*/query-config.js`, `validators.js`).

use super::resource::Resource;
use crate::api::store::params::{Form, Meaning, Param};
use crate::query::graph;

pub(super) const fn param(name: &'static str, form: Form, meaning: Meaning) -> Param {
    Param { name, form, meaning, tag: None }
}

pub(super) const fn texts(name: &'static str) -> Param {
    param(name, Form::Texts, Meaning::Column(name))
}

pub(super) const fn flag(name: &'static str) -> Param {
    param(name, Form::Flag, Meaning::Column(name))
}

pub(super) const fn times(name: &'static str) -> Param {
    param(name, Form::Operators, Meaning::Column(name))
}

pub(super) const fn related(name: &'static str, relation: &'static str) -> Param {
    param(name, Form::Texts, Meaning::Related(relation, "id"))
}

pub(super) const SEARCH: Param = param("q", Form::Text, Meaning::Search);

const PRODUCT_FIELDS: &[&str] = &[
    "id",
    "title",
    "subtitle",
    "status",
    "external_id",
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
    "deleted_at",
    "metadata",
    "*type",
    "*collection",
    "*options",
    "*options.values",
    "*tags",
    "*images",
    "*variants",
    "*variants.prices",
    "*variants.options",
    "*variants.options.option",
    "*variants.images",
    "*sales_channels",
];

/// Products.
pub(super) static PRODUCTS: Resource = Resource {
    entity: &graph::PRODUCT,
    fields: PRODUCT_FIELDS,
    params: &[
        SEARCH,
        texts("id"),
        texts("title"),
        texts("handle"),
        texts("status"),
        flag("is_giftcard"),
        related("category_id", "categories"),
        related("option_id", "options"),
        related("option_value_id", "option_values"),
        related("sales_channel_id", "sales_channels"),
        related("tag_id", "tags"),
        texts("external_id"),
        texts("collection_id"),
        texts("type_id"),
        times("created_at"),
        times("updated_at"),
        times("deleted_at"),
        param("variants", Form::Group(VARIANT_PARAMS), Meaning::Inside("variants")),
    ],
    limit: 50,
    one: "product",
    many: "products",
    title: "Product",
};

const VARIANT_PARAMS: &[Param] = &[
    SEARCH,
    texts("id"),
    flag("manage_inventory"),
    flag("allow_backorder"),
    texts("sku"),
    texts("ean"),
    texts("upc"),
    texts("barcode"),
    times("created_at"),
    times("updated_at"),
    times("deleted_at"),
];

const VARIANT_FIELDS: &[&str] = &[
    "id",
    "title",
    "sku",
    "thumbnail",
    "barcode",
    "ean",
    "upc",
    "allow_backorder",
    "manage_inventory",
    "hs_code",
    "origin_country",
    "mid_code",
    "material",
    "weight",
    "length",
    "height",
    "width",
    "metadata",
    "variant_rank",
    "product_id",
    "created_at",
    "updated_at",
    "deleted_at",
    "*prices",
    "*options",
];

/// Variants.
pub(super) static VARIANTS: Resource = Resource {
    entity: &graph::VARIANT,
    fields: VARIANT_FIELDS,
    params: VARIANT_PARAMS,
    limit: 50,
    one: "variant",
    many: "variants",
    title: "Variant",
};

const COLLECTION_FIELDS: &[&str] = &["id", "title", "handle", "external_id", "created_at", "updated_at", "metadata"];

/// Collections.
pub(super) static COLLECTIONS: Resource = Resource {
    entity: &graph::COLLECTION,
    fields: COLLECTION_FIELDS,
    params: &[
        SEARCH,
        texts("id"),
        texts("title"),
        texts("handle"),
        texts("external_id"),
        times("created_at"),
        times("updated_at"),
        times("deleted_at"),
    ],
    limit: 10,
    one: "collection",
    many: "collections",
    title: "Collection",
};

const CATEGORY_FIELDS: &[&str] = &[
    "id",
    "name",
    "description",
    "handle",
    "is_active",
    "is_internal",
    "rank",
    "external_id",
    "parent_category_id",
    "created_at",
    "updated_at",
    "metadata",
    "*parent_category",
    "*category_children",
];

/// Categories.
pub(super) static CATEGORIES: Resource = Resource {
    entity: &graph::CATEGORY,
    fields: CATEGORY_FIELDS,
    params: &[
        SEARCH,
        texts("id"),
        texts("description"),
        texts("handle"),
        param("parent_category_id", Form::Texts, Meaning::ColumnOrNull("parent_category_id")),
        texts("external_id"),
        flag("is_internal"),
        flag("is_active"),
        times("created_at"),
        times("updated_at"),
        times("deleted_at"),
    ],
    limit: 50,
    one: "product_category",
    many: "product_categories",
    title: "Product category",
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

const VALUE_FIELDS: &[&str] = &["id", "value", "external_id", "created_at", "updated_at", "metadata"];

/// Product tags.
pub(super) static TAGS: Resource = Resource {
    entity: &graph::TAG,
    fields: VALUE_FIELDS,
    params: VALUE_PARAMS,
    limit: 20,
    one: "product_tag",
    many: "product_tags",
    title: "Product tag",
};

/// Product types.
pub(super) static TYPES: Resource = Resource {
    entity: &graph::TYPE,
    fields: VALUE_FIELDS,
    params: VALUE_PARAMS,
    limit: 10,
    one: "product_type",
    many: "product_types",
    title: "Product type",
};

const CHANNEL_FIELDS: &[&str] =
    &["id", "name", "description", "is_disabled", "created_at", "updated_at", "deleted_at", "metadata"];

/// Sales channels.
pub(super) static SALES_CHANNELS: Resource = Resource {
    entity: &graph::SALES_CHANNEL,
    fields: CHANNEL_FIELDS,
    params: &[
        SEARCH,
        texts("id"),
        texts("name"),
        param("description", Form::Text, Meaning::Column("description")),
        flag("is_disabled"),
        times("created_at"),
        times("updated_at"),
        times("deleted_at"),
    ],
    limit: 20,
    one: "sales_channel",
    many: "sales_channels",
    title: "Sales channel",
};

const USER_FIELDS: &[&str] =
    &["id", "first_name", "last_name", "email", "avatar_url", "metadata", "created_at", "updated_at", "deleted_at"];

/// Users: those who may sign in to the Admin API.
pub(super) static USERS: Resource = Resource {
    entity: &graph::USER,
    fields: USER_FIELDS,
    params: &[
        SEARCH,
        texts("id"),
        times("created_at"),
        times("updated_at"),
        times("deleted_at"),
        param("email", Form::Text, Meaning::Column("email")),
        param("first_name", Form::Text, Meaning::Column("first_name")),
        param("last_name", Form::Text, Meaning::Column("last_name")),
    ],
    limit: 50,
    one: "user",
    many: "users",
    title: "User",
};

const API_KEY_FIELDS: &[&str] = &[
    "id",
    "title",
    "token",
    "redacted",
    "type",
    "last_used_at",
    "updated_at",
    "created_at",
    "created_by",
    "revoked_at",
    "revoked_by",
    "sales_channels.id",
    "sales_channels.name",
];

/// API keys.
pub(super) static API_KEYS: Resource = Resource {
    entity: &graph::API_KEY,
    fields: API_KEY_FIELDS,
    params: &[
        SEARCH,
        texts("id"),
        texts("title"),
        texts("token"),
        param("type", Form::OneOf(&["publishable", "secret"]), Meaning::Column("type")),
        times("created_at"),
        times("updated_at"),
        times("deleted_at"),
        times("revoked_at"),
    ],
    limit: 20,
    one: "api_key",
    many: "api_keys",
    title: "API Key",
};

const CUSTOMER_FIELDS: &[&str] = &[
    "id",
    "company_name",
    "first_name",
    "last_name",
    "email",
    "phone",
    "metadata",
    "has_account",
    "created_by",
    "created_at",
    "updated_at",
    "deleted_at",
];
const GROUP_PARTS: &[Param] =
    &[texts("id"), texts("name"), times("created_at"), times("updated_at"), times("deleted_at")];

/// Customers.
pub(super) static CUSTOMERS: Resource = Resource {
    entity: &graph::CUSTOMER,
    fields: CUSTOMER_FIELDS,
    params: &[
        SEARCH,
        texts("id"),
        texts("email"),
        param("groups", Form::KeysOrGroup(GROUP_PARTS), Meaning::Inside("groups")),
        texts("company_name"),
        texts("first_name"),
        texts("last_name"),
        flag("has_account"),
        texts("created_by"),
        times("created_at"),
        times("updated_at"),
        times("deleted_at"),
    ],
    limit: 50,
    one: "customer",
    many: "customers",
    title: "Customer",
};

const CUSTOMER_ADDRESS_FIELDS: &[&str] = &[
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
    "created_at",
    "updated_at",
];

/// Addresses of customers.
pub(super) static CUSTOMER_ADDRESSES: Resource = Resource {
    entity: &graph::CUSTOMER_ADDRESS,
    fields: CUSTOMER_ADDRESS_FIELDS,
    params: &[SEARCH, texts("company"), texts("city"), texts("country_code"), texts("province"), texts("postal_code")],
    limit: 50,
    one: "address",
    many: "addresses",
    title: "Address",
};

const CUSTOMER_GROUP_FIELDS: &[&str] =
    &["id", "name", "created_by", "created_at", "updated_at", "deleted_at", "metadata"];
const MEMBER_PARTS: &[Param] = &[
    texts("id"),
    texts("email"),
    texts("company_name"),
    texts("first_name"),
    texts("last_name"),
    texts("created_by"),
    times("created_at"),
    times("updated_at"),
    times("deleted_at"),
];

/// Customer groups.
pub(super) static CUSTOMER_GROUPS: Resource = Resource {
    entity: &graph::CUSTOMER_GROUP,
    fields: CUSTOMER_GROUP_FIELDS,
    params: &[
        SEARCH,
        texts("id"),
        texts("name"),
        param("customers", Form::KeysOrGroup(MEMBER_PARTS), Meaning::Inside("customers")),
        texts("created_by"),
        times("created_at"),
        times("updated_at"),
        times("deleted_at"),
    ],
    limit: 50,
    one: "customer_group",
    many: "customer_groups",
    title: "Customer group",
};
