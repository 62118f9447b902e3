//! What the book knows, step by step, and against a history that forgets nothing. Times are milliseconds.

use std::time::Duration;

use proptest::prelude::*;
use vitrine_shared::epoch::Epoch;

use super::*;

fn at(millis: u64) -> BootTime {
    BootTime::at(Duration::from_millis(millis))
}

fn tags(numbers: &[u64]) -> Vec<TagHash> {
    numbers.iter().copied().map(TagHash).collect()
}

fn epoch(seq: u64) -> Epoch {
    Epoch::new(1, seq)
}

fn stamp(seq: u64) -> Stamp {
    epoch(seq).into()
}

fn came(seq: u64, of: &[u64]) -> Came {
    Came {
        at: Position::Feed(epoch(seq)),
        mode: Mode::Hard,
        tags: tags(of),
        everything: false,
        via: Some(Way::Stream),
        received: at(seq),
    }
}

/// Counts, with these objects in two parts of the store.
fn count(book: &mut Book, parts: [&[(Stamp, &[u64])]; 2]) {
    assert!(book.begin());
    for (part, objects) in parts.iter().enumerate() {
        book.visit(part);
        objects.iter().for_each(|(stamp, of)| book.count(*stamp, of_tags(of)));
    }
    book.finish();
}

/// Tags as objects hold them.
fn of_tags(of: &[u64]) -> impl IntoIterator<Item = TagHash> + Copy {
    let mut held = [TagHash(u64::MAX); 4];
    of.iter().zip(&mut held).for_each(|(tag, place)| *place = TagHash(*tag));
    held
}

fn unusable(book: &Book, seq: u64) -> Unusable {
    book.of(at(0), Position::Feed(epoch(seq))).unwrap().unusable
}

#[test]
fn objects_are_counted_for_the_purge_that_reached_them_first() {
    let mut book = Book::default();
    book.note(came(6, &[1]));
    assert_eq!(unusable(&book, 6), Unusable::Unknown(Uncounted::NotYet));
    book.note(came(7, &[1, 2]));
    count(
        &mut book,
        [&[(stamp(5), &[1]), (stamp(5), &[2])], &[(stamp(6), &[1]), (stamp(7), &[1, 2]), (stamp(0), &[3])]],
    );
    assert_eq!((unusable(&book, 6), unusable(&book, 7)), (Unusable::Objects(1), Unusable::Objects(2)));
    // What was unusable already is not counted for the next.
    book.note(came(8, &[1]));
    count(&mut book, [&[(stamp(5), &[1]), (stamp(7), &[1])], &[]]);
    assert_eq!((unusable(&book, 6), unusable(&book, 8)), (Unusable::Objects(1), Unusable::Objects(1)));
    assert!(!book.begin());
}

#[test]
fn a_soft_purge_counts_what_became_stale_and_everything_counts_all() {
    let mut book = Book::default();
    book.note(Came { mode: Mode::Soft, ..came(6, &[1]) });
    book.note(Came { everything: true, ..came(7, &[]) });
    count(&mut book, [&[(stamp(5), &[1]), (stamp(5), &[2])], &[(stamp(7), &[1])]]);
    assert_eq!((unusable(&book, 6), unusable(&book, 7)), (Unusable::Objects(1), Unusable::Objects(2)));
}

#[test]
fn what_was_replaced_before_it_was_counted_counts_and_what_was_counted_does_not_again() {
    let mut book = Book::default();
    book.note(came(6, &[1]));
    book.replaced(0, stamp(5), of_tags(&[1]));
    assert!(book.begin());
    book.visit(0);
    book.count(stamp(5), of_tags(&[1]));
    // In a part that was looked at already, in one that was not, and by a purge that this walk is not for.
    book.replaced(0, stamp(5), of_tags(&[1]));
    book.replaced(1, stamp(5), of_tags(&[1]));
    book.note(came(7, &[2]));
    book.replaced(0, stamp(6), of_tags(&[2]));
    book.visit(1);
    book.finish();
    assert_eq!(unusable(&book, 6), Unusable::Objects(3));
    count(&mut book, [&[], &[]]);
    assert_eq!(unusable(&book, 7), Unusable::Objects(1));
}

#[test]
fn a_part_that_is_looked_at_again_counts_once() {
    let mut book = Book::default();
    book.note(came(6, &[1]));
    assert!(book.begin());
    for part in [0, 0, 1] {
        book.visit(part);
        book.count(stamp(5), of_tags(&[1]));
    }
    book.finish();
    assert_eq!(unusable(&book, 6), Unusable::Objects(2));
}

#[test]
fn the_first_fresh_fill_is_of_what_was_made_after_the_purge() {
    let mut book = Book::default();
    book.note(came(6, &[1]));
    book.applied(at(7));
    let fill = |book: &Book| book.of(at(100), Position::Feed(epoch(6))).unwrap().first_fresh_fill;
    for (millis, stamp, of) in [(20, stamp(5), [1]), (21, stamp(6), [2])] {
        book.filled(at(millis), stamp, of_tags(&of), || "wrong".into());
        assert_eq!(fill(&book), None);
    }
    book.filled(at(30), stamp(6), of_tags(&[1]), || "https://h/first".into());
    book.filled(at(40), stamp(7), of_tags(&[1]), || "https://h/second".into());
    assert_eq!(fill(&book), Some(FreshFill { before_ms: 70, url: "https://h/first".into() }));
    let fate = book.of(at(100), Position::Feed(epoch(6))).unwrap();
    assert_eq!((fate.received_before_ms, fate.applied_before_ms), (94, 93));
}

#[test]
fn a_report_tells_what_is_new_in_bounds_and_not_too_often() {
    let mut book = Book::default();
    let every = Duration::from_secs(1);
    (1..=200).for_each(|seq| book.note(came(seq, &[seq])));
    book.note(Came { at: Position::Local(1), via: None, ..came(1, &[1]) });
    let first = book.report(at(1_000), every);
    assert_eq!((first.len(), first[0].epoch), (MAX_OUTCOMES, epoch(200)));
    assert!(serde_json::to_vec(&first).unwrap().len() < MAX_REPORT);
    assert!(book.report(at(1_999), every).is_empty());
    book.again(&first[..1]);
    let second = book.report(at(2_000), every);
    assert_eq!((second[0].epoch, second[1].epoch), (epoch(200), epoch(200 - MAX_OUTCOMES as u64)));
    // With long URLs there are fewer of them.
    for seq in 1..=200 {
        book.filled(at(3_000), stamp(seq), of_tags(&[seq]), || "x".repeat(200).into());
    }
    let third = book.report(at(4_000), every);
    let bytes = serde_json::to_vec(&third).unwrap().len();
    assert!(third.len() < MAX_OUTCOMES && bytes < MAX_REPORT + 4_096, "{} in {bytes}", third.len());
}

#[test]
fn what_cannot_be_counted_in_time_is_given_up_and_the_oldest_are_forgotten() {
    let mut book = Book::default();
    let many: Vec<u64> = (0..=MAX_TAGS_OF_ONE as u64).collect();
    book.note(came(1, &many));
    assert_eq!(unusable(&book, 1), Unusable::Unknown(Uncounted::NotCounted));
    (2..=MAX_UNCOUNTED as u64 + 2).for_each(|seq| book.note(came(seq, &[seq])));
    assert_eq!(unusable(&book, 2), Unusable::Unknown(Uncounted::NotCounted));
    assert_eq!(unusable(&book, 3), Unusable::Unknown(Uncounted::NotYet));
    (3_000..8_000).for_each(|seq| book.note(came(seq, &[seq])));
    assert_eq!(book.entries.len(), MAX_PURGES);
    assert_eq!(book.of(at(0), Position::Feed(epoch(3))), None);
    // By their tags too.
    let wide: Vec<u64> = (0..1_000).collect();
    (8_000..8_100).for_each(|seq| book.note(came(seq, &wide)));
    assert!(book.tags <= MAX_TAGS && book.entries.len() <= 65);
    count(&mut book, [&[(stamp(8_098), &[7])], &[(stamp(0), &[7_999])]]);
    assert_eq!(unusable(&book, 8_099), Unusable::Objects(1));
    book.start_over();
    assert_eq!(book.of(at(0), Position::Feed(epoch(8_099))), None);
    book.note(came(3, &[1]));
    count(&mut book, [&[(stamp(2), &[1])], &[]]);
    assert_eq!(unusable(&book, 3), Unusable::Objects(1));
}

#[derive(Clone, Debug)]
enum Step {
    Purge(Vec<u64>, bool, Mode, bool),
    Store(usize, Vec<u64>),
    Withdraw(usize),
    Count,
}

fn step() -> impl Strategy<Value = Step> {
    let tags = || proptest::collection::vec(0u64..5, 0..3);
    let mode = prop_oneof![3 => Just(Mode::Hard), 1 => Just(Mode::Soft)];
    prop_oneof![
        4 => (tags(), proptest::bool::weighted(0.1), mode, any::<bool>())
            .prop_map(|(tags, all, mode, own)| Step::Purge(tags, all, mode, own)),
        4 => (0usize..4, tags()).prop_map(|(place, tags)| Step::Store(place, tags)),
        1 => (0usize..4).prop_map(Step::Withdraw),
        1 => Just(Step::Count),
    ]
}

/// An object: its stamp, its tags, and two marks.
type Object = (Stamp, Vec<u64>, bool, bool);

proptest! {
    /// However purges, fills and walks through the store follow one another: each object counts for the first purge that reached it.
    #[test]
    fn counts_are_those_of_a_whole_history(steps in proptest::collection::vec(step(), 1..80)) {
        let mut book = Book::default();
        let (mut seq, mut local) = (0, 0);
        let mut store: [Option<Object>; 4] = Default::default();
        // Of each purge: its place, and how many objects it made unusable, or stale.
        let mut expected: Vec<(Position, u64)> = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            let now = Stamp { epoch: epoch(seq), local };
            match step {
                Step::Purge(of, everything, mode, own) => {
                    let at = if *own { local += 1; Position::Local(local) } else { seq += 1; Position::Feed(epoch(seq)) };
                    book.note(Came { at, mode: *mode, tags: tags(of), everything: *everything, ..came(0, &[]) });
                    let mut count = 0;
                    for (_, tags, stale, dead) in store.iter_mut().flatten() {
                        let reached = *everything || of.iter().any(|tag| tags.contains(tag));
                        match mode {
                            Mode::Hard if reached && !*dead => (count, *dead) = (count + 1, true),
                            Mode::Soft if reached && !*dead && !*stale => (count, *stale) = (count + 1, true),
                            _ => {}
                        }
                    }
                    expected.push((at, count));
                }
                Step::Store(place, of) => {
                    if let Some((stamp, tags, ..)) = store[*place].take() {
                        book.replaced(*place, stamp, of_tags(&tags));
                    }
                    book.filled(BootTime::at(Duration::from_millis(number as u64)), now, of_tags(of), Box::default);
                    store[*place] = Some((now, of.clone(), false, false));
                }
                Step::Withdraw(place) => {
                    if let Some((stamp, tags, ..)) = store[*place].take() {
                        book.replaced(*place, stamp, of_tags(&tags));
                    }
                }
                Step::Count if book.begin() => {
                    for (part, object) in store.iter().enumerate() {
                        book.visit(part);
                        if let Some((stamp, tags, ..)) = object {
                            book.count(*stamp, of_tags(tags));
                        }
                    }
                    book.finish();
                }
                Step::Count => {}
            }
        }
        if book.begin() {
            for (part, object) in store.iter().enumerate() {
                book.visit(part);
                if let Some((stamp, tags, ..)) = object {
                    book.count(*stamp, of_tags(tags));
                }
            }
            book.finish();
        }
        for (at, count) in expected {
            prop_assert_eq!(book.of(BootTime::at(Duration::ZERO), at).unwrap().unusable, Unusable::Objects(count));
        }
    }
}
