//! Stores and objects for unit tests.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use prometheus::Registry;
use vitrine_shared::coherence::Stamp;
use vitrine_shared::tag::TagHash;

use super::metrics::StoreMetrics;
use super::{Meta, Object, Promise, Store, StoredBody};
use crate::key::{CacheKey, Framer};
use crate::policy::{FreshnessSource, Lifetime};
use crate::purge::{Presence, Provenance};

/// An empty store of so many bytes.
pub(crate) fn store(capacity: u64) -> Store {
    // Nothing is registered under its names yet.
    Store::new(capacity, 3, StoreMetrics::register(&Registry::new()).unwrap())
}

/// A primary key.
pub(crate) fn key(path: &str) -> CacheKey {
    let mut framer = Framer::with_capacity(64);
    framer.number(2);
    framer.part(path.as_bytes());
    framer.finish()
}

/// An object under a primary key.
pub(crate) fn object(path: &str, body: &[u8], tags: &[u64]) -> Object {
    object_under(key(path), body, tags)
}

/// An object under any key.
pub(crate) fn object_under(key: CacheKey, body: &[u8], tags: &[u64]) -> Object {
    let url = Presence::default().of(TagHash(1));
    let provenance = Provenance { stamp: Stamp::default(), tags: tags.iter().copied().map(TagHash).collect(), url };
    Object::new(meta(key, provenance), StoredBody::new(vec![Bytes::copy_from_slice(body)]))
}

/// An object of this.
pub(crate) fn object_of(provenance: Provenance) -> Object {
    Object::new(meta(key("/"), provenance), StoredBody::new(Vec::new()))
}

/// What an object was made of, to make another of it.
pub(crate) fn meta_of(object: &Object) -> Meta {
    Meta {
        key: object.key(),
        status: object.status(),
        fields: object.fields().to_map(),
        provenance: object.provenance(),
        promise: object.promise(),
        lifetime: object.lifetime(),
        source: object.freshness_source(),
    }
}

fn meta(key: CacheKey, provenance: Provenance) -> Meta {
    Meta {
        key,
        status: StatusCode::OK,
        fields: HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"))]),
        provenance,
        promise: Promise::Within,
        lifetime: Lifetime::new(0, u64::MAX),
        source: FreshnessSource::default(),
    }
}
