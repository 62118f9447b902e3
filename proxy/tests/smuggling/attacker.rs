//! A client that sends any bytes, and reads responses one by one.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::LIMIT;
use crate::support::upstream::field;

pub struct Attacker {
    stream: TcpStream,
    held: Vec<u8>,
}

/// A final response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.status, self.body)
    }
}

impl Attacker {
    pub async fn connect(addr: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(addr).await.unwrap(), held: Vec::new() }
    }

    /// Sends; what is refused may be cut off while it is sent.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// The next final response to a request that was, or was not, a HEAD.
    pub async fn answer(&mut self, is_head: bool) -> Result<Answer, String> {
        timeout(LIMIT, self.read(is_head)).await.unwrap_or_else(|_| Err(format!("no answer; held {}", self.show())))
    }

    /// Waits until the connection is closed. Whatever comes before that is an error.
    pub async fn closed(&mut self) -> Result<(), String> {
        let mut read = async || while matches!(self.stream.read_buf(&mut self.held).await, Ok(1..)) {};
        let closed = timeout(LIMIT, read()).await;
        match closed {
            Ok(()) if self.held.is_empty() => Ok(()),
            Ok(()) => Err(format!("bytes after the last answer: {}", self.show())),
            Err(_) => Err("the connection stays open".to_owned()),
        }
    }

    async fn read(&mut self, is_head: bool) -> Result<Answer, String> {
        loop {
            let end = self.until(b"\r\n\r\n", 0).await?;
            let head = String::from_utf8_lossy(&self.held[..end]).into_owned();
            if !head.starts_with("HTTP/1.1 ") {
                return Err(format!("no HTTP: {}", self.show()));
            }
            let status: u16 = head.get(9..12).and_then(|code| code.parse().ok()).ok_or("no status")?;
            if (100..200).contains(&status) && status != 101 {
                self.held.drain(..end);
                continue;
            }
            let body = if is_head || matches!(status, 101 | 204 | 304) {
                self.held.drain(..end);
                Vec::new()
            } else {
                self.content(&head, end).await?
            };
            return Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() });
        }
    }

    /// Takes the head, up to `start`, and the content behind it.
    async fn content(&mut self, head: &str, start: usize) -> Result<Vec<u8>, String> {
        if field(head, "transfer-encoding").is_some() {
            let (mut at, mut body) = (start, Vec::new());
            loop {
                let end = self.until(b"\r\n", at).await?;
                let size = std::str::from_utf8(&self.held[at..end - 2]).map_err(|error| error.to_string())?;
                let size = usize::from_str_radix(size, 16).map_err(|_| format!("a chunk of `{size}`"))?;
                self.fill(end + size + 2).await?;
                body.extend_from_slice(&self.held[end..end + size]);
                at = end + size + 2;
                if size == 0 {
                    self.held.drain(..at);
                    return Ok(body);
                }
            }
        }
        let length = field(head, "content-length").ok_or_else(|| format!("no length: {head}"))?;
        let length: usize = length.parse().map_err(|_| format!("a length of {length}"))?;
        self.fill(start + length).await?;
        Ok(self.held.drain(..start + length).skip(start).collect())
    }

    /// Where `mark` ends, from `from` on.
    async fn until(&mut self, mark: &[u8], from: usize) -> Result<usize, String> {
        loop {
            if let Some(at) = self.held[from..].windows(mark.len()).position(|window| window == mark) {
                return Ok(from + at + mark.len());
            }
            self.more().await?;
        }
    }

    async fn fill(&mut self, length: usize) -> Result<(), String> {
        while self.held.len() < length {
            self.more().await?;
        }
        Ok(())
    }

    async fn more(&mut self) -> Result<(), String> {
        match self.stream.read_buf(&mut self.held).await {
            Ok(1..) => Ok(()),
            ended => Err(format!("the connection ended ({ended:?}) after {}", self.show())),
        }
    }

    fn show(&self) -> String {
        self.held[..self.held.len().min(300)].escape_ascii().to_string()
    }
}
