//! Who may ask upstreams now, who waits for that, and who is turned away.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Fills that wait for a head at once, all together: the upstream's protection when much is purged (rule 14).
const PLACES: usize = 512;
/// Fills that wait for a place. One more would only hold memory: those before it take longer than its client waits.
const QUEUED: usize = 2048;

/// Places for fills that ask, and a queue before them.
#[derive(Debug)]
pub struct Queue {
    places: Semaphore,
    queued: AtomicUsize,
    longest: usize,
}

/// The queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// A place in the queue, left when this is dropped.
struct Queued<'q>(&'q Queue);

// === impl Queue ===

impl Default for Queue {
    fn default() -> Self {
        Self::new(PLACES, QUEUED)
    }
}

impl Queue {
    fn new(places: usize, longest: usize) -> Self {
        Self { places: Semaphore::new(places), queued: AtomicUsize::new(0), longest }
    }

    /// A place, where there is one at once.
    pub(super) fn try_place(&self) -> Option<SemaphorePermit<'_>> {
        self.places.try_acquire().ok()
    }

    /// A place, at once or after those who came before.
    pub(super) async fn place(&self) -> Result<SemaphorePermit<'_>, Full> {
        if let Some(place) = self.try_place() {
            return Ok(place);
        }
        let queued = Queued(self);
        if self.queued.fetch_add(1, Ordering::Relaxed) >= self.longest {
            return Err(Full);
        }
        let place = self.places.acquire().await;
        drop(queued);
        // The semaphore is never closed.
        place.map_err(|_| Full)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.queued.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn the_queue_is_bounded_and_who_leaves_it_makes_room() {
        let queue = Queue::new(1, 2);
        let place = queue.place().await.unwrap();
        let mut first = Box::pin(queue.place());
        let mut second = Box::pin(queue.place());
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        assert_eq!(queue.place().now_or_never().unwrap().err(), Some(Full));
        drop(first);
        let mut third = Box::pin(queue.place());
        assert!(third.as_mut().now_or_never().is_none());
        drop(place);
        drop(second.await.unwrap());
        drop(third.await.unwrap());
        assert_eq!(queue.queued.load(Ordering::Relaxed), 0);
        assert!(queue.place().now_or_never().unwrap().is_ok());
    }
}
