//! An edge: the real feed machine, tag table and lease, around a modelled store.

use std::sync::Arc;
use std::time::Duration;

use vitrine_proxy::feed::connection::{Connection, State};
use vitrine_proxy::feed::machine::{Action, Event, LeaseTerms, Machine};
use vitrine_proxy::purge::log::PurgeLog;
use vitrine_proxy::purge::metrics::PurgeMetrics;
use vitrine_shared::coherence::{Live, Snapshot, Stamp, TagTable, Verdict};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{Batch, MemberKind, Page, Report};

use super::breaks::Break;
use super::content::{Content, PAGES, THINGS, tags_of};
use super::net::{Answer, Node, World as _};
use super::origin;
use super::world::{MILLI, SECOND, Simulation};

/// How long an upstream may take.
const FILL: u64 = 5 * SECOND;
/// Tags that are remembered: fewer than are purged in a run, so that floors rise.
const TAGS: usize = 3;

/// A stored object.
#[derive(Clone, Copy)]
pub(crate) struct Object {
    content: Content,
    stamp: Stamp,
}

/// One who waits for an answer.
pub(crate) struct Reader {
    page: usize,
    /// What must be shown at least: what was acknowledged when the request was sent.
    least: [u64; THINGS],
}

/// A running fill and who waits for it.
struct Fill {
    number: u64,
    waiters: Vec<Reader>,
}

/// An edge.
pub(crate) struct Edge {
    id: String,
    machine: Machine,
    pub(crate) live: Arc<Live>,
    pub(crate) connection: Arc<Connection>,
    objects: [Option<Object>; PAGES],
    fills: [Option<Fill>; PAGES],
    /// Whether it keeps objects and tag table on a disk.
    has_disk: bool,
    /// What the disk says of the tag table: it is written behind.
    written: Snapshot,
    timer: u64,
    pub(crate) stream: Option<Epoch>,
    turn: usize,
}

fn node(e: usize) -> Node {
    Node::Edge(e)
}

impl Edge {
    pub(crate) fn new(id: String, has_disk: bool, now: vitrine_shared::clock::BootTime) -> Self {
        let table = TagTable::at(Epoch::ZERO, TAGS);
        Self::with(id, table, false, has_disk, now)
    }

    fn with(id: String, table: TagTable, restored: bool, has_disk: bool, now: vitrine_shared::clock::BootTime) -> Self {
        let live = Arc::new(Live::new(table));
        let connection = Arc::new(Connection::with_feed(now));
        let terms = LeaseTerms { renew_every: Duration::from_secs(1), longest: Duration::from_secs(10) };
        let metrics = PurgeMetrics::register(&prometheus::Registry::new()).unwrap();
        let log = Arc::new(PurgeLog::new(metrics));
        let machine = Machine::new(live.clone(), connection.clone(), Arc::default(), log, terms, true, now);
        Self {
            id,
            machine: machine.with_disk(None, restored),
            written: live.snapshot(),
            live,
            connection,
            objects: [None; PAGES],
            fills: std::array::from_fn(|_| None),
            has_disk,
            timer: 0,
            stream: None,
            turn: 0,
        }
    }

    /// The same edge after its process was killed.
    pub(crate) fn restarted(
        self,
        id: String,
        now: vitrine_shared::clock::BootTime,
        breaks: Option<Break>,
        newest: Epoch,
    ) -> Self {
        if !self.has_disk {
            return Self::new(id, false, now);
        }
        let mut snapshot = self.written;
        if breaks == Some(Break::RestartForgetsPurges) {
            snapshot = Snapshot { applied: newest, ..Snapshot::default() };
        }
        let restored = snapshot.applied > Epoch::ZERO;
        let edge = Self::with(id, TagTable::restore(snapshot, TAGS), restored, true, now);
        // Where there is no table nothing on the disk is believed.
        Self { objects: if restored { self.objects } else { [None; PAGES] }, ..edge }
    }
}

/// The tasks of a started process.
pub(crate) fn start(sim: &mut Simulation, e: usize) {
    handle(sim, e, Event::Tick);
    write_behind(sim, e);
}

fn write_behind(sim: &mut Simulation, e: usize) {
    sim.edges[e].written = sim.edges[e].live.snapshot();
    let pause = sim.poll(200 * MILLI);
    sim.at(node(e), pause, move |sim| write_behind(sim, e));
}

/// Something happened to the feed.
pub(crate) fn handle(sim: &mut Simulation, e: usize, event: Event) {
    let now = sim.net.clock(node(e));
    let event = bent(sim, e, now, event);
    let term = sim.edges[e].live.applied().term;
    sim.tell(|| format!("edge {e} ({}) at {}: {event:?}", sim.edges[e].id, sim.edges[e].live.applied()));
    let actions = sim.edges[e].machine.handle(now, event);
    let stamp = sim.edges[e].live.stamp();
    if sim.breaks == Some(Break::TermKeepsObjects) && stamp.epoch.term > term {
        let objects = sim.edges[e].objects.iter_mut().flatten();
        objects.for_each(|object| object.stamp = stamp);
    }
    for action in actions {
        perform(sim, e, action);
    }
    sim.edges[e].timer += 1;
    let timer = sim.edges[e].timer;
    let Some(wake) = sim.edges[e].machine.next_wake() else { return };
    let wake = sim.net.until(node(e), wake);
    sim.at(node(e), wake, move |sim| {
        if sim.edges[e].timer == timer {
            handle(sim, e, Event::Tick);
        }
    });
}

/// The event as an edge with a broken rule would see it.
fn bent(sim: &Simulation, e: usize, now: vitrine_shared::clock::BootTime, event: Event) -> Event {
    let applied = sim.edges[e].live.applied();
    match (sim.breaks, event) {
        (Some(Break::LeaseFromReceipt), Event::Renewed { renewal, .. }) => Event::Renewed { sent_at: now, renewal },
        (Some(Break::SkipsGaps), Event::Batch(batch))
            if batch.term == applied.term && batch.first > applied.seq + 1 =>
        {
            // The missing ones are taken for purges of nothing.
            let skipped = (applied.seq + 1..batch.first).map(|seq| vitrine_shared::feed::Purge {
                seq,
                mode: vitrine_shared::feed::Mode::Hard,
                tags: Vec::new(),
                everything: false,
                event: None,
            });
            Event::Batch(Batch::new(batch.term, applied, skipped.chain(batch.purges).collect()).unwrap())
        }
        (_, event) => event,
    }
}

fn perform(sim: &mut Simulation, e: usize, action: Action) {
    let turn = sim.edges[e].turn;
    let o = turn % sim.origins.len();
    let next = move |sim: &mut Simulation, failed: bool| {
        if failed && sim.edges[e].turn == turn {
            sim.edges[e].turn += 1;
        }
    };
    match action {
        Action::FetchPage { after, wait } => {
            let wait = u64::try_from(wait.as_micros()).unwrap_or(0);
            sim.ask(
                (node(e), Node::Origin(o)),
                wait + 2 * SECOND,
                move |sim, answer| page(sim, o, after, sim.net.now + wait, answer),
                move |sim, page: Option<Page>| {
                    next(sim, page.is_none());
                    handle(sim, e, page.map_or(Event::PageFailed, Event::Page));
                },
            );
        }
        Action::Report { applied } => {
            let id = sim.edges[e].id.clone();
            let report = Report::new(MemberKind::Edge, id.clone(), applied);
            let sent_at = sim.net.clock(node(e));
            sim.ask(
                (node(e), Node::Origin(o)),
                SECOND,
                move |sim, answer| origin::reported(sim, o, id, report, answer),
                move |sim, renewal| {
                    let renewal = renewal.flatten();
                    next(sim, renewal.is_none());
                    let event = renewal.map_or(Event::RenewalFailed, |renewal| Event::Renewed { sent_at, renewal });
                    handle(sim, e, event);
                },
            );
        }
        Action::OpenStream { after } => sim.open_stream(e, after),
    }
}

/// The feed endpoint: held open while there is nothing new.
fn page(sim: &mut Simulation, o: usize, after: Epoch, until: u64, answer: Answer<Simulation, Page>) {
    sim.ask(
        (Node::Origin(o), Node::Database),
        SECOND,
        move |sim, told: Answer<_, Page>| {
            let page = sim.database.primary.page(after);
            told.give(sim, page);
        },
        move |sim, told| {
            // Without Postgres, or behind a later term, there is no answer (503).
            let Some(told) = told.filter(|page| after.term <= page.position.term) else { return };
            if told.position > after || sim.net.now >= until {
                return answer.give(sim, told);
            }
            sim.at(Node::Origin(o), 50 * MILLI, move |sim| page(sim, o, after, until, answer));
        },
    );
}

/// A client asks for a page; `least` is what was acknowledged when it did.
pub(crate) fn read(sim: &mut Simulation, e: usize, page: usize, least: [u64; THINGS]) {
    let reader = Reader { page, least };
    let connected = is_connected(sim, e);
    if connected && let Some(object) = sim.edges[e].objects[page] {
        match sim.edges[e].live.verdict(object.stamp, &tags_of(page)) {
            Verdict::Servable => {
                sim.count.hits += 1;
                sim.tell(|| {
                    let live = &sim.edges[e].live;
                    format!(
                        "edge {e} page {page} hit, stamp {:?}, applied {}: {:?}",
                        object.stamp,
                        live.applied(),
                        object.content
                    )
                });
                return sim.shown(e, &reader.least, object.content, "hit");
            }
            // Outside the promise: served while it is refreshed.
            Verdict::SoftPurged if sim.coin(2) => return fill(sim, e, page, None, true),
            Verdict::SoftPurged | Verdict::Purged => {}
        }
    }
    match &mut sim.edges[e].fills[page] {
        Some(running) if connected => running.waiters.push(reader),
        Some(_) => fill(sim, e, page, Some(reader), false),
        None => fill(sim, e, page, Some(reader), true),
    }
}

fn is_connected(sim: &Simulation, e: usize) -> bool {
    let state = sim.edges[e].connection.state(sim.net.clock(node(e)));
    state == State::Connected || sim.breaks == Some(Break::ServesCutOff)
}

/// Asks an origin. `shared` where others may join.
fn fill(sim: &mut Simulation, e: usize, page: usize, first: Option<Reader>, shared: bool) {
    let number = sim.next_number();
    if shared {
        if sim.edges[e].fills[page].is_some() {
            return;
        }
        sim.edges[e].fills[page] = Some(Fill { number, waiters: Vec::new() });
    }
    let stamp = sim.edges[e].live.stamp();
    let asked = if sim.breaks == Some(Break::NoMinEpoch) { Epoch::ZERO } else { stamp.epoch };
    let o = sim.any_origin();
    sim.ask(
        (node(e), Node::Origin(o)),
        FILL,
        move |sim, answer| origin::read(sim, o, page, asked, answer),
        move |sim, told| {
            let running = match &sim.edges[e].fills[page] {
                Some(running) if running.number == number => sim.edges[e].fills[page].take(),
                _ => None,
            };
            let waiters = running.map(|fill| fill.waiters).unwrap_or_default();
            let Some(told) = told.flatten() else { return };
            let named = if asked == Epoch::ZERO { told.epoch.max(stamp.epoch) } else { told.epoch };
            let stamp = match sim.breaks {
                Some(Break::StampAtStore) => sim.edges[e].live.stamp(),
                _ => stamp.at_most(named),
            };
            let content = told.content;
            sim.tell(|| {
                format!("edge {e} page {page} filled by origin {o}, asked {asked}, stamp {stamp:?}: {content:?}")
            });
            let present = sim.edges[e].objects[page];
            if present.is_none_or(|present| !present.stamp.is_newer_than(stamp)) {
                sim.edges[e].objects[page] = Some(Object { content: told.content, stamp });
            }
            if let Some(first) = first {
                sim.shown(e, &first.least, told.content, "fill");
            }
            let verdict = sim.edges[e].live.verdict(stamp, &tags_of(page));
            for waiter in waiters {
                if verdict == Verdict::Servable || sim.breaks == Some(Break::WaiterTakesAll) {
                    sim.shown(e, &waiter.least, told.content, "joined");
                } else {
                    read(sim, e, waiter.page, waiter.least);
                }
            }
        },
    );
}
