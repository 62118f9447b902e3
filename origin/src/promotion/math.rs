//! Arithmetic that says when it cannot go on.

use rust_decimal::Decimal;

/// An amount is larger than decimals are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("An amount of the cart is too large to be discounted; make prices or quantities smaller.")]
pub struct TooLarge;

/// Amounts that are not more than this count as nothing (`MEDUSA_EPSILON`).
pub(super) const EPSILON: Decimal = Decimal::from_parts(1, 0, 0, false, 4);

pub(super) fn add(a: Decimal, b: Decimal) -> Result<Decimal, TooLarge> {
    a.checked_add(b).ok_or(TooLarge)
}

pub(super) fn sub(a: Decimal, b: Decimal) -> Result<Decimal, TooLarge> {
    a.checked_sub(b).ok_or(TooLarge)
}

pub(super) fn mul(a: Decimal, b: Decimal) -> Result<Decimal, TooLarge> {
    a.checked_mul(b).ok_or(TooLarge)
}

/// `a · b / c`, multiplied first, so that what divides evenly stays exact. `c` of zero gives zero.
pub(super) fn share(a: Decimal, b: Decimal, c: Decimal) -> Result<Decimal, TooLarge> {
    if c.is_zero() {
        return Ok(Decimal::ZERO);
    }
    match a.checked_mul(b).and_then(|product| product.checked_div(c)) {
        Some(share) => Ok(share),
        // The product alone may be too large where the share is not.
        None => mul(a.checked_div(c).ok_or(TooLarge)?, b),
    }
}
