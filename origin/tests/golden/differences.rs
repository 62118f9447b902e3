//! Where Vitrine answers otherwise than Medusa, and why.

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

/// An array that is compared by id.
#[derive(Debug)]
pub(crate) struct Unordered {
    /// The samples' numbers; none: all.
    samples: &'static [&'static str],
    /// Where; with a dot in front: every path that ends so.
    pub(crate) path: &'static str,
    /// Why.
    #[expect(dead_code, reason = "for whoever reads the table")]
    reason: &'static str,
}

impl Unordered {
    /// Whether it is about this array.
    pub(crate) fn matches(&self, sample: &str, path: &str) -> bool {
        let here = if self.path.starts_with('.') { path.ends_with(self.path) } else { path == self.path };
        here && (self.samples.is_empty() || self.samples.contains(&sample))
    }
}

const LEAK: &str = "Medusa's ORM shows here what it loaded for another part of the answer; we show what was asked for";
const TIE: &str = "several were made in the same millisecond, and Medusa's page ends among them";

/// Differences in content.
pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference { sample: "006", path: "collections[]", reason: TIE },
    Difference { sample: "024", path: "products[]", reason: TIE },
    Difference { sample: "011", path: "product_categories[].category_children[].products", reason: LEAK },
    Difference { sample: "011", path: "product_categories[].parent_category.products", reason: LEAK },
    Difference {
        sample: "011",
        path: "product_categories[].parent_category.parent_category",
        reason: "it was asked for, and is null; Medusa leaves it out",
    },
    Difference { sample: "033", path: "variant.images[].product", reason: LEAK },
    Difference { sample: "033", path: "variant.images[].variants", reason: LEAK },
    Difference { sample: "034", path: "variants[].images[].product", reason: LEAK },
    Difference { sample: "034", path: "variants[].images[].variants", reason: LEAK },
];

const FOUND: &str = "Medusa shows them as Postgres finds them";

/// Arrays whose order is none in Medusa, or a better one here.
pub(crate) const UNORDERED: &[Unordered] = &[
    Unordered { samples: &[], path: ".variants", reason: "as Postgres finds them; ours go by rank, then by id" },
    Unordered { samples: &[], path: ".products", reason: FOUND },
    Unordered { samples: &[], path: "collections", reason: "all made in one millisecond; ours go by id then" },
    Unordered { samples: &["024"], path: "products", reason: TIE },
    Unordered {
        samples: &["033", "034"],
        path: ".images",
        reason: "by id in Medusa here, by rank elsewhere; ours always by rank",
    },
    Unordered {
        samples: &["010", "011"],
        path: ".category_children",
        reason: "by id in Medusa, by rank in its trees; ours always by the merchant's rank",
    },
];
