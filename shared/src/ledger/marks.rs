//! When an epoch was reached: a bounded memory of steps.

use std::collections::VecDeque;

use crate::clock::BootTime;
use crate::epoch::Epoch;

/// The last steps of something that only grows.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    steps: VecDeque<(Epoch, BootTime)>,
    most: usize,
}

// === impl Marks ===

impl Marks {
    pub(super) fn new(most: usize) -> Self {
        Self { steps: VecDeque::new(), most }
    }

    /// It stands at `epoch` from `at` on; nothing where it stood there before.
    pub(super) fn push(&mut self, epoch: Epoch, at: BootTime) {
        if self.steps.back().is_some_and(|(last, _)| *last >= epoch) {
            return;
        }
        if self.steps.len() >= self.most {
            self.steps.pop_front();
        }
        self.steps.push_back((epoch, at));
    }

    /// When it first stood at `epoch` or beyond; `None` where it does not yet, or where that was forgotten.
    pub(super) fn reached(&self, epoch: Epoch) -> Option<BootTime> {
        let index = self.steps.partition_point(|(at, _)| *at < epoch);
        // Before the first step that is remembered lies what was forgotten.
        if index == 0 && self.steps.len() >= self.most {
            return None;
        }
        self.steps.get(index).map(|(_, at)| *at)
    }

    /// Where it stood at `at`; `None` where that was before the first step that is remembered.
    pub(super) fn stood(&self, at: BootTime) -> Option<Epoch> {
        let after = self.steps.partition_point(|(_, step)| *step <= at);
        after.checked_sub(1).and_then(|index| self.steps.get(index)).map(|(epoch, _)| *epoch)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(millis: u64) -> BootTime {
        BootTime::at(Duration::from_millis(millis))
    }

    #[test]
    fn the_first_step_that_covers_an_epoch_is_told_unless_it_was_forgotten() {
        let mut marks = Marks::new(3);
        for (seq, millis) in [(2, 10), (2, 11), (5, 20), (6, 30)] {
            marks.push(Epoch::new(1, seq), at(millis));
        }
        let reached = |marks: &Marks, seq| marks.reached(Epoch::new(1, seq));
        assert_eq!(reached(&marks, 3), Some(at(20)));
        assert_eq!(reached(&marks, 6), Some(at(30)));
        assert_eq!(reached(&marks, 7), None);
        marks.push(Epoch::new(1, 9), at(40));
        assert_eq!((reached(&marks, 2), reached(&marks, 6), reached(&marks, 9)), (None, Some(at(30)), Some(at(40))));
        assert_eq!(marks.stood(at(35)), Some(Epoch::new(1, 6)));
        assert_eq!(marks.stood(at(19)), None);
    }
}
