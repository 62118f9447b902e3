//! An amount, and how JSON shows it.

use std::fmt;
use std::str::FromStr as _;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in major units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub Decimal);

// === impl Amount ===

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// Written as Medusa writes numbers: no exponent, no zeros at the end; what a double cannot hold is rounded to one.
    pub fn as_number(self) -> String {
        let exact = self.0.normalize().to_string();
        if self.0.normalize().scale() <= EXACT_DIGITS {
            return exact;
        }
        // Read from its digits it is the nearest double, and printed the shortest text that reads back as that, as in JavaScript.
        exact.parse::<f64>().map_or(exact, |double| double.to_string())
    }

    /// All its digits, as Medusa's `raw_` values have them.
    pub fn as_text(self) -> String {
        self.0.normalize().to_string()
    }
}

/// Decimals after the point that a double of everyday size shows as they are.
const EXACT_DIGITS: u32 = 12;

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_text())
    }
}

/// As text, which Postgres reads as a numeric.
impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From text, as Postgres prints numerics; digits beyond what a decimal holds are rounded.
impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Decimal::from_str(&text)
            .map(Self)
            .map_err(|error| serde::de::Error::custom(format!("`{text}` is not an amount: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_like_javascripts() {
        let table = [
            ("11.50", "11.5"),
            ("5", "5"),
            ("5.000", "5"),
            ("0", "0"),
            ("14.375", "14.375"),
            ("-3.10", "-3.1"),
            ("4.6728971962616822429906542056", "4.672897196261682"),
            ("1000000", "1000000"),
            ("100", "100"),
        ];
        for (text, number) in table {
            assert_eq!(Amount(text.parse().unwrap()).as_number(), number, "{text}");
        }
    }

    #[test]
    fn raw_values_keep_all_digits() {
        assert_eq!(Amount("4.6728971962616822429900".parse().unwrap()).as_text(), "4.67289719626168224299");
    }
}
