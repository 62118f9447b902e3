//! A client that sends whatever HTTP/2 frames it is told to (RFC 9113 §4).

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::LIMIT;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;
/// An answer to SETTINGS or PING.
pub const ACK: u8 = 1;

pub const NO_ERROR: u32 = 0;
pub const REFUSED_STREAM: u32 = 7;
pub const ENHANCE_YOUR_CALM: u32 = 11;

/// The setting of a stream's initial window.
pub const INITIAL_WINDOW_SIZE: u16 = 4;

/// One connection in clear text.
pub struct Frames {
    stream: TcpStream,
    held: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

/// How a connection ended.
#[derive(Debug, Default)]
pub struct Ended {
    /// Of each stream that the server has reset, and why.
    pub resets: Vec<(u32, u32)>,
    /// The reason of the last GOAWAY.
    pub goaway: Option<u32>,
    /// Bytes of contents.
    pub content: usize,
}

/// A frame's bytes.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A frame whose payload is one number.
pub fn word(kind: u8, stream: u32, word: u32) -> Vec<u8> {
    frame(kind, 0, stream, &word.to_be_bytes())
}

/// A SETTINGS frame.
pub fn settings(all: &[(u16, u32)]) -> Vec<u8> {
    let payload = all.iter().flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat());
    frame(SETTINGS, 0, 0, &payload.collect::<Vec<_>>())
}

/// The fields of a request, compressed (RFC 7541): from the static table, or literal and not to be kept.
pub fn fields(method: &str, path: &str) -> Vec<u8> {
    let literal = |index: u8, value: &str| {
        assert!(value.len() < 127);
        [&[index, u8::try_from(value.len()).unwrap()], value.as_bytes()].concat()
    };
    // `:scheme: http`, and the names of `:method`, `:path` and `:authority`.
    [literal(2, method), vec![0x86], literal(4, path), literal(1, "shop.example")].concat()
}

/// A literal field, not to be kept.
pub fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        let length = text.len();
        let prefix = if let 0..127 = length {
            vec![u8::try_from(length).unwrap()]
        } else {
            // An integer beyond its prefix of seven bits (RFC 7541 §5.1).
            let mut bytes = vec![127];
            let mut rest = length - 127;
            while rest >= 128 {
                bytes.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            bytes.push(u8::try_from(rest).unwrap());
            bytes
        };
        [&prefix[..], text.as_bytes()].concat()
    };
    [vec![0], text(name), text(value)].concat()
}

/// A GET without content.
pub fn get(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &fields("GET", path))
}

/// A POST whose content is to come.
pub fn post(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &fields("POST", path))
}

impl Frames {
    /// Opens a connection with these settings.
    pub async fn open(addr: SocketAddr, own: &[(u16, u32)]) -> Self {
        let mut frames = Self { stream: TcpStream::connect(addr).await.unwrap(), held: Vec::new() };
        frames.send(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings(own)[..]].concat()).await;
        frames
    }

    /// Sends; what is refused may be cut off while it is sent. Tells whether it could be.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// The next frame; `None` at the connection's end.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.taken() {
                return Some(frame);
            }
            let read = timeout(LIMIT, self.stream.read_buf(&mut self.held)).await.expect("a frame, or the end");
            if !matches!(read, Ok(1..)) {
                return None;
            }
        }
    }

    fn taken(&mut self) -> Option<Frame> {
        let word = |at: usize| Some(u32::from_be_bytes(*self.held.get(at..)?.first_chunk()?));
        let (length, stream, &[kind, flags]) = (word(0)? >> 8, word(5)?, self.held.get(3..)?.first_chunk()?);
        let end = 9 + length as usize;
        let payload = self.held.get(9..end)?.to_vec();
        self.held.drain(..end);
        Some(Frame { kind, flags, stream, payload })
    }

    /// The next frame of this kind.
    pub async fn next_of(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.next().await.expect("the connection goes on");
            if frame.kind == kind {
                return frame;
            }
        }
    }

    /// The content of this stream's response, to its end; it must not be more than the windows let go.
    pub async fn content(&mut self, stream: u32) -> Vec<u8> {
        let mut content = Vec::new();
        loop {
            let frame = self.next().await.expect("the connection goes on");
            if frame.stream != stream {
                continue;
            }
            assert_ne!(frame.kind, RST_STREAM, "{frame:?}");
            if frame.kind == DATA {
                content.extend_from_slice(&frame.payload);
            }
            if frame.flags & END_STREAM != 0 {
                return content;
            }
        }
    }

    /// Reads to the end.
    pub async fn ended(mut self) -> Ended {
        let mut ended = Ended::default();
        while let Some(frame) = self.next().await {
            match frame.kind {
                RST_STREAM => ended.resets.push((frame.stream, frame.word(0))),
                GOAWAY => ended.goaway = Some(frame.word(4)),
                DATA => ended.content += frame.payload.len(),
                _ => {}
            }
        }
        ended
    }
}

impl Frame {
    /// A number in its payload.
    pub fn word(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }
}
