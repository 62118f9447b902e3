//! The sequencer by its journal: what is told survives, and what is lost is noticed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{MemberKind, Mode, Order, Report, VERSION};
use vitrine_shared::ledger::Terms;
use vitrine_shared::tag::Tag;

use super::*;
use crate::disk::faulty::{EIO, ENOSPC, Faulty};

const LIMIT: Duration = Duration::from_secs(20);

fn order(key: &str) -> Order {
    let tags = vec![Tag::product(key)];
    Order { v: VERSION, mode: Mode::Hard, tags, everything: false, who: "anna".into(), key: key.into() }
}

fn report(applied: Epoch) -> Report {
    Report::new(MemberKind::Edge, "edge-1".into(), applied)
}

fn terms() -> Terms {
    Terms::of(Duration::from_secs(3), Duration::from_secs(2))
}

fn try_open(io: &Faulty, folder: &Path) -> Result<Sequencer, Unusable> {
    let metrics = SequencerMetrics::register(&prometheus::Registry::new()).unwrap();
    Sequencer::with(Arc::new(io.clone()), folder, terms(), metrics)
}

/// Opens it once the one before has let the folder go: its thread ends by itself.
fn open(folder: &Path) -> Sequencer {
    loop {
        match try_open(&Faulty::default(), folder) {
            Err(Unusable::Locked(_)) => std::thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}

/// The files of a journal, the newest last.
fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "log")).collect();
    paths.sort_unstable();
    paths
}

/// A copy of a folder, without its lock.
fn copy(from: &Path) -> TempDir {
    let to = TempDir::new().unwrap();
    for path in segments(from) {
        std::fs::copy(&path, to.path().join(path.file_name().unwrap())).unwrap();
    }
    std::fs::write(to.path().join("lock"), "").unwrap();
    to
}

/// A journal with three purges and two members, of whom one left, and where it stands.
async fn written() -> (TempDir, Epoch) {
    let folder = TempDir::new().unwrap();
    let sequencer = open(folder.path());
    let start = sequencer.position();
    // As when leases of before this journal are over.
    sequencer.note_settled(start.term).await;
    for id in ["a", "b"] {
        assert!(sequencer.report(id, &report(start)).await.unwrap().lease_ms.is_some());
    }
    sequencer.leave("b").await.unwrap();
    for key in ["1", "2", "3"] {
        sequencer.order(order(key)).await.unwrap();
    }
    (folder, sequencer.position())
}

#[tokio::test]
async fn whoever_goes_on_by_the_journal_knows_what_was_told() {
    let (folder, position) = written().await;
    for _ in 0..2 {
        let sequencer = open(folder.path());
        assert_eq!(sequencer.position(), position);
        assert_eq!(sequencer.members().iter().map(|member| member.id.as_str()).collect::<Vec<_>>(), ["a"]);
        // A key of before is numbered once, whoever repeats it.
        assert_eq!(sequencer.order(order("2")).await, Ok(Epoch::new(position.term, position.seq - 1)));
        let reused = Order { tags: vec![Tag::product("9")], ..order("2") };
        assert_eq!(sequencer.order(reused).await, Err(OrderRefused::KeyReused));
        let page = sequencer.page(Epoch::new(position.term, position.seq - 2), LIMIT).await.unwrap();
        assert_eq!(page.batches[0].purges.iter().map(|purge| purge.seq).collect::<Vec<_>>(), [2, 3]);
        // It waits for the member on record, of which nothing was heard yet.
        let answer = sequencer.acknowledged(position, Duration::ZERO).await;
        assert_eq!((answer.acknowledged, answer.waiting_for[0].name.as_str()), (None, "edge-1"));
        sequencer.report("a", &report(position)).await.unwrap();
        assert_eq!(sequencer.acknowledged(position, LIMIT).await.acknowledged.unwrap().members, 1);
    }
    let sequencer = open(folder.path());
    assert_eq!(sequencer.order(order("4")).await, Ok(Epoch::new(position.term, position.seq + 1)));
}

#[tokio::test]
async fn a_restart_does_not_end_the_wait_for_leases_that_nobody_knows() {
    let folder = TempDir::new().unwrap();
    for key in ["1", "2"] {
        // There was no journal: an edge that is cut off may hold a lease.
        let sequencer = open(folder.path());
        let ordered = sequencer.order(order(key)).await.unwrap();
        assert!(sequencer.trail(ordered).quiet_for_ms.is_some(), "{key}");
        assert_eq!(sequencer.acknowledged(ordered, Duration::ZERO).await.acknowledged, None);
    }
    let sequencer = open(folder.path());
    sequencer.note_settled(sequencer.position().term).await;
    drop(sequencer);
    let sequencer = open(folder.path());
    let ordered = sequencer.order(order("3")).await.unwrap();
    assert!(sequencer.acknowledged(ordered, LIMIT).await.acknowledged.is_some());
}

#[tokio::test]
async fn two_cannot_number_by_one_journal_nor_in_a_folder_of_somebody_elses() {
    let (folder, _) = written().await;
    let first = open(folder.path());
    assert!(matches!(try_open(&Faulty::default(), folder.path()), Err(Unusable::Locked(_))));
    drop(first);
    open(folder.path());
    let foreign = TempDir::new().unwrap();
    std::fs::write(foreign.path().join("letters.txt"), "dear").unwrap();
    assert!(matches!(try_open(&Faulty::default(), foreign.path()), Err(Unusable::Foreign(_))));
    assert!(!foreign.path().join("lock").exists());
}

/// Writes the newest segment anew as if it had been begun in another term, so long ago.
fn aged(folder: &Path, term: u32, by_seconds: u64) {
    let path = segments(folder).pop().unwrap();
    let lines = line::read(&std::fs::read(&path).unwrap());
    assert!(lines.is_whole);
    let (mut bytes, mut chain) = (Vec::new(), 0);
    for mut record in lines.records {
        match &mut record {
            line::Record::Begin(begin) => begin.position.term = term,
            line::Record::Purge(numbered) => numbered.key.epoch.term = term,
            line::Record::Member(_) | line::Record::Gone { .. } | line::Record::Settled { .. } => {}
        }
        line::write(lines.written_at - by_seconds, &record, &mut chain, &mut bytes);
    }
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn files_that_were_put_back_are_noticed_by_when_they_were_touched() {
    let (folder, position) = written().await;
    for (by_seconds, expected) in [(5, None), (600, Some(Loss::Touched))] {
        aged(folder.path(), position.term, by_seconds);
        let claim = loop {
            match journal::Claim::take(Arc::new(Faulty::default()), folder.path()) {
                Err(Unusable::Locked(_)) => std::thread::yield_now(),
                claimed => break claimed.unwrap(),
            }
        };
        let found = claim.read(|| 1).unwrap();
        assert_eq!(found.new_term, expected);
        let term = position.term + u32::from(expected.is_some());
        assert_eq!(found.standing.position(), Epoch::new(term, position.seq));
    }
}

#[tokio::test]
async fn a_journal_that_is_cut_anywhere_begins_a_new_term_or_stands_where_it_stood_once() {
    let (folder, position) = written().await;
    let term = 7;
    aged(folder.path(), term, 0);
    let newest = segments(folder.path()).pop().unwrap();
    let bytes = std::fs::read(&newest).unwrap();
    let mut stood = Vec::new();
    for cut in 0..bytes.len() {
        let cut_off = copy(folder.path());
        std::fs::write(cut_off.path().join(newest.file_name().unwrap()), &bytes[..cut]).unwrap();
        let claim = journal::Claim::take(Arc::new(Faulty::default()), cut_off.path()).unwrap();
        let found = claim.read(|| 1_000).unwrap();
        let at = found.standing.position();
        match found.new_term {
            None => stood.push(at),
            Some(loss) => {
                assert_eq!((loss, at.term), (Loss::Damaged, 1_000), "{cut}");
                assert_eq!(found.earlier, vitrine_shared::ledger::Earlier::Unknown);
                assert!(at.seq <= position.seq);
            }
        }
    }
    // Behind each line but the last, which was not cut off: the begin, the end of the quiet time, two members, one gone, three purges.
    let at = |seq| Epoch::new(term, seq);
    assert_eq!(stood, [at(0), at(0), at(0), at(0), at(0), at(1), at(2)]);
}

#[tokio::test]
async fn a_journal_that_is_gone_begins_a_new_term_and_nothing_is_acknowledged_while_old_leases_may_run() {
    let (folder, position) = written().await;
    drop(open(folder.path()));
    for path in segments(folder.path()) {
        std::fs::remove_file(path).unwrap();
    }
    let sequencer = open(folder.path());
    assert!(sequencer.position().term > position.term);
    let page = sequencer.page(position, Duration::ZERO).await.unwrap();
    assert_eq!(page.take_position, Some(sequencer.position()));
    let epoch = sequencer.order(order("1")).await.unwrap();
    assert_eq!(sequencer.acknowledged(epoch, Duration::ZERO).await.acknowledged, None);
    assert!(sequencer.trail(epoch).quiet_for_ms.unwrap() > 5_000);
}

#[tokio::test]
async fn files_that_were_put_back_are_noticed_by_what_members_know() {
    let (folder, _) = written().await;
    let before = copy(folder.path());
    let known = open(folder.path()).order(order("4")).await.unwrap();
    let by_report = open(before.path());
    assert!(by_report.position() < known && by_report.position().term == known.term);
    by_report.report("a", &report(known)).await.unwrap();
    let begun = by_report.position();
    assert!(begun.term > known.term);
    assert_eq!(by_report.acknowledged(known, Duration::ZERO).await.acknowledged, None);
    drop(by_report);
    // The new term is on the disk too, and one of which a member knows more than this clock is overtaken.
    let by_page = open(before.path());
    assert_eq!(by_page.position(), begun);
    let later = Epoch::new(begun.term + 1_000_000, 1);
    assert_eq!(by_page.page(later, Duration::ZERO).await, None);
    assert_eq!(by_page.position().term, later.term + 1);
    // One that is years ahead is nobody's clock.
    assert_eq!(by_page.page(Epoch::new(u32::MAX, 1), Duration::ZERO).await, None);
    assert_eq!(by_page.position().term, later.term + 1);
}

#[tokio::test]
async fn what_cannot_be_written_down_is_told_to_nobody_and_done_once_when_it_can() {
    for errno in [ENOSPC, EIO] {
        let (folder, position) = written().await;
        let io = Faulty::default();
        let sequencer = loop {
            match try_open(&io, folder.path()) {
                Err(Unusable::Locked(_)) => std::thread::yield_now(),
                opened => break opened.unwrap(),
            }
        };
        io.fail_writes(errno);
        assert_eq!(sequencer.order(order("4")).await, Err(OrderRefused::Down(Down)));
        assert_eq!(sequencer.report("c", &report(position)).await, Err(ReportRefused::Down(Down)));
        assert_eq!(sequencer.position(), position);
        assert!(sequencer.page(position, Duration::ZERO).await.unwrap().batches.is_empty());
        // What was numbered before is known, and who is on record keeps its lease.
        assert_eq!(sequencer.order(order("3")).await, Ok(position));
        assert!(sequencer.report("a", &report(position)).await.unwrap().lease_ms.is_some());
        io.fail_writes(0);
        let epoch = sequencer.order(order("4")).await.unwrap();
        assert_eq!(epoch, Epoch::new(position.term, position.seq + 1));
        drop(sequencer);
        let again = open(folder.path());
        assert_eq!((again.position(), again.order(order("4")).await), (epoch, Ok(epoch)));
    }
}

/// A process that is killed between writing and knowing that it is written has told nobody; who repeats the order gets the number.
#[tokio::test]
async fn who_is_killed_before_it_could_answer_has_numbered_at_most_once() {
    let (folder, position) = written().await;
    let io = Faulty::default();
    drop(open(folder.path()));
    let sequencer = loop {
        match try_open(&io, folder.path()) {
            Err(Unusable::Locked(_)) => std::thread::yield_now(),
            opened => break opened.unwrap(),
        }
    };
    io.hang(true);
    let asked = tokio::spawn({
        let sequencer = sequencer.clone();
        async move { sequencer.order(order("4")).await }
    });
    let stuck = io.clone();
    tokio::task::spawn_blocking(move || stuck.until_stuck(1)).await.unwrap();
    // Nobody sees it while it is on its way.
    assert_eq!(sequencer.position(), position);
    assert_eq!(
        sequencer.acknowledged(Epoch::new(position.term, position.seq + 1), Duration::ZERO).await.acknowledged,
        None
    );
    // The disk as it is at this moment is what a successor finds.
    let left = copy(folder.path());
    let successor = open(left.path());
    assert_eq!(successor.order(order("4")).await, Ok(Epoch::new(position.term, position.seq + 1)));
    io.hang(false);
    assert_eq!(asked.await.unwrap(), Ok(Epoch::new(position.term, position.seq + 1)));
    assert_eq!(sequencer.order(order("4")).await, Ok(Epoch::new(position.term, position.seq + 1)));
}

#[tokio::test]
async fn many_orders_at_once_get_numbers_without_a_gap() {
    let folder = TempDir::new().unwrap();
    let sequencer = open(folder.path());
    let start = sequencer.position();
    let asked: Vec<_> = (0..200)
        .map(|n| {
            let sequencer = sequencer.clone();
            tokio::spawn(async move { sequencer.order(order(&(n % 100).to_string())).await.unwrap().seq })
        })
        .collect();
    let mut given = Vec::new();
    for asked in asked {
        given.push(asked.await.unwrap());
    }
    given.sort_unstable();
    let expected: Vec<u64> = (1..=100).flat_map(|seq| [start.seq + seq; 2]).collect();
    assert_eq!(given, expected);
}

#[tokio::test]
async fn the_journal_is_bounded_and_who_lags_behind_it_takes_a_position() {
    let folder = TempDir::new().unwrap();
    let sequencer = open(folder.path());
    let start = sequencer.position();
    let long = "x".repeat(240);
    let tags: Vec<Tag> = (0..9_000).map(|n| Tag::product(&format!("{n:04}{long}"))).collect();
    for key in 0..20 {
        sequencer.order(Order { tags: tags.clone(), ..order(&key.to_string()) }).await.unwrap();
    }
    let bytes: u64 = segments(folder.path()).iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(bytes < 40 << 20, "{bytes}");
    let position = sequencer.position();
    assert_eq!(sequencer.page(start, Duration::ZERO).await.unwrap().take_position, Some(position));
    let last = Epoch::new(position.term, position.seq - 1);
    assert_eq!(sequencer.page(last, Duration::ZERO).await.unwrap().batches[0].last(), position);
    drop(sequencer);
    let again = open(folder.path());
    assert_eq!(again.page(last, Duration::ZERO).await.unwrap().batches[0].last(), position);
    assert_eq!(again.page(start, Duration::ZERO).await.unwrap().take_position, Some(position));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever bit of the newest segment changes, no earlier number is given again in the same term.
    #[test]
    fn a_changed_bit_begins_a_new_term(at in any::<proptest::sample::Index>(), bit in 0u8..8) {
        static FOLDER: std::sync::LazyLock<TempDir> = std::sync::LazyLock::new(|| {
            let folder = tokio::runtime::Runtime::new().unwrap().block_on(written()).0;
            aged(folder.path(), 7, 0);
            folder
        });
        let folder = &FOLDER;
        let changed = copy(folder.path());
        let path = segments(changed.path()).pop().unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        std::fs::write(path, bytes).unwrap();
        let claim = journal::Claim::take(Arc::new(Faulty::default()), changed.path()).unwrap();
        let found = claim.read(|| 1_000).unwrap();
        prop_assert_eq!(found.new_term, Some(Loss::Damaged));
        prop_assert_eq!(found.standing.position().term, 1_000);
    }
}
