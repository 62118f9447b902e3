//! Which promotions apply, in which order, and what each leaves for the next (`computeActions`).

use std::cmp::Reverse;
use std::collections::HashMap;

use rust_decimal::Decimal;

use super::buy_get::UsedUp;
use super::math::add;
use super::{
    Adjustment, Allocation, ComputeError, Context, Kind, Line, Method, Outcome, Promotion, ShippingMethod, Skip,
    Target, TooLarge, budget, buy_get, items, rule, shipping,
};

/// What has been taken off lines and shipping methods so far, without tax.
#[derive(Debug, Default)]
pub(super) struct Taken(HashMap<String, Decimal>);

/// What one promotion takes off, by line or shipping method.
#[derive(Debug)]
pub(super) enum Given {
    /// Nothing is left that it could discount.
    Nothing,
    /// Nothing, since its campaign cannot pay for it.
    Refused,
    /// These.
    Amounts(Vec<(String, Decimal)>),
}

/// Works out what `promotions` take off a cart: those whose code is among `codes`, and those that need no code.
///
/// `promotions` may hold others too, and promotions that are off; see [`super::rows`] for how they are loaded.
pub fn compute(promotions: &[Promotion], codes: &[String], context: &Context<'_>) -> Result<Outcome, ComputeError> {
    let mut lines: Vec<&Line> = context.lines.iter().collect();
    lines.sort_by(|a, b| a.id.cmp(&b.id));
    let mut methods: Vec<&ShippingMethod> = context.shipping_methods.iter().collect();
    methods.sort_by(|a, b| a.id.cmp(&b.id));
    let mut cart = Cart { context, lines, methods, taken: Taken::default(), used: UsedUp::default() };
    let mut outcome = Outcome::default();
    for promotion in in_order(promotions, codes) {
        let given = match cart.may_apply(promotion)? {
            Ok(method) => cart.apply(promotion, method)?,
            Err(skip) => {
                outcome.skip(promotion, codes, skip);
                continue;
            }
        };
        let adjustments = if is_of_shipping(promotion) { &mut outcome.shipping_methods } else { &mut outcome.lines };
        match given {
            Given::Nothing => outcome.skip(promotion, codes, Skip::Nothing),
            Given::Refused => outcome.skip(promotion, codes, Skip::BudgetExceeded),
            Given::Amounts(amounts) => adjustments.extend(amounts.into_iter().map(|(target, amount)| Adjustment {
                target,
                promotion_id: promotion.id.clone(),
                code: promotion.code.clone(),
                amount,
                // Others are worked out without tax whatever the promotion says, as in Medusa.
                is_tax_inclusive: promotion.is_tax_inclusive && is_standard_of_lines(promotion),
            })),
        }
    }
    Ok(outcome)
}

/// The first of `codes` that no promotion has, whether on or off: Medusa refuses it with
/// `The promotion code {code} is invalid` (400).
pub fn unknown_code<'c>(promotions: &[Promotion], codes: &'c [String]) -> Option<&'c str> {
    codes.iter().find(|code| !promotions.iter().any(|promotion| promotion.code == **code)).map(String::as_str)
}

/// Buy-get first, then the largest value (`sortByBuyGetType`); equals by id, the oldest first.
fn in_order<'p>(promotions: &'p [Promotion], codes: &[String]) -> Vec<&'p Promotion> {
    let asked = |promotion: &&Promotion| promotion.is_automatic || codes.contains(&promotion.code);
    let mut ordered: Vec<&Promotion> = promotions.iter().filter(asked).collect();
    ordered.sort_by_cached_key(|promotion| {
        let is_buy_get = promotion.kind == Kind::BuyGet;
        let method = promotion.method.as_ref();
        let of_buy_get = |quantity: fn(&Method) -> Option<i64>| method.filter(|_| is_buy_get).and_then(quantity);
        (
            Reverse(is_buy_get),
            Reverse(method.map(Method::amount)),
            Reverse(of_buy_get(|method| method.buy_rules_min_quantity)),
            Reverse(of_buy_get(|method| method.apply_to_quantity)),
            promotion.id.clone(),
        )
    });
    ordered.dedup_by(|a, b| a.id == b.id);
    ordered
}

fn is_of_shipping(promotion: &Promotion) -> bool {
    let of_shipping = |method: &Method| method.target_type == Target::ShippingMethods;
    promotion.kind == Kind::Standard && promotion.method.as_ref().is_some_and(of_shipping)
}

fn is_standard_of_lines(promotion: &Promotion) -> bool {
    promotion.kind == Kind::Standard && !is_of_shipping(promotion)
}

struct Cart<'c> {
    context: &'c Context<'c>,
    lines: Vec<&'c Line>,
    methods: Vec<&'c ShippingMethod>,
    taken: Taken,
    used: UsedUp,
}

// === impl Cart ===

impl Cart<'_> {
    /// The promotion's method, unless something other than what is in the cart speaks against it.
    fn may_apply<'p>(&self, promotion: &'p Promotion) -> Result<Result<&'p Method, Skip>, ComputeError> {
        let Some(method) = promotion.method.as_ref().filter(|_| promotion.is_active(self.context.now)) else {
            return Ok(Err(Skip::Inactive));
        };
        // Promotions by code are not looked at so: "not in" holds of what the cart does not have.
        if promotion.is_automatic && !rule::names_what_is_there(promotion, self.context) {
            return Ok(Err(Skip::Rules));
        }
        if let Err(skip) = budget::allows_user(promotion, self.context)?.and_then(|()| promotion.is_used_up()) {
            return Ok(Err(skip));
        }
        let currency = method.currency_code.as_deref().filter(|currency| !currency.is_empty());
        if currency.is_some_and(|currency| currency != self.context.currency_code) {
            return Ok(Err(Skip::Currency));
        }
        Ok(if rule::hold_for_cart(&promotion.rules, self.context) { Ok(method) } else { Err(Skip::Rules) })
    }

    fn apply(&mut self, promotion: &Promotion, method: &Method) -> Result<Given, TooLarge> {
        match (promotion.kind, method.target_type) {
            (Kind::BuyGet, _) => buy_get::apply(promotion, method, &self.lines, &mut self.taken, &mut self.used),
            (Kind::Standard, Target::ShippingMethods) => {
                shipping::apply(promotion, method, &self.methods, &mut self.taken)
            }
            (Kind::Standard, Target::Items) => {
                items::apply(promotion, method, method.allocation, &self.lines, &mut self.taken)
            }
            (Kind::Standard, Target::Order) => {
                let allocation = method.allocation.or(Some(Allocation::Across));
                items::apply(promotion, method, allocation, &self.lines, &mut self.taken)
            }
        }
    }
}

// === impl Taken ===

impl Taken {
    pub(super) fn of(&self, target: &str) -> Decimal {
        self.0.get(target).copied().unwrap_or_default()
    }

    pub(super) fn add(&mut self, target: &str, amount: Decimal) -> Result<(), TooLarge> {
        let sum = add(self.of(target), amount)?;
        self.0.insert(target.to_owned(), sum);
        Ok(())
    }
}

// === impl Given ===

impl Given {
    pub(super) fn give(&mut self, target: &str, amount: Decimal) {
        let given = (target.to_owned(), amount);
        match self {
            Self::Amounts(amounts) => amounts.push(given),
            Self::Nothing | Self::Refused => *self = Self::Amounts(vec![given]),
        }
    }

    pub(super) fn refuse(&mut self) {
        if matches!(self, Self::Nothing) {
            *self = Self::Refused;
        }
    }
}

// === impl Outcome ===

impl Outcome {
    fn skip(&mut self, promotion: &Promotion, codes: &[String], skip: Skip) {
        if codes.contains(&promotion.code) {
            self.skipped.insert(promotion.code.clone(), skip);
        }
    }
}
