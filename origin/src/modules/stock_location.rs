//! Module stock location: places that keep stock, and their addresses.

use super::row::Table;

/// Places.
pub const LOCATION: Table = Table { name: "stock_location", prefix: "sloc", title: "Stock location" };
/// Where they are.
pub const ADDRESS: Table = Table { name: "stock_location_address", prefix: "laddr", title: "Stock location address" };
/// What links sales channels to them.
pub const CHANNELS: &str = "sales_channel_stock_location";
/// What links fulfillment sets to them.
pub const FULFILLMENT_SETS: &str = "location_fulfillment_set";
/// What links fulfillment providers to them.
pub const FULFILLMENT_PROVIDERS: &str = "location_fulfillment_provider";
