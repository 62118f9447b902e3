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
use crate::upstream::IDLE_TIMEOUT;

/// Most idle connections of one thread.
const MOST: usize = 256;
/// Between two looks for those that were idle for too long.
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
        held.put(endpoint, Waiting { connection, since: Instant::now() });
        if !held.is_swept {
            held.is_swept = true;
            tokio::spawn(sweep(Arc::downgrade(shelves)));
        }
    }
}

/// Closes connections that were idle for too long, until there are none.
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
            while shelf.connections.front().is_some_and(|oldest| now.duration_since(oldest.since) >= IDLE_TIMEOUT) {
                shelf.connections.pop_front();
                self.count -= 1;
            }
        }
        self.each.retain(|shelf| !shelf.connections.is_empty());
    }
}

// === impl Shelf ===

impl Shelf {
    fn is_for(&self, endpoint: Endpoint<'_>) -> bool {
        self.address == endpoint.address && self.server_name.as_deref() == endpoint.server_name()
    }
}
