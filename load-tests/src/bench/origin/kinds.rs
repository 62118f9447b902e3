//! The GETs that are measured, and their URLs: two hundred different ones of each kind.

use super::contender::Catalog;

/// A kind of GET.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// Its name in options and results.
    pub(super) name: &'static str,
    /// The URL of its turn `number`.
    pub(super) url: fn(&Catalog, usize) -> String,
    /// How many times Medusa's requests a second ours must be: as shipped, and without the read cache.
    pub(super) bars: Option<(f64, f64)>,
}

/// Different URLs of each kind.
pub(super) const URLS: usize = 200;
/// What the storefronts ask of a list.
const STOREFRONT: &str =
    "*variants.calculated_price,%2Bvariants.inventory_quantity,*variants.images,%2Bmetadata,%2Btags,";
/// How far each list is from the one before: the last one ends within a thousand products.
const STEP: usize = 4;

pub(super) const ALL: [Kind; 7] = [
    Kind { name: "list", url: list, bars: Some((100.0, 30.0)) },
    Kind { name: "priced", url: priced, bars: Some((50.0, 20.0)) },
    Kind { name: "storefront", url: storefront, bars: None },
    Kind { name: "by_id", url: by_id, bars: Some((40.0, 20.0)) },
    Kind { name: "by_id_taxed", url: by_id_taxed, bars: None },
    Kind { name: "categories", url: categories, bars: None },
    Kind { name: "regions", url: regions, bars: None },
];

fn list(_: &Catalog, number: usize) -> String {
    format!("/store/products?limit=20&offset={}", number * STEP)
}

fn priced(catalog: &Catalog, number: usize) -> String {
    let (region, offset) = (&catalog.region, number * STEP);
    format!("/store/products?limit=20&offset={offset}&fields=*variants.calculated_price&region_id={region}")
}

fn storefront(catalog: &Catalog, number: usize) -> String {
    let (region, offset) = (&catalog.region, number * STEP);
    format!("/store/products?limit=12&offset={offset}&region_id={region}&fields={STOREFRONT}")
}

fn by_id(catalog: &Catalog, number: usize) -> String {
    format!("/store/products/{}", catalog.product(number))
}

fn by_id_taxed(catalog: &Catalog, number: usize) -> String {
    let (product, region) = (catalog.product(number), &catalog.region);
    format!("/store/products/{product}?fields=*variants.calculated_price&region_id={region}&country_code=dk")
}

/// There are not two hundred of these; what differs is a limit that is never reached.
fn categories(_: &Catalog, number: usize) -> String {
    format!("/store/product-categories?limit={}", 50 + number)
}

fn regions(_: &Catalog, number: usize) -> String {
    format!("/store/regions?limit={}", 50 + number)
}
