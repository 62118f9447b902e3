//! Who reads at all edges all the time, and checks every answer.
//!
//! One thread with many keep-alive connections of HTTP/1.1, and one with HTTP/2. A connection asks again when it was answered,
//! as far as the rate allows. Where an edge answers nothing for a while, further connections are opened to it: what
//! it says first when it wakes is what matters.

mod connection;
mod h2;
mod plan;
mod response;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use self::connection::{Came, Connection, UnderWay};
use self::plan::Requests;
pub(super) use self::plan::Share;
use super::error::{ProveError, system};
use super::judge::{Answer, Asked, Judge, Shared};
use super::tally::Aside;

/// Connections to each edge, and how many more while it is silent.
const CONNECTIONS: usize = 8;
const MORE: usize = 48;
/// Silence after which a further connection is opened.
const SILENCE: Duration = Duration::from_millis(600);
/// No answer for so long: the request is lost. Longer than any pause of an edge.
const LOST: Duration = Duration::from_secs(25);
const LOOK_AFTER: Duration = Duration::from_millis(200);
const BATCH: usize = 256;

/// What readers are told.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) edges: Vec<SocketAddr>,
    pub(super) key: String,
    /// Most requests a second, by HTTP/1.1 and HTTP/2 together.
    pub(super) rate: u32,
    pub(super) seed: u64,
}

/// Threads that read until they are told to stop.
pub(super) struct Readers {
    stop: Arc<AtomicBool>,
    /// While it is set nothing new is asked.
    rest: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Readers {
    pub(super) fn start(reading: &Reading, shared: &Shared) -> Result<Self, ProveError> {
        let (stop, rest) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let requests = Requests::new(reading, &shared.targets);
        let h1 = Reader::new(reading.clone(), requests, shared.clone())?;
        let flags = (stop.clone(), rest.clone());
        let h1 = std::thread::Builder::new().name("reader".to_owned()).spawn(move || h1.run(&flags.0, &flags.1));
        let (reading, shared) = (reading.clone(), shared.clone());
        let flags = (stop.clone(), rest.clone());
        let h2 = std::thread::Builder::new()
            .name("reader-h2".to_owned())
            .spawn(move || h2::run(&reading, &shared, &flags.0, &flags.1));
        let threads = vec![h1.map_err(system("start a thread"))?, h2.map_err(system("start a thread"))?];
        Ok(Self { stop, rest, threads })
    }

    /// Whether they rest from now on.
    pub(super) fn rest(&self, rest: bool) {
        self.rest.store(rest, Ordering::Relaxed);
    }

    pub(super) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            let _ = thread.join();
        }
    }
}

struct Reader {
    reading: Reading,
    requests: Requests,
    judge: Judge,
    epoll: Epoll,
    /// Places of connections; a number names a place for as long as its connection lives.
    places: Vec<Option<Connection>>,
    idle: VecDeque<usize>,
    /// When each edge last said something.
    answered: Vec<Instant>,
    scratch: Vec<u8>,
}

impl Reader {
    fn new(reading: Reading, requests: Requests, shared: Shared) -> Result<Self, ProveError> {
        let epoll =
            Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(|error| system("make an epoll")(error.into()))?;
        let places = Vec::new();
        let scratch = Vec::with_capacity(2 << 10);
        let answered = vec![Instant::now(); reading.edges.len()];
        let (judge, idle) = (Judge::new(shared), VecDeque::new());
        Ok(Self { reading, requests, judge, epoll, places, idle, answered, scratch })
    }

    fn run(mut self, stop: &AtomicBool, rest: &AtomicBool) {
        let mut events = [EpollEvent::empty(); BATCH];
        let mut looked_after = Instant::now();
        let mut refilled = Instant::now();
        let mut allowed = 0.0_f64;
        self.look_after();
        while !stop.load(Ordering::Relaxed) {
            let now = Instant::now();
            if now - looked_after > LOOK_AFTER {
                self.look_after();
                looked_after = now;
            }
            // What was not used is lost after a few milliseconds: a standstill is not made up for.
            let rate = f64::from(self.reading.rate) * Share::H1;
            allowed = (allowed + rate * (now - refilled).as_secs_f64()).min((rate / 200.0).max(1.0));
            refilled = now;
            while allowed >= 1.0 && !rest.load(Ordering::Relaxed) {
                let Some(place) = self.idle.pop_front() else { break };
                allowed -= 1.0;
                self.ask(place);
            }
            let Ok(ready) = self.epoll.wait(&mut events, 1_u8) else { continue };
            for event in &events[..ready] {
                self.take(usize::try_from(event.data()).unwrap_or(usize::MAX));
            }
        }
    }

    fn ask(&mut self, place: usize) {
        let Some(connection) = self.places[place].as_mut() else { return };
        let target = self.requests.choose();
        let shared = &self.judge.shared;
        let condition = self.requests.is_conditional(target).then(|| self.judge.newest_tag(target)).flatten();
        self.scratch.clear();
        self.requests.write(target, condition, &mut self.scratch);
        connection.condition.clear();
        connection.condition.extend_from_slice(condition.unwrap_or_default());
        connection.under_way = Some(UnderWay { target, since: Instant::now(), conditional: condition.is_some() });
        shared.history.begin(&shared.targets[target].members, &mut connection.begun);
        if !connection.send(&self.scratch) {
            self.end(place);
        }
    }

    fn take(&mut self, place: usize) {
        let Some(Some(connection)) = self.places.get_mut(place) else { return };
        let came = connection.receive();
        let (Ok(Came::Whole(response)), Some(under_way)) = (&came, connection.under_way) else {
            match came {
                Ok(Came::Part) => {}
                Ok(_) => self.end(place),
                Err(unreadable) => {
                    let now = self.judge.shared.history.now();
                    let what = format!("edge-{} sent {}", connection.edge, unreadable.0);
                    self.judge.shared.violations.found(now, &what);
                    self.end(place);
                }
            }
            return;
        };
        let bytes = connection.buffer.as_slice();
        let answer = Answer {
            status: response.status,
            etag: response.etag.clone().map(|range| &bytes[range]),
            cache_status: &bytes[response.cache_status.clone()],
            gzip: response.gzip,
            body: response.body(bytes),
            head: &bytes[..response.head],
        };
        let asked = Asked {
            target: under_way.target,
            edge: connection.edge,
            h2: false,
            begun: &connection.begun,
            condition: under_way.conditional.then_some(&connection.condition),
        };
        self.judge.judge(asked, answer);
        self.answered[connection.edge] = Instant::now();
        connection.under_way = None;
        if response.close {
            self.end(place);
        } else {
            self.idle.push_back(place);
        }
    }

    /// Closes a connection; what was under way on it is lost.
    fn end(&mut self, place: usize) {
        if let Some(connection) = self.places[place].take() {
            let _ = self.epoll.delete(&connection.stream);
            if connection.under_way.is_some() {
                self.judge.shared.tally.aside(Aside::Lost);
            }
        }
        self.idle.retain(|idle| *idle != place);
    }

    /// Gives up what nobody answers, and opens what is missing.
    fn look_after(&mut self) {
        let since = |connection: &Connection| connection.under_way.map(|under_way| under_way.since.elapsed());
        for place in 0..self.places.len() {
            if self.places[place].as_ref().and_then(since).is_some_and(|silent| silent > LOST) {
                self.end(place);
            }
        }
        for edge in 0..self.reading.edges.len() {
            let of_edge = || self.places.iter().flatten().filter(|connection| connection.edge == edge);
            let open = of_edge().count();
            // New ones have had no time to be answered yet.
            let waits = of_edge().filter_map(since).filter(|silent| *silent > SILENCE).count();
            let silent = waits >= CONNECTIONS && self.answered[edge].elapsed() > SILENCE;
            let missing =
                if silent && open >= CONNECTIONS { usize::from(open < MORE) } else { CONNECTIONS.saturating_sub(open) };
            for _ in 0..missing {
                // An edge that is down refuses: the next look tries again.
                let Ok(connection) = Connection::open(edge, self.reading.edges[edge]) else { break };
                self.watch(connection);
            }
        }
    }

    fn watch(&mut self, connection: Connection) {
        let place = self.places.iter().position(Option::is_none).unwrap_or(self.places.len());
        if self.epoll.add(&connection.stream, EpollEvent::new(EpollFlags::EPOLLIN, place as u64)).is_err() {
            return;
        }
        if place == self.places.len() {
            self.places.push(Some(connection));
        } else {
            self.places[place] = Some(connection);
        }
        self.idle.push_back(place);
    }
}
