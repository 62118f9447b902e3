//! Postgres, as far as the protocol leans on it: transactions that commit in an order, one advisory lock held by a session, and a
//! standby that replays the same order later.

use std::collections::{BTreeMap, VecDeque};

use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{Batch, MemberKind, Mode, Page, Purge, VERSION};
use vitrine_shared::ledger::Earlier;

use super::content::{THINGS, purged_by};

/// How many numbered purges are kept; a member that is further behind takes a position.
const HISTORY: u64 = 40;
/// Between two copies of the files, in microseconds, and how many are kept.
const COPY_EVERY: u64 = 500_000;
const COPIES: usize = 12;

/// A committed change of one thing, in the outbox.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) write: u64,
    pub(crate) thing: usize,
    pub(crate) soft: bool,
    pub(crate) epoch: Option<Epoch>,
}

/// What is durable.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) versions: [u64; THINGS],
    pub(crate) rows: Vec<Row>,
    pub(crate) position: Epoch,
    /// Which history this is; a promotion begins another.
    history: u64,
    noted_history: u64,
    incarnation: u64,
    members_term: u32,
    pub(crate) leader: Option<usize>,
    members: BTreeMap<String, MemberKind>,
}

/// A change, as the standby replays it.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Write { thing: usize, write: u64, soft: bool },
    Number { most: usize },
    TakeOver { origin: usize, second: u32 },
    Record { incarnation: u64, id: String, kind: MemberKind },
    RaiseTerm { second: u32 },
}

/// What taking the lead found.
#[derive(Clone, Debug)]
pub(crate) struct Takeover {
    pub(crate) incarnation: u64,
    pub(crate) position: Epoch,
    pub(crate) earlier: Earlier,
}

impl State {
    pub(crate) fn new() -> Self {
        Self {
            versions: [0; THINGS],
            rows: Vec::new(),
            position: Epoch::new(1, 0),
            history: 0,
            noted_history: 0,
            incarnation: 0,
            members_term: 0,
            leader: None,
            members: BTreeMap::new(),
        }
    }

    /// The standby becomes the primary.
    pub(crate) fn promoted(mut self) -> Self {
        self.history += 1;
        self
    }

    /// Commits a change; `false` where its condition does not hold.
    pub(crate) fn commit(&mut self, change: &Change) -> bool {
        match change {
            Change::Write { thing, write, soft } => {
                self.versions[*thing] = *write;
                self.rows.push(Row { write: *write, thing: *thing, soft: *soft, epoch: None });
            }
            Change::Number { most } => {
                let first = self.rows.partition_point(|row| row.epoch.is_some());
                for row in self.rows[first..].iter_mut().take(*most) {
                    self.position.seq += 1;
                    row.epoch = Some(self.position);
                }
            }
            Change::TakeOver { origin, second } => {
                self.incarnation += 1;
                self.leader = Some(*origin);
                if self.noted_history != self.history {
                    self.noted_history = self.history;
                    self.position.term = (self.position.term + 1).max(*second);
                }
                self.members_term = self.position.term;
            }
            Change::Record { incarnation, id, kind } => {
                if *incarnation != self.incarnation {
                    return false;
                }
                self.members.insert(id.clone(), *kind);
            }
            Change::RaiseTerm { second } => self.position.term = (self.position.term + 1).max(*second),
        }
        true
    }

    /// What the next leader reads before it takes over: see `feed::record::take_over` of the origin.
    pub(crate) fn before_takeover(&self) -> (u64, Earlier) {
        let raises = self.noted_history != self.history;
        let is_known = !raises && (self.incarnation == 0 || self.members_term == self.position.term);
        let member = |(id, kind): (&String, &MemberKind)| (id.clone(), id.clone(), *kind);
        let earlier =
            if is_known { Earlier::Members(self.members.iter().map(member).collect()) } else { Earlier::Unknown };
        (self.incarnation + 1, earlier)
    }

    /// As `outbox::page` of the origin answers.
    pub(crate) fn page(&self, after: Epoch) -> Page {
        let newest = self.position;
        let mut page = Page { v: VERSION, position: newest, take_position: None, batches: Vec::new() };
        if after >= newest {
            return page;
        }
        if after.term != newest.term || after.seq < newest.seq.saturating_sub(HISTORY) {
            page.take_position = Some(newest);
            return page;
        }
        page.batches.extend(self.batch(after.seq));
        page
    }

    /// The purges numbered above `after`, of one term.
    pub(crate) fn batch(&self, after: u64) -> Option<Batch> {
        // Rows are numbered in the order in which they stand; those without a number come last.
        let first = self.rows.partition_point(|row| row.epoch.is_some_and(|epoch| epoch.seq <= after));
        let rows: Vec<(Epoch, &Row)> = self.rows[first..].iter().map_while(|row| Some((row.epoch?, row))).collect();
        let term = rows.first()?.0.term;
        let purges: Vec<Purge> = rows
            .into_iter()
            .take_while(|(epoch, _)| epoch.term == term)
            .map(|(epoch, row)| Purge {
                seq: epoch.seq,
                mode: if row.soft { Mode::Soft } else { Mode::Hard },
                tags: purged_by(row.thing),
                everything: false,
                event: None,
            })
            .collect();
        let prev = Epoch::new(term, purges.first()?.seq - 1);
        Batch::new(term, prev, purges).ok()
    }

    /// The epoch of a write, where it has one.
    pub(crate) fn epoch_of(&self, write: u64) -> Option<Epoch> {
        self.rows[self.rows.binary_search_by_key(&write, |row| row.write).ok()?].epoch
    }

    /// Whether a write survived in this history.
    pub(crate) fn has(&self, write: u64) -> bool {
        self.rows.binary_search_by_key(&write, |row| row.write).is_ok()
    }
}

/// The server: sessions, the lock, and the standby's delay.
pub(crate) struct Database {
    pub(crate) primary: State,
    pub(crate) standby: State,
    wal: Vec<(u64, Change)>,
    /// How long the standby lags behind, in microseconds.
    pub(crate) lag: u64,
    sessions: u64,
    /// The session that holds the lock, its origin, and when it last said something.
    lock: Option<(u64, usize, u64)>,
    /// After this silence a session ends.
    silence: u64,
    /// When a standby was promoted last.
    promoted: u64,
    /// Copies of the primary's files, the oldest first, and when the last was made.
    copies: VecDeque<State>,
    copied: u64,
    /// Whether one was ever put back.
    pub(crate) was_put_back: bool,
}

impl Database {
    pub(crate) fn new(silence: u64) -> Self {
        let state = State::new();
        Self {
            standby: state.clone(),
            primary: state,
            wal: Vec::new(),
            lag: 0,
            sessions: 0,
            lock: None,
            silence,
            promoted: 0,
            copies: VecDeque::new(),
            copied: 0,
            was_put_back: false,
        }
    }

    /// Commits a change on the primary; the standby replays it later.
    pub(crate) fn commit(&mut self, now: u64, change: &Change) -> bool {
        self.replay(now);
        if now >= self.copied + COPY_EVERY {
            self.copied = now;
            self.copies.push_back(self.primary.clone());
            if self.copies.len() > COPIES {
                self.copies.pop_front();
            }
        }
        let done = self.primary.commit(change);
        if done {
            self.wal.push((now, change.clone()));
        }
        done
    }

    /// Lets the standby replay what is old enough.
    pub(crate) fn replay(&mut self, now: u64) {
        let until = self.wal.iter().take_while(|(at, _)| at + self.lag <= now).count();
        for (_, change) in self.wal.drain(..until) {
            self.standby.commit(&change);
        }
    }

    /// Gives the lock to an origin on a new session, where it is free.
    pub(crate) fn try_lead(&mut self, origin: usize, now: u64) -> Option<(u64, Takeover)> {
        if self.lock.is_some_and(|(_, _, heard)| now < heard + self.silence) {
            return None;
        }
        self.sessions += 1;
        self.lock = Some((self.sessions, origin, now));
        let (incarnation, earlier) = self.primary.before_takeover();
        let second = u32::try_from(now / 1_000_000).unwrap_or(u32::MAX);
        self.commit(now, &Change::TakeOver { origin, second });
        Some((self.sessions, Takeover { incarnation, position: self.primary.position, earlier }))
    }

    /// A statement on the session that holds the lock: the position, and whether more waits for a number. `None` where it ended.
    pub(crate) fn on_session(&mut self, session: u64, now: u64, change: &Change) -> Option<(Epoch, bool)> {
        let (holder, origin, heard) = self.lock?;
        if holder != session || now >= heard + self.silence {
            return None;
        }
        self.lock = Some((holder, origin, now));
        let waiting = |state: &State| state.rows.last().is_some_and(|row| row.epoch.is_none());
        if waiting(&self.primary) || !matches!(change, Change::Number { .. }) {
            self.commit(now, change);
        }
        Some((self.primary.position, waiting(&self.primary)))
    }

    /// An origin's process ended, and its sessions with it.
    pub(crate) fn hang_up(&mut self, origin: usize) {
        self.lock = self.lock.filter(|(_, holder, _)| *holder != origin);
    }

    /// A crash, or an operator: all sessions end.
    pub(crate) fn end_sessions(&mut self) {
        self.lock = None;
    }

    /// How many copies of the files there are that begin no earlier term: those would be refused by whoever knows a later one.
    pub(crate) fn copies(&mut self) -> usize {
        let term = self.primary.position.term;
        self.copies.retain(|copy| copy.position.term == term);
        self.copies.len()
    }

    /// A copy of the files is put back in place, and a new standby is made of it: nothing in it tells that it is an old one.
    pub(crate) fn put_back(&mut self, copy: usize) {
        let Some(copy) = self.copies.get(copy).cloned() else { return };
        self.was_put_back = true;
        self.copies.clear();
        self.wal.clear();
        self.standby = copy.clone();
        self.primary = copy;
        self.end_sessions();
    }

    /// The operator begins a new term, before anybody asks.
    pub(crate) fn by_hand(&mut self, second: u32) {
        self.primary.commit(&Change::RaiseTerm { second });
        self.standby = self.primary.clone();
    }

    /// The standby becomes the primary, as far as it has replayed; a new standby is made of it.
    pub(crate) fn promote(&mut self, now: u64, lossless: bool) {
        // No two in one moment: an operator's promotion takes longer than that.
        if now < self.promoted + 2_000_000 {
            return;
        }
        self.promoted = now;
        if lossless {
            self.lag = 0;
            self.replay(now);
        }
        self.wal.clear();
        self.primary = self.standby.clone().promoted();
        self.standby = self.primary.clone();
        self.end_sessions();
    }
}
