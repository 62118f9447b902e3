//! Clients who ask for what few or many others ask for too, look at every byte that they get, and sometimes leave in the middle.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng as _;

use super::catalog::{Catalog, Object};
use super::response::{Connection, Content, Ended, Head};
use super::tally::Tally;
use crate::zipf::Zipf;

/// In a thousand requests: how many are left in the middle of the answer, and how many want a part.
const LEFT: u32 = 30;
const PARTS: u32 = 50;
/// Longest pause between two requests of one visitor.
const THINKS_MS: u64 = 20;
/// After a connection that could not be made.
const BACKOFF: Duration = Duration::from_millis(100);

/// What all visitors share.
pub(super) struct Visits {
    pub(super) proxy: SocketAddr,
    pub(super) catalog: Arc<Catalog>,
    pub(super) zipf: Zipf,
    pub(super) tally: Arc<Tally>,
}

/// A part of an object that is asked for: its first byte, and the one behind its last.
type Part = (u64, u64);

// === impl Visits ===

impl Visits {
    /// One visitor, who goes on until the task is ended.
    pub(super) async fn visit(self: Arc<Self>, local: SocketAddr) {
        let mut connection = None;
        loop {
            let open = match connection.take() {
                Some(open) => Ok(open),
                None => Connection::open(local, self.proxy, None).await,
            };
            let Ok(mut open) = open else {
                tokio::time::sleep(BACKOFF).await;
                continue;
            };
            match self.ask(&mut open).await {
                Next::Goes => connection = Some(open),
                Next::Closes => {}
                Next::Leaves => open.leave(rand::rng().random()),
            }
            let pause = rand::rng().random_range(0..THINKS_MS);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }

    async fn ask(&self, connection: &mut Connection) -> Next {
        let (object, part, leaves_at) = self.draw();
        let range = part.map(|(from, to)| format!("Range: bytes={from}-{}\r\n", to - 1)).unwrap_or_default();
        let request = format!("GET {} HTTP/1.1\r\nHost: soak.example\r\n{range}\r\n", object.target());
        if connection.send(request.as_bytes()).await.is_err() {
            return Next::Closes;
        }
        let head = match connection.head().await {
            Ok(head) => head,
            Err(ended) => return self.ended(object, ended),
        };
        self.tally.requests.add(1);
        self.tally.hits.add(u64::from(head.is_hit));
        let (mut at, end) = match expected(object, part, &head) {
            Ok(Some(expected)) => expected,
            Ok(None) => {
                self.tally.failed.add(1);
                return drained(connection, &head).await;
            }
            Err(what) => {
                self.tally.wrong(format!("{object:?}: {what}: {head:?}"));
                return Next::Closes;
            }
        };
        let mut content = head.content();
        loop {
            match connection.next(&mut content).await {
                Ok(Some(bytes)) => {
                    if !self.catalog.holds(object, at, &bytes) {
                        self.tally.wrong(format!("{object:?}: other bytes from {at} on: {head:?}"));
                        return Next::Closes;
                    }
                    at += bytes.len() as u64;
                    self.tally.bytes.add(bytes.len() as u64);
                    if leaves_at.is_some_and(|leaves_at| at >= leaves_at) {
                        self.tally.left.add(1);
                        return Next::Leaves;
                    }
                }
                Ok(None) if at == end => return Next::after(&head),
                Ok(None) => {
                    self.tally.wrong(format!("{object:?}: whole at {at} of {end}: {head:?}"));
                    return Next::Closes;
                }
                Err(ended) => return self.ended(object, ended),
            }
        }
    }

    /// What is asked for, and at which byte the visitor leaves.
    fn draw(&self) -> (Object, Option<Part>, Option<u64>) {
        let mut random = rand::rng();
        let object = Object::new(self.zipf.pick(&mut random));
        let part = (random.random_range(0..1_000) < PARTS).then(|| {
            let from = random.random_range(0..object.size());
            (from, random.random_range(from..object.size()) + 1)
        });
        let leaves_at = (random.random_range(0..1_000) < LEFT).then(|| random.random_range(0..object.size()));
        (object, part, leaves_at)
    }

    fn ended(&self, object: Object, ended: Ended) -> Next {
        match ended {
            Ended::Cut => self.tally.cut.add(1),
            Ended::Wrong(what) => self.tally.wrong(format!("{object:?}: {what}")),
        }
        Next::Closes
    }
}

/// What becomes of the connection.
enum Next {
    Goes,
    Closes,
    Leaves,
}

impl Next {
    fn after(head: &Head) -> Self {
        if head.closes() { Self::Closes } else { Self::Goes }
    }
}

/// Where the content begins and ends that a right answer has; `None` for a failure that is told as one.
fn expected(object: Object, part: Option<Part>, head: &Head) -> Result<Option<Part>, &'static str> {
    let expected = match (head.status, part, head.part) {
        (200, _, None) => (0, object.size()),
        (206, Some((from, to)), Some((first, last))) if (from, to) == (first, last + 1) => (from, to),
        (502..=504, ..) => return Ok(None),
        _ => return Err("an answer to something else"),
    };
    match head.length {
        Some(length) if length != expected.1 - expected.0 => Err("another length"),
        _ => Ok(Some(expected)),
    }
}

async fn drained(connection: &mut Connection, head: &Head) -> Next {
    let mut content: Content = head.content();
    loop {
        match connection.next(&mut content).await {
            Ok(Some(_)) => {}
            Ok(None) => return Next::after(head),
            Err(_) => return Next::Closes,
        }
    }
}
