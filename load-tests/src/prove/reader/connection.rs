//! One keep-alive connection: one request under way at a time.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::super::history::Begun;
use super::response::{Response, Unreadable, parse};

const CONNECT_LIMIT: Duration = Duration::from_millis(300);
const FIRST_ROOM: usize = 16 << 10;
const LARGEST: usize = 1 << 20;

/// A connection and what is under way on it.
pub(super) struct Connection {
    pub(super) edge: usize,
    pub(super) stream: TcpStream,
    pub(super) under_way: Option<UnderWay>,
    /// Used again for the next request.
    pub(super) begun: Begun,
    pub(super) condition: Vec<u8>,
    pub(super) buffer: Vec<u8>,
    filled: usize,
}

/// A request that was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnderWay {
    pub(super) target: usize,
    pub(super) since: Instant,
    pub(super) conditional: bool,
}

/// What came of reading.
pub(super) enum Came {
    Part,
    Whole(Response),
    /// The connection is of no more use.
    Ended,
}

impl Connection {
    pub(super) fn open(edge: usize, address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, CONNECT_LIMIT)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            edge,
            stream,
            under_way: None,
            begun: Begun::default(),
            condition: Vec::new(),
            buffer: vec![0; FIRST_ROOM],
            filled: 0,
        })
    }

    /// Sends a request of some hundred bytes, which the socket has room for: the one before was answered.
    pub(super) fn send(&mut self, request: &[u8]) -> bool {
        self.filled = 0;
        self.stream.write(request).is_ok_and(|sent| sent == request.len())
    }

    pub(super) fn receive(&mut self) -> Result<Came, Unreadable> {
        loop {
            if self.filled == self.buffer.len() {
                if self.filled >= LARGEST {
                    return Err(Unreadable("a response larger than 1 MiB"));
                }
                self.buffer.resize(self.filled * 2, 0);
            }
            match self.stream.read(&mut self.buffer[self.filled..]) {
                Ok(0) => return Ok(Came::Ended),
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Came::Part),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Ok(Came::Ended),
            }
            if let Some(response) = parse(&self.buffer[..self.filled])? {
                return Ok(Came::Whole(response));
            }
        }
    }
}
