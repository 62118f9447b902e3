//! `GET /trail`: what became of a change, from its event to each node, and of the purges that were made here.

use std::fmt;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use vitrine_shared::coherence::Position;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::event_trail::EventTrail;
use vitrine_shared::outcome::Fate;

use super::purge::{refuse, refused};
use super::serve::{OpsServer, told};
use crate::purge::log::Record;

/// Events and purges where nothing is said, and at most.
const LIMIT: (usize, usize) = (10, 100);
/// Longest text that is looked for.
const MAX_WHAT: usize = 256;
/// Through how many of this edge's newest purges is looked.
const LOOK_BACK: usize = 10_000;

/// What is asked; one of the first two.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// A product's id, an order's, any tag or its last part, or an event's name.
    about: Option<String>,
    /// One epoch.
    epoch: Option<Epoch>,
    /// How many events.
    limit: Option<usize>,
}

/// What is known.
#[derive(Debug, Serialize)]
struct Told<'r> {
    /// The origin's events, with what became of them; absent without a feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<EventTrail>,
    /// Why the origin told nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin_error: Option<String>,
    /// Purges that this edge remembers: those made here, and, where the origin told nothing, those of the feed.
    purges: Vec<Own<'r>>,
}

/// A purge that this edge remembers.
#[derive(Debug, Serialize)]
struct Own<'r> {
    #[serde(flatten)]
    record: &'r Record,
    /// What became of it here; absent where that was forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    here: Option<Fate>,
}

/// Asks the origin, and adds what this edge knows.
pub(super) async fn trail(
    State(server): State<Arc<OpsServer>>,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    if let Some(refused) = refused(&server, &headers) {
        return refused;
    }
    let bad = |message: &str| refuse(StatusCode::BAD_REQUEST, "invalid_query", message);
    let asked = match asked {
        Ok(Query(asked)) => asked,
        Err(error) => return bad(&error.body_text()),
    };
    let limit = asked.limit.unwrap_or(LIMIT.0).clamp(1, LIMIT.1);
    let (name, value) = match (&asked.about, asked.epoch) {
        (Some(what), None) if !what.is_empty() && what.len() <= MAX_WHAT => ("about", what.clone()),
        (None, Some(epoch)) => ("epoch", epoch.to_string()),
        _ => return bad(&format!("name one of about (1 to {MAX_WHAT} bytes) and epoch (TERM.SEQ)")),
    };
    let mut answer = Told { origin: None, origin_error: None, purges: Vec::new() };
    match &server.sequencer {
        None => {}
        Some(origin) => match origin.events(&[(name, &value), ("limit", &limit.to_string())]).await {
            Ok(found) => answer.origin = Some(with_own(&server, found)),
            Err(error) => answer.origin_error = Some(error.to_string()),
        },
    }
    let records = server.purger.log().newest(None, LOOK_BACK);
    let wanted = |record: &&Arc<Record>| is_about(record, &asked) && (answer.origin.is_none() || is_own(record));
    let shown: Vec<&Record> = records.iter().filter(wanted).take(limit).map(AsRef::as_ref).collect();
    let outcomes = &server.engine.context().outcomes;
    answer.purges = shown.into_iter().map(|record| Own { record, here: outcomes.of(record.position) }).collect();
    told(&headers, &answer)
}

fn with_own(server: &OpsServer, mut found: EventTrail) -> EventTrail {
    for event in &mut found.events {
        event.here = event.epoch.and_then(|epoch| server.engine.context().outcomes.of(Position::Feed(epoch)));
    }
    found
}

fn is_own(record: &Record) -> bool {
    matches!(record.position, Position::Local(_))
}

/// Whether a purge is about what is asked for: an epoch, a target or the end of one, or the name of its event.
fn is_about(record: &Record, asked: &Asked) -> bool {
    if let Some(epoch) = asked.epoch {
        return record.position == Position::Feed(epoch);
    }
    let Some(what) = asked.about.as_deref() else { return false };
    let ends = |text: &str| {
        text.strip_suffix(what).is_some_and(|before| before.is_empty() || before.ends_with([' ', ':', '/']))
    };
    record.targets.iter().any(|target| ends(target)) || record.source.event() == Some(what)
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}")?;
        }
        if let Some(error) = &self.origin_error {
            writeln!(f, "The origin tells nothing: {error}")?;
        }
        for Own { record, here } in &self.purges {
            writeln!(f, "purged here by {}: {}", record.source, record.targets.join(", "))?;
            match here {
                Some(fate) => writeln!(f, "  {fate}")?,
                None => writeln!(f, "  what became of it is forgotten")?,
            }
        }
        if self.origin.is_none() && self.purges.is_empty() {
            writeln!(f, "No purge that is remembered here is about it.")?;
        }
        Ok(())
    }
}
