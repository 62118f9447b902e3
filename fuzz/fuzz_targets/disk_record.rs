//! The disk's records and segments: whatever bytes are found, a record is a miss or what was written, a torn or changed one is noticed, and
//! the rest is there.
#![no_main]

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use vitrine_proxy::fuzzing::disk::{
    Basis, Browser, CHUNK, Content, Counters, Files, Head, Response, Segments, Times, read_anything, sum_of_chunk,
};
use vitrine_shared::coherence::Stamp;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::tag::TagHash;

/// Bytes of all segments, of which there are at most four.
const SIZE: u64 = 64 << 10;
/// The same where a body has more than one chunk.
const LARGE: u64 = 4 << 20;

thread_local! {
    static COUNTERS: Counters = Counters::default();
}

/// What was written under a key, every version of it.
type Versions = BTreeMap<u64, Vec<(Head, Vec<u8>)>>;

fuzz_target!(|data: &[u8]| {
    read_anything(data);
    COUNTERS.with(|counters| {
        // What is left is not enough for another choice.
        let _ = case(counters, &mut Unstructured::new(data));
    });
});

fn case(counters: &Counters, input: &mut Unstructured<'_>) -> Result<()> {
    let size = if input.ratio(1, 50)? { LARGE } else { SIZE };
    let (files, mut versions) = (Files::default(), Versions::new());
    let mut segments = Segments::load(&files, size, counters).expect("an empty folder");
    write(&mut segments, &mut versions, size, input)?;
    whole(&segments, &versions, size);
    if input.arbitrary()? {
        segments.seal();
    }
    drop(segments);
    // A start over what was left alone finds what was there.
    let segments = Segments::load(&files, size, counters).expect("what was written");
    whole(&segments, &versions, size);
    flip_one(&files, segments, &versions, input)?;

    damage(&files, input)?;
    let mut segments = Segments::load(&files, size, counters).expect("damage is no error");
    read(&segments, &versions);
    // It is in use again, whatever was found.
    write(&mut segments, &mut versions, size, input)?;
    read(&segments, &versions);
    assert!(segments.bytes() <= size, "{} of {size}", segments.bytes());
    Ok(())
}

fn write(segments: &mut Segments, versions: &mut Versions, size: u64, input: &mut Unstructured<'_>) -> Result<()> {
    for _ in 0..input.int_in_range(1..=8)? {
        let hash = input.int_in_range(1..=6)?;
        let body = body(size, input)?;
        let head = head(hash, &body, input)?;
        if segments.put(&head, hash, &body).expect("memory takes all") {
            assert_eq!(segments.get(hash, hash).as_ref(), Some(&(head.clone(), body.clone())), "written, and not there");
            versions.entry(hash).or_default().push((head, body));
        }
    }
    Ok(())
}

/// Nothing was changed: what is found is the newest version. (What made room for it may be gone.)
fn whole(segments: &Segments, versions: &Versions, size: u64) {
    let bytes: usize = versions.values().flatten().map(|(head, body)| head.encode().len() + body.len() + 200).sum();
    for (&hash, versions) in versions {
        let found = segments.get(hash, hash);
        assert!(found.is_none() || found.as_ref() == versions.last(), "another than the newest");
        assert!(found.is_some() || bytes as u64 > size / 4, "lost");
    }
}

/// One bit of one record: it is a miss, and all others are there. It is changed back.
fn flip_one(files: &Files, segments: Segments, versions: &Versions, input: &mut Unstructured<'_>) -> Result<()> {
    let hashes: Vec<u64> = versions.keys().copied().filter(|&hash| segments.get(hash, hash).is_some()).collect();
    if hashes.is_empty() {
        return Ok(());
    }
    let hash = *input.choose(&hashes)?;
    let (segment, offset, len) = segments.place(hash, hash).expect("it was found");
    let (at, bit) = (offset as usize + input.int_in_range(0..=len as usize - 1)?, input.arbitrary()?);
    files.flip(segment, at, bit);
    assert_eq!(segments.get(hash, hash), None, "a changed record is found: byte {at} of {offset} + {len}");
    let others = hashes.iter().filter(|&&other| other != hash);
    assert!(others.clone().all(|&other| segments.get(other, other).as_ref() == versions[&other].last()));
    files.flip(segment, at, bit);
    Ok(())
}

fn read(segments: &Segments, versions: &Versions) {
    for hash in 0..=7 {
        let Some(found) = segments.get(hash, hash) else { continue };
        let is_one = versions.get(&hash).is_some_and(|versions| versions.contains(&found));
        assert!(is_one, "{hash}: nobody wrote this: {found:?}");
    }
    // A hash under the URL of another is another key.
    for (url, hash) in [(1, 2), (2, 1), (0, 0)] {
        assert!(segments.get(url, hash).is_none());
    }
}

fn damage(files: &Files, input: &mut Unstructured<'_>) -> Result<()> {
    if input.ratio(1, 8)? {
        files.swap();
    }
    for _ in 0..input.int_in_range(0..=3)? {
        let (kind, a, b): (u8, u32, u32) = (input.arbitrary()?, input.arbitrary()?, input.arbitrary()?);
        let (which, mut number): (u8, u8) = (input.arbitrary()?, 0);
        let any: [u8; 16] = input.arbitrary()?;
        files.damage(|bytes| {
            number += 1;
            if bytes.is_empty() || which % 4 + 1 != number {
                return;
            }
            let (a, b) = (a as usize % bytes.len(), b as usize % bytes.len());
            match kind % 6 {
                0 => bytes[a] ^= 1 << (b % 8),
                1 => bytes.truncate(a),
                // Torn: what was not written is zeros.
                2 => bytes[a..].fill(0),
                3 => {
                    let (from, to) = (a.min(b), a.max(b));
                    let piece = bytes[from..to].to_vec();
                    let at = any[0] as usize * bytes.len() / 256;
                    let end = (at + piece.len()).min(bytes.len());
                    bytes[at..end].copy_from_slice(&piece[..end - at]);
                }
                4 => {
                    let end = (a + any.len()).min(bytes.len());
                    bytes[a..end].copy_from_slice(&any[..end - a]);
                }
                _ => drop(bytes.splice(a..a, any)),
            }
        });
    }
    Ok(())
}

fn body(size: u64, input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let most = if size == LARGE { CHUNK * 2 + 10 } else { 9000 };
    let length = match input.int_in_range(0..=3)? {
        0 => 0,
        1 => input.int_in_range(1..=64)?,
        2 if size == LARGE => CHUNK,
        _ => input.int_in_range(0..=most)?,
    };
    let seed: u8 = input.arbitrary()?;
    Ok((0..length).map(|at| (at % 251) as u8 ^ seed).collect())
}

fn head(hash: u64, body: &[u8], input: &mut Unstructured<'_>) -> Result<Head> {
    let key: Box<[u8]> = short(input)?;
    if body.is_empty() && input.ratio(1, 4)? {
        let names: Vec<Box<str>> = (0..input.int_in_range(0..=3)?).map(|n| format!("x-{n}").into()).collect();
        return Ok(Head { key, url: TagHash(hash), content: Content::Variants(names) });
    }
    let lines = (0..input.int_in_range(0..=3)?).map(|_| Ok((short(input)?, short(input)?))).collect::<Result<_>>()?;
    let response = Response {
        status: input.arbitrary()?,
        fields: lines,
        stamp: Stamp { epoch: Epoch::new(input.arbitrary()?, input.arbitrary()?), local: input.arbitrary()? },
        tags: <Vec<u64>>::arbitrary(input)?.into_iter().take(20).map(TagHash).collect(),
        is_within_promise: input.arbitrary()?,
        times: Times {
            born: input.arbitrary()?,
            fresh_until: input.arbitrary()?,
            revalidate_until: input.arbitrary()?,
            error_until: input.arbitrary()?,
            ends: input.arbitrary()?,
            stale_forbidden: input.arbitrary()?,
            browser: match input.int_in_range(0..=3)? {
                0 => None,
                1 => Some(Browser::Respect),
                2 => Some(Browser::Override(input.arbitrary()?)),
                _ => Some(Browser::Revalidate),
            },
        },
        basis: Basis {
            kind: input.arbitrary()?,
            targeted: if input.arbitrary()? { Some("cdn-cache-control".into()) } else { None },
            entry: input.arbitrary()?,
            is_capped: input.arbitrary()?,
            is_ended: input.arbitrary()?,
        },
        body_len: body.len() as u64,
        sums: body.chunks(CHUNK).enumerate().map(|(number, chunk)| sum_of_chunk(number, chunk)).collect(),
    };
    Ok(Head { key, url: TagHash(hash), content: Content::Response(Box::new(response)) })
}

fn short(input: &mut Unstructured<'_>) -> Result<Box<[u8]>> {
    let length = input.int_in_range(0..=12)?;
    Ok(input.bytes(length.min(input.len()))?.into())
}
