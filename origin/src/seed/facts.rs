//! The countries and currencies of the world, from the tables in `data/`.

use super::SeedError;

const COUNTRIES: &str = include_str!("data/countries.csv");
const CURRENCIES: &str = include_str!("data/currencies.csv");

/// A country.
#[derive(Debug)]
pub(super) struct Country {
    pub(super) iso_2: &'static str,
    pub(super) iso_3: &'static str,
    pub(super) num_code: &'static str,
    pub(super) display_name: &'static str,
}

/// A currency.
#[derive(Debug)]
pub(super) struct Currency {
    pub(super) code: &'static str,
    pub(super) decimal_digits: u32,
    pub(super) rounding: &'static str,
    pub(super) symbol: &'static str,
    pub(super) symbol_native: &'static str,
    pub(super) name: &'static str,
}

/// All countries, by their codes.
pub(super) fn countries() -> Result<Vec<Country>, SeedError> {
    read("data/countries.csv", COUNTRIES, |[iso_2, iso_3, num_code, display_name]| {
        let form = iso_2.len() == 2 && iso_3.len() == 3 && num_code.len() == 3;
        form.then_some(Country { iso_2, iso_3, num_code, display_name }).ok_or("a code has the wrong length".to_owned())
    })
}

/// All currencies, by their codes.
pub(super) fn currencies() -> Result<Vec<Currency>, SeedError> {
    read("data/currencies.csv", CURRENCIES, |[code, digits, rounding, symbol, symbol_native, name]| {
        let decimal_digits = digits.parse().map_err(|error| format!("decimal digits {digits:?}: {error}"))?;
        Ok(Currency { code, decimal_digits, rounding, symbol, symbol_native, name })
    })
}

/// Reads lines of `N` fields between semicolons; `#` begins a remark.
fn read<T, const N: usize>(
    file: &'static str,
    text: &'static str,
    entry: impl Fn([&'static str; N]) -> Result<T, String>,
) -> Result<Vec<T>, SeedError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(index, line)| {
            let fields: Vec<&'static str> = line.split(';').collect();
            let count = fields.len();
            let fields = <[&'static str; N]>::try_from(fields).map_err(|_| format!("{count} fields, not {N}"));
            fields.and_then(&entry).map_err(|reason| SeedError::Facts { file, line: index + 1, reason })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_read() {
        let countries = countries().unwrap();
        assert_eq!(countries.len(), 250);
        assert!(countries.is_sorted_by(|a, b| a.iso_2 < b.iso_2));
        let currencies = currencies().unwrap();
        assert_eq!(currencies.len(), 126);
        assert!(currencies.is_sorted_by(|a, b| a.code < b.code));
        assert_eq!(currencies[0].symbol, "AED");
        assert_eq!(currencies[1].decimal_digits, 0);
    }

    #[test]
    fn a_bad_line_is_named() {
        let error = read("x.csv", "# remark\na;b\nc\n", |[_, _]: [&str; 2]| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), "seed: x.csv, line 3: 1 fields, not 2");
    }
}
