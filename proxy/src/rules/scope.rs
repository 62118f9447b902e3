//! Which rules share stored objects.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use siphasher::sip::SipHasher13;

use super::conditions::{Condition, Conditions};
use super::decision::{CacheSettings, Forward};
use crate::key::Framer;
use crate::upstream::{TagHeader, Upstream};
use crate::vary::VaryMode;

/// Whose answers the objects of a rule are, and to what: the upstream's name and, where the rule has what it names, a digest of
///
/// - what the rule makes of each request to the upstream (`forward`, `request_headers`): what its upstream answers is not the
///   answer to another rule's question;
/// - how variants are told apart (`vary`, `compression`): a variant that one rule's comparison chose may be another's wrong one;
/// - what they can be purged by (`tags`, the upstream's `tag_headers`): a purge by a tag must not miss what was stored before the
///   tag was given;
/// - its conditions, of which the key holds nothing: where rules divide the requests for one URL among them, each keeps its own
///   objects, with its own TTLs and tags.
///
/// All else is either in the key already or changes neither bytes nor their choice. Plain rules of one upstream therefore share
/// their objects, and a reload keeps those of each rule of which none of this was changed. The digest is equal in every process.
pub fn scope(upstream: &Upstream, conditions: &Conditions, settings: &CacheSettings) -> Arc<str> {
    let plain = CacheSettings::of_scope("".into());
    let is_plain = conditions.is_empty()
        && settings.forward == plain.forward
        && settings.request_edits.is_empty()
        && settings.vary == plain.vary
        && settings.compression.is_none()
        && settings.tags.is_empty()
        && upstream.tag_headers == TagHeader::defaults();
    if is_plain {
        return upstream.name.clone();
    }
    // No upstream's name holds a `#`.
    format!("{}#{:016x}", upstream.name, digest(upstream, conditions, settings)).into()
}

fn digest(upstream: &Upstream, conditions: &Conditions, settings: &CacheSettings) -> u64 {
    let mut framer = Framer::with_capacity(256);
    framer.number(match settings.forward {
        Forward::Keyed => 0,
        Forward::Headers => 1,
        Forward::All => 2,
    });
    let edits = &settings.request_edits;
    framer.list(edits.remove.iter().map(|name| name.as_str().as_bytes()));
    for lines in [&edits.set, &edits.add] {
        framer
            .list(lines.iter().flat_map(|(name, value): &(HeaderName, HeaderValue)| [name.as_ref(), value.as_bytes()]));
    }
    framer.number(usize::from(settings.compression.is_some()));
    frame_mode(&mut framer, &settings.vary.unknown);
    framer.number(settings.vary.named.len());
    for (name, mode) in &settings.vary.named {
        framer.part(name.as_str().as_bytes());
        frame_mode(&mut framer, mode);
    }
    frame_conditions(&mut framer, conditions.query.iter().map(|(name, condition)| (name.as_bytes(), condition)));
    frame_conditions(&mut framer, conditions.headers.iter().map(|(name, condition)| (name.as_ref(), condition)));
    frame_conditions(&mut framer, conditions.cookies.iter().map(|(name, condition)| (name.as_bytes(), condition)));
    // What is printed of them tells them apart as they are.
    framer.optional((!settings.tags.is_empty()).then(|| format!("{:?}", settings.tags)).as_deref().map(str::as_bytes));
    framer.part(format!("{:?}", upstream.tag_headers).as_bytes());
    // Fixed keys: who writes the rules has no wish to make two of them meet.
    SipHasher13::new_with_keys(0, 0).hash(framer.finish().as_bytes())
}

fn frame_mode(framer: &mut Framer, mode: &VaryMode) {
    let (number, choices): (usize, &[Box<str>]) = match mode {
        VaryMode::Refuse => (0, &[]),
        VaryMode::Exact => (1, &[]),
        VaryMode::Ignore => (2, &[]),
        VaryMode::Languages(languages) => (3, languages),
        VaryMode::Types(types) => (4, types),
    };
    framer.number(number);
    framer.list(choices.iter().map(|choice| choice.as_bytes()));
}

fn frame_conditions<'c>(framer: &mut Framer, conditions: impl ExactSizeIterator<Item = (&'c [u8], &'c Condition)>) {
    framer.number(conditions.len());
    for (name, condition) in conditions {
        framer.part(name);
        match condition {
            Condition::Present => framer.number(0),
            Condition::Absent => framer.number(1),
            Condition::Like(glob) => {
                framer.number(2);
                framer.part(glob.as_str().as_bytes());
            }
        }
    }
}
