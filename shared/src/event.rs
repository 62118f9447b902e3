//! What a committed write changed, and the one table that maps it to the tags it purges.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::tag::Tag;

/// A committed change, as the outbox keeps it. Wire version 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Medusa's name of it, such as `product.updated`.
    pub name: String,
    /// What changed, with values of before and after.
    pub change: Change,
}

/// What changed. `before` is absent when it was created, `after` when it was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entity", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// A product, or anything that is shown as a part of it: options, images, its links.
    Product {
        /// Its id.
        id: String,
        /// Where it was found before.
        #[serde(default)]
        before: Option<ProductFacets>,
        /// Where it is found now.
        #[serde(default)]
        after: Option<ProductFacets>,
    },
    /// A variant or its prices.
    Variant {
        /// Its id.
        id: String,
        /// The product that it belongs to.
        product_id: String,
        /// Where that product is found.
        #[serde(default)]
        product: ProductFacets,
    },
    /// Products and variants that a statement of SQL changed, or anything that is shown as a part of them: some thousand at
    /// most. Where they are found is told of all of them together.
    Products {
        /// Ids of the products.
        ids: BTreeSet<String>,
        /// Ids of their variants that were changed.
        #[serde(default)]
        variant_ids: BTreeSet<String>,
        /// Where some of them were found before; what is found in `after` too need not be told.
        #[serde(default)]
        before: Places,
        /// Where they are found now.
        #[serde(default)]
        after: Places,
    },
    /// A category.
    Category {
        /// Its id.
        id: String,
        /// Handles of before and after.
        #[serde(default)]
        handles: BTreeSet<String>,
        /// Ids of its ancestors and children of before and after, which show it.
        #[serde(default)]
        relatives: BTreeSet<String>,
    },
    /// A collection.
    Collection {
        /// Its id.
        id: String,
        /// Handles of before and after.
        #[serde(default)]
        handles: BTreeSet<String>,
    },
    /// A product tag.
    ProductTag {
        /// Its id.
        id: String,
    },
    /// A product type.
    ProductType {
        /// Its id.
        id: String,
    },
    /// A region, its countries or its tax settings.
    Region {
        /// Its id.
        id: String,
    },
    /// A price list; its prices are shown by the products named.
    PriceList {
        /// Its id.
        id: String,
        /// Products with a price in it, of before and after.
        #[serde(default)]
        product_ids: BTreeSet<String>,
    },
    /// A sales channel, or what is sold in it.
    SalesChannel {
        /// Its id.
        id: String,
    },
    /// An API key.
    ApiKey {
        /// Its id.
        id: String,
    },
    /// The stock of a variant.
    Stock {
        /// The variant.
        variant_id: String,
        /// Whether in, low or out changed.
        availability_changed: bool,
    },
    /// A file of the media bucket.
    File {
        /// Its key.
        key: String,
    },
    /// Entries of a small set that is always listed whole, such as `currencies`.
    Set {
        /// The set's name.
        name: String,
    },
    /// Something that no cached answer shows, such as a customer: who follows events hears of it, and nothing is purged.
    Private {
        /// What it is, such as `customer`.
        kind: String,
        /// Its id.
        id: String,
    },
    /// Several changes of one statement.
    Several {
        /// The changes.
        changes: Vec<Change>,
    },
}

/// What decides which lists a product is in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductFacets {
    /// Its handle.
    pub handle: String,
    /// Its category ids.
    #[serde(default)]
    pub categories: BTreeSet<String>,
    /// Handles of these categories.
    #[serde(default)]
    pub category_handles: BTreeSet<String>,
    /// Its collection's id.
    #[serde(default)]
    pub collection: Option<String>,
    /// That collection's handle.
    #[serde(default)]
    pub collection_handle: Option<String>,
    /// Ids of its product tags.
    #[serde(default)]
    pub tags: BTreeSet<String>,
    /// Its type's id.
    #[serde(default)]
    pub product_type: Option<String>,
    /// Ids of the channels that sell it.
    #[serde(default)]
    pub channels: BTreeSet<String>,
}

/// What decides which lists some products are in, of all of them together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Places {
    /// Their handles.
    pub handles: BTreeSet<String>,
    /// Their category ids.
    pub categories: BTreeSet<String>,
    /// Handles of these categories.
    pub category_handles: BTreeSet<String>,
    /// Ids of their collections.
    pub collections: BTreeSet<String>,
    /// Handles of these collections.
    pub collection_handles: BTreeSet<String>,
    /// Ids of their product tags.
    pub tags: BTreeSet<String>,
    /// Ids of their types.
    pub types: BTreeSet<String>,
    /// Ids of the channels that sell them.
    pub channels: BTreeSet<String>,
}

// === impl Change ===

impl Change {
    /// The tags that this change purges: the table. Sorted, without repeats.
    pub fn tags(&self) -> BTreeSet<Tag> {
        let mut tags = BTreeSet::new();
        match self {
            Self::Product { id, before, after } => {
                tags.insert(Tag::product(id));
                for facets in before.iter().chain(after) {
                    facets.add_tags(&mut tags);
                }
                add_product_list_tags(&mut tags);
            }
            Self::Variant { id, product_id, product } => {
                tags.insert(Tag::variant(id));
                tags.insert(Tag::product(product_id));
                product.add_tags(&mut tags);
                add_product_list_tags(&mut tags);
            }
            Self::Products { ids, variant_ids, before, after } => {
                tags.extend(ids.iter().map(|id| Tag::product(id)));
                tags.extend(variant_ids.iter().map(|id| Tag::variant(id)));
                before.add_tags(&mut tags);
                after.add_tags(&mut tags);
                add_product_list_tags(&mut tags);
            }
            Self::Category { id, handles, relatives } => {
                tags.insert(Tag::all("categories"));
                tags.insert(Tag::products_of_category(id));
                tags.extend(std::iter::once(id).chain(relatives).map(|id| Tag::category(id)));
                tags.extend(handles.iter().map(|handle| Tag::category_handle(handle)));
            }
            Self::Collection { id, handles } => {
                tags.insert(Tag::all("collections"));
                tags.insert(Tag::collection(id));
                tags.insert(Tag::products_of_collection(id));
                tags.extend(handles.iter().map(|handle| Tag::collection_handle(handle)));
            }
            Self::ProductTag { id } => {
                tags.extend([Tag::all("product-tags"), Tag::product_tag(id), Tag::products_of_tag(id)]);
            }
            Self::ProductType { id } => {
                tags.extend([Tag::all("product-types"), Tag::product_type(id), Tag::products_of_type(id)]);
            }
            Self::Region { id } => tags.extend([Tag::all("regions"), Tag::region(id)]),
            Self::PriceList { id, product_ids } => {
                tags.insert(Tag::price_list(id));
                tags.extend(product_ids.iter().map(|id| Tag::product(id)));
                tags.insert(Tag::products());
            }
            Self::SalesChannel { id } => {
                tags.extend([Tag::sales_channel(id), Tag::products_of_channel(id)]);
            }
            Self::ApiKey { id } => tags.extend([Tag::api_key(id)]),
            Self::Stock { variant_id, availability_changed } => {
                tags.extend([Tag::all("stock"), Tag::stock(variant_id)]);
                if *availability_changed {
                    tags.extend([Tag::all("availability"), Tag::availability(variant_id)]);
                }
            }
            Self::File { key } => tags.extend([Tag::file(key)]),
            Self::Set { name } => tags.extend([Tag::all(name)]),
            Self::Private { .. } => {}
            Self::Several { changes } => tags.extend(changes.iter().flat_map(Self::tags)),
        }
        tags
    }
}

impl ProductFacets {
    fn add_tags(&self, tags: &mut BTreeSet<Tag>) {
        tags.insert(Tag::product_handle(&self.handle));
        tags.extend(self.categories.iter().map(|id| Tag::products_of_category(id)));
        tags.extend(self.category_handles.iter().map(|handle| Tag::category_handle(handle)));
        tags.extend(self.collection.iter().map(|id| Tag::products_of_collection(id)));
        tags.extend(self.collection_handle.iter().map(|handle| Tag::collection_handle(handle)));
        tags.extend(self.tags.iter().map(|id| Tag::products_of_tag(id)));
        tags.extend(self.product_type.iter().map(|id| Tag::products_of_type(id)));
        tags.extend(self.channels.iter().map(|id| Tag::products_of_channel(id)));
    }
}

impl Places {
    fn add_tags(&self, tags: &mut BTreeSet<Tag>) {
        let mut add =
            |values: &BTreeSet<String>, tag: fn(&str) -> Tag| tags.extend(values.iter().map(|value| tag(value)));
        add(&self.handles, Tag::product_handle);
        add(&self.categories, Tag::products_of_category);
        add(&self.category_handles, Tag::category_handle);
        add(&self.collections, Tag::products_of_collection);
        add(&self.collection_handles, Tag::collection_handle);
        add(&self.tags, Tag::products_of_tag);
        add(&self.types, Tag::products_of_type);
        add(&self.channels, Tag::products_of_channel);
    }
}

fn add_product_list_tags(tags: &mut BTreeSet<Tag>) {
    tags.insert(Tag::products_any());
    tags.insert(Tag::products());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facets(category: &str, collection: Option<&str>) -> ProductFacets {
        ProductFacets {
            handle: "shirt".into(),
            categories: [category.to_owned()].into(),
            collection: collection.map(Into::into),
            ..ProductFacets::default()
        }
    }

    #[test]
    fn a_product_that_moves_purges_the_lists_it_left_and_the_lists_it_joined() {
        let tags = Change::Product {
            id: "prod_1".into(),
            before: Some(facets("pcat_1", Some("pcol_1"))),
            after: Some(facets("pcat_2", None)),
        }
        .tags();
        for tag in [
            Tag::product("prod_1"),
            Tag::product_handle("shirt"),
            Tag::products_of_category("pcat_1"),
            Tag::products_of_category("pcat_2"),
            Tag::products_of_collection("pcol_1"),
            Tag::products_any(),
            Tag::products(),
        ] {
            assert!(tags.contains(&tag), "{tag}");
        }
        assert!(!tags.contains(&Tag::products_of_collection("pcol_2")));
    }

    #[test]
    fn a_new_product_purges_the_absence_of_its_handle() {
        let tags = Change::Product { id: "prod_1".into(), before: None, after: Some(facets("pcat_1", None)) }.tags();
        assert!(tags.contains(&Tag::product_handle("shirt")));
    }

    #[test]
    fn a_variants_change_purges_its_product_and_the_lists_that_show_it() {
        let tags =
            Change::Variant { id: "variant_1".into(), product_id: "prod_1".into(), product: facets("pcat_1", None) }
                .tags();
        assert!(tags.contains(&Tag::product("prod_1")));
        assert!(tags.contains(&Tag::variant("variant_1")));
        assert!(tags.contains(&Tag::products_of_category("pcat_1")));
    }

    #[test]
    fn products_of_one_statement_purge_what_each_of_them_would() {
        let change = |id: &str, category: &str, collection| Change::Product {
            id: id.into(),
            before: None,
            after: Some(facets(category, collection)),
        };
        let each = [change("prod_1", "pcat_1", Some("pcol_1")), change("prod_2", "pcat_2", None)];
        let after = Places {
            handles: ["shirt".into()].into(),
            categories: ["pcat_1".into(), "pcat_2".into()].into(),
            ..Places::default()
        };
        let before = Places { collections: ["pcol_1".into()].into(), ..Places::default() };
        let ids = BTreeSet::from(["prod_1".into(), "prod_2".into()]);
        let together = Change::Products { ids, variant_ids: ["variant_1".into()].into(), before, after }.tags();
        let mut expected = Change::Several { changes: each.into() }.tags();
        expected.insert(Tag::variant("variant_1"));
        assert_eq!(together, expected);
    }

    #[test]
    fn what_is_private_purges_nothing() {
        let change = Change::Private { kind: "customer".into(), id: "cus_1".into() };
        assert!(change.tags().is_empty());
        let text = serde_json::to_string(&change).unwrap();
        assert_eq!(text, r#"{"entity":"private","kind":"customer","id":"cus_1"}"#);
    }

    #[test]
    fn stock_purges_availability_only_when_what_is_shown_changes() {
        let stock = |availability_changed| Change::Stock { variant_id: "v".into(), availability_changed }.tags();
        assert!(!stock(false).contains(&Tag::availability("v")));
        assert!(stock(true).contains(&Tag::availability("v")));
        assert!(stock(false).contains(&Tag::stock("v")));
    }

    #[test]
    fn the_wire_form_of_version_1_stays_readable() {
        let text = r#"{"name":"product.updated","change":{"entity":"product","id":"prod_1",
            "before":{"handle":"a"},"after":{"handle":"b","categories":["pcat_1"],"later_field":1}}}"#;
        let event: Event = serde_json::from_str(text).unwrap();
        assert!(event.change.tags().contains(&Tag::product_handle("a")));
        assert!(event.change.tags().contains(&Tag::products_of_category("pcat_1")));
        let text = r#"{"name":"sql.price.update","change":{"entity":"several","changes":[
            {"entity":"products","ids":["prod_1"],"after":{"handles":["a"]}},{"entity":"set","name":"stores"}]}}"#;
        let several: Event = serde_json::from_str(text).unwrap();
        assert!(several.change.tags().is_superset(&[Tag::product_handle("a"), Tag::all("stores")].into()));
        let again: Event = serde_json::from_str(&serde_json::to_string(&event).unwrap()).unwrap();
        assert_eq!(again, event);
    }
}
