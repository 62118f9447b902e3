//! Module store: the store and its currencies.

use super::row::Table;

/// Stores.
pub const STORE: Table = Table { name: "store", prefix: "store", title: "Store" };
/// Currencies of a store.
pub const STORE_CURRENCY: Table = Table { name: "store_currency", prefix: "stocur", title: "Store currency" };
