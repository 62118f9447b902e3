//! The stock location, and how goods leave it: profile, fulfillment set, zones, options and their prices.

use super::super::Kind;
use super::super::scope::{Made, Scope};
use super::super::table::Table;
use super::{link, places, selling};

const LOCATION: &str = "WH";
const PROVIDER: &str = "manual_manual";
const PROFILE: &str = "default";
const SET: &str = "WH delivery";
const ZONE: &str = "All";
const RULES: [(&str, &str); 2] = [("enabled_in_store", "true"), ("is_return", "false")];
/// The numbers of shipping's price sets and prices begin above those of all variants.
const NUMBERS: u64 = 1 << 61;

/// A shipping option, with its prices: in dollars, in euros, and in euros in Europe.
struct Choice {
    label: &'static str,
    code: &'static str,
    usd: u32,
    eur: u32,
    europe: u32,
}

const CHOICES: [Choice; 2] = [
    Choice { label: "Standard", code: "standard", usd: 10, eur: 8, europe: 9 },
    Choice { label: "Express", code: "express", usd: 20, eur: 18, europe: 19 },
];

/// All tables of this part.
pub(super) fn tables(scope: &Scope<'_>) -> Vec<Table> {
    let mut tables = location(scope);
    tables.extend(zones(scope));
    tables.extend(options(scope));
    tables.extend(prices(scope));
    tables
}

/// The id of the stock location.
pub(super) fn location_id(scope: &Scope<'_>) -> String {
    scope.id(Kind::StockLocation, 0, format_args!("{LOCATION}"))
}

/// The id of the shipping profile.
pub(super) fn profile_id(scope: &Scope<'_>) -> String {
    scope.id(Kind::ShippingProfile, 0, format_args!("{PROFILE}"))
}

fn location(scope: &Scope<'_>) -> Vec<Table> {
    let mut addresses = Table::entities("stock_location_address", "address_1, city, country_code");
    let address = scope.make(Kind::StockLocationAddress, 0, format_args!("{LOCATION}"));
    let _ = addresses.entity(&address).text("x").text("Copenhagen").text("DK");
    let mut locations = Table::entities("stock_location", "name, address_id");
    let made = scope.make(Kind::StockLocation, 0, format_args!("{LOCATION}"));
    let _ = locations.entity(&made).text(LOCATION).text(&address.id);
    let mut providers = Table::entities("fulfillment_provider", "");
    let at = scope.shop_time();
    let _ = providers.row().text(PROVIDER).text(&at).text(&at);
    let channel = ("sales_channel_stock_location", "sales_channel_id, stock_location_id");
    let provider = ("location_fulfillment_provider", "stock_location_id, fulfillment_provider_id");
    vec![
        addresses,
        locations,
        providers,
        link(channel, &selling::channel_id(scope), &made.id),
        link(provider, &made.id, PROVIDER),
    ]
}

fn zones(scope: &Scope<'_>) -> Vec<Table> {
    let mut profiles = Table::entities("shipping_profile", "name, type");
    let profile = scope.make(Kind::ShippingProfile, 0, format_args!("{PROFILE}"));
    let _ = profiles.entity(&profile).text("Default Shipping Profile").text(PROFILE);
    let mut sets = Table::entities("fulfillment_set", "name, type");
    let set = scope.make(Kind::FulfillmentSet, 0, format_args!("{SET}"));
    let _ = sets.entity(&set).text(SET).text("shipping");
    let set_link = ("location_fulfillment_set", "stock_location_id, fulfillment_set_id");
    let mut zones = Table::entities("service_zone", "name, fulfillment_set_id");
    let zone = scope.make(Kind::ServiceZone, 0, format_args!("{ZONE}"));
    let _ = zones.entity(&zone).text(ZONE).text(&set.id);
    let mut places = Table::entities("geo_zone", "type, country_code, service_zone_id");
    for (number, country) in (0..).zip(places::country_codes()) {
        let row = places.entity(&scope.make(Kind::GeoZone, number, format_args!("{country}")));
        let _ = row.text("country").text(country).text(&zone.id);
    }
    vec![profiles, sets, link(set_link, &location_id(scope), &set.id), zones, places]
}

fn options(scope: &Scope<'_>) -> [Table; 3] {
    let mut types = Table::entities("shipping_option_type", "label, description, code");
    let mut options = Table::entities(
        "shipping_option",
        "name, price_type, service_zone_id, shipping_profile_id, provider_id, shipping_option_type_id",
    );
    let mut rules = Table::entities("shipping_option_rule", "attribute, operator, value jsonb, shipping_option_id");
    let zone = scope.id(Kind::ServiceZone, 0, format_args!("{ZONE}"));
    for (number, choice) in (0..).zip(&CHOICES) {
        let kind = scope.make(Kind::ShippingOptionType, number, format_args!("{}", choice.code));
        let _ = types.entity(&kind).text(choice.label).text(choice.label).text(choice.code);
        let option = scope.make(Kind::ShippingOption, number, format_args!("{}", choice.code));
        let row = options.entity(&option).shown(format_args!("{} Shipping", choice.label)).text("flat").text(&zone);
        let _ = row.text(&profile_id(scope)).text(PROVIDER).text(&kind.id);
        for (slot, (attribute, value)) in (0..).zip(RULES) {
            let key = format_args!("{}/{attribute}", choice.code);
            let rule = scope.make(Kind::ShippingOptionRule, number * RULES.len() as u64 + slot, key);
            let row = rules.entity(&rule).text(attribute).text("eq");
            let _ = row.shown(format_args!("\"{value}\"")).text(&option.id);
        }
    }
    [types, options, rules]
}

fn prices(scope: &Scope<'_>) -> [Table; 4] {
    let mut sets = Table::entities("price_set", "");
    let mut links = Table::new("shipping_option_price_set", "shipping_option_id, price_set_id");
    let mut prices = Table::entities("price", "price_set_id, currency_code, amount numeric, rules_count integer");
    let mut rules = Table::entities("price_rule", "price_id, attribute, value");
    let (region, region_name) = places::europe(scope);
    for (number, choice) in (0..).zip(&CHOICES) {
        let set = scope.make(Kind::PriceSet, NUMBERS + number, format_args!("shipping/{}", choice.code));
        let _ = sets.entity(&set);
        let option = scope.id(Kind::ShippingOption, number, format_args!("{}", choice.code));
        let _ = links.row().text(&option).text(&set.id);
        let entries =
            [("usd", "usd", choice.usd, 0), ("eur", "eur", choice.eur, 0), (region_name, "eur", choice.europe, 1)];
        for (slot, (name, currency, amount, rules_count)) in (0..).zip(entries) {
            let key = format_args!("shipping/{}/{name}", choice.code);
            let place = NUMBERS + number * entries.len() as u64 + slot;
            let price: Made = scope.make(Kind::Price, place, key);
            let _ = prices.entity(&price).text(&set.id).text(currency).shown(amount).shown(rules_count);
            if rules_count > 0 {
                let rule = scope.make(Kind::PriceRule, place, key);
                let _ = rules.entity(&rule).text(&price.id).text("region_id").text(&region);
            }
        }
    }
    [sets, links, prices, rules]
}
