//! Where the Admin API answers otherwise than Medusa, and why.

/// A difference.
#[derive(Debug)]
pub(crate) struct Difference {
    /// The sample's number.
    pub(crate) sample: &'static str,
    /// Where: members after dots, entries of arrays as `[]`.
    pub(crate) path: &'static str,
    /// Why.
    #[expect(dead_code, reason = "for whoever reads the table")]
    pub(crate) reason: &'static str,
}

const ONE_CHANNEL: &str =
    "Medusa makes a channel of its own at its first start; the demo shop has the one that its seed makes";
const TIE: &str = "all were made in the same millisecond, and lists are ordered by id, which is random within one";

const ONE_STORE: &str =
    "Medusa makes a store of its own at its first start; the demo shop has the one that its seed makes";
const ORDERED: &str = "the samples' shop had orders by then, which hold stock";

/// All of them.
pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference { sample: "137", path: "inventory_items[].description", reason: TIE },
    Difference { sample: "137", path: "inventory_items[].sku", reason: TIE },
    Difference { sample: "137", path: "inventory_items[].title", reason: TIE },
    Difference { sample: "142", path: "count", reason: ONE_CHANNEL },
    Difference { sample: "142", path: "sales_channels[]", reason: ONE_CHANNEL },
    Difference { sample: "142", path: "sales_channels[].description", reason: ONE_CHANNEL },
    Difference { sample: "149", path: "collections[].handle", reason: TIE },
    Difference { sample: "149", path: "collections[].title", reason: TIE },
    Difference { sample: "150", path: "count", reason: ONE_STORE },
    Difference { sample: "150", path: "stores[]", reason: ONE_STORE },
    Difference { sample: "155", path: "price_preferences[].attribute", reason: TIE },
    Difference { sample: "155", path: "price_preferences[].value", reason: TIE },
    Difference { sample: "157", path: "product_tags[].value", reason: TIE },
    Difference { sample: "219", path: "inventory_items[].location_levels[].available_quantity", reason: ORDERED },
    Difference {
        sample: "219",
        path: "inventory_items[].location_levels[].raw_reserved_quantity.value",
        reason: ORDERED,
    },
    Difference { sample: "219", path: "inventory_items[].location_levels[].reserved_quantity", reason: ORDERED },
    Difference { sample: "219", path: "inventory_items[].reserved_quantity", reason: ORDERED },
    Difference { sample: "220", path: "inventory_item.location_levels[].available_quantity", reason: ORDERED },
    Difference { sample: "220", path: "inventory_item.location_levels[].raw_reserved_quantity.value", reason: ORDERED },
    Difference { sample: "220", path: "inventory_item.location_levels[].reserved_quantity", reason: ORDERED },
    Difference { sample: "220", path: "inventory_item.reserved_quantity", reason: ORDERED },
    Difference { sample: "224", path: "products[].variants[].calculated_price.calculated_amount", reason: TIE },
    Difference {
        sample: "224",
        path: "products[].variants[].calculated_price.calculated_amount_with_tax",
        reason: TIE,
    },
    Difference {
        sample: "224",
        path: "products[].variants[].calculated_price.calculated_amount_without_tax",
        reason: TIE,
    },
    Difference { sample: "224", path: "products[].variants[].calculated_price.original_amount", reason: TIE },
    Difference { sample: "224", path: "products[].variants[].calculated_price.original_amount_with_tax", reason: TIE },
    Difference {
        sample: "224",
        path: "products[].variants[].calculated_price.original_amount_without_tax",
        reason: TIE,
    },
    Difference {
        sample: "224",
        path: "products[].variants[].calculated_price.raw_calculated_amount.value",
        reason: TIE,
    },
    Difference { sample: "224", path: "products[].variants[].calculated_price.raw_original_amount.value", reason: TIE },
];
