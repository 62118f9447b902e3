//! Categories, collections, product tags and product types.

use super::super::Kind;
use super::super::scope::{Made, Scope};
use super::super::table::Table;

const ROOTS: [&str; 3] = ["Men", "Women", "Kids"];
const LEAVES: [&str; 3] = ["Shirts", "Pants", "Shoes"];
const COLLECTIONS: [&str; 5] = ["Spring", "Summer", "Autumn", "Winter", "Sale"];
const TAGS: [&str; 4] = ["new", "hot", "eco", "cotton"];
const TYPES: [&str; 2] = ["Apparel", "Footwear"];

/// All tables of this part.
pub(super) fn tables(scope: &Scope<'_>) -> Vec<Table> {
    vec![categories(scope), collections(scope), tags(scope), types(scope)]
}

/// Ids of the categories that have products.
pub(super) fn leaf_category_ids(scope: &Scope<'_>) -> Vec<String> {
    leaves(scope).map(|leaf| leaf.made.id).collect()
}

/// Ids of the collections.
pub(super) fn collection_ids(scope: &Scope<'_>) -> Vec<String> {
    let ids = (0..).zip(COLLECTIONS).map(|(number, title)| make_collection(scope, number, title).id);
    ids.collect()
}

/// Ids of the product tags.
pub(super) fn tag_ids(scope: &Scope<'_>) -> Vec<String> {
    (0..).zip(TAGS).map(|(number, value)| scope.id(Kind::Tag, number, format_args!("{value}"))).collect()
}

/// Ids of the product types.
pub(super) fn type_ids(scope: &Scope<'_>) -> Vec<String> {
    (0..).zip(TYPES).map(|(number, value)| scope.id(Kind::Type, number, format_args!("{value}"))).collect()
}

/// A category below a root.
struct Leaf {
    made: Made,
    root: u64,
    name: String,
    handle: String,
}

fn make_root(scope: &Scope<'_>, number: u64, name: &str) -> Made {
    scope.make(Kind::Category, number, format_args!("{}", name.to_lowercase()))
}

fn leaves(scope: &Scope<'_>) -> impl Iterator<Item = Leaf> {
    let names = (0..).zip(ROOTS).flat_map(|(root, above)| LEAVES.map(|below| (root, format!("{above} {below}"))));
    (ROOTS.len() as u64..).zip(names).map(|(number, (root, name))| {
        let handle = name.to_lowercase().replace(' ', "-");
        Leaf { made: scope.make(Kind::Category, number, format_args!("{handle}")), root, name, handle }
    })
}

fn categories(scope: &Scope<'_>) -> Table {
    let mut table =
        Table::entities("product_category", "name, handle, mpath, is_active boolean, rank integer, parent_category_id");
    let roots: Vec<Made> = (0..).zip(ROOTS).map(|(number, name)| make_root(scope, number, name)).collect();
    for (rank, (root, name)) in roots.iter().zip(ROOTS).enumerate() {
        let row = table.entity(root).text(name).text(&name.to_lowercase()).text(&root.id);
        let _ = row.shown(true).shown(rank).null();
    }
    // Ranks count all that were made in one go, whatever their parents, as Medusa's do.
    for (rank, leaf) in leaves(scope).enumerate() {
        let parent = make_root(scope, leaf.root, ROOTS[usize::try_from(leaf.root).unwrap_or(0)]).id;
        let row = table.entity(&leaf.made).text(&leaf.name).text(&leaf.handle);
        let row = row.shown(format_args!("{parent}.{}", leaf.made.id));
        let _ = row.shown(true).shown(rank).text(&parent);
    }
    table
}

fn make_collection(scope: &Scope<'_>, number: u64, title: &str) -> Made {
    scope.make(Kind::Collection, number, format_args!("{}", title.to_lowercase()))
}

fn collections(scope: &Scope<'_>) -> Table {
    let mut table = Table::entities("product_collection", "title, handle");
    for (number, title) in (0..).zip(COLLECTIONS) {
        let _ = table.entity(&make_collection(scope, number, title)).text(title).text(&title.to_lowercase());
    }
    table
}

fn tags(scope: &Scope<'_>) -> Table {
    let mut table = Table::entities("product_tag", "value");
    for (number, value) in (0..).zip(TAGS) {
        let _ = table.entity(&scope.make(Kind::Tag, number, format_args!("{value}"))).text(value);
    }
    table
}

fn types(scope: &Scope<'_>) -> Table {
    let mut table = Table::entities("product_type", "value");
    for (number, value) in (0..).zip(TYPES) {
        let _ = table.entity(&scope.make(Kind::Type, number, format_args!("{value}"))).text(value);
    }
    table
}
