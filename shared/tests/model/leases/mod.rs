//! Leases and acknowledgement in the memory of whichever origin process leads, with clocks that drift, members that come
//! and go, and leaders that are gone without knowing it (rule 9).
//!
//! Time is in ticks that everybody counts; the drift between two clocks is at its worst: a member's lease lasts so much longer
//! than it was granted for. What [`super::core`] takes for granted is the property here: who holds a lease has applied all that
//! is acknowledged.
//!
//! A leader is one whose database session holds the advisory lock, or a *zombie*: it was paused or cut off, the session is gone,
//! and it has not noticed. What follows from that, and what the mutants show to be needed:
//! - A leader grants only within a window after *sending* the last check by which its session was seen to hold the lock.
//! - It grants only to members that are on a record in Postgres, which only the latest leader may change.
//! - A new leader takes whoever is on the record for a holder of a lease until lease, drift and window are over, counted from the *answer*
//!   that it has the lock, or until the member says what it has applied. Without a record that it can believe (a new term) it acknowledges
//!   nothing for so long.
//! - It reads the position on the session that holds the lock, and admits nobody who is behind that.
//! - It acknowledges only what its own session numbered, or read as the position. That needs no window: a zombie may go on.
//! - It goes on with its ledger after a lost session only if nobody led in between.

mod mutant;

use stateright::{Model, Property};

pub(crate) use mutant::{MUTANTS, Mutant};

/// Safety.
pub(crate) const LEASED_ARE_CURRENT: &str = "who holds a lease has applied all that is acknowledged";
/// Liveness, from every state.
pub(crate) const HEALS: &str = "once faults end all is acknowledged and every member holds a lease";
/// Liveness with one member that reports and never applies.
pub(crate) const STUCK_DELAYS_BRIEFLY: &str = "a member that applies nothing delays acknowledgement to the bound";

/// The protocol, or a mutant of it.
#[derive(Clone, Debug)]
pub(crate) struct Leases<const MEMBERS: usize, const LEADERS: usize> {
    pub(crate) mutant: Option<Mutant>,
    /// Most epochs.
    pub(crate) epochs: u8,
    /// How many ticks a lease is granted for.
    pub(crate) lease: u8,
    /// Whether a new leader reads from a record who may hold leases. Else it waits for all that there might be, as it must where the
    /// record may be of another history.
    pub(crate) record: bool,
    /// Whether members restart, and stop cleanly.
    pub(crate) comings: bool,
    /// Whether liveness is checked at each state.
    pub(crate) lively: bool,
}

/// By how many ticks two clocks may differ over a lease and a leader's wait.
const DRIFT: u8 = 1;
/// How many ticks a leader may grant after sending the check that found it to hold the lock.
const WINDOW: u8 = 1;
/// A span that begins between two ticks reaches beyond its last one.
const GRANTS: u8 = WINDOW + 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State<const MEMBERS: usize, const LEADERS: usize> {
    /// The newest number in Postgres.
    numbered: u8,
    /// Whose session holds the advisory lock.
    lock: Option<u8>,
    /// Who took the lead last; only this process may change the record.
    latest: Option<u8>,
    /// Which members are on the record in Postgres.
    recorded: [bool; MEMBERS],
    /// The newest epoch that anybody acknowledged.
    acked: u8,
    leaders: [Leader<MEMBERS>; LEADERS],
    members: [Member; MEMBERS],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Leader<const MEMBERS: usize> {
    /// What it believes.
    leads: bool,
    /// Ticks for which it may grant.
    window: u8,
    /// A check that found the lock held, and has not been read yet: what is left of its window.
    check: Option<u8>,
    /// Ticks for which it may acknowledge nothing.
    quiet: u8,
    /// The newest epoch that its session numbered, or read.
    known: u8,
    ledger: [Entry; MEMBERS],
    /// A member that was forgotten here, and is being taken off the record.
    erasing: Option<u8>,
    asleep: bool,
}

/// A member as a leader sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Entry {
    /// Whether it is on the record by this leader's knowledge.
    listed: bool,
    /// Whether its lease was granted here.
    granted: bool,
    applied: u8,
    /// Ticks until no lease of it can run any more.
    ends: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Member {
    applied: u8,
    /// Ticks for which it may serve.
    lease: u8,
    report: Option<Report>,
    /// It has said farewell, and drains.
    leaving: bool,
    lapsed: bool,
    asleep: bool,
}

/// A report on its way, or its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Report {
    applied: u8,
    /// What is left of a lease that began when it was sent.
    remains: u8,
    granted: Option<bool>,
}

/// What may happen next; leaders first, then members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Tick,
    SessionLost,
    AskLock(usize),
    Peek(usize),
    TakeLock(usize),
    Crash(usize),
    Number(usize),
    NumberUnheard(usize),
    Check(usize),
    CheckRead(usize),
    Acknowledge(usize),
    LeaderSleeps(usize),
    LeaderWakes(usize),
    Receive(usize, usize),
    Forget(usize, usize),
    Erase(usize),
    FarewellReceived(usize, usize),
    Report(usize),
    ReportLost(usize),
    AnswerRead(usize),
    Apply(usize),
    Restart(usize),
    Farewell(usize),
    Sleep(usize),
    Wake(usize),
}

// === impl Leader ===

impl<const MEMBERS: usize> Leader<MEMBERS> {
    const NONE: Self = Self {
        leads: false,
        window: 0,
        check: None,
        quiet: 0,
        known: 0,
        ledger: [Entry { listed: false, granted: false, applied: 0, ends: 0 }; MEMBERS],
        erasing: None,
        asleep: false,
    };

    /// Is no member of this ledger able to serve what the epoch replaced?
    fn sees_applied(&self, epoch: u8) -> bool {
        self.ledger.iter().all(|entry| entry.ends == 0 || entry.applied >= epoch)
    }
}

// === impl Leases ===

impl<const MEMBERS: usize, const LEADERS: usize> Leases<MEMBERS, LEADERS> {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// How long a lease may last by the member's clock, in ticks of the slowest.
    fn lasts(&self) -> u8 {
        self.lease + DRIFT
    }

    fn quiet(&self) -> u8 {
        match self.mutant {
            Some(Mutant::NewLeaderAcksAtOnce) => 0,
            Some(Mutant::QuietWithoutWindow) => self.lease + DRIFT,
            Some(Mutant::QuietWithoutDrift) => self.lease + WINDOW,
            _ => self.lease + DRIFT + WINDOW,
        }
    }

    fn leader_actions(&self, state: &State<MEMBERS, LEADERS>, at: usize, actions: &mut Vec<Action>) {
        let leader = &state.leaders[at];
        if leader.asleep {
            return actions.push(Action::LeaderWakes(at));
        }
        if state.lock.is_none() {
            actions.push(Action::TakeLock(at));
        }
        if !leader.leads {
            if self.is(Mutant::QuietFromAsking) && leader.quiet == 0 {
                actions.push(Action::AskLock(at));
            }
            if self.is(Mutant::PositionBeforeLock) && leader.known < state.numbered {
                actions.push(Action::Peek(at));
            }
            return;
        }
        actions.push(Action::Crash(at));
        let holds = state.lock.is_some_and(|holder| usize::from(holder) == at);
        if holds && state.numbered < self.epochs {
            actions.extend([Action::Number(at), Action::NumberUnheard(at)]);
        }
        if holds && leader.check.is_none() {
            actions.push(Action::Check(at));
        }
        if leader.check.is_some() {
            actions.push(Action::CheckRead(at));
        }
        if self.is(Mutant::LeaderClockSleeps) {
            actions.push(Action::LeaderSleeps(at));
        }
        if self.can_acknowledge(state, at) {
            actions.push(Action::Acknowledge(at));
        }
        for (of, member) in state.members.iter().enumerate() {
            let may_grant = leader.window > 0 || self.is(Mutant::ZombieGrantsForEver);
            if may_grant && member.report.is_some_and(|report| report.granted.is_none()) {
                actions.push(Action::Receive(at, of));
            }
            let entry = &leader.ledger[of];
            if member.leaving && entry.ends > 0 {
                actions.push(Action::FarewellReceived(at, of));
            }
            if self.record && entry.listed && entry.ends == 0 && leader.erasing.is_none() {
                actions.push(Action::Forget(at, of));
            }
        }
        if leader.erasing.is_some() {
            actions.push(Action::Erase(at));
        }
    }

    fn member_actions(&self, state: &State<MEMBERS, LEADERS>, at: usize, actions: &mut Vec<Action>) {
        let member = &state.members[at];
        if member.asleep {
            return actions.push(Action::Wake(at));
        }
        match member.report {
            None if !member.leaving => actions.push(Action::Report(at)),
            None => {}
            Some(Report { granted: Some(_), .. }) => actions.extend([Action::AnswerRead(at), Action::ReportLost(at)]),
            Some(_) => actions.push(Action::ReportLost(at)),
        }
        if member.applied < state.numbered {
            actions.push(Action::Apply(at));
        }
        if self.is(Mutant::MemberClockSleeps) {
            actions.push(Action::Sleep(at));
        }
        if self.comings {
            actions.push(Action::Restart(at));
        }
        if self.comings && !member.leaving {
            actions.push(Action::Farewell(at));
        }
    }

    fn can_acknowledge(&self, state: &State<MEMBERS, LEADERS>, at: usize) -> bool {
        let leader = &state.leaders[at];
        let newest = if self.is(Mutant::ZombieAcksOthers) { state.numbered } else { leader.known };
        let next = state.acked + 1;
        leader.leads && leader.quiet == 0 && next <= newest && leader.sees_applied(next)
    }

    fn step_leader(&self, state: &mut State<MEMBERS, LEADERS>, at: usize, action: Action) {
        let numbered = state.numbered;
        let leader = &mut state.leaders[at];
        match action {
            Action::AskLock(_) => leader.quiet = self.quiet(),
            Action::Peek(_) => leader.known = numbered,
            Action::TakeLock(_) => self.take_lock(state, at),
            Action::Crash(_) => {
                *leader = Leader::NONE;
                state.lock = state.lock.filter(|holder| usize::from(*holder) != at);
            }
            Action::Number(_) => {
                state.numbered += 1;
                leader.known = state.numbered;
            }
            Action::NumberUnheard(_) => {
                state.numbered += 1;
                state.lock = None;
            }
            Action::Check(_) => leader.check = Some(GRANTS),
            Action::CheckRead(_) => {
                let left = leader.check.take().unwrap_or(0);
                let left = if self.is(Mutant::WindowFromAnswer) { GRANTS } else { left };
                leader.window = leader.window.max(left);
            }
            Action::Acknowledge(_) => state.acked += 1,
            Action::LeaderSleeps(_) => leader.asleep = true,
            Action::LeaderWakes(_) => leader.asleep = false,
            Action::FarewellReceived(_, of) | Action::Forget(_, of) => {
                leader.ledger[of] = Entry::default();
                leader.erasing = u8::try_from(of).ok();
                // Nothing comes in between: whoever records waits for it.
                if !self.is(Mutant::ForgettingCrosses) {
                    self.step_leader(state, at, Action::Erase(at));
                }
            }
            Action::Erase(_) => {
                let erased = leader.erasing.take();
                if let Some(of) = erased.filter(|_| state.latest.is_some_and(|latest| usize::from(latest) == at)) {
                    state.recorded[usize::from(of)] = false;
                }
            }
            Action::Receive(_, of) => self.receive(state, at, of),
            _ => unreachable!("{action:?} is no step of a leader"),
        }
    }

    fn take_lock(&self, state: &mut State<MEMBERS, LEADERS>, at: usize) {
        let leader = &mut state.leaders[at];
        let former = *leader;
        let nobody_between = state.latest.is_some_and(|latest| usize::from(latest) == at);
        state.lock = u8::try_from(at).ok();
        state.latest = state.lock;
        leader.check = None;
        if self.record && former.leads && (nobody_between || self.is(Mutant::ResumesThoughReplaced)) {
            *leader = Leader { window: GRANTS, known: state.numbered, ..former };
            return;
        }
        *leader = Leader { leads: true, window: GRANTS, known: state.numbered, ..Leader::NONE };
        if self.record {
            for (entry, recorded) in leader.ledger.iter_mut().zip(state.recorded) {
                *entry = Entry { listed: recorded, ends: if recorded { self.quiet() } else { 0 }, ..Entry::default() };
            }
        } else {
            leader.quiet = self.quiet();
            if self.is(Mutant::QuietFromAsking) && !former.leads {
                leader.quiet = former.quiet;
            }
        }
        if self.is(Mutant::PositionBeforeLock) && !former.leads {
            leader.known = former.known;
        }
    }

    /// Decides over a lease, in one step with noting it; who is not on the record is put there first.
    fn receive(&self, state: &mut State<MEMBERS, LEADERS>, at: usize, of: usize) {
        let latest = state.latest.is_some_and(|latest| usize::from(latest) == at);
        let (leader, member) = (&mut state.leaders[at], &mut state.members[of]);
        let Some(report) = &mut member.report else { return };
        let entry = &mut leader.ledger[of];
        let behind = report.applied < leader.known && !self.is(Mutant::AdmittedBehind);
        if self.record && !entry.listed && !behind && !self.is(Mutant::GrantsBeforeRecord) {
            if !latest && !self.is(Mutant::ZombieRecords) {
                *leader = Leader { known: leader.known, ..Leader::NONE };
                return;
            }
            state.recorded[of] = true;
            *entry = Entry { listed: true, ..Entry::default() };
        }
        // A report of a new process tells nothing of the one before.
        if entry.listed || !self.record {
            entry.applied = entry.applied.max(report.applied);
        }
        let renews = entry.ends > 0 && entry.granted;
        let shut_out = self.is(Mutant::LapsedNeverReturn) && member.lapsed;
        let granted = renews || (!behind && !shut_out);
        if granted {
            let lasts = if self.is(Mutant::LedgerWithoutDrift) { self.lease } else { self.lasts() };
            let applied = entry.applied.max(report.applied);
            *entry = Entry { listed: entry.listed, granted: true, applied, ends: entry.ends.max(lasts) };
        }
        report.granted = Some(granted);
    }

    fn step_member(&self, state: &mut State<MEMBERS, LEADERS>, at: usize, action: Action) {
        let lasts = self.lasts();
        let member = &mut state.members[at];
        match action {
            Action::Report(_) => {
                member.report = Some(Report { applied: member.applied, remains: lasts, granted: None });
            }
            Action::ReportLost(_) => member.report = None,
            Action::AnswerRead(_) => {
                let Some(Report { remains, granted: Some(granted), .. }) = member.report.take() else { return };
                let takes = !member.leaving || self.is(Mutant::LeaverTakesLateGrant);
                if granted && takes {
                    let lease = if self.is(Mutant::LeaseFromAnswer) { lasts } else { remains };
                    member.lease = member.lease.max(lease);
                    member.lapsed = member.lapsed && member.lease == 0;
                }
            }
            Action::Apply(_) => member.applied += 1,
            Action::Restart(_) => {
                // With what was on its disk, at worst nothing.
                *member = Member { lapsed: member.lapsed, ..Member::default() };
                if !self.is(Mutant::SameIdAfterRestart) {
                    // It has a new id, which no ledger has and no record.
                    state.recorded[at] = false;
                    state.leaders.iter_mut().for_each(|leader| leader.ledger[at] = Entry::default());
                }
            }
            Action::Farewell(_) => *member = Member { leaving: true, lease: 0, ..*member },
            Action::Sleep(_) => member.asleep = true,
            Action::Wake(_) => member.asleep = false,
            _ => unreachable!("{action:?} is no step of a member"),
        }
    }

    fn tick(&self, state: &mut State<MEMBERS, LEADERS>) {
        for leader in state.leaders.iter_mut().filter(|leader| !leader.asleep) {
            leader.window = leader.window.saturating_sub(1);
            leader.quiet = leader.quiet.saturating_sub(1);
            leader.check = leader.check.map(|left| left.saturating_sub(1));
            for entry in &mut leader.ledger {
                entry.ends = entry.ends.saturating_sub(1);
                if entry.ends == 0 {
                    *entry = Entry { listed: entry.listed, ..Entry::default() };
                }
            }
        }
        for member in state.members.iter_mut().filter(|member| !member.asleep) {
            if self.is(Mutant::LapsedNeverReturn) && member.lease == 1 {
                member.lapsed = true;
            }
            member.lease = member.lease.saturating_sub(1);
            if let Some(report) = &mut member.report {
                report.remains = report.remains.saturating_sub(1);
            }
        }
    }

    /// From here on nothing fails; `stuck` reports and takes leases as the others do, and applies nothing. After so many ticks
    /// as the leases and the leader's wait last, all must be acknowledged.
    fn heals(&self, state: &State<MEMBERS, LEADERS>, stuck: Option<usize>) -> bool {
        let mut state = *state;
        let leads = usize::from(state.lock.unwrap_or(0));
        let nobody = state.lock.is_none();
        for at in (0..LEADERS).filter(|at| *at != leads || nobody) {
            self.step_leader(&mut state, at, Action::Crash(at));
        }
        if state.lock.is_none() {
            self.step_leader(&mut state, leads, Action::TakeLock(leads));
        }
        // Numbering reads the position again, so that what was numbered and not heard of is known.
        state.leaders[leads].known = state.numbered;
        for lagging in 0..=self.quiet() + self.lasts() + self.lease + 1 {
            state.leaders[leads].window = GRANTS;
            for at in 0..MEMBERS {
                if state.members[at].leaving && stuck != Some(at) {
                    self.step_member(&mut state, at, Action::Restart(at));
                }
                while stuck != Some(at) && state.members[at].applied < state.numbered {
                    self.step_member(&mut state, at, Action::Apply(at));
                }
                // A leader's patience is one lease.
                let behind = state.members[at].applied < state.leaders[leads].known;
                let refused = stuck == Some(at) && behind && lagging > self.lease;
                if !refused || self.is(Mutant::LaggardNeverRefused) {
                    self.step_member(&mut state, at, Action::Report(at));
                    self.step_leader(&mut state, leads, Action::Receive(leads, at));
                    self.step_member(&mut state, at, Action::AnswerRead(at));
                }
            }
            while self.can_acknowledge(&state, leads) {
                state.acked += 1;
            }
            self.tick(&mut state);
        }
        let serves = |at: usize| stuck == Some(at) || state.members[at].lease > 0;
        state.acked == state.numbered && (0..MEMBERS).all(serves)
    }
}

impl<const MEMBERS: usize, const LEADERS: usize> Model for Leases<MEMBERS, LEADERS> {
    type State = State<MEMBERS, LEADERS>;
    type Action = Action;

    fn init_states(&self) -> Vec<Self::State> {
        let members = [Member::default(); MEMBERS];
        let recorded = [false; MEMBERS];
        let leaders = [Leader::NONE; LEADERS];
        vec![State { numbered: 0, lock: None, latest: None, recorded, acked: 0, leaders, members }]
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Action>) {
        actions.push(Action::Tick);
        if state.lock.is_some() {
            actions.push(Action::SessionLost);
        }
        for at in 0..LEADERS {
            self.leader_actions(state, at, actions);
        }
        for at in 0..MEMBERS {
            self.member_actions(state, at, actions);
        }
    }

    fn next_state(&self, state: &Self::State, action: Action) -> Option<Self::State> {
        let mut next = *state;
        match action {
            Action::Tick => self.tick(&mut next),
            Action::SessionLost => next.lock = None,
            Action::AskLock(at)
            | Action::Peek(at)
            | Action::TakeLock(at)
            | Action::Crash(at)
            | Action::Number(at)
            | Action::NumberUnheard(at)
            | Action::Check(at)
            | Action::CheckRead(at)
            | Action::Acknowledge(at)
            | Action::LeaderSleeps(at)
            | Action::LeaderWakes(at)
            | Action::Receive(at, _)
            | Action::Forget(at, _)
            | Action::Erase(at)
            | Action::FarewellReceived(at, _) => self.step_leader(&mut next, at, action),
            Action::Report(at)
            | Action::ReportLost(at)
            | Action::AnswerRead(at)
            | Action::Apply(at)
            | Action::Restart(at)
            | Action::Farewell(at)
            | Action::Sleep(at)
            | Action::Wake(at) => self.step_member(&mut next, at, action),
        }
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(LEASED_ARE_CURRENT, |_, state: &Self::State| {
                let true_to_it = |member: &Member| member.lease == 0 || member.asleep || member.applied >= state.acked;
                state.members.iter().all(true_to_it)
            }),
            Property::sometimes("a lease after an acknowledgement", |_, state: &Self::State| {
                state.acked > 0 && state.members.iter().any(|member| member.lease > 0)
            }),
        ];
        if LEADERS > 1 {
            properties.push(Property::sometimes(
                "a zombie with a lease in its ledger beside a leader that may acknowledge",
                |_, state: &Self::State| {
                    let zombie = |leader: &&Leader<MEMBERS>| leader.ledger.iter().any(|entry| entry.ends > 0);
                    state.leaders.iter().filter(|leader| leader.leads).count() > 1
                        && state.leaders.iter().any(|leader| leader.leads && leader.quiet == 0)
                        && state.leaders.iter().filter(zombie).count() > 1
                },
            ));
        }
        if self.lively {
            properties.push(Property::always(HEALS, |leases: &Self, state: &Self::State| leases.heals(state, None)));
            properties.push(Property::always(STUCK_DELAYS_BRIEFLY, |leases: &Self, state: &Self::State| {
                leases.heals(state, Some(0))
            }));
        }
        properties
    }
}
