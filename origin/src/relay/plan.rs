//! What to publish next, worked out from where numbering stands and what the stream holds. Pure.

use vitrine_shared::epoch::Epoch;

use crate::outbox::FeedPosition;

/// The next step of publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The stream holds everything.
    Nothing,
    /// Publish the purges numbered above this, as many as fit a batch.
    PublishAfter(u64),
    /// The stream holds numbers that Postgres never gave (an older database, say): remove it and begin anew.
    Restart,
}

/// The next step, where the stream's last entry is `last` (`None`: the stream is empty or gone).
pub fn next(position: FeedPosition, last: Option<Epoch>) -> Step {
    let FeedPosition { newest, history_after } = position;
    let after = match last {
        // An earlier term may have got further: Postgres was restored, and its term raised.
        Some(last) if last > newest || last.seq > newest.seq => return Step::Restart,
        Some(last) => last.seq,
        // A wiped stream restarts with its newest purge: readers see the gap and catch up from the endpoint.
        None => newest.seq.saturating_sub(1),
    };
    // What was pruned cannot be published; a reader sees the gap.
    let after = after.max(history_after);
    if after >= newest.seq { Step::Nothing } else { Step::PublishAfter(after) }
}

/// The epoch of a stream entry's id, `term-last`.
pub(super) fn epoch_of_id(id: &str) -> Option<Epoch> {
    let (term, seq) = id.split_once('-')?;
    Some(Epoch::new(term.parse().ok()?, seq.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seq: u64, history_after: u64) -> FeedPosition {
        FeedPosition { newest: Epoch::new(1, seq), history_after }
    }

    #[test]
    fn it_goes_on_where_the_stream_ends() {
        assert_eq!(next(at(7, 0), Some(Epoch::new(1, 7))), Step::Nothing);
        assert_eq!(next(at(7, 0), Some(Epoch::new(1, 4))), Step::PublishAfter(4));
        assert_eq!(next(at(0, 0), None), Step::Nothing);
    }

    #[test]
    fn a_wiped_stream_restarts_with_the_newest_purge() {
        assert_eq!(next(at(7, 0), None), Step::PublishAfter(6));
        assert_eq!(next(at(7, 7), None), Step::Nothing);
    }

    #[test]
    fn what_was_pruned_is_passed_over() {
        assert_eq!(next(at(9, 5), Some(Epoch::new(1, 2))), Step::PublishAfter(5));
    }

    #[test]
    fn a_later_term_goes_on_and_a_stream_from_elsewhere_is_replaced() {
        let later = FeedPosition { newest: Epoch::new(2, 8), history_after: 0 };
        assert_eq!(next(later, Some(Epoch::new(1, 7))), Step::PublishAfter(7));
        assert_eq!(next(at(3, 0), Some(Epoch::new(1, 500))), Step::Restart);
        assert_eq!(next(later, Some(Epoch::new(1, 500))), Step::Restart);
        assert_eq!(next(later, Some(Epoch::new(1, 8))), Step::Nothing);
    }

    #[test]
    fn ids_are_read_back() {
        assert_eq!(epoch_of_id("1-43"), Some(Epoch::new(1, 43)));
        assert_eq!(epoch_of_id("x"), None);
    }
}
