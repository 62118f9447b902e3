//! Requests that come over HTTP/2 and go on over HTTP/1.1: nothing in them may be read as the end of a line or of a request there.

mod cases;
mod frames;

use cases::Case;
use frames::{Client, END_HEADERS, END_STREAM, Frame, HEADERS, Outcome, block};

use crate::case::Wanted;
use crate::origin::Kind;
use crate::stage::{Stage, at};

/// Plays each case under both rules.
async fn play(kind: Kind) {
    let mut failures = Vec::new();
    let mut stage = Stage::open(kind).await;
    for (number, case) in cases::cases().iter().enumerate() {
        for rule in ['c', 'p'] {
            if let Err(failure) = one(&stage, case, &format!("{rule}/{number:04}")).await {
                failures.push(format!("  {} ({rule}): {failure}", case.name));
                stage = Stage::open(kind).await;
            }
        }
    }
    stage.ended().await;
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

async fn one(stage: &Stage, case: &Case, path: &str) -> Result<(), String> {
    let mut client = Client::connect(stage.proxy.http).await;
    for frame in &case.frames {
        client.send(&Frame { payload: at(&frame.payload, path), ..frame.clone() }.bytes()).await;
    }
    let outcome = client.outcome(1).await;
    let seen = stage.origin.take().await;
    match (&case.wanted, &outcome) {
        (None, Outcome::Refused(_) | Outcome::Answered { status: 400..=499 | 501, .. }) if seen.is_empty() => {}
        (Some(wanted), Outcome::Answered { status: 200, body })
            if *body == wanted.answer(path) && seen == [wanted.seen(path)] => {}
        _ => return Err(format!("{outcome:?}, and the origin saw {seen:?}")),
    }
    stage.victims(path).await?;
    // The connection serves others' streams, unless it was closed with the request.
    let fence = Wanted { method: "GET", target: "/@@@@@@/fence", body: "" };
    let fields = [(":method", "GET"), (":scheme", "http"), (":path", fence.target), (":authority", "shop.example")];
    let fields = fields.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    client.send(&Frame::new(HEADERS, END_HEADERS | END_STREAM, 3, at(&block(&fields), path)).bytes()).await;
    let behind = client.outcome(3).await;
    let seen = stage.origin.take().await;
    match &behind {
        Outcome::Answered { body, .. } if *body == fence.answer(path) && seen == [fence.seen(path)] => Ok(()),
        Outcome::Refused(_) if case.wanted.is_none() && seen.is_empty() => Ok(()),
        _ => Err(format!("behind it {behind:?}, and the origin saw {seen:?}")),
    }
}

#[tokio::test]
async fn before_a_recorder() {
    play(Kind::Recorder).await;
}

#[tokio::test]
async fn before_a_lenient_node() {
    play(Kind::LenientNode).await;
}
