//! A bounded queue between those who must not wait and a thread that may.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// What waits, up to so much weight.
#[derive(Debug)]
pub(super) struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    changed: Condvar,
    most: u64,
}

#[derive(Debug)]
struct Waiting<T> {
    items: VecDeque<(u64, T)>,
    weight: u64,
    is_closed: bool,
}

/// There is no room, or nobody takes anything any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// What came of waiting.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken<T> {
    /// The next item.
    Item(T),
    /// None came in time.
    Nothing,
    /// The queue is closed, and empty.
    Closed,
}

// === impl Queue ===

impl<T> Queue<T> {
    /// Of at most so much weight. What is heavier by itself finds room where nothing else waits.
    pub(super) fn new(most: u64) -> Self {
        let waiting = Waiting { items: VecDeque::new(), weight: 0, is_closed: false };
        Self { waiting: Mutex::new(waiting), changed: Condvar::new(), most }
    }

    /// Puts an item at the end; never waits.
    pub(super) fn push(&self, weight: u64, item: T) -> Result<(), Full> {
        let mut waiting = self.waiting.lock();
        let fits = waiting.items.is_empty() || waiting.weight.saturating_add(weight) <= self.most;
        if waiting.is_closed || !fits {
            return Err(Full);
        }
        waiting.weight += weight;
        waiting.items.push_back((weight, item));
        drop(waiting);
        self.changed.notify_all();
        Ok(())
    }

    /// Takes the first item, and waits for one as long as that.
    pub(super) fn take(&self, patience: Duration) -> Taken<T> {
        let mut waiting = self.waiting.lock();
        if waiting.items.is_empty() && !waiting.is_closed {
            self.changed.wait_while_for(
                &mut waiting,
                |waiting| waiting.items.is_empty() && !waiting.is_closed,
                patience,
            );
        }
        match waiting.items.pop_front() {
            Some((weight, item)) => {
                waiting.weight -= weight;
                Taken::Item(item)
            }
            None if waiting.is_closed => Taken::Closed,
            None => Taken::Nothing,
        }
    }

    /// Weight of what waits.
    pub(super) fn weight(&self) -> u64 {
        self.waiting.lock().weight
    }

    /// Whether it takes nothing more.
    pub(super) fn is_closed(&self) -> bool {
        self.waiting.lock().is_closed
    }

    /// Takes nothing more; what waits is still taken out.
    pub(super) fn close(&self) {
        self.waiting.lock().is_closed = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn it_holds_so_much_and_keeps_the_order() {
        let queue = Queue::new(10);
        assert_eq!(queue.push(100, 0), Ok(()), "alone it finds room, whatever its weight");
        assert_eq!(queue.push(1, 1), Err(Full));
        assert_eq!(queue.take(AT_ONCE), Taken::Item(0));
        assert_eq!((queue.push(6, 2), queue.push(4, 3), queue.push(1, 4)), (Ok(()), Ok(()), Err(Full)));
        assert_eq!(queue.weight(), 10);
        assert_eq!((queue.take(AT_ONCE), queue.take(AT_ONCE)), (Taken::Item(2), Taken::Item(3)));
        assert_eq!(queue.take(AT_ONCE), Taken::Nothing);
        queue.push(1, 5).unwrap();
        queue.close();
        assert_eq!(queue.push(1, 6), Err(Full));
        assert_eq!((queue.take(LONG), queue.take(LONG)), (Taken::Item(5), Taken::Closed));
    }
}
