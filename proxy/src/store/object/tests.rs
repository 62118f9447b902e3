//! What was put into an object comes out of it.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use proptest::prelude::*;
use vitrine_shared::coherence::TagTable;

use super::*;
use crate::policy::FreshnessBasis;
use crate::purge::Presence;
use crate::store::testing::{key, meta_of, object};

#[test]
fn a_freshened_object_has_another_number_and_the_same_body() {
    let first = object("/a", b"hello", &[1, 2]);
    let second = Object::new(meta_of(&first), first.body());
    assert!(!second.is(&first) && second.is(&second.clone()));
    assert_eq!((second.body_id(), second.body().chunks().concat()), (first.body_id(), b"hello".to_vec()));
    let large = Object::new(meta_of(&first), StoredBody::new(vec![Bytes::from(vec![7; 100_000])]));
    let freshened = Object::new(meta_of(&large), large.body());
    assert_eq!(freshened.body().chunks()[0].as_ptr(), large.body().chunks()[0].as_ptr(), "a large body is shared");
}

#[test]
fn a_purge_reaches_it_by_tag_and_by_url() {
    let live = Live::new(TagTable::at(Epoch::ZERO, 10));
    let presence = Presence::default();
    let mut object = object("/a", b"", &[7, 9]);
    assert_eq!((object.verdict_cached(&live), object.verdict_cached(&live)), (Verdict::Servable, Verdict::Servable));
    live.purge(&[TagHash(9)], false, vitrine_shared::feed::Mode::Hard);
    assert_eq!((object.verdict(&live), object.verdict_cached(&live)), (Verdict::Purged, Verdict::Purged));
    let provenance = Provenance { stamp: live.stamp(), tags: [TagHash(9)].into(), url: presence.of(TagHash(5)) };
    object = crate::store::testing::object_of(provenance);
    assert_eq!(object.verdict_cached(&live), Verdict::Servable);
    presence.invalidate(TagHash(5), &live);
    assert_eq!((object.verdict(&live), object.verdict_cached(&live)), (Verdict::Purged, Verdict::Purged));
    assert!(object.serves(object.stamp(), &live) && !object.serves(live.stamp(), &live));
}

#[test]
fn its_front_is_small() {
    assert!(size_of::<Head>() <= 128, "{}", size_of::<Head>());
}

proptest! {
    #[test]
    fn what_is_put_together_comes_apart(
        path in "/[a-z]{0,90}",
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..4_000),
            (8_000_usize..8_400).prop_map(|size| vec![7; size]),
        ],
        tags in proptest::collection::btree_set(any::<u64>(), 0..40),
        lines in proptest::collection::vec(("[a-z]{1,9}", "[ -~]{0,99}"), 0..9),
        targeted in proptest::option::of(Just(HeaderName::from_static("cdn-cache-control"))),
        local in any::<u64>(),
    ) {
        let mut fields = HeaderMap::new();
        for (name, value) in &lines {
            fields.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let tags: Arc<[TagHash]> = tags.into_iter().map(TagHash).collect();
        let stamp = Stamp { epoch: Epoch::new(3, 1 << 40), local };
        let source = FreshnessSource { basis: FreshnessBasis::MaxAge, targeted, ..FreshnessSource::default() };
        let meta = Meta {
            key: key(&path),
            status: StatusCode::NOT_FOUND,
            fields: fields.clone(),
            provenance: Provenance { stamp, tags: tags.clone(), url: Presence::default().of(TagHash(1)) },
            promise: Promise::Outside,
            lifetime: Lifetime::new(5, 10),
            source: source.clone(),
        };
        let pieces: Vec<Bytes> = body.chunks(1_000).map(Bytes::copy_from_slice).collect();
        let object = Object::new(meta, StoredBody::new(pieces));
        prop_assert_eq!(object.key(), key(&path));
        prop_assert!(object.framed_key() == key(&path).as_bytes());
        prop_assert_eq!(object.fields().to_map(), fields);
        prop_assert_eq!(object.tags().iter().collect::<Vec<_>>(), &tags[..]);
        prop_assert!(tags.iter().all(|tag| object.tags().contains(*tag)) && object.tags().len() == tags.len());
        prop_assert_eq!((object.status(), object.promise()), (StatusCode::NOT_FOUND, Promise::Outside));
        prop_assert_eq!((object.stamp(), object.provenance().stamp), (stamp, stamp));
        prop_assert_eq!((object.lifetime(), object.freshness_source()), (Lifetime::new(5, 10), source));
        prop_assert_eq!((object.form(), object.body_len()), (Some(Form::Identity), body.len() as u64));
        prop_assert!(object.body().slices().collect::<Vec<_>>().concat() == body);
        prop_assert!(object.body().chunks().concat() == body && object.clone().into_body().chunks().concat() == body);
        let own = path.len() + body.len() + tags.len() * 8 + lines.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        let over = usize::try_from(object.own()).unwrap() - own;
        // What lies before the body cannot be cut, so without much of one the allocator's class may be a fifth too large.
        let unused = if body.len() < own / 4 { (own + 144) / 4 } else { own / 20 };
        prop_assert!(body.len() > 8_192 || over < 144 + URL_BYTES + unused + 130, "{over} over {own}");
    }
}
