//! The one place through which purges of this edge's own go: applied, then remembered and told.

use std::fmt;
use std::sync::Arc;

use vitrine_shared::clock::BootTime;
use vitrine_shared::coherence::{Live, Position, Verdict};
use vitrine_shared::feed::Mode;
use vitrine_shared::tag::{Tag, TagHash};

use crate::disk::{Tier, Unsettled};
use crate::trail::Outcomes;

use super::log::{PurgeLog, Record, Source, truncated};
use super::target::Target;
use super::{Presence, Provenance};

/// Most bytes of a purge's targets in the log.
const MAX_LOGGED: usize = 2_048;

/// Makes purges at this edge.
#[derive(Debug)]
pub struct Purger {
    live: Arc<Live>,
    presence: Arc<Presence>,
    log: Arc<PurgeLog>,
    outcomes: Arc<Outcomes>,
    /// Where purges are written down, and what they reach besides memory.
    disk: Option<Arc<Tier>>,
}

/// Why an object must not be served, or not without being refreshed.
#[derive(Clone, Debug)]
pub struct Cause {
    /// The place of the purge on its clock.
    pub at: Position,
    /// What it does to the object.
    pub verdict: Verdict,
    /// Whether it reached the object by a floor, whatever its tags: everything was purged, the history of the feed was lost,
    /// or purges of that age are no longer remembered one by one.
    pub by_floor: bool,
    /// Who did what and when, where that is still remembered.
    pub record: Option<Arc<Record>>,
}

// === impl Purger ===

impl Purger {
    /// Purges by the table and presence that the fills use.
    pub fn new(live: Arc<Live>, presence: Arc<Presence>, log: Arc<PurgeLog>) -> Self {
        Self { live, presence, log, outcomes: Arc::default(), disk: None }
    }

    /// With a disk behind the memory.
    #[must_use]
    pub fn with_disk(self, disk: Option<Arc<Tier>>) -> Self {
        Self { disk, ..self }
    }

    /// With a trail, in which purges are noted.
    #[must_use]
    pub fn with_trail(self, outcomes: Arc<Outcomes>) -> Self {
        Self { outcomes, ..self }
    }

    /// Waits until no purge that was made here so far can be forgotten, whatever happens to this process. To be awaited before a purge
    /// is answered; at once where there is no disk, since memory goes with the process.
    pub async fn settled(&self) -> Result<(), Unsettled> {
        match &self.disk {
            Some(disk) => disk.settled().await,
            None => Ok(()),
        }
    }

    /// Purges all targets at once; returns the purge's number on this edge's own clock. When this returns, nothing that they
    /// reach is served, and what running fills bring is purged already.
    pub fn purge(&self, targets: &[Target], mode: Mode, source: Source) -> u64 {
        let tags: Vec<TagHash> = targets.iter().flat_map(|target| &target.tags).map(Tag::hash).collect();
        let everything = targets.iter().any(|target| target.everything);
        let at = self.live.purge(&tags, everything, mode);
        self.outcomes.note_own(BootTime::now(), at, &tags, everything, mode);
        if let Some(disk) = &self.disk {
            disk.note_purge(at, &tags, everything, mode);
        }
        let texts: Vec<&str> = targets.iter().map(|target| target.text.as_str()).collect();
        let shown = texts.join(", ");
        let (shown, count) = (truncated(&shown, MAX_LOGGED), targets.len());
        let label = source.label();
        if matches!(source, Source::Groups { .. }) {
            // As many as there are unsafe requests; people have the list of purges.
            tracing::debug!(target: "purge", source = label, by = %source, local = at, count, targets = shown, "purged");
        } else {
            tracing::info!(target: "purge", source = label, by = %source, ?mode, local = at, count, targets = shown, "purged");
        }
        self.log.note(Position::Local(at), source, mode, &texts);
        at
    }

    /// Invalidates a URL, where something of it is stored or on its way (RFC 9111 §4.4). Not logged for people: strangers
    /// would fill the log.
    pub fn invalidate(&self, target: &Target, source: impl Fn() -> Source) {
        for tag in &target.tags {
            let at = match &self.disk {
                Some(disk) => disk.invalidate(tag.hash(), &self.presence, &self.live),
                None => self.presence.invalidate(tag.hash(), &self.live),
            };
            if let Some(at) = at {
                tracing::debug!(target: "purge", local = at, url = target.text, "invalidated after an unsafe method");
                self.log.note(Position::Local(at), source(), Mode::Hard, &[&target.text]);
            }
        }
    }

    /// The purge for which an object must not be served, or not without being refreshed; `None` where there is none.
    ///
    /// Of several the one that acts hardest, and of those the newest that is known.
    pub fn why(&self, of: &Provenance) -> Option<Cause> {
        let invalidated = of.url.invalidated_since(of.stamp).map(|at| (Position::Local(at), Verdict::Purged, false));
        let reached = self.live.reached(of.stamp, &of.tags).into_iter();
        let causes = reached.map(|reached| (reached.at, reached.verdict, reached.tag.is_none())).chain(invalidated);
        causes
            .map(|(at, verdict, by_floor)| Cause { at, verdict, by_floor, record: self.log.find(at) })
            .max_by_key(|cause| (cause.verdict, cause.record.as_ref().map(|record| record.number)))
    }

    /// What was purged lately.
    pub fn log(&self) -> &PurgeLog {
        &self.log
    }
}

// === impl Cause ===

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.verdict == Verdict::SoftPurged { "softly purged" } else { "purged" })?;
        let by_tag_or_all =
            |record: &&Arc<Record>| !self.by_floor || record.targets.iter().any(|text| **text == *"all");
        match (self.record.as_ref().filter(by_tag_or_all), self.at) {
            (Some(record), _) => write!(f, " by {}: {}", record.source, record.targets.join(", ")),
            (None, _) if self.by_floor => {
                f.write_str(" with everything as old: the history of purges since then is not held here one by one")
            }
            (None, Position::Feed(epoch)) => {
                write!(f, " by the origin's purge {epoch}, of which no more is remembered")
            }
            (None, Position::Local(number)) => {
                write!(f, " by purge {number} of this edge, of which no more is remembered")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use vitrine_shared::coherence::TagTable;
    use vitrine_shared::epoch::Epoch;
    use vitrine_shared::feed::{Batch, Purge};

    use super::super::metrics::PurgeMetrics;
    use super::*;

    fn purger() -> Purger {
        let log = PurgeLog::new(PurgeMetrics::register(&prometheus::Registry::new()).unwrap());
        let live = Arc::new(Live::new(TagTable::at(Epoch::new(1, 0), 10)));
        Purger::new(live, Arc::default(), Arc::new(log))
    }

    fn object(purger: &Purger, tags: &[&str]) -> Provenance {
        let tags: Vec<TagHash> = tags.iter().map(|tag| Tag::parse(tag).unwrap().hash()).collect();
        let url = purger.presence.of(TagHash(7));
        Provenance { stamp: purger.live.stamp(), tags: tags.into(), url }
    }

    fn api(who: &str) -> Source {
        Source::Api { who: who.into(), id: "x".into() }
    }

    #[test]
    fn why_names_the_hardest_and_newest_purge_of_all_kinds() {
        let purger = purger();
        let object = object(&purger, &["a", "b"]);
        assert!(purger.why(&object).is_none());
        purger.purge(&[Target::tag("a").unwrap()], Mode::Soft, api("softy"));
        let soft = purger.why(&object).unwrap();
        assert_eq!((soft.verdict, soft.at), (Verdict::SoftPurged, Position::Local(1)));
        let purge = Purge {
            seq: 1,
            mode: Mode::Hard,
            tags: vec![Tag::parse("b").unwrap()],
            everything: false,
            event: Some("product.updated".into()),
        };
        let batch = Batch::new(1, Epoch::new(1, 0), vec![purge]).unwrap();
        purger.live.apply(&batch).unwrap();
        assert_eq!(
            purger.why(&object).unwrap().to_string(),
            "purged by the origin's purge 1.1, of which no more is remembered"
        );
        purger.log.note_batch(&batch, Epoch::new(1, 0));
        assert_eq!(purger.why(&object).unwrap().to_string(), "purged by the origin's event product.updated: tag b");
        let url = Target { text: "url h/".into(), tags: Vec::new(), everything: false };
        purger.invalidate(&url, || unreachable!("nothing is there"));
        assert_eq!(purger.presence.invalidate(TagHash(7), &purger.live), Some(2));
        assert_eq!(purger.why(&object).unwrap().at, Position::Feed(Epoch::new(1, 1)));
        purger.purge(&[Target::all()], Mode::Hard, api("anna"));
        assert_eq!(purger.why(&object).unwrap().to_string(), "purged by anna on the operations port (purge x): all");
        assert!(purger.why(&Provenance { stamp: purger.live.stamp(), ..object }).is_none());
    }

    #[test]
    fn a_floor_that_rose_by_forgetting_is_not_told_as_somebodys_purge() {
        let purger = purger();
        let object = object(&purger, &["mine"]);
        for tag in 0..20 {
            purger.purge(&[Target::tag(&format!("t{tag}")).unwrap()], Mode::Hard, api("anna"));
        }
        let cause = purger.why(&object).unwrap();
        assert!(cause.by_floor && cause.to_string().contains("everything as old"), "{cause}");
    }
}
