//! Customers, their addresses and groups. Nothing of it has tags: only its owner and the merchant see it.

use super::{Entity, Join, Relation, boolean, json, many, one, text, time};

/// A customer.
pub static CUSTOMER: Entity = Entity {
    table: "customer",
    key: "id",
    columns: &[
        text("id"),
        text("company_name"),
        text("first_name"),
        text("last_name"),
        text("email"),
        text("phone"),
        boolean("has_account"),
        json("metadata"),
        text("created_by"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[
        Relation {
            inverse: Some("customer"),
            ..many("addresses", &CUSTOMER_ADDRESS, Join::Holding("customer_id"), "{t}.id")
        },
        many(
            "groups",
            &CUSTOMER_GROUP,
            Join::Link { table: "customer_group_customer", near: "customer_id", far: "customer_group_id" },
            "{t}.id",
        ),
        many("orders", &NO_ORDER, Join::Holding("customer_id"), "{t}.id"),
    ],
    computed: &[],
    searched: &["company_name", "first_name", "last_name", "email", "phone"],
    searched_relations: &[],
    visible: None,
    tag: None,
    owner: None,
};

/// An address of a customer.
pub static CUSTOMER_ADDRESS: Entity = Entity {
    table: "customer_address",
    key: "id",
    columns: &[
        text("id"),
        text("address_name"),
        boolean("is_default_shipping"),
        boolean("is_default_billing"),
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
        text("customer_id"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[one("customer", &CUSTOMER, "customer_id")],
    computed: &[],
    searched: &[
        "address_name",
        "company",
        "first_name",
        "last_name",
        "address_1",
        "address_2",
        "city",
        "province",
        "postal_code",
    ],
    searched_relations: &[],
    visible: None,
    tag: None,
    owner: None,
};

/// A customer group.
pub static CUSTOMER_GROUP: Entity = Entity {
    table: "customer_group",
    key: "id",
    columns: &[
        text("id"),
        text("name"),
        json("metadata"),
        text("created_by"),
        time("created_at"),
        time("updated_at"),
        time("deleted_at"),
    ],
    relations: &[many(
        "customers",
        &CUSTOMER,
        Join::Link { table: "customer_group_customer", near: "customer_group_id", far: "customer_id" },
        "{t}.id",
    )],
    computed: &[],
    searched: &["name"],
    searched_relations: &[],
    visible: None,
    tag: None,
    owner: None,
};

/// Orders of a customer: the shop takes none yet, so there are none.
static NO_ORDER: Entity = Entity {
    table: "(SELECT NULL::text AS id, NULL::text AS customer_id, NULL::timestamptz AS deleted_at WHERE false)",
    key: "id",
    columns: &[text("id"), text("customer_id")],
    relations: &[],
    computed: &[],
    searched: &[],
    searched_relations: &[],
    visible: None,
    tag: None,
    owner: None,
};
