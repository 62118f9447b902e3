//! The parsers of heads and contents, for the fuzz targets.

use super::content::Content;
use super::frame::Framing;
use super::head::parse;
use super::known::Known;
use crate::downstream::Limits;
use crate::fast::RequestHead;

/// A head that was accepted.
#[derive(Debug)]
pub struct Head<'b> {
    /// Its bytes.
    pub length: usize,
    /// What it says.
    pub request: RequestHead<'b>,
    /// The length of its content; `None` where that comes in chunks.
    pub content_length: Option<u64>,
    /// Whether it asks for another protocol.
    pub upgrades: bool,
}

/// Shows `then` what the parser makes of bytes: a head, nothing yet, or the status of a refusal.
pub fn parse_head<R>(bytes: &[u8], limits: &Limits, then: impl FnOnce(Result<Option<Head<'_>>, u16>) -> R) -> R {
    // What the last input has left is known, as what other connections have left is.
    Known::with(|known| {
        let parsed = parse(bytes, known, limits).map_err(|malformed| malformed.status().as_u16());
        then(parsed.map(|head| {
            head.map(|head| {
                let content_length = match head.frame.framing {
                    Framing::Length(length) => Some(length),
                    Framing::Chunked => None,
                };
                Head { length: head.length, request: head.request, content_length, upgrades: head.frame.upgrades }
            })
        }))
    })
}

/// Follows chunked content through these pieces, up to its end: the bytes that belong to it, those of them that are data, and whether it
/// has ended; `None` where it is malformed.
pub fn chunked<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> Option<(usize, usize, bool)> {
    let mut content = Content::new(Framing::Chunked);
    let (mut used, mut data) = (0, 0);
    for piece in pieces {
        if content.is_ended() {
            break;
        }
        let (here, data_here) = content.take(piece).ok()?;
        assert!(here == piece.len() || content.is_ended(), "bytes of a content that goes on are left");
        used += here;
        data += data_here;
    }
    Some((used, data, content.is_ended()))
}
