//! The entity graph: which tables there are, how their columns look in JSON, and how they relate. Names are Medusa's.
//!
//! All SQL identifiers of a compiled statement come from these tables; nothing of a request is ever spliced.

mod admin;
mod cart;
mod catalog;
mod market;
mod people;
mod prices;
mod promotions;
mod shipping;
mod stock;
mod taxes;

pub use admin::{API_KEY, SALES_CHANNEL, USER, VARIANT_PRICE};
pub use cart::{CART, CREDIT_LINE, LINE_ITEM, SHIPPING_METHOD};
pub use catalog::{CATEGORY, COLLECTION, IMAGE, OPTION, OPTION_VALUE, PRODUCT, TAG, TYPE, VARIANT};
pub use market::{COUNTRY, CURRENCY, PAYMENT_PROVIDER, REGION, RETURN_REASON, STORE, STORE_CURRENCY};
pub use people::{CUSTOMER, CUSTOMER_ADDRESS, CUSTOMER_GROUP};
pub use prices::{PRICE, PRICE_LIST, PRICE_LIST_PRICE, PRICE_PREFERENCE, PRICE_RULE};
pub use promotions::{APPLICATION_METHOD, CAMPAIGN, CAMPAIGN_BUDGET, PROMOTION, PROMOTION_RULE, PROMOTION_RULE_VALUE};
pub use shipping::{
    FULFILLMENT_PROVIDER, FULFILLMENT_SET, GEO_ZONE, SERVICE_ZONE, SHIPPING_OPTION, SHIPPING_OPTION_RULE,
    SHIPPING_OPTION_TYPE, SHIPPING_PROFILE,
};
pub use stock::{INVENTORY_ITEM, INVENTORY_LEVEL, STOCK_LOCATION, STOCK_LOCATION_ADDRESS};
pub use taxes::{TAX_PROVIDER, TAX_RATE, TAX_RATE_RULE, TAX_REGION};

use vitrine_shared::tag::Tag;

/// A kind of thing that is shown as a JSON object.
#[derive(Debug)]
pub struct Entity {
    /// Its table.
    pub table: &'static str,
    /// The column that identifies it; shown in every selection.
    pub key: &'static str,
    /// Columns, in the order in which they are shown.
    pub columns: &'static [Column],
    /// Relations, in the order in which they are shown.
    pub relations: &'static [Relation],
    /// What is worked out when it is shown, and by no column.
    pub computed: &'static [(&'static str, Computed)],
    /// Columns that `q` searches.
    pub searched: &'static [&'static str],
    /// Relations whose searched columns `q` searches too.
    pub searched_relations: &'static [&'static str],
    /// What a storefront may see of it, as a condition on `{t}`; `{channels}` stands for the sales channels.
    pub visible: Option<&'static str>,
    /// The tag of responses that show one, by its key.
    pub tag: Option<fn(&str) -> Tag>,
    /// The relation to what it is a part of, whose tag responses that show it carry too.
    pub owner: Option<&'static str>,
}

/// A column and how it looks in JSON.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, in SQL and JSON alike.
    pub name: &'static str,
    /// How it looks.
    pub kind: Kind,
}

/// How a column looks in JSON, and what it can be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// A string; the member is left out where there is none, as Medusa does for some keys of other rows.
    TextIfAny,
    /// A boolean.
    Boolean,
    /// A number without fraction.
    Integer,
    /// A number of any precision.
    Numeric,
    /// ISO-8601 with milliseconds, in UTC.
    Time,
    /// JSON as it was given.
    Json,
    /// All digits of the numeric column whose name follows `raw_`: `{"value": …, "precision": 20}`.
    Raw,
}

/// What is worked out for a variant when it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Computed {
    /// `calculated_price`.
    Price,
    /// `inventory_quantity`.
    Stock,
    /// A total of a cart or a part of it; selecting the whole entity selects it.
    Total,
}

/// How an entity leads to others.
#[derive(Debug)]
pub struct Relation {
    /// Its name.
    pub name: &'static str,
    /// Where it leads.
    pub target: &'static Entity,
    /// To one or to many.
    pub cardinality: Cardinality,
    /// How rows are found.
    pub join: Join,
    /// In which order many are shown, as SQL on `{t}`.
    pub order: &'static str,
    /// The target's relation that leads back here: not shown as a reference below this one.
    pub inverse: Option<&'static str>,
    /// Whether selecting the whole entity shows `{"id": …}` for it, as Medusa does for what it did not load.
    pub reference: bool,
    /// Whether the member is left out where there is none.
    pub absent: bool,
    /// Whether the target's `visible` is checked: not where seeing the parent implies it.
    pub guarded: bool,
    /// The tag of what could have been among the related rows, by the parent's key.
    pub members: Option<fn(&str) -> Tag>,
}

/// To one (an object or null) or to many (an array).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cardinality {
    /// An object or null.
    One,
    /// An array.
    Many,
}

/// How the rows of a relation are found.
#[derive(Debug)]
pub enum Join {
    /// The parent's column holds the target's key.
    Held(&'static str),
    /// The target's column holds the parent's key.
    Holding(&'static str),
    /// A table links both.
    Link {
        /// The table.
        table: &'static str,
        /// Its column with the parent's key.
        near: &'static str,
        /// Its column with the target's key.
        far: &'static str,
    },
    /// A condition on `{p}` (parent) and `{t}` (target).
    Where(&'static str),
}

// === impl Entity ===

impl Entity {
    /// The column of this name, with its number.
    pub fn column(&self, name: &str) -> Option<(usize, &'static Column)> {
        self.columns.iter().enumerate().find(|(_, column)| column.name == name)
    }

    /// The relation of this name, with its number.
    pub fn relation(&self, name: &str) -> Option<(usize, &'static Relation)> {
        self.relations.iter().enumerate().find(|(_, relation)| relation.name == name)
    }

    /// What is computed under this name, with its number.
    pub fn computed(&self, name: &str) -> Option<(usize, Computed)> {
        let found = self.computed.iter().enumerate().find(|(_, (computed, _))| *computed == name);
        found.map(|(index, (_, computed))| (index, *computed))
    }
}

/// The entities that answers begin with; what they relate to is found from there.
pub fn roots() -> Vec<&'static Entity> {
    vec![
        &PRODUCT,
        &VARIANT,
        &OPTION,
        &COLLECTION,
        &TYPE,
        &TAG,
        &CATEGORY,
        &REGION,
        &CURRENCY,
        &RETURN_REASON,
        &SALES_CHANNEL,
        &USER,
        &API_KEY,
        &CUSTOMER,
        &CUSTOMER_ADDRESS,
        &CUSTOMER_GROUP,
        &CART,
        &SHIPPING_OPTION,
        &STORE,
        &PRICE_LIST,
        &PRICE_PREFERENCE,
        &PROMOTION,
        &CAMPAIGN,
        &FULFILLMENT_SET,
        &SHIPPING_OPTION_TYPE,
        &SHIPPING_PROFILE,
        &INVENTORY_ITEM,
        &INVENTORY_LEVEL,
        &STOCK_LOCATION,
        &TAX_RATE,
        &TAX_REGION,
        &TAX_PROVIDER,
        &PAYMENT_PROVIDER,
        &SERVICE_ZONE,
        &FULFILLMENT_PROVIDER,
        &PRICE_LIST_PRICE,
        &PROMOTION_RULE,
    ]
}

const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text }
}

const fn text_if_any(name: &'static str) -> Column {
    Column { name, kind: Kind::TextIfAny }
}

/// `name` begins with `raw_`.
const fn raw(name: &'static str) -> Column {
    Column { name, kind: Kind::Raw }
}

const fn boolean(name: &'static str) -> Column {
    Column { name, kind: Kind::Boolean }
}

const fn integer(name: &'static str) -> Column {
    Column { name, kind: Kind::Integer }
}

const fn numeric(name: &'static str) -> Column {
    Column { name, kind: Kind::Numeric }
}

const fn time(name: &'static str) -> Column {
    Column { name, kind: Kind::Time }
}

const fn json(name: &'static str) -> Column {
    Column { name, kind: Kind::Json }
}

/// What most tables have in common: an id, and nothing that a storefront would see.
const PLAIN: Entity = Entity {
    table: "",
    key: "id",
    columns: &[],
    relations: &[],
    computed: &[],
    searched: &[],
    searched_relations: &[],
    visible: None,
    tag: None,
    owner: None,
};

const fn one(name: &'static str, target: &'static Entity, held: &'static str) -> Relation {
    Relation {
        name,
        target,
        cardinality: Cardinality::One,
        join: Join::Held(held),
        order: "",
        inverse: None,
        reference: false,
        absent: false,
        guarded: false,
        members: None,
    }
}

const fn many(name: &'static str, target: &'static Entity, join: Join, order: &'static str) -> Relation {
    Relation {
        name,
        target,
        cardinality: Cardinality::Many,
        join,
        order,
        inverse: None,
        reference: false,
        absent: false,
        guarded: false,
        members: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&Entity; 53] = [
        &PRODUCT,
        &VARIANT,
        &OPTION,
        &OPTION_VALUE,
        &IMAGE,
        &COLLECTION,
        &TYPE,
        &TAG,
        &CATEGORY,
        &REGION,
        &COUNTRY,
        &CURRENCY,
        &PAYMENT_PROVIDER,
        &RETURN_REASON,
        &SALES_CHANNEL,
        &USER,
        &VARIANT_PRICE,
        &API_KEY,
        &CUSTOMER,
        &CUSTOMER_ADDRESS,
        &CUSTOMER_GROUP,
        &CART,
        &LINE_ITEM,
        &SHIPPING_METHOD,
        &PROMOTION,
        &APPLICATION_METHOD,
        &SHIPPING_OPTION,
        &STORE,
        &STORE_CURRENCY,
        &PRICE,
        &PRICE_LIST,
        &PRICE_LIST_PRICE,
        &PRICE_PREFERENCE,
        &PRICE_RULE,
        &PROMOTION_RULE,
        &PROMOTION_RULE_VALUE,
        &CAMPAIGN,
        &CAMPAIGN_BUDGET,
        &FULFILLMENT_PROVIDER,
        &FULFILLMENT_SET,
        &GEO_ZONE,
        &SERVICE_ZONE,
        &SHIPPING_OPTION_RULE,
        &SHIPPING_OPTION_TYPE,
        &SHIPPING_PROFILE,
        &INVENTORY_ITEM,
        &INVENTORY_LEVEL,
        &STOCK_LOCATION,
        &STOCK_LOCATION_ADDRESS,
        &TAX_PROVIDER,
        &TAX_RATE,
        &TAX_RATE_RULE,
        &TAX_REGION,
    ];

    #[test]
    fn the_tables_are_consistent() {
        for entity in ALL {
            assert!(entity.columns.len() <= 64 && entity.relations.len() <= 64, "{}", entity.table);
            assert!(entity.column(entity.key).is_some(), "{}", entity.table);
            assert!(entity.computed.len() <= 64, "{}", entity.table);
            for name in entity.searched {
                assert!(entity.column(name).is_some_and(|(_, column)| column.kind == Kind::Text), "{name}");
            }
            for name in entity.searched_relations {
                assert!(entity.relation(name).is_some(), "{name}");
            }
            for relation in entity.relations {
                if let Some(inverse) = relation.inverse {
                    assert!(relation.target.relation(inverse).is_some(), "{}: {inverse}", relation.name);
                }
                if let Join::Held(column) = relation.join {
                    assert!(entity.column(column).is_some(), "{}: {column}", entity.table);
                }
                let many = relation.cardinality == Cardinality::Many;
                assert_eq!(many, !relation.order.is_empty(), "{}: {}", entity.table, relation.name);
                assert!(!(many && relation.reference), "{}: {}", entity.table, relation.name);
            }
        }
    }
}
