//! Whoever buys some gets others for less (`utils/compute-actions/buy-get.js`).

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::compute::{Given, Taken};
use super::math::{add, mul, share, sub};
use super::{Line, Method, MethodKind, Promotion, TooLarge, budget, rule};

/// A promotion is applied so often at most, as in Medusa.
const MAX_ROUNDS: usize = 1_000;

/// What buy-get promotions have used up so far. As in Medusa, no piece is bought for two of them, and none is discounted by
/// two; what was bought for one may be discounted by another.
#[derive(Debug, Default)]
pub(super) struct UsedUp {
    bought: Pieces,
    discounted: Pieces,
}

/// Quantities by line.
type Pieces = BTreeMap<String, Decimal>;

/// Which pieces one round takes.
struct Round<'l> {
    bought: Vec<(&'l Line, Decimal)>,
    discounted: Vec<(&'l Line, Decimal)>,
}

/// A buy-get promotion on the lines of a cart.
struct Offer<'l> {
    minimum: Decimal,
    at_a_time: Decimal,
    most: Decimal,
    /// In the order in which they are set aside: those first that cannot be discounted, then the dearest.
    buy: Vec<&'l Line>,
    /// The dearest first.
    target: Vec<&'l Line>,
    buy_left: Pieces,
    target_left: Pieces,
}

/// Takes a buy-get promotion off the lines that it targets. `lines` are in a fixed order.
pub(super) fn apply(
    promotion: &Promotion,
    method: &Method,
    lines: &[&Line],
    taken: &mut Taken,
    used: &mut UsedUp,
) -> Result<Given, TooLarge> {
    let minimum = Decimal::from(method.buy_rules_min_quantity.unwrap_or(0));
    if minimum <= Decimal::ZERO || method.buy_rules.is_empty() {
        return Ok(Given::Nothing);
    }
    let mut offer = Offer::new(method, minimum, lines, used)?;
    let mut amounts: Pieces = Pieces::new();
    let mut applied = Decimal::ZERO;
    let mut given = Given::Nothing;
    for _ in 0..MAX_ROUNDS {
        let Some(round) = offer.next(applied)? else {
            break;
        };
        for (line, pieces) in &round.discounted {
            let amount = discount(method, line, *pieces, taken)?;
            if amount <= Decimal::ZERO {
                continue;
            }
            if !budget::allows(promotion, amount)? {
                given.refuse();
                continue;
            }
            taken.add(&line.id, amount)?;
            increase(&mut amounts, &line.id, amount)?;
            applied = add(applied, *pieces)?;
        }
        offer.use_up(&round)?;
        for (line, pieces) in &round.bought {
            increase(&mut used.bought, &line.id, *pieces)?;
        }
        for (line, pieces) in &round.discounted {
            increase(&mut used.discounted, &line.id, *pieces)?;
        }
    }
    for (line, amount) in amounts {
        given.give(&line, amount);
    }
    Ok(given)
}

/// What so many pieces of a line cost less; never more than is left of it.
fn discount(method: &Method, line: &Line, pieces: Decimal, taken: &Taken) -> Result<Decimal, TooLarge> {
    let price = share(line.subtotal, pieces, line.quantity)?;
    let amount = match method.kind {
        MethodKind::Fixed => mul(method.amount(), pieces)?,
        MethodKind::Percentage => share(price, method.amount(), Decimal::ONE_HUNDRED)?,
    };
    Ok(amount.min(price).min(sub(line.subtotal, taken.of(&line.id))?))
}

// === impl Offer ===

impl<'l> Offer<'l> {
    fn new(method: &Method, minimum: Decimal, lines: &[&'l Line], used: &UsedUp) -> Result<Self, TooLarge> {
        let with = |rules| {
            let mut lines: Vec<&Line> = lines
                .iter()
                .filter(|line| line.quantity > Decimal::ZERO && rule::hold_for_line(rules, &line.attributes))
                .copied()
                .collect();
            lines.sort_by_key(|line| std::cmp::Reverse(line.subtotal));
            lines
        };
        let (mut buy, target) = (with(&method.buy_rules), with(&method.target_rules));
        let buy_left = left(&buy, &used.bought)?;
        let target_left = left(&target, &used.discounted)?;
        buy.sort_by_key(|line| target_left.contains_key(&line.id));
        Ok(Self {
            minimum,
            at_a_time: method.apply_to_quantity.unwrap_or(0).into(),
            most: method.max_quantity.unwrap_or(1).into(),
            buy,
            target,
            buy_left,
            target_left,
        })
    }

    /// The pieces of the next round; none where there are not enough, or enough were discounted.
    fn next(&self, applied: Decimal) -> Result<Option<Round<'l>>, TooLarge> {
        let mut bought = Vec::new();
        let mut missing = self.minimum;
        for line in &self.buy {
            let pieces = self.buy_left.get(&line.id).copied().unwrap_or_default().min(missing);
            if pieces > Decimal::ZERO {
                bought.push((*line, pieces));
                missing = sub(missing, pieces)?;
            }
        }
        if missing > Decimal::ZERO {
            return Ok(None);
        }
        let mut discounted = Vec::new();
        let mut missing = self.at_a_time;
        let allowance = sub(self.most, applied)?;
        for line in &self.target {
            let set_aside: Decimal =
                bought.iter().find(|(other, _)| other.id == line.id).map_or(Decimal::ZERO, |it| it.1);
            let free = sub(self.target_left.get(&line.id).copied().unwrap_or_default(), set_aside)?;
            let pieces = missing.min(free).min(allowance);
            if pieces > Decimal::ZERO {
                discounted.push((*line, pieces));
                missing = sub(missing, pieces)?;
            }
        }
        Ok((missing <= Decimal::ZERO && !discounted.is_empty()).then_some(Round { bought, discounted }))
    }

    /// A piece that was bought or discounted is neither again.
    fn use_up(&mut self, round: &Round<'_>) -> Result<(), TooLarge> {
        for (line, pieces) in round.bought.iter().chain(&round.discounted) {
            for left in [&mut self.buy_left, &mut self.target_left] {
                if let Some(left) = left.get_mut(&line.id) {
                    *left = sub(*left, *pieces)?;
                }
            }
        }
        Ok(())
    }
}

fn left(lines: &[&Line], used: &Pieces) -> Result<Pieces, TooLarge> {
    let of = |line: &&Line| {
        let used = used.get(&line.id).copied().unwrap_or_default();
        Ok((line.id.clone(), sub(line.quantity, used)?.max(Decimal::ZERO)))
    };
    lines.iter().map(of).collect()
}

fn increase(pieces: &mut Pieces, line: &str, by: Decimal) -> Result<(), TooLarge> {
    let sum = add(pieces.get(line).copied().unwrap_or_default(), by)?;
    pieces.insert(line.to_owned(), sum);
    Ok(())
}
