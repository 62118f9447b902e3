//! The body of a running fill: one writer appends, any number of readers follow at their own pace.
//!
//! A body begins in *keeping* mode: every chunk stays, so that a reader may attach late and the whole can be stored. Once it
//! is known that it will not be stored (too large, not storable, no budget left) it changes to *passing* mode for good:
//! no reader may attach any more, chunks that every reader has passed are dropped, and the writer waits while more than
//! [`PASSING_WINDOW`] bytes are held, or any where there is no room left at all. A reader that holds the writer up for
//! [`READER_STALL`], or others for longer than that and what [`SHARED_RATE`] allows, is cut off with an error, so that neither memory
//! nor time of the others depends on it.
//!
//! All that is held is counted in the store's budget, as long as it is.
//!
//! Readers see the end of the body only where the writer said that it is complete; everything else is an error, never a
//! clean end (the mistake behind truncated objects in other caches).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::budget::Reservation;
use crate::store::{Charge, cost};

/// Most bytes that a passing body holds for its slowest reader.
pub const PASSING_WINDOW: u64 = 256 * 1024;
/// How long one reader may hold up a passing body before it is cut off: at once, and all in all where others wait for it.
pub const READER_STALL: Duration = Duration::from_secs(10);
/// Bytes a second, from the beginning on, that a reader may be slowed down to by others who read the same passing body.
pub const SHARED_RATE: u64 = 128 * 1024;

/// Why a reader gets no more of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The upstream hung up, timed out or ended short of what it had announced.
    #[error("the upstream's response ended before it was complete")]
    Incomplete,
    /// This reader was too slow for a body that is not kept.
    #[error("the client read too slowly for a response that is not kept")]
    TooSlow,
}

/// Nobody is left to read a body that is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no reader is left")]
pub struct NoReaders;

/// What readers share with the writer.
#[derive(Debug)]
pub struct Body {
    state: Mutex<State>,
    /// Wakes readers: chunks were added, or the end is known.
    grown: Notify,
    /// Wakes the writer: a reader moved on or left.
    consumed: Notify,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    /// Counts what is held.
    reservation: Reservation,
    /// Chunks held, the first of them being number `first`.
    chunks: VecDeque<Bytes>,
    first: u64,
    /// What they cost, in bytes.
    held: u64,
    total: u64,
    end: Option<Result<(), BodyError>>,
    /// Most bodies have one.
    readers: SmallVec<[Place; 1]>,
    next_reader: u64,
}

/// Where a reader is.
#[derive(Debug, Default)]
struct Place {
    reader: u64,
    /// The chunk that it wants next.
    next: u64,
    /// Bytes that it took.
    taken: u64,
    /// How long others have waited for it.
    held_up: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Keeping,
    Passing,
}

/// A body that was kept to its end.
#[derive(Debug)]
pub struct Whole {
    /// Its chunks.
    pub chunks: Vec<Bytes>,
    /// What counts them, as long as either this body's readers or who stores it are there.
    pub charge: Arc<Charge>,
}

/// The only one who may append; dropped without [`Writer::complete`], the body has failed.
#[derive(Debug)]
pub struct Writer {
    body: Arc<Body>,
}

/// One reader's place in a body.
#[derive(Debug)]
pub struct Reader {
    body: Arc<Body>,
    id: u64,
}

/// What became of an appended chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// The body can still be stored.
    Kept,
    /// The body cannot be stored (any more).
    Passed,
}

// === impl Body ===

impl Body {
    /// An empty body in keeping mode, with its writer; `reservation` accounts for the bytes that it keeps.
    pub fn new(reservation: Reservation) -> (Arc<Self>, Writer) {
        let state = State {
            mode: Mode::Keeping,
            reservation,
            chunks: VecDeque::new(),
            first: 0,
            held: 0,
            total: 0,
            end: None,
            readers: SmallVec::new(),
            next_reader: 0,
        };
        let body = Arc::new(Self { state: Mutex::new(state), grown: Notify::new(), consumed: Notify::new() });
        (body.clone(), Writer { body })
    }

    /// Attaches a reader at the beginning; `None` in passing mode, where the beginning may be gone.
    pub fn reader(self: &Arc<Self>) -> Option<Reader> {
        let mut state = self.state.lock();
        if state.mode == Mode::Passing {
            return None;
        }
        let id = state.next_reader;
        state.next_reader += 1;
        state.readers.push(Place { reader: id, ..Place::default() });
        drop(state);
        Some(Reader { body: self.clone(), id })
    }
}

// === impl Writer ===

impl Writer {
    /// Appends a chunk; in passing mode it waits until there is room for it.
    pub async fn append(&self, chunk: Bytes) -> Result<Appended, NoReaders> {
        if chunk.is_empty() {
            return Ok(self.mode());
        }
        self.room().await?;
        let mut state = self.body.state.lock();
        let held = cost(chunk.len()) as u64;
        if state.mode == Mode::Keeping && !state.reservation.grow(held) {
            state.mode = Mode::Passing;
        }
        if state.mode == Mode::Passing {
            state.reservation.force(held);
        }
        state.held += held;
        state.total += chunk.len() as u64;
        state.chunks.push_back(chunk);
        state.trim();
        let appended = state.appended();
        drop(state);
        self.body.grown.notify_waiters();
        Ok(appended)
    }

    /// Gives up keeping: from now on chunks are dropped once all readers have them.
    pub fn pass(&self) {
        let mut state = self.body.state.lock();
        state.mode = Mode::Passing;
        state.trim();
    }

    /// Bytes appended so far.
    pub fn total(&self) -> u64 {
        self.body.state.lock().total
    }

    /// The body is whole; in keeping mode its chunks are handed back for storing.
    pub fn complete(self) -> Option<Whole> {
        let mut state = self.body.state.lock();
        state.end = Some(Ok(()));
        let whole = (state.mode == Mode::Keeping)
            .then(|| Whole { chunks: state.chunks.iter().cloned().collect(), charge: state.reservation.whole() });
        drop(state);
        self.body.grown.notify_waiters();
        whole
    }

    fn mode(&self) -> Appended {
        self.body.state.lock().appended()
    }

    /// Waits, in passing mode, until less than a window is held; cuts off who stalls for too long.
    async fn room(&self) -> Result<(), NoReaders> {
        loop {
            let consumed = self.body.consumed.notified();
            let patience = {
                let state = self.body.state.lock();
                if state.mode == Mode::Keeping {
                    return Ok(());
                }
                if state.readers.is_empty() {
                    return Err(NoReaders);
                }
                if state.held < state.window() {
                    return Ok(());
                }
                state.patience()
            };
            let begun = Instant::now();
            let stalled = tokio::time::timeout(patience, consumed).await.is_err();
            self.body.waited(begun.elapsed(), stalled);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let mut state = self.body.state.lock();
        if state.end.is_none() {
            state.end = Some(Err(BodyError::Incomplete));
            // Nothing will come of what was kept: readers finish what they have seen, with an error at the end.
            state.mode = Mode::Passing;
        }
        drop(state);
        self.body.grown.notify_waiters();
    }
}

impl Body {
    /// The writer has waited so long for the slowest; where it stalled to the end of the [patience](State::patience), it is cut off.
    fn waited(&self, time: Duration, stalled: bool) {
        let mut state = self.state.lock();
        if stalled && state.held >= state.window() {
            let first = state.first;
            state.readers.retain(|place| place.next > first);
            state.trim();
            drop(state);
            self.grown.notify_waiters();
        } else {
            state.charge(time);
        }
    }
}

// === impl State ===

impl State {
    fn appended(&self) -> Appended {
        match self.mode {
            Mode::Keeping => Appended::Kept,
            Mode::Passing => Appended::Passed,
        }
    }

    /// For how many bytes the writer waits.
    fn window(&self) -> u64 {
        if self.reservation.is_over() { 1 } else { PASSING_WINDOW }
    }

    /// In passing mode, drops what every reader has passed.
    fn trim(&mut self) {
        if self.mode == Mode::Keeping {
            return;
        }
        let past = self.first + self.chunks.len() as u64;
        let slowest = self.readers.iter().map(|place| place.next).min().unwrap_or(past);
        while self.first < slowest {
            let Some(chunk) = self.chunks.pop_front() else {
                break;
            };
            let held = cost(chunk.len()) as u64;
            self.reservation.shrink(held);
            self.held -= held;
            self.first += 1;
        }
    }

    /// How long the slowest may now be waited for: others who have all that came do not wait for it again and again.
    fn patience(&self) -> Duration {
        if !self.starves() {
            return READER_STALL;
        }
        let slowest = self.readers.iter().filter(|place| place.next <= self.first);
        slowest.map(Place::patience).min().unwrap_or(READER_STALL)
    }

    /// The slowest have been waited for so long.
    fn charge(&mut self, time: Duration) {
        if self.starves() {
            let first = self.first;
            for place in self.readers.iter_mut().filter(|place| place.next <= first) {
                place.held_up += time;
            }
        }
    }

    /// Whether some reader has all that came.
    fn starves(&self) -> bool {
        let past = self.first + self.chunks.len() as u64;
        self.readers.iter().any(|place| place.next >= past)
    }

    /// The next chunk for reader `id`: `None` where it has to wait.
    fn take(&mut self, id: u64) -> Option<Result<Option<Bytes>, BodyError>> {
        let first = self.first;
        let Some(place) = self.readers.iter_mut().find(|place| place.reader == id) else {
            return Some(Err(BodyError::TooSlow));
        };
        let index = usize::try_from(place.next.saturating_sub(first)).unwrap_or(usize::MAX);
        if let Some(chunk) = self.chunks.get(index) {
            place.next += 1;
            place.taken += chunk.len() as u64;
            let chunk = chunk.clone();
            self.trim();
            return Some(Ok(Some(chunk)));
        }
        self.end.map(|end| end.map(|()| None))
    }
}

// === impl Place ===

impl Place {
    /// How long others may still wait for this reader, now and all in all.
    fn patience(&self) -> Duration {
        let earned = Duration::from_millis(self.taken.saturating_mul(1000) / SHARED_RATE);
        READER_STALL.saturating_add(earned).saturating_sub(self.held_up).min(READER_STALL)
    }
}

// === impl Reader ===

impl Reader {
    /// Whether [`Reader::next`] has something to tell without waiting.
    pub fn is_ready(&self) -> bool {
        let state = self.body.state.lock();
        let next = state.readers.iter().find(|place| place.reader == self.id).map(|place| place.next);
        next.is_none_or(|next| next < state.first + state.chunks.len() as u64) || state.end.is_some()
    }

    /// The next chunk; `None` at the end of a complete body.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            // Registered before the state is looked at, so that no growth between the two is missed.
            let mut grown = std::pin::pin!(self.body.grown.notified());
            grown.as_mut().enable();
            let taken = self.body.state.lock().take(self.id);
            match taken {
                Some(result) => {
                    self.body.consumed.notify_one();
                    return result;
                }
                None => grown.await,
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.body.state.lock();
        state.readers.retain(|place| place.reader != self.id);
        state.trim();
        drop(state);
        self.body.consumed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::super::budget::FillBudget;
    use super::*;
    use crate::store::testing::store;

    fn body(limit: u64) -> (Arc<Body>, Writer) {
        Body::new(FillBudget::new(Arc::new(store(limit))).reserve())
    }

    async fn read_all(mut reader: Reader) -> Result<Vec<u8>, BodyError> {
        let mut all = Vec::new();
        while let Some(chunk) = reader.next().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn early_and_late_readers_get_the_whole() {
        let (body, writer) = body(1_000);
        let early = tokio::spawn(read_all(body.reader().unwrap()));
        assert_eq!(writer.append(Bytes::from_static(b"ab")).await, Ok(Appended::Kept));
        let late = tokio::spawn(read_all(body.reader().unwrap()));
        writer.append(Bytes::from_static(b"cd")).await.unwrap();
        assert_eq!(writer.complete().unwrap().chunks.concat(), b"abcd");
        assert_eq!(early.await.unwrap().unwrap(), b"abcd");
        assert_eq!(late.await.unwrap().unwrap(), b"abcd");
        assert_eq!(read_all(body.reader().unwrap()).await.unwrap(), b"abcd");
    }

    #[tokio::test]
    async fn a_dropped_writer_is_an_error_and_not_an_end() {
        let (body, writer) = body(1_000);
        let mut reader = body.reader().unwrap();
        writer.append(Bytes::from_static(b"ab")).await.unwrap();
        drop(writer);
        assert_eq!(reader.next().await, Ok(Some(Bytes::from_static(b"ab"))));
        assert_eq!(reader.next().await, Err(BodyError::Incomplete));
        assert!(body.reader().is_none());
    }

    #[tokio::test]
    async fn without_budget_it_passes_and_hands_back_nothing() {
        let (body, writer) = body(300);
        let reader = body.reader().unwrap();
        assert_eq!(writer.append(Bytes::from_static(b"ab")).await, Ok(Appended::Kept));
        assert_eq!(writer.append(Bytes::from_static(b"cd")).await, Ok(Appended::Passed));
        assert!(body.reader().is_none());
        assert!(writer.complete().is_none());
        assert_eq!(read_all(reader).await.unwrap(), b"abcd");
    }

    #[tokio::test]
    async fn passing_holds_a_window_and_ends_when_the_last_reader_leaves() {
        let (body, writer) = body(1 << 30);
        let mut reader = body.reader().unwrap();
        writer.pass();
        let chunk = Bytes::from(vec![7u8; usize::try_from(PASSING_WINDOW).unwrap()]);
        writer.append(chunk.clone()).await.unwrap();
        // The window is full: the second append is pending until the reader takes the first chunk.
        let mut second = std::pin::pin!(writer.append(chunk.clone()));
        assert!(futures_util::poll!(second.as_mut()).is_pending());
        assert_eq!(reader.next().await, Ok(Some(chunk.clone())));
        assert_eq!(second.await, Ok(Appended::Passed));
        let mut third = std::pin::pin!(writer.append(chunk));
        assert!(futures_util::poll!(third.as_mut()).is_pending());
        drop(reader);
        assert_eq!(third.await, Err(NoReaders));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_reader_is_cut_off_and_the_others_go_on() {
        let (body, writer) = body(1 << 30);
        let mut stalled = body.reader().unwrap();
        let mut brisk = body.reader().unwrap();
        writer.pass();
        let chunk = Bytes::from(vec![7u8; usize::try_from(PASSING_WINDOW).unwrap()]);
        writer.append(chunk.clone()).await.unwrap();
        brisk.next().await.unwrap();
        writer.append(chunk).await.unwrap();
        assert_eq!(stalled.next().await, Err(BodyError::TooSlow));
        assert!(brisk.next().await.unwrap().is_some());
    }

    /// A shared body of windows, of which `slow` takes one each `pause` and another reader all at once: how many windows the slow one
    /// got, and whether it was cut off.
    async fn shared(pause: Duration, windows: usize) -> (usize, bool) {
        let (body, writer) = body(1 << 30);
        let mut slow = body.reader().unwrap();
        let brisk = tokio::spawn(read_all(body.reader().unwrap()));
        writer.pass();
        let chunk = Bytes::from(vec![7u8; usize::try_from(PASSING_WINDOW).unwrap()]);
        let writing = tokio::spawn(async move {
            for _ in 0..windows {
                writer.append(chunk.clone()).await.unwrap();
            }
            writer.complete();
        });
        let mut got = 0;
        let cut_off = loop {
            tokio::time::sleep(pause).await;
            match slow.next().await {
                Ok(Some(_)) => got += 1,
                Ok(None) => break false,
                Err(error) => break error == BodyError::TooSlow,
            }
        };
        writing.await.unwrap();
        assert_eq!(brisk.await.unwrap().unwrap().len(), windows * usize::try_from(PASSING_WINDOW).unwrap());
        (got, cut_off)
    }

    #[tokio::test(start_paused = true)]
    async fn others_do_not_wait_for_a_slow_reader_again_and_again() {
        // Two seconds a window are the shared rate.
        assert_eq!(shared(Duration::from_secs(2), 50).await, (50, false));
        let (got, cut_off) = shared(Duration::from_secs(5), 50).await;
        assert!(cut_off && (2..8).contains(&got), "{got}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_that_is_alone_holds_nobody_up() {
        let (body, writer) = body(1 << 30);
        let mut slow = body.reader().unwrap();
        writer.pass();
        let chunk = Bytes::from(vec![7u8; usize::try_from(PASSING_WINDOW).unwrap()]);
        tokio::spawn(async move {
            for _ in 0..50 {
                writer.append(chunk.clone()).await.unwrap();
            }
            writer.complete();
        });
        let mut got = 0;
        while slow.next().await.unwrap().is_some() {
            got += 1;
            tokio::time::sleep(Duration::from_secs(9)).await;
        }
        assert_eq!(got, 50);
    }
}
