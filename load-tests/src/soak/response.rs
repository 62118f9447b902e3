//! A connection of a client of the soak, and the responses on it, piece by piece: their contents are never held whole.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// How long anything may take that is waited for: longer than any limit of the proxy.
const PATIENCE: Duration = Duration::from_mins(2);
const BUFFER: usize = 64 * 1024;
const MAX_HEAD: usize = 64 * 1024;

/// A connection.
pub(super) struct Connection {
    stream: TcpStream,
    held: Vec<u8>,
}

/// What a head says.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) length: Option<u64>,
    /// First and last byte of a part.
    pub(super) part: Option<(u64, u64)>,
    pub(super) is_hit: bool,
    chunked: bool,
    closes: bool,
}

/// Why there is nothing more.
#[derive(Debug)]
pub(super) enum Ended {
    /// The connection ended, as a client can tell.
    Cut,
    /// It is no HTTP.
    Wrong(String),
}

/// Where a content stands.
pub(super) struct Content {
    chunked: bool,
    /// Bytes left of the content, or of the chunk.
    left: u64,
    is_first: bool,
}

// === impl Connection ===

impl Connection {
    /// From `local`, of which no port is given.
    pub(super) async fn open(local: SocketAddr, proxy: SocketAddr, receives: Option<u32>) -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = receives {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.bind(local)?;
        let stream = timeout(PATIENCE, socket.connect(proxy)).await??;
        stream.set_nodelay(true)?;
        Ok(Self { stream, held: Vec::new() })
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        timeout(PATIENCE, self.stream.write_all(bytes)).await?
    }

    /// Leaves; with a reset, the peer is not told that this was an end.
    pub(super) fn leave(self, resets: bool) {
        if resets {
            let _ = self.stream.set_zero_linger();
        }
    }

    /// Waits until the peer ends it; what comes before is dropped.
    pub(super) async fn ended(&mut self) {
        let mut buffer = [0; 1024];
        while matches!(self.stream.read(&mut buffer).await, Ok(1..)) {}
    }

    /// The head of the next response.
    pub(super) async fn head(&mut self) -> Result<Head, Ended> {
        loop {
            if let Some(at) = self.held.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = Head::parse(&self.held[..at])?;
                self.held.drain(..at + 4);
                if head.status >= 200 {
                    return Ok(head);
                }
            } else if self.held.len() > MAX_HEAD {
                return Err(Ended::Wrong("a head without end".to_owned()));
            } else {
                self.more().await?;
            }
        }
    }

    /// The next bytes of a content; `None` at its end.
    pub(super) async fn next(&mut self, content: &mut Content) -> Result<Option<Vec<u8>>, Ended> {
        if content.left == 0 {
            if !content.chunked {
                return Ok(None);
            }
            content.left = self.chunk(content.is_first).await?;
            content.is_first = false;
            if content.left == 0 {
                self.line().await?;
                return Ok(None);
            }
        }
        if self.held.is_empty() {
            self.more().await?;
        }
        let taken = self.held.len().min(usize::try_from(content.left).unwrap_or(usize::MAX));
        content.left -= taken as u64;
        let rest = self.held.split_off(taken);
        Ok(Some(std::mem::replace(&mut self.held, rest)))
    }

    async fn chunk(&mut self, is_first: bool) -> Result<u64, Ended> {
        if !is_first && !self.line().await?.is_empty() {
            return Err(Ended::Wrong("a chunk is longer than its size".to_owned()));
        }
        let line = self.line().await?;
        u64::from_str_radix(&line, 16).map_err(|_| Ended::Wrong(format!("a chunk of `{line}`")))
    }

    async fn line(&mut self) -> Result<String, Ended> {
        loop {
            if let Some(at) = self.held.windows(2).position(|window| window == b"\r\n") {
                let line = String::from_utf8_lossy(&self.held[..at]).into_owned();
                self.held.drain(..at + 2);
                return Ok(line);
            }
            if self.held.len() > MAX_HEAD {
                return Err(Ended::Wrong("a line without end".to_owned()));
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Result<(), Ended> {
        self.held.reserve(BUFFER);
        match timeout(PATIENCE, self.stream.read_buf(&mut self.held)).await {
            Ok(Ok(1..)) => Ok(()),
            Ok(_) => Err(Ended::Cut),
            Err(_) => Err(Ended::Wrong("no answer, and no end, for two minutes".to_owned())),
        }
    }
}

// === impl Head ===

impl Head {
    fn parse(head: &[u8]) -> Result<Self, Ended> {
        let head = String::from_utf8_lossy(head);
        let wrong = || Ended::Wrong(format!("a head that is none: {head}"));
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).ok_or_else(wrong)?;
        let mut parsed = Self { status, length: None, part: None, is_hit: false, chunked: false, closes: false };
        for line in head.lines().skip(1) {
            let (name, value) = line.split_once(':').ok_or_else(wrong)?;
            let value = value.trim();
            match &*name.to_ascii_lowercase() {
                "content-length" => parsed.length = Some(value.parse().map_err(|_| wrong())?),
                "content-range" => parsed.part = Some(part(value).ok_or_else(wrong)?),
                "transfer-encoding" => parsed.chunked = true,
                "connection" => parsed.closes = value.eq_ignore_ascii_case("close"),
                "cache-status" => parsed.is_hit |= value.contains("vitrine; hit"),
                _ => {}
            }
        }
        if parsed.chunked == parsed.length.is_some() && !matches!(status, 204 | 304) {
            return Err(wrong());
        }
        Ok(parsed)
    }

    /// Whether the connection ends behind it.
    pub(super) fn closes(&self) -> bool {
        self.closes
    }

    pub(super) fn content(&self) -> Content {
        Content { chunked: self.chunked, left: self.length.unwrap_or(0), is_first: true }
    }
}

/// `bytes 0-99/1234`.
fn part(value: &str) -> Option<(u64, u64)> {
    let (range, _) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}
