//! The body of a running fill: one writer appends, any number of readers follow at their own pace.
//!
//! A body begins in *keeping* mode: every chunk stays, so that a reader may attach late and the whole can be stored. Once it
//! is known that it will not be stored (too large, not storable, no budget left) it changes to *passing* mode for good:
//! no reader may attach any more, chunks that every reader has passed are dropped, and the writer waits while more than
//! [`PASSING_WINDOW`] bytes are held. A reader that holds the writer up for [`READER_STALL`] is cut off with an error, so
//! that neither memory nor time of the others depends on it.
//!
//! Readers see the end of the body only where the writer said that it is complete; everything else is an error, never a
//! clean end (the mistake behind truncated objects in other caches).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::budget::Reservation;

/// Most bytes that a passing body holds for its slowest reader.
pub const PASSING_WINDOW: u64 = 256 * 1024;
/// How long one reader may hold up a passing body before it is cut off.
pub const READER_STALL: Duration = Duration::from_secs(10);

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
    /// Chunks held, the first of them being number `first`.
    chunks: VecDeque<Bytes>,
    first: u64,
    held: u64,
    total: u64,
    end: Option<Result<(), BodyError>>,
    /// Which chunk each reader wants next.
    readers: HashMap<u64, u64>,
    next_reader: u64,
}

#[derive(Debug)]
enum Mode {
    Keeping(Reservation),
    Passing,
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
            mode: Mode::Keeping(reservation),
            chunks: VecDeque::new(),
            first: 0,
            held: 0,
            total: 0,
            end: None,
            readers: HashMap::new(),
            next_reader: 0,
        };
        let body = Arc::new(Self { state: Mutex::new(state), grown: Notify::new(), consumed: Notify::new() });
        (body.clone(), Writer { body })
    }

    /// Attaches a reader at the beginning; `None` in passing mode, where the beginning may be gone.
    pub fn reader(self: &Arc<Self>) -> Option<Reader> {
        let mut state = self.state.lock();
        if matches!(state.mode, Mode::Passing) {
            return None;
        }
        let id = state.next_reader;
        state.next_reader += 1;
        state.readers.insert(id, 0);
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
        let size = chunk.len() as u64;
        if let Mode::Keeping(reservation) = &mut state.mode
            && !reservation.grow(size)
        {
            state.pass();
        }
        state.held += size;
        state.total += size;
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
        state.pass();
        state.trim();
    }

    /// Bytes appended so far.
    pub fn total(&self) -> u64 {
        self.body.state.lock().total
    }

    /// The body is whole; in keeping mode its chunks are handed back for storing.
    pub fn complete(self) -> Option<Vec<Bytes>> {
        let mut state = self.body.state.lock();
        state.end = Some(Ok(()));
        let chunks = matches!(state.mode, Mode::Keeping(_)).then(|| state.chunks.iter().cloned().collect());
        drop(state);
        self.body.grown.notify_waiters();
        chunks
    }

    fn mode(&self) -> Appended {
        self.body.state.lock().appended()
    }

    /// Waits, in passing mode, until less than a window is held; cuts off who stalls for too long.
    async fn room(&self) -> Result<(), NoReaders> {
        loop {
            let consumed = self.body.consumed.notified();
            {
                let state = self.body.state.lock();
                if matches!(state.mode, Mode::Keeping(_)) {
                    return Ok(());
                }
                if state.readers.is_empty() {
                    return Err(NoReaders);
                }
                if state.held < PASSING_WINDOW {
                    return Ok(());
                }
            }
            if tokio::time::timeout(READER_STALL, consumed).await.is_err() {
                self.body.cut_off_slowest();
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let mut state = self.body.state.lock();
        if state.end.is_none() {
            state.end = Some(Err(BodyError::Incomplete));
            // Nothing will come of what was kept: readers finish what they have seen, with an error at the end.
            state.pass();
        }
        drop(state);
        self.body.grown.notify_waiters();
    }
}

impl Body {
    fn cut_off_slowest(&self) {
        let mut state = self.state.lock();
        if state.held >= PASSING_WINDOW {
            let first = state.first;
            state.readers.retain(|_, next| *next > first);
            state.trim();
        }
        drop(state);
        self.grown.notify_waiters();
    }
}

// === impl State ===

impl State {
    fn appended(&self) -> Appended {
        match self.mode {
            Mode::Keeping(_) => Appended::Kept,
            Mode::Passing => Appended::Passed,
        }
    }

    /// Dropping the reservation gives its bytes back.
    fn pass(&mut self) {
        self.mode = Mode::Passing;
    }

    /// In passing mode, drops what every reader has passed.
    fn trim(&mut self) {
        if matches!(self.mode, Mode::Keeping(_)) {
            return;
        }
        let past = self.first + self.chunks.len() as u64;
        let slowest = self.readers.values().copied().min().unwrap_or(past);
        while self.first < slowest {
            let Some(chunk) = self.chunks.pop_front() else {
                break;
            };
            self.held -= chunk.len() as u64;
            self.first += 1;
        }
    }

    /// The next chunk for reader `id`: `None` where it has to wait.
    fn take(&mut self, id: u64) -> Option<Result<Option<Bytes>, BodyError>> {
        let first = self.first;
        let Some(next) = self.readers.get_mut(&id) else {
            return Some(Err(BodyError::TooSlow));
        };
        let index = usize::try_from(next.saturating_sub(first)).unwrap_or(usize::MAX);
        if let Some(chunk) = self.chunks.get(index) {
            *next += 1;
            let chunk = chunk.clone();
            self.trim();
            return Some(Ok(Some(chunk)));
        }
        self.end.map(|end| end.map(|()| None))
    }
}

// === impl Reader ===

impl Reader {
    /// Whether [`Reader::next`] has something to tell without waiting.
    pub fn is_ready(&self) -> bool {
        let state = self.body.state.lock();
        let next = state.readers.get(&self.id).copied();
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
        state.readers.remove(&self.id);
        state.trim();
        drop(state);
        self.body.consumed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::super::budget::FillBudget;
    use super::*;

    fn body(limit: u64) -> (Arc<Body>, Writer) {
        Body::new(FillBudget::new(limit).reserve())
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
        let (body, writer) = body(100);
        let early = tokio::spawn(read_all(body.reader().unwrap()));
        assert_eq!(writer.append(Bytes::from_static(b"ab")).await, Ok(Appended::Kept));
        let late = tokio::spawn(read_all(body.reader().unwrap()));
        writer.append(Bytes::from_static(b"cd")).await.unwrap();
        assert_eq!(writer.complete().unwrap().concat(), b"abcd");
        assert_eq!(early.await.unwrap().unwrap(), b"abcd");
        assert_eq!(late.await.unwrap().unwrap(), b"abcd");
        assert_eq!(read_all(body.reader().unwrap()).await.unwrap(), b"abcd");
    }

    #[tokio::test]
    async fn a_dropped_writer_is_an_error_and_not_an_end() {
        let (body, writer) = body(100);
        let mut reader = body.reader().unwrap();
        writer.append(Bytes::from_static(b"ab")).await.unwrap();
        drop(writer);
        assert_eq!(reader.next().await, Ok(Some(Bytes::from_static(b"ab"))));
        assert_eq!(reader.next().await, Err(BodyError::Incomplete));
        assert!(body.reader().is_none());
    }

    #[tokio::test]
    async fn without_budget_it_passes_and_hands_back_nothing() {
        let (body, writer) = body(3);
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
}
