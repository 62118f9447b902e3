//! Lines on their way to standard error: gathered in memory, and written by a thread of their own, many at once.
//!
//! Whoever logs never waits for who reads the log. What does not fit while the reader is slow is dropped, and counted.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes that wait to be written, at most; as many are being written.
const ROOM: usize = 2 << 20;
/// How long lines are gathered before they are written.
const GATHERED: Duration = Duration::from_millis(10);
/// How long the end waits for what is still to be written.
const LAST: Duration = Duration::from_secs(1);

/// The lines.
#[derive(Debug)]
pub struct Lines {
    state: Mutex<State>,
    /// Something for the writer to do, or, once it is told to stop, that it has stopped.
    changed: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    writer: Writer,
}

/// What the writer does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Writer {
    /// It has nothing to do, and is to be woken.
    #[default]
    Idle,
    /// It will look by itself.
    Busy,
    /// It is to write what there is, and end.
    Stopping,
    /// It has ended.
    Stopped,
}

// === impl Lines ===

impl Lines {
    /// Lines that go to `output`; `None` where no thread can be started.
    pub fn to(output: impl Write + Send + 'static) -> Option<Arc<Self>> {
        let lines = Arc::new(Self { state: Mutex::default(), changed: Condvar::new(), dropped: AtomicU64::new(0) });
        let writing = Arc::clone(&lines);
        let thread = std::thread::Builder::new().name("log".to_owned()).spawn(move || writing.run(output));
        thread.is_ok().then_some(lines)
    }

    /// Takes lines, each with its end, or drops them where there is no room.
    pub fn push(&self, lines: &[u8]) {
        let mut state = self.state();
        if state.writer == Writer::Stopped || state.waiting.len() + lines.len() > ROOM {
            drop(state);
            self.drop_lines(lines);
            return;
        }
        let before = state.waiting.len();
        state.waiting.extend_from_slice(lines);
        let is_half_full = before <= ROOM / 2 && state.waiting.len() > ROOM / 2;
        if state.writer == Writer::Idle || is_half_full {
            if state.writer == Writer::Idle {
                state.writer = Writer::Busy;
            }
            drop(state);
            self.changed.notify_all();
        }
    }

    /// How many lines were dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Writes what there is, and no more after that. Gives up where nobody reads it for a second.
    pub fn stop(&self) {
        let mut state = self.state();
        if state.writer != Writer::Stopped {
            state.writer = Writer::Stopping;
        }
        self.changed.notify_all();
        // What is left when it is given up is lost with the process.
        drop(self.changed.wait_timeout_while(state, LAST, |state| state.writer != Writer::Stopped));
    }

    fn run(&self, mut output: impl Write) {
        let mut writing = Vec::new();
        while self.next(&mut writing) {
            if output.write_all(&writing).and_then(|()| output.flush()).is_err() {
                self.drop_lines(&writing);
            }
            writing.clear();
        }
    }

    /// Waits for lines, and takes them; false at the end.
    fn next(&self, writing: &mut Vec<u8>) -> bool {
        let mut state = self.state();
        while state.waiting.is_empty() {
            if state.writer == Writer::Stopping {
                state.writer = Writer::Stopped;
                drop(state);
                self.changed.notify_all();
                return false;
            }
            state.writer = Writer::Idle;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let gathers = |state: &mut State| state.writer != Writer::Stopping && state.waiting.len() <= ROOM / 2;
        let waited = self.changed.wait_timeout_while(state, GATHERED, gathers);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut state.waiting, writing);
        true
    }

    fn drop_lines(&self, lines: &[u8]) {
        let count = lines.split_inclusive(|byte| *byte == b'\n').count();
        self.dropped.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Nothing panics while it is held, and bytes are whole at any moment.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Takes what it is given, each write when it is told to.
    struct Reader {
        told: Receiver<bool>,
        got: Sender<Vec<u8>>,
    }

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if !self.told.recv().unwrap_or(true) {
                return Err(std::io::ErrorKind::BrokenPipe.into());
            }
            self.got.send(bytes.to_vec()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn start() -> (Arc<Lines>, Sender<bool>, Receiver<Vec<u8>>) {
        let ((tell, told), (got, gets)) = (channel(), channel());
        (Lines::to(Reader { told, got }).unwrap(), tell, gets)
    }

    fn numbers(bytes: &[u8]) -> Vec<usize> {
        std::str::from_utf8(bytes).unwrap().lines().map(|line| line.trim().parse().unwrap()).collect()
    }

    #[test]
    fn lines_come_whole_and_in_order_and_the_end_waits_for_them() {
        let (lines, tell, gets) = start();
        drop(tell);
        for number in 0..1000 {
            lines.push(format!("{number}\n").as_bytes());
        }
        lines.stop();
        let got: Vec<u8> = gets.try_iter().flatten().collect();
        assert_eq!(numbers(&got), (0..1000).collect::<Vec<_>>());
        assert_eq!(lines.dropped(), 0);
        lines.push(b"late\n");
        assert_eq!((lines.dropped(), gets.try_iter().count()), (1, 0), "nothing is written after the end");
    }

    #[test]
    fn who_logs_does_not_wait_for_who_reads() {
        let (lines, tell, gets) = start();
        let line = |number: usize| format!("{number:1023}\n");
        // Nobody reads: as much as there is room for is kept, once more what is being written.
        let (all, room) = (10_000, ROOM / 1024);
        for number in 0..all {
            lines.push(line(number).as_bytes());
        }
        let dropped = usize::try_from(lines.dropped()).unwrap();
        assert!((all - 2 * room..=all - room).contains(&dropped), "{dropped}");
        drop(tell);
        lines.stop();
        let got = numbers(&gets.try_iter().flatten().collect::<Vec<u8>>());
        assert_eq!(got.len() + dropped, all);
        assert!(got.is_sorted_by(|one, other| one < other), "in order, and none twice");
    }

    #[test]
    fn what_cannot_be_written_is_dropped_and_what_comes_then_is_written() {
        let (lines, tell, gets) = start();
        tell.send(false).unwrap();
        lines.push(b"1\n2\n");
        while lines.dropped() == 0 {
            std::thread::yield_now();
        }
        drop(tell);
        lines.push(b"3\n");
        lines.stop();
        assert_eq!((lines.dropped(), numbers(&gets.recv().unwrap())), (2, vec![3]));
    }

    #[test]
    fn many_threads_share_the_lines() {
        let (lines, tell, gets) = start();
        drop(tell);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let lines = &lines;
                scope.spawn(move || {
                    for number in 0..500 {
                        lines.push(format!("{}\n", thread * 500 + number).as_bytes());
                    }
                });
            }
        });
        lines.stop();
        let mut got = numbers(&gets.try_iter().flatten().collect::<Vec<u8>>());
        got.sort_unstable();
        assert_eq!(got, (0..2000).collect::<Vec<_>>());
    }
}
