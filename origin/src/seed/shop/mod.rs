//! The part of the demo shop that does not grow with the number of products.

mod catalog;
mod people;
mod places;
mod selling;
mod shipping;

use sqlx::PgConnection;

use super::SeedError;
use super::scope::Scope;
use super::table::Table;

/// Ids that products refer to, each list in the order of its turns.
pub(super) struct Shop {
    pub(super) types: Vec<String>,
    pub(super) collections: Vec<String>,
    pub(super) tags: Vec<String>,
    pub(super) leaf_categories: Vec<String>,
    pub(super) sales_channel: String,
    pub(super) shipping_profile: String,
    pub(super) stock_location: String,
    pub(super) price_list: String,
}

// === impl Shop ===

impl Shop {
    /// The ids, whether their entities are loaded yet or not.
    pub(super) fn new(scope: &Scope<'_>) -> Self {
        Self {
            types: catalog::type_ids(scope),
            collections: catalog::collection_ids(scope),
            tags: catalog::tag_ids(scope),
            leaf_categories: catalog::leaf_category_ids(scope),
            sales_channel: selling::channel_id(scope),
            shipping_profile: shipping::profile_id(scope),
            stock_location: shipping::location_id(scope),
            price_list: selling::price_list_id(scope),
        }
    }

    /// Loads the entities in the running transaction and tells how many rows they are.
    pub(super) async fn load(scope: &Scope<'_>, connection: &mut PgConnection) -> Result<u64, SeedError> {
        let mut tables = places::tables(scope)?;
        tables.extend(selling::tables(scope));
        tables.extend(catalog::tables(scope));
        tables.extend(shipping::tables(scope));
        if let Some(admin) = scope.options.admin.clone() {
            tables.extend(people::tables(scope, admin).await?);
        }
        let mut rows = 0;
        for table in &mut tables {
            rows += table.send(connection).await?;
        }
        Ok(rows)
    }
}

/// One row of two ids for a table, given by its name and columns.
fn link((table, columns): (&'static str, &str), left: &str, right: &str) -> Table {
    let mut table = Table::new(table, columns);
    let _ = table.row().text(left).text(right);
    table
}
