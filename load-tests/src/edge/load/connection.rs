//! One keep-alive connection of the load: one request under way at a time.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};

use super::head::{self, Head};
use super::script::Expected;
use crate::edge::EdgeError;

/// What a first read takes: a head, and a body of 1 KB with it. More of a body is not copied.
const FIRST_READ: usize = 4 << 10;
/// What a later read takes at most.
pub(super) const LATER_READ: usize = 256 << 10;

/// Where a response stands.
enum State {
    Head,
    Body { left: usize },
}

/// What came of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// Nothing more for now.
    Part,
    /// The whole response.
    Whole,
    /// The server has hung up before the response's first byte.
    HungUp,
}

/// One connection.
pub(super) struct Connection {
    address: SocketAddr,
    pub(super) stream: TcpStream,
    pub(super) request: Vec<u8>,
    pub(super) expected: Expected,
    state: State,
    /// What there is of a head that came in parts.
    begun: Vec<u8>,
}

impl Connection {
    pub(super) fn open(address: SocketAddr) -> Result<Self, EdgeError> {
        Ok(Self {
            address,
            stream: connect(address)?,
            request: Vec::with_capacity(2 << 10),
            expected: Expected::default(),
            state: State::Head,
            begun: Vec::new(),
        })
    }

    /// A new connection in place of one that the server has closed. The request is still to be sent.
    pub(super) fn reopen(&mut self) -> Result<(), EdgeError> {
        self.stream = connect(self.address)?;
        self.begun.clear();
        Ok(())
    }

    /// Sends the request that stands in `request`.
    pub(super) fn send(&mut self) -> Result<(), EdgeError> {
        self.state = State::Head;
        let mut rest = self.request.as_slice();
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(sent) => rest = &rest[sent..],
                // Less than a kilobyte is under way here, so this does not last.
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                // The server has hung up; reading will tell.
                Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => break,
                Err(error) => return Err(EdgeError::network("send to", self.address)(error)),
            }
        }
        Ok(())
    }

    /// Reads what has come of the response.
    pub(super) fn receive(&mut self, scratch: &mut [u8]) -> Result<Came, EdgeError> {
        if let State::Head = self.state {
            let begun = self.begun.len();
            scratch[..begun].copy_from_slice(&self.begun);
            let Some(read) = self.read(&mut scratch[begun..FIRST_READ], MsgFlags::empty())? else {
                return Ok(Came::Part);
            };
            if read == 0 {
                return if begun == 0 { Ok(Came::HungUp) } else { Err(self.bad("hung up within a head")) };
            }
            let bytes = &scratch[..begun + read];
            let Some(head) = head::parse(bytes).map_err(|error| self.bad(&error.to_string()))? else {
                if bytes.len() == FIRST_READ {
                    return Err(self.bad("a head larger than 4 KiB"));
                }
                self.begun.clear();
                self.begun.extend_from_slice(bytes);
                return Ok(Came::Part);
            };
            self.begun.clear();
            self.check(head)?;
            self.body_part(&bytes[head.length..], head.body)?;
        }
        self.receive_body(scratch)
    }

    fn receive_body(&mut self, scratch: &mut [u8]) -> Result<Came, EdgeError> {
        while let State::Body { left } = self.state {
            if left == 0 {
                return Ok(Came::Whole);
            }
            let take = left.min(LATER_READ);
            // Of a body that is not looked at, TCP counts the bytes and copies none (tcp(7), MSG_TRUNC).
            let flags = if self.expected.sampled { MsgFlags::empty() } else { MsgFlags::MSG_TRUNC };
            match self.read(&mut scratch[..take], flags)? {
                None => return Ok(Came::Part),
                Some(0) => return Err(self.bad("hung up within a body")),
                Some(read) if self.expected.sampled => self.body_part(&scratch[..read], left)?,
                Some(read) => self.state = State::Body { left: left - read },
            }
        }
        Ok(Came::Part)
    }

    /// Takes a part of the body, of which `left` bytes are to come with it.
    fn body_part(&mut self, part: &[u8], left: usize) -> Result<(), EdgeError> {
        if part.len() > left {
            return Err(self.bad("more bytes than announced"));
        }
        if self.expected.sampled {
            let body = self.expected.object.body();
            let at = body.len() - left;
            if body[at..at + part.len()] != *part {
                return Err(self.bad("wrong bytes"));
            }
        }
        self.state = State::Body { left: left - part.len() };
        Ok(())
    }

    fn check(&self, head: Head) -> Result<(), EdgeError> {
        let body = if self.expected.status == 304 { 0 } else { self.expected.object.bytes };
        if head.status != self.expected.status || head.body != body {
            let told = format!("{} with {} bytes, not {} with {body}", head.status, head.body, self.expected.status);
            return Err(self.bad(&told));
        }
        Ok(())
    }

    fn read(&self, into: &mut [u8], flags: MsgFlags) -> Result<Option<usize>, EdgeError> {
        match recv(self.stream.as_raw_fd(), into, flags) {
            Ok(read) => Ok(Some(read)),
            Err(Errno::EAGAIN) => Ok(None),
            Err(Errno::ECONNRESET) if matches!(self.state, State::Head) => Ok(Some(0)),
            Err(error) => Err(EdgeError::network("read from", self.address)(error.into())),
        }
    }

    fn bad(&self, what: &str) -> EdgeError {
        EdgeError::Answer(format!("{} answered {} with {what}", self.address, self.expected.object.target()))
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream, EdgeError> {
    let failed = || EdgeError::network("connect to", address);
    let stream = TcpStream::connect(address).map_err(failed())?;
    stream.set_nodelay(true).map_err(failed())?;
    stream.set_nonblocking(true).map_err(failed())?;
    Ok(stream)
}
