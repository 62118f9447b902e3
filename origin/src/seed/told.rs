//! Ids of another shop of the same data set, so that the answers of both can be compared as they stand.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;

use super::{FixedIds, Ids, Kind};

/// Ids by what they begin with ([`Kind::prefix`]) and natural key; what is not told gets the id of [`FixedIds`].
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct ToldIds(HashMap<String, HashMap<String, String>>);

impl Ids for ToldIds {
    fn id(&self, kind: Kind, number: u64, key: fmt::Arguments<'_>) -> String {
        let told = self.0.get(kind.prefix()).and_then(|of_kind| match key.as_str() {
            Some(key) => of_kind.get(key),
            None => of_kind.get(&key.to_string()),
        });
        told.cloned().unwrap_or_else(|| FixedIds.id(kind, number, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_counts_and_the_rest_is_as_ever() {
        let told: ToldIds = serde_json::from_str(r#"{"prod":{"product-1":"prod_A"}}"#).unwrap();
        let id = |number| told.id(Kind::Product, number, format_args!("product-{number}"));
        assert_eq!(id(1), "prod_A");
        assert_eq!(id(2), FixedIds.id(Kind::Product, 2, format_args!("product-2")));
    }
}
