//! What a client does with a connection's streams: how many it resets, what it sends besides heads and content, and for which
//! streams this edge waits for it, to send content or to let some be sent.

use std::collections::HashMap;

use super::super::deadline::{Millis, Watch, millis};
use super::super::metrics::Limit;
use super::super::pacing::Pacing;
use super::frames::{END_HEADERS, END_STREAM, Event, Frame, kind};
use crate::downstream::{H2Limits, Limits, Pace};

/// Initial window of streams, where no setting says otherwise (RFC 9113 §6.9.2).
const INITIAL_WINDOW: i64 = 65_535;
/// The setting that says otherwise (RFC 9113 §6.5.2).
const INITIAL_WINDOW_SIZE: u16 = 4;
/// Reasons of resets that a client's mistake is the cause of (RFC 9113 §7).
const MISTAKES: [u32; 4] = [0x1, 0x3, 0x5, 0x6];
/// Frames that one with a head or content may bring along: `WINDOW_UPDATEs` of the stream and the connection.
const BROUGHT: u32 = 2;

/// Streams that are kept in mind, for each that may be served at once.
const MOST_TRACKED: usize = 2;

/// One connection's streams.
#[derive(Debug)]
pub(super) struct Streams {
    each: HashMap<u32, Stream>,
    /// The newest that the client opened.
    last: u32,
    /// How many there were.
    requests: u64,
    /// What may come, and what may go, of all streams together.
    coming: i64,
    going: i64,
    /// Initial windows of streams.
    coming_initial: i64,
    going_initial: i64,
    /// The initial window that a frame of settings says, until its end.
    going_next: Option<i64>,
    /// Since when a head, or the first one, is on its way.
    head_since: Option<Millis>,
    /// Since when there is no stream.
    idle_since: Option<Millis>,
    resets: Meter,
    frames: Meter,
    content: u32,
}

/// One stream.
#[derive(Debug)]
struct Stream {
    opened: Millis,
    /// Its request, until all of it came.
    coming: Option<Half>,
    /// Its response, from its head to its end.
    going: Option<Half>,
    /// Whether the response is over.
    is_answered: bool,
    /// What the client lets go of the response, also before there is one.
    window: i64,
}

/// One direction of a stream.
#[derive(Debug)]
struct Half {
    window: i64,
    pacing: Pacing,
    is_waiting: bool,
}

/// Counts within [`H2Limits::WINDOW`].
#[derive(Debug, Default)]
struct Meter {
    since: Millis,
    count: u32,
}

// === impl Streams ===

impl Streams {
    /// Of a connection that is opened `now`, by which this edge lets `coming` bytes come in all streams and `coming_initial` in each.
    pub(super) fn new(now: Millis, coming: i64, coming_initial: i64) -> Self {
        Self {
            each: HashMap::new(),
            last: 0,
            requests: 0,
            coming,
            going: INITIAL_WINDOW,
            coming_initial,
            going_initial: INITIAL_WINDOW,
            going_next: None,
            head_since: None,
            idle_since: Some(now),
            resets: Meter::default(),
            frames: Meter::default(),
            content: 0,
        }
    }

    /// The newest stream that the client opened.
    pub(super) fn last(&self) -> u32 {
        self.last
    }

    /// How many requests there were.
    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// Whether the client is waited for, so that [`Streams::check`] is to be called now and then.
    pub(super) fn is_waiting(&self) -> bool {
        self.idle_since.is_some() || self.head_since.is_some() || self.each.values().any(Stream::is_waiting)
    }

    /// Something came. An error where that is one time too often.
    pub(super) fn came(&mut self, now: Millis, limits: &Limits, event: Event) -> Result<(), Limit> {
        let heeded = self.came_in(now, limits, event);
        self.look_whether_idle(now);
        heeded
    }

    fn look_whether_idle(&mut self, now: Millis) {
        self.idle_since = if self.each.is_empty() { self.idle_since.or(Some(now)) } else { None };
    }

    fn came_in(&mut self, now: Millis, limits: &Limits, event: Event) -> Result<(), Limit> {
        match event {
            Event::Begun(frame) => self.came_frame(now, limits, frame),
            Event::Word(frame, word) if frame.kind == kind::WINDOW_UPDATE => {
                self.let_go(now, limits, frame.stream, i64::from(word));
                Ok(())
            }
            Event::Word(frame, _) => {
                self.each.remove(&frame.stream);
                self.reset(now, limits)
            }
            Event::Setting(INITIAL_WINDOW_SIZE, size) => {
                self.going_next = Some(i64::from(size));
                Ok(())
            }
            Event::Ended(frame) if frame.kind == kind::SETTINGS => {
                self.set_initial(now, limits);
                Ok(())
            }
            Event::Ended(frame) if matches!(frame.kind, kind::HEADERS | kind::CONTINUATION) => {
                if frame.has(END_HEADERS) {
                    self.head_since = None;
                }
                Ok(())
            }
            Event::Setting(..) | Event::Ended(_) => Ok(()),
        }
    }

    /// Of the settings of one frame the last counts: a frame can hold thousands.
    fn set_initial(&mut self, now: Millis, limits: &Limits) {
        let Some(initial) = self.going_next.take() else {
            return;
        };
        let change = initial - self.going_initial;
        self.going_initial = initial;
        for stream in self.each.values_mut() {
            stream.window += change;
            if let Some(going) = &mut stream.going {
                going.window += change;
            }
        }
        self.settle_all(now, limits);
    }

    fn came_frame(&mut self, now: Millis, limits: &Limits, frame: Frame) -> Result<(), Limit> {
        match frame.kind {
            kind::HEADERS => {
                self.content = self.content.saturating_add(1);
                self.head_since.get_or_insert(now);
                if frame.stream > self.last {
                    self.open(now, limits, frame);
                } else if let Some(stream) = self.each.get_mut(&frame.stream) {
                    // Trailers.
                    stream.coming = None;
                    self.forget(frame.stream);
                }
            }
            kind::DATA if frame.length > 0 || frame.has(END_STREAM) => {
                self.content = self.content.saturating_add(1);
                self.coming -= i64::from(frame.length);
                let is_open = self.coming > 0;
                if let Some(stream) = self.each.get_mut(&frame.stream) {
                    if frame.has(END_STREAM) {
                        stream.coming = None;
                    } else if let Some(coming) = &mut stream.coming {
                        coming.window -= i64::from(frame.length);
                        let is_waiting = is_open && coming.window > 0;
                        coming.settle(now, &limits.body, u64::from(frame.length), is_waiting);
                    }
                }
                self.forget(frame.stream);
                if !is_open {
                    self.settle_all(now, limits);
                }
            }
            kind::RST_STREAM => {}
            _ => return self.came_beside(now, limits),
        }
        Ok(())
    }

    fn open(&mut self, now: Millis, limits: &Limits, frame: Frame) {
        self.last = frame.stream;
        self.requests += 1;
        // So many are never served at once: what is beyond is refused, or nobody looks at it since the connection ends.
        if self.each.len() >= MOST_TRACKED * limits.h2.streams as usize {
            return;
        }
        let half = || {
            let mut half = Half { window: self.coming_initial, pacing: Pacing::default(), is_waiting: false };
            half.begin(now, self.coming > 0);
            half
        };
        let coming = (!frame.has(END_STREAM)).then(half);
        let stream = Stream { opened: now, coming, going: None, is_answered: false, window: self.going_initial };
        self.each.insert(frame.stream, stream);
    }

    /// A frame came that carries neither head nor content.
    fn came_beside(&mut self, now: Millis, limits: &Limits) -> Result<(), Limit> {
        if self.frames.add(now) == 1 {
            self.content = 0;
        }
        let brought = self.content.saturating_mul(BROUGHT);
        if self.frames.count.saturating_sub(brought) > limits.h2.frames { Err(Limit::H2Frames) } else { Ok(()) }
    }

    fn reset(&mut self, now: Millis, limits: &Limits) -> Result<(), Limit> {
        if self.resets.add(now) > limits.h2.resets { Err(Limit::H2Resets) } else { Ok(()) }
    }

    /// Something went. An error where the client has made too many mistakes.
    pub(super) fn went(&mut self, now: Millis, limits: &Limits, event: Event) -> Result<(), Limit> {
        let heeded = self.went_out(now, limits, event);
        self.look_whether_idle(now);
        heeded
    }

    fn went_out(&mut self, now: Millis, limits: &Limits, event: Event) -> Result<(), Limit> {
        match event {
            Event::Begun(frame) if frame.kind == kind::HEADERS => {
                if let Some(stream) = self.each.get_mut(&frame.stream) {
                    let window = stream.window;
                    stream.going = Some(Half { window, pacing: Pacing::default(), is_waiting: false });
                }
                self.end_going(frame);
                self.settle_going(now, limits, frame.stream, 0);
            }
            Event::Begun(frame) if frame.kind == kind::DATA => {
                self.content = self.content.saturating_add(1);
                let was_open = self.going > 0;
                self.going -= i64::from(frame.length);
                if let Some(going) = self.each.get_mut(&frame.stream).and_then(|stream| stream.going.as_mut()) {
                    going.window -= i64::from(frame.length);
                }
                self.end_going(frame);
                self.settle_going(now, limits, frame.stream, u64::from(frame.length));
                if was_open && self.going <= 0 {
                    self.settle_all(now, limits);
                }
            }
            Event::Word(frame, reason) if frame.kind == kind::RST_STREAM => {
                self.each.remove(&frame.stream);
                if MISTAKES.contains(&reason) {
                    return self.reset(now, limits);
                }
            }
            Event::Word(frame, more) => {
                if frame.stream == 0 {
                    self.coming += i64::from(more);
                } else if let Some(coming) = self.each.get_mut(&frame.stream).and_then(|stream| stream.coming.as_mut())
                {
                    coming.window += i64::from(more);
                }
                self.settle_all(now, limits);
            }
            Event::Begun(_) | Event::Setting(..) | Event::Ended(_) => {}
        }
        Ok(())
    }

    /// A response is over with this frame, where it says so.
    fn end_going(&mut self, frame: Frame) {
        if frame.has(END_STREAM)
            && let Some(stream) = self.each.get_mut(&frame.stream)
        {
            stream.going = None;
            stream.is_answered = true;
            self.forget(frame.stream);
        }
    }

    /// Nothing is kept of a stream that is over.
    fn forget(&mut self, stream: u32) {
        if self.each.get(&stream).is_some_and(|stream| stream.is_answered && stream.coming.is_none()) {
            self.each.remove(&stream);
        }
    }

    /// The client lets more go.
    fn let_go(&mut self, now: Millis, limits: &Limits, stream: u32, more: i64) {
        if stream == 0 {
            let was_shut = self.going <= 0;
            self.going += more;
            if was_shut && self.going > 0 {
                self.settle_all(now, limits);
            }
        } else if let Some(found) = self.each.get_mut(&stream) {
            found.window += more;
            if let Some(going) = &mut found.going {
                going.window += more;
            }
            self.settle_going(now, limits, stream, 0);
        }
    }

    fn settle_going(&mut self, now: Millis, limits: &Limits, stream: u32, bytes: u64) {
        let is_shut = self.going <= 0;
        if let Some(going) = self.each.get_mut(&stream).and_then(|stream| stream.going.as_mut()) {
            let is_waiting = is_shut || going.window <= 0;
            going.settle(now, &limits.response, bytes, is_waiting);
        }
    }

    /// What is waited for has changed for all streams.
    fn settle_all(&mut self, now: Millis, limits: &Limits) {
        let (is_open, is_shut) = (self.coming > 0, self.going <= 0);
        for stream in self.each.values_mut() {
            if let Some(coming) = &mut stream.coming {
                let is_waiting = is_open && coming.window > 0;
                coming.settle(now, &limits.body, 0, is_waiting);
            }
            if let Some(going) = &mut stream.going {
                let is_waiting = is_shut || going.window <= 0;
                going.settle(now, &limits.response, 0, is_waiting);
            }
        }
    }

    /// Whether the client lets this edge wait too long for anything.
    pub(super) fn check(&self, now: Millis, limits: &Limits) -> Result<(), Limit> {
        let is_over = |since: Millis, longest: Millis| Watch::is_over(since.saturating_add(longest), now);
        if self.head_since.is_some_and(|since| is_over(since, millis(limits.head_timeout))) {
            return Err(Limit::HeadTimeout);
        }
        if self.idle_since.is_some_and(|since| is_over(since, millis(limits.idle_timeout))) {
            return Err(Limit::IdleTimeout);
        }
        for stream in self.each.values() {
            if let Some(coming) = &stream.coming {
                if coming.is_over(now, &limits.body) {
                    return Err(Limit::BodyRate);
                }
                if coming.is_waiting && is_over(stream.opened, millis(limits.body_timeout)) {
                    return Err(Limit::BodyTimeout);
                }
            }
            if stream.going.as_ref().is_some_and(|going| going.is_over(now, &limits.response)) {
                return Err(Limit::ResponseRate);
            }
        }
        Ok(())
    }
}

// === impl Stream ===

impl Stream {
    fn is_waiting(&self) -> bool {
        let is_waiting = |half: &Option<Half>| half.as_ref().is_some_and(|half| half.is_waiting);
        is_waiting(&self.coming) || is_waiting(&self.going)
    }
}

// === impl Half ===

impl Half {
    fn begin(&mut self, now: Millis, is_waiting: bool) {
        self.is_waiting = is_waiting && self.window > 0;
        if self.is_waiting {
            self.pacing.begin(now);
        }
    }

    /// So many bytes moved, and the client is waited for from now on, or not.
    fn settle(&mut self, now: Millis, pace: &Pace, bytes: u64, is_waiting: bool) {
        if bytes > 0 || is_waiting != self.is_waiting {
            self.pacing.go_on(now, pace, bytes);
        }
        self.is_waiting = is_waiting;
        if is_waiting {
            self.pacing.wait(now, pace);
        }
    }

    /// Whether the client has fallen behind too far; who drips has at times just gone on.
    fn is_over(&self, now: Millis, pace: &Pace) -> bool {
        Watch::is_over(self.pacing.until(now, pace), now)
    }
}

// === impl Meter ===

impl Meter {
    /// Counts one more; returns how many there are.
    fn add(&mut self, now: Millis) -> u32 {
        if now.saturating_sub(self.since) >= millis(H2Limits::WINDOW) {
            *self = Self { since: now, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        self.count
    }
}

#[cfg(test)]
mod tests;
