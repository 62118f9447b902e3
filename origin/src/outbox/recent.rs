//! What was numbered lately by this process, so that neither who waits for a number nor who follows the feed need ask Postgres.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use parking_lot::Mutex;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{Batch, BatchError, MAX_BATCH, Page, Purge, VERSION};

use super::{Receipt, Ticket, epoch};

/// Most tickets that are remembered.
const MOST: usize = 20_000;
/// Most purges that are remembered.
const MOST_PURGES: usize = 10_000;
/// About how many tags they may have together.
const MOST_TAGS: usize = 200_000;
/// About how many tags one batch may have.
const BATCH_TAGS: usize = 20_000;

/// A row that was numbered, committed and durable.
#[derive(Debug, Clone)]
pub struct NumberedRow {
    /// Its ticket.
    pub ticket: Ticket,
    /// Its term.
    pub term: u32,
    /// What it purges, with its number.
    pub purge: Purge,
    /// When it was inserted, or due: by Postgres's clock, told by this process's.
    pub since: Instant,
}

/// A batch, and the ages of its purges in seconds.
pub(super) type Aged = (Batch, Vec<f64>);

/// What was numbered lately; empty where another process leads.
#[derive(Debug, Default)]
pub struct Recent(Mutex<Ring>);

#[derive(Debug, Default)]
struct Ring {
    epochs: HashMap<Ticket, Epoch>,
    order: VecDeque<Ticket>,
    /// Consecutive purges of one term.
    purges: VecDeque<NumberedRow>,
    tags: usize,
}

// === impl NumberedRow ===

impl NumberedRow {
    /// A row with what Postgres says of it; `waited` in seconds.
    pub(crate) fn new(ticket: Ticket, term: i32, purge: Purge, waited: Option<f64>) -> Self {
        let now = Instant::now();
        let waited = std::time::Duration::try_from_secs_f64(waited.unwrap_or_default()).unwrap_or_default();
        let term = epoch(term, 0).term;
        Self { ticket, term, purge, since: now.checked_sub(waited).unwrap_or(now) }
    }

    /// Its epoch.
    pub fn epoch(&self) -> Epoch {
        Epoch::new(self.term, self.purge.seq)
    }
}

// === impl Recent ===

impl Recent {
    /// Notes what was numbered and committed, in order, and where numbering stands after it: where that is elsewhere than what was
    /// noted here (another numbered, a new term began), nothing that came before is told any more.
    pub fn note(&self, rows: &[NumberedRow], newest: Epoch) {
        let mut ring = self.0.lock();
        for row in rows {
            if ring.epochs.insert(row.ticket, row.epoch()).is_none() {
                ring.order.push_back(row.ticket);
            }
            ring.push(row.clone());
        }
        if ring.purges.back().is_some_and(|last| last.epoch() != newest) {
            ring.purges.clear();
            ring.tags = 0;
        }
        while ring.order.len() > MOST {
            if let Some(oldest) = ring.order.pop_front() {
                ring.epochs.remove(&oldest);
            }
        }
    }

    /// Forgets all: this process begins to lead, or history was lost.
    pub fn clear(&self) {
        *self.0.lock() = Ring::default();
    }

    /// The newest epoch of a write's events, where all of them are remembered; an empty receipt is nobody's.
    pub fn resolve(&self, receipt: &Receipt) -> Option<Epoch> {
        let ring = self.0.lock();
        let epochs: Option<Vec<Epoch>> =
            receipt.tickets().iter().map(|ticket| ring.epochs.get(ticket).copied()).collect();
        epochs?.into_iter().max()
    }

    /// What the feed endpoint answers to a member that stands at `after`, where what follows is remembered.
    pub fn page(&self, after: Epoch) -> Option<Page> {
        let ring = self.0.lock();
        let position = ring.purges.back()?.epoch();
        let batch = ring.after(after)?.ok()?;
        Some(Page {
            v: VERSION,
            position,
            take_position: None,
            batches: batch.into_iter().map(|(batch, _)| batch).collect(),
        })
    }

    /// The batch that follows an epoch, with the ages of its purges in seconds, where what follows is remembered; `None` in it where
    /// nothing follows.
    pub fn batch_after(&self, after: Epoch) -> Option<Result<Option<Aged>, BatchError>> {
        self.0.lock().after(after)
    }
}

// === impl Ring ===

impl Ring {
    fn push(&mut self, row: NumberedRow) {
        let follows = self
            .purges
            .back()
            .is_none_or(|last| last.term == row.term && last.purge.seq.checked_add(1) == Some(row.purge.seq));
        if !follows {
            self.purges.clear();
            self.tags = 0;
        }
        self.tags += row.purge.tags.len();
        self.purges.push_back(row);
        while self.purges.len() > MOST_PURGES || (self.tags > MOST_TAGS && self.purges.len() > 1) {
            if let Some(oldest) = self.purges.pop_front() {
                self.tags -= oldest.purge.tags.len();
            }
        }
    }

    fn after(&self, after: Epoch) -> Option<Result<Option<Aged>, BatchError>> {
        let (first, last) = (self.purges.front()?, self.purges.back()?);
        if after.term != last.term || after > last.epoch() {
            return None;
        }
        if after == last.epoch() {
            return Some(Ok(None));
        }
        let skip = usize::try_from(after.seq.checked_add(1)?.checked_sub(first.purge.seq)?).ok()?;
        let mut tags = 0;
        let fits = |row: &&NumberedRow| {
            tags += row.purge.tags.len();
            tags == row.purge.tags.len() || tags <= BATCH_TAGS
        };
        let rows: Vec<&NumberedRow> = self.purges.iter().skip(skip).take(MAX_BATCH).take_while(fits).collect();
        let purges = rows.iter().map(|row| row.purge.clone()).collect();
        let ages = rows.iter().map(|row| row.since.elapsed().as_secs_f64()).collect();
        Some(Batch::new(last.term, after, purges).map(|batch| Some((batch, ages))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitrine_shared::feed::Mode;
    use vitrine_shared::tag::Tag;

    fn row(term: u32, seq: u64) -> NumberedRow {
        let purge = Purge { seq, mode: Mode::Hard, tags: vec![Tag::all("stores")], everything: false, event: None };
        NumberedRow { ticket: Ticket::of(i64::try_from(seq).unwrap() + 1_000), term, purge, since: Instant::now() }
    }

    fn rows(term: u32, seqs: impl IntoIterator<Item = u64>) -> Vec<NumberedRow> {
        seqs.into_iter().map(|seq| row(term, seq)).collect()
    }

    fn note(recent: &Recent, rows: &[NumberedRow]) {
        recent.note(rows, rows.last().unwrap().epoch());
    }

    /// The numbers of the page after an epoch.
    fn page(recent: &Recent, term: u32, seq: u64) -> Option<Vec<u64>> {
        let page = recent.page(Epoch::new(term, seq))?;
        assert!(page.take_position.is_none());
        Some(page.batches.iter().flat_map(|batch| batch.purges.iter().map(|purge| purge.seq)).collect())
    }

    #[test]
    fn a_receipt_resolves_to_its_newest_number_once_all_are_known_and_old_ones_are_forgotten() {
        let recent = Recent::default();
        let mut both = Receipt::from(Ticket::of(1_002));
        both.add(Ticket::of(1_003));
        note(&recent, &rows(1, [2]));
        assert_eq!(recent.resolve(&both), None);
        note(&recent, &rows(1, [3]));
        assert_eq!(recent.resolve(&both), Some(Epoch::new(1, 3)));
        assert_eq!(recent.resolve(&Receipt::default()), None);
        note(&recent, &rows(1, (4..).take(MOST - 1)));
        assert_eq!(recent.resolve(&Ticket::of(1_002).into()), None);
        assert_eq!(recent.resolve(&Ticket::of(1_003).into()), Some(Epoch::new(1, 3)));
        recent.clear();
        assert_eq!(recent.resolve(&Ticket::of(1_003).into()), None);
    }

    #[test]
    fn a_page_holds_what_follows_without_a_gap_or_is_not_told() {
        let recent = Recent::default();
        assert_eq!(page(&recent, 1, 0), None);
        note(&recent, &rows(1, 5..=7));
        assert_eq!(page(&recent, 1, 3), None, "5 is the first that is known, 4 is not");
        assert_eq!(page(&recent, 1, 4), Some(vec![5, 6, 7]));
        assert_eq!(page(&recent, 1, 6), Some(vec![7]));
        assert_eq!(page(&recent, 1, 7), Some(vec![]));
        assert_eq!(page(&recent, 1, 8), None, "who knows more than is known here is not told that there is nothing");
        assert_eq!(page(&recent, 2, 6), None);
        assert_eq!(page(&recent, 0, 6), None);
        note(&recent, &rows(1, [9]));
        assert_eq!(page(&recent, 1, 7), None, "8 is missing");
        assert_eq!(page(&recent, 1, 8), Some(vec![9]));
        note(&recent, &rows(2, [10]));
        assert_eq!(page(&recent, 1, 9), None);
        assert_eq!(page(&recent, 2, 9), Some(vec![10]));
        recent.note(&[], Epoch::new(2, 10));
        assert_eq!(page(&recent, 2, 9), Some(vec![10]));
        recent.note(&[], Epoch::new(3, 10));
        assert_eq!(page(&recent, 2, 9), None, "a new term began");
    }

    #[test]
    fn a_page_and_what_is_remembered_are_bounded() {
        let recent = Recent::default();
        note(&recent, &rows(1, 1..=MOST_PURGES as u64 + 1));
        assert_eq!(page(&recent, 1, 0), None);
        assert_eq!(page(&recent, 1, 1).unwrap().len(), MAX_BATCH);
        let mut large = row(1, MOST_PURGES as u64 + 2);
        large.purge.tags = vec![Tag::all("stores"); MOST_TAGS + 1];
        note(&recent, &[large]);
        assert_eq!(page(&recent, 1, MOST_PURGES as u64), None, "all but the large one are forgotten");
        assert_eq!(page(&recent, 1, MOST_PURGES as u64 + 1), Some(vec![MOST_PURGES as u64 + 2]));
        note(&recent, &rows(1, [MOST_PURGES as u64 + 3]));
        assert_eq!(page(&recent, 1, MOST_PURGES as u64 + 1), None);
    }
}
