//! The machine, event by event. Times are milliseconds.

use vitrine_shared::coherence::{Position, TagTable, Verdict};
use vitrine_shared::feed::{Mode, Purge};
use vitrine_shared::tag::{Tag, TagHash};

use super::*;
use crate::feed::connection::State;
use crate::purge::metrics::PurgeMetrics;

const NO_TAGS: [TagHash; 0] = [];

fn at(millis: u64) -> BootTime {
    BootTime::at(Duration::from_millis(millis))
}

fn machine(has_stream: bool) -> (Machine, Arc<Live>, Arc<Connection>) {
    let live = Arc::new(Live::new(TagTable::at(Epoch::ZERO, 100)));
    let connection = Arc::new(Connection::with_feed(at(0)));
    let terms = LeaseTerms { renew_every: Duration::from_secs(1), longest: Duration::from_secs(10) };
    let log = Arc::new(PurgeLog::new(PurgeMetrics::register(&prometheus::Registry::new()).unwrap()));
    let machine = Machine::new(live.clone(), connection.clone(), Arc::default(), log, terms, has_stream, at(0));
    (machine, live, connection)
}

fn batch(term: u32, seq: u64) -> Batch {
    let purge = Purge { seq, mode: Mode::Hard, tags: vec![Tag::product("1")], everything: false, event: None };
    Batch::new(term, Epoch::new(term, seq - 1), vec![purge]).unwrap()
}

fn page(position: Epoch, batches: Vec<Batch>) -> Event {
    Event::Page(Page { v: VERSION, position, take_position: None, batches })
}

fn renewed(sent_at: BootTime, position: Epoch, lease_ms: Option<u64>) -> Event {
    Event::Renewed { sent_at, renewal: Renewal { v: VERSION, position, lease_ms } }
}

/// Takes the machine to position 1.5 with the stream open and a lease of three seconds from 10 ms on.
fn tailing() -> (Machine, Arc<Live>, Arc<Connection>) {
    let (mut machine, live, connection) = machine(true);
    let first = machine.handle(at(0), Event::Tick);
    assert_eq!(first, [Action::FetchPage { after: Epoch::ZERO, wait: Duration::ZERO }]);
    let five = Epoch::new(1, 5);
    let actions = machine.handle(at(10), page(five, vec![]));
    assert!(actions.contains(&Action::OpenStream { after: five }));
    assert!(actions.contains(&Action::Report { applied: five }));
    machine.handle(at(11), Event::StreamOpened);
    machine.handle(at(12), renewed(at(10), five, Some(3_000)));
    // A long poll began before the stream was open; it ends empty and no other follows.
    assert_eq!(machine.handle(at(100), Event::Tick), [] as [Action; 0]);
    (machine, live, connection)
}

#[test]
fn a_table_that_was_kept_goes_on_from_where_it_stood() {
    let (machine, live, _) = machine(true);
    live.take_position(Epoch::new(1, 5));
    let stored = live.stamp();
    let mut machine = machine.with_disk(None, true);
    let first = machine.handle(at(0), Event::Tick);
    assert_eq!(first, [Action::FetchPage { after: Epoch::new(1, 5), wait: Duration::ZERO }]);
    let actions = machine.handle(at(10), page(Epoch::new(1, 6), vec![batch(1, 6)]));
    assert!(actions.contains(&Action::Report { applied: Epoch::new(1, 6) }), "{actions:?}");
    assert_eq!((live.applied(), live.floor()), (Epoch::new(1, 6), Epoch::new(1, 5)));
    assert_eq!(live.verdict(stored, [Tag::product("1").hash()]), Verdict::Purged);
    assert_eq!(live.verdict(stored, [Tag::product("2").hash()]), Verdict::Servable);
}

#[test]
fn a_table_that_was_kept_too_long_takes_a_position() {
    let (machine, live, _) = machine(true);
    live.take_position(Epoch::new(1, 5));
    let stored = live.stamp();
    let mut machine = machine.with_disk(None, true);
    machine.handle(at(0), Event::Tick);
    let position = Epoch::new(1, 90);
    let taken = Page { v: VERSION, position, take_position: Some(position), batches: vec![] };
    machine.handle(at(10), Event::Page(taken));
    assert_eq!((live.applied(), live.verdict(stored, NO_TAGS)), (position, Verdict::Purged));
}

#[test]
fn a_history_that_has_begun_again_is_noticed_at_the_first_page_alone() {
    let (machine, live, _) = machine(true);
    live.take_position(Epoch::new(1, 500));
    let stored = live.stamp();
    let mut machine = machine.with_disk(None, true);
    machine.handle(at(0), Event::Tick);
    let actions = machine.handle(at(10), page(Epoch::new(1, 3), vec![]));
    assert!(actions.contains(&Action::Report { applied: Epoch::new(1, 3) }), "{actions:?}");
    assert_eq!((live.applied(), live.verdict(stored, NO_TAGS)), (Epoch::new(1, 3), Verdict::Purged));
    // Later, a page that is older than what the stream has brought is nothing unusual.
    machine.handle(at(20), Event::Batch(batch(1, 4)));
    machine.handle(at(30), page(Epoch::new(1, 3), vec![]));
    assert_eq!(live.applied(), Epoch::new(1, 4));
}

#[test]
fn nothing_is_reported_before_a_position_is_taken() {
    let (mut machine, live, connection) = machine(true);
    assert_eq!(machine.handle(at(0), Event::Tick).len(), 1);
    assert_eq!(machine.handle(at(1), Event::PageFailed), [] as [Action; 0]);
    assert!(matches!(machine.handle(at(60), Event::Tick)[..], [Action::FetchPage { .. }]));
    machine.handle(at(61), page(Epoch::new(3, 9), vec![]));
    assert_eq!(live.applied(), Epoch::new(3, 9));
    assert_eq!(live.floor(), Epoch::new(3, 9));
    assert_eq!(connection.state(at(62)), State::CutOff { since: at(0) });
}

#[test]
fn the_lease_runs_from_sending_and_a_third_of_it_brings_the_next_report() {
    let (mut machine, _, connection) = tailing();
    assert_eq!(connection.state(at(3_009)), State::Connected);
    assert_eq!(connection.state(at(3_010)), State::CutOff { since: at(3_010) });
    assert_eq!(machine.handle(at(1_009), Event::Tick), [] as [Action; 0]);
    assert_eq!(machine.handle(at(1_010), Event::Tick), [Action::Report { applied: Epoch::new(1, 5) }]);
    assert_eq!(machine.handle(at(1_020), Event::Tick), [] as [Action; 0]);
}

#[test]
fn what_was_applied_is_noted_once_with_the_event_behind_it() {
    let (mut machine, _, _) = tailing();
    let mut known = batch(1, 6);
    known.purges[0].event = Some("product.updated".to_owned());
    machine.handle(at(200), Event::Batch(known.clone()));
    machine.handle(at(201), Event::Batch(known));
    // A gap is refused whole, and leaves no word.
    machine.handle(at(202), Event::Batch(batch(1, 9)));
    let noted = machine.log.newest(None, 10);
    assert_eq!(noted.len(), 1);
    assert_eq!(noted[0].position, Position::Feed(Epoch::new(1, 6)));
    assert_eq!(noted[0].source.to_string(), "the origin's event product.updated");
}

#[test]
fn progress_is_reported_at_once_and_one_report_is_under_way_at_a_time() {
    let (mut machine, _, _) = tailing();
    let actions = machine.handle(at(200), Event::Batch(batch(1, 6)));
    assert_eq!(actions, [Action::Report { applied: Epoch::new(1, 6) }]);
    assert_eq!(machine.handle(at(201), Event::Batch(batch(1, 7))), [] as [Action; 0]);
    let actions = machine.handle(at(202), renewed(at(200), Epoch::new(1, 7), Some(3_000)));
    assert_eq!(actions, [Action::Report { applied: Epoch::new(1, 7) }]);
}

#[test]
fn while_an_answer_is_waited_for_there_is_nothing_to_wake_up_for() {
    let (mut machine, _, _) = tailing();
    machine.handle(at(150), page(Epoch::new(1, 5), vec![]));
    assert_eq!(machine.handle(at(1_010), Event::Tick).len(), 1);
    // The report hangs.
    assert_eq!(machine.handle(at(9_000), Event::Tick), [] as [Action; 0]);
    assert_eq!(machine.next_wake(), None);
}

#[test]
fn a_gap_leads_to_the_endpoint() {
    let (mut machine, live, _) = tailing();
    machine.handle(at(150), page(Epoch::new(1, 5), vec![]));
    let actions = machine.handle(at(300), Event::Batch(batch(1, 8)));
    assert_eq!(actions, [Action::FetchPage { after: Epoch::new(1, 5), wait: Duration::ZERO }]);
    machine.handle(at(310), page(Epoch::new(1, 8), vec![batch(1, 6), batch(1, 7), batch(1, 8)]));
    assert_eq!(live.applied(), Epoch::new(1, 8));
    assert_eq!(live.floor(), Epoch::new(1, 5));
}

#[test]
fn a_silent_stream_is_noticed_by_the_renewal() {
    let (mut machine, _, _) = tailing();
    machine.handle(at(150), page(Epoch::new(1, 5), vec![]));
    machine.handle(at(1_010), Event::Tick);
    machine.handle(at(1_020), renewed(at(1_010), Epoch::new(1, 6), Some(3_000)));
    assert_eq!(machine.next_wake(), Some(at(1_120)));
    assert_eq!(
        machine.handle(at(1_120), Event::Tick),
        [Action::FetchPage { after: Epoch::new(1, 5), wait: Duration::ZERO }]
    );
}

#[test]
fn without_a_stream_the_endpoint_is_polled() {
    let (mut machine, live, _) = tailing();
    machine.handle(at(150), page(Epoch::new(1, 5), vec![]));
    let actions = machine.handle(at(300), Event::StreamBroken);
    assert_eq!(actions, [Action::FetchPage { after: Epoch::new(1, 5), wait: Duration::ZERO }]);
    let actions = machine.handle(at(310), page(Epoch::new(1, 6), vec![batch(1, 6)]));
    assert!(actions.contains(&Action::FetchPage { after: Epoch::new(1, 6), wait: POLL_WAIT }), "{actions:?}");
    assert_eq!(live.applied(), Epoch::new(1, 6));
    let actions = machine.handle(at(400), Event::Tick);
    assert_eq!(actions, [Action::OpenStream { after: Epoch::new(1, 6) }]);
}

#[test]
fn a_new_term_raises_the_floor() {
    let (mut machine, live, _) = tailing();
    machine.handle(at(150), page(Epoch::new(1, 5), vec![]));
    machine.handle(at(300), Event::Batch(batch(2, 6)));
    let position = Epoch::new(2, 6);
    let taken = Page { v: VERSION, position, take_position: Some(position), batches: vec![] };
    machine.handle(at(310), Event::Page(taken));
    assert_eq!((live.applied(), live.floor()), (position, position));
}

#[test]
fn a_refused_lease_is_asked_for_again_after_catching_up() {
    let (mut machine, _, connection) = tailing();
    machine.handle(at(150), page(Epoch::new(1, 5), vec![]));
    machine.handle(at(4_000), Event::Tick);
    machine.handle(at(4_010), renewed(at(4_000), Epoch::new(1, 6), None));
    assert!(matches!(connection.state(at(4_011)), State::CutOff { .. }));
    machine.handle(at(4_020), Event::Batch(batch(1, 6)));
    let actions = machine.handle(at(4_260), Event::Tick);
    assert_eq!(actions, [Action::Report { applied: Epoch::new(1, 6) }]);
    machine.handle(at(4_270), renewed(at(4_260), Epoch::new(1, 6), Some(3_000)));
    assert_eq!(connection.state(at(4_271)), State::Connected);
}

#[test]
fn a_lease_is_believed_for_so_long_and_no_longer() {
    let (mut machine, _, connection) = tailing();
    machine.handle(at(1_020), renewed(at(1_010), Epoch::new(1, 5), Some(3_600_000)));
    assert_eq!(connection.lease_ends(), Some(at(11_010)));
}

#[test]
fn messages_of_another_version_are_refused() {
    let (mut machine, live, connection) = machine(false);
    machine.handle(at(0), Event::Tick);
    let position = Epoch::new(1, 5);
    machine.handle(at(1), Event::Page(Page { v: VERSION + 1, position, take_position: None, batches: vec![] }));
    assert_eq!(live.applied(), Epoch::ZERO);
    assert!(matches!(connection.state(at(2)), State::CutOff { .. }));
}
