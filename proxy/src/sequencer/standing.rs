//! What the sequencer knows, as its journal tells it. Pure.

use std::collections::{BTreeMap, HashMap, VecDeque};

use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{Batch, MAX_BATCH, MemberKind, Order, Page, Purge, VERSION};

use super::line::{self, Begin, Key, Member, Numbered, Record};

/// Most keys of orders that are remembered.
const MAX_KEYS: usize = 4_096;
/// About how many tags of purges a page holds.
const PAGE_TAGS: usize = 20_000;

/// Where numbering stands, what was numbered lately, and who may hold a lease.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    position: Epoch,
    /// The purges after the oldest that is held, gap-free up to the position.
    history: VecDeque<Purge>,
    members: BTreeMap<String, (String, MemberKind)>,
    keys: HashMap<String, (u128, Epoch)>,
    /// The same keys, the oldest first.
    order: VecDeque<String>,
    /// Whether members that are not on record may hold leases.
    quiet: bool,
    /// The longest lease that anybody may hold, in milliseconds.
    lease_ms: u64,
}

/// A record does not follow what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Misfit;

/// What an order comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is to be written down, and gets this epoch.
    New(Box<Numbered>),
    /// Its key was used for the same.
    Before(Epoch),
    /// Its key was used for another order.
    Reused,
}

// === impl Standing ===

impl Standing {
    /// Nothing but a position.
    pub(super) fn at(position: Epoch) -> Self {
        Self { position, ..Self::default() }
    }

    /// Nothing but the position at which a term begins that knows nothing of those before.
    pub(super) fn afresh(position: Epoch) -> Self {
        Self { quiet: true, ..Self::at(position) }
    }

    /// What the begin of a segment says.
    pub(super) fn of(begin: &Begin) -> Self {
        let mut standing = Self::at(begin.position);
        begin.members.iter().for_each(|member| standing.record(member));
        begin.keys.iter().for_each(|key| standing.remember(key));
        (standing.quiet, standing.lease_ms) = (begin.quiet, begin.lease_ms);
        standing
    }

    /// The same at the begin of a new term: the history before it is nobody's any more, and who holds leases of it is not known.
    pub(super) fn in_term(&self, term: u32) -> Self {
        Self { position: Epoch::new(term, self.position.seq), history: VecDeque::new(), quiet: true, ..self.clone() }
    }

    /// Leases are granted for so long from now on; returns the longest that may run where that is not told by the members on record.
    pub(super) fn grant(&mut self, lease_ms: u64) -> Option<u64> {
        self.quiet |= self.lease_ms > lease_ms;
        self.lease_ms = self.lease_ms.max(lease_ms);
        self.quiet.then_some(self.lease_ms)
    }

    /// Whether members that are not on record may hold leases, or longer ones than are granted.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// As the begin of a segment.
    pub(super) fn begin(&self, segment: u64) -> Begin {
        let members =
            self.members.iter().map(|(id, (name, kind))| Member { id: id.clone(), name: name.clone(), kind: *kind });
        let keys = self.order.iter().filter_map(|key| {
            let (digest, epoch) = *self.keys.get(key)?;
            Some(Key { text: key.clone(), digest, epoch })
        });
        Begin {
            v: line::VERSION,
            segment,
            position: self.position,
            members: members.collect(),
            keys: keys.collect(),
            quiet: self.quiet,
            lease_ms: self.lease_ms,
        }
    }

    /// Takes in a record that was written down.
    pub(super) fn apply(&mut self, record: &Record) -> Result<(), Misfit> {
        match record {
            Record::Begin(_) => return Err(Misfit),
            Record::Purge(Numbered { purge, key }) => {
                let epoch = Epoch::new(self.position.term, self.position.seq.checked_add(1).ok_or(Misfit)?);
                if purge.seq != epoch.seq || key.epoch != epoch {
                    return Err(Misfit);
                }
                self.position = epoch;
                self.history.push_back(purge.clone());
                self.remember(key);
            }
            Record::Member(member) => self.record(member),
            Record::Settled { term, lease_ms } => {
                if *term == self.position.term {
                    (self.quiet, self.lease_ms) = (false, *lease_ms);
                }
            }
            Record::Gone { ids } => {
                for id in ids {
                    self.members.remove(id);
                }
            }
        }
        Ok(())
    }

    /// The newest epoch.
    pub(super) fn position(&self) -> Epoch {
        self.position
    }

    /// All purges numbered above this are held.
    pub(super) fn history_after(&self) -> u64 {
        self.position.seq - self.history.len() as u64
    }

    /// Holds purges that come before those that are held; `false` where they do not.
    pub(super) fn prepend(&mut self, earlier: &[Purge]) -> bool {
        let fits = earlier.last().is_none_or(|last| last.seq == self.history_after());
        if fits {
            earlier.iter().rev().for_each(|purge| self.history.push_front(purge.clone()));
        }
        fits
    }

    /// Holds nothing numbered up to this any more.
    pub(super) fn forget(&mut self, until: u64) {
        while self.history.front().is_some_and(|purge| purge.seq <= until) {
            self.history.pop_front();
        }
    }

    /// Who may hold a lease.
    pub(super) fn members(&self) -> Vec<(String, String, MemberKind)> {
        self.members.iter().map(|(id, (name, kind))| (id.clone(), name.clone(), *kind)).collect()
    }

    /// What an order comes to that is taken after `ahead`, which are about to be written down.
    pub(super) fn take(&self, order: &Order, ahead: &[Record]) -> Taken {
        let digest = order.digest();
        let numbered =
            || ahead.iter().filter_map(|record| if let Record::Purge(new) = record { Some(new) } else { None });
        let before = self.keys.get(&order.key).copied().or_else(|| {
            let same = numbered().find(|new| new.key.text == order.key);
            same.map(|new| (new.key.digest, new.key.epoch))
        });
        match before {
            Some((known, epoch)) if known == digest => return Taken::Before(epoch),
            Some(_) => return Taken::Reused,
            None => {}
        }
        let seq = self.position.seq + 1 + numbered().count() as u64;
        let purge = Purge {
            seq,
            mode: order.mode,
            tags: order.tags.clone(),
            everything: order.everything,
            event: Some(order.event()),
        };
        let key = Key { text: order.key.clone(), digest, epoch: Epoch::new(self.position.term, seq) };
        Taken::New(Box::new(Numbered { purge, key }))
    }

    /// What is told to a member that stands at `after`.
    pub(super) fn page(&self, after: Epoch) -> Page {
        let mut page = Page { v: VERSION, position: self.position, take_position: None, batches: Vec::new() };
        if after >= self.position {
            return page;
        }
        if after.term != self.position.term || after.seq < self.history_after() {
            page.take_position = Some(self.position);
            return page;
        }
        let skipped = usize::try_from(after.seq - self.history_after()).unwrap_or(usize::MAX);
        let mut tags = 0;
        let next = self.history.iter().skip(skipped).take(MAX_BATCH).take_while(|purge| {
            let fits = tags < PAGE_TAGS;
            tags += purge.tags.len();
            fits
        });
        match Batch::new(after.term, after, next.cloned().collect()) {
            Ok(batch) => page.batches.push(batch),
            // Not the case while the history has no gap; whoever asks starts at the position then.
            Err(_) => page.take_position = Some(self.position),
        }
        page
    }

    fn record(&mut self, member: &Member) {
        self.members.insert(member.id.clone(), (member.name.clone(), member.kind));
    }

    fn remember(&mut self, key: &Key) {
        if self.keys.insert(key.text.clone(), (key.digest, key.epoch)).is_none() {
            self.order.push_back(key.text.clone());
        }
        while self.order.len() > MAX_KEYS {
            if let Some(oldest) = self.order.pop_front() {
                self.keys.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use vitrine_shared::feed::Mode;
    use vitrine_shared::tag::Tag;

    use super::*;

    pub(in super::super) fn order(key: &str, tag: &str) -> Order {
        let tags = vec![Tag::parse(tag).unwrap()];
        Order { v: VERSION, mode: Mode::Hard, tags, everything: false, who: "anna".into(), key: key.into() }
    }

    fn number(standing: &mut Standing, key: &str, tag: &str) -> Epoch {
        let Taken::New(numbered) = standing.take(&order(key, tag), &[]) else { panic!("{key} was taken before") };
        let epoch = numbered.key.epoch;
        standing.apply(&Record::Purge(*numbered)).unwrap();
        epoch
    }

    #[test]
    fn numbers_follow_one_another_and_a_key_gets_one() {
        let mut standing = Standing::at(Epoch::new(5, 10));
        assert_eq!(number(&mut standing, "a", "x"), Epoch::new(5, 11));
        assert_eq!(number(&mut standing, "b", "x"), Epoch::new(5, 12));
        assert_eq!(standing.take(&order("a", "x"), &[]), Taken::Before(Epoch::new(5, 11)));
        assert_eq!(standing.take(&order("a", "y"), &[]), Taken::Reused);
        // Those that are on their way count too.
        let Taken::New(c) = standing.take(&order("c", "x"), &[]) else { panic!() };
        let ahead = [Record::Purge(*c.clone())];
        assert_eq!(standing.take(&order("c", "x"), &ahead), Taken::Before(Epoch::new(5, 13)));
        assert_eq!(standing.take(&order("c", "y"), &ahead), Taken::Reused);
        assert!(matches!(standing.take(&order("d", "x"), &ahead), Taken::New(d) if d.key.epoch == Epoch::new(5, 14)));
        // One that does not follow is no part of this history.
        let mut other = *c;
        other.purge.seq = 14;
        assert_eq!(standing.apply(&Record::Purge(other)), Err(Misfit));
    }

    #[test]
    fn a_member_is_told_what_follows_or_a_position() {
        let mut standing = Standing::at(Epoch::new(5, 10));
        for key in ["a", "b", "c"] {
            number(&mut standing, key, key);
        }
        let told = |standing: &Standing, term, seq| {
            let page = standing.page(Epoch::new(term, seq));
            (page.take_position, page.batches.first().map(|batch| (batch.first, batch.last().seq)))
        };
        assert_eq!(told(&standing, 5, 10), (None, Some((11, 13))));
        assert_eq!(told(&standing, 5, 12), (None, Some((13, 13))));
        assert_eq!(told(&standing, 5, 13), (None, None));
        assert_eq!(told(&standing, 5, 9), (Some(Epoch::new(5, 13)), None));
        assert_eq!(told(&standing, 4, 12), (Some(Epoch::new(5, 13)), None));
        standing.forget(11);
        assert_eq!(told(&standing, 5, 10), (Some(Epoch::new(5, 13)), None));
        assert_eq!(told(&standing, 5, 11), (None, Some((12, 13))));
        let later = standing.in_term(6);
        assert_eq!(told(&later, 5, 13), (Some(Epoch::new(6, 13)), None));
        assert_eq!(later.take(&order("a", "a"), &[]), Taken::Before(Epoch::new(5, 11)));
    }

    #[test]
    fn a_segments_begin_holds_all_but_the_history() {
        let mut standing = Standing::at(Epoch::new(5, 10));
        number(&mut standing, "a", "x");
        let member = Member { id: "m".into(), name: "edge".into(), kind: MemberKind::Edge };
        standing.apply(&Record::Member(member.clone())).unwrap();
        standing.apply(&Record::Member(Member { id: "n".into(), ..member })).unwrap();
        standing.apply(&Record::Gone { ids: vec!["n".into()] }).unwrap();
        let again = Standing::of(&standing.begin(3));
        assert_eq!(again.members(), [("m".to_owned(), "edge".to_owned(), MemberKind::Edge)]);
        assert_eq!((again.position(), again.history_after()), (Epoch::new(5, 11), 11));
        assert_eq!(again.take(&order("a", "x"), &[]), Taken::Before(Epoch::new(5, 11)));
    }

    #[test]
    fn whose_leases_are_not_known_is_remembered_until_they_are_over() {
        let mut standing = Standing::afresh(Epoch::new(5, 0));
        assert_eq!(standing.grant(3_000), Some(3_000));
        let mut again = Standing::of(&standing.begin(2));
        assert_eq!(again.grant(3_000), Some(3_000), "a restart before they are over");
        again.apply(&Record::Settled { term: 4, lease_ms: 3_000 }).unwrap();
        assert!(again.is_quiet(), "said of an earlier term");
        again.apply(&Record::Settled { term: 5, lease_ms: 3_000 }).unwrap();
        let mut settled = Standing::of(&again.begin(3));
        assert_eq!(settled.grant(3_000), None);
        assert_eq!(settled.clone().grant(4_000), None);
        assert!(settled.in_term(6).is_quiet());
        // Shorter ones: the longer may still run, also after one more restart.
        assert_eq!(settled.grant(1_000), Some(3_000));
        let mut shorter = Standing::of(&settled.begin(4));
        assert_eq!(shorter.grant(1_000), Some(3_000));
        shorter.apply(&Record::Settled { term: 5, lease_ms: 1_000 }).unwrap();
        assert_eq!(Standing::of(&shorter.begin(5)).grant(1_000), None);
    }

    #[test]
    fn keys_are_bounded() {
        let mut standing = Standing::at(Epoch::new(1, 0));
        for key in 0..=MAX_KEYS {
            number(&mut standing, &key.to_string(), "x");
        }
        assert_eq!((standing.keys.len(), standing.order.len()), (MAX_KEYS, MAX_KEYS));
        assert!(matches!(standing.take(&order("0", "x"), &[]), Taken::New(_)));
    }
}
