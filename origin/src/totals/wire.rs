//! Totals as JSON shows them.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::pricing::Amount;

/// What is not larger than this is written as 0 (`MEDUSA_EPSILON`): 0.0001.
const EPSILON: Decimal = Decimal::from_parts(1, 0, 0, false, 4);
/// Significant digits of a raw value.
const PRECISION: u32 = 20;

/// Appends a total as a number.
pub fn write_number(total: Decimal, out: &mut Vec<u8>) {
    let shown = if total.abs() <= EPSILON { Decimal::ZERO } else { total };
    out.extend_from_slice(Amount(shown).as_number().as_bytes());
}

/// Appends a total as Medusa's raw value: `{"value":"…","precision":20}`.
pub fn write_raw(total: Decimal, out: &mut Vec<u8>) {
    let rounded = total.round_sf_with_strategy(PRECISION, RoundingStrategy::MidpointAwayFromZero).unwrap_or(total);
    out.extend_from_slice(format!("{{\"value\":\"{}\",\"precision\":{PRECISION}}}", Amount(rounded)).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(total: &str) -> (String, String) {
        let total: Decimal = total.parse().unwrap();
        let (mut number, mut raw) = (Vec::new(), Vec::new());
        write_number(total, &mut number);
        write_raw(total, &mut raw);
        (String::from_utf8(number).unwrap(), String::from_utf8(raw).unwrap())
    }

    #[test]
    fn totals_look_like_medusas() {
        let table = [
            ("16.875", "16.875", "16.875"),
            ("-0.0001", "0", "-0.0001"),
            ("0.00011", "0.00011", "0.00011"),
            ("4.67289719626168224299", "4.672897196261682", "4.672897196261682243"),
            ("4.99999999999999999999930", "5", "5"),
            ("30.00", "30", "30"),
        ];
        for (total, number, raw) in table {
            let raw = format!("{{\"value\":\"{raw}\",\"precision\":20}}");
            assert_eq!(written(total), (number.to_owned(), raw), "{total}");
        }
    }
}
