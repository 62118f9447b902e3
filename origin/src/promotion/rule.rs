//! Rules, and the paths that they name (`validations/promotion-rule.js`, `pick-value-from-object.js`).

use std::borrow::Cow;
use std::str::FromStr as _;

use rust_decimal::Decimal;
use serde_json::Value;

use super::{Context, Operator, Promotion, Rule};

/// What a path leads to. `None` is JavaScript's `undefined`.
enum Found<'v> {
    One(Option<&'v Value>),
    Many(Vec<Option<&'v Value>>),
}

/// Whether the cart passes all rules.
pub(super) fn hold_for_cart(rules: &[Rule], context: &Context<'_>) -> bool {
    rules.iter().all(|rule| holds(rule, &in_cart(&rule.attribute, context)))
}

/// Whether a line passes all rules.
pub(super) fn hold_for_line(rules: &[Rule], line: &Value) -> bool {
    hold_for_part(rules, "items.", line)
}

/// Whether a shipping method passes all rules.
pub(super) fn hold_for_shipping(rules: &[Rule], method: &Value) -> bool {
    hold_for_part(rules, "shipping_methods.", method)
}

/// Whether the cart has all that the rules of a promotion name. One that needs no code is not applied to a cart
/// without (`buildPromotionRuleQueryFilterFromContext`), though "not in" would hold of what is absent.
pub(super) fn names_what_is_there(promotion: &Promotion, context: &Context<'_>) -> bool {
    let of_method = promotion.method.iter().flat_map(|method| method.target_rules.iter().chain(&method.buy_rules));
    promotion.rules.iter().chain(of_method).all(|rule| {
        let is_value = |found: Option<&Value>| found.is_some_and(|value| !value.is_null());
        match in_cart(&rule.attribute, context) {
            Found::One(found) => is_value(found),
            Found::Many(found) => found.into_iter().any(is_value),
        }
    })
}

fn hold_for_part(rules: &[Rule], prefix: &str, part: &Value) -> bool {
    rules.iter().all(|rule| holds(rule, &pick(&rule.attribute.replacen(prefix, "", 1), part)))
}

/// Follows a path through the cart, its lines and its shipping methods.
fn in_cart<'v>(path: &str, context: &Context<'v>) -> Found<'v> {
    if let Some(rest) = path.strip_prefix("items.") {
        return spread(context.lines.iter().map(|line| pick(rest, &line.attributes)));
    }
    if let Some(rest) = path.strip_prefix("shipping_methods.") {
        return spread(context.shipping_methods.iter().map(|method| pick(rest, &method.attributes)));
    }
    pick(path, context.attributes)
}

fn pick<'v>(path: &str, value: &'v Value) -> Found<'v> {
    let (name, rest) = match path.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (path, None),
    };
    let Some(inner) = value.get(name) else {
        return Found::One(None);
    };
    match (inner, rest) {
        (Value::Array(items), None) => Found::Many(items.iter().map(Some).collect()),
        (Value::Array(items), Some(rest)) => spread(items.iter().map(|item| pick(rest, item))),
        (Value::Object(_), Some(rest)) => pick(rest, inner),
        // As in Medusa, what has no members ends the path.
        (inner, _) => Found::One(Some(inner)),
    }
}

fn spread<'v>(found: impl Iterator<Item = Found<'v>>) -> Found<'v> {
    Found::Many(
        found
            .flat_map(|found| match found {
                Found::One(one) => vec![one],
                Found::Many(many) => many,
            })
            .collect(),
    )
}

fn holds(rule: &Rule, found: &Found<'_>) -> bool {
    if rule.values.is_empty() || rule.attribute.is_empty() {
        return false;
    }
    let found: &[Option<&Value>] = match found {
        Found::One(one) => std::slice::from_ref(one),
        Found::Many(many) => many,
    };
    if found.is_empty() {
        return rule.operator == Operator::Ne;
    }
    let named = |value: Option<&Value>| {
        let text = printed(value);
        rule.values.iter().any(|wanted| *wanted == text)
    };
    let compares = |test: fn(&Decimal, &Decimal) -> bool| {
        found.iter().all(|value| {
            number(*value).is_some_and(|value| {
                rule.values.iter().filter_map(|wanted| parsed(wanted)).any(|wanted| test(&value, &wanted))
            })
        })
    };
    match rule.operator {
        Operator::Eq => found.iter().copied().all(named),
        Operator::In => found.iter().copied().any(named),
        Operator::Ne => !found.iter().copied().any(named),
        Operator::Gt => compares(Decimal::gt),
        Operator::Gte => compares(Decimal::ge),
        Operator::Lt => compares(Decimal::lt),
        Operator::Lte => compares(Decimal::le),
    }
}

/// As a JavaScript template prints it.
fn printed(value: Option<&Value>) -> Cow<'_, str> {
    match value {
        None => "undefined".into(),
        Some(Value::Null) => "null".into(),
        Some(Value::Bool(true)) => "true".into(),
        Some(Value::Bool(false)) => "false".into(),
        Some(Value::String(text)) => text.into(),
        Some(Value::Number(number)) => {
            let text = number.to_string();
            match parsed(&text) {
                Some(number) => number.normalize().to_string().into(),
                None => text.into(),
            }
        }
        Some(Value::Object(_)) => "[object Object]".into(),
        Some(Value::Array(items)) => items.iter().map(|item| printed(Some(item))).collect::<Vec<_>>().join(",").into(),
    }
}

/// What is absent counts as zero, and what is no number as none.
fn number(value: Option<&Value>) -> Option<Decimal> {
    match value {
        None | Some(Value::Null) => Some(Decimal::ZERO),
        Some(Value::String(text)) => parsed(text),
        Some(Value::Number(number)) => parsed(&number.to_string()),
        Some(_) => None,
    }
}

fn parsed(text: &str) -> Option<Decimal> {
    let text = text.trim();
    Decimal::from_str(text).or_else(|_| Decimal::from_scientific(text)).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(attribute: &str, operator: Operator, values: &[&str]) -> Rule {
        Rule { attribute: attribute.into(), operator, values: values.iter().map(|&value| value.into()).collect() }
    }

    #[test]
    fn operators_compare_as_in_medusa() {
        use Operator::{Eq, Gt, Gte, In, Lt, Lte, Ne};
        let line = json!({
            "product": {"id": "p", "type_id": null, "tags": [{"id": "a"}, {"id": "b"}], "categories": []},
            "quantity": 3, "unit_price": 10.0, "sku": "10", "is_giftcard": false
        });
        let table = [
            ("items.product.id", Eq, vec!["p"], true),
            ("product.id", Eq, vec!["p"], true),
            ("items.product.id", Eq, vec!["x", "p"], true),
            ("items.product.id", Ne, vec!["p"], false),
            ("items.product.id", In, vec![], false),
            ("items.product.tags.id", Eq, vec!["a"], false),
            ("items.product.tags.id", Eq, vec!["a", "b", "c"], true),
            ("items.product.tags.id", In, vec!["a"], true),
            ("items.product.tags.id", Ne, vec!["c"], true),
            ("items.product.tags.id", Ne, vec!["b"], false),
            ("items.product.categories.id", In, vec!["a"], false),
            ("items.product.categories.id", Eq, vec!["a"], false),
            ("items.product.categories.id", Ne, vec!["a"], true),
            ("items.product.type_id", Eq, vec!["null"], true),
            ("items.product.type_id", Ne, vec!["t"], true),
            ("items.product.absent", Eq, vec!["undefined"], true),
            ("items.product.absent.deeper", Ne, vec!["x"], true),
            ("items.quantity", Gt, vec!["2"], true),
            ("items.quantity", Gt, vec!["3"], false),
            ("items.quantity", Gte, vec!["3"], true),
            ("items.quantity", Lt, vec!["3", "4"], true),
            ("items.quantity", Lte, vec!["2.9"], false),
            ("items.quantity", Gt, vec!["x"], false),
            ("items.sku", Gte, vec!["9"], true),
            ("items.absent", Lt, vec!["1"], true),
            ("items.product", Gt, vec!["1"], false),
            ("items.unit_price", Eq, vec!["10"], true),
            ("items.is_giftcard", Eq, vec!["false"], true),
        ];
        for (attribute, operator, values, expected) in table {
            let rules = [rule(attribute, operator, &values)];
            assert_eq!(hold_for_line(&rules, &line), expected, "{attribute} {operator:?} {values:?}");
        }
    }
}
