//! Variants as they are given.

use indexmap::IndexMap;

use crate::modules::Patch;
use crate::modules::inventory::RequiredItem;
use crate::modules::metadata::Metadata;
use crate::modules::pricing::GivenPrice;
use crate::modules::product::{Physical, PhysicalPatch};

/// A variant to be made.
#[derive(Debug, Clone, Default)]
pub struct NewVariant {
    /// What it is called.
    pub title: String,
    /// Stock keeping unit.
    pub sku: Option<String>,
    /// Barcode.
    pub barcode: Option<String>,
    /// European article number.
    pub ean: Option<String>,
    /// Universal product code.
    pub upc: Option<String>,
    /// Whether it can be bought when there is none in stock.
    pub allow_backorder: bool,
    /// Whether its stock is counted: then it gets an inventory item, unless it names some.
    pub manage_inventory: bool,
    /// Measures and customs codes.
    pub physical: Physical,
    /// Its place among the product's variants; 0 without one, as in Medusa.
    pub variant_rank: Option<i32>,
    /// A picture of its own.
    pub thumbnail: Option<String>,
    /// The merchant's own.
    pub metadata: Metadata,
    /// Its default prices.
    pub prices: Vec<GivenPrice>,
    /// Its value of each of the product's options, by title.
    pub options: IndexMap<String, String>,
    /// The inventory items that it takes from.
    pub inventory_items: Vec<RequiredItem>,
}

/// An update of a variant.
#[derive(Debug, Clone, Default)]
pub struct VariantPatch {
    /// What it is called.
    pub title: Patch<String>,
    /// Stock keeping unit.
    pub sku: Patch<Option<String>>,
    /// Barcode.
    pub barcode: Patch<Option<String>>,
    /// European article number.
    pub ean: Patch<Option<String>>,
    /// Universal product code.
    pub upc: Patch<Option<String>>,
    /// Whether it can be bought when there is none in stock.
    pub allow_backorder: Patch<bool>,
    /// Whether its stock is counted.
    pub manage_inventory: Patch<bool>,
    /// Measures and customs codes.
    pub physical: PhysicalPatch,
    /// Its place among the product's variants.
    pub variant_rank: Patch<i32>,
    /// A picture of its own.
    pub thumbnail: Patch<Option<String>>,
    /// The merchant's own; merged.
    pub metadata: Patch<Metadata>,
    /// Its default prices, in place of those that it had.
    pub prices: Patch<Vec<GivenPrice>>,
    /// Its value of each of the product's options, by title.
    pub options: Patch<IndexMap<String, String>>,
}

/// A variant in the update of its product: one that it has, with an id, or a new one.
#[derive(Debug, Clone, Default)]
pub struct GivenVariant {
    /// The id of one that the product has.
    pub id: Option<String>,
    /// What is said of it.
    pub patch: VariantPatch,
}
