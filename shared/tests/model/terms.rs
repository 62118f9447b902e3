//! Terms: a standby is promoted, or a backup restored, with all of the history or a part of it (rule 10).
//!
//! There are two databases, the old primary and the new one, and nobody can tell from a database whether it still is the primary.
//! Epochs are compared by term, then by number; what a database shows is named by the epoch of its newest write. An answer keeps the
//! promise of an epoch if it shows that one or a later. What the old primary wrote beyond the new one's beginning is lost, and keeps
//! no promise of the new term.
//!
//! Either of two things must be: the old primary is *fenced*, reads included, before the new term acknowledges anything; or origin
//! processes answer only while they hold a lease, as edges do for hits. Without either the search finds a stale answer
//! ([`Mutant::Unfenced`]): an edge and an origin process that are both cut off ask the old primary, each in good faith.
//! That leases of the old term have run out before the new one acknowledges is what [`super::leases`] shows of a new leader; the old
//! primary's leader must be unable to grant any more, by the fence, or since its check is a write that waits for the standby.

use stateright::{Model, Property};

/// Safety.
pub(crate) const NO_STALE_ANSWER: &str = "no request is answered with what was replaced, or lost, before it came";
/// Liveness.
pub(crate) const HEALS: &str = "once all have heard of the term what is written is acknowledged";

/// A shortcut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// Nothing stops origin processes from reading the old primary.
    Unfenced,
    /// An edge takes a position in the new term and its floor stays.
    EdgeKeepsFloor,
    /// An origin process does.
    OriginKeepsFloor,
    /// An origin process answers though it is asked for a term that it does not know.
    AnswersUnknownTerm,
    /// An origin process has heard of the term by others than the database that it reads.
    TermByHearsay,
    /// The new term's leader awaits only members that have heard of it.
    AwaitsNewTermOnly,
    /// History was lost and the term stayed: numbers are given again.
    TermStays,
}

/// Every mutant.
pub(crate) const MUTANTS: [Mutant; 7] = [
    Mutant::Unfenced,
    Mutant::EdgeKeepsFloor,
    Mutant::OriginKeepsFloor,
    Mutant::AnswersUnknownTerm,
    Mutant::TermByHearsay,
    Mutant::AwaitsNewTermOnly,
    Mutant::TermStays,
];

/// What keeps origin processes from answering with what the old primary shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// It is fenced before the new term acknowledges.
    Fence,
    /// They answer only while they hold a lease.
    Leases,
}

/// The protocol, or a mutant of it.
#[derive(Clone, Debug)]
pub(crate) struct Terms<const ORIGINS: usize> {
    pub(crate) mutant: Option<Mutant>,
    pub(crate) guard: Guard,
    /// Most writes in the old term.
    pub(crate) old_writes: u8,
    /// Most writes in the new term.
    pub(crate) new_writes: u8,
    pub(crate) heals: bool,
}

/// By term, then by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Epoch {
    term: u8,
    seq: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State<const ORIGINS: usize> {
    /// What the old primary shows.
    old: u8,
    /// How much of it the standby, or the backup, has.
    standby: u8,
    /// What the new primary shows, once there is one.
    new: Option<u8>,
    fenced: bool,
    acked: Epoch,
    redis: Option<Object>,
    origins: [Origin; ORIGINS],
    edge: Edge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Object {
    shows: Epoch,
    stamp: Epoch,
}

/// What a member holds of the feed: one tag, which every write purges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Feed {
    applied: Epoch,
    tag: Epoch,
    floor: Epoch,
    lease: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Origin {
    feed: Feed,
    /// Which database it reads.
    reads_new: bool,
    /// The newest term that it believes in.
    term: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Edge {
    feed: Feed,
    object: Option<Object>,
    fill: Option<Fill>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Fill {
    promised: Epoch,
    stamp: Epoch,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stage {
    Asked,
    Begun { origin: usize, caches: bool, applied: Epoch },
    Answered { shows: Epoch },
}

/// What may happen next; numbers name origin processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    WriteOld,
    Replicate,
    Promote,
    Fence,
    WriteNew,
    Acknowledge(u8, u8),
    OriginApplies(usize),
    OriginReconnects(usize),
    OriginHears(usize),
    OriginLosesLease(usize),
    OriginGetsLease(usize),
    EdgeApplies,
    EdgeTakesTerm,
    EdgeLosesLease,
    EdgeGetsLease,
    Ask,
    Begin(usize),
    Refuse(usize),
    FromRedis,
    FromDatabase,
    Store,
}

const fn old_term(seq: u8) -> Epoch {
    Epoch { term: 1, seq }
}

const fn new_term(seq: u8) -> Epoch {
    Epoch { term: 2, seq }
}

// === impl Feed ===

impl Feed {
    fn take(&mut self, position: Epoch, floor: bool) {
        self.applied = position;
        if floor {
            self.floor = position;
        }
    }

    fn apply_next(&mut self) {
        self.applied.seq += 1;
        self.tag = self.applied;
    }
}

// === impl Terms ===

impl<const ORIGINS: usize> Terms<ORIGINS> {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Is `left` at least `right`, as members compare them?
    fn reaches(&self, left: Epoch, right: Epoch) -> bool {
        if self.is(Mutant::TermStays) { left.seq >= right.seq } else { left >= right }
    }

    fn servable(&self, feed: Feed, object: Object) -> bool {
        self.reaches(object.stamp, feed.tag) && self.reaches(object.stamp, feed.floor)
    }

    fn shows(state: &State<ORIGINS>, origin: usize) -> Option<Epoch> {
        match state.new {
            Some(seq) if state.origins[origin].reads_new => Some(new_term(seq)),
            _ => (!state.fenced).then_some(old_term(state.old)),
        }
    }

    fn can_acknowledge(&self, state: &State<ORIGINS>, next: Epoch) -> bool {
        let unguarded = self.guard == Guard::Leases || self.is(Mutant::Unfenced);
        if next.term == 2 && !state.fenced && !unguarded {
            return false;
        }
        let deaf = |feed: &Feed| self.is(Mutant::AwaitsNewTermOnly) && feed.applied.term < next.term;
        let has = |feed: &Feed| !feed.lease || deaf(feed) || self.reaches(feed.applied, next);
        state.origins.iter().all(|origin| has(&origin.feed)) && has(&state.edge.feed)
    }

    fn database_actions(&self, state: &State<ORIGINS>, actions: &mut Vec<Action>) {
        if !state.fenced && state.old < self.old_writes {
            actions.push(Action::WriteOld);
        }
        if state.new.is_none() && state.standby < state.old {
            actions.push(Action::Replicate);
        }
        if state.new.is_none() {
            actions.push(Action::Promote);
        }
        if state.new.is_some() && !state.fenced {
            actions.push(Action::Fence);
        }
        if state.new.is_some_and(|seq| seq < state.standby + self.new_writes) {
            actions.push(Action::WriteNew);
        }
        let newest_old = (!state.fenced).then_some(old_term(state.old));
        let newest_new = state.new.map(new_term);
        for next in [newest_old, newest_new].into_iter().flatten() {
            if next > state.acked && self.can_acknowledge(state, next) {
                actions.push(Action::Acknowledge(next.term, next.seq));
            }
        }
    }

    fn origin_actions(&self, state: &State<ORIGINS>, actions: &mut Vec<Action>) {
        for (at, origin) in state.origins.iter().enumerate() {
            let newest = Self::shows(state, at);
            if newest.is_some_and(|newest| newest > origin.feed.applied) {
                actions.push(Action::OriginApplies(at));
            }
            if state.new.is_some() && !origin.reads_new {
                actions.push(Action::OriginReconnects(at));
                if self.is(Mutant::TermByHearsay) && origin.term == 1 {
                    actions.push(Action::OriginHears(at));
                }
            }
            if origin.feed.lease {
                actions.push(Action::OriginLosesLease(at));
            } else if self.reaches(origin.feed.applied, state.acked) {
                actions.push(Action::OriginGetsLease(at));
            }
        }
    }

    fn edge_actions(&self, state: &State<ORIGINS>, actions: &mut Vec<Action>) {
        let Edge { feed, fill, object } = &state.edge;
        let next_old = feed.applied.term == 1 && feed.applied.seq < state.old && !state.fenced;
        let next_new = feed.applied.term == 2 && state.new.is_some_and(|seq| feed.applied.seq < seq);
        if next_old || next_new {
            actions.push(Action::EdgeApplies);
        }
        if feed.applied.term == 1 && state.new.is_some() {
            actions.push(Action::EdgeTakesTerm);
        }
        if feed.lease {
            actions.push(Action::EdgeLosesLease);
        } else if self.reaches(feed.applied, state.acked) {
            actions.push(Action::EdgeGetsLease);
        }
        let Some(fill) = fill else {
            let hit = feed.lease && object.is_some_and(|object| self.servable(*feed, object));
            if !hit {
                actions.push(Action::Ask);
            }
            return;
        };
        match fill.stage {
            Stage::Asked => {
                for (at, origin) in state.origins.iter().enumerate() {
                    let knows = fill.stamp.term <= origin.term || self.is(Mutant::AnswersUnknownTerm);
                    let may = origin.feed.lease || self.guard == Guard::Fence;
                    actions.push(if knows && may { Action::Begin(at) } else { Action::Refuse(at) });
                }
            }
            Stage::Begun { origin, caches, .. } => {
                let serves = |object| self.servable(state.origins[origin].feed, object);
                if caches && state.redis.is_some_and(serves) {
                    actions.push(Action::FromRedis);
                }
                let gone = Self::shows(state, origin).is_none();
                actions.push(if gone { Action::Refuse(origin) } else { Action::FromDatabase });
            }
            Stage::Answered { .. } => actions.push(Action::Store),
        }
    }

    fn step_origin(&self, state: &mut State<ORIGINS>, at: usize, action: Action) {
        let shows = Self::shows(state, at);
        let origin = &mut state.origins[at];
        match action {
            Action::OriginApplies(_) => {
                let newest = shows.unwrap_or(origin.feed.applied);
                if newest.term > origin.feed.applied.term {
                    origin.feed.take(newest, !self.is(Mutant::OriginKeepsFloor));
                    origin.term = newest.term;
                } else {
                    origin.feed.apply_next();
                }
            }
            Action::OriginReconnects(_) => origin.reads_new = true,
            Action::OriginHears(_) => origin.term = 2,
            Action::OriginLosesLease(_) => origin.feed.lease = false,
            Action::OriginGetsLease(_) => origin.feed.lease = true,
            _ => unreachable!("{action:?} is no step of an origin process"),
        }
    }

    fn step_fill(state: &mut State<ORIGINS>, action: Action) {
        let Some(fill) = &mut state.edge.fill else { return };
        match (action, fill.stage) {
            (Action::Begin(at), _) => {
                let feed = state.origins[at].feed;
                let caches = feed.lease && feed.applied >= fill.stamp;
                fill.stage = Stage::Begun { origin: at, caches, applied: feed.applied };
            }
            (Action::FromRedis, _) => {
                fill.stage = Stage::Answered { shows: state.redis.map(|kept| kept.shows).unwrap_or_default() };
            }
            (_, Stage::Begun { origin, applied, .. }) => {
                let Some(shows) = Self::shows(state, origin) else { return };
                if state.redis.is_none_or(|kept| kept.stamp <= applied) {
                    state.redis = Some(Object { shows, stamp: applied });
                }
                if let Some(fill) = &mut state.edge.fill {
                    fill.stage = Stage::Answered { shows };
                }
            }
            _ => unreachable!("{action:?} is no step of a fill"),
        }
    }

    fn step_edge(&self, state: &mut State<ORIGINS>, action: Action) {
        let edge = &mut state.edge;
        match action {
            Action::EdgeApplies => edge.feed.apply_next(),
            Action::EdgeTakesTerm => {
                let position = state.new.map(new_term).unwrap_or_default();
                edge.feed.take(position, !self.is(Mutant::EdgeKeepsFloor));
            }
            Action::EdgeLosesLease => edge.feed.lease = false,
            Action::EdgeGetsLease => edge.feed.lease = true,
            Action::Ask => {
                edge.fill = Some(Fill { promised: state.acked, stamp: edge.feed.applied, stage: Stage::Asked });
            }
            Action::Refuse(_) => edge.fill = None,
            Action::Store => {
                let Some(Fill { stamp, stage: Stage::Answered { shows }, .. }) = edge.fill.take() else { return };
                if edge.object.is_none_or(|stored| stored.stamp <= stamp) {
                    edge.object = Some(Object { shows, stamp });
                }
            }
            _ => unreachable!("{action:?} is no step of an edge"),
        }
    }

    /// Does what is shown keep the promise? Up to where the new history began the old one is part of it.
    fn keeps(state: &State<ORIGINS>, shows: Epoch, promised: Epoch) -> bool {
        if (shows.term, promised.term) == (1, 2) {
            shows.seq <= state.standby && shows.seq >= promised.seq
        } else {
            shows >= promised
        }
    }

    fn answers_are_true(&self, state: &State<ORIGINS>) -> bool {
        let Edge { feed, object, fill } = &state.edge;
        let hit = object.filter(|object| feed.lease && self.servable(*feed, *object));
        let answered = fill.is_none_or(|fill| match fill.stage {
            Stage::Answered { shows } => Self::keeps(state, shows, fill.promised),
            _ => true,
        });
        hit.is_none_or(|object| Self::keeps(state, object.shows, state.acked)) && answered
    }

    /// The old primary is fenced and all reconnect, if there is a new one; then one write is acknowledged, and a fill shows it.
    fn heals(&self, state: &State<ORIGINS>) -> bool {
        let mut state = *state;
        state.fenced = state.new.is_some();
        for at in 0..ORIGINS {
            state.origins[at].reads_new = state.new.is_some();
            while Self::shows(&state, at).is_some_and(|newest| newest > state.origins[at].feed.applied) {
                self.step_origin(&mut state, at, Action::OriginApplies(at));
            }
        }
        let newest = state.new.map_or(old_term(state.old), new_term);
        if newest.term > state.edge.feed.applied.term {
            self.step_edge(&mut state, Action::EdgeTakesTerm);
        }
        while state.edge.feed.applied < newest {
            self.step_edge(&mut state, Action::EdgeApplies);
        }
        state.edge.fill = None;
        self.can_acknowledge(&state, newest)
            && state.edge.feed.applied == newest
            && state.origins[0].term == newest.term
    }
}

impl<const ORIGINS: usize> Model for Terms<ORIGINS> {
    type State = State<ORIGINS>;
    type Action = Action;

    fn init_states(&self) -> Vec<State<ORIGINS>> {
        let feed = Feed { applied: old_term(0), tag: old_term(0), floor: old_term(0), lease: true };
        let origins = [Origin { feed, reads_new: false, term: 1 }; ORIGINS];
        let edge = Edge { feed, object: None, fill: None };
        vec![State { old: 0, standby: 0, new: None, fenced: false, acked: old_term(0), redis: None, origins, edge }]
    }

    fn actions(&self, state: &State<ORIGINS>, actions: &mut Vec<Action>) {
        self.database_actions(state, actions);
        self.origin_actions(state, actions);
        self.edge_actions(state, actions);
    }

    fn next_state(&self, state: &State<ORIGINS>, action: Action) -> Option<State<ORIGINS>> {
        let mut next = *state;
        match action {
            Action::WriteOld => next.old += 1,
            Action::Replicate => next.standby += 1,
            Action::Promote => next.new = Some(state.standby),
            Action::Fence => next.fenced = true,
            Action::WriteNew => next.new = state.new.map(|seq| seq + 1),
            Action::Acknowledge(term, seq) => next.acked = Epoch { term, seq },
            Action::OriginApplies(at)
            | Action::OriginReconnects(at)
            | Action::OriginHears(at)
            | Action::OriginLosesLease(at)
            | Action::OriginGetsLease(at) => self.step_origin(&mut next, at, action),
            Action::Begin(_) | Action::FromRedis | Action::FromDatabase => Self::step_fill(&mut next, action),
            Action::EdgeApplies
            | Action::EdgeTakesTerm
            | Action::EdgeLosesLease
            | Action::EdgeGetsLease
            | Action::Ask
            | Action::Refuse(_)
            | Action::Store => self.step_edge(&mut next, action),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(NO_STALE_ANSWER, |terms: &Self, state: &State<ORIGINS>| terms.answers_are_true(state)),
            Property::sometimes(
                "a hit after an acknowledgement of the new term",
                |terms: &Self, state: &State<ORIGINS>| {
                    let Edge { feed, object, .. } = &state.edge;
                    state.acked.term == 2 && feed.lease && object.is_some_and(|object| terms.servable(*feed, object))
                },
            ),
            Property::sometimes(
                "an object of the lost history after an acknowledgement",
                |_, state: &State<ORIGINS>| {
                    let lost = |object: Object| object.shows.term == 1 && object.shows.seq > state.standby;
                    state.acked.term == 2 && state.edge.object.is_some_and(lost)
                },
            ),
        ];
        if self.heals {
            properties.push(Property::always(HEALS, |terms: &Self, state: &State<ORIGINS>| terms.heals(state)));
        }
        properties
    }
}
