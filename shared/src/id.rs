//! Ids in Medusa's form: a prefix that names the kind, `_`, and a ULID.

use ulid::Ulid;

/// A new id such as `prod_01M7YPGCZ5Q8SD7NVBG6908D7E`, ordered by the time it was made.
///
/// Prefixes are Medusa's: `prod`, `variant`, `opt`, `optval`, `pcol`, `pcat`, `price`, …
pub fn new(prefix: &str) -> String {
    format!("{prefix}_{}", Ulid::new())
}

/// The id of entry `number` in a data set that must come out the same at every load.
///
/// `millis` is the Unix time in milliseconds that the id shall carry; equal inputs give equal ids, and ids of one `millis`
/// are ordered by `number`.
pub fn deterministic(prefix: &str, millis: u64, number: u64) -> String {
    format!("{prefix}_{}", Ulid::from_parts(millis, u128::from(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deterministic_ids_are_equal_and_ordered() {
        assert_eq!(deterministic("prod", 1_795_252_827_216, 7), deterministic("prod", 1_795_252_827_216, 7));
        assert!(deterministic("prod", 5, 7) < deterministic("prod", 5, 8));
        assert!(deterministic("prod", 5, 8) < deterministic("prod", 6, 0));
        assert_eq!(new("prod").len(), "prod_".len() + 26);
    }
}
