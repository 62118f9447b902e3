//! That lines say what `tracing` would say, whatever is in them.

use std::io::Write;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use parking_lot::Mutex;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn json(line: &Line<'_>, at: SystemTime) -> String {
    let mut text = Vec::new();
    json::append(line, at, &mut text);
    String::from_utf8(text).unwrap()
}

/// What is written goes here.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The line as `tracing` writes it.
fn traced(line: &Line<'_>) -> String {
    let written = Written::default();
    let to = written.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || to.clone());
    let subscriber = subscriber.json().flatten_event(true).with_current_span(false).with_span_list(false).finish();
    tracing::subscriber::with_default(subscriber, || line.trace());
    let bytes = written.0.lock().clone();
    String::from_utf8(bytes).unwrap()
}

/// The members in their order, but for the time.
fn members(line: &str) -> Vec<(String, Value)> {
    assert!(line.ends_with("}\n") && line.matches('\n').count() == 1, "one line: {line:?}");
    let Value::Object(members) = serde_json::from_str(line).unwrap() else { panic!("no object: {line}") };
    members.into_iter().filter(|(name, _)| name != "timestamp").collect()
}

const LINE: Line<'_> = Line {
    client: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
    method: "GET",
    host: "shop.example",
    target: "/a?b=1",
    status: 200,
    bytes: 5,
    rule: "catalog",
    outcome: Outcome::Hit,
    took: Duration::from_micros(12),
    request_id: "id",
    failed: false,
};

#[test]
fn a_line_is_of_the_documented_form() {
    let at = UNIX_EPOCH + Duration::from_micros(1_469_918_176_000_385);
    let expected = "{\"timestamp\":\"2016-07-30T22:36:16.000385Z\",\"level\":\"INFO\",\"client\":\"192.0.2.1\",\"method\":\"GET\",\
         \"host\":\"shop.example\",\"path\":\"/a?b=1\",\"status\":200,\"bytes\":5,\"rule\":\"catalog\",\"outcome\":\"hit\",\
         \"reason\":\"\",\"duration_us\":12,\"request_id\":\"id\",\"failed\":false,\"target\":\"access\"}\n";
    assert_eq!(json(&LINE, at), expected);
    // The seconds are remembered: another, and the same again.
    for (seconds, expected) in [(0, "1970-01-01T00:00:00.000000Z"), (951_782_400, "2000-02-29T00:00:00.000000Z")] {
        for _ in 0..2 {
            let told = json(&LINE, UNIX_EPOCH + Duration::from_secs(seconds));
            assert!(told.starts_with(&format!("{{\"timestamp\":\"{expected}\"")), "{told}");
        }
    }
    assert!(!json(&Line { client: None, ..LINE }, at).contains("client"));
}

#[test]
fn long_targets_are_cut_at_a_character() {
    assert_eq!(truncated("/a"), "/a");
    let long = format!("{}é", "x".repeat(MAX_TARGET - 1));
    assert_eq!(truncated(&long).len(), MAX_TARGET - 1);
}

proptest! {
    #[test]
    fn lines_say_what_tracing_would(
        client: Option<IpAddr>, method in ".{0,8}", host in "\\PC{0,20}", target in "(?s).{0,600}", status: u16, bytes: u64,
        rule in "[\u{0}-\u{7f}]{0,10}", outcome in proptest::sample::select(Outcome::all().collect::<Vec<_>>()), micros: u64,
        request_id in ".{0,30}", failed: bool,
    ) {
        let took = Duration::from_micros(micros);
        let line = Line {
            client, method: &method, host: &host, target: &target, status, bytes, rule: &rule, outcome, took,
            request_id: &request_id, failed,
        };
        prop_assert_eq!(members(&json(&line, SystemTime::now())), members(&traced(&line)));
    }
}
