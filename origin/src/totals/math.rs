//! Arithmetic that never panics: what no decimal holds is an error.

use rust_decimal::{Decimal, RoundingStrategy};

/// Decimals of a quotient, as in `bignumber.js`.
const QUOTIENT_DECIMALS: u32 = 20;

/// An amount that no decimal holds (about 28 digits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("An amount is too large to be computed with")]
pub struct TooLarge;

/// `a + b`.
pub fn add(a: Decimal, b: Decimal) -> Result<Decimal, TooLarge> {
    a.checked_add(b).ok_or(TooLarge)
}

/// `a - b`.
pub fn sub(a: Decimal, b: Decimal) -> Result<Decimal, TooLarge> {
    a.checked_sub(b).ok_or(TooLarge)
}

/// `a · b`.
pub fn mul(a: Decimal, b: Decimal) -> Result<Decimal, TooLarge> {
    a.checked_mul(b).ok_or(TooLarge)
}

/// `a / b`, with 20 decimals.
pub(super) fn div(a: Decimal, b: Decimal) -> Result<Decimal, TooLarge> {
    let quotient = a.checked_div(b).ok_or(TooLarge)?;
    Ok(quotient.round_dp_with_strategy(QUOTIENT_DECIMALS, RoundingStrategy::MidpointAwayFromZero))
}
