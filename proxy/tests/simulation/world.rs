//! The simulated shop: edges, origin processes, Postgres with a standby, Redis, readers and writers, and what is checked.

use rand::Rng as _;
use std::collections::BTreeMap;
use std::time::Duration;

use vitrine_proxy::feed::connection::State;
use vitrine_proxy::feed::machine::Event;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::Batch;
use vitrine_shared::ledger::Terms;

use super::breaks::Break;
use super::content::{Content, PAGES, THINGS};
use super::database::{Change, Database};
use super::edge::{self, Edge};
use super::net::{Act, Net, Node, World};
use super::origin::{self, Cached, Origin};

pub(crate) const MILLI: u64 = 1_000;
pub(crate) const SECOND: u64 = 1_000_000;
const EDGES: usize = 3;
const ORIGINS: usize = 2;
const LEASE: Duration = Duration::from_secs(3);
const DRIFT: Duration = Duration::from_secs(2);

/// What happened, for the report and to see that a run was worth something.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) reads: u64,
    pub(crate) hits: u64,
    pub(crate) joined: u64,
    pub(crate) read_cache: u64,
    pub(crate) writes: u64,
    pub(crate) acks: u64,
    pub(crate) faults: u64,
}

/// The simulated shop.
pub(crate) struct Simulation {
    pub(crate) net: Net<Self>,
    pub(crate) edges: Vec<Edge>,
    pub(crate) origins: Vec<Origin>,
    pub(crate) database: Database,
    pub(crate) breaks: Option<Break>,
    pub(crate) count: Count,
    /// The first read that showed too little, or what did not come about.
    pub(crate) violation: Option<String>,
    /// The stream as Redis holds it, and the read cache; both may be lost.
    stream: Vec<Batch>,
    read_cache: BTreeMap<usize, Cached>,
    /// What each thing must be shown as, at least.
    least: [u64; THINGS],
    /// Writes that wait for their acknowledgement: number, thing.
    waiting: Vec<(u64, usize)>,
    numbers: u64,
    pub(crate) trace: bool,
}

/// How long leases last.
pub(crate) fn terms() -> Terms {
    Terms::of(LEASE, DRIFT)
}

impl World for Simulation {
    fn net(&mut self) -> &mut Net<Self> {
        &mut self.net
    }
}

impl Simulation {
    /// A healthy shop, all its processes just started.
    pub(crate) fn new(seed: u64, breaks: Option<Break>) -> Self {
        let mut nodes = vec![Node::Database, Node::Redis, Node::Client];
        nodes.extend((0..EDGES).map(Node::Edge));
        nodes.extend((0..ORIGINS).map(Node::Origin));
        let net: Net<Self> = Net::new(seed, &nodes);
        let edge = |e: usize| Edge::new(format!("edge-{e}-0"), e != 0, net.clock(Node::Edge(e)));
        let mut sim = Self {
            edges: (0..EDGES).map(edge).collect(),
            origins: (0..ORIGINS).map(|o| Origin::new(format!("origin-{o}-0"), terms())).collect(),
            net,
            database: Database::new(3 * SECOND),
            breaks,
            count: Count::default(),
            violation: None,
            stream: Vec::new(),
            read_cache: BTreeMap::new(),
            least: [0; THINGS],
            waiting: Vec::new(),
            numbers: 0,
            trace: false,
        };
        for o in 0..ORIGINS {
            origin::start(&mut sim, o);
        }
        for e in 0..EDGES {
            edge::start(&mut sim, e);
        }
        sim
    }

    /// Lets time go on; ends early at a violation.
    pub(crate) fn run(&mut self, time: u64) {
        let until = self.net.now + time;
        let mut events = 0;
        while self.violation.is_none() {
            let next: Option<Act<Self>> = self.net.next(until);
            let Some(act) = next else { break };
            act(self);
            events += 1;
            if events > time / 50 {
                self.violation = Some(format!("at {} something goes round in circles", self.net.now));
            }
        }
        self.net.now = until.max(self.net.now);
    }

    /// Readers and writers, until `ends`.
    pub(crate) fn traffic(&mut self, ends: u64) {
        if self.net.now >= ends {
            return;
        }
        let e = self.net.rng.random_range(0..EDGES);
        let page = self.net.rng.random_range(0..PAGES);
        // A slow machine's client may send now what arrives later; what counts is when it was sent.
        let least = self.least;
        self.send(Node::Client, Node::Edge(e), move |sim| edge::read(sim, e, page, least));
        if self.coin(12) {
            self.write();
        }
        let pause = self.net.rng.random_range(1..20) * MILLI;
        self.at(Node::Client, pause, move |sim| sim.traffic(ends));
    }

    /// A write through any origin that lives; its caller waits for the acknowledgement.
    pub(crate) fn write(&mut self) {
        let thing = self.net.rng.random_range(0..THINGS);
        let soft = self.coin(8);
        let o = self.any_origin();
        self.send(Node::Client, Node::Origin(o), move |sim| {
            sim.send(Node::Origin(o), Node::Database, move |sim| {
                // Versions follow the order of commits.
                let (now, write) = (sim.net.now, sim.next_number());
                sim.database.commit(now, &Change::Write { thing, write, soft });
                sim.count.writes += 1;
                if !soft {
                    sim.waiting.push((write, thing));
                }
            });
        });
    }

    /// Some process decided that all up to `epoch` is acknowledged.
    pub(crate) fn acknowledged_by(&mut self, epoch: Epoch) {
        let (database, least, count) = (&self.database, &mut self.least, &mut self.count);
        let now = self.net.now;
        let trace = self.trace;
        self.waiting.retain(|(write, thing)| {
            let done = database.primary.epoch_of(*write).is_some_and(|at| at <= epoch);
            if done {
                least[*thing] = least[*thing].max(*write);
                count.acks += 1;
                if trace {
                    println!("{now:>10} acked thing {thing} version {write} by {epoch}");
                }
            }
            !done
        });
    }

    /// A reader got an answer.
    pub(crate) fn shown(&mut self, e: usize, least: &[u64; THINGS], content: Content, how: &'static str) {
        self.count.reads += 1;
        self.count.joined += u64::from(how == "joined");
        // A promotion may have lost writes since it asked: then there is nothing newer to be shown.
        let least = std::array::from_fn(|thing| least[thing].min(self.least[thing]));
        if let Some((thing, shown, least)) = content.older_than(&least) {
            let now = self.net.now;
            let what = format!(
                "at {now} edge {e} showed version {shown} of {thing} ({how}), at least {least} was acknowledged"
            );
            self.violation.get_or_insert(what);
        }
    }

    /// Redis: what an origin's relay publishes, where it can be reached.
    pub(crate) fn publish(&mut self, o: usize) {
        if !self.net.is_up(Node::Redis) || self.net.is_cut(Node::Origin(o), Node::Redis) {
            return;
        }
        let newest = self.database.primary.position;
        let after = match self.stream.last().map(Batch::last) {
            Some(last) if last > newest || last.seq > newest.seq => {
                self.stream.clear();
                newest.seq.saturating_sub(1)
            }
            Some(last) => last.seq,
            None => newest.seq.saturating_sub(1),
        };
        if let Some(batch) = self.database.primary.batch(after) {
            self.stream.push(batch);
            for e in 0..EDGES {
                self.deliver(e);
            }
        }
    }

    /// An edge begins to read the stream.
    pub(crate) fn open_stream(&mut self, e: usize, after: Epoch) {
        self.edges[e].stream = None;
        let reachable = self.net.is_up(Node::Redis) && !self.net.is_cut(Node::Edge(e), Node::Redis);
        let pause = self.net.rng.random_range(1..10) * MILLI;
        self.at(Node::Edge(e), pause, move |sim| {
            if !reachable {
                return edge::handle(sim, e, Event::StreamBroken);
            }
            sim.edges[e].stream = Some(after);
            edge::handle(sim, e, Event::StreamOpened);
            sim.deliver(e);
        });
    }

    /// What the stream holds beyond where the edge reads; a message may come twice.
    fn deliver(&mut self, e: usize) {
        self.send(Node::Redis, Node::Edge(e), move |sim| {
            let Some(after) = sim.edges[e].stream else { return };
            let mut batches: Vec<Batch> = sim.stream.iter().filter(|batch| batch.last() > after).cloned().collect();
            if let Some(last) = batches.last() {
                sim.edges[e].stream = Some(last.last());
            }
            if sim.coin(10)
                && let Some(again) = sim.stream.first()
            {
                batches.push(again.clone());
            }
            for batch in batches {
                edge::handle(sim, e, Event::Batch(batch));
            }
        });
    }

    /// Everybody's connection to Redis breaks.
    pub(crate) fn break_streams(&mut self) {
        for e in 0..EDGES {
            if self.edges[e].stream.take().is_some() {
                self.at(Node::Edge(e), MILLI, move |sim| edge::handle(sim, e, Event::StreamBroken));
            }
        }
    }

    /// Redis is emptied, or forgets the newest half (a failover).
    pub(crate) fn lose_redis(&mut self, all: bool) {
        let kept = if all { 0 } else { self.stream.len() / 2 };
        self.stream.truncate(kept);
        if all {
            self.read_cache.clear();
        }
    }

    /// What the read cache holds, where it can be reached.
    pub(crate) fn read_cache(&self, o: usize, page: usize) -> Option<Cached> {
        let reachable = self.net.is_up(Node::Redis) && !self.net.is_cut(Node::Origin(o), Node::Redis);
        self.read_cache.get(&page).copied().filter(|_| reachable)
    }

    /// Keeps a page in the read cache, a little later.
    pub(crate) fn keep_in_read_cache(&mut self, o: usize, page: usize, cached: Cached) {
        self.send(Node::Origin(o), Node::Redis, move |sim| {
            let newer = sim.read_cache.get(&page).is_none_or(|present| present.1 <= cached.1);
            if newer || sim.breaks == Some(Break::ReadCacheUnchecked) {
                sim.read_cache.insert(page, cached);
            }
        });
    }

    /// The standby takes over. What it had not replayed is lost, and nobody can be told of it any more.
    pub(crate) fn promote(&mut self, lossless: bool) {
        let now = self.net.now;
        self.database.promote(now, lossless);
        self.forget_what_was_lost();
    }

    /// Postgres stops, and starts again on an older copy of its files; returns for how long nothing else may go wrong.
    ///
    /// It is noticed by whoever leads next, where that process followed what was lost and lives on; else the operator begins a term by
    /// hand, as the runbook says.
    pub(crate) fn put_back(&mut self) -> u64 {
        let copies = self.database.copies();
        if copies == 0 {
            return 0;
        }
        let newest = self.database.primary.position;
        let noticed = self.origins.iter().all(|origin| origin.live.applied() == newest) && !self.net.is_troubled();
        let copy = self.net.rng.random_range(0..copies);
        self.tell(|| format!("copy {copy} of {copies} is put back, before at {}", self.database.primary.position));
        self.database.put_back(copy);
        if !noticed {
            let second = u32::try_from(self.net.now / SECOND).unwrap_or(u32::MAX);
            self.database.by_hand(second);
        }
        self.tell(|| format!("now at {}", self.database.primary.position));
        self.forget_what_was_lost();
        // Longer than a leader goes without a proof: files are not replaced under a running server.
        let time = self.net.rng.random_range(2_000..8_000) * MILLI;
        self.net.hang(Node::Database, time);
        if noticed { time + 3 * SECOND } else { 0 }
    }

    fn forget_what_was_lost(&mut self) {
        let database = &self.database;
        self.waiting.retain(|(write, _)| database.primary.has(*write));
        for thing in 0..THINGS {
            self.least[thing] = self.least[thing].min(self.database.primary.versions[thing]);
        }
    }

    /// A process is killed, and started again by its supervisor.
    pub(crate) fn restart(&mut self, node: Node) {
        self.net.stop(node);
        self.net.start(node);
        let life = self.next_number();
        let now = self.net.clock(node);
        match node {
            Node::Edge(e) => {
                let placeholder = Edge::new(String::new(), false, now);
                let old = std::mem::replace(&mut self.edges[e], placeholder);
                let newest = self.database.primary.position;
                self.edges[e] = old.restarted(format!("edge-{e}-{life}"), now, self.breaks, newest);
                edge::start(self, e);
            }
            Node::Origin(o) => {
                self.database.hang_up(o);
                self.origins[o] = Origin::new(format!("origin-{o}-{life}"), terms());
                origin::start(self, o);
            }
            Node::Database | Node::Redis | Node::Client => {}
        }
    }

    /// Once everything is healed: what is written gets acknowledged, every edge has a lease and serves hits.
    pub(crate) fn settle_down(&mut self) {
        self.net.heal();
        self.database.lag = 0;
        self.run(30 * SECOND);
        self.write();
        let before = self.count.hits;
        let ends = self.net.now + 10 * SECOND;
        self.traffic(ends);
        self.run(25 * SECOND);
        // A renewal may just be under way: what is wrong must stay so.
        let mut wrong = self.wrong(before);
        for _ in 0..3 {
            if !wrong.is_empty() {
                self.run(3 * SECOND);
                wrong = self.wrong(before);
            }
        }
        if !wrong.is_empty() {
            let now = self.net.now;
            self.violation.get_or_insert(format!("at {now}, after all was healed: {}", wrong.join(", ")));
        }
    }

    /// What must not be so now that all is healed.
    fn wrong(&self, hits_before: u64) -> Vec<String> {
        let mut wrong = Vec::new();
        for (e, edge) in self.edges.iter().enumerate() {
            if edge.connection.state(self.net.clock(Node::Edge(e))) != State::Connected {
                wrong.push(format!("edge {e} stays cut off"));
            }
        }
        if !self.waiting.is_empty() {
            wrong.push(format!("{} writes are not acknowledged", self.waiting.len()));
        }
        if self.count.hits == hits_before {
            wrong.push("nothing is hit any more".to_owned());
        }
        wrong
    }

    /// For a seed that is looked at.
    pub(crate) fn tell(&self, what: impl FnOnce() -> String) {
        if self.trace {
            println!("{:>10} {}", self.net.now, what());
        }
    }

    pub(crate) fn any_origin(&mut self) -> usize {
        self.net.rng.random_range(0..ORIGINS)
    }

    pub(crate) fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// True once in `of`.
    pub(crate) fn coin(&mut self, of: u32) -> bool {
        self.net.rng.random_range(0..of) == 0
    }

    /// A pause of at most this: hints come before the poll, or get lost.
    pub(crate) fn poll(&mut self, longest: u64) -> u64 {
        if self.coin(5) { longest } else { self.net.rng.random_range(MILLI..longest / 4) }
    }
}
