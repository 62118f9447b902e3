//! The invalidation protocol (`docs/protocol.md`) as four models, each searched whole: every interleaving of every step up to a bound.
//!
//! | model | holds | of the rules |
//! | --- | --- | --- |
//! | [`core`] | no request is answered with what was replaced before it came | 1-4, 6-9, 11, 12 |
//! | [`leases`] | who holds a lease has applied all that is acknowledged; clocks, leaders, zombies | 9 |
//! | [`tags`] | hard and soft purges of two tags, 304s, a full tag table | 4, 5, 6, 13 |
//! | [`terms`] | promotion and restore, with history lost or not | 8, 10 |
//!
//! They fit together: what `core` and `terms` take for granted of leases is the property of `leases`. Liveness is checked from every state:
//! once nothing fails any more, a fair schedule acknowledges all that is written and every member serves again, while one member may stay
//! dead, or report and never apply. (The checker's own `eventually` does not see cycles.) Not modelled: how purges travel (any delay, loss and
//! re-sending is an edge that applies later, or takes a position), `valid-until`, batching and the cap on refetches, which no promise depends on.
//!
//! Every mutant is a shortcut that the search must find out, so each part of the protocol is shown to be needed. Where the rules as they were
//! first written were less than what holds, the models say what holds:
//! - A replica must show what its *origin process* has applied, and not only the epoch that was asked for, and may be read only under a lease
//!   ([`core::Mutant::ReplicaByAskedEpoch`], [`core::Mutant::ReplicaWithoutLease`]): an edge that was cut off asks for an old epoch.
//! - A leader's window to grant begins with sending the check of its lock, its quiet time with the answer to taking it
//!   ([`leases::Mutant::WindowFromAnswer`], [`leases::Mutant::QuietFromAsking`]).
//! - An origin process must learn of a term from the database that it reads ([`terms::Mutant::TermByHearsay`]), and an old primary must be
//!   fenced, reads included, unless origin processes answer only under a lease ([`terms::Mutant::Unfenced`], [`terms::Guard`]).
//!
//! `cargo test -p vitrine-shared --test model -- --nocapture` prints a line for each search, `MODEL_TRACES=1` how each mutant was found out.
//! `MODEL_BOUND=large` (part of `make prove`) and `MODEL_BOUND=huge` (`make model`) search further. States, when this was written:
//!
//! | bound | searched besides | all |
//! | --- | --- | --- |
//! | | core 376,174, its liveness 149,351; leases 531,860, without record 433,270, with members that come and go 15,327; tags 322,224, full table 269,444; terms 698,539 fenced, 680,740 by leases | 3.5 million |
//! | large | core with two origin processes 7,899,499; leases of two members 2,782,863, over two epochs 6,053,088; tags over three writes 12,705,720, full table 8,822,360; terms with two old writes 8,179,186 fenced, 7,099,734 by leases | 56 million |
//! | huge | core over two writes 24,252,390; leases of two ticks 7,296,481, three leaders 22,584,070; terms with two origin processes 27,187,646 fenced | 138 million |

#![allow(clippy::unwrap_used, reason = "a model that counts wrongly should panic")]

mod check;
mod core;
mod leases;
mod tags;
mod terms;

use check::{Bound, breaks, holds};

#[test]
fn core_holds() {
    holds("core", core::Core::<1, 1> { mutant: None, writes: 1, disks: true, heals: false });
    if Bound::asked() >= Bound::Large {
        holds("core-two-origins", core::Core::<1, 2> { mutant: None, writes: 1, disks: true, heals: false });
    }
    if Bound::asked() == Bound::Huge {
        holds("core-two-writes", core::Core::<1, 1> { mutant: None, writes: 2, disks: false, heals: false });
    }
}

#[test]
fn core_heals() {
    holds("core-heals", core::Core::<1, 1> { mutant: None, writes: 1, disks: false, heals: true });
}

#[test]
fn core_mutants_are_found_out() {
    for (mutant, property) in core::MUTANTS {
        let heals = property == core::HEALS;
        breaks("core", mutant, property, core::Core::<1, 1> { mutant: Some(mutant), writes: 1, disks: true, heals });
    }
}

/// The rules as they are, up to one epoch and with leases of one tick.
fn leases<const MEMBERS: usize, const LEADERS: usize>() -> leases::Leases<MEMBERS, LEADERS> {
    leases::Leases { mutant: None, epochs: 1, lease: 1, record: true, comings: false, lively: true }
}

#[test]
fn leases_hold() {
    holds("leases", leases::<1, 2>());
    holds("leases-no-record", leases::Leases { record: false, lively: false, ..leases::<1, 2>() });
    holds("leases-comings", leases::Leases { comings: true, ..leases::<1, 1>() });
    if Bound::asked() >= Bound::Large {
        holds("leases-two-members", leases::Leases { comings: true, lively: false, ..leases::<2, 1>() });
        holds("leases-two-epochs", leases::Leases { epochs: 2, comings: true, ..leases::<1, 2>() });
    }
    if Bound::asked() == Bound::Huge {
        holds("leases-longer", leases::Leases { epochs: 2, lease: 2, ..leases::<1, 2>() });
        holds("leases-three-leaders", leases::Leases { lively: false, ..leases::<1, 3>() });
    }
}

#[test]
fn leases_mutants_are_found_out() {
    use leases::Mutant::{LeaderClockSleeps, LeaverTakesLateGrant, QuietFromAsking, SameIdAfterRestart};
    for (mutant, property) in leases::MUTANTS {
        let rules = leases::Leases { mutant: Some(mutant), ..leases::<1, 2>() };
        let lively = property != leases::LEASED_ARE_CURRENT;
        let comings = matches!(mutant, SameIdAfterRestart | LeaverTakesLateGrant);
        let record = !matches!(mutant, QuietFromAsking | LeaderClockSleeps);
        breaks("leases", mutant, property, leases::Leases { record, comings, lively, ..rules });
    }
}

#[test]
fn tags_hold() {
    let writes = if Bound::asked() >= Bound::Large { 3 } else { 2 };
    holds("tags", tags::Tags { mutant: None, writes, capacity: 2 });
    holds("tags-full-table", tags::Tags { mutant: None, writes, capacity: 1 });
}

#[test]
fn tags_mutants_are_found_out() {
    for (mutant, property) in tags::MUTANTS {
        let capacity = if mutant == tags::Mutant::EvictsWithoutFloor { 1 } else { 2 };
        breaks("tags", mutant, property, tags::Tags { mutant: Some(mutant), writes: 2, capacity });
    }
}

fn terms<const ORIGINS: usize>(guard: terms::Guard) -> terms::Terms<ORIGINS> {
    terms::Terms { mutant: None, guard, old_writes: 1, new_writes: 1, heals: false }
}

#[test]
fn terms_hold() {
    use terms::Guard::{Fence, Leases};
    holds("terms-fenced", terms::Terms { heals: true, ..terms::<1>(Fence) });
    holds("terms-leased", terms::Terms { heals: true, ..terms::<1>(Leases) });
    if Bound::asked() >= Bound::Large {
        holds("terms-fenced-two-writes", terms::Terms { old_writes: 2, ..terms::<1>(Fence) });
        holds("terms-leased-two-writes", terms::Terms { old_writes: 2, ..terms::<1>(Leases) });
    }
    if Bound::asked() == Bound::Huge {
        holds("terms-fenced-two-origins", terms::<2>(Fence));
    }
}

#[test]
fn terms_mutants_are_found_out() {
    for mutant in terms::MUTANTS {
        let model = terms::Terms { mutant: Some(mutant), ..terms::<1>(terms::Guard::Fence) };
        breaks("terms", mutant, terms::NO_STALE_ANSWER, model);
    }
}
