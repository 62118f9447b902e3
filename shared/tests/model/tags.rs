//! Two tags at one edge: hard and soft purges, conditional requests, tags that are replaced, and a tag table that is full.
//!
//! The page features one of two entities and is tagged with that one. Writes change the look of an entity, back and forth, or
//! move the page to the other entity; each purges hard or softly. An entity tag tells looks apart and nothing more, so a 304 may
//! be true of a page that is made of something else by now. The edge is the only member: what it has applied is acknowledged.

use stateright::{Model, Property};

/// Safety.
pub(crate) const NOTHING_PURGED_IS_SERVED: &str = "nothing is served that a hard purge reached before the request came";
/// Liveness: an object that was found unchanged must be good for something.
pub(crate) const REVALIDATION_HELPS: &str = "what was revalidated now can be served without asking";

/// Most writes of any bound.
const MAX_WRITES: usize = 3;

/// A shortcut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// One number a tag with the mode of the last purge: a soft one makes an earlier hard one forgotten.
    OneNumberPerTag,
    /// The soft number is looked at first.
    SoftForgivesHard,
    /// Soft purges are taken for the only ones that allow stale serving, and a floor is taken for one of them.
    FloorAllowsStale,
    /// A move purges only what the page shows afterwards.
    MovePurgesNewOnly,
    /// A 304 leaves the tags as they were.
    NotModifiedKeepsTags,
    /// A 304 stamps with where the edge stands when it comes (varnish's c00129, and its bans to this day).
    NotModifiedStampsLate,
    /// A 304 leaves the stamp as it was.
    NotModifiedKeepsStamp,
    /// A 304 freshens what is stored by now, and not what was asked about.
    NotModifiedFreshensNewest,
    /// Of what was purged the date is sent too: two contents of one second have the same.
    DateValidates,
    /// What is derived of an object, another encoding say, is stamped when it is made.
    DerivedStampedAnew,
    /// A full table forgets a tag, and the floor stays.
    EvictsWithoutFloor,
}

/// Every mutant, with the property that finds it out.
pub(crate) const MUTANTS: [(Mutant, &str); 11] = [
    (Mutant::OneNumberPerTag, NOTHING_PURGED_IS_SERVED),
    (Mutant::SoftForgivesHard, NOTHING_PURGED_IS_SERVED),
    (Mutant::FloorAllowsStale, NOTHING_PURGED_IS_SERVED),
    (Mutant::MovePurgesNewOnly, NOTHING_PURGED_IS_SERVED),
    (Mutant::NotModifiedKeepsTags, NOTHING_PURGED_IS_SERVED),
    (Mutant::NotModifiedStampsLate, NOTHING_PURGED_IS_SERVED),
    (Mutant::NotModifiedKeepsStamp, REVALIDATION_HELPS),
    (Mutant::NotModifiedFreshensNewest, NOTHING_PURGED_IS_SERVED),
    (Mutant::DateValidates, NOTHING_PURGED_IS_SERVED),
    (Mutant::DerivedStampedAnew, NOTHING_PURGED_IS_SERVED),
    (Mutant::EvictsWithoutFloor, NOTHING_PURGED_IS_SERVED),
];

/// The protocol, or a mutant of it.
#[derive(Clone, Debug)]
pub(crate) struct Tags {
    pub(crate) mutant: Option<Mutant>,
    /// Most writes, [`MAX_WRITES`] at most.
    pub(crate) writes: usize,
    /// How many tags the table holds: 1 or 2.
    pub(crate) capacity: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    history: History,
    applied: u8,
    table: Table,
    object: Option<Object>,
    fills: [Option<Fill>; 2],
}

/// What was written, oldest first; the purge of the first is epoch 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct History {
    writes: [Option<Write>; MAX_WRITES],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Write {
    change: Change,
    soft: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Change {
    /// Entity 0 or 1 looks otherwise.
    Look(u8),
    /// The page shows the other entity.
    Move,
}

/// By tag, which is by entity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Table {
    hard: [u8; 2],
    soft: [u8; 2],
    floor: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Object {
    /// It shows the page as it was after so many writes.
    shows: u8,
    stamp: u8,
    tag: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Fill {
    stamp: u8,
    /// Whose entity tag was sent.
    about: Option<Object>,
    /// After how many writes the origin answered.
    answered: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Servable,
    Stale,
    Purged,
}

/// What may happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Write(Write),
    Apply,
    TakePosition,
    Ask(usize),
    Answer(usize),
    Store(usize),
    Derive,
}

// === impl History ===

impl History {
    fn len(&self) -> u8 {
        u8::try_from(self.writes.iter().flatten().count()).unwrap()
    }

    fn get(&self, epoch: u8) -> Write {
        self.writes[usize::from(epoch) - 1].unwrap()
    }

    /// Which entity the page shows after so many writes.
    fn shown(&self, after: u8) -> u8 {
        let moves = (1..=after).filter(|epoch| self.get(*epoch).change == Change::Move).count();
        u8::from(moves % 2 == 1)
    }

    /// What an entity tag tells.
    fn look(&self, after: u8) -> bool {
        let shown = Change::Look(self.shown(after));
        (1..=after).filter(|epoch| self.get(*epoch).change == shown).count() % 2 == 1
    }

    /// The tags that a write purges.
    fn purges(&self, epoch: u8, mutant: Option<Mutant>) -> Vec<u8> {
        match self.get(epoch).change {
            Change::Look(entity) => vec![entity],
            Change::Move if mutant == Some(Mutant::MovePurgesNewOnly) => vec![self.shown(epoch)],
            Change::Move => vec![0, 1],
        }
    }
}

// === impl Tags ===

impl Tags {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    fn verdict(&self, table: Table, object: Object) -> Verdict {
        let tag = usize::from(object.tag);
        let (hard, soft) = (object.stamp < table.hard[tag], object.stamp < table.soft[tag]);
        let below = object.stamp < table.floor;
        match () {
            () if self.is(Mutant::SoftForgivesHard) && soft => Verdict::Stale,
            () if self.is(Mutant::FloorAllowsStale) && below && !hard => Verdict::Stale,
            () if hard || below => Verdict::Purged,
            () if soft => Verdict::Stale,
            () => Verdict::Servable,
        }
    }

    fn apply(&self, state: &mut State) {
        state.applied += 1;
        let epoch = state.applied;
        let soft = state.history.get(epoch).soft;
        for tag in state.history.purges(epoch, self.mutant) {
            let at = usize::from(tag);
            let table = &mut state.table;
            if soft {
                table.soft[at] = epoch;
                if self.is(Mutant::OneNumberPerTag) {
                    table.hard[at] = 0;
                }
            } else {
                table.hard[at] = epoch;
            }
            let newest = |at: usize| table.hard[at].max(table.soft[at]);
            let other = 1 - at;
            if self.capacity == 1 && newest(other) > 0 {
                if !self.is(Mutant::EvictsWithoutFloor) {
                    table.floor = table.floor.max(newest(other));
                }
                (table.hard[other], table.soft[other]) = (0, 0);
            }
        }
    }

    fn store(&self, state: &mut State, slot: usize) {
        let Some(Fill { stamp, about, answered: Some(answered) }) = state.fills[slot].take() else { return };
        let history = &state.history;
        let tag = history.shown(answered);
        let same = |object: &Object| history.look(object.shows) == history.look(answered);
        let unchanged = about.filter(|about| same(about) || self.is(Mutant::DateValidates));
        let made = match unchanged {
            None => Object { shows: answered, stamp, tag },
            Some(about) => {
                let freshened = if self.is(Mutant::NotModifiedFreshensNewest) { state.object } else { unchanged };
                let freshened = freshened.unwrap_or(about);
                let stamp = match self.mutant {
                    Some(Mutant::NotModifiedStampsLate) => state.applied,
                    Some(Mutant::NotModifiedKeepsStamp) => freshened.stamp,
                    _ => stamp,
                };
                let tag = if self.is(Mutant::NotModifiedKeepsTags) { freshened.tag } else { tag };
                // With the same look it is, to every reader, the page as it is now.
                let shows = if same(&freshened) { answered } else { freshened.shows };
                Object { shows, stamp, tag }
            }
        };
        if state.object.is_none_or(|stored| stored.stamp <= made.stamp) {
            state.object = Some(made);
        }
    }

    /// What is served, as it is or while it is refreshed, was reached by no hard purge that is applied.
    fn serves_nothing_purged(&self, state: &State) -> bool {
        let served = state.object.filter(|object| self.verdict(state.table, *object) != Verdict::Purged);
        served.is_none_or(|object| {
            let shown = Change::Look(state.history.shown(object.shows));
            let reaches = |write: Write| !write.soft && (write.change == Change::Move || write.change == shown);
            !(object.shows + 1..=state.applied).any(|epoch| reaches(state.history.get(epoch)))
        })
    }

    /// From here on nothing is written, and fills that are under way have failed: one fill is enough.
    fn revalidation_helps(&self, state: &State) -> bool {
        let mut state = State { fills: [None; 2], ..*state };
        while state.applied < state.history.len() {
            self.apply(&mut state);
        }
        let fill = Fill { stamp: state.applied, about: state.object, answered: Some(state.history.len()) };
        state.fills[0] = Some(fill);
        self.store(&mut state, 0);
        state.object.is_some_and(|object| self.verdict(state.table, object) == Verdict::Servable)
    }
}

impl Model for Tags {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let (history, table) = (History::default(), Table::default());
        vec![State { history, applied: 0, table, object: None, fills: [None; 2] }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if usize::from(state.history.len()) < self.writes {
            for change in [Change::Look(0), Change::Look(1), Change::Move] {
                actions.extend([false, true].map(|soft| Action::Write(Write { change, soft })));
            }
        }
        if state.applied < state.history.len() {
            actions.extend([Action::Apply, Action::TakePosition]);
        }
        for (slot, fill) in state.fills.iter().enumerate() {
            actions.push(match fill {
                None => Action::Ask(slot),
                Some(Fill { answered: None, .. }) => Action::Answer(slot),
                Some(_) => Action::Store(slot),
            });
        }
        if self.is(Mutant::DerivedStampedAnew) && state.object.is_some() {
            actions.push(Action::Derive);
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = *state;
        let written = state.history.len();
        match action {
            Action::Write(write) => next.history.writes[usize::from(written)] = Some(write),
            Action::Apply => self.apply(&mut next),
            Action::TakePosition => {
                next.applied = written;
                next.table = Table { floor: written, ..Table::default() };
            }
            Action::Ask(slot) => {
                next.fills[slot] = Some(Fill { stamp: state.applied, about: state.object, answered: None });
            }
            Action::Answer(slot) => next.fills[slot].as_mut()?.answered = Some(written),
            Action::Store(slot) => self.store(&mut next, slot),
            // The making began while the object could be served, and ends now.
            Action::Derive => next.object.as_mut()?.stamp = state.applied,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(NOTHING_PURGED_IS_SERVED, |tags: &Self, state: &State| tags.serves_nothing_purged(state)),
            Property::always(REVALIDATION_HELPS, |tags: &Self, state: &State| tags.revalidation_helps(state)),
            Property::sometimes("an object served while it is refreshed", |tags: &Self, state: &State| {
                state.object.is_some_and(|object| tags.verdict(state.table, object) == Verdict::Stale)
            }),
            Property::sometimes("a 304 for a page that is made of something else by now", |_, state: &State| {
                state.fills.iter().flatten().any(|fill| match (fill.about, fill.answered) {
                    (Some(about), Some(answered)) => {
                        let same = state.history.look(about.shows) == state.history.look(answered);
                        same && state.history.shown(about.shows) != state.history.shown(answered)
                    }
                    _ => false,
                })
            }),
        ]
    }
}
