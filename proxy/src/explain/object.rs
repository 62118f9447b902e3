//! A stored object, told.

use http::{HeaderName, header};
use vitrine_shared::tag::{Tag, TagHash};

use super::report::{Asked, Object as Told, Purge, Stamp, Tags};
use super::words;
use crate::engine::{self, Engine};
use crate::purge::{Purger, address};
use crate::store::{self, Object, Promise, StoredFields};

/// Most hashes of tags that are told.
const MAX_TAGS: usize = 100;

/// An object as `asked` would get it; `of_interest` are the tags of which is told whether it has them.
pub(super) fn object(
    engine: &Engine,
    purger: &Purger,
    asked: &engine::Asked<'_>,
    object: &Object,
    of_interest: &[Tag],
    now: u64,
) -> Told {
    let (fields, lifetime, stamp) = (object.fields(), object.lifetime(), object.stamp());
    let left = |until: u64| until.saturating_sub(now) / 1000;
    let past_freshness = |until: u64| until.saturating_sub(now.max(lifetime.fresh_until)) / 1000;
    let mut known = asked.settings.tags.expand(asked.target.path());
    known.extend(address::tags(asked.target, &asked.canonical.path_and_query));
    Told {
        standing: engine.standing_of(object, now),
        status: object.status().as_u16(),
        bytes: object.body_len(),
        content_type: field(fields, &header::CONTENT_TYPE),
        coding: field(fields, &header::CONTENT_ENCODING),
        age_seconds: lifetime.age_seconds(now),
        ttl_seconds: lifetime.ttl_seconds(now),
        stale_while_revalidate_left_seconds: past_freshness(lifetime.revalidate_until),
        stale_if_error_left_seconds: past_freshness(lifetime.error_until),
        ends_in_seconds: lifetime.ends.map(left),
        freshness_from: words::freshness(&object.freshness_source()),
        stamp: Stamp { epoch: stamp.epoch.to_string(), local: stamp.local },
        is_outside_promise: object.promise() == Promise::Outside && engine.has_promise(),
        tags: tags(object.tags(), &known, of_interest),
        purge: purge(purger, object, now),
    }
}

/// The purge that reached an object.
pub(super) fn purge(purger: &Purger, object: &Object, now: u64) -> Option<Purge> {
    let cause = purger.why(&object.provenance())?;
    let record = cause.record.as_ref();
    Some(Purge {
        sentence: cause.to_string(),
        ago_seconds: record.map(|record| now.saturating_sub(record.at_ms) / 1000),
        record: record.and_then(|record| serde_json::to_value(&**record).ok()),
    })
}

fn tags(kept: store::Tags<'_>, known: &[Tag], of_interest: &[Tag]) -> Tags {
    let mut explained: Vec<&Tag> = known.iter().filter(|tag| kept.contains(tag.hash())).collect();
    explained.dedup();
    let is_explained = |hash: &TagHash| explained.iter().any(|tag| tag.hash() == *hash);
    let others = kept.iter().filter(|hash| !is_explained(hash)).take(MAX_TAGS);
    Tags {
        count: kept.len(),
        others: others.map(|hash| format!("{:016x}", hash.0)).collect(),
        asked: of_interest
            .iter()
            .map(|tag| Asked { tag: tag.to_string(), is_carried: kept.contains(tag.hash()) })
            .collect(),
        known: explained.into_iter().map(Tag::to_string).collect(),
    }
}

fn field(fields: StoredFields<'_>, name: &HeaderName) -> Option<String> {
    fields.get(name).map(words::text)
}
