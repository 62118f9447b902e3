//! Standard promotions on lines (`utils/compute-actions/line-items.js`, `totals/promotion`).

use rust_decimal::Decimal;

use super::compute::{Given, Taken};
use super::math::{EPSILON, add, mul, share, sub};
use super::{Allocation, Line, Method, MethodKind, Promotion, TooLarge, budget, rule};

/// Takes a standard promotion off the lines that it targets. `lines` are in a fixed order.
pub(super) fn apply(
    promotion: &Promotion,
    method: &Method,
    allocation: Option<Allocation>,
    lines: &[&Line],
    taken: &mut Taken,
) -> Result<Given, TooLarge> {
    let mut targets: Vec<Target<'_>> = Vec::new();
    for line in lines {
        let may = line.is_discountable && line.subtotal > Decimal::ZERO && line.quantity > Decimal::ZERO;
        if may && rule::hold_for_line(&method.target_rules, &line.attributes) {
            targets.push(Target::new(line, promotion.is_tax_inclusive));
        }
    }
    targets.retain(|target| target.base > Decimal::ZERO);
    let mut quota = Decimal::from(method.max_quantity.unwrap_or(0));
    let mut all = Decimal::ZERO;
    match allocation {
        Some(Allocation::Across) => {
            for target in &targets {
                all = add(all, target.left(taken)?)?;
            }
            if all <= Decimal::ZERO {
                return Ok(Given::Nothing);
            }
        }
        // The cheapest piece first; the sort is stable.
        Some(Allocation::Once) => {
            targets.sort_by_cached_key(|target| target.line.subtotal.checked_div(target.line.quantity));
        }
        Some(Allocation::Each) | None => {}
    }
    let mut given = Given::Nothing;
    for target in targets {
        let pieces = match allocation {
            Some(Allocation::Once) if quota <= Decimal::ZERO => break,
            Some(Allocation::Once) => Some(quota.min(target.line.quantity)),
            _ => method.max_quantity.map(Decimal::from),
        };
        let amount = match allocation {
            Some(Allocation::Across) => target.shared(method, all, taken)?,
            _ => target.own(method, pieces, taken)?,
        };
        if amount <= Decimal::ZERO {
            continue;
        }
        if !budget::allows(promotion, amount)? {
            given.refuse();
            continue;
        }
        taken.add(&target.line.id, target.without_tax(amount)?)?;
        quota -= pieces.unwrap_or_default();
        given.give(&target.line.id, amount);
    }
    Ok(given)
}

/// A line, with the amount that a promotion is worked out from.
struct Target<'l> {
    line: &'l Line,
    is_tax_inclusive: bool,
    base: Decimal,
}

// === impl Target ===

impl<'l> Target<'l> {
    fn new(line: &'l Line, is_tax_inclusive: bool) -> Self {
        Self { line, is_tax_inclusive, base: if is_tax_inclusive { line.original_total } else { line.subtotal } }
    }

    /// What others have not taken yet.
    fn left(&self, taken: &Taken) -> Result<Decimal, TooLarge> {
        let others = taken.of(&self.line.id);
        let others =
            if self.is_tax_inclusive { share(others, self.line.original_total, self.line.subtotal)? } else { others };
        sub(self.base, others)
    }

    /// Of an amount of this promotion, the part that is no tax.
    fn without_tax(&self, amount: Decimal) -> Result<Decimal, TooLarge> {
        if self.is_tax_inclusive { share(amount, self.line.subtotal, self.line.original_total) } else { Ok(amount) }
    }

    /// What it gets of a discount that all targets share by what is left of them.
    fn shared(&self, method: &Method, all: Decimal, taken: &Taken) -> Result<Decimal, TooLarge> {
        let quantity = self.line.quantity;
        let pieces = match method.max_quantity {
            Some(most) if most != 0 => quantity.min(most.into()),
            _ => quantity,
        };
        let untouched = share(self.base, pieces, quantity)?;
        let left = sub(untouched, sub(self.base, self.left(taken)?)?)?;
        if left <= EPSILON {
            return Ok(Decimal::ZERO);
        }
        let amount = match method.kind {
            MethodKind::Percentage => share(left, method.amount(), Decimal::ONE_HUNDRED)?,
            MethodKind::Fixed => share(left, method.amount(), all)?,
        };
        Ok(no_crumbs(amount.min(left)))
    }

    /// What it gets by itself, on so many pieces: one, unless told otherwise.
    fn own(&self, method: &Method, pieces: Option<Decimal>, taken: &Taken) -> Result<Decimal, TooLarge> {
        let quantity = self.line.quantity;
        let pieces = pieces.unwrap_or(Decimal::ONE);
        let left = self.left(taken)?.min(share(self.base, pieces, quantity)?);
        if left <= EPSILON {
            return Ok(Decimal::ZERO);
        }
        let amount = match method.kind {
            MethodKind::Percentage => share(left, method.amount(), Decimal::ONE_HUNDRED)?,
            MethodKind::Fixed => mul(method.amount(), quantity.min(pieces))?,
        };
        Ok(no_crumbs(amount.min(left)))
    }
}

/// An amount that is worth telling, or zero.
fn no_crumbs(amount: Decimal) -> Decimal {
    if amount <= EPSILON { Decimal::ZERO } else { amount }
}
