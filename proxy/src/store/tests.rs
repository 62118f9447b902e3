//! The store as a whole.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use proptest::prelude::*;

use super::testing::{key, meta_of, object, object_under, store};
use super::*;
use crate::encoding::codec::CodecError;
use crate::encoding::{Coding, Form};
use crate::rules::CacheSettings;
use crate::vary::{VaryMode, VarySpec};

const MIB: u64 = 1 << 20;

fn is_there(store: &Store, path: &str) -> bool {
    matches!(store.look(&key(path), Look::Peek), Found::Object(_))
}

fn by(name: &'static str) -> VarySpec {
    let mut settings = CacheSettings::of_scope("origin".into());
    settings.vary.unknown = VaryMode::Exact;
    VarySpec::of(&HeaderMap::from_iter([(header::VARY, HeaderValue::from_static(name))]), &settings).unwrap()
}

#[test]
fn what_is_stored_is_found_by_key_and_by_borrowed_key() {
    let store = store(MIB);
    store.insert(object("/a", b"a", &[]));
    let (right, wrong) = (key("/a"), key("/b"));
    assert!(
        matches!(store.find_by(right.hash(), right.as_bytes(), Look::Use), Found::Object(found) if found.key() == right)
    );
    assert!(matches!(store.find_by(right.hash(), wrong.as_bytes(), Look::Use), Found::Nothing), "the whole key counts");
    assert!(matches!(store.find(&wrong), Found::Nothing));
    assert!(store.object(&right).is_some() && store.len() == 1);
}

#[test]
fn two_keys_of_one_short_hash_stand_side_by_side() {
    let store = store(MIB);
    // A part of the hash is all that the table is given: keys are compared whole.
    for path in 0..200 {
        store.insert(object(&format!("/{path}"), b"a", &[]));
    }
    assert!((0..200).all(|path| is_there(&store, &format!("/{path}"))));
}

#[test]
fn the_rest_of_the_process_is_counted_once_and_what_is_stored_makes_room_for_it() {
    let store = store(MIB);
    for number in 0..2_000 {
        store.insert(object(&format!("/{number}"), &[7; 1_000], &[]));
    }
    let stored = store.bytes();
    let rest = MIB / 4;
    store.count_process(stored + rest);
    assert_eq!(store.bytes_of(Kind::Process), rest);
    assert!(store.bytes() <= MIB && store.bytes() > MIB * 9 / 10, "{}", store.bytes());
    let left = store.len();
    for _ in 0..3 {
        store.count_process(store.bytes());
    }
    assert_eq!((store.bytes_of(Kind::Process), store.len()), (rest, left), "it is not counted on top of itself");

    store.count_process(100 * MIB);
    assert_eq!(store.bytes_of(Kind::Process), MIB / 2, "the other half stays for the cache");
    let most = store.bytes() - MIB / 2;
    assert!((MIB * 4 / 10..=MIB / 2).contains(&most), "{most}");

    store.count_process(0);
    assert_eq!(store.bytes_of(Kind::Process), 0, "what is freed comes back");
}

#[test]
fn another_object_takes_the_place_of_the_first_and_its_bytes() {
    let store = store(MIB);
    store.insert(object("/a", &[1; 5_000], &[]));
    let before = store.bytes();
    let first = store.object(&key("/a")).unwrap();
    for _ in 0..10 {
        store.insert(object("/a", &[2; 5_000], &[]));
    }
    assert_eq!((store.len(), store.bytes()), (1, before));
    store.withdraw(&first);
    assert!(is_there(&store, "/a"), "another has taken its place");
    store.withdraw(&store.object(&key("/a")).unwrap());
    assert!(store.is_empty() && store.bytes_of(Kind::Objects) == 0);
}

#[test]
fn the_budget_is_never_exceeded_and_everything_counts() {
    let store = store(MIB);
    for number in 0..5_000_usize {
        store.insert(object(&format!("/{number}"), &vec![7; number * 37 % 9_000], &[1, 2, 3]));
        assert!(store.bytes() <= MIB, "{}", store.bytes());
    }
    let kinds: u64 = Kind::ALL.iter().map(|kind| store.bytes_of(*kind)).sum();
    assert_eq!(kinds, store.bytes());
    assert!(store.bytes_of(Kind::Index) > 0 && store.bytes_of(Kind::Objects) > 0 && store.bytes_of(Kind::Bodies) == 0);
    assert!(store.bytes() > MIB * 9 / 10, "{}", store.bytes());
    for object in store.objects().collect::<Vec<_>>() {
        store.withdraw(&object);
    }
    assert_eq!((store.len(), store.bytes()), (0, store.bytes_of(Kind::Index)));
}

#[test]
fn what_is_used_survives_what_is_not() {
    let store = store(MIB);
    for number in 0..100 {
        store.insert(object(&format!("/used/{number}"), &[7; 1_000], &[]));
        store.find(&key(&format!("/used/{number}")));
    }
    for number in 0..20_000 {
        store.insert(object(&format!("/scan/{number}"), &[7; 1_000], &[]));
    }
    assert!((0..100).all(|number| is_there(&store, &format!("/used/{number}"))));
    assert!(store.len() < 1_000);
}

fn sevens(count: u64) -> Vec<u8> {
    vec![7; usize::try_from(count).unwrap()]
}

#[test]
fn one_entry_may_take_half_and_no_more() {
    let store = store(4 * MIB);
    store.insert(object("/half", &sevens(MIB + MIB / 2), &[]));
    assert!(is_there(&store, "/half"));
    store.insert(object("/more", &sevens(2 * MIB + 1), &[]));
    assert!(!is_there(&store, "/more"));
    store.insert(object("/half", &sevens(2 * MIB + 1), &[]));
    assert!(!is_there(&store, "/half"), "what it was to replace does not stay");
    assert_eq!(store.bytes(), store.bytes_of(Kind::Index));
}

#[test]
fn fills_make_room_for_themselves_up_to_half() {
    let store = store(MIB);
    for number in 0..1_000 {
        store.insert(object(&format!("/{number}"), &[7; 1_000], &[]));
    }
    let charge = store.charge_fill();
    assert!(store.grow_fill(&charge, MIB / 2) && store.bytes() <= MIB);
    assert!(!store.grow_fill(&charge, 1), "no more than half");
    let left = store.len();
    assert!(left > 250 && left < 450, "{left}");
    drop(charge);
    assert_eq!(store.bytes_of(Kind::Fills), 0);
}

#[test]
fn a_body_is_counted_until_the_last_who_sends_it_is_done() {
    let store = store(4 * MIB);
    let charge = Arc::new(store.charge_fill());
    assert!(store.grow_fill(&charge, MIB));
    charge.becomes(Kind::Bodies);
    let body = StoredBody::charged(vec![Bytes::from(sevens(MIB))], charge);
    let meta = object("/large", b"", &[]);
    let meta = Meta {
        key: meta.key(),
        status: meta.status(),
        fields: meta.fields().to_map(),
        provenance: meta.provenance(),
        promise: meta.promise(),
        lifetime: meta.lifetime(),
        source: meta.freshness_source(),
    };
    let object = Object::new(meta, body.clone());
    store.insert(object.clone());
    assert_eq!(store.bytes_of(Kind::Bodies), MIB);
    store.withdraw(&object);
    drop(object);
    assert_eq!(store.bytes_of(Kind::Bodies), MIB, "it is being sent");
    drop(body);
    assert_eq!(store.bytes_of(Kind::Bodies), 0);
}

#[test]
fn of_too_many_variants_those_go_that_nobody_asks_for() {
    let store = store(MIB);
    let primary = key("/a");
    let variants = Arc::new(Variants::new(primary.clone(), by("x-kind")));
    store.insert_variants(variants.clone());
    let variant = |kind: &str| {
        let name = HeaderName::from_static("x-kind");
        variants.variant(&HeaderMap::from_iter([(name, HeaderValue::from_str(kind).unwrap())]))
    };
    for kind in ["a", "b", "c"] {
        store.insert_variant(object_under(variant(kind), b"", &[]), &primary);
    }
    assert!(store.object(&variant("a")).is_some());
    store.insert_variant(object_under(variant("d"), b"", &[]), &primary);
    let kept = ["a", "b", "c", "d"].map(|kind| store.look_for_object(&variant(kind), Look::Peek).is_some());
    assert_eq!(kept, [true, false, true, true], "three may stay, and `a` was asked for");
    assert!(matches!(store.find(&primary), Found::Variants(_)));
    store.insert(object("/a", b"", &[]));
    assert!(matches!(store.find(&primary), Found::Object(_)), "it does not vary any more");
    store.insert_variants(variants);
    assert!(matches!(store.find(&primary), Found::Variants(_)), "and now it does");
}

#[test]
fn a_derived_body_is_found_by_what_it_was_made_of_and_evicted_as_all_else() {
    let store = store(MIB);
    let made = |size: usize| Ok(StoredBody::new(vec![Bytes::from(vec![7; size])]));
    let br = Form::Coded(Coding::Br);
    store.insert_derived(Arc::new(Derived::new(1, br, made(100_000))));
    store.insert_derived(Arc::new(Derived::new(1, Form::Identity, Err(CodecError::Corrupt))));
    assert!(store.derived(1, br).is_some_and(|derived| derived.body.as_ref().is_ok_and(|body| body.len() == 100_000)));
    assert!(store.derived(1, Form::Identity).is_some_and(|derived| derived.body.is_err()));
    assert!(store.derived(2, br).is_none() && store.bytes_of(Kind::Derived) > 100_000);
    for number in 2..200 {
        store.insert_derived(Arc::new(Derived::new(number, br, made(50_000))));
        assert!(store.bytes() <= MIB);
    }
    assert!(store.len() < 30);
}

#[test]
fn who_makes_room_is_handed_on() {
    let evicted = Arc::new(AtomicUsize::new(0));
    let counter = evicted.clone();
    let store = store(MIB).handing_on(Box::new(move |object, _| {
        assert_eq!(object.body_len(), 1_000);
        counter.fetch_add(1, Ordering::Relaxed);
    }));
    for number in 0..2_000 {
        store.insert(object(&format!("/{number}"), &[7; 1_000], &[]));
    }
    assert_eq!(evicted.load(Ordering::Relaxed) + store.len(), 2_000);
}

/// Threads that store, look, withdraw and fill at once leave books that agree, and nobody finds what is not under the key.
#[test]
fn many_at_once_keep_the_books() {
    const THREADS: usize = 4;
    let store = store(MIB / 2);
    let barrier = Barrier::new(THREADS);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, barrier, over) = (&store, &barrier, &over);
            scope.spawn(move || {
                barrier.wait();
                for round in 0..3_000_usize {
                    let path = format!("/{}", (round * 7 + thread * 13) % 700);
                    match round % 5 {
                        0 | 1 => store.insert(object(&path, path.as_bytes().repeat(round % 300).as_slice(), &[1])),
                        2 => {
                            if let Found::Object(found) = store.find(&key(&path)) {
                                store.withdraw(&found);
                            }
                        }
                        3 => {
                            let charge = store.charge_fill();
                            store.grow_fill(&charge, (round % 50) as u64 * 1_000);
                        }
                        _ => {
                            if let Found::Object(found) = store.find(&key(&path)) {
                                assert_eq!(found.key(), key(&path));
                                let body = found.body().chunks().concat();
                                assert!(body.chunks(path.len()).all(|part| part == path.as_bytes()));
                            }
                        }
                    }
                    // While several store at once, each may be ahead by one entry.
                    over.fetch_or(store.bytes() > MIB / 2 + THREADS as u64 * 8_192, Ordering::Relaxed);
                }
            });
        }
    });
    assert!(!over.load(Ordering::Relaxed));
    assert!(store.bytes() <= MIB / 2 && store.bytes_of(Kind::Fills) == 0);
    for object in store.objects().collect::<Vec<_>>() {
        store.withdraw(&object);
    }
    assert_eq!((store.len(), store.bytes()), (0, store.bytes_of(Kind::Index)));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Insert(u8, usize),
    /// A body that a fill has counted.
    InsertCharged(u8, usize),
    /// A 304: another object around the same body.
    Freshen(u8),
    Withdraw(u8),
    Use(u8),
    /// By its first field, or by its second.
    Varies(u8, bool),
    InsertVariant(u8, u8),
    Derive(u8, usize),
    Fill(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let (path, size) = (0..12_u8, prop_oneof![0..2_000_usize, 7_000..9_000_usize, 20_000..90_000_usize]);
    prop_oneof![
        6 => (path.clone(), size.clone()).prop_map(|(path, size)| Step::Insert(path, size)),
        3 => (path.clone(), size.clone()).prop_map(|(path, size)| Step::InsertCharged(path, size)),
        2 => path.clone().prop_map(Step::Freshen),
        2 => path.clone().prop_map(Step::Withdraw),
        4 => path.clone().prop_map(Step::Use),
        2 => (path.clone(), any::<bool>()).prop_map(|(path, first)| Step::Varies(path, first)),
        3 => (path.clone(), 0..6_u8).prop_map(|(path, kind)| Step::InsertVariant(path, kind)),
        2 => (path, size).prop_map(|(path, size)| Step::Derive(path, size)),
        1 => (0..150_000_u64).prop_map(Step::Fill),
    ]
}

fn take(store: &Store, step: Step) {
    let under = |path: u8| key(&format!("/{path}"));
    let stored = |path: u8| store.object(&under(path));
    match step {
        Step::Insert(path, size) => store.insert(object(&format!("/{path}"), &vec![path; size], &[1])),
        Step::InsertCharged(path, size) => {
            let charge = Arc::new(store.charge_fill());
            if store.grow_fill(&charge, cost(size) as u64) {
                charge.becomes(Kind::Bodies);
                let body = StoredBody::charged(vec![Bytes::from(vec![path; size])], charge);
                store.insert(Object::new(meta_of(&object(&format!("/{path}"), b"", &[])), body));
            }
        }
        Step::Freshen(path) => {
            if let Some(base) = stored(path) {
                store.insert(Object::new(meta_of(&base), base.body()));
            }
        }
        Step::Withdraw(path) => {
            if let Some(object) = stored(path) {
                store.withdraw(&object);
                store.withdraw(&object);
            }
        }
        Step::Use(path) => drop(store.find(&under(path))),
        Step::Varies(path, first) => {
            let spec = by(if first { "x-one" } else { "x-another-one" });
            store.insert_variants(Arc::new(Variants::new(under(path), spec)));
        }
        Step::InsertVariant(path, kind) => {
            if let Found::Variants(variants) = store.find(&under(path)) {
                let name = variants.spec.names()[0].clone();
                let key = variants.variant(&HeaderMap::from_iter([(name, HeaderValue::from(u64::from(kind)))]));
                store.insert_variant(object_under(key, &[kind; 700], &[]), &under(path));
            }
        }
        Step::Derive(path, size) => {
            if let Some(object) = stored(path) {
                let body = Ok(StoredBody::new(vec![Bytes::from(vec![path; size])]));
                store.insert_derived(Arc::new(Derived::new(object.body_id(), Form::Coded(Coding::Br), body)));
            }
        }
        Step::Fill(bytes) => {
            let charge = store.charge_fill();
            store.grow_fill(&charge, bytes);
        }
    }
}

proptest! {
    /// Whatever was done, what is counted is what is there, and no more than there may be.
    #[test]
    fn the_books_agree_with_what_is_there(steps in proptest::collection::vec(step(), 1..150)) {
        let store = store(MIB / 2);
        for step in steps {
            take(&store, step);
            let books = store.books();
            prop_assert_eq!(books.counted, books.there, "after {:?}", step);
            prop_assert!(store.bytes() <= MIB / 2);
        }
    }
}
