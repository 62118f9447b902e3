//! An origin process: the real ledger, tag table and lease, around a modelled relay.

use vitrine_shared::coherence::{ApplyError, Live, TagTable, Verdict};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{MemberKind, Page, Renewal, Report};
use vitrine_shared::lease::Lease;
use vitrine_shared::ledger::{Earlier, Ledger, Refusal, Reply, Terms};

use super::breaks::Break;
use super::content::{Content, tags_of};
use super::database::{Change, Takeover};
use super::net::{Answer, Node, World as _};
use super::world::{MILLI, SECOND, Simulation};

/// Between two looks without a hint.
const POLL: u64 = 250 * MILLI;
/// How long a statement may take.
const STATEMENT: u64 = 5 * SECOND;
/// Rows that are numbered at once.
const BATCH: usize = 20;

/// An origin process.
pub(crate) struct Origin {
    pub(crate) id: String,
    pub(crate) live: Live,
    pub(crate) lease: Option<Lease>,
    pub(crate) ledger: Ledger,
    incarnation: u64,
    /// The session that may hold the lock; a lost one never comes back.
    pub(crate) session: Option<u64>,
    position: Epoch,
    following: bool,
}

/// What a page's reader is told.
pub(crate) struct Told {
    pub(crate) content: Content,
    pub(crate) epoch: Epoch,
}

/// What the read cache holds of a page: content, and up to where it is true.
pub(crate) type Cached = (Content, Epoch);

impl Origin {
    pub(crate) fn new(id: String, terms: Terms) -> Self {
        Self {
            id,
            live: Live::new(TagTable::at(Epoch::ZERO, 1_000)),
            lease: None,
            ledger: Ledger::new(terms),
            incarnation: 0,
            session: None,
            position: Epoch::ZERO,
            following: false,
        }
    }
}

/// The tasks of a started process.
pub(crate) fn start(sim: &mut Simulation, o: usize) {
    stand_by(sim, o);
    follow(sim, o);
    tick(sim, o);
}

fn node(o: usize) -> Node {
    Node::Origin(o)
}

/// Decides by the clock.
fn tick(sim: &mut Simulation, o: usize) {
    settle(sim, o);
    sim.at(node(o), 20 * MILLI, move |sim| tick(sim, o));
}

fn settle(sim: &mut Simulation, o: usize) {
    let now = sim.net.clock(node(o));
    let before = sim.origins[o].ledger.acknowledged();
    let acknowledged = sim.origins[o].ledger.settle(now);
    // Numbers are given again where files were put back. Who asks is answered by a process that leads: see `feed::ack` of the origin.
    let again = sim.database.was_put_back;
    if if again { sim.origins[o].ledger.leads(now) } else { acknowledged != before } {
        sim.acknowledged_by(acknowledged);
    }
}

/// Tries to get the lock on a new session.
fn stand_by(sim: &mut Simulation, o: usize) {
    let sent = sim.net.clock(node(o));
    sim.ask(
        (node(o), Node::Database),
        STATEMENT,
        move |sim, answer: Answer<_, Option<(u64, Takeover)>>| {
            let taken = sim.database.try_lead(o, sim.net.now);
            answer.give(sim, taken);
        },
        move |sim, told| match told.flatten() {
            Some((session, taken)) => lead(sim, o, session, sent, taken),
            None => sim.at(node(o), POLL, move |sim| stand_by(sim, o)),
        },
    );
}

fn lead(sim: &mut Simulation, o: usize, session: u64, sent: vitrine_shared::clock::BootTime, taken: Takeover) {
    let now = sim.net.clock(node(o));
    let waits = sim.breaks != Some(Break::LeaderWaitsForNobody);
    let passes_over = sim.breaks == Some(Break::LossPassedOver);
    let origin = &mut sim.origins[o];
    if passes_over {
        if taken.position < origin.ledger.position() {
            origin.ledger = Ledger::new(super::world::terms());
            origin.incarnation = 0;
        }
    } else {
        // As `feed::books::take_lead` of the origin, which learns of it before it asks.
        origin.ledger.knows(sent, origin.position.max(origin.live.applied()));
    }
    let before = std::mem::replace(&mut origin.incarnation, taken.incarnation);
    if before > 0 && taken.incarnation == before + 1 && origin.ledger.position().term == taken.position.term {
        origin.ledger.resume(sent, now, taken.position);
    } else {
        let earlier = if waits { taken.earlier } else { Earlier::Members(Vec::new()) };
        origin.ledger.lead(sent, now, taken.position, earlier);
    }
    let lost = origin.ledger.lost_history();
    origin.session = Some(session);
    origin.position = origin.position.max(taken.position);
    settle(sim, o);
    // Before any number is given again.
    if lost.is_some() {
        raise_and_work(sim, o, session);
    } else {
        work(sim, o, session);
    }
}

fn raise_and_work(sim: &mut Simulation, o: usize, session: u64) {
    sim.ask(
        (node(o), Node::Database),
        STATEMENT,
        move |sim, answer: Answer<_, Option<(Epoch, bool)>>| {
            let second = u32::try_from(sim.net.now / SECOND).unwrap_or(u32::MAX);
            let told = sim.database.on_session(session, sim.net.now, &Change::RaiseTerm { second });
            answer.give(sim, told);
        },
        move |sim, told| {
            let Some((position, _)) = told.flatten() else {
                sim.origins[o].ledger.stop_leading();
                sim.origins[o].session = None;
                return stand_by(sim, o);
            };
            let now = sim.net.clock(node(o));
            sim.origins[o].ledger.numbered(now, position);
            settle(sim, o);
            work(sim, o, session);
        },
    );
}

/// One round of the relay: number, publish, prove.
fn work(sim: &mut Simulation, o: usize, session: u64) {
    let sent = sim.net.clock(node(o));
    sim.ask(
        (node(o), Node::Database),
        STATEMENT,
        move |sim, answer: Answer<_, Option<(Epoch, bool)>>| {
            let told = sim.database.on_session(session, sim.net.now, &Change::Number { most: BATCH });
            answer.give(sim, told);
        },
        move |sim, told| {
            let Some((position, more)) = told.flatten() else {
                sim.origins[o].ledger.stop_leading();
                sim.origins[o].session = None;
                return stand_by(sim, o);
            };
            let now = sim.net.clock(node(o));
            let origin = &mut sim.origins[o];
            origin.ledger.proven(sent, now, position);
            let lost = origin.ledger.lost_history();
            origin.position = origin.position.max(position);
            settle(sim, o);
            sim.publish(o);
            if lost.is_some() {
                raise(sim, session);
            }
            follow(sim, o);
            let pause = if more { 0 } else { sim.poll(POLL) };
            sim.at(node(o), pause, move |sim| work(sim, o, session));
        },
    );
}

fn raise(sim: &mut Simulation, session: u64) {
    let now = sim.net.now;
    let second = u32::try_from(now / SECOND).unwrap_or(u32::MAX);
    sim.database.on_session(session, now, &Change::RaiseTerm { second });
}

/// Applies what was numbered, then reports: at once where nothing is under way.
fn follow(sim: &mut Simulation, o: usize) {
    if std::mem::replace(&mut sim.origins[o].following, true) {
        return;
    }
    let after = sim.origins[o].live.applied();
    sim.ask(
        (node(o), Node::Database),
        STATEMENT,
        move |sim, answer: Answer<_, Page>| {
            let page = sim.database.primary.page(after);
            answer.give(sim, page);
        },
        move |sim, page| {
            let Some(page) = page else { return pause(sim, o) };
            let origin = &mut sim.origins[o];
            origin.position = origin.position.max(page.position);
            apply(&origin.live, &page);
            let applied = origin.live.applied();
            let report = Report::new(MemberKind::Origin, origin.id.clone(), applied);
            let (id, sent) = (origin.id.clone(), sim.net.clock(node(o)));
            let leader = sim.database.primary.leader.unwrap_or(o);
            sim.ask(
                (node(o), node(leader)),
                SECOND,
                move |sim, answer| reported(sim, leader, id, report, answer),
                move |sim, renewal| {
                    if let Some(Some(renewal)) = renewal
                        && let Some(millis) = renewal.lease_ms
                    {
                        let now = sim.net.clock(node(o));
                        let from = if sim.breaks == Some(Break::LeaseFromReceipt) { now } else { sent };
                        let lease = Lease::granted(from, std::time::Duration::from_millis(millis));
                        sim.origins[o].lease = Some(lease);
                    }
                    pause(sim, o);
                },
            );
        },
    );
}

fn pause(sim: &mut Simulation, o: usize) {
    sim.origins[o].following = false;
    let pause = sim.poll(POLL);
    sim.at(node(o), pause, move |sim| follow(sim, o));
}

/// As `feed::own::apply` of the origin.
fn apply(live: &Live, page: &Page) {
    if let Some(position) = page.take_position {
        live.take_position(position);
        return;
    }
    for batch in &page.batches {
        match live.apply(batch) {
            Ok(_) => {}
            Err(ApplyError::Gap { .. } | ApplyError::NewTerm { .. }) => live.take_position(page.position),
        }
    }
}

/// A member's report reaches a process. One that does not lead sends it away, unless it was handed on from there already.
pub(crate) fn reported(
    sim: &mut Simulation,
    o: usize,
    id: String,
    report: Report,
    answer: Answer<Simulation, Option<Renewal>>,
) {
    let now = sim.net.clock(node(o));
    if sim.breaks == Some(Break::ZombieGrants) && sim.origins[o].incarnation > 0 {
        let position = sim.origins[o].ledger.position();
        sim.origins[o].ledger.proven(now, now, position);
    }
    let mut report = report;
    let position = sim.origins[o].ledger.position();
    if sim.breaks == Some(Break::LossPassedOver) && report.applied.term == position.term {
        report.applied = report.applied.min(position);
    }
    match sim.origins[o].ledger.report(now, &id, &report) {
        Ok(Reply::Renewal(renewal)) => {
            settle(sim, o);
            answer.give(sim, Some(renewal));
        }
        Ok(Reply::Record) => record(sim, o, id, report, answer),
        Err(Refusal::NotLeading) => match sim.database.primary.leader.filter(|leader| *leader != o) {
            Some(leader) => sim.ask(
                (node(o), node(leader)),
                SECOND,
                move |sim, there| reported_there(sim, leader, id, report, there),
                move |sim, told| answer.give(sim, told.flatten()),
            ),
            None => answer.give(sim, None),
        },
        Err(_) => answer.give(sim, None),
    }
}

fn reported_there(
    sim: &mut Simulation,
    o: usize,
    id: String,
    report: Report,
    answer: Answer<Simulation, Option<Renewal>>,
) {
    if sim.origins[o].ledger.leads(sim.net.clock(node(o))) {
        reported(sim, o, id, report, answer);
    } else {
        answer.give(sim, None);
    }
}

fn record(sim: &mut Simulation, o: usize, id: String, report: Report, answer: Answer<Simulation, Option<Renewal>>) {
    let change = Change::Record { incarnation: sim.origins[o].incarnation, id: id.clone(), kind: report.kind };
    sim.ask(
        (node(o), Node::Database),
        STATEMENT,
        move |sim, recorded: Answer<_, bool>| {
            let done = sim.database.commit(sim.net.now, &change);
            recorded.give(sim, done);
        },
        move |sim, done| {
            let now = sim.net.clock(node(o));
            match done {
                Some(true) => {
                    sim.origins[o].ledger.recorded(now, &id, &report.name, report.kind);
                    reported(sim, o, id, report, answer);
                }
                Some(false) => {
                    sim.origins[o].ledger.stop_leading();
                    answer.give(sim, None);
                }
                None => {}
            }
        },
    );
}

/// A page is asked for: by the read cache, a replica, or the primary (rule 8).
pub(crate) fn read(
    sim: &mut Simulation,
    o: usize,
    page: usize,
    asked: Epoch,
    answer: Answer<Simulation, Option<Told>>,
) {
    let now = sim.net.clock(node(o));
    let origin = &sim.origins[o];
    let applied = origin.live.applied();
    if asked.term > applied.max(origin.position).term {
        return answer.give(sim, None);
    }
    let least = applied.max(asked);
    let caches = applied >= asked && origin.lease.is_some_and(|lease| lease.holds(now));
    if caches && let Some((content, stamp)) = sim.read_cache(o, page) {
        let servable = sim.origins[o].live.verdict(stamp, &tags_of(page)) == Verdict::Servable;
        if servable || sim.breaks == Some(Break::ReadCacheUnchecked) {
            sim.count.read_cache += 1;
            sim.tell(|| format!("origin {o} page {page} from the read cache, stamp {stamp}, asked {asked}, applied {applied}: {content:?}"));
            return answer.give(sim, Some(Told { content, epoch: least }));
        }
    }
    // Without a lease this process may have missed writes that were acknowledged, and knows not what a replica must show.
    let replica = (caches || sim.breaks == Some(Break::ReplicaWithoutLease)) && sim.coin(3);
    sim.ask(
        (node(o), Node::Database),
        STATEMENT,
        move |sim, told: Answer<_, Option<Content>>| {
            let database = &sim.database;
            let state = if replica { &database.standby } else { &database.primary };
            // One snapshot shows the position and the data.
            let unchecked = sim.breaks == Some(Break::ReplicaUnchecked);
            let shows = !replica || state.position >= least || unchecked;
            let content = shows.then(|| Content::of(page, state.versions));
            let position = state.position;
            sim.tell(|| format!("origin {o} page {page} asked {asked}, applied {applied}, replica {replica} at {position}: {content:?}"));
            told.give(sim, content);
        },
        move |sim, content| match content {
            Some(Some(content)) => {
                sim.keep_in_read_cache(o, page, (content, applied));
                answer.give(sim, Some(Told { content, epoch: least }));
            }
            // The replica was behind: the primary is asked.
            Some(None) => sim.ask(
                (node(o), Node::Database),
                STATEMENT,
                move |sim, told: Answer<_, Content>| {
                    let content = Content::of(page, sim.database.primary.versions);
                    told.give(sim, content);
                },
                move |sim, content| {
                    let told = content.map(|content| Told { content, epoch: least });
                    answer.give(sim, told);
                },
            ),
            None => answer.give(sim, None),
        },
    );
}
