//! The fast path against the slow path, in one process and without sockets: generated responses are stored, generated requests asked for
//! them, and where the fast path answers, Pingora with the edge in it gives the same answer from the same store.
//!
//! What time and chance put in may differ: Age, `ttl` and `max-age` by a second, Date, and request ids where the client gives none.
#![no_main]

mod answers;
mod edge;
mod peer;
mod store;
mod words;

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;

use answers::Answer;
use edge::Edge;
use words::Request;

thread_local! {
    static EDGE: Edge = Edge::new();
}

fuzz_target!(|data: &[u8]| {
    EDGE.with(|edge| {
        // What is left is not enough for another choice.
        let _ = case(edge, &mut Unstructured::new(data));
    });
});

fn case(edge: &Edge, input: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    edge.forget();
    let paths = words::paths(input)?;
    for _ in 0..input.int_in_range(1..=3)? {
        store::store(edge, &paths, input)?;
    }
    store::purge(edge, &paths, input)?;
    for _ in 0..input.int_in_range(1..=4)? {
        compare(edge, &words::request(&paths, input)?);
    }
    Ok(())
}

fn compare(edge: &Edge, request: &Request) {
    let expected = edge.outlook(request);
    let first = edge.fast(request);
    if let Some(fast) = &first {
        assert!(expected.is_hit(), "{expected:?} is answered at once: {request}");
        let over_h2 = edge.fast_over_h2(request);
        if let Some(over_h2) = over_h2 {
            over_h2.assert_is(&fast.for_any_connection(), "HTTP/1.1", request);
        }
    }
    // Who is not answered at once would be answered by an upstream, of which there is none here.
    if !expected.is_hit() {
        return;
    }
    let slow = edge.slow(request);
    // The slow path has made what the fast one lacked: the body in the client's form.
    let second = edge.fast(request);
    for fast in first.iter().chain(&second) {
        Answer::assert_is(fast, &slow, "the slow path", request);
    }
}
