//! Currencies, countries, regions and their taxes.

use super::super::facts;
use super::super::scope::Scope;
use super::super::table::Table;
use super::super::{Kind, SeedError};
use super::link;

/// A region by name, with its currency and its countries.
struct Region {
    name: &'static str,
    currency: &'static str,
    countries: &'static [&'static str],
}

const REGIONS: [Region; 2] = [
    Region { name: "Europe", currency: "eur", countries: &["dk", "de", "fr", "it"] },
    Region { name: "US", currency: "usd", countries: &["us"] },
];
/// The countries with a tax rate, in per cent.
const VAT: [(&str, u32); 4] = [("dk", 25), ("de", 20), ("fr", 20), ("it", 20)];

/// All tables of this part.
pub(super) fn tables(scope: &Scope<'_>) -> Result<Vec<Table>, SeedError> {
    let mut tables = vec![currencies(scope)?, regions(scope), countries(scope)?];
    for number in 0..REGIONS.len() as u64 {
        let statement = ("region_payment_provider", "region_id, payment_provider_id");
        tables.push(link(statement, &region_id(scope, number), "pp_system_default"));
    }
    tables.extend([tax_regions(scope), tax_rates(scope), price_preferences(scope)]);
    Ok(tables)
}

/// The countries that the shop sells to.
pub(super) fn country_codes() -> impl Iterator<Item = &'static str> {
    REGIONS.iter().flat_map(|region| region.countries.iter().copied())
}

/// Id and name of the region with prices of its own for shipping.
pub(super) fn europe(scope: &Scope<'_>) -> (String, &'static str) {
    (region_id(scope, 0), REGIONS[0].name)
}

fn region_id(scope: &Scope<'_>, number: u64) -> String {
    let name = usize::try_from(number).ok().and_then(|index| REGIONS.get(index)).map_or("", |region| region.name);
    scope.id(Kind::Region, number, format_args!("{name}"))
}

fn currencies(scope: &Scope<'_>) -> Result<Table, SeedError> {
    let mut table = Table::new(
        "currency",
        "code, created_at timestamptz, updated_at timestamptz, symbol, symbol_native, name, decimal_digits integer, rounding numeric",
    );
    let at = scope.shop_time();
    for currency in facts::currencies()? {
        let row = table.row().text(currency.code).text(&at).text(&at);
        let row = row.text(currency.symbol).text(currency.symbol_native).text(currency.name);
        let _ = row.shown(currency.decimal_digits).text(currency.rounding);
    }
    Ok(table)
}

fn regions(scope: &Scope<'_>) -> Table {
    let mut table = Table::entities("region", "name, currency_code");
    for (number, region) in (0..).zip(&REGIONS) {
        let made = scope.make(Kind::Region, number, format_args!("{}", region.name));
        let _ = table.entity(&made).text(region.name).text(region.currency);
    }
    table
}

fn countries(scope: &Scope<'_>) -> Result<Table, SeedError> {
    let mut table = Table::new(
        "region_country",
        "iso_2, created_at timestamptz, updated_at timestamptz, iso_3, num_code, name, display_name, region_id",
    );
    let at = scope.shop_time();
    for country in facts::countries()? {
        let row = table.row().text(country.iso_2).text(&at).text(&at).text(country.iso_3).text(country.num_code);
        let row = row.text(&country.display_name.to_uppercase()).text(country.display_name);
        let region = (0..).zip(&REGIONS).find(|(_, region)| region.countries.contains(&country.iso_2));
        let _ = match region {
            Some((number, _)) => row.text(&region_id(scope, number)),
            None => row.null(),
        };
    }
    Ok(table)
}

fn tax_regions(scope: &Scope<'_>) -> Table {
    let mut table = Table::entities("tax_region", "country_code, provider_id");
    for (number, country) in (0..).zip(country_codes()) {
        let made = scope.make(Kind::TaxRegion, number, format_args!("{country}"));
        let _ = table.entity(&made).text(country).text("tp_system");
    }
    table
}

fn tax_rates(scope: &Scope<'_>) -> Table {
    let mut table = Table::entities("tax_rate", "rate numeric, code, name, is_default boolean, tax_region_id");
    for (number, country) in (0..).zip(country_codes()) {
        let Some((_, rate)) = VAT.iter().find(|(code, _)| *code == country) else { continue };
        let made = scope.make(Kind::TaxRate, number, format_args!("vat_{country}"));
        let row = table.entity(&made).shown(rate);
        let row = row.shown(format_args!("vat_{country}")).shown(format_args!("VAT {country}")).shown(true);
        let _ = row.text(&scope.id(Kind::TaxRegion, number, format_args!("{country}")));
    }
    table
}

/// Prices are without tax, in every currency and every region.
fn price_preferences(scope: &Scope<'_>) -> Table {
    let mut table = Table::entities("price_preference", "attribute, value, is_tax_inclusive boolean");
    for (number, region) in (0..).zip(&REGIONS) {
        let made = scope.make(Kind::PricePreference, 2 * number, format_args!("{}", region.currency));
        let _ = table.entity(&made).text("currency_code").text(region.currency).shown(false);
        let made = scope.make(Kind::PricePreference, 2 * number + 1, format_args!("{}", region.name));
        let _ = table.entity(&made).text("region_id").text(&region_id(scope, number)).shown(false);
    }
    table
}
