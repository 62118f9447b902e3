//! The invalidation protocol as models that are searched whole.

mod check;
mod core;
mod leases;

use check::{Bound, breaks, holds};

#[test]
fn core_holds() {
    let base = core::Core::<1, 1> { mutant: None, writes: 1, disks: true, heals: false };
    holds("core", base);
    if Bound::asked() == Bound::Large {
        holds("core-two-origins", core::Core::<1, 2> { mutant: None, writes: 1, disks: true, heals: false });
        holds("core-two-writes", core::Core::<1, 1> { mutant: None, writes: 2, disks: false, heals: false });
    }
}

#[test]
fn core_heals() {
    holds("core-heals", core::Core::<1, 1> { mutant: None, writes: 1, disks: false, heals: true });
}

#[test]
fn core_mutants_are_found_out() {
    for mutant in core::MUTANTS {
        let heals = mutant == core::Mutant::AwaitsTheDead;
        let property = if heals { core::HEALS } else { core::NO_STALE_ANSWER };
        breaks("core", mutant, property, core::Core::<1, 1> { mutant: Some(mutant), writes: 1, disks: true, heals });
    }
}

#[test]
fn leases_hold() {
    let base = leases::Leases { mutant: None, epochs: 1, lease: 1, comings: false, lively: true };
    holds::<leases::Leases<1, 2>>("leases", base.clone());
}

#[test]
fn leases_mutants_are_found_out() {
    use leases::Mutant::{LeaverTakesLateGrant, SameIdAfterRestart};
    for (mutant, property) in leases::MUTANTS {
        let lively = property != leases::LEASED_ARE_CURRENT;
        let comings = matches!(mutant, SameIdAfterRestart | LeaverTakesLateGrant);
        let base = leases::Leases { mutant: Some(mutant), epochs: 1, lease: 1, comings, lively };
        breaks::<leases::Leases<1, 2>>("leases", mutant, property, base);
    }
}
