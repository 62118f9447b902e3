//! Writes, numbers, caches and fills: one tag, edges with a disk, two origin processes, a read cache in Redis that they
//! share, and a replica that lags.
//!
//! Leases come and go as [`super::leases`] shows that they may: a member without the newest acknowledged epoch has none.

mod mutant;

use stateright::{Model, Property};

pub(crate) use mutant::{MUTANTS, Mutant};

/// Safety.
pub(crate) const NO_STALE_ANSWER: &str = "no request is answered with what was replaced before it came";
/// Liveness: checked from every state, so that cycles do no harm.
pub(crate) const HEALS: &str = "once faults end all is acknowledged and served from cache";

/// The protocol, or a mutant of it, up to a number of writes. Write `n` makes version `n`, and its purge is epoch `n`.
#[derive(Clone, Debug)]
pub(crate) struct Core<const EDGES: usize, const ORIGINS: usize> {
    pub(crate) mutant: Option<Mutant>,
    pub(crate) writes: u8,
    /// Whether edges have a disk, and so restart with what they had.
    pub(crate) disks: bool,
    /// Whether [`HEALS`] is checked at each state.
    pub(crate) heals: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State<const EDGES: usize, const ORIGINS: usize> {
    /// What Postgres has committed, in the order of its log.
    log: Log,
    /// How much of the log the replica has replayed.
    replica: u8,
    /// Everything up to this epoch is acknowledged.
    acked: u8,
    redis: Option<Object>,
    origins: [Origin; ORIGINS],
    edges: [Edge; EDGES],
}

/// Commits of two kinds, as bits: a write (0), or the numbering of the oldest write without a number (1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Log {
    bits: u16,
    len: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Object {
    version: u8,
    stamp: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Origin {
    applied: u8,
    lease: bool,
    /// On its way to Redis: nobody waits for it.
    keeping: Option<Object>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Edge {
    applied: u8,
    /// The newest purge of the tag that the table holds.
    tag: u8,
    floor: u8,
    lease: bool,
    object: Option<Object>,
    fill: Option<Fill>,
    waiter: Option<Waiter>,
    /// Tag table and `applied` as the disk has them, one record.
    disk: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Fill {
    /// What was acknowledged when its request came.
    promised: u8,
    /// `applied` before the origin was asked; also what is asked for.
    stamp: u8,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stage {
    Asked,
    /// An origin process has looked at its lease and at where it stands.
    Begun {
        origin: u8,
        caches: bool,
        applied: u8,
    },
    /// It has read Postgres, or the replica; that may still have to be shown.
    Read {
        origin: u8,
        version: u8,
        applied: u8,
        replica: bool,
    },
    Answered {
        version: u8,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Waiter {
    promised: u8,
    /// The fill's stamp must be this at least.
    wants: u8,
}

/// What may happen next, by the index of the edge or origin process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Write,
    Number,
    Replay,
    Acknowledge,
    RedisWiped,
    OriginApplies(usize),
    OriginLosesLease(usize),
    OriginGetsLease(usize),
    OriginKeeps(usize),
    EdgeApplies(usize),
    EdgeTakesPosition(usize),
    EdgeLosesLease(usize),
    EdgeGetsLease(usize),
    EdgeWritesRecord(usize),
    EdgeRestarts(usize),
    EdgeRestartsInDoubt(usize),
    Miss(usize),
    Join(usize),
    Begin(usize, u8),
    FromRedis(usize),
    FromPrimary(usize),
    FromReplica(usize),
    Reply(usize),
    Store(usize),
}

// === impl Log ===

impl Log {
    fn push(&mut self, number: bool) {
        self.bits |= u16::from(number) << self.len;
        self.len += 1;
    }

    /// How many numbers are among the first commits.
    fn numbered(self, first: u8) -> u8 {
        u8::try_from((self.bits & ((1 << first) - 1)).count_ones()).unwrap()
    }

    /// How many writes are.
    fn written(self, first: u8) -> u8 {
        first - self.numbered(first)
    }
}

// === impl State ===

impl<const EDGES: usize, const ORIGINS: usize> State<EDGES, ORIGINS> {
    fn written(&self) -> u8 {
        self.log.written(self.log.len)
    }

    fn numbered(&self) -> u8 {
        self.log.numbered(self.log.len)
    }

    /// The version that a request which comes now must be given at least.
    fn promised(&self) -> u8 {
        self.acked.min(self.written())
    }
}

// === impl Edge ===

impl Edge {
    /// May the object be served? (Rule 4.)
    fn servable(&self) -> Option<Object> {
        self.object.filter(|object| object.stamp >= self.tag && object.stamp >= self.floor)
    }

    fn waiter_takes(&self, fill: Fill, mutant: Option<Mutant>) -> Option<Waiter> {
        self.waiter.filter(|waiter| mutant == Some(Mutant::WaiterTakesAny) || fill.stamp >= waiter.wants)
    }
}

// === impl Core ===

impl<const EDGES: usize, const ORIGINS: usize> Core<EDGES, ORIGINS> {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    fn can_acknowledge(&self, state: &State<EDGES, ORIGINS>) -> bool {
        let next = state.acked + 1;
        if next > state.numbered() {
            return false;
        }
        let has = |lease: bool, applied: u8| applied >= next || (!lease && !self.is(Mutant::AwaitsTheDead));
        let origins = state.origins.iter().all(|origin| has(origin.lease, origin.applied));
        let edges = state.edges.iter().all(|edge| has(edge.lease, edge.applied));
        (edges && (origins || self.is(Mutant::OriginsNotAwaited))) || self.is(Mutant::AckOnPublish)
    }

    fn origin_actions(state: &State<EDGES, ORIGINS>, actions: &mut Vec<Action>) {
        for (at, origin) in state.origins.iter().enumerate() {
            if origin.applied < state.numbered() {
                actions.push(Action::OriginApplies(at));
            }
            if origin.lease {
                actions.push(Action::OriginLosesLease(at));
            } else if origin.applied >= state.acked {
                actions.push(Action::OriginGetsLease(at));
            }
            if origin.keeping.is_some() {
                actions.push(Action::OriginKeeps(at));
            }
        }
    }

    fn edge_actions(&self, state: &State<EDGES, ORIGINS>, at: usize, actions: &mut Vec<Action>) {
        let edge = &state.edges[at];
        if edge.applied < state.numbered() {
            actions.extend([Action::EdgeApplies(at), Action::EdgeTakesPosition(at)]);
        }
        if edge.lease {
            actions.push(Action::EdgeLosesLease(at));
        } else if edge.applied >= state.acked {
            actions.push(Action::EdgeGetsLease(at));
        }
        if self.disks && edge.disk != edge.applied {
            actions.push(Action::EdgeWritesRecord(at));
        }
        if self.disks && edge.object.is_some() {
            actions.extend([Action::EdgeRestarts(at), Action::EdgeRestartsInDoubt(at)]);
        }
        let Some(fill) = edge.fill else {
            if edge.servable().is_none() || !edge.lease {
                actions.push(Action::Miss(at));
            }
            return;
        };
        // One waiter in the model: the others fare as it does.
        if at == 0 && edge.waiter.is_none() && (edge.lease || self.is(Mutant::JoinWithoutLease)) {
            actions.push(Action::Join(at));
        }
        match fill.stage {
            Stage::Asked => actions.extend((0u8..).take(ORIGINS).map(|origin| Action::Begin(at, origin))),
            Stage::Begun { origin, caches, applied } => {
                actions.push(Action::FromPrimary(at));
                let redis = caches || (applied >= fill.stamp && self.is(Mutant::RedisWithoutLease));
                if redis && self.redis_serves(state, origin.into()) {
                    actions.push(Action::FromRedis(at));
                }
                if self.replica_serves(state, caches, applied, fill.stamp) {
                    actions.push(Action::FromReplica(at));
                }
            }
            Stage::Read { applied, replica, .. } => {
                let shown = state.log.numbered(state.replica) >= applied;
                if shown || !replica || !self.is(Mutant::ReplicaPositionAfterData) {
                    actions.push(Action::Reply(at));
                }
            }
            Stage::Answered { .. } => actions.push(Action::Store(at)),
        }
    }

    fn redis_serves(&self, state: &State<EDGES, ORIGINS>, origin: usize) -> bool {
        let applied = state.origins[origin].applied;
        state.redis.is_some_and(|value| value.stamp >= applied || self.is(Mutant::RedisDelete))
    }

    /// A replica may be asked where a cache may, and shows in one snapshot with the data how far it is.
    fn replica_serves(&self, state: &State<EDGES, ORIGINS>, caches: bool, applied: u8, asked: u8) -> bool {
        let shows = state.log.numbered(state.replica);
        match self.mutant {
            Some(Mutant::ReplicaUnchecked | Mutant::ReplicaPositionAfterData) => caches,
            Some(Mutant::ReplicaByAskedEpoch) => caches && shows >= asked,
            Some(Mutant::ReplicaWithoutLease) => shows >= applied.max(asked),
            _ => caches && shows >= applied,
        }
    }

    fn step_edge(&self, state: &mut State<EDGES, ORIGINS>, at: usize, action: Action) {
        let (numbered, promised) = (state.numbered(), state.promised());
        let edge = &mut state.edges[at];
        match action {
            Action::EdgeApplies(_) => {
                edge.applied += 1;
                edge.tag = edge.applied;
            }
            Action::EdgeTakesPosition(_) => {
                edge.applied = numbered;
                if !self.is(Mutant::PositionWithoutFloor) {
                    edge.floor = numbered;
                }
            }
            Action::EdgeLosesLease(_) => edge.lease = false,
            Action::EdgeGetsLease(_) => edge.lease = true,
            Action::EdgeWritesRecord(_) => edge.disk = edge.applied,
            Action::EdgeRestarts(_) => {
                let applied = if self.is(Mutant::RestartSplitsRecord) { edge.applied } else { edge.disk };
                *edge = Edge { applied, tag: edge.disk, object: edge.object, disk: edge.disk, ..Edge::default() };
            }
            Action::EdgeRestartsInDoubt(_) => {
                let trusted = |object: Object| Object { stamp: numbered, ..object };
                let object = if self.is(Mutant::RestartTrustsDisk) { edge.object.map(trusted) } else { edge.object };
                *edge = Edge { applied: numbered, floor: numbered, object, disk: numbered, ..Edge::default() };
            }
            Action::Miss(_) => edge.fill = Some(Fill { promised, stamp: edge.applied, stage: Stage::Asked }),
            Action::Join(_) => {
                let wants = if self.is(Mutant::WaiterIgnoresFloor) { edge.tag } else { edge.tag.max(edge.floor) };
                edge.waiter = Some(Waiter { promised, wants });
            }
            Action::Store(_) => self.store(edge),
            _ => unreachable!("{action:?} is no step of an edge"),
        }
    }

    fn store(&self, edge: &mut Edge) {
        let Some(Fill { stamp, stage: Stage::Answered { version }, .. }) = edge.fill else {
            unreachable!("stored before it was answered");
        };
        let stamp = if self.is(Mutant::StampAtStore) { edge.applied } else { stamp };
        if edge.object.is_none_or(|stored| stored.stamp <= stamp) {
            edge.object = Some(Object { version, stamp });
        }
        edge.fill = None;
        edge.waiter = None;
    }

    fn step_fill(&self, state: &mut State<EDGES, ORIGINS>, at: usize, action: Action) {
        let Some(fill) = state.edges[at].fill else { unreachable!("no fill") };
        let stage = match (action, fill.stage) {
            (Action::Begin(_, origin), _) => {
                let Origin { applied, lease, .. } = state.origins[usize::from(origin)];
                let caches = lease && (applied >= fill.stamp || self.is(Mutant::NoMinEpoch));
                Stage::Begun { origin, caches, applied }
            }
            (Action::FromRedis(_), _) => Stage::Answered { version: state.redis.map_or(0, |value| value.version) },
            (Action::FromPrimary(_), Stage::Begun { origin, applied, .. }) => {
                Stage::Read { origin, version: state.written(), applied, replica: false }
            }
            (Action::FromReplica(_), Stage::Begun { origin, applied, .. }) => {
                Stage::Read { origin, version: state.log.written(state.replica), applied, replica: true }
            }
            (_, Stage::Read { origin, version, applied, .. }) => {
                // Where one is on its way already, this one is dropped.
                state.origins[usize::from(origin)].keeping.get_or_insert(Object { version, stamp: applied });
                Stage::Answered { version }
            }
            _ => unreachable!("{action:?} is no step of a fill"),
        };
        state.edges[at].fill = Some(Fill { stage, ..fill });
    }

    fn keep(&self, state: &mut State<EDGES, ORIGINS>, at: usize) {
        let applied = state.origins[at].applied;
        let Some(mut value) = state.origins[at].keeping.take() else { return };
        if self.is(Mutant::RedisStampAtWrite) {
            value.stamp = applied;
        }
        let overtaken = state.redis.is_some_and(|kept| kept.stamp > value.stamp);
        if !overtaken || self.is(Mutant::RedisDelete) {
            state.redis = Some(value);
        }
    }

    /// From here on nothing fails any more, but that `dead` stays dead: one fair schedule.
    fn heals(&self, state: &State<EDGES, ORIGINS>, dead: Option<usize>) -> bool {
        let mut state = *state;
        while state.numbered() < state.written() {
            state.log.push(true);
        }
        let newest = state.numbered();
        state.replica = state.log.len;
        state.origins = [Origin { applied: newest, lease: true, keeping: None }; ORIGINS];
        for at in 0..EDGES {
            if dead == Some(at) {
                state.edges[at] = Edge::default();
            }
            while dead != Some(at) && state.edges[at].applied < newest {
                self.step_edge(&mut state, at, Action::EdgeApplies(at));
            }
        }
        while self.can_acknowledge(&state) {
            state.acked += 1;
        }
        state.acked == newest && (0..EDGES).all(|at| dead == Some(at) || self.serves_again(state, at))
    }

    /// Gets its lease, and after one fill at most a hit is the newest there is.
    fn serves_again(&self, mut state: State<EDGES, ORIGINS>, at: usize) -> bool {
        state.edges[at].lease |= state.edges[at].applied >= state.acked;
        if state.edges[at].servable().is_none() {
            state.edges[at].fill = None;
            self.step_edge(&mut state, at, Action::Miss(at));
            for action in [Action::Begin(at, 0), Action::FromPrimary(at), Action::Reply(at)] {
                self.step_fill(&mut state, at, action);
            }
            self.store(&mut state.edges[at]);
        }
        let newest = state.numbered();
        state.edges[at].lease && state.edges[at].servable().is_some_and(|object| object.version == newest)
    }
}

impl<const EDGES: usize, const ORIGINS: usize> Model for Core<EDGES, ORIGINS> {
    type State = State<EDGES, ORIGINS>;
    type Action = Action;

    fn init_states(&self) -> Vec<State<EDGES, ORIGINS>> {
        let origins = [Origin { lease: true, ..Origin::default() }; ORIGINS];
        let edges = [Edge { lease: true, ..Edge::default() }; EDGES];
        vec![State { log: Log::default(), replica: 0, acked: 0, redis: None, origins, edges }]
    }

    fn actions(&self, state: &State<EDGES, ORIGINS>, actions: &mut Vec<Action>) {
        let (written, numbered) = (state.written(), state.numbered());
        if written < self.writes {
            actions.push(Action::Write);
        }
        if numbered < written || (self.is(Mutant::NumberBeforeCommit) && numbered == written && written < self.writes) {
            actions.push(Action::Number);
        }
        if state.replica < state.log.len {
            actions.push(Action::Replay);
        }
        if self.can_acknowledge(state) {
            actions.push(Action::Acknowledge);
        }
        if state.redis.is_some() {
            actions.push(Action::RedisWiped);
        }
        Self::origin_actions(state, actions);
        for at in 0..state.edges.len() {
            self.edge_actions(state, at, actions);
        }
    }

    fn next_state(&self, state: &State<EDGES, ORIGINS>, action: Action) -> Option<State<EDGES, ORIGINS>> {
        let mut next = *state;
        match action {
            Action::Write => next.log.push(false),
            Action::Number => next.log.push(true),
            Action::Replay => next.replica += 1,
            Action::Acknowledge => next.acked += 1,
            Action::RedisWiped => next.redis = None,
            Action::OriginApplies(at) => {
                next.origins[at].applied += 1;
                if self.is(Mutant::RedisDelete) {
                    next.redis = None;
                }
            }
            Action::OriginLosesLease(at) => next.origins[at].lease = false,
            Action::OriginGetsLease(at) => next.origins[at].lease = true,
            Action::OriginKeeps(at) => self.keep(&mut next, at),
            Action::Begin(at, _)
            | Action::FromRedis(at)
            | Action::FromPrimary(at)
            | Action::FromReplica(at)
            | Action::Reply(at) => self.step_fill(&mut next, at, action),
            Action::EdgeApplies(at)
            | Action::EdgeTakesPosition(at)
            | Action::EdgeLosesLease(at)
            | Action::EdgeGetsLease(at)
            | Action::EdgeWritesRecord(at)
            | Action::EdgeRestarts(at)
            | Action::EdgeRestartsInDoubt(at)
            | Action::Miss(at)
            | Action::Join(at)
            | Action::Store(at) => self.step_edge(&mut next, at, action),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(NO_STALE_ANSWER, |core: &Self, state: &State<EDGES, ORIGINS>| {
                state.edges.iter().all(|edge| core.answers_are_true(state, edge))
            }),
            Property::sometimes("a hit after an acknowledgement", |_, state: &State<EDGES, ORIGINS>| {
                state.acked > 0 && state.edges.iter().any(|edge| edge.lease && edge.servable().is_some())
            }),
            Property::sometimes(
                "a waiter served after an acknowledgement",
                |core: &Self, state: &State<EDGES, ORIGINS>| {
                    let served = |edge: &Edge| {
                        edge.fill
                            .filter(|fill| matches!(fill.stage, Stage::Answered { .. }))
                            .and_then(|fill| edge.waiter_takes(fill, core.mutant))
                    };
                    state.edges.iter().filter_map(served).any(|waiter| waiter.promised > 0)
                },
            ),
            Property::sometimes(
                "an answer from Redis after an acknowledgement",
                |core: &Self, state: &State<EDGES, ORIGINS>| {
                    state.acked > 0
                        && (0..state.origins.len()).any(|at| state.origins[at].lease && core.redis_serves(state, at))
                },
            ),
            Property::sometimes(
                "an answer of a replica after an acknowledgement",
                |_, state: &State<EDGES, ORIGINS>| {
                    let from_replica = |fill: Fill| matches!(fill.stage, Stage::Read { replica: true, .. });
                    state.edges.iter().filter_map(|edge| edge.fill).any(|fill| fill.promised > 0 && from_replica(fill))
                },
            ),
        ];
        if self.heals {
            properties
                .push(Property::always(HEALS, |core, state| core.heals(state, None) && core.heals(state, Some(0))));
        }
        properties
    }
}

impl<const EDGES: usize, const ORIGINS: usize> Core<EDGES, ORIGINS> {
    /// What could be served now, or is being answered, is as new as was promised to who gets it.
    fn answers_are_true(&self, state: &State<EDGES, ORIGINS>, edge: &Edge) -> bool {
        let hit = (edge.lease || self.is(Mutant::ServeWithoutLease)).then(|| edge.servable()).flatten();
        if hit.is_some_and(|object| object.version < state.promised()) {
            return false;
        }
        let Some(fill @ Fill { stage: Stage::Answered { version }, .. }) = edge.fill else {
            return true;
        };
        let waiter = edge.waiter_takes(fill, self.mutant);
        version >= fill.promised && waiter.is_none_or(|waiter| version >= waiter.promised)
    }
}
