//! Between stored objects and records: the one place that knows both.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use vitrine_shared::tag::TagHash;

use super::admission::Worth;
use super::record::{Basis, Browser, CHUNK, Content, Head, Response, Times, sum_of_chunk};
use crate::key::{CacheKey, below};
use crate::policy::{FreshnessBasis, FreshnessSource, Lifetime};
use crate::purge::{Present, Provenance};
use crate::rules::BrowserTtl;
use crate::store::{Meta, Object, Promise};
use crate::vary::VarySpec;

/// The numbers of where freshness comes from. New ones go to the end.
const BASES: [FreshnessBasis; 8] = [
    FreshnessBasis::Nothing,
    FreshnessBasis::NoCache,
    FreshnessBasis::SharedMaxAge,
    FreshnessBasis::MaxAge,
    FreshnessBasis::Expires,
    FreshnessBasis::Heuristic,
    FreshnessBasis::EdgeTtl,
    FreshnessBasis::NegativeTtl,
];

/// What admission asks of an object.
pub(super) fn worth_of(object: &Object, was_used: bool) -> Worth {
    let fields = object.fields();
    let has = |name| fields.get(&name).is_some();
    let can_be_validated = has(http::header::ETAG) || has(http::header::LAST_MODIFIED);
    let lifetime = object.lifetime();
    let or_end = |until: u64| lifetime.ends.map_or(until, |end| end.min(until));
    Worth {
        fresh_until: or_end(lifetime.fresh_until),
        stale_until: or_end(lifetime.revalidate_until.max(lifetime.error_until)),
        can_be_validated,
        was_used,
    }
}

/// An object as a record: its head, and its body in chunks.
pub(super) fn record_of(object: &Object) -> (Head, Vec<Bytes>) {
    let body: Vec<Bytes> = object.body().chunks().to_vec();
    let fields = object.fields().to_map();
    let line = |(name, value): (&HeaderName, &HeaderValue)| (name.as_str().as_bytes().into(), value.as_bytes().into());
    let source = object.freshness_source();
    let response = Response {
        status: object.status().as_u16(),
        fields: fields.iter().map(line).collect(),
        stamp: object.stamp(),
        tags: object.tags().to_vec(),
        is_within_promise: object.promise() == Promise::Within,
        times: times_of(object.lifetime()),
        basis: Basis {
            kind: BASES.iter().zip(0..).find(|(basis, _)| **basis == source.basis).map_or(0, |(_, number)| number),
            targeted: source.targeted.map(|name| name.as_str().into()),
            entry: source.entry.map(|entry| entry as u64),
            is_capped: source.is_capped,
            is_ended: source.is_ended,
        },
        body_len: object.body_len(),
        sums: sums(&body),
    };
    let content = Content::Response(Box::new(response));
    (Head { key: object.framed_key().into(), url: object.url().tag(), content }, body)
}

/// What is to be known under the primary key of a variant: by which fields it is one. `None` for what does not vary.
pub(super) fn variants_of(framed: &[u8], url: TagHash) -> Option<Head> {
    let (primary, names) = below(framed)?;
    let names = names.into_iter().map(Box::from).collect();
    Some(Head { key: primary.into(), url, content: Content::Variants(names) })
}

/// By which fields responses differ; `None` where a name is none.
pub(super) fn spec_of(names: &[Box<str>]) -> Option<VarySpec> {
    let names: Option<Vec<HeaderName>> = names.iter().map(|name| name.parse().ok()).collect();
    Some(VarySpec::of_names(names?))
}

/// A record as everything of an object but its body; `None` where it says what no response can be.
pub(super) fn meta_of(key: CacheKey, response: &Response, url: Arc<Present>) -> Option<Meta> {
    let mut fields = HeaderMap::with_capacity(response.fields.len());
    for (name, value) in &response.fields {
        fields.append(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?);
    }
    let basis = &response.basis;
    Some(Meta {
        key,
        status: StatusCode::from_u16(response.status).ok()?,
        fields,
        provenance: Provenance { stamp: response.stamp, tags: response.tags.clone().into(), url },
        promise: if response.is_within_promise { Promise::Within } else { Promise::Outside },
        lifetime: lifetime_of(response.times),
        source: FreshnessSource {
            basis: *BASES.get(usize::from(basis.kind))?,
            targeted: basis.targeted.as_deref().and_then(|name| name.parse().ok()),
            entry: basis.entry.and_then(|entry| usize::try_from(entry).ok()),
            is_capped: basis.is_capped,
            is_ended: basis.is_ended,
        },
    })
}

fn times_of(lifetime: Lifetime) -> Times {
    let Lifetime { born, fresh_until, revalidate_until, error_until, ends, stale_forbidden, browser_ttl } = lifetime;
    let browser = browser_ttl.map(|browser| match browser {
        BrowserTtl::Respect => Browser::Respect,
        BrowserTtl::Override(ttl) => Browser::Override(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)),
        BrowserTtl::Revalidate => Browser::Revalidate,
    });
    Times { born, fresh_until, revalidate_until, error_until, ends, stale_forbidden, browser }
}

fn lifetime_of(times: Times) -> Lifetime {
    let Times { born, fresh_until, revalidate_until, error_until, ends, stale_forbidden, browser } = times;
    let browser_ttl = browser.map(|browser| match browser {
        Browser::Respect => BrowserTtl::Respect,
        Browser::Override(millis) => BrowserTtl::Override(Duration::from_millis(millis)),
        Browser::Revalidate => BrowserTtl::Revalidate,
    });
    Lifetime { born, fresh_until, revalidate_until, error_until, ends, stale_forbidden, browser_ttl }
}

/// The checksum of each [`CHUNK`] of a body, however it comes in pieces.
fn sums(pieces: &[Bytes]) -> Vec<u64> {
    let mut sums = Vec::new();
    let mut chunk: Vec<u8> = Vec::new();
    for piece in pieces {
        let mut rest = &piece[..];
        while !rest.is_empty() {
            if chunk.is_empty() && rest.len() >= CHUNK {
                sums.push(sum_of_chunk(sums.len(), &rest[..CHUNK]));
                rest = &rest[CHUNK..];
                continue;
            }
            let (taken, after) = rest.split_at(rest.len().min(CHUNK - chunk.len()));
            chunk.extend_from_slice(taken);
            rest = after;
            if chunk.len() == CHUNK {
                sums.push(sum_of_chunk(sums.len(), &chunk));
                chunk.clear();
            }
        }
    }
    if !chunk.is_empty() {
        sums.push(sum_of_chunk(sums.len(), &chunk));
    }
    sums
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vitrine_shared::coherence::Stamp;
    use vitrine_shared::epoch::Epoch;

    use super::*;
    use crate::purge::Presence;
    use crate::store::StoredBody;

    fn object() -> Object {
        let presence = Arc::new(Presence::default());
        let fields = [("content-type", "text/plain"), ("set-x", "1"), ("set-x", "2"), ("etag", "\"e\"")];
        let line = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let mut map = HeaderMap::new();
        for (name, value) in fields.into_iter().map(line) {
            map.append(name, value);
        }
        let meta = Meta {
            key: CacheKey::from_bytes(b"a key"[..].into()),
            status: StatusCode::NOT_FOUND,
            fields: map,
            provenance: Provenance {
                stamp: Stamp { epoch: Epoch::new(2, 9), local: 7 },
                tags: [TagHash(3), TagHash(5)].into(),
                url: presence.of(TagHash(11)),
            },
            promise: Promise::Within,
            lifetime: Lifetime {
                ends: Some(99),
                stale_forbidden: true,
                browser_ttl: Some(BrowserTtl::Override(Duration::from_secs(3))),
                ..Lifetime::new(5, 50)
            },
            source: FreshnessSource {
                basis: FreshnessBasis::EdgeTtl,
                targeted: Some(HeaderName::from_static("cdn-cache-control")),
                entry: Some(2),
                is_capped: true,
                is_ended: false,
            },
        };
        Object::new(meta, StoredBody::new(vec![Bytes::from_static(b"abc"), Bytes::from_static(b"d")]))
    }

    #[test]
    fn an_object_comes_back_as_it_was() {
        let object = object();
        let (head, body) = record_of(&object);
        assert_eq!((head.url, body.concat().as_slice()), (TagHash(11), &b"abcd"[..]));
        let head = Head::decode(&head.encode()).unwrap();
        let Content::Response(response) = head.content else { panic!("a response was written") };
        let meta = meta_of(CacheKey::from_bytes(head.key), &response, object.url().clone()).unwrap();
        let again = Object::new(meta, StoredBody::new(body));
        assert_eq!(again.key(), object.key());
        assert_eq!(again.status(), object.status());
        assert_eq!(again.fields().to_map(), object.fields().to_map());
        assert_eq!((again.stamp(), again.tags()), (object.stamp(), object.tags()));
        assert_eq!((again.promise(), again.lifetime()), (object.promise(), object.lifetime()));
        assert_eq!(again.freshness_source(), object.freshness_source());
        assert_eq!((again.form(), again.body_len()), (object.form(), object.body_len()));
    }

    #[test]
    fn a_variant_says_what_it_is_a_variant_of() {
        let spec = VarySpec::of_names(vec![http::header::ACCEPT_LANGUAGE]);
        let mut primary = crate::key::Framer::with_capacity(16);
        primary.number(2);
        let variants = crate::store::Variants::new(primary.finish(), spec.clone());
        let key = variants.variant(&HeaderMap::new());
        let head = variants_of(key.as_bytes(), TagHash(1)).unwrap();
        assert_eq!(&*head.key, variants.key.as_bytes());
        let Content::Variants(names) = head.content else { panic!("variants were written") };
        assert_eq!(spec_of(&names), Some(spec));
        assert_eq!(variants_of(variants.key.as_bytes(), TagHash(1)), None);
    }

    proptest! {
        #[test]
        fn sums_do_not_depend_on_the_pieces(sizes in proptest::collection::vec(0..CHUNK, 0..6)) {
            let whole: Vec<u8> = (0..sizes.iter().sum()).map(|at: usize| u8::try_from(at % 251).unwrap()).collect();
            let mut rest = Bytes::from(whole.clone());
            let pieces: Vec<Bytes> = sizes.iter().map(|size| rest.split_to(*size)).collect();
            prop_assert_eq!(sums(&pieces), sums(&[whole.into()]));
        }
    }
}
