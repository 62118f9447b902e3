//! The invalidation protocol as models that are searched whole.

mod check;
mod core;

use check::{Bound, breaks, holds};

#[test]
fn core_holds() {
    let (writes, origins): (u8, usize) = Bound::asked().pick((1, 1), (2, 1));
    holds("core", core::Core { mutant: None, writes, edges: 1, origins, heals: false });
}

#[test]
fn core_mutants_are_found_out() {
    for mutant in core::MUTANTS {
        let heals = mutant == core::Mutant::AwaitsTheDead;
        let property = if heals { core::HEALS } else { core::NO_STALE_ANSWER };
        breaks("core", mutant, property, core::Core { mutant: Some(mutant), writes: 1, edges: 1, origins: 1, heals });
    }
}
