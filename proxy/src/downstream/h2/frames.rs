//! The frames that go by on a connection (RFC 9113 §4, §6), as far as they matter for limits.

use super::PREFACE;

/// Kinds of frames.
pub(super) mod kind {
    pub(in crate::downstream::h2) const DATA: u8 = 0x0;
    pub(in crate::downstream::h2) const HEADERS: u8 = 0x1;
    pub(in crate::downstream::h2) const RST_STREAM: u8 = 0x3;
    pub(in crate::downstream::h2) const SETTINGS: u8 = 0x4;
    pub(in crate::downstream::h2) const GOAWAY: u8 = 0x7;
    pub(in crate::downstream::h2) const WINDOW_UPDATE: u8 = 0x8;
    pub(in crate::downstream::h2) const CONTINUATION: u8 = 0x9;
}

/// Flags.
pub(super) const END_STREAM: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;

/// Bytes of a frame's header.
const HEADER: usize = 9;
/// Largest number of a stream, and largest increment of a window.
const MOST_WORD: u32 = 0x7fff_ffff;
/// Bytes of one setting.
const SETTING: usize = 6;

/// Follows the frames of one direction.
#[derive(Debug)]
pub(super) struct Frames {
    /// Bytes of the preface that are to come.
    preface: usize,
    /// What was collected of a header, or of a payload that is looked at.
    held: [u8; HEADER],
    count: usize,
    /// The frame whose payload is on its way, and how much of that is left.
    frame: Option<(Frame, usize)>,
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    /// Bytes of its payload.
    pub(super) length: u32,
}

/// Something that went by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A frame's header.
    Begun(Frame),
    /// A `WINDOW_UPDATE`'s increment, or a `RST_STREAM`'s reason.
    Word(Frame, u32),
    /// One of a SETTINGS frame's.
    Setting(u16, u32),
    /// A frame's last byte.
    Ended(Frame),
}

// === impl Frames ===

impl Frames {
    /// Of a client.
    pub(super) fn coming() -> Self {
        Self { preface: PREFACE.len(), ..Self::going() }
    }

    /// Of a server.
    pub(super) fn going() -> Self {
        Self { preface: 0, held: [0; HEADER], count: 0, frame: None }
    }

    /// Whether no frame is under way.
    pub(super) fn is_between(&self) -> bool {
        self.preface == 0 && self.count == 0 && self.frame.is_none()
    }

    /// Follows them through `bytes`; ends where `on` fails.
    pub(super) fn follow<E>(&mut self, mut bytes: &[u8], mut on: impl FnMut(Event) -> Result<(), E>) -> Result<(), E> {
        let skipped = self.preface.min(bytes.len());
        self.preface -= skipped;
        bytes = &bytes[skipped..];
        while !bytes.is_empty() {
            let Some((frame, left)) = self.frame else {
                bytes = self.hold(bytes, HEADER);
                if self.count == HEADER {
                    self.count = 0;
                    let frame = Frame::of(&self.held);
                    on(Event::Begun(frame))?;
                    self.proceed(frame, frame.length as usize, &mut on)?;
                }
                continue;
            };
            let wanted = frame.looked_at();
            let used = match wanted {
                // What is behind the part that is looked at, and the payloads of all other frames.
                None => left.min(bytes.len()),
                Some(size) => {
                    let before = bytes.len();
                    let here = &bytes[..before.min(left)];
                    let rest = self.hold(here, size);
                    let used = here.len() - rest.len();
                    if self.count == size {
                        self.count = 0;
                        on(frame.event(&self.held))?;
                    }
                    used
                }
            };
            bytes = &bytes[used..];
            self.proceed(frame, left - used, &mut on)?;
        }
        Ok(())
    }

    /// So much of a frame is left.
    fn proceed<E>(&mut self, frame: Frame, left: usize, on: &mut impl FnMut(Event) -> Result<(), E>) -> Result<(), E> {
        self.frame = (left > 0).then_some((frame, left));
        if left > 0 {
            return Ok(());
        }
        self.count = 0;
        on(Event::Ended(frame))
    }

    /// Collects bytes until there are so many; returns what is left.
    fn hold<'b>(&mut self, bytes: &'b [u8], size: usize) -> &'b [u8] {
        let count = (size - self.count).min(bytes.len());
        self.held[self.count..self.count + count].copy_from_slice(&bytes[..count]);
        self.count += count;
        &bytes[count..]
    }
}

// === impl Frame ===

impl Frame {
    fn of(header: &[u8; HEADER]) -> Self {
        let word = |at| header[at..].first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        Self { kind: header[3], flags: header[4], stream: word(5) & MOST_WORD, length: word(0) >> 8 }
    }

    /// A GOAWAY (RFC 9113 §6.8).
    pub(super) fn goaway(last: u32, reason: u32) -> [u8; HEADER + 8] {
        let mut bytes = [0, 0, 8, kind::GOAWAY, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes[9..13].copy_from_slice(&last.to_be_bytes());
        bytes[13..].copy_from_slice(&reason.to_be_bytes());
        bytes
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The size of the records of its payload that are looked at.
    fn looked_at(&self) -> Option<usize> {
        match self.kind {
            kind::RST_STREAM | kind::WINDOW_UPDATE => Some(4),
            kind::SETTINGS => Some(SETTING),
            _ => None,
        }
    }

    fn event(self, held: &[u8; HEADER]) -> Event {
        let word = |at| held[at..].first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        match self.kind {
            kind::SETTINGS => Event::Setting(u16::from_be_bytes([held[0], held[1]]), word(2)),
            // The bit before it says nothing (RFC 9113 §6.9).
            kind::WINDOW_UPDATE => Event::Word(self, word(0) & MOST_WORD),
            _ => Event::Word(self, word(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    fn events(frames: &mut Frames, bytes: &[u8], step: usize) -> Vec<Event> {
        let mut events = Vec::new();
        for piece in bytes.chunks(step) {
            let all: Result<(), ()> = frames.follow(piece, |event| {
                events.push(event);
                Ok(())
            });
            all.unwrap();
        }
        events
    }

    #[test]
    fn frames_are_found_in_any_pieces() {
        let settings = [0, 4, 0, 1, 0, 0, 0, 3, 0, 0, 0, 100];
        let bytes = [
            PREFACE.to_vec(),
            frame(kind::SETTINGS, 0, 0, &settings),
            frame(kind::SETTINGS, 1, 0, &[]),
            frame(kind::HEADERS, END_HEADERS, 1, b"head"),
            frame(kind::DATA, END_STREAM, 1, &[b'x'; 300]),
            frame(kind::WINDOW_UPDATE, 0, 0x8000_0001, &[0x80, 0, 1, 0]),
            frame(kind::RST_STREAM, 0, 3, &[0, 0, 0, 8]),
            Frame::goaway(7, 11).to_vec(),
        ]
        .concat();
        let head = |kind, flags, stream, length| Frame { kind, flags, stream, length };
        let expected = [
            Event::Begun(head(kind::SETTINGS, 0, 0, 12)),
            Event::Setting(4, 65_536),
            Event::Setting(3, 100),
            Event::Ended(head(kind::SETTINGS, 0, 0, 12)),
            Event::Begun(head(kind::SETTINGS, 1, 0, 0)),
            Event::Ended(head(kind::SETTINGS, 1, 0, 0)),
            Event::Begun(head(kind::HEADERS, END_HEADERS, 1, 4)),
            Event::Ended(head(kind::HEADERS, END_HEADERS, 1, 4)),
            Event::Begun(head(kind::DATA, END_STREAM, 1, 300)),
            Event::Ended(head(kind::DATA, END_STREAM, 1, 300)),
            Event::Begun(head(kind::WINDOW_UPDATE, 0, 1, 4)),
            Event::Word(head(kind::WINDOW_UPDATE, 0, 1, 4), 256),
            Event::Ended(head(kind::WINDOW_UPDATE, 0, 1, 4)),
            Event::Begun(head(kind::RST_STREAM, 0, 3, 4)),
            Event::Word(head(kind::RST_STREAM, 0, 3, 4), 8),
            Event::Ended(head(kind::RST_STREAM, 0, 3, 4)),
            Event::Begun(head(kind::GOAWAY, 0, 0, 8)),
            Event::Ended(head(kind::GOAWAY, 0, 0, 8)),
        ];
        for step in 1..=bytes.len() {
            let mut frames = Frames::coming();
            assert_eq!(events(&mut frames, &bytes, step), expected, "by {step}");
            assert!(frames.is_between());
            events(&mut frames, &[0], 1);
            assert!(!frames.is_between());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_pieces_change_nothing(bytes in prop::collection::vec(any::<u8>(), 0..400), step in 1usize..50) {
            let whole = events(&mut Frames::going(), &bytes, bytes.len().max(1));
            prop_assert_eq!(events(&mut Frames::going(), &bytes, step), whole);
        }
    }
}
