//! Leases and acknowledgement in the memory of whichever origin process leads, with clocks that drift, members that come
//! and go, and leaders that are gone without knowing it (rule 9).
//!
//! Time is in ticks that everybody counts; the drift between two clocks is at its worst: a member's lease lasts so much longer
//! than it was granted for. What [`super::core`] takes for granted is the property here: who holds a lease has applied all that
//! is acknowledged.
//!
//! A leader is one whose database session holds the advisory lock, or a *zombie*: it was paused or cut off, the session is gone,
//! and it has not noticed. What follows from that, and what each mutant below shows to be needed:
//! - A leader grants only within a window after *sending* the last check by which its session was seen to hold the lock.
//! - A new leader is quiet for lease, drift and window, counted from the *answer* that it has the lock.
//! - It then reads the position on the session that holds the lock, and admits nobody who is behind that.
//! - It acknowledges only what its own session numbered, or read as the position.

use stateright::{Model, Property};

/// Safety.
pub(crate) const LEASED_ARE_CURRENT: &str = "who holds a lease has applied all that is acknowledged";
/// Liveness, from every state.
pub(crate) const HEALS: &str = "once faults end all is acknowledged and every member holds a lease";
/// Liveness with one member that reports and never applies.
pub(crate) const STUCK_DELAYS_BRIEFLY: &str = "a member that applies nothing delays acknowledgement to the bound";

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
}

/// Every mutant, with the property that finds it out.
pub(crate) const MUTANTS: [(Mutant, &str); 17] = [
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
];

/// The protocol, or a mutant of it.
#[derive(Clone, Debug)]
pub(crate) struct Leases<const MEMBERS: usize, const LEADERS: usize> {
    pub(crate) mutant: Option<Mutant>,
    /// Most epochs.
    pub(crate) epochs: u8,
    /// How many ticks a lease is granted for.
    pub(crate) lease: u8,
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
    asleep: bool,
}

/// A lease as its leader sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Entry {
    applied: u8,
    /// Ticks until it has run out for certain; nothing is known of the member when it has.
    ends: u8,
    /// Whether it is of an earlier process than the member is now.
    former: bool,
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
        ledger: [Entry { applied: 0, ends: 0, former: false }; MEMBERS],
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
            if member.leaving && leader.ledger[of].ends > 0 {
                actions.push(Action::FarewellReceived(at, of));
            }
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
            Action::TakeLock(_) => {
                let former = *leader;
                *leader = Leader { leads: true, window: GRANTS, quiet: self.quiet(), known: numbered, ..Leader::NONE };
                if self.is(Mutant::QuietFromAsking) && !former.leads {
                    leader.quiet = former.quiet;
                }
                if self.is(Mutant::PositionBeforeLock) && !former.leads {
                    leader.known = former.known;
                }
                state.lock = u8::try_from(at).ok();
            }
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
            Action::FarewellReceived(_, of) => leader.ledger[of] = Entry::default(),
            Action::Receive(_, of) => self.receive(leader, of, &mut state.members[of]),
            _ => unreachable!("{action:?} is no step of a leader"),
        }
    }

    /// Decides over a lease, in one step with noting it.
    fn receive(&self, leader: &mut Leader<MEMBERS>, of: usize, member: &mut Member) {
        let Some(report) = &mut member.report else { return };
        let entry = &mut leader.ledger[of];
        let renews = entry.ends > 0 && !entry.former;
        let admitted = (report.applied >= leader.known || self.is(Mutant::AdmittedBehind))
            && !(self.is(Mutant::LapsedNeverReturn) && member.lapsed);
        let granted = renews || admitted;
        if granted {
            let ends = if self.is(Mutant::LedgerWithoutDrift) { self.lease } else { self.lasts() };
            let applied = if renews { entry.applied.max(report.applied) } else { report.applied };
            *entry = Entry { applied, ends, former: false };
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
                for leader in &mut state.leaders {
                    let entry = &mut leader.ledger[at];
                    entry.former = entry.ends > 0 && !self.is(Mutant::SameIdAfterRestart);
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
                    *entry = Entry::default();
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
        vec![State { numbered: 0, lock: None, acked: 0, leaders: [Leader::NONE; LEADERS], members }]
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
