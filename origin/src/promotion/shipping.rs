//! Standard promotions on shipping methods (`utils/compute-actions/shipping-methods.js`).

use rust_decimal::Decimal;

use super::compute::{Given, Taken};
use super::math::{add, share, sub};
use super::{Allocation, Method, MethodKind, Promotion, ShippingMethod, TooLarge, budget, rule};

/// Takes a standard promotion off the shipping methods that it targets. `methods` are in a fixed order.
pub(super) fn apply(
    promotion: &Promotion,
    method: &Method,
    methods: &[&ShippingMethod],
    taken: &mut Taken,
) -> Result<Given, TooLarge> {
    let Some(allocation) = method.allocation else {
        return Ok(Given::Nothing);
    };
    let is_target = |shipping: &&&ShippingMethod| rule::hold_for_shipping(&method.target_rules, &shipping.attributes);
    let mut targets: Vec<&ShippingMethod> = methods.iter().filter(is_target).copied().collect();
    let mut quota = method.max_quantity.unwrap_or(0);
    let mut all = Decimal::ZERO;
    match allocation {
        Allocation::Once => targets.sort_by_key(|target| target.subtotal),
        Allocation::Across => {
            for target in &targets {
                all = add(all, sub(target.subtotal, taken.of(&target.id))?)?;
            }
            if all <= Decimal::ZERO {
                return Ok(Given::Nothing);
            }
        }
        Allocation::Each => {}
    }
    let mut given = Given::Nothing;
    for target in targets {
        if allocation == Allocation::Once && quota <= 0 {
            break;
        }
        let left = sub(target.subtotal, taken.of(&target.id))?;
        let amount = match (method.kind, allocation) {
            (MethodKind::Percentage, _) => share(left, method.amount(), Decimal::ONE_HUNDRED)?,
            (MethodKind::Fixed, Allocation::Across) => share(left, method.amount(), all)?,
            (MethodKind::Fixed, _) => method.amount(),
        };
        let amount = amount.min(left);
        if amount <= Decimal::ZERO {
            continue;
        }
        if !budget::allows(promotion, amount)? {
            given.refuse();
            continue;
        }
        taken.add(&target.id, amount)?;
        quota -= 1;
        given.give(&target.id, amount);
    }
    Ok(given)
}
