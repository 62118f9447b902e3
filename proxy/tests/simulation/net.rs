//! Time, processes that stop and hang, and a network that delays and loses: everything random comes from one seed.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::rc::Rc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use vitrine_shared::clock::BootTime;

/// Who can be cut off from whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Node {
    Edge(usize),
    Origin(usize),
    Database,
    Redis,
    Client,
}

/// What happens at a node.
pub(crate) type Act<W> = Box<dyn FnOnce(&mut W)>;

struct Item<W> {
    node: Node,
    life: u64,
    act: Act<W>,
}

/// One process or server.
#[derive(Debug, Default)]
struct Host {
    /// Counts starts; what was meant for an earlier one is lost.
    life: u64,
    up: bool,
    /// It hangs until then; what comes is handled afterwards, in order.
    hangs_until: u64,
    /// Its clock: an offset in microseconds, and parts in a million by which it is fast or slow.
    offset: u64,
    skew: i64,
}

/// The net; `W` is the world that contains it.
pub(crate) struct Net<W> {
    pub(crate) now: u64,
    pub(crate) rng: StdRng,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    items: BTreeMap<u64, Item<W>>,
    order: u64,
    hosts: BTreeMap<Node, Host>,
    cut: BTreeSet<(Node, Node)>,
}

/// What is done with an answer, or without one.
type Then<W, T> = Box<dyn FnOnce(&mut W, Option<T>)>;

/// Sends the answer to a question.
pub(crate) struct Answer<W, T> {
    from: Node,
    to: Node,
    /// Which process asked: the connection ended with it.
    life: u64,
    done: Rc<Cell<bool>>,
    then: Then<W, T>,
}

/// A world with a net.
pub(crate) trait World: Sized + 'static {
    fn net(&mut self) -> &mut Net<Self>;

    /// Something happens at a node after a while, if it lives then.
    fn at(&mut self, node: Node, after: u64, act: impl FnOnce(&mut Self) + 'static) {
        let net = self.net();
        let at = net.now + after;
        net.push(at, node, Box::new(act));
    }

    /// A message: lost where the link is cut when it leaves or comes.
    fn send(&mut self, from: Node, to: Node, act: impl FnOnce(&mut Self) + 'static) {
        let net = self.net();
        if net.is_cut(from, to) {
            return;
        }
        let delay = net.delay();
        self.at(to, delay, move |world| {
            if !world.net().is_cut(from, to) {
                act(world);
            }
        });
    }

    /// A question: `then` is called once, with the answer or with `None` after `timeout` microseconds.
    fn ask<T: 'static>(
        &mut self,
        (from, to): (Node, Node),
        timeout: u64,
        handle: impl FnOnce(&mut Self, Answer<Self, T>) + 'static,
        then: impl FnOnce(&mut Self, Option<T>) + 'static,
    ) {
        let done = Rc::new(Cell::new(false));
        let then = Rc::new(Cell::new(Some(then)));
        let answered = then.clone();
        let answer = Answer {
            from: to,
            to: from,
            life: self.net().hosts[&from].life,
            done: done.clone(),
            then: Box::new(move |world, told| {
                if let Some(then) = answered.take() {
                    then(world, told);
                }
            }),
        };
        self.send(from, to, move |world| handle(world, answer));
        self.at(from, timeout, move |world| {
            if !done.replace(true)
                && let Some(then) = then.take()
            {
                then(world, None);
            }
        });
    }
}

impl<W: World, T: 'static> Answer<W, T> {
    /// Sends it.
    pub(crate) fn give(self, world: &mut W, told: T) {
        let Self { from, to, life, done, then } = self;
        world.send(from, to, move |world| {
            if world.net().hosts[&to].life == life && !done.replace(true) {
                then(world, Some(told));
            }
        });
    }
}

impl<W: World> Net<W> {
    pub(crate) fn new(seed: u64, nodes: &[Node]) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut host = |node: &Node| {
            let skew = rng.random_range(-100_000..=100_000);
            (*node, Host { life: 1, up: true, hangs_until: 0, offset: rng.random_range(0..1_000_000_000), skew })
        };
        let hosts = nodes.iter().map(&mut host).collect();
        Self { now: 0, rng, queue: BinaryHeap::new(), items: BTreeMap::new(), order: 0, hosts, cut: BTreeSet::new() }
    }

    fn push(&mut self, at: u64, node: Node, act: Act<W>) {
        let life = self.hosts[&node].life;
        self.order += 1;
        self.queue.push(Reverse((at, self.order)));
        self.items.insert(self.order, Item { node, life, act });
    }

    /// The next thing to happen until `until`; time goes on to it.
    pub(crate) fn next(&mut self, until: u64) -> Option<Act<W>> {
        loop {
            let Reverse((at, order)) = *self.queue.peek()?;
            if at > until {
                return None;
            }
            self.queue.pop();
            self.now = self.now.max(at);
            let item = self.items.remove(&order)?;
            let host = &self.hosts[&item.node];
            if !host.up || host.life != item.life {
                continue;
            }
            if host.hangs_until > at {
                let wakes = host.hangs_until;
                self.order += 1;
                self.queue.push(Reverse((wakes, self.order)));
                self.items.insert(self.order, item);
                continue;
            }
            return Some(item.act);
        }
    }

    /// A node's own clock. Machines differ by up to a tenth.
    pub(crate) fn clock(&self, node: Node) -> BootTime {
        let host = &self.hosts[&node];
        let gone = i128::from(self.now) * i128::from(1_000_000 + host.skew) / 1_000_000;
        BootTime::at(Duration::from_micros(host.offset + u64::try_from(gone).unwrap_or(0)))
    }

    /// In how many microseconds a node's clock will show a time, and a little more.
    pub(crate) fn until(&self, node: Node, time: BootTime) -> u64 {
        let wait = i128::try_from(time.since(self.clock(node)).as_micros()).unwrap_or(0);
        u64::try_from(wait * 1_000_000 / i128::from(1_000_000 + self.hosts[&node].skew)).unwrap_or(0) + 1
    }

    /// Mostly a fraction of a millisecond, sometimes long.
    fn delay(&mut self) -> u64 {
        match self.rng.random_range(0..100) {
            0 => self.rng.random_range(100_000..1_500_000),
            1..5 => self.rng.random_range(5_000..100_000),
            _ => self.rng.random_range(100..3_000),
        }
    }

    pub(crate) fn is_cut(&self, from: Node, to: Node) -> bool {
        self.cut.contains(&(from, to))
    }

    pub(crate) fn cut(&mut self, from: Node, to: Node) {
        self.cut.insert((from, to));
    }

    pub(crate) fn heal(&mut self) {
        self.cut.clear();
    }

    /// Whether anything is cut off, stopped or hangs.
    pub(crate) fn is_troubled(&self) -> bool {
        let now = self.now;
        !self.cut.is_empty() || self.hosts.values().any(|host| !host.up || host.hangs_until > now)
    }

    pub(crate) fn is_up(&self, node: Node) -> bool {
        self.hosts[&node].up
    }

    pub(crate) fn hang(&mut self, node: Node, time: u64) {
        let now = self.now;
        if let Some(host) = self.hosts.get_mut(&node) {
            host.hangs_until = host.hangs_until.max(now + time);
        }
    }

    pub(crate) fn stop(&mut self, node: Node) {
        if let Some(host) = self.hosts.get_mut(&node) {
            host.up = false;
            host.hangs_until = 0;
        }
    }

    pub(crate) fn start(&mut self, node: Node) {
        if let Some(host) = self.hosts.get_mut(&node) {
            host.up = true;
            host.life += 1;
        }
    }
}
