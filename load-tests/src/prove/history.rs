//! What was written, what of it was acknowledged, and what a read may therefore show. No IO.
//!
//! Versions of an entity grow by one with each write, and one writer writes them, one after the other. A read notes, before its
//! first byte is sent, the newest acknowledged version of all that it shows; it must show that or a newer one. A write whose
//! reply was lost may take effect later than the writes that follow it, as long as somebody may still be carrying it: what
//! shows such a version is not judged.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// For so long after an acknowledgement a read of what was written counts.
pub(super) const COUNTS_FOR: Duration = Duration::from_secs(5);
/// A write whose reply was lost takes effect within this, or never: longer than any fault and the origin's own limits together.
const CARRIED_FOR: Duration = Duration::from_secs(40);
/// Writes that are remembered of an entity, to tell of them with a violation.
const RECENT: usize = 24;

/// What is written and read.
#[derive(Debug)]
pub(super) struct History {
    start: Instant,
    entities: Vec<Entity>,
}

#[derive(Debug)]
struct Entity {
    name: String,
    /// Whether it comes and goes: then even versions are its absence.
    comes_and_goes: bool,
    sent: AtomicU64,
    acked: AtomicU64,
    /// In nanoseconds since the start; 0 where nothing was acknowledged.
    acked_at: AtomicU64,
    /// Whether [`Writes::carried`] may hold anything.
    some_carried: AtomicBool,
    writes: Mutex<Writes>,
}

#[derive(Debug, Default)]
struct Writes {
    committed: u64,
    carried: Vec<Carried>,
    recent: VecDeque<Write>,
}

/// A version whose fate is not known, since when.
#[derive(Debug, Clone, Copy)]
struct Carried {
    version: u64,
    since: u64,
}

/// A write, as told with a violation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Write {
    pub(super) version: u64,
    pub(super) sent_at: u64,
    pub(super) came: Option<(Reply, u64)>,
}

/// How a write was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// Committed, and nobody serves what it replaced.
    Acked,
    /// Committed.
    Committed,
    /// It may or may not have been carried out, or may still be.
    Unknown,
}

/// What a read that begins now may show; kept by its connection and used again.
#[derive(Debug, Default, Clone)]
pub(super) struct Begun {
    /// In nanoseconds since the start.
    pub(super) at: u64,
    bounds: Vec<u64>,
    /// Whether something of it was acknowledged just before.
    pub(super) counts: bool,
    /// Whether that was the return of something absent.
    pub(super) returned: bool,
}

/// What must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) entity: usize,
    /// The version shown; absent where the entity was not shown at all.
    pub(super) shown: Option<u64>,
    /// The version that was acknowledged when the read began.
    pub(super) bound: u64,
    /// The newest version sent when it ended.
    pub(super) sent: u64,
    pub(super) what: &'static str,
}

impl History {
    /// Of these entities, each with whether it comes and goes; all of them are there in version 1, acknowledged.
    pub(super) fn new(entities: impl IntoIterator<Item = (String, bool)>) -> Self {
        let entity = |(name, comes_and_goes)| Entity {
            name,
            comes_and_goes,
            sent: AtomicU64::new(1),
            acked: AtomicU64::new(1),
            acked_at: AtomicU64::new(0),
            some_carried: AtomicBool::new(false),
            writes: Mutex::new(Writes { committed: 1, ..Writes::default() }),
        };
        Self { start: Instant::now(), entities: entities.into_iter().map(entity).collect() }
    }

    /// Nanoseconds since the start.
    pub(super) fn now(&self) -> u64 {
        nanos(self.start.elapsed())
    }

    pub(super) fn name(&self, entity: usize) -> &str {
        self.entities.get(entity).map_or("?", |entity| &entity.name)
    }

    /// The next version of an entity, before it is sent.
    pub(super) fn send(&self, entity: usize) -> u64 {
        let (now, entity) = (self.now(), &self.entities[entity]);
        let mut writes = entity.writes.lock();
        let version = entity.sent.load(Ordering::Relaxed) + 1;
        if writes.recent.len() == RECENT {
            writes.recent.pop_front();
        }
        writes.recent.push_back(Write { version, sent_at: now, came: None });
        entity.sent.store(version, Ordering::Release);
        version
    }

    /// The reply to a write has come, or its time is over.
    pub(super) fn replied(&self, entity: usize, version: u64, reply: Reply) {
        self.replied_at(entity, version, reply, self.now());
    }

    fn replied_at(&self, entity: usize, version: u64, reply: Reply, now: u64) {
        let entity = &self.entities[entity];
        let mut writes = entity.writes.lock();
        let mut sent_at = now;
        if let Some(write) = writes.recent.iter_mut().rev().find(|write| write.version == version) {
            (sent_at, write.came) = (write.sent_at, Some((reply, now)));
        }
        match reply {
            Reply::Unknown => {
                writes.carried.push(Carried { version, since: now });
                entity.some_carried.store(true, Ordering::Release);
            }
            Reply::Committed => writes.committed = version,
            Reply::Acked => {
                writes.committed = version;
                // What began later than anybody could have carried them has replaced them for good.
                writes.carried.retain(|carried| carried.since + nanos(CARRIED_FOR) > sent_at);
                entity.some_carried.store(!writes.carried.is_empty(), Ordering::Release);
                entity.acknowledge(version, now);
            }
        }
    }

    /// The versions that are committed for certain by now.
    pub(super) fn committed(&self) -> Vec<u64> {
        self.entities.iter().map(|entity| entity.writes.lock().committed).collect()
    }

    /// A write that was sent after all these were committed has been acknowledged: epochs are in the order of commits, so these
    /// are acknowledged too.
    pub(super) fn acknowledge_committed(&self, committed: &[u64]) {
        let now = self.now();
        for (entity, version) in self.entities.iter().zip(committed) {
            let _writes = entity.writes.lock();
            entity.acknowledge(*version, now);
        }
    }

    /// A read of these entities begins.
    pub(super) fn begin(&self, members: &[usize], begun: &mut Begun) {
        begun.at = self.now();
        begun.bounds.clear();
        (begun.counts, begun.returned) = (false, false);
        for member in members {
            let entity = &self.entities[*member];
            // In this order: the version is at least the one that the time belongs to.
            let acked_at = entity.acked_at.load(Ordering::Acquire);
            let bound = entity.acked.load(Ordering::Acquire);
            begun.bounds.push(bound);
            if acked_at != 0 && begun.at.saturating_sub(acked_at) < nanos(COUNTS_FOR) {
                begun.counts = true;
                begun.returned |= entity.comes_and_goes && !is_absence(bound);
            }
        }
    }

    /// Whether a read that has ended now shows what it may, `shown` being the version of each member that was there.
    pub(super) fn judge(&self, members: &[usize], begun: &Begun, shown: &[Option<u64>]) -> Result<(), Wrong> {
        for ((member, bound), shown) in members.iter().zip(&begun.bounds).zip(shown) {
            let entity = &self.entities[*member];
            let sent = entity.sent.load(Ordering::Acquire);
            let what = match *shown {
                Some(version) if version > sent => "shows a version that was never written",
                Some(version) if version >= *bound => continue,
                Some(_) => "shows what an acknowledged write replaced",
                None if !entity.comes_and_goes => "misses what is always there",
                None if is_absence(*bound) || sent > *bound => continue,
                None => "misses what an acknowledged write brought back",
            };
            if !entity.may_show(*shown) {
                return Err(Wrong { entity: *member, shown: *shown, bound: *bound, sent, what });
            }
        }
        Ok(())
    }

    /// The newest writes of an entity, for the report of a violation.
    pub(super) fn recent(&self, entity: usize) -> Vec<Write> {
        self.entities[entity].writes.lock().recent.iter().copied().collect()
    }
}

impl Entity {
    /// Under the lock of its writes.
    fn acknowledge(&self, version: u64, now: u64) {
        if self.acked.load(Ordering::Relaxed) < version {
            self.acked.store(version, Ordering::Release);
            self.acked_at.store(now.max(1), Ordering::Release);
        }
    }

    /// Whether a write whose fate is not known explains what was shown.
    fn may_show(&self, shown: Option<u64>) -> bool {
        if !self.some_carried.load(Ordering::Acquire) {
            return false;
        }
        let explains = |version: u64| shown.map_or_else(|| is_absence(version), |shown| shown == version);
        self.writes.lock().carried.iter().any(|carried| explains(carried.version))
    }
}

/// Of what comes and goes, even versions are its absence.
pub(super) fn is_absence(version: u64) -> bool {
    version.is_multiple_of(2)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> History {
        History::new([("title".to_owned(), false), ("handle".to_owned(), true)])
    }

    fn write(history: &History, entity: usize, reply: Reply) -> u64 {
        let version = history.send(entity);
        history.replied(entity, version, reply);
        version
    }

    fn begin(history: &History, members: &[usize]) -> Begun {
        let mut begun = Begun::default();
        history.begin(members, &mut begun);
        begun
    }

    #[test]
    fn a_read_that_began_after_the_acknowledgement_must_show_it() {
        let history = history();
        let before = begin(&history, &[0]);
        let version = write(&history, 0, Reply::Acked);
        assert_eq!(history.judge(&[0], &before, &[Some(1)]), Ok(()));
        let after = begin(&history, &[0]);
        assert!(after.counts);
        assert_eq!(history.judge(&[0], &after, &[Some(version)]), Ok(()));
        let wrong = history.judge(&[0], &after, &[Some(1)]).unwrap_err();
        assert_eq!((wrong.shown, wrong.bound), (Some(1), version));
        assert!(history.judge(&[0], &after, &[None]).is_err());
        assert!(history.judge(&[0], &after, &[Some(version + 1)]).is_err());
    }

    #[test]
    fn what_is_committed_binds_once_a_later_write_is_acknowledged() {
        let history = history();
        let version = write(&history, 0, Reply::Committed);
        let begun = begin(&history, &[0]);
        assert_eq!(history.judge(&[0], &begun, &[Some(1)]), Ok(()));
        assert_eq!(history.judge(&[0], &begun, &[Some(version)]), Ok(()));
        let committed = history.committed();
        history.acknowledge_committed(&committed);
        let begun = begin(&history, &[0]);
        assert!(history.judge(&[0], &begun, &[Some(1)]).is_err());
    }

    #[test]
    fn an_absence_that_was_acknowledged_may_not_be_undone_by_an_old_object_nor_come_back() {
        let history = history();
        assert_eq!(write(&history, 1, Reply::Acked), 2);
        let gone = begin(&history, &[1]);
        assert_eq!(history.judge(&[1], &gone, &[None]), Ok(()));
        assert!(history.judge(&[1], &gone, &[Some(1)]).is_err());
        assert_eq!(write(&history, 1, Reply::Acked), 3);
        let back = begin(&history, &[1]);
        assert!(back.returned);
        assert!(history.judge(&[1], &back, &[None]).is_err(), "a 404 that was resurrected");
        // The next deletion is on its way: both may be seen.
        history.send(1);
        assert_eq!(history.judge(&[1], &back, &[None]), Ok(()));
        assert_eq!(history.judge(&[1], &back, &[Some(3)]), Ok(()));
    }

    #[test]
    fn a_lost_reply_explains_its_version_until_nobody_can_carry_it_any_more() {
        let history = history();
        let lost = history.send(0);
        history.replied(0, lost, Reply::Unknown);
        let version = write(&history, 0, Reply::Acked);
        let begun = begin(&history, &[0]);
        assert_eq!(history.judge(&[0], &begun, &[Some(lost)]), Ok(()));
        assert!(history.judge(&[0], &begun, &[Some(1)]).is_err());
        let late = history.send(0);
        history.entities[0].writes.lock().recent.back_mut().unwrap().sent_at += nanos(CARRIED_FOR) + 1_000_000_000;
        history.replied(0, late, Reply::Acked);
        let begun = begin(&history, &[0]);
        assert!(history.judge(&[0], &begun, &[Some(lost)]).is_err());
        assert!(history.judge(&[0], &begun, &[Some(version)]).is_err());
        assert_eq!(history.judge(&[0], &begun, &[Some(late)]), Ok(()));
    }

    #[test]
    fn of_a_list_each_member_is_judged() {
        let history = history();
        write(&history, 1, Reply::Acked);
        let begun = begin(&history, &[0, 1]);
        assert!(begun.counts && !begun.returned);
        assert_eq!(history.judge(&[0, 1], &begun, &[Some(1), None]), Ok(()));
        assert_eq!(history.judge(&[0, 1], &begun, &[Some(1), Some(1)]).unwrap_err().entity, 1);
    }
}
