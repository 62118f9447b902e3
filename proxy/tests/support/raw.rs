//! A client that sends whatever bytes it is given.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::LIMIT;
use super::upstream::field;

/// A response as it came.
#[derive(Debug)]
pub struct Raw {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Raw {
    pub fn header(&self, name: &str) -> Option<&str> {
        field(&self.head, name)
    }

    /// All lines of a field.
    pub fn lines(&self, name: &str) -> Vec<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.filter(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }
}

/// Sends one request and reads to the end of the connection: the request must ask to close it. Status 0 where it is just closed.
pub async fn exchange(addr: SocketAddr, request: &[u8]) -> Raw {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    // A request that is refused at its head may be cut off while its rest is sent.
    let _ = stream.write_all(request).await;
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(LIMIT, stream.read_to_end(&mut bytes)).await.expect("the connection is closed");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Raw { status, head: head.to_owned(), body: body.to_owned() }
}

/// A GET with further lines, each with its end.
pub fn get(host: &str, target: &str, lines: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{lines}\r\n").into_bytes()
}

/// Reads so many answers, each with a Content-Length, chunks or no content; as many as come where the connection ends before.
pub async fn read_answers(stream: &mut (impl tokio::io::AsyncRead + Unpin), count: usize) -> Vec<Raw> {
    let mut answers = Vec::new();
    let mut bytes = Vec::new();
    while answers.len() < count {
        if let Some((answer, length)) = answer(&bytes) {
            bytes.drain(..length);
            answers.push(answer);
            continue;
        }
        let more = tokio::time::timeout(LIMIT, stream.read_buf(&mut bytes)).await.expect("an answer comes");
        if matches!(more, Ok(0) | Err(_)) {
            break;
        }
    }
    answers
}

/// The answer at the front of `bytes`, and its length; `None` where it is not whole.
fn answer(bytes: &[u8]) -> Option<(Raw, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end - 4]).into_owned();
    let status: u16 = head.split(' ').nth(1)?.parse().ok()?;
    let (body, length) = if field(&head, "transfer-encoding").is_some() {
        unchunked(&bytes[end..])?
    } else {
        let length = field(&head, "content-length").map_or(0, |length| length.parse().unwrap());
        let length = if matches!(status, 204 | 304) || status < 200 { 0 } else { length };
        (bytes.get(end..end + length)?.to_vec(), length)
    };
    let body = String::from_utf8_lossy(&body).into_owned();
    Some((Raw { status, head, body }, end + length))
}

fn unchunked(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let line = bytes[at..].windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[at..at + line]).unwrap(), 16).unwrap();
        at += line + 2;
        body.extend_from_slice(bytes.get(at..at + size)?);
        bytes.get(at + size..at + size + 2)?;
        at += size + 2;
        if size == 0 {
            return Some((body, at));
        }
    }
}
