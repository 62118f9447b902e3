//! The books themselves.

use std::collections::BTreeMap;

use super::Terms;
use super::marks::Marks;
use super::member::{Member, MemberView};
use crate::clock::BootTime;
use crate::epoch::Epoch;
use crate::feed::{MemberKind, Renewal, Report, VERSION};

/// Steps of numbering, and of acknowledging, that are remembered.
const STEPS: usize = 8_192;
/// Most members. Members carry a token, so this bounds mistakes and not strangers.
pub(super) const MAX_MEMBERS: usize = 1_000;

/// Who may serve from cache without asking, and what is acknowledged.
#[derive(Debug)]
pub struct Ledger {
    pub(super) terms: Terms,
    /// The latest reading of the clock: decisions follow one another in time, whoever read the clock first.
    latest: BootTime,
    /// Until when leases are granted: some time after the last proof of leading.
    leads_until: BootTime,
    /// Nothing is acknowledged before: some unknown may hold a lease.
    pub(super) quiet_until: BootTime,
    /// The newest epoch that was numbered, or read, on the session that holds the lock.
    position: Epoch,
    acknowledged: Epoch,
    pub(super) members: BTreeMap<String, Member>,
    /// Members that took leave, until no report of theirs can be under way any more.
    left: BTreeMap<String, BootTime>,
    pub(super) numbered: Marks,
    pub(super) acks: Marks,
    /// A member said that it had applied this, which was beyond the position then; when it said so.
    ahead: Option<(Epoch, BootTime)>,
    /// An epoch that was known, and that the sequencer's history does not hold any more.
    lost: Option<Epoch>,
}

/// What a new leader knows of the leases that earlier ones granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// Nothing: a new term, or no record. Nothing is acknowledged until all of them have run out.
    Unknown,
    /// These members and no others may hold one: id, name and kind of each.
    Members(Vec<(String, String, MemberKind)>),
}

/// The answer to a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Send this to the member.
    Renewal(Renewal),
    /// A lease is due to a member that is not in the record which a next leader reads. Record it durably, then ask again.
    Record,
}

/// A report is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// This process does not lead, or could not prove it lately.
    #[error("this process does not lead the feed now; another may")]
    NotLeading,
    /// The member knows a later term: this sequencer's history is an old one (rule 10).
    #[error("this sequencer stands at term {own}, before {told}")]
    LaterTerm {
        /// The term here.
        own: u32,
        /// The member's.
        told: u32,
    },
    /// It took leave; a process that starts anew comes under a new id.
    #[error("this member took leave")]
    Left,
    /// There are too many.
    #[error("there are {MAX_MEMBERS} members already")]
    TooMany,
}

// === impl Ledger ===

impl Ledger {
    /// Empty books of a process that does not lead.
    pub fn new(terms: Terms) -> Self {
        let never = BootTime::at(std::time::Duration::ZERO);
        Self {
            terms,
            latest: never,
            leads_until: never,
            quiet_until: never,
            position: Epoch::ZERO,
            acknowledged: Epoch::ZERO,
            members: BTreeMap::new(),
            left: BTreeMap::new(),
            numbered: Marks::new(STEPS),
            acks: Marks::new(STEPS),
            ahead: None,
            lost: None,
        }
    }

    /// This process leads, by a proof asked for at `sent`; numbering stands at `position`.
    ///
    /// `now` is read after the answer came: from then on no other process can begin to lead before this one's lock is lost.
    pub fn lead(&mut self, sent: BootTime, now: BootTime, position: Epoch, earlier: Earlier) {
        let now = self.tick(now);
        let until = now + self.terms.handover();
        // The lock was held before the question: what was told until now was numbered before it.
        self.lost = None;
        self.note_loss(now, position, position);
        self.members.clear();
        self.left.clear();
        self.ahead = None;
        match earlier {
            Earlier::Unknown => self.quiet_until = until,
            Earlier::Members(known) => {
                for (id, name, kind) in known {
                    let member = Member { may_hold_until: until, ..Member::unknown(name, kind, now) };
                    self.members.insert(id, member);
                }
            }
        }
        self.numbered = Marks::new(STEPS);
        self.acks = Marks::new(STEPS);
        self.position = position;
        // What was acknowledged in another history says nothing of this one; it is decided again at once.
        self.acknowledged = Epoch::ZERO;
        self.leads_until = sent + self.terms.proof;
    }

    /// This process leads again, and nobody led in between: the books still hold.
    pub fn resume(&mut self, sent: BootTime, now: BootTime, position: Epoch) {
        let now = self.tick(now);
        // What an answer that was lost had numbered is known to members, and not here.
        self.note_loss(now, position, position);
        self.ahead = self.ahead.filter(|(ahead, _)| *ahead > position);
        self.leads_until = self.leads_until.max(sent + self.terms.proof);
        self.numbered(now, position);
    }

    /// Nothing is acknowledged for so long: some unknown may hold a lease for that time.
    pub fn be_quiet(&mut self, now: BootTime, time: std::time::Duration) {
        let until = self.tick(now) + time;
        self.quiet_until = self.quiet_until.max(until);
    }

    /// Whether some unknown may hold a lease.
    pub fn is_quiet(&self, now: BootTime) -> bool {
        now < self.quiet_until
    }

    /// This process knows this epoch though it does not lead: it followed whoever did, or a member told it. Where the history that it
    /// comes to lead does not hold the epoch, that was lost.
    pub fn knows(&mut self, now: BootTime, epoch: Epoch) {
        let now = self.tick(now);
        if self.ahead.is_none_or(|(most, _)| most < epoch) {
            self.ahead = Some((epoch, now));
        }
    }

    /// The session that holds the lock answered what was asked at `sent`: it was led until then, and numbering stands at `position`.
    ///
    /// Answers are told in the order in which they came, and nothing was numbered that was not told before.
    pub fn proven(&mut self, sent: BootTime, now: BootTime, position: Epoch) {
        self.note_loss(sent, self.position.min(position), position);
        self.leads_until = self.leads_until.max(sent + self.terms.proof);
        self.numbered(now, position);
    }

    /// All up to `position` is numbered, and was committed on the session that holds the lock.
    pub fn numbered(&mut self, now: BootTime, position: Epoch) {
        let now = self.tick(now);
        if position.term > self.position.term {
            self.lost = None;
            // Leases may have been granted in a history that this one knows nothing of.
            self.quiet_until = self.quiet_until.max(now + self.terms.handover());
        }
        if position > self.position {
            self.position = position;
            self.numbered.push(position, now);
        }
    }

    /// The session is lost: whoever reports is sent away, until this process leads again.
    pub fn stop_leading(&mut self) {
        self.leads_until = BootTime::at(std::time::Duration::ZERO);
    }

    /// Whether leases may be granted now.
    pub fn leads(&self, now: BootTime) -> bool {
        now.max(self.latest) < self.leads_until
    }

    /// A member's word on where it stands; it asks for its lease. `now` was read after the report came.
    pub fn report(&mut self, now: BootTime, id: &str, report: &Report) -> Result<Reply, Refusal> {
        let now = self.tick(now);
        if now >= self.leads_until {
            self.knows(now, report.applied);
            return Err(Refusal::NotLeading);
        }
        if report.applied.term > self.position.term {
            return Err(Refusal::LaterTerm { own: self.position.term, told: report.applied.term });
        }
        if self.left.contains_key(id) {
            return Err(Refusal::Left);
        }
        if report.applied > self.position && self.ahead.is_none_or(|(most, _)| most < report.applied) {
            self.ahead = Some((report.applied, now));
        }
        let overdue = self.numbered.stood(earlier_by(now, self.terms.lease));
        let until = now + self.terms.gone_after();
        let Some(member) = self.members.get_mut(id) else {
            if self.members.len() >= MAX_MEMBERS {
                return Err(Refusal::TooMany);
            }
            // Not in the record, so no next leader would wait for it.
            return if report.applied >= self.position { Ok(Reply::Record) } else { Ok(self.renewal(None)) };
        };
        member.name.clone_from(&report.name);
        member.heard = now;
        member.outcomes.note(now, &report.outcomes);
        if report.applied > member.applied {
            member.applied = report.applied;
            member.steps.push(report.applied, now);
        }
        let renews = member.granted && member.may_serve(now);
        // Rule 9: who holds one may lag for one lease; who is new or lapsed must stand at the newest.
        let due = if renews {
            overdue.is_none_or(|overdue| member.applied >= overdue)
        } else {
            member.applied >= self.position
        };
        if due {
            member.granted = true;
            member.may_hold_until = member.may_hold_until.max(until);
        }
        Ok(self.renewal(due.then_some(self.terms.lease)))
    }

    /// A member was recorded where a next leader will find it.
    pub fn recorded(&mut self, now: BootTime, id: &str, name: &str, kind: MemberKind) {
        let now = self.tick(now);
        self.members.entry(id.to_owned()).or_insert_with(|| Member::unknown(name.to_owned(), kind, now));
    }

    /// A member takes leave: it has given up its lease. What it reported before and comes later is refused.
    pub fn leave(&mut self, now: BootTime, id: &str) {
        let now = self.tick(now);
        self.members.remove(id);
        self.left.retain(|_, until| *until > now);
        if self.left.len() < MAX_MEMBERS {
            self.left.insert(id.to_owned(), now + self.terms.gone_after());
        }
    }

    /// Forgets members that hold no lease and were not heard for `after`; returns their ids.
    pub fn forget(&mut self, now: BootTime, after: std::time::Duration) -> Vec<String> {
        let now = self.tick(now);
        let is_gone = |member: &Member| !member.may_serve(now) && now.since(member.heard) >= after;
        let gone: Vec<String> =
            self.members.iter().filter(|(_, member)| is_gone(member)).map(|(id, _)| id.clone()).collect();
        for id in &gone {
            self.members.remove(id);
        }
        gone
    }

    /// Decides what is acknowledged by now, and tells it.
    ///
    /// An epoch is acknowledged when each member has applied it or may hold no lease any more (rule 9). This needs no proof of leading: a
    /// successor grants leases only to members that have applied all that this process can know to be numbered.
    pub fn settle(&mut self, now: BootTime) -> Epoch {
        let now = self.tick(now);
        // A member's number that was not given here may be one of a lost history: it says nothing of what it is given to next.
        let is_ahead = |ahead: Epoch| ahead.term == self.position.term && ahead > self.position;
        let in_doubt = self.lost.is_some() || self.ahead.is_some_and(|(ahead, _)| is_ahead(ahead));
        if now >= self.quiet_until && !in_doubt {
            let holders = self.members.values().filter(|member| member.may_serve(now));
            let reached = holders.map(|member| member.applied).fold(self.position, Epoch::min);
            if reached > self.acknowledged {
                self.acknowledged = reached;
                self.acks.push(reached, now);
            }
        }
        self.acknowledged
    }

    /// The newest epoch that was decided to be acknowledged, with all before it.
    pub fn acknowledged(&self) -> Epoch {
        self.acknowledged
    }

    /// The newest epoch that is known to be numbered.
    pub fn position(&self) -> Epoch {
        self.position
    }

    /// When [`Ledger::settle`] may say something new though nothing happens: somebody's lease runs out, or the quiet ends.
    pub fn next_change(&self, now: BootTime) -> Option<BootTime> {
        if self.acknowledged >= self.position {
            return None;
        }
        if now < self.quiet_until {
            return Some(self.quiet_until);
        }
        let behind = self.members.values().filter(|member| member.applied < self.position && member.may_serve(now));
        behind.map(|member| member.may_hold_until).min()
    }

    /// An epoch of the present term that was given once, as this process or a member knows, and that numbering stands before: the
    /// sequencer's history was lost. A new term must begin; until then nothing is acknowledged.
    pub fn lost_history(&self) -> Option<Epoch> {
        self.lost
    }

    /// Compares what is known with what an answer shows that was asked for at `sent`; before it all up to `numbered` was numbered.
    fn note_loss(&mut self, sent: BootTime, numbered: Epoch, position: Epoch) {
        let own = (position.term == self.position.term && position < self.position).then_some(self.position);
        // Said before the question was asked, and beyond all that had been numbered until then.
        let told = self.ahead.filter(|(ahead, at)| *at <= sent && ahead.term == position.term && *ahead > numbered);
        if let Some(lost) = told.map(|(ahead, _)| ahead).or(own) {
            self.lost = Some(lost);
            // Its numbers are given again: that one was acknowledged once says nothing of what bears it next.
            self.acknowledged = Epoch::ZERO;
        }
    }

    /// The members, as people see them.
    pub fn members(&self, now: BootTime) -> Vec<MemberView> {
        self.members.iter().map(|(id, member)| member.view(id, now)).collect()
    }

    fn renewal(&self, lease: Option<std::time::Duration>) -> Reply {
        let lease_ms = lease.map(crate::clock::millis);
        Reply::Renewal(Renewal { v: VERSION, position: self.position, lease_ms })
    }

    /// One clock for all decisions: a reading that was taken earlier and comes later counts as the later one.
    fn tick(&mut self, now: BootTime) -> BootTime {
        self.latest = self.latest.max(now);
        self.latest
    }
}

/// A moment before; boot, where there is none.
fn earlier_by(now: BootTime, by: std::time::Duration) -> BootTime {
    BootTime::at(now.since(BootTime::at(by)))
}
