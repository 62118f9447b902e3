//! Shortcuts with leases.

use super::{HEALS, LEASED_ARE_CURRENT, STUCK_DELAYS_BRIEFLY};

/// A shortcut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// A new leader acknowledges at once: leases of the one before may run.
    NewLeaderAcksAtOnce,
    /// A new leader waits for lease and drift, and not for what a zombie may still grant.
    QuietWithoutWindow,
    /// A new leader waits without drift.
    QuietWithoutDrift,
    /// A new leader's wait is counted from asking for the lock, which may be answered much later.
    QuietFromAsking,
    /// A new leader has read the position before it had the lock.
    PositionBeforeLock,
    /// A leader grants for as long as it believes that it leads.
    ZombieGrantsForEver,
    /// The window is counted from reading the answer, which may have lain in a buffer.
    WindowFromAnswer,
    /// A leader acknowledges epochs that another session numbered.
    ZombieAcksOthers,
    /// The ledger counts a lease without drift.
    LedgerWithoutDrift,
    /// A member counts its lease from the answer.
    LeaseFromAnswer,
    /// A new or lapsed member gets a lease wherever it stands.
    AdmittedBehind,
    /// A member's clock stops while it sleeps (`CLOCK_MONOTONIC` in suspend, or a cached clock in a stopped process).
    MemberClockSleeps,
    /// The same for a leader.
    LeaderClockSleeps,
    /// A member keeps its id when it restarts, so that the ledger takes it for the process it was.
    SameIdAfterRestart,
    /// A member that has said farewell takes a lease that was under way.
    LeaverTakesLateGrant,
    /// A member that lags is granted leases for ever.
    LaggardNeverRefused,
    /// Nobody is let in who has ever lapsed.
    LapsedNeverReturn,
    /// A lease is granted to a member that is not on the record.
    GrantsBeforeRecord,
    /// A zombie puts members on the record that its successor has read.
    ZombieRecords,
    /// Forgetting a member and recording it cross: the record loses one that the ledger has.
    ForgettingCrosses,
    /// A process that leads again goes on with its ledger, though another led in between.
    ResumesThoughReplaced,
}

/// Every mutant, with the property that finds it out.
pub(crate) const MUTANTS: [(Mutant, &str); 21] = [
    (Mutant::NewLeaderAcksAtOnce, LEASED_ARE_CURRENT),
    (Mutant::QuietWithoutWindow, LEASED_ARE_CURRENT),
    (Mutant::QuietWithoutDrift, LEASED_ARE_CURRENT),
    (Mutant::QuietFromAsking, LEASED_ARE_CURRENT),
    (Mutant::PositionBeforeLock, LEASED_ARE_CURRENT),
    (Mutant::ZombieGrantsForEver, LEASED_ARE_CURRENT),
    (Mutant::WindowFromAnswer, LEASED_ARE_CURRENT),
    (Mutant::ZombieAcksOthers, LEASED_ARE_CURRENT),
    (Mutant::LedgerWithoutDrift, LEASED_ARE_CURRENT),
    (Mutant::LeaseFromAnswer, LEASED_ARE_CURRENT),
    (Mutant::AdmittedBehind, LEASED_ARE_CURRENT),
    (Mutant::MemberClockSleeps, LEASED_ARE_CURRENT),
    (Mutant::LeaderClockSleeps, LEASED_ARE_CURRENT),
    (Mutant::SameIdAfterRestart, LEASED_ARE_CURRENT),
    (Mutant::LeaverTakesLateGrant, LEASED_ARE_CURRENT),
    (Mutant::LaggardNeverRefused, STUCK_DELAYS_BRIEFLY),
    (Mutant::LapsedNeverReturn, HEALS),
    (Mutant::GrantsBeforeRecord, LEASED_ARE_CURRENT),
    (Mutant::ZombieRecords, LEASED_ARE_CURRENT),
    (Mutant::ForgettingCrosses, LEASED_ARE_CURRENT),
    (Mutant::ResumesThoughReplaced, LEASED_ARE_CURRENT),
];
