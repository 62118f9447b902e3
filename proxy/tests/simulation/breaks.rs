//! Rules that can be broken on purpose: the simulation must find each.

/// A rule of the protocol that this run breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// Rule 6: the stamp is read when the answer is stored, not before the origin was asked.
    StampAtStore,
    /// Rule 6: edges do not ask for a least epoch.
    NoMinEpoch,
    /// Rule 7: who joined a running fill takes whatever it brought.
    WaiterTakesAll,
    /// Rule 8: the origin's read cache is believed without its stamp.
    ReadCacheUnchecked,
    /// Rule 8: a replica is believed without its position.
    ReplicaUnchecked,
    /// Rule 8: an origin without a lease asks replicas.
    ReplicaWithoutLease,
    /// Rule 9: a lease runs from the receipt of its renewal.
    LeaseFromReceipt,
    /// Rule 9: a new leader waits for nobody.
    LeaderWaitsForNobody,
    /// Rule 9: leases are granted without a proof of leading.
    ZombieGrants,
    /// Rule 10: a new term does not raise the floor.
    TermKeepsObjects,
    /// Rule 11: an edge without a lease serves on.
    ServesCutOff,
    /// Rule 12: after a restart the tag table stands at the newest position with nothing in it.
    RestartForgetsPurges,
    /// Rule 10: that Postgres holds less than leader and members know is passed over.
    LossPassedOver,
    /// Rule 3: a gap in the stream is passed over.
    SkipsGaps,
}

impl Break {
    /// All of them.
    pub(crate) const ALL: [Self; 14] = [
        Self::StampAtStore,
        Self::NoMinEpoch,
        Self::WaiterTakesAll,
        Self::ReadCacheUnchecked,
        Self::ReplicaUnchecked,
        Self::ReplicaWithoutLease,
        Self::LeaseFromReceipt,
        Self::LeaderWaitsForNobody,
        Self::ZombieGrants,
        Self::TermKeepsObjects,
        Self::ServesCutOff,
        Self::RestartForgetsPurges,
        Self::LossPassedOver,
        Self::SkipsGaps,
    ];
}
