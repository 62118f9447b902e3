//! Products with all that hangs on them: options, variants, images, prices, stock and links.

use std::fmt;

use sqlx::PgConnection;

use super::scope::{Made, Scope};
use super::shop::Shop;
use super::table::Table;
use super::{Kind, SeedError, pictures};

/// The sizes that each product comes in.
pub(super) const SIZES: [&str; 4] = ["S", "M", "L", "XL"];
/// Currencies of the prices.
const CURRENCIES: [&str; 2] = ["eur", "usd"];
const IMAGES: u64 = 3;
/// Pieces of each variant in the stock location.
const STOCK: u64 = 1_000_000;
/// The sale has a price for each tenth of so many variants.
const SALE_VARIANTS: u64 = 400;
const SALE_EVERY: u64 = 10;
const SALE_PRICE: u64 = 5;
/// The numbers of the sale's prices begin above those of all variants' prices.
const SALE_NUMBERS: u64 = 1 << 62;

/// How many products there can be: all numbers of their parts stay below [`SALE_NUMBERS`].
pub(super) const MAX_PRODUCTS: u64 = 1 << 40;

/// Makes the planner know the tables that products fill, and index-only reads cheap from the start.
pub(super) const VACUUM: &str = "VACUUM (ANALYZE) product, product_option, product_product_option, product_option_value, \
    product_variant, product_variant_option, product_image, product_tags, product_category_product, \
    product_sales_channel, product_shipping_profile, price_set, product_variant_price_set, price, inventory_item, \
    product_variant_inventory_item, inventory_level, product_place, product_place_count";

/// Rows of some products, table by table in the order in which they refer to each other.
pub(super) struct Rows {
    product: Table,
    option: Table,
    product_option: Table,
    value: Table,
    variant: Table,
    variant_value: Table,
    image: Table,
    tag: Table,
    category: Table,
    channel: Table,
    profile: Table,
    price_set: Table,
    variant_price_set: Table,
    price: Table,
    item: Table,
    variant_item: Table,
    level: Table,
}

// === impl Rows ===

impl Rows {
    pub(super) fn new() -> Self {
        Self {
            product: Table::entities(
                "product",
                "title, handle, subtitle, description, status, thumbnail, weight numeric, type_id, collection_id, metadata jsonb",
            ),
            option: Table::entities("product_option", "title"),
            product_option: Table::new("product_product_option", "product_id, product_option_id"),
            value: Table::entities("product_option_value", "value, option_id, position integer"),
            variant: Table::entities("product_variant", "product_id, title, sku"),
            variant_value: Table::new("product_variant_option", "variant_id, option_value_id"),
            image: Table::entities("product_image", "product_id, url, rank integer"),
            tag: Table::new("product_tags", "product_id, product_tag_id"),
            category: Table::new("product_category_product", "product_id, product_category_id"),
            channel: Table::new("product_sales_channel", "product_id, sales_channel_id"),
            profile: Table::new("product_shipping_profile", "product_id, shipping_profile_id"),
            price_set: Table::entities("price_set", ""),
            variant_price_set: Table::new("product_variant_price_set", "variant_id, price_set_id"),
            price: Table::entities("price", "price_set_id, currency_code, amount numeric, price_list_id"),
            item: Table::entities("inventory_item", "sku, title, description"),
            variant_item: Table::new("product_variant_inventory_item", "variant_id, inventory_item_id"),
            level: Table::entities("inventory_level", "inventory_item_id, location_id, stocked_quantity numeric"),
        }
    }

    /// Sends all rows in the running transaction and tells how many they were.
    pub(super) async fn send(&mut self, connection: &mut PgConnection) -> Result<u64, SeedError> {
        let tables = [
            &mut self.product,
            &mut self.option,
            &mut self.product_option,
            &mut self.value,
            &mut self.variant,
            &mut self.variant_value,
            &mut self.image,
            &mut self.tag,
            &mut self.category,
            &mut self.channel,
            &mut self.profile,
            &mut self.price_set,
            &mut self.variant_price_set,
            &mut self.price,
            &mut self.item,
            &mut self.variant_item,
            &mut self.level,
        ];
        let mut rows = 0;
        for table in tables {
            rows += table.send(connection).await?;
        }
        Ok(rows)
    }

    /// Adds product `number`.
    pub(super) fn add(&mut self, scope: &Scope<'_>, shop: &Shop, number: u64) {
        let entry = Entry { scope, shop, number, at: scope.product_time(number) };
        let product = entry.make(Kind::Product, number, format_args!("product-{number}"));
        self.add_product(&entry, &product);
        self.add_images(&entry, &product);
        let option = entry.make(Kind::ProductOption, number, format_args!("product-{number}/Size"));
        let _ = self.option.entity(&option).text("Size");
        let _ = self.product_option.row().text(&product.id).text(&option.id);
        for (index, size) in (0_u64..).zip(SIZES) {
            let place = number * SIZES.len() as u64 + index;
            let value = entry.make(Kind::OptionValue, place, format_args!("product-{number}/Size/{size}"));
            let _ = self.value.entity(&value).text(size).text(&option.id).shown(index);
            let sku = format!("P{number}-{size}");
            let variant = entry.make(Kind::Variant, place, format_args!("{sku}"));
            let _ = self.variant.entity(&variant).text(&product.id).text(size).text(&sku);
            let _ = self.variant_value.row().text(&variant.id).text(&value.id);
            self.add_prices(&entry, &variant, &sku, place, index);
            self.add_stock(&entry, &variant, &sku, place, size);
        }
    }

    fn add_product(&mut self, entry: &Entry<'_>, product: &Made) {
        let Entry { shop, number, .. } = entry;
        let _ = self
            .product
            .entity(product)
            .shown(format_args!("Product {number}"))
            .shown(format_args!("product-{number}"))
            .shown(format_args!("Subtitle {number}"))
            .shown(format_args!(
                "Product number {number}. Made for daily wear, washed often and worn for years; sizes run true."
            ))
            .text("published")
            .shown(entry.picture_url(*number))
            .shown(400)
            .text(pick(&shop.types, *number))
            .text(pick(&shop.collections, *number))
            .shown(format_args!("{{\"n\": {number}}}"));
        let _ = self.tag.row().text(&product.id).text(pick(&shop.tags, *number));
        let _ = self.category.row().text(&product.id).text(pick(&shop.leaf_categories, *number));
        let _ = self.channel.row().text(&product.id).text(&shop.sales_channel);
        let _ = self.profile.row().text(&product.id).text(&shop.shipping_profile);
    }

    fn add_images(&mut self, entry: &Entry<'_>, product: &Made) {
        let number = entry.number;
        for rank in 0..IMAGES {
            let image = entry.make(Kind::Image, number * IMAGES + rank, format_args!("product-{number}/{rank}"));
            let _ = self.image.entity(&image).text(&product.id).shown(entry.picture_url(number + rank)).shown(rank);
        }
    }

    /// The prices of variant `place` of all variants and `index` of its product.
    fn add_prices(&mut self, entry: &Entry<'_>, variant: &Made, sku: &str, place: u64, index: u64) {
        let set = entry.make(Kind::PriceSet, place, format_args!("{sku}"));
        let _ = self.price_set.entity(&set);
        let _ = self.variant_price_set.row().text(&variant.id).text(&set.id);
        let units = entry.number % 90 + index;
        for (slot, currency) in (0_u64..).zip(CURRENCIES) {
            let number = place * CURRENCIES.len() as u64 + slot;
            let price = entry.make(Kind::Price, number, format_args!("{sku}/{currency}"));
            let row = self.price.entity(&price).text(&set.id).text(currency);
            let row = match slot {
                0 => row.shown(format_args!("{}.5", 10 + units)),
                _ => row.shown(format_args!("{}.99", 12 + units)),
            };
            let _ = row.null();
        }
        if place < SALE_VARIANTS && place.is_multiple_of(SALE_EVERY) {
            let price = entry.make(Kind::Price, SALE_NUMBERS + place, format_args!("sale/{sku}/eur"));
            let row = self.price.entity(&price).text(&set.id).text("eur");
            let _ = row.shown(SALE_PRICE).text(&entry.shop.price_list);
        }
    }

    fn add_stock(&mut self, entry: &Entry<'_>, variant: &Made, sku: &str, place: u64, size: &str) {
        let item = entry.make(Kind::InventoryItem, place, format_args!("{sku}"));
        let _ = self.item.entity(&item).text(sku).text(size).text(size);
        let _ = self.variant_item.row().text(&variant.id).text(&item.id);
        let level = entry.make(Kind::InventoryLevel, place, format_args!("{sku}"));
        let _ = self.level.entity(&level).text(&item.id).text(&entry.shop.stock_location).shown(STOCK);
    }
}

/// The product that is being written.
struct Entry<'a> {
    scope: &'a Scope<'a>,
    shop: &'a Shop,
    number: u64,
    at: String,
}

impl Entry<'_> {
    fn make(&self, kind: Kind, number: u64, key: fmt::Arguments<'_>) -> Made {
        self.scope.make_at(kind, number, key, &self.at)
    }

    fn picture_url(&self, number: u64) -> String {
        format!("{}/{}", self.scope.options.media_base_url, pictures::key(number))
    }
}

/// The entry of `list` whose turn it is.
fn pick(list: &[String], number: u64) -> &str {
    let turn = usize::try_from(number % (list.len().max(1) as u64)).unwrap_or(0);
    list.get(turn).map_or("", String::as_str)
}
