//! What the books decide, step by step. Times are milliseconds.

use std::time::Duration;

use super::*;
use crate::clock::BootTime;
use crate::epoch::Epoch;
use crate::feed::{MemberKind, Report};
use crate::outcome::{Fate, FreshFill, MAX_OUTCOMES, MAX_URL, Outcome, Unusable, Way};

const LEASE: u64 = 3_000;
/// Lease and drift.
const GONE: u64 = 5_000;
/// Lease, drift and proof.
const HANDOVER: u64 = 6_500;

fn at(millis: u64) -> BootTime {
    BootTime::at(Duration::from_millis(millis))
}

fn epoch(seq: u64) -> Epoch {
    Epoch::new(1, seq)
}

fn report(applied: Epoch) -> Report {
    Report::new(MemberKind::Edge, "an edge".into(), applied)
}

/// Whether a report brought a lease; a member that is not in the record is recorded on the way.
fn heard(ledger: &mut Ledger, millis: u64, id: &str, seq: u64) -> bool {
    loop {
        match ledger.report(at(millis), id, &report(epoch(seq))).unwrap() {
            Reply::Renewal(renewal) => return renewal.lease_ms.is_some(),
            Reply::Record => ledger.recorded(at(millis), id, id, MemberKind::Edge),
        }
    }
}

fn terms() -> Terms {
    Terms::of(Duration::from_millis(LEASE), Duration::from_secs(2))
}

/// Books that lead from 10,000 on, at number 5, after a leader that had no members.
fn leading() -> Ledger {
    let mut ledger = Ledger::new(terms());
    ledger.lead(at(10_000), at(10_000), epoch(5), Earlier::Members(Vec::new()));
    ledger
}

/// Proves every second that it leads.
fn prove(ledger: &mut Ledger, from: u64, to: u64, seq: u64) {
    for millis in (from..=to).step_by(1_000) {
        ledger.proven(at(millis), at(millis), epoch(seq));
    }
}

#[test]
fn a_write_waits_for_the_slowest_that_may_serve() {
    let mut ledger = leading();
    assert!(heard(&mut ledger, 10_010, "a", 5) && heard(&mut ledger, 10_010, "b", 5));
    ledger.numbered(at(10_100), epoch(6));
    assert_eq!(ledger.settle(at(10_100)), epoch(5));
    heard(&mut ledger, 10_110, "a", 6);
    assert_eq!(ledger.settle(at(10_110)), epoch(5));
    let waiting = ledger.waiting_for(at(10_110), epoch(6));
    assert_eq!(waiting.iter().map(|w| (w.id.as_str(), w.at_most_ms)).collect::<Vec<_>>(), [("b", 4_900)]);
    heard(&mut ledger, 10_120, "b", 6);
    assert_eq!(ledger.settle(at(10_120)), epoch(6));
    assert_eq!(ledger.how(at(10_120), epoch(6)), Acknowledged { members: 2, lapsed: Vec::new() });
}

#[test]
fn a_dead_member_delays_to_the_end_of_its_lease_and_is_named() {
    let mut ledger = leading();
    heard(&mut ledger, 10_010, "a", 5);
    heard(&mut ledger, 10_010, "b", 5);
    ledger.numbered(at(11_000), epoch(6));
    prove(&mut ledger, 11_000, 15_000, 6);
    heard(&mut ledger, 11_001, "a", 6);
    assert_eq!(ledger.next_change(at(11_001)), Some(at(10_010 + GONE)));
    assert_eq!(ledger.settle(at(10_009 + GONE)), epoch(5));
    assert_eq!(ledger.settle(at(10_010 + GONE)), epoch(6));
    assert_eq!(ledger.how(at(10_010 + GONE), epoch(6)), Acknowledged { members: 1, lapsed: vec!["an edge".into()] });
    // What is written after it was gone is not held up, and does not name it.
    ledger.numbered(at(15_100), epoch(7));
    heard(&mut ledger, 15_101, "a", 7);
    assert_eq!(ledger.settle(at(15_101)), epoch(7));
    assert!(ledger.how(at(15_101), epoch(7)).lapsed.is_empty());
}

#[test]
fn who_lapsed_or_is_new_gets_a_lease_at_the_newest_epoch_alone() {
    let mut ledger = leading();
    assert!(!heard(&mut ledger, 10_010, "new", 4));
    assert!(heard(&mut ledger, 10_020, "new", 5));
    ledger.numbered(at(10_030), epoch(6));
    // Who holds one may lag.
    assert!(heard(&mut ledger, 11_000, "new", 5));
    prove(&mut ledger, 11_000, 17_000, 6);
    assert!(!heard(&mut ledger, 11_000 + GONE, "new", 5));
    assert!(heard(&mut ledger, 11_001 + GONE, "new", 6));
}

#[test]
fn who_lags_for_longer_than_a_lease_gets_no_further_one() {
    let mut ledger = leading();
    heard(&mut ledger, 10_010, "a", 5);
    ledger.numbered(at(10_100), epoch(6));
    prove(&mut ledger, 11_000, 13_000, 6);
    assert!(heard(&mut ledger, 13_099, "a", 5));
    assert!(!heard(&mut ledger, 13_100, "a", 5));
    assert!(heard(&mut ledger, 13_200, "a", 6));
}

#[test]
fn a_successor_waits_for_those_it_knows_and_for_nobody_once_all_were_heard() {
    let known = |id: &str| (id.to_owned(), id.to_owned(), MemberKind::Edge);
    let mut ledger = leading();
    ledger.lead(at(20_000), at(20_001), epoch(9), Earlier::Members(vec![known("a"), known("b")]));
    assert_eq!(ledger.settle(at(20_002)), Epoch::ZERO);
    assert!(heard(&mut ledger, 20_010, "a", 9));
    assert_eq!(ledger.settle(at(20_010)), Epoch::ZERO);
    // It is behind, so it gets no lease, but the one that it may hold is known to serve nothing older than this.
    assert!(!heard(&mut ledger, 20_020, "b", 8));
    assert_eq!(ledger.settle(at(20_020)), epoch(8));
    assert!(heard(&mut ledger, 20_030, "b", 9));
    assert_eq!(ledger.settle(at(20_030)), epoch(9));
    ledger.lead(at(30_000), at(30_001), epoch(9), Earlier::Members(vec![known("a")]));
    assert_eq!(ledger.settle(at(30_000 + HANDOVER)), Epoch::ZERO);
    assert_eq!(ledger.settle(at(30_001 + HANDOVER)), epoch(9));
}

#[test]
fn a_successor_that_knows_nobody_acknowledges_nothing_for_a_handover() {
    let mut ledger = leading();
    ledger.lead(at(20_000), at(20_000), Epoch::new(2, 9), Earlier::Unknown);
    assert_eq!(ledger.settle(at(19_999 + HANDOVER)), Epoch::ZERO);
    assert_eq!(ledger.settle(at(20_000 + HANDOVER)), Epoch::new(2, 9));
    // A term that was raised by hand under a running leader.
    ledger.numbered(at(30_001), Epoch::new(3, 9));
    assert_eq!(ledger.settle(at(30_000 + HANDOVER)), Epoch::new(2, 9));
    assert_eq!(ledger.settle(at(30_001 + HANDOVER)), Epoch::new(3, 9));
}

#[test]
fn who_cannot_prove_that_it_leads_grants_nothing() {
    let mut ledger = leading();
    assert!(heard(&mut ledger, 11_499, "a", 5));
    assert_eq!(ledger.report(at(11_500), "a", &report(epoch(5))), Err(Refusal::NotLeading));
    ledger.proven(at(11_400), at(11_600), epoch(5));
    assert!(heard(&mut ledger, 12_899, "a", 5));
    assert_eq!(ledger.report(at(12_900), "a", &report(epoch(5))), Err(Refusal::NotLeading));
    ledger.proven(at(12_900), at(12_900), epoch(5));
    ledger.stop_leading();
    assert_eq!(ledger.report(at(12_901), "a", &report(epoch(5))), Err(Refusal::NotLeading));
}

#[test]
fn a_clock_reading_that_comes_late_counts_as_the_latest() {
    let mut ledger = leading();
    heard(&mut ledger, 10_010, "a", 5);
    ledger.numbered(at(10_100), epoch(6));
    prove(&mut ledger, 11_000, 15_000, 6);
    // One thread decides that it is gone; another had read the clock before, and would renew.
    assert_eq!(ledger.settle(at(10_010 + GONE)), epoch(6));
    assert!(!heard(&mut ledger, 10_009 + GONE, "a", 5));
}

#[test]
fn a_member_that_knows_what_was_never_numbered_betrays_a_lost_history() {
    let mut ledger = leading();
    heard(&mut ledger, 10_010, "a", 9);
    // It may have read what this process has just committed and not heard of yet.
    ledger.proven(at(10_005), at(10_015), epoch(5));
    assert_eq!((ledger.lost_history(), ledger.settle(at(10_016))), (None, Epoch::ZERO));
    ledger.proven(at(10_005), at(10_017), epoch(9));
    assert_eq!((ledger.lost_history(), ledger.settle(at(10_018))), (None, epoch(9)));
    let later = ledger.report(at(10_030), "a", &report(Epoch::new(2, 1)));
    assert_eq!(later, Err(Refusal::LaterTerm { own: 1, told: 2 }));
}

#[test]
fn numbers_of_a_lost_history_acknowledge_nothing() {
    let mut ledger = leading();
    heard(&mut ledger, 10_010, "a", 9);
    // What a later question shows to be numbered was not when the member spoke of it, though it is by now.
    ledger.proven(at(10_020), at(10_030), epoch(12));
    assert_eq!((ledger.lost_history(), ledger.settle(at(10_040))), (Some(epoch(9)), Epoch::ZERO));
    ledger.numbered(at(10_050), Epoch::new(2, 12));
    ledger.proven(at(10_060), at(10_070), Epoch::new(2, 12));
    assert_eq!(ledger.lost_history(), None);
}

#[test]
fn a_leader_notices_that_its_own_history_was_put_back() {
    let mut ledger = leading();
    heard(&mut ledger, 10_010, "a", 5);
    ledger.numbered(at(10_020), epoch(9));
    ledger.proven(at(10_030), at(10_031), epoch(6));
    heard(&mut ledger, 10_040, "a", 9);
    assert_eq!((ledger.lost_history(), ledger.settle(at(10_050))), (Some(epoch(9)), Epoch::ZERO));
    // Under a new lead as well, as long as the term is the same.
    let mut ledger = leading();
    ledger.lead(at(20_000), at(20_000), epoch(3), Earlier::Members(Vec::new()));
    assert_eq!(ledger.lost_history(), Some(epoch(5)));
}

#[test]
fn who_took_leave_is_waited_for_no_more_and_its_late_report_is_refused() {
    let mut ledger = leading();
    heard(&mut ledger, 10_010, "a", 5);
    ledger.numbered(at(10_100), epoch(6));
    ledger.leave(at(10_200), "a");
    assert_eq!(ledger.settle(at(10_200)), epoch(6));
    assert_eq!(ledger.report(at(10_300), "a", &report(epoch(5))), Err(Refusal::Left));
}

#[test]
fn those_long_unheard_are_forgotten_and_those_that_may_serve_are_not() {
    let mut ledger = leading();
    heard(&mut ledger, 10_010, "a", 5);
    assert!(ledger.forget(at(12_000), Duration::from_secs(1)).is_empty());
    assert_eq!(ledger.forget(at(10_010 + GONE), Duration::from_secs(1)), ["a"]);
    assert!(ledger.members(at(16_000)).is_empty());
}

#[test]
fn what_a_member_tells_of_an_epoch_is_shown_in_its_trail_and_the_oldest_is_forgotten() {
    let fate = |received_before_ms| Fate {
        via: Some(Way::Stream),
        received_before_ms,
        applied_before_ms: received_before_ms,
        unusable: Unusable::Objects(1),
        first_fresh_fill: Some(FreshFill { before_ms: 1, url: "\u{f8}".repeat(500) }),
    };
    let mut ledger = leading();
    heard(&mut ledger, 10_010, "a", 5);
    let of = |ledger: &Ledger, millis, seq| ledger.trail(at(millis), epoch(seq)).nodes[0].fate.clone();
    assert_eq!(of(&ledger, 10_020, 5), None);
    for seq in 1..=600 {
        let outcomes = vec![Outcome { epoch: epoch(seq), fate: fate(20) }];
        ledger.report(at(10_030), "a", &Report { outcomes, ..report(epoch(5)) }).unwrap();
    }
    let told = of(&ledger, 10_080, 600).unwrap();
    assert_eq!((told.received_before_ms, told.unusable), (70, Unusable::Objects(1)));
    let fill = told.first_fresh_fill.unwrap();
    assert_eq!((fill.before_ms, fill.url.len()), (51, MAX_URL));
    assert_eq!((of(&ledger, 10_080, 88), of(&ledger, 10_080, 89).is_some()), (None, true));
    // What is told anew counts, and of one report no more than so many.
    let many = (700..900).map(|seq| Outcome { epoch: epoch(seq), fate: fate(0) }).collect();
    ledger.report(at(10_090), "a", &Report { outcomes: many, ..report(epoch(5)) }).unwrap();
    let last = 700 + MAX_OUTCOMES as u64 - 1;
    assert_eq!((of(&ledger, 10_090, last).is_some(), of(&ledger, 10_090, last + 1)), (true, None));
}

#[test]
fn a_number_that_is_given_again_was_never_acknowledged() {
    let mut ledger = leading();
    ledger.numbered(at(10_005), epoch(9));
    assert_eq!(ledger.settle(at(10_010)), epoch(9));
    ledger.stop_leading();
    // The same process leads again, nobody led in between, and the files were put back meanwhile.
    ledger.resume(at(12_000), at(12_001), epoch(5));
    assert_eq!((ledger.lost_history(), ledger.settle(at(12_002))), (Some(epoch(9)), Epoch::ZERO));
    ledger.numbered(at(12_003), epoch(6));
    assert_eq!(ledger.settle(at(12_004)), Epoch::ZERO, "6 is another purge now");
    ledger.numbered(at(12_005), Epoch::new(2, 6));
    assert_eq!(ledger.lost_history(), None);
}

#[test]
fn what_a_process_knew_before_it_led_betrays_a_lost_history() {
    // It followed, or a member told it while it did not lead.
    for told in [false, true] {
        let mut ledger = Ledger::new(terms());
        if told {
            ledger.report(at(9_000), "edge", &report(epoch(9))).unwrap_err();
        } else {
            ledger.knows(at(9_000), epoch(9));
        }
        ledger.lead(at(10_000), at(10_001), epoch(8), Earlier::Members(Vec::new()));
        assert_eq!(ledger.lost_history(), Some(epoch(9)));
        let mut ledger = Ledger::new(terms());
        ledger.knows(at(9_000), epoch(9));
        // What comes after, or in another term, is no loss.
        ledger.lead(at(10_000), at(10_001), epoch(9), Earlier::Members(Vec::new()));
        assert_eq!(ledger.lost_history(), None);
        ledger.stop_leading();
        // A number whose answer was lost with the session is known to members first.
        ledger.knows(at(10_500), epoch(10));
        ledger.resume(at(11_000), at(11_001), epoch(10));
        assert_eq!(ledger.lost_history(), None);
    }
}
