//! One connection: its transport, what was read and not used yet, and what it may take up.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, ReadBuf};

use super::Limits;
use super::deadline::{Millis, Watch};
use super::outgoing::Outgoing;
use super::transport::Transport;
use super::worker::{Place, Worker};
use crate::fast::ConnectionFacts;

/// Most bytes that one read takes from a connection.
const READ: usize = 16 << 10;

thread_local! {
    /// Room to read into and to write heads into, for one connection after the other: those that wait hold no memory.
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch { read: vec![0; READ], head: Vec::with_capacity(1024) });
}

/// Room that a thread's connections share.
pub(super) struct Scratch {
    read: Vec<u8>,
    /// For the head of an answer.
    pub(super) head: Vec<u8>,
}

/// A client's connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) transport: Transport,
    /// What was read and not used yet.
    pub(super) buffer: BytesMut,
    /// What was to be written and is not yet.
    pub(super) outgoing: Outgoing,
    /// Whether the other end has closed its half.
    pub(super) is_read_closed: bool,
    pub(super) watch: Arc<Watch>,
    pub(super) limits: Arc<Limits>,
    pub(super) peer: SocketAddr,
    pub(super) facts: ConnectionFacts,
    /// Whether it may begin with HTTP/2 in clear text.
    pub(super) knows_h2c: bool,
    place: Place,
}

// === impl Scratch ===

impl Scratch {
    /// With this thread's.
    pub(super) fn with<T>(use_it: impl FnOnce(&mut Self) -> T) -> T {
        SCRATCH.with_borrow_mut(use_it)
    }

    /// What comes by `transport`, and the room for a head; no bytes where the other end has closed its half.
    pub(super) fn poll_read(
        &mut self,
        transport: &mut Transport,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(&[u8], &mut Vec<u8>)>> {
        let mut into = ReadBuf::new(&mut self.read);
        ready!(Pin::new(transport).poll_read(cx, &mut into))?;
        let count = into.filled().len();
        Poll::Ready(Ok((&self.read[..count], &mut self.head)))
    }
}

// === impl Connection ===

impl Connection {
    /// One that has just been opened.
    pub(super) fn new(
        transport: Transport,
        peer: SocketAddr,
        facts: ConnectionFacts,
        limits: Arc<Limits>,
        place: Place,
    ) -> Self {
        let watch = place.worker().deadlines.watch();
        Self {
            transport,
            buffer: BytesMut::new(),
            outgoing: Outgoing::default(),
            is_read_closed: false,
            watch,
            limits,
            peer,
            facts,
            knows_h2c: false,
            place,
        }
    }

    /// The worker that serves it.
    pub(super) fn worker(&self) -> &Worker {
        self.place.worker()
    }

    /// The same, to hold on to.
    pub(super) fn worker_handle(&self) -> Arc<Worker> {
        self.place.worker().clone()
    }

    /// The time as of the last look.
    pub(super) fn now(&self) -> Millis {
        self.worker().deadlines.now()
    }

    /// Reads more behind what is in the buffer; false where the other end has closed its half.
    pub(super) fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        Scratch::with(|scratch| {
            let (bytes, _) = ready!(scratch.poll_read(&mut self.transport, cx))?;
            self.is_read_closed |= bytes.is_empty();
            self.buffer.extend_from_slice(bytes);
            Poll::Ready(Ok(!bytes.is_empty()))
        })
    }
}
