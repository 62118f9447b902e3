//! What campaigns may spend (`utils/compute-actions/usage.js`).

use rust_decimal::Decimal;

use super::math::add;
use super::{Budget, BudgetKind, ComputeError, Context, Promotion, Skip, TooLarge};

/// Whether taking `amount` more off leaves the campaign within its budget. As in Medusa, each amount is looked at
/// alone; what is spent in all is counted when an order is placed.
pub(super) fn allows(promotion: &Promotion, amount: Decimal) -> Result<bool, TooLarge> {
    let Some(budget) = promotion.budget() else {
        return Ok(true);
    };
    match budget.kind {
        BudgetKind::UseByAttribute => Ok(true),
        BudgetKind::Spend => Ok(within(budget, add(budget.used.0, amount)?)),
        BudgetKind::Usage | BudgetKind::SpendByAttribute => Ok(within(budget, add(budget.used.0, Decimal::ONE)?)),
    }
}

/// Whether the cart's customer or address may use the promotion once more, where a campaign counts that.
///
/// A promotion that was asked for by code fails without one, as in Medusa; one that needs no code is passed over, so that
/// it cannot break the carts of guests.
pub(super) fn allows_user(promotion: &Promotion, context: &Context<'_>) -> Result<Result<(), Skip>, ComputeError> {
    let Some(budget) = promotion.budget().filter(|budget| budget.kind == BudgetKind::UseByAttribute) else {
        return Ok(Ok(()));
    };
    let attribute = budget.attribute.as_deref().unwrap_or_default();
    let user = match attribute {
        "customer_id" => context.customer_id,
        "customer_email" => context.email,
        _ => None,
    };
    let Some(user) = user.filter(|user| !user.is_empty()) else {
        return if promotion.is_automatic { Ok(Err(Skip::Rules)) } else { Err(ComputeError::missing(attribute)) };
    };
    let Some(usage) = budget.usages.iter().find(|usage| usage.attribute_value == user) else {
        return Ok(Ok(()));
    };
    let allowed = within(budget, add(usage.used.0, Decimal::ONE)?);
    Ok(if allowed { Ok(()) } else { Err(Skip::BudgetExceeded) })
}

fn within(budget: &Budget, total: Decimal) -> bool {
    budget.limit.is_none_or(|limit| limit.0.is_zero() || total <= limit.0)
}
