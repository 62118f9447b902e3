//! An origin that takes every byte at its word: what it is given must be a request that no parser could read otherwise.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::origin::Seen;

pub struct Recorder {
    pub addr: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    accepting: JoinHandle<()>,
}

impl Recorder {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shared = seen.clone();
        let accepting = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, shared.clone()));
            }
        });
        Self { addr, seen, accepting }
    }

    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(stream: TcpStream, seen: Arc<Mutex<Vec<Seen>>>) {
    let mut connection = Connection { stream, held: Vec::new() };
    loop {
        match connection.request().await {
            Ok(Some((method, target, body))) => {
                seen.lock().push(Seen::request(&method, &target, &body));
                let text = format!("{method} {target}\n{body}");
                let content = if method == "HEAD" { "" } else { &text };
                let head = format!(
                    "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: {}\r\n\r\n{content}",
                    text.len()
                );
                if connection.stream.write_all(head.as_bytes()).await.is_err() {
                    return;
                }
            }
            Ok(None) => return,
            Err(fault) => {
                seen.lock().push(Seen::Fault(fault));
                return;
            }
        }
    }
}

struct Connection {
    stream: TcpStream,
    held: Vec<u8>,
}

/// What frames a content.
enum Framing {
    Length(usize),
    Chunked,
}

impl Connection {
    /// Method, target and content of the next request; `None` where the connection ends, be it in the middle of one.
    async fn request(&mut self) -> Result<Option<(String, String, String)>, String> {
        let Some(end) = self.until(b"\r\n\r\n", 0).await else {
            return Ok(None);
        };
        let head = self.held[..end - 4].to_vec();
        let (method, target, framing) = check(&head).map_err(|what| format!("{what}: {}", head.escape_ascii()))?;
        let expects = head.to_ascii_lowercase().windows(12).any(|window| window == b"100-continue");
        if expects && self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.is_err() {
            return Ok(None);
        }
        let body = match framing {
            Framing::Length(length) => {
                if self.fill(end + length).await.is_none() {
                    return Ok(None);
                }
                let body = self.held[end..end + length].to_vec();
                self.held.drain(..end + length);
                body
            }
            Framing::Chunked => match self.chunks(end).await? {
                Some(body) => body,
                None => return Ok(None),
            },
        };
        Ok(Some((method, target, String::from_utf8_lossy(&body).into_owned())))
    }

    /// RFC 9112 §7.1, without extensions, trailers or leading zeros: a proxy has no reason to send any.
    async fn chunks(&mut self, start: usize) -> Result<Option<Vec<u8>>, String> {
        let (mut at, mut body) = (start, Vec::new());
        loop {
            let Some(end) = self.until(b"\r\n", at).await else {
                return Ok(None);
            };
            let line = &self.held[at..end - 2];
            let is_size = (1..=8).contains(&line.len()) && line.iter().all(u8::is_ascii_hexdigit);
            let size = std::str::from_utf8(line).ok().filter(|_| is_size);
            let size = size.and_then(|size| usize::from_str_radix(size, 16).ok());
            let size = size.ok_or_else(|| format!("a chunk of `{}`", line.escape_ascii()))?;
            if self.fill(end + size + 2).await.is_none() {
                return Ok(None);
            }
            if &self.held[end + size..end + size + 2] != b"\r\n" {
                return Err(format!("no end of a chunk: {}", self.held[at..].escape_ascii()));
            }
            body.extend_from_slice(&self.held[end..end + size]);
            at = end + size + 2;
            if size == 0 {
                self.held.drain(..at);
                return Ok(Some(body));
            }
        }
    }

    async fn until(&mut self, mark: &[u8], from: usize) -> Option<usize> {
        loop {
            if let Some(at) = self.held[from..].windows(mark.len()).position(|window| window == mark) {
                return Some(from + at + mark.len());
            }
            self.more().await?;
        }
    }

    async fn fill(&mut self, length: usize) -> Option<()> {
        while self.held.len() < length {
            self.more().await?;
        }
        Some(())
    }

    async fn more(&mut self) -> Option<()> {
        matches!(self.stream.read_buf(&mut self.held).await, Ok(1..)).then_some(())
    }
}

/// RFC 9112 §3, §5 and §6, with nothing of what they let recipients tolerate. `head` ends before its blank line.
fn check(head: &[u8]) -> Result<(String, String, Framing), String> {
    // Each byte as one character: values may have any above 0x7f (RFC 9110 §5.5).
    let head: String = head.iter().copied().map(char::from).collect();
    let mut lines = head.split("\r\n");
    let parts: Vec<_> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, "HTTP/1.1"] = parts[..] else {
        return Err("the request line".to_owned());
    };
    if !is_token(method) || !target.starts_with('/') || !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the request line".to_owned());
    }
    let mut fields = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or("a line without a colon")?;
        if !is_token(name) || value.chars().any(|byte| byte != '\t' && byte.is_ascii_control()) {
            return Err(format!("the line `{}`", line.escape_default()));
        }
        fields.push((name.to_ascii_lowercase(), value.trim_matches([' ', '\t'])));
    }
    let values = |wanted: &str| -> Vec<&str> {
        fields.iter().filter(|(name, _)| name == wanted).map(|(_, value)| *value).collect()
    };
    if values("host") != ["shop.example"] {
        return Err(format!("the Host {:?}", values("host")));
    }
    let upgrade = [values("upgrade"), values("http2-settings")].concat().join(",").to_ascii_lowercase();
    if upgrade.contains("h2c") || !values("http2-settings").is_empty() {
        return Err("an upgrade to HTTP/2".to_owned());
    }
    let framing = match (&values("content-length")[..], &values("transfer-encoding")[..]) {
        ([], []) => Framing::Length(0),
        ([length], []) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
            Framing::Length(length.parse().map_err(|_| "the length")?)
        }
        ([], ["chunked"]) => Framing::Chunked,
        (lengths, codings) => return Err(format!("the framing by {lengths:?} and {codings:?}")),
    };
    Ok((method.to_owned(), target.to_owned(), framing))
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
