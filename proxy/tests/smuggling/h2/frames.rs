//! HTTP/2 by hand (RFC 9113, RFC 7541): a client that sends what no library would.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::LIMIT;

pub const END_STREAM: u8 = 0x1;
pub const END_HEADERS: u8 = 0x4;
pub const PADDED: u8 = 0x8;

pub const DATA: u8 = 0x0;
pub const HEADERS: u8 = 0x1;
pub const RST_STREAM: u8 = 0x3;
pub const SETTINGS: u8 = 0x4;
pub const PING: u8 = 0x6;
pub const GOAWAY: u8 = 0x7;
pub const CONTINUATION: u8 = 0x9;

/// One frame.
#[derive(Clone, Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

/// What became of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A whole response.
    Answered { status: u16, body: String },
    /// It was reset, or its connection closed, before that.
    Refused(String),
}

/// A connection.
pub struct Client {
    stream: TcpStream,
}

// === impl Frame ===

impl Frame {
    pub fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self { kind, flags, stream, payload: payload.into() }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap().to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend_from_slice(&[self.kind, self.flags]);
        bytes.extend_from_slice(&self.stream.to_be_bytes());
        bytes.extend_from_slice(&self.payload);
        bytes
    }
}

/// Fields as literals that are not indexed, without Huffman's code (RFC 7541 §6.2.2).
pub fn block(fields: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            length(&mut block, text.len());
            block.extend_from_slice(text);
        }
    }
    block
}

/// RFC 7541 §5.1, with a prefix of 7 bits.
fn length(block: &mut Vec<u8>, mut length: usize) {
    if length < 127 {
        block.push(u8::try_from(length).unwrap());
        return;
    }
    block.push(127);
    length -= 127;
    while length >= 128 {
        block.push(u8::try_from(length % 128).unwrap() | 0x80);
        length /= 128;
    }
    block.push(u8::try_from(length).unwrap());
}

// === impl Client ===

impl Client {
    /// With the preface and empty settings sent.
    pub async fn connect(addr: SocketAddr) -> Self {
        let mut client = Self { stream: TcpStream::connect(addr).await.unwrap() };
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        client.send(&Frame::new(SETTINGS, 0, 0, []).bytes()).await;
        client
    }

    /// Sends; what is refused may be cut off while it is sent.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// What becomes of a stream.
    pub async fn outcome(&mut self, stream: u32) -> Outcome {
        timeout(LIMIT, self.read(stream))
            .await
            .unwrap_or_else(|_| panic!("stream {stream} is neither answered nor refused"))
    }

    async fn read(&mut self, stream: u32) -> Outcome {
        let (mut status, mut body) = (0, Vec::new());
        loop {
            let Some(frame) = self.frame().await else {
                return Outcome::Refused("the connection is closed".to_owned());
            };
            match frame.kind {
                SETTINGS if frame.flags & 1 == 0 => self.send(&Frame::new(SETTINGS, 1, 0, []).bytes()).await,
                PING if frame.flags & 1 == 0 => self.send(&Frame::new(PING, 1, 0, frame.payload).bytes()).await,
                GOAWAY if code(&frame.payload[4..]) != 0 => {
                    return Outcome::Refused(format!("the connection ends by {}", code(&frame.payload[4..])));
                }
                RST_STREAM if frame.stream == stream && code(&frame.payload) != 0 => {
                    return Outcome::Refused(format!("the stream ends by {}", code(&frame.payload)));
                }
                HEADERS if frame.stream == stream => {
                    let now = status_of(&frame.payload);
                    status = if (100..200).contains(&now) { status } else { now };
                }
                DATA if frame.stream == stream => body.extend_from_slice(&frame.payload),
                _ => {}
            }
            let ends = matches!(frame.kind, DATA | HEADERS) && frame.stream == stream && frame.flags & END_STREAM != 0;
            if ends {
                return Outcome::Answered { status, body: String::from_utf8_lossy(&body).into_owned() };
            }
        }
    }

    async fn frame(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff;
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).await.ok()?;
        Some(Frame::new(head[3], head[4], stream, payload))
    }
}

fn code(payload: &[u8]) -> u32 {
    u32::from_be_bytes(payload[..4].try_into().unwrap())
}

/// The status of a response on a new connection, where `:status` is the block's first field and in no dynamic table; 0 otherwise.
fn status_of(block: &[u8]) -> u16 {
    const STATIC: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
    match block {
        [index @ 0x88..=0x8e, ..] => STATIC[usize::from(index - 0x88)],
        [0x48 | 0x08, coded, value @ ..] if coded & 0x80 != 0 => digits(&value[..usize::from(coded & 0x7f)]),
        [0x48 | 0x08, 3, value @ ..] => std::str::from_utf8(&value[..3]).unwrap().parse().unwrap(),
        _ => 0,
    }
}

/// Digits in Huffman's code (RFC 7541, appendix B): 0 to 2 have five bits, 3 to 9 six, from 0x19 on.
fn digits(coded: &[u8]) -> u16 {
    let bits: Vec<u8> = coded.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let number = |bits: &[u8]| bits.iter().fold(0, |sum, bit| sum * 2 + u16::from(*bit));
    let (mut at, mut value) = (0, 0);
    while at + 5 <= bits.len() {
        let short = number(&bits[at..at + 5]);
        if short < 3 {
            (at, value) = (at + 5, value * 10 + short);
        } else if at + 6 <= bits.len() && (0x19..=0x1f).contains(&number(&bits[at..at + 6])) {
            (at, value) = (at + 6, value * 10 + number(&bits[at..at + 6]) - 0x19 + 3);
        } else {
            break;
        }
    }
    value
}

#[test]
fn digits_are_decoded() {
    // 502: 011011 00000 00010, and ones to the end.
    assert_eq!(digits(&[0b0110_1100, 0b0000_0010]), 502);
    // 431: 011010 011001 00001 and seven ones.
    assert_eq!(digits(&[0b0110_1001, 0b1001_0000, 0b1111_1111]), 431);
    assert_eq!(status_of(&[0x88, 0x01]), 200);
}
