//! The load: many keep-alive connections on one thread, each asking again as soon as it was answered.
//!
//! It costs less than any server here, so the server is what is measured: one `epoll_wait` for many answers, one read and one
//! write each; a body's bytes are counted where they lie and compared on a sample.

mod connection;
mod head;
mod script;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use connection::{Came, Connection, LATER_READ};
pub(crate) use head::parse as parse_head;
pub(super) use script::{Expected, Script};

use super::EdgeError;
use super::usage::CpuTimes;

/// A server that sends nothing for so long has failed.
const SILENCE: Duration = Duration::from_secs(20);
/// A server may hang up on so many connections, and on one of so many answers.
const REOPENED: u64 = 1_000;
/// Answers that are taken at once.
const BATCH: usize = 256;

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    /// Who is asked.
    pub(super) address: SocketAddr,
    /// How many ask at once.
    pub(super) connections: usize,
    /// The process whose time is measured, with all below it.
    pub(super) pid: i32,
    /// Not measured, at the beginning.
    pub(super) warm_up: Duration,
    /// Measured; or all, until the script ends.
    pub(super) measured: Option<Duration>,
}

/// What it took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    /// Answers.
    pub(super) requests: u64,
    /// Those not measured included.
    pub(super) all: u64,
    /// Wall time.
    pub(super) elapsed: Duration,
    /// Processor time of the server.
    pub(super) cpu: Duration,
}

impl Cost {
    /// Answers that were not answered by the origin, of a hundred; it was asked so often.
    pub(super) fn hit_ratio(&self, fetched: u64) -> f64 {
        let hits = self.all.saturating_sub(fetched);
        100.0 * Duration::from_nanos(hits).as_secs_f64() / Duration::from_nanos(self.all.max(1)).as_secs_f64()
    }

    /// Processor time of the server for each request, in microseconds.
    pub(super) fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.count()
    }

    /// Requests a second.
    pub(super) fn rate(&self) -> f64 {
        self.count() / self.elapsed.as_secs_f64()
    }

    fn count(&self) -> f64 {
        f64::from(u32::try_from(self.requests).unwrap_or(u32::MAX))
    }
}

/// Asks what the script says.
pub(super) fn run(job: Job, script: &mut dyn Script, stop: &AtomicBool) -> Result<Cost, EdgeError> {
    let connections: Result<Vec<_>, _> = (0..job.connections).map(|_| Connection::open(job.address)).collect();
    let failed = |error: nix::Error| EdgeError::network("watch", job.address)(error.into());
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(failed)?;
    let mut load = Load { job, epoll, connections: connections?, script, busy: 0, done: 0, ended: false, reopened: 0 };
    for index in 0..load.connections.len() {
        load.watch(index)?;
        load.ask(index)?;
    }
    load.run(stop)
}

struct Load<'a> {
    job: Job,
    epoll: Epoll,
    connections: Vec<Connection>,
    script: &'a mut dyn Script,
    /// Connections with a request under way.
    busy: usize,
    done: u64,
    /// Nothing more is asked.
    ended: bool,
    /// Connections that had to be made anew.
    reopened: u64,
}

/// A moment: when it was, how many answers there were, and what the server had used.
struct Mark {
    at: Instant,
    done: u64,
    cpu: CpuTimes,
}

impl Load<'_> {
    fn run(&mut self, stop: &AtomicBool) -> Result<Cost, EdgeError> {
        let begin = Instant::now();
        let mut start = self.mark()?;
        let mut warm = self.job.warm_up.is_zero();
        let mut end = None;
        let mut scratch = vec![0; LATER_READ];
        let mut events = [EpollEvent::empty(); BATCH];
        while self.busy > 0 {
            let timeout = u16::try_from(SILENCE.as_millis()).unwrap_or(u16::MAX);
            let ready = self.epoll.wait(&mut events, timeout);
            let ready = match ready {
                Ok(0) => return Err(self.silent()),
                Ok(ready) => ready,
                Err(nix::Error::EINTR) => continue,
                Err(error) => return Err(EdgeError::network("watch", self.job.address)(error.into())),
            };
            for event in &events[..ready] {
                self.take(usize::try_from(event.data()).unwrap_or_default(), &mut scratch)?;
            }
            if stop.load(Ordering::Relaxed) {
                return Err(EdgeError::Stopped);
            }
            let elapsed = begin.elapsed();
            if !warm && elapsed >= self.job.warm_up {
                (start, warm) = (self.mark()?, true);
            }
            if end.is_none() && self.job.measured.is_some_and(|measured| elapsed >= self.job.warm_up + measured) {
                (end, self.ended) = (Some(self.mark()?), true);
            }
        }
        let end = match end {
            Some(end) => end,
            None => self.mark()?,
        };
        let cpu = end.cpu.since(&start.cpu);
        Ok(Cost { requests: end.done - start.done, all: self.done, elapsed: end.at - start.at, cpu })
    }

    fn watch(&self, index: usize) -> Result<(), EdgeError> {
        let event = EpollEvent::new(EpollFlags::EPOLLIN, index as u64);
        let failed = |error: nix::Error| EdgeError::network("watch", self.job.address)(error.into());
        self.epoll.add(&self.connections[index].stream, event).map_err(failed)
    }

    fn ask(&mut self, index: usize) -> Result<(), EdgeError> {
        let connection = &mut self.connections[index];
        connection.request.clear();
        let next = if self.ended { None } else { self.script.next(&mut connection.request) };
        let Some(expected) = next else {
            self.ended = true;
            return Ok(());
        };
        connection.expected = expected;
        self.busy += 1;
        connection.send()
    }

    fn take(&mut self, index: usize, scratch: &mut [u8]) -> Result<(), EdgeError> {
        let connection = &mut self.connections[index];
        match connection.receive(scratch)? {
            Came::Part => Ok(()),
            Came::Whole => {
                self.done += 1;
                self.busy -= 1;
                self.ask(index)
            }
            Came::HungUp if connection.request.is_empty() => {
                let failed = |error: nix::Error| EdgeError::network("watch", self.job.address)(error.into());
                self.epoll.delete(&connection.stream).map_err(failed)
            }
            Came::HungUp => {
                self.reopened += 1;
                if self.reopened > REOPENED + self.done / REOPENED {
                    return Err(EdgeError::Answer(format!("{} hangs up on most requests", self.job.address)));
                }
                connection.reopen()?;
                self.watch(index)?;
                self.connections[index].send()
            }
        }
    }

    fn mark(&self) -> Result<Mark, EdgeError> {
        Ok(Mark { at: Instant::now(), done: self.done, cpu: CpuTimes::of_tree(self.job.pid)? })
    }

    fn silent(&self) -> EdgeError {
        EdgeError::Silent { address: self.job.address, seconds: SILENCE.as_secs() }
    }
}
