//! Shortcuts in the core of the protocol.

use super::{HEALS, NO_STALE_ANSWER};

/// A shortcut, most of them seen in the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// A fill is stamped when it is stored and not when it began (Varnish's bans, the storages of Pingora and pingap).
    StampAtStore,
    /// A waiter is served whatever the fill saw.
    WaiterTakesAny,
    /// A waiter is told of purges of its tags, but not of a floor that was raised.
    WaiterIgnoresFloor,
    /// The edge does not tell its minimum, and the origin may lag behind it.
    NoMinEpoch,
    /// A replica answers whatever it has replayed.
    ReplicaUnchecked,
    /// A replica answers if it shows the epoch that was asked for: less than what this origin has applied (rule 8 as it was written).
    ReplicaByAskedEpoch,
    /// A replica's position is read after its data, in a later snapshot.
    ReplicaPositionAfterData,
    /// An origin process without a lease reads replicas up to what it has applied.
    ReplicaWithoutLease,
    /// An origin process without a lease answers from the cache in Redis.
    RedisWithoutLease,
    /// Redis values are deleted by purges, and carry no stamp.
    RedisDelete,
    /// Redis values are stamped when they are written.
    RedisStampAtWrite,
    /// A purge counts as acknowledged when it was published.
    AckOnPublish,
    /// An edge goes on serving its cache when its lease has run out.
    ServeWithoutLease,
    /// A request that came without a lease may join a running fill.
    JoinWithoutLease,
    /// Origin processes are no members.
    OriginsNotAwaited,
    /// Numbers are taken inside the writing transaction, and seen before it commits.
    NumberBeforeCommit,
    /// After a restart objects on disk are taken for current.
    RestartTrustsDisk,
    /// After a restart `applied` is newer than the tag table: they are not one record.
    RestartSplitsRecord,
    /// A position is taken, and the floor stays.
    PositionWithoutFloor,
    /// A member that is gone is waited for all the same.
    AwaitsTheDead,
}

/// Every mutant, with the property that finds it out.
pub(crate) const MUTANTS: [(Mutant, &str); 20] = [
    (Mutant::StampAtStore, NO_STALE_ANSWER),
    (Mutant::WaiterTakesAny, NO_STALE_ANSWER),
    (Mutant::WaiterIgnoresFloor, NO_STALE_ANSWER),
    (Mutant::NoMinEpoch, NO_STALE_ANSWER),
    (Mutant::ReplicaUnchecked, NO_STALE_ANSWER),
    (Mutant::ReplicaByAskedEpoch, NO_STALE_ANSWER),
    (Mutant::ReplicaPositionAfterData, NO_STALE_ANSWER),
    (Mutant::ReplicaWithoutLease, NO_STALE_ANSWER),
    (Mutant::RedisWithoutLease, NO_STALE_ANSWER),
    (Mutant::RedisDelete, NO_STALE_ANSWER),
    (Mutant::RedisStampAtWrite, NO_STALE_ANSWER),
    (Mutant::AckOnPublish, NO_STALE_ANSWER),
    (Mutant::ServeWithoutLease, NO_STALE_ANSWER),
    (Mutant::JoinWithoutLease, NO_STALE_ANSWER),
    (Mutant::OriginsNotAwaited, NO_STALE_ANSWER),
    (Mutant::NumberBeforeCommit, NO_STALE_ANSWER),
    (Mutant::RestartTrustsDisk, NO_STALE_ANSWER),
    (Mutant::RestartSplitsRecord, NO_STALE_ANSWER),
    (Mutant::PositionWithoutFloor, NO_STALE_ANSWER),
    (Mutant::AwaitsTheDead, HEALS),
];
