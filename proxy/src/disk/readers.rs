//! Threads that read, so that none that serves ever waits for the disk.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::queue::{Queue, Taken};

/// How many there are: enough to keep a disk busy.
const THREADS: usize = 4;
/// Most reads that wait for one of them: past it a look is a miss.
const MOST_WAITING: u64 = 256;
/// How long a thread waits before it looks around.
const TICK: Duration = Duration::from_secs(1);

/// The threads' work.
#[derive(Debug)]
pub(super) struct Readers(Arc<Queue<Work>>);

struct Work(Box<dyn FnOnce() + Send>);

/// Nothing came in time, or too many were waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slow;

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Work")
    }
}

impl Readers {
    /// Starts them.
    pub(super) fn start() -> std::io::Result<Self> {
        let queue = Arc::new(Queue::new(MOST_WAITING));
        for number in 0..THREADS {
            let queue = queue.clone();
            std::thread::Builder::new().name(format!("disk-read-{number}")).spawn(move || work(&queue))?;
        }
        Ok(Self(queue))
    }

    /// Has something read, and waits as long as that.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        patience: Duration,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Slow> {
        let (sender, receiver) = oneshot::channel();
        let work = move || {
            // Who has stopped waiting needs nothing read.
            if !sender.is_closed() {
                let _ = sender.send(read());
            }
        };
        self.0.push(1, Work(Box::new(work))).map_err(|_| Slow)?;
        tokio::time::timeout(patience, receiver).await.map_err(|_| Slow)?.map_err(|_| Slow)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn work(queue: &Queue<Work>) {
    loop {
        match queue.take(TICK) {
            Taken::Item(Work(work)) => work(),
            Taken::Nothing => {}
            Taken::Closed => return,
        }
    }
}
