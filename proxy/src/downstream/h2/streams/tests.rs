use std::time::Duration;

use super::*;

fn limits() -> Limits {
    let pace = Pace { rate: 1000, grace: Duration::from_secs(5) };
    Limits {
        body: pace,
        response: pace,
        body_timeout: Duration::from_mins(1),
        head_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(30),
        h2: H2Limits { resets: 3, frames: 10, ..Limits::default().h2 },
        ..Limits::default()
    }
}

struct Bench {
    streams: Streams,
    limits: Limits,
    now: Millis,
}

impl Bench {
    fn new() -> Self {
        Self { streams: Streams::new(0, 100_000, 50_000), limits: limits(), now: 0 }
    }

    fn came(&mut self, kind: u8, flags: u8, stream: u32, length: u32) -> Result<(), Limit> {
        let frame = Frame { kind, flags, stream, length };
        self.streams.came(self.now, &self.limits, Event::Begun(frame))?;
        self.streams.came(self.now, &self.limits, Event::Ended(frame))
    }

    fn went(&mut self, kind: u8, flags: u8, stream: u32, length: u32) {
        let frame = Frame { kind, flags, stream, length };
        self.streams.went(self.now, &self.limits, Event::Begun(frame)).unwrap();
    }

    /// A frame of settings, each of which says the initial window.
    fn came_settings(&mut self, sizes: &[u32]) {
        let frame = Frame { kind: kind::SETTINGS, flags: 0, stream: 0, length: 6 };
        let settings = sizes.iter().map(|size| Event::Setting(INITIAL_WINDOW_SIZE, *size));
        for event in settings.chain([Event::Ended(frame)]) {
            self.streams.came(self.now, &self.limits, event).unwrap();
        }
    }

    fn came_word(&mut self, kind: u8, stream: u32, word: u32) -> Result<(), Limit> {
        let frame = Frame { kind, flags: 0, stream, length: 4 };
        self.streams.came(self.now, &self.limits, Event::Word(frame, word))
    }

    fn went_word(&mut self, kind: u8, stream: u32, word: u32) -> Result<(), Limit> {
        let frame = Frame { kind, flags: 0, stream, length: 4 };
        self.streams.went(self.now, &self.limits, Event::Word(frame, word))
    }

    fn at(&mut self, seconds: u64) -> Result<(), Limit> {
        self.now = seconds * 1000;
        self.streams.check(self.now, &self.limits)
    }

    fn get(&mut self, stream: u32) {
        self.came(kind::HEADERS, END_HEADERS | END_STREAM, stream, 10).unwrap();
    }
}

#[test]
fn resets_have_a_rate_whoever_makes_them() {
    // Rapid reset (CVE-2023-44487).
    let mut bench = Bench::new();
    for stream in [1, 3, 5] {
        bench.get(stream);
        assert_eq!(bench.came_word(kind::RST_STREAM, stream, 8), Ok(()));
    }
    bench.now = 9_999;
    assert_eq!(bench.came_word(kind::RST_STREAM, 7, 8), Err(Limit::H2Resets));
    bench.now = 10_000;
    assert_eq!(bench.came_word(kind::RST_STREAM, 9, 8), Ok(()), "ten seconds later others may come");
    assert!(bench.streams.each.is_empty());

    // MadeYouReset (CVE-2025-8671): mistakes for which this edge resets.
    let mut bench = Bench::new();
    for stream in [1, 3, 5] {
        bench.get(stream);
        assert_eq!(bench.went_word(kind::RST_STREAM, stream, 1), Ok(()));
    }
    assert_eq!(bench.went_word(kind::RST_STREAM, 7, 0), Ok(()), "NO_ERROR is this edge's own will");
    assert_eq!(bench.went_word(kind::RST_STREAM, 7, 5), Err(Limit::H2Resets));
}

#[test]
fn frames_beside_heads_and_content_have_a_rate() {
    const PING: u8 = 6;
    let mut bench = Bench::new();
    for _ in 0..10 {
        assert_eq!(bench.came(PING, 0, 0, 8), Ok(()));
    }
    assert_eq!(bench.came(PING, 0, 0, 8), Err(Limit::H2Frames));
    // Content brings some along.
    let mut bench = Bench::new();
    bench.get(1);
    bench.went(kind::HEADERS, END_HEADERS, 1, 10);
    assert_eq!(bench.came(kind::WINDOW_UPDATE, 0, 0, 4), Ok(()));
    for _ in 0..100 {
        bench.went(kind::DATA, 0, 1, 100);
        assert_eq!(bench.came(kind::WINDOW_UPDATE, 0, 0, 4), Ok(()));
        assert_eq!(bench.came(kind::WINDOW_UPDATE, 0, 1, 4), Ok(()));
    }
    // DATA without content does not.
    let mut bench = Bench::new();
    bench.came(kind::HEADERS, END_HEADERS, 1, 10).unwrap();
    let flooded = (0..20).find_map(|_| bench.came(kind::DATA, 0, 1, 0).err());
    assert_eq!(flooded, Some(Limit::H2Frames));
}

#[test]
fn heads_have_their_time() {
    let mut bench = Bench::new();
    assert_eq!(bench.at(29), Ok(()));
    assert_eq!(bench.at(31), Err(Limit::IdleTimeout), "no request at all");
    // Nor is there one between two, whatever else comes.
    let mut bench = Bench::new();
    bench.at(20).unwrap();
    bench.get(1);
    assert_eq!(bench.at(100), Ok(()), "one is being answered");
    bench.went(kind::HEADERS, END_HEADERS | END_STREAM, 1, 10);
    bench.at(129).unwrap();
    bench.came(6, 0, 0, 8).unwrap();
    assert_eq!(bench.at(131), Err(Limit::IdleTimeout));
    let mut bench = Bench::new();
    bench.came(kind::HEADERS, END_STREAM, 1, 10).unwrap();
    assert!(bench.streams.is_waiting());
    assert_eq!(bench.at(9), Ok(()));
    bench.came(kind::CONTINUATION, 0, 1, 10).unwrap();
    assert_eq!(bench.at(11), Err(Limit::HeadTimeout), "CONTINUATION does not make it longer");
    bench.came(kind::CONTINUATION, END_HEADERS, 1, 10).unwrap();
    assert_eq!(bench.at(12), Ok(()));
    assert!(!bench.streams.is_waiting(), "now it is this edge's turn");
}

#[test]
fn contents_have_their_pace_while_there_is_room_for_them() {
    let mut bench = Bench::new();
    bench.came(kind::HEADERS, END_HEADERS, 1, 10).unwrap();
    assert_eq!(bench.at(5), Ok(()));
    bench.came(kind::DATA, 0, 1, 4000).unwrap();
    assert_eq!(bench.at(8), Ok(()), "one of five seconds was left, and four thousand bytes make up for four");
    assert_eq!(bench.at(10), Err(Limit::BodyRate));

    // The window is full: it is this edge that does not read.
    let mut bench = Bench::new();
    bench.came(kind::HEADERS, END_HEADERS, 1, 10).unwrap();
    bench.came(kind::DATA, 0, 1, 50_000).unwrap();
    assert_eq!(bench.at(1000), Ok(()));
    assert!(!bench.streams.is_waiting());
    bench.went_word(kind::WINDOW_UPDATE, 1, 1).unwrap();
    assert_eq!(bench.at(1006), Err(Limit::BodyRate));
    bench.came(kind::DATA, END_STREAM, 1, 1).unwrap();
    assert_eq!(bench.at(2000), Ok(()));

    // All streams' window is full.
    let mut bench = Bench::new();
    for stream in [1, 3, 5] {
        bench.came(kind::HEADERS, END_HEADERS, stream, 10).unwrap();
    }
    bench.came(kind::DATA, 0, 1, 50_000).unwrap();
    bench.came(kind::DATA, 0, 3, 50_000).unwrap();
    assert_eq!(bench.at(1000), Ok(()));
    bench.went_word(kind::WINDOW_UPDATE, 0, 10).unwrap();
    assert_eq!(bench.at(1006), Err(Limit::BodyRate), "the third may send now");
}

#[test]
fn a_content_may_not_take_for_ever() {
    let mut bench = Bench::new();
    bench.came(kind::HEADERS, END_HEADERS, 1, 10).unwrap();
    for second in 1..60 {
        assert_eq!(bench.at(second), Ok(()));
        bench.came(kind::DATA, 0, 1, 1000).unwrap();
        bench.went_word(kind::WINDOW_UPDATE, 1, 1000).unwrap();
        bench.went_word(kind::WINDOW_UPDATE, 0, 1000).unwrap();
    }
    assert_eq!(bench.at(61), Err(Limit::BodyTimeout));
}

#[test]
fn responses_have_their_pace_where_the_client_lets_nothing_go() {
    let mut bench = Bench::new();
    bench.get(1);
    assert_eq!(bench.at(1000), Ok(()), "this edge has not answered");
    bench.went(kind::HEADERS, END_HEADERS, 1, 10);
    bench.went(kind::DATA, 0, 1, 60_000);
    assert_eq!(bench.at(2000), Ok(()), "there is room, and nothing to send");
    bench.went(kind::DATA, 0, 1, 5_535);
    assert!(bench.streams.is_waiting());
    assert_eq!(bench.at(2005), Ok(()));
    // A byte at a time is no pace.
    bench.came_word(kind::WINDOW_UPDATE, 0, 100_000).unwrap();
    bench.came_word(kind::WINDOW_UPDATE, 1, 1).unwrap();
    bench.went(kind::DATA, 0, 1, 1);
    assert_eq!(bench.at(2006), Err(Limit::ResponseRate));

    // Nor where there is room at each look.
    let mut bench = Bench::new();
    bench.get(1);
    bench.went(kind::HEADERS, END_HEADERS, 1, 10);
    bench.went(kind::DATA, 0, 1, 65_535);
    bench.came_word(kind::WINDOW_UPDATE, 0, 100_000).unwrap();
    let over = (1..60).find(|&second| {
        bench.now = second * 1000;
        bench.came_word(kind::WINDOW_UPDATE, 1, 1).unwrap();
        let is_over = bench.at(second).is_err();
        bench.went(kind::DATA, 0, 1, 1);
        is_over
    });
    assert_eq!(over, Some(6), "one byte a second, and five seconds of grace");

    // Settings change all windows.
    let mut bench = Bench::new();
    bench.get(1);
    bench.came_settings(&[1000, 7, 0]);
    bench.went(kind::HEADERS, END_HEADERS, 1, 10);
    assert_eq!(bench.at(4), Ok(()));
    bench.came_settings(&[10]);
    assert_eq!(bench.at(100), Ok(()));
    bench.went(kind::DATA, END_STREAM, 1, 10);
    assert!(bench.streams.each.is_empty(), "nothing stays of a stream that is over");
}
