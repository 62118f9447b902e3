//! Ids in Medusa's form: a prefix that names the kind, `_`, and a ULID.

use std::sync::{Mutex, PoisonError};

use ulid::{Generator, Ulid};

/// Within one millisecond it counts on from its last id, so that rows made together sort as they were made.
static GENERATOR: Mutex<Generator> = Mutex::new(Generator::new());

/// A new id such as `prod_01M7YPGCZ5Q8SD7NVBG6908D7E`; ids of one process are ordered by when they were made.
///
/// Prefixes are Medusa's: `prod`, `variant`, `opt`, `optval`, `pcol`, `pcat`, `price`, …
pub fn new(prefix: &str) -> String {
    let mut generator = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    // Counting on fails once in 2^80 ids of one millisecond.
    let ulid = generator.generate().unwrap_or_else(|_| Ulid::new());
    format!("{prefix}_{ulid}")
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
    fn new_ids_are_ordered_within_a_millisecond_too() {
        let ids: Vec<String> = (0..1_000).map(|_| new("x")).collect();
        assert!(ids.is_sorted());
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn deterministic_ids_are_equal_and_ordered() {
        assert_eq!(deterministic("prod", 1_795_252_827_216, 7), deterministic("prod", 1_795_252_827_216, 7));
        assert!(deterministic("prod", 5, 7) < deterministic("prod", 5, 8));
        assert!(deterministic("prod", 5, 8) < deterministic("prod", 6, 0));
        assert_eq!(new("prod").len(), "prod_".len() + 26);
    }
}
