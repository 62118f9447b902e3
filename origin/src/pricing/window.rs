//! When prices change without a write.

use super::Candidate;

/// The next moment, in Unix milliseconds after `now`, at which a list of these prices begins or has ended.
///
/// A list that ends at `t` still applies at `t`, so what is shown at `t` ends a millisecond later.
pub fn next_boundary<'p>(prices: impl IntoIterator<Item = &'p Candidate>, now: i64) -> Option<i64> {
    let lists = prices.into_iter().filter_map(|price| price.list.as_ref()).filter(|list| list.status == "active");
    lists
        .flat_map(|list| [list.starts_at, list.ends_at.map(|end| end.saturating_add(1))])
        .flatten()
        .filter(|boundary| *boundary > now)
        .min()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pricing::{Amount, Context, ListType, PriceList, calculate};

    fn listed(id: u8, status: bool, starts_at: Option<i64>, ends_at: Option<i64>) -> Candidate {
        Candidate {
            id: id.to_string(),
            currency_code: "eur".into(),
            amount: Amount(i64::from(id).into()),
            min_quantity: None,
            max_quantity: None,
            rules_count: 0,
            rules: vec![],
            list: Some(PriceList {
                id: id.to_string(),
                kind: ListType::Sale,
                status: if status { "active" } else { "draft" }.into(),
                starts_at,
                ends_at,
                rules_count: 0,
                rules: vec![],
            }),
        }
    }

    fn at(now: i64) -> Context {
        Context {
            currency_code: "eur".into(),
            region_id: None,
            customer_groups: vec![],
            quantity: None,
            now,
            preferences: vec![],
        }
    }

    proptest! {
        #[test]
        fn until_the_boundary_nothing_changes(
            lists in proptest::collection::vec((any::<bool>(), proptest::option::of(0_i64..40), proptest::option::of(0_i64..40)), 0..5),
            now in 0_i64..40,
        ) {
            let prices: Vec<Candidate> = lists
                .iter()
                .enumerate()
                .map(|(index, (status, start, end))| listed(u8::try_from(index).unwrap() + 1, *status, *start, *end))
                .collect();
            let until = next_boundary(&prices, now).unwrap_or(60);
            prop_assert!(until > now);
            for moment in now..until {
                prop_assert_eq!(calculate(&prices, &at(moment)), calculate(&prices, &at(now)), "{}", moment);
            }
        }
    }
}
