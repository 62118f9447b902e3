//! Connections that wait for their next request. Each thread has its own, since a connection belongs to the reactor that it was made on.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use thread_local::ThreadLocal;
use tokio::time::{Instant, sleep};

use super::connection::Connection;
use super::connector::Endpoint;
use crate::upstream::{IDLE_TIMEOUT, Pool};

/// Most idle connections of one thread.
const MOST: usize = 256;
/// Most of those to one endpoint, so that a rush there leaves others theirs.
const MOST_OF_ONE: usize = MOST / 2;
/// Between two looks for those that were idle for too long, or whose upstream a reload has removed.
const SWEEP: Duration = Duration::from_secs(10);

/// The idle connections of all threads.
#[derive(Default)]
pub(super) struct Idle(ThreadLocal<Arc<Mutex<Shelves>>>);

/// One thread's. The lock is never waited for, but where a thread has given its runtime to others.
#[derive(Default)]
struct Shelves {
    each: Vec<Shelf>,
    count: usize,
    is_swept: bool,
}

/// Those to one endpoint, the one that was used last at the back.
struct Shelf {
    address: SocketAddr,
    server_name: Option<Box<str>>,
    connections: VecDeque<Waiting>,
}

struct Waiting {
    connection: Box<Connection>,
    since: Instant,
    pool: Weak<Pool>,
}

// === impl Idle ===

impl Idle {
    /// One that can take a request.
    pub(super) fn take(&self, endpoint: Endpoint<'_>) -> Option<Box<Connection>> {
        let shelves = self.0.get()?;
        loop {
            let mut connection = shelves.lock().take(endpoint)?;
            if connection.is_quiet() {
                return Some(connection);
            }
        }
    }

    /// Keeps one for the next request.
    pub(super) fn put(&self, endpoint: Endpoint<'_>, connection: Box<Connection>) {
        let shelves = self.0.get_or_default();
        let mut held = shelves.lock();
        held.put(endpoint, Waiting { connection, since: Instant::now(), pool: Arc::downgrade(endpoint.pool) });
        if !held.is_swept {
            held.is_swept = true;
            tokio::spawn(sweep(Arc::downgrade(shelves)));
        }
    }
}

/// Closes connections that are of no use any more, until there are none.
async fn sweep(shelves: Weak<Mutex<Shelves>>) {
    loop {
        sleep(SWEEP).await;
        let Some(shelves) = shelves.upgrade() else {
            return;
        };
        let mut shelves = shelves.lock();
        shelves.expire(Instant::now());
        if shelves.count == 0 {
            shelves.is_swept = false;
            return;
        }
    }
}

// === impl Shelves ===

impl Shelves {
    fn take(&mut self, endpoint: Endpoint<'_>) -> Option<Box<Connection>> {
        let shelf = self.each.iter_mut().find(|shelf| shelf.is_for(endpoint))?;
        let waiting = shelf.connections.pop_back()?;
        self.count -= 1;
        Some(waiting.connection)
    }

    fn put(&mut self, endpoint: Endpoint<'_>, waiting: Waiting) {
        if self.count == MOST {
            self.drop_oldest();
        }
        self.count += 1;
        if let Some(shelf) = self.each.iter_mut().find(|shelf| shelf.is_for(endpoint)) {
            shelf.connections.push_back(waiting);
            if shelf.connections.len() > MOST_OF_ONE {
                shelf.connections.pop_front();
                self.count -= 1;
            }
            return;
        }
        self.each.retain(|shelf| !shelf.connections.is_empty());
        self.each.push(Shelf {
            address: endpoint.address,
            server_name: endpoint.server_name().map(Into::into),
            connections: VecDeque::from([waiting]),
        });
    }

    fn drop_oldest(&mut self) {
        let oldest = self
            .each
            .iter_mut()
            .min_by_key(|shelf| shelf.connections.front().map_or_else(Instant::now, |oldest| oldest.since));
        if oldest.is_some_and(|shelf| shelf.connections.pop_front().is_some()) {
            self.count -= 1;
        }
    }

    fn expire(&mut self, now: Instant) {
        for shelf in &mut self.each {
            shelf.connections.retain(|waiting| waiting.is_of_use(now));
        }
        self.each.retain(|shelf| !shelf.connections.is_empty());
        self.count = self.each.iter().map(|shelf| shelf.connections.len()).sum();
    }
}

// === impl Waiting ===

impl Waiting {
    fn is_of_use(&self, now: Instant) -> bool {
        now.duration_since(self.since) < IDLE_TIMEOUT && self.pool.strong_count() > 0
    }
}

// === impl Shelf ===

impl Shelf {
    fn is_for(&self, endpoint: Endpoint<'_>) -> bool {
        self.address == endpoint.address && self.server_name.as_deref() == endpoint.server_name()
    }
}
